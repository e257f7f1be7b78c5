#!/bin/bash
# usage: tests/fuzz/model.sh [RUNS]      the model file's decoder, under libFuzzer
#
# Tries RUNS (default 200000) mutations of a small model. A find is left in build-fuzz/.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
runs=${1:-200000}

fuzzer model src/lstm/{model,lstm,batch,calibration}.c src/lstm/kernel*.c src/util/{error,outfile}.c \
	-ljansson -lz -lm
mkdir -p "build-fuzz/model-corpus" "build-fuzz/model-seeds"

# One input, one layer of one cell, two classes: 16 weights. The fuzzer puts the check sum right.
header='{"shape":{"inputs":1,"layers":1,"hidden":1,"classes":2},"classes":["Normal","b"],"attack":{"slope":1,"offset":0},"temperature":1}'
{
	printf 'KARMALSM\001\0\0\0'
	printf '%b' "\\x$(printf %02x "${#header}")\\0\\0\\0"
	printf '%s' "$header"
	head -c 68 /dev/zero
} >"build-fuzz/model-seeds/small"
printf '"%s"\n' inputs layers hidden classes temperature attack slope offset shape KARMALSM >"build-fuzz/model-dict.txt"

fuzz model "$runs" -max_len=1000 -dict="build-fuzz/model-dict.txt" "build-fuzz/model-corpus" "build-fuzz/model-seeds"
finish
