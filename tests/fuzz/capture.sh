#!/bin/bash
# usage: tests/fuzz/capture.sh [RUNS]      the way from a capture to records, under libFuzzer
#
# Replays the malformed captures of the corpus where it is, then tries RUNS (default 20000)
# mutations of them and of tests/captures. A find is left in build-fuzz/.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
runs=${1:-20000}

fuzzer capture src/capture/{file,link,pcapfile,pcapng,stream,wifi}.c src/feature/{dissect,service}.c \
	src/flow/{counter,names,record,table}.c src/util/{error,room}.c -DSTREAM_PIECE=1024 -lndpi -lpcap
mkdir -p build-fuzz/corpus
seeds=("$captures")
if [ -d "$shared/corpus/malformed" ]; then
	seeds+=("$shared/corpus/malformed")
	# Replayed one by one in one process: files given by name are run, not mutated.
	check "malformed captures of the corpus" build-fuzz/capture "$shared"/corpus/malformed/*
else
	skip 1 "no corpus of malformed captures at $shared"
fi
fuzz capture "$runs" -max_len=20000 build-fuzz/corpus "${seeds[@]}"
finish
