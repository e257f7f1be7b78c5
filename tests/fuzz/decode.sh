#!/bin/bash
# usage: tests/fuzz/decode.sh [RUNS]      frames of every link type, and tunnels, under libFuzzer
#
# Tries RUNS (default 400000) mutations of the frames of tests/captures. A find is left in
# build-fuzz/.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
runs=${1:-400000}

fuzzer decode src/capture/{link,wifi}.c
mkdir -p build-fuzz/frames
# Each frame of the project's captures as decode.c takes it.
python3 - build-fuzz/frames <<'END'
import glob, struct, sys

LINKS = {1: 0, 101: 1, 0: 2, 127: 7}
for path in glob.glob("tests/captures/*.pcap") + glob.glob("tests/captures/links/*.pcap"):
    data = open(path, "rb").read()
    link, at = struct.unpack("<I", data[20:24])[0], 24
    for number in range(60):
        if at + 16 > len(data):
            break
        caught = struct.unpack("<I", data[at + 8:at + 12])[0]
        name = "%s/%s-%d" % (sys.argv[1], path.replace("/", "_"), number)
        open(name, "wb").write(bytes([LINKS[link], 0, 0, 0]) + data[at + 16:at + 16 + caught])
        at += 16 + caught
END

fuzz decode "$runs" -max_len=600 build-fuzz/frames
finish
