#!/bin/bash
# usage: tests/fuzz/csv.sh [RUNS]      the CSV reader, under libFuzzer
#
# Tries RUNS (default 30000) mutations of small files in each of the three forms. A find is left in
# build-fuzz/.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
runs=${1:-30000}

fuzzer csv src/feature/{csv,dissect,encode,feature,features,service,unsw,value}.c src/flow/{names,record}.c \
	src/util/{error,number,room}.c -ljansson -lndpi -lnettle -lm
mkdir -p "build-fuzz/csv-corpus" "build-fuzz/csv-seeds"
names='srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,Spkts,Dpkts,Sintpkt,Stime,Ltime'
cat >"build-fuzz/csv-seeds/partition" <<-end
	id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,rate,sinpkt,sjit,attack_cat,label
	1,0.001119,udp,dns,CON,2,2,146,178,2680.965,0.017,0,Normal,0
	2,0.000008,unas,-,INT,2,0,1762,0,1.25e5,0.008,0, Fuzzers,1
end
cat >"build-fuzz/csv-seeds/raw" <<-end
	$names,service,ct_src_ ltm,attack_cat,Label
	59.166.0.0,1390,149.171.126.6,0x35,udp,CON,0.001,132,164,2,2,0.017,1421927414,1421927414,dns,3,,0
	2001:db8::1,-,"::1",80,tcp,FIN,1.5,132,164,3,3,,1421927414,1421927415,-, ,Backdoors,1
end
cat >"build-fuzz/csv-seeds/karma" <<-end
	$names,flow_id,event,at,first,last,actor,src_ports_2s
	10.0.0.1,1,10.0.0.2,2,tcp,RST,0.1,40,40,1,1,0,1,1,9007199254740991,final,1.123456789,1,1,10.0.0.1,7
	10.0.0.1,1,10.0.0.2,2,tcp,REQ,0.1,40,0,1,0,0,1,1,1,look,1.1,1,1,,1
end
tr ',' '\n' <<<"$names" | sed 's/.*/"&"/' >"build-fuzz/csv-dict.txt"

fuzz csv "$runs" -max_len=4000 -dict="build-fuzz/csv-dict.txt" "build-fuzz/csv-corpus" "build-fuzz/csv-seeds"
finish
