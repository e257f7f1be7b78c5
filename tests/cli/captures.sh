#!/bin/bash
# usage: tests/cli/captures.sh      captures of every kind: tunnels, link types, formats; and such
#                                   as are still being written
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

flows() { # arguments...: the rows' ends, protocol and packets in out, sorted
	timeout 60 "$karma" flows "$@" 2>"$work/err" </dev/null | tail -n +2 |
		cut -d, -f1-5,17,18 | sort >"$work/out"
}

rows() { # pattern: how many rows are like it
	grep -cE -- "$1" "$work/out"
}

# ---- tunnels ----

flows "$captures/links/tunnels.pcap"
check "tunnels: every flow in them" [ "$(rows '^10.1.0.2,420..,10.1.0.80,5000,udp,1,1$')" -eq 11 ]
check "tunnels: IPv6 in them" [ "$(rows '^fd00::2,420..,fd00::80,5000,udp,1,1$')" -eq 2 ]
check "tunnels: what is not understood inside" [ "$(rows '^192.0.2.1,.*,(4789,udp|0,gre),1,0$')" -eq 2 ]
check "tunnels: nothing else" [ "$(wc -l <"$work/out")" -eq 15 ]
flows --outer "$captures/links/tunnels.pcap"
check "outer: no flow in them" [ "$(rows ',420(0[0-8]|1[12]),')" -eq 0 ]
check "outer: GRE is one flow" [ "$(rows '^192.0.2.1,0,198.51.100.1,0,gre,5,4$')" -eq 1 ]
check "outer: IP in IP" [ "$(rows '^192.0.2.1,0,198.51.100.1,0,(ipnip|ipv6),1,1$')" -eq 2 ]
check "outer: IPv6 around IPv6" [ "$(rows '^2001:db8::1,0,2001:db8::2,0,ipv6,1,1$')" -eq 1 ]
check "outer: VXLAN both ways" [ "$(rows ',4789,udp,')" -eq 3 ]
check "outer: MPLS and PPPoE have no other" [ "$(rows '^10.1.0.2,420(09|10),')" -eq 2 ]

# ---- link types and formats ----

flows "$captures/links/wifi.pcap"
check "802.11: every flow" [ "$(rows '^10.1.0.2,4300[0-4],10.1.0.80,5000,udp,1,1$')" -eq 5 ]
check "802.11: nothing else" [ "$(wc -l <"$work/out")" -eq 5 ]
check "802.11: the others by cause" grep -q \
	"3 frames that are neither IP nor ARP; 2 encrypted 802.11 frames; 1 802.11 frame with a wrong" "$work/err"
flows "$captures/links/interfaces.pcapng"
check "interfaces: every flow" [ "$(rows '^10.1.0.2,4400[0-5],10.1.0.80,5000,udp,1,1$')" -eq 5 ]
check "interfaces: nothing else" [ "$(wc -l <"$work/out")" -eq 5 ]
check "interfaces: what is not understood is counted" grep -q "2 frames of a link type" "$work/err"

# ---- lost, or only counted ----

python3 - >"$work/stp.pcap" <<'END'
import struct, sys
frame = bytes.fromhex("0180c200000002000000000100264242030000000000") + bytes(38)
out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
for at in range(3):
    out += struct.pack("<IIII", 1700000000 + at, 0, len(frame), len(frame)) + frame
sys.stdout.buffer.write(out)
END
judged() { # capture
	KARMA_CONFIG="$work/none.conf" "$karma" read "$1" --eve "$work/lost.json" >"$work/out" 2>"$work/err"
}
losses() { # expression of the last stats
	python3 -c 'import json, sys; s = json.loads(open(sys.argv[1]).readlines()[-1])["stats"]; sys.exit(not eval(sys.argv[2]))' "$work/lost.json" "$1"
}
judged "$work/stp.pcap"
check "spanning tree is counted" grep -qx "counted: 3 frames that are neither IP nor ARP" "$work/out"
check "and is no loss" sh -c "grep -qx 'nothing lost' '$work/out' && ! grep -q '^lost' '$work/out'"
check "nor in EVE" losses 's["counted"]["not_ip"] == 3 and not any(s["lost"].values())'
judged "$captures/links/wifi.pcap"
check "802.11: a wrong checksum is a loss" grep -qx "lost: 1 802.11 frame with a wrong checksum" "$work/out"
check "what is encrypted is none" grep -qx "counted: 2 encrypted 802.11 frames" "$work/out"

# ---- still being written ----

end_reader() { # its exit status in $status
	kill -INT "$reader"
	wait "$reader"
	status=$?
}

# In pieces that end in the midst of a header, of a packet's header, of a packet.
pieces() { # file
	local from=0 to
	for to in 10 40 700 1501 "$(stat -c %s "$1")"; do
		tail -c +$((from + 1)) "$1" | head -c $((to - from))
		from=$to
		sleep 0.3
	done
}

for capture in "$captures/web.pcap" "$captures/links/interfaces.pcapng"; do
	: >"$work/growing"
	timeout 60 "$karma" flows --follow "$work/growing" >"$work/rows" 2>"$work/err" &
	reader=$!
	pids=("$reader")
	pieces "$capture" >>"$work/growing"
	sleep 0.5
	end_reader
	tail -n +2 "$work/rows" | cut -d, -f1-5,17,18 | sort >"$work/grown"
	check "growing ${capture##*/}: a good end" [ "$status" -eq 0 ]
	flows "$capture"
	check "growing ${capture##*/}: the same flows" cmp -s "$work/grown" "$work/out"
done

cp "$captures/web.pcap" "$work/growing"
for steps in "" --steps; do
	: >"$work/err" # it may begin late, and what is waited for is its own
	# shellcheck disable=SC2086 # none or one
	timeout 60 "$karma" flows $steps --follow "$work/growing" >"$work/rows$steps" 2>"$work/err" &
	reader=$!
	pids=("$reader")
	within 10 grep -q following "$work/err"
	sleep 3.5 # a closed connection lingers for 2 s
	end_reader
done
check "follow: what is open is looked at" grep -q "^10.1.0.2,40001,.*,look," "$work/rows--steps"
# shellcheck disable=SC2016 # an awk program
check "follow: what has closed is final in its time" awk -F, '
	NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
	$2 == 40002 { late = $column["at"] - $column["last"] }
	END { exit !(late > 1.9 && late < 2.6) }' "$work/rows"

: >"$work/err"
timeout 60 "$karma" read --follow --json "$work/growing" >"$work/eve" 2>"$work/err" &
reader=$!
pids=("$reader")
within 10 grep -q following "$work/err"
tail -c +25 "$captures/scan.pcap" >>"$work/growing"
check "read --follow: alerts while it grows" within 20 grep -q '"event_type":"alert"' "$work/eve"
check "read --follow: it goes on" kill -0 "$reader"
end_reader
check "read --follow: a good end" [ "$status" -eq 0 ]
check "read --follow: the figures" grep -q '"event_type":"stats"' "$work/eve"

mkfifo "$work/pipe"
: >"$work/eve"
timeout 60 "$karma" read --json - <"$work/pipe" >"$work/eve" 2>"$work/err" &
reader=$!
pids=("$reader")
exec 3>"$work/pipe"
cat "$captures/scan.pcap" >&3
check "standard input: alerts before its end" within 20 grep -q '"event_type":"alert"' "$work/eve"
exec 3>&-
wait "$reader"
check "standard input: a good end" [ $? -eq 0 ]

# Ctrl-C ends whoever writes and whoever reads: what came stays.
timeout 60 "$karma" flows - -o "$work/rows" <"$work/pipe" 2>"$work/err" &
reader=$!
pids=("$reader")
exec 3>"$work/pipe"
cat "$captures/scan.pcap" >&3
sleep 1
kill -INT "$(pgrep -P "$reader")"
wait "$reader"
check "standard input, interrupted: a good end" [ $? -eq 0 ]
exec 3>&-
"$karma" flows "$captures/scan.pcap" 2>/dev/null >"$work/all"
check "standard input, interrupted: all that came" cmp -s "$work/all" "$work/rows"
timeout 60 "$karma" read --json --scores "$work/scores" - <"$work/pipe" >"$work/eve" 2>"$work/err" &
reader=$!
pids=("$reader")
exec 3>"$work/pipe"
cat "$captures/scan.pcap" >&3
sleep 1
kill -INT "$(pgrep -P "$reader")"
wait "$reader"
check "read, standard input, interrupted: a good end" [ $? -eq 0 ]
exec 3>&-
check "read, standard input, interrupted: the scores are there" [ "$(wc -l <"$work/scores")" -gt 20 ]
check "read, standard input, interrupted: the figures" grep -q '"event_type":"stats"' "$work/eve"

for arguments in "$captures/web.pcap $captures/scan.pcap" "$captures"; do
	# shellcheck disable=SC2086 # words
	timeout 10 "$karma" flows --follow $arguments >"$work/out" 2>"$work/err"
	check "follow '$arguments': fails" [ $? -eq 1 ]
	check "follow '$arguments': one line" [ "$(grep -c 'takes one capture' "$work/err")" -eq 1 ]
done
timeout 10 "$karma" read --follow "$work/none.pcap" >"$work/out" 2>"$work/err"
check "follow what is not there: fails" [ $? -eq 1 ]
check "follow what is not there: one line" [ "$(wc -l <"$work/err")" -eq 1 ]

finish
