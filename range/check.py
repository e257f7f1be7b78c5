#!/usr/bin/env python3
"""Which scenarios did what they are there for: check.py PCAP CHECKS TRUTH TABLE

CHECKS has a line for each that ran: name, the Ethernet address of its host, begin, end, and which of
the host's packets are expected: "any", "arp", "icmp", a port, or protocols with or without a port,
with commas between. A scenario fails with fewer than MIN of them in its time, and an attack that left no line in the
truth. Exit status 1 if one did."""

import struct
import sys

MIN = 4
PROTOCOLS = {1: "icmp", 58: "icmp", 6: "tcp", 17: "udp"}


def frames(path):
    """(seconds, frame) of each record of a pcap of this machine's byte order."""
    with open(path, "rb") as file:
        file.read(24)
        while head := file.read(16):
            sec, usec, length, _ = struct.unpack("=IIII", head)
            yield sec + usec / 1e6, file.read(length)


def kinds(frame):
    """What an Ethernet frame counts as."""
    ethertype = frame[12:14]
    if ethertype == b"\x08\x06":
        return {"any", "arp"}
    if ethertype == b"\x08\x00":
        protocol, at = frame[23], 14 + (frame[14] & 15) * 4
    elif ethertype == b"\x86\xdd":
        protocol, at = frame[20], 54
    else:
        return {"any"}
    name = PROTOCOLS.get(protocol, str(protocol))
    found = {"any", name}
    if name in ("tcp", "udp") and len(frame) >= at + 4:
        for port in struct.unpack_from(">HH", frame, at):
            found |= {str(port), f"{name}/{port}"}
    return found


def main():
    """See above."""
    pcap, checks, truth, table = sys.argv[1:5]
    runs, macs = [], {}
    with open(checks, encoding="ascii") as file:
        for line in file:
            name, mac, begin, end, expect = line.split()
            run = {"name": name, "begin": float(begin), "end": float(end),
                   "expect": set(expect.split(",")), "packets": 0}
            runs.append(run)
            macs.setdefault(bytes.fromhex(mac.replace(":", "")), []).append(run)
    with open(truth, encoding="ascii") as file:
        told = {line.split()[6] for line in file}
    with open(table, encoding="ascii") as file:
        attacks = {line.split()[0] for line in file if line.split()[1] != "benign"}
    for at, frame in frames(pcap):
        for mac in (frame[:6], frame[6:12]):
            for run in macs.get(mac, ()):
                if run["begin"] <= at <= run["end"] + 1 and kinds(frame) & run["expect"]:
                    run["packets"] += 1
    failed = 0
    for run in sorted(runs, key=lambda r: r["name"]):
        attack = run["name"] in attacks
        fine = run["packets"] >= MIN and (not attack or run["name"] in told)
        failed += not fine
        print(f"{'ok     ' if fine else 'FAILED '} {run['name']:20} {run['packets']:7} packets of "
              f"{','.join(sorted(run['expect']))} in {run['end'] - run['begin']:.1f} s"
              f"{'' if not attack or run['name'] in told else ', no line in the truth'}")
    print(f"{len(runs) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
