#!/usr/bin/env python3
"""The programs at TCX's hooks in this network namespace, which Debian 12's bpftool does not know:
BPF_PROG_QUERY for each interface. A line for each hook that has some."""
import ctypes, platform, socket, struct

SYSCALL = {"x86_64": 321, "aarch64": 280}[platform.machine()]
for index, name in socket.if_nameindex():
    for hook, text in ((46, "ingress"), (47, "egress")):
        attr = ctypes.create_string_buffer(struct.pack("<IIII", index, hook, 0, 0), 128)
        # -1: a kernel without TCX
        if ctypes.CDLL(None).syscall(SYSCALL, 16, attr, 128) == 0:
            count = struct.unpack_from("<I", attr, 24)[0]
            if count:
                print(f"{name}: {count} programs at TCX {text}")
