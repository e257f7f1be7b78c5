#!/bin/bash
# usage: tests/fuzz/model.sh [RUNS]      the model file's decoder, under libFuzzer
#
# Tries RUNS (default 200000) mutations of a small model. A find is left in build-fuzz/.
set -u
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-200000}
build="build-fuzz"
passed=0 failed=0 skipped=0

closing() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

mkdir -p "$build/model-corpus" "$build/model-seeds"
if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n){return d && n > 9 ? 0 : 0;}' |
	clang -fsanitize=fuzzer -x c -o "$build/probe-model" - 2>/dev/null; then
	echo "skipped: clang has no libFuzzer here (libclang-rt-14-dev)"
	skipped=1
	closing
fi
if ! clang -std=gnu11 -g -O1 -D_GNU_SOURCE -DKARMA_NO_CLONES -Isrc \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o "$build/model" \
	tests/fuzz/model.c src/lstm/{model,lstm,batch,calibration}.c src/lstm/kernel*.c src/util/{error,outfile}.c -ljansson -lz -lm; then
	failed=1
	closing
fi

# One input, one layer of one cell, two classes: 16 weights. The fuzzer puts the check sum right.
header='{"shape":{"inputs":1,"layers":1,"hidden":1,"classes":2},"classes":["Normal","b"],"attack":{"slope":1,"offset":0},"temperature":1}'
{
	printf 'KARMALSM\001\0\0\0'
	printf '%b' "\\x$(printf %02x "${#header}")\\0\\0\\0"
	printf '%s' "$header"
	head -c 68 /dev/zero
} >"$build/model-seeds/small"
printf '"%s"\n' inputs layers hidden classes temperature attack slope offset shape KARMALSM >"$build/model-dict.txt"

if timeout 300 "$build/model" -seed=1 -runs="$runs" -max_len=1000 -timeout=10 -rss_limit_mb=1024 \
	-dict="$build/model-dict.txt" -artifact_prefix="$build/" "$build/model-corpus" \
	"$build/model-seeds" >"$build/model-log" 2>&1; then
	passed=1
	echo "ok $runs mutations"
else
	failed=1
	echo "FAILED $runs mutations"
	tail -n 30 "$build/model-log"
fi
closing
