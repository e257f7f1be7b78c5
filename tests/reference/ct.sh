#!/bin/bash
# usage: tests/reference/ct.sh    the ct_* counters against a slice of UNSW-NB15's raw rows
set -u
cd "$(dirname "$0")/../.." || exit 1
slice=${KARMA_SHARED:-../shared}/data/unsw-nb15/raw-slice.csv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -r "$slice" ]; then
	echo "skipped: no UNSW-NB15 rows at $slice"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
if ! cc -std=gnu11 -O2 -D_GNU_SOURCE -Wall -Wextra -Werror -Isrc -o "$work/ct" tests/reference/ct.c \
	build/libkarma.a -ljansson -lndpi -lnettle -lm; then
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
fi
"$work/ct" "$slice"
