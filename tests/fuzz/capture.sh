#!/bin/bash
# usage: tests/fuzz/capture.sh [RUNS]      the way from a capture to records, under libFuzzer
#
# Replays the malformed captures of the corpus where it is, then tries RUNS (default 20000)
# mutations of them and of tests/captures. A find is left in build-fuzz/.
set -u
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-20000}
shared=${KARMA_SHARED:-../shared}
build="build-fuzz"
passed=0 failed=0 skipped=0

closing() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

check() { # name command...
	local name=$1
	shift
	if "$@" >"$build/log" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		tail -n 30 "$build/log"
	fi
}

mkdir -p "$build/corpus"
sources=(src/capture/{file,link,pcapfile,pcapng,stream,wifi}.c src/feature/{dissect,service}.c
	src/flow/{counter,names,record,table}.c src/util/{error,room}.c)
if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n){return d && n > 9 ? 0 : 0;}' |
	clang -fsanitize=fuzzer -x c -o "$build/probe" - 2>/dev/null; then
	echo "skipped: clang has no libFuzzer here (libclang-rt-14-dev)"
	skipped=1
	closing
fi
if ! clang -std=gnu11 -g -O1 -D_GNU_SOURCE -Isrc -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -o "$build/capture" tests/fuzz/capture.c "${sources[@]}" -lndpi -lpcap; then
	failed=1
	closing
fi

seeds=(tests/captures)
if [ -d "$shared/corpus/malformed" ]; then
	seeds+=("$shared/corpus/malformed")
	# Replayed one by one in one process: files given by name are run, not mutated.
	check "malformed captures of the corpus" "$build/capture" "$shared"/corpus/malformed/*
else
	echo "skipped: no corpus of malformed captures at $shared"
	skipped=1
fi
check "$runs mutations" timeout 300 "$build/capture" -seed=1 -runs="$runs" -max_len=20000 \
	-timeout=10 -rss_limit_mb=1024 -artifact_prefix="$build/" "$build/corpus" "${seeds[@]}"
closing
