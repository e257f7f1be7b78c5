#!/bin/bash
# usage: tests/fuzz/web.sh [RUNS]      the dashboard's parsers of requests, under libFuzzer
#
# Tries RUNS (default 200000) mutations of headers, arguments and fields. A find is left in
# build-fuzz/.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
runs=${1:-200000}

fuzzer web src/web/{auth,query,story}.c src/output/history_tally.c build/libkarma.a -lmicrohttpd -lsqlite3 -ljansson \
	-lndpi -lnettle -lz -lm -lpthread
mkdir -p build-fuzz/web-corpus build-fuzz/web-seeds
n=0
for seed in 'a127.0.0.1:7766' 'a[::1]:7766' 'ahttp://127.0.0.1:7766' 'aBearer 0123456789abcdef' 'a0.0.0.0:443' \
	'asince=2h&until=1700000000&host=10.0.0.0/8&class=DoS&mark=ack&confidence=0.5&text=a b&sort=last&way=up&skip=1&limit=2' \
	'a3pjgsqnt' 'a=1+1,"x"'; do
	for first in B C D E F G; do
		printf '%s' "$first${seed#a}" >"build-fuzz/web-seeds/$n"
		n=$((n + 1))
	done
done
fuzz web "$runs" -max_len=600 build-fuzz/web-corpus build-fuzz/web-seeds
finish
