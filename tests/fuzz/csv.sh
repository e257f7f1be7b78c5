#!/bin/bash
# usage: tests/fuzz/csv.sh [RUNS]      the CSV reader, under libFuzzer
#
# Tries RUNS (default 30000) mutations of small files in each of the three forms. A find is left in
# build-fuzz/.
set -u
cd "$(dirname "$0")/../.." || exit 1
runs=${1:-30000}
build="build-fuzz"
passed=0 failed=0 skipped=0

closing() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}

mkdir -p "$build/csv-corpus" "$build/csv-seeds"
sources=(src/feature/{csv,dissect,encode,feature,features,service,unsw,value}.c src/flow/{names,record}.c
	src/util/{error,number,room}.c)
if ! echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n){return d && n > 9 ? 0 : 0;}' |
	clang -fsanitize=fuzzer -x c -o "$build/probe-csv" - 2>/dev/null; then
	echo "skipped: clang has no libFuzzer here (libclang-rt-14-dev)"
	skipped=1
	closing
fi
if ! clang -std=gnu11 -g -O1 -D_GNU_SOURCE -Isrc -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -o "$build/csv" tests/fuzz/csv.c "${sources[@]}" \
	-ljansson -lndpi -lnettle -lm; then
	failed=1
	closing
fi

names='srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,Spkts,Dpkts,Sintpkt,Stime,Ltime'
cat >"$build/csv-seeds/partition" <<-end
	id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sinpkt,sjit,attack_cat,label
	1,0.001119,udp,dns,CON,2,2,146,178,2680.965,0.017,0,Normal,0
	2,0.000008,unas,-,INT,2,0,1762,0,1.25e5,0.008,0, Fuzzers,1
end
cat >"$build/csv-seeds/raw" <<-end
	$names,service,ct_src_ ltm,attack_cat,Label
	59.166.0.0,1390,149.171.126.6,0x35,udp,CON,0.001,132,164,2,2,0.017,1421927414,1421927414,dns,3,,0
	2001:db8::1,-,"::1",80,tcp,FIN,1.5,132,164,3,3,,1421927414,1421927415,-, ,Backdoors,1
end
cat >"$build/csv-seeds/karma" <<-end
	$names,flow_id,event,at,first,last,actor,src_ports_2s
	10.0.0.1,1,10.0.0.2,2,tcp,RST,0.1,40,40,1,1,0,1,1,9007199254740991,final,1.123456789,1,1,10.0.0.1,7
	10.0.0.1,1,10.0.0.2,2,tcp,REQ,0.1,40,0,1,0,0,1,1,1,look,1.1,1,1,,1
end
tr ',' '\n' <<<"$names" | sed 's/.*/"&"/' >"$build/csv-dict.txt"

if timeout 300 "$build/csv" -seed=1 -runs="$runs" -max_len=4000 -timeout=10 -rss_limit_mb=1024 \
	-dict="$build/csv-dict.txt" -artifact_prefix="$build/" "$build/csv-corpus" \
	"$build/csv-seeds" >"$build/csv-log" 2>&1; then
	passed=1
	echo "ok $runs mutations"
else
	failed=1
	echo "FAILED $runs mutations"
	tail -n 30 "$build/csv-log"
fi
closing
