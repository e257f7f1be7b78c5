#!/bin/bash
# usage: tests/reference/ct.sh    the ct_* counters against a slice of UNSW-NB15's raw rows
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=1
slice=$shared/data/unsw-nb15/raw-slice.csv

[ -r "$slice" ] || skip_all "no UNSW-NB15 rows at $slice"
compile tests/reference/ct.c
"$work/ct" "$slice"
