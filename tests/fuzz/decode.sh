#!/bin/bash
# usage: tests/fuzz/decode.sh [RUNS]      frames of every link type, and tunnels, under libFuzzer
#
# Tries RUNS (default 400000) mutations of the frames of tests/captures. A find is left in
# build-fuzz/.
set -u
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-400000}
build="build-fuzz"

mkdir -p "$build/frames"
if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n){return d && n > 9 ? 0 : 0;}' |
	clang -fsanitize=fuzzer -x c -o "$build/probe" - 2>/dev/null; then
	echo "skipped: clang has no libFuzzer here (libclang-rt-14-dev)"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if ! clang -std=gnu11 -g -O1 -D_GNU_SOURCE -Isrc -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -o "$build/decode" tests/fuzz/decode.c src/capture/{link,wifi}.c; then
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi

# Each frame of the project's captures as decode.c takes it.
python3 - "$build/frames" <<'END'
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

if timeout 300 "$build/decode" -seed=1 -runs="$runs" -max_len=600 -timeout=10 \
	-artifact_prefix="$build/" "$build/frames" >"$build/log" 2>&1; then
	echo "ok $runs mutations"
	echo "1 passed, 0 failed, 0 skipped"
else
	echo "FAILED $runs mutations"
	tail -n 30 "$build/log"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
