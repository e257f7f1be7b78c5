#!/bin/bash
# usage: tests/cli/flows.sh      karma flows as a user meets it: columns, rows, labels, errors
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

flows() { # arguments...: status in $status, output in out and err
	run "$karma" flows "$@"
}

column() { # name: its values
	awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next }
		{ print $at }' "$work/out"
}

says() { # words: they stand in one line of standard error
	[ "$(wc -l <"$work/err")" -eq 1 ] && grep -qF -- "$1" "$work/err"
}

raw=srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,sttl,dttl,sloss,dloss,service,Sload
raw+=,Dload,Spkts,Dpkts,swin,dwin,stcpb,dtcpb,smeansz,dmeansz,trans_depth,res_bdy_len,Sjit,Djit
raw+=,Stime,Ltime,Sintpkt,Dintpkt,tcprtt,synack,ackdat,is_sm_ips_ports,ct_state_ttl
raw+=,ct_flw_http_mthd,is_ftp_login,ct_ftp_cmd,ct_srv_src,ct_srv_dst,ct_dst_ltm,ct_src_ltm
raw+=,ct_src_dport_ltm,ct_dst_sport_ltm,ct_dst_src_ltm,attack_cat,Label

flows "$captures/web.pcap"
check "web: done" [ "$status" -eq 0 ]
check "the 49 raw columns come first" [ "$(head -n 1 "$work/out" | cut -d, -f1-49)" = "$raw" ]
check "as many fields in every row" [ "$(awk -F, '{ print NF }' "$work/out" | sort -u | wc -l)" -eq 1 ]
check "web: a row a flow" [ "$(column proto | sort | xargs)" = "arp tcp tcp udp" ]
check "web: states" [ "$(column state | sort | xargs)" = "CON CON FIN RST" ]
check "web: services" [ "$(column service | sort | xargs)" = "- - dns http" ]
check "web: the repeated segment" [ "$(column dloss | sort -n | tail -n 1)" -eq 1 ]
check "web: no label known" [ -z "$(column attack_cat | tr -d '\n')" ]
check "web: the totals" says "4 rows from 20 packets, 4 flows"

flows "$captures/long.pcap"
check "long: a record spans less than a minute" [ "$(column event | sort | uniq -c | xargs)" = "6 final" ]
check "long: two flows" [ "$(column flow_id | sort -u | wc -l)" -eq 2 ]
flows --steps "$captures/long.pcap"
check "steps: looks too" [ "$(column event | sort -u | xargs)" = "closed final look" ]
check "steps: only with news" [ "$(column news | sort -u | xargs)" = 1 ]

flows "$captures/services.pcap"
check "services: each of them" [ "$(column service | sort | xargs)" = \
	"- dhcp dns ftp ftp-data http irc pop3 radius smtp snmp ssh ssl" ]
check "services: finer names" [ "$(column app | sort | xargs)" = \
	"dhcp dns ftp ftp-data http irc mqtt pop3 radius smtp snmp ssh tls" ]
check "services: what HTTP and FTP did" [ "$(cut -d, -f14,25,26,38,39,40 "$work/out" |
	grep -E '^(http|ftp),' | sort | xargs)" = "ftp,0,0,0,1,1 http,1,20,1,0,0" ]

all=0
for capture in "$captures"/*.pcap; do
	flows "$capture"
	all=$((all + $(column srcip | wc -l)))
done
flows "$captures"
check "a directory is all its captures" [ "$(column srcip | wc -l)" -eq "$all" ]
timeout 60 "$karma" flows - <"$captures/web.pcap" >"$work/out" 2>"$work/err"
check "standard input" [ "$(column proto | wc -l)" -eq 4 ]

cat >"$work/truth" <<-END
	# what ran
	1699999999 1700000000.25 10.1.0.2 10.1.0.80 Reconnaissance tcp scan-syn
	1700000000.29 1700000001 * 10.1.0.0/16 Brute_Force
END
flows --truth "$work/truth" "$captures/scan.pcap"
check "truth: labels" [ "$(column attack_cat | sort | uniq -c | xargs)" = "3 Brute Force 20 Reconnaissance" ]
flows --truth "$work/truth" "$captures/long.pcap"
check "truth: all else is Normal" grep -q ',Normal,0,' "$work/out"
echo "1 2 3" >"$work/truth"
flows --truth "$work/truth" -o "$work/x.csv" "$captures/scan.pcap"
check "truth: a bad line is named" says "truth:1:"
check "truth: a bad line fails" [ "$status" -eq 1 ]
echo "1 2 * * Mischief" >"$work/truth"
flows --truth "$work/truth" -o "$work/x.csv" "$captures/scan.pcap"
check "truth: no such category" says "truth:1: there is no category 'Mischief'; give one of Normal, Recon"
check "truth: nothing is written" [ -z "$(find "$work" -name 'x.csv*')" ]

flows -o "$work/x.csv" "$captures/web.pcap"
check "-o: the file" [ "$(wc -l <"$work/x.csv")" -eq 5 ]
check "-o: nothing else" [ ! -s "$work/out" ]

head -c 1500 "$captures/web.pcap" >"$work/cut.pcap"
flows -o "$work/cut.csv" "$work/cut.pcap"
check "truncated: fails" [ "$status" -eq 1 ]
check "truncated: says so" grep -q "cut.pcap: truncated.*were read" "$work/err"
check "truncated: what was whole is written" [ "$(wc -l <"$work/cut.csv")" -gt 1 ]

flows -o "$work/none.csv" "$work/none.pcap"
check "missing: fails" [ "$status" -eq 1 ]
check "missing: one line" says "none.pcap: not readable as a capture: No such file or directory; check the name"
check "missing: nothing is written" [ -z "$(find "$work" -name 'none.csv*')" ]
flows "$work/none.pcap" "$captures/web.pcap"
check "one of two missing: fails, and the other is read" [ "$status $(column proto | wc -l)" = "1 4" ]
gzip -c "$captures/web.pcap" >"$work/web.pcap.gz"
flows "$work/web.pcap.gz"
check "compressed: fails" [ "$status" -eq 1 ]
check "compressed: what to do" says "web.pcap.gz: compressed; gunzip it first"
printf '\x1f' >"$work/one"
flows "$work/one"
check "a byte that might begin one" says "give a pcap or pcapng file"
flows -o "$work/no/such/folder.csv" "$captures/web.pcap"
check "no folder: one line" says "cannot be written"
if [ -c /dev/full ]; then
	flows "$captures/web.pcap" -o /dev/full
	check "disk full: fails" [ "$status" -eq 1 ]
	check "disk full: the device is still one" [ -c /dev/full ]
fi

for arguments in "" "--nonsense x" "-o" "-i lo x.pcap" "-i lo --follow"; do
	# shellcheck disable=SC2086 # words
	flows $arguments
	check "usage '$arguments'" [ "$status" -eq 2 ]
	check "usage '$arguments': one line" says "karma help flows"
done
flows -i nosuchinterface
check "no interface: fails" [ "$status" -eq 1 ]
check "no interface: one line" [ "$(wc -l <"$work/err")" -eq 1 ]

finish
