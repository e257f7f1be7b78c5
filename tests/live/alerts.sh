#!/bin/bash
# Karma live, and what it keeps of an alert: a port scan over a veth pair, with other traffic beside
# it; karma explain tells it while Karma runs and afterwards; its capture holds the scan's packets,
# from before the alert on, none of bystanders, and is whole while Karma runs and after Ctrl-C. Needs
# root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=9
watched=karma-kept-$$ other=karma-attacker-$$
export TZ=UTC

needs nmap ping tcpdump
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$watched" "$other" 10.91.0
ip -n "$other" addr add 10.91.0.9/24 dev v0 # the attacker
ip -n "$other" addr add 10.91.0.7/24 dev v0 # a bystander
must_start run "$watched" run -i v0 --pcap-dir "$work/packets"

bystand() { inside "$other" ping -q -I 10.91.0.7 -i 0.2 -c 30 10.91.0.1 >/dev/null & }
bystand
sleep 1
inside "$other" nmap -n -Pn -sS -S 10.91.0.9 -e v0 10.91.0.1 >/dev/null 2>&1

# The alert's id, as soon as the terminal's line has it.
id=
for _ in $(seq 50); do
	id=$(sed -nE 's/.* ALERT ([0-9a-z]{8})  .*10\.91\.0\.9 -> 10\.91\.0\.1 .*/\1/p' "$work/run.out" | head -n 1)
	[ -n "$id" ] && break
	sleep 0.1
done
sleep 2
capture=$work/packets/$id.pcap

# read_packets: how many, of the scan, and of whom else; a capture that is cut fails.
packets_are_the_scans() {
	tcpdump -nr "$capture" >"$work/packets.txt" 2>"$work/tcpdump.err" || return
	grep -v '10\.91\.0\.9' "$work/packets.txt" | grep -v ARP && return 1
	grep -q '10\.91\.0\.7' "$work/packets.txt" && return 1
	[ "$(grep -cE '10\.91\.0\.9\.[0-9]+ > 10\.91\.0\.1\.[0-9]+: Flags \[S\]' "$work/packets.txt")" -ge 990 ] &&
		[ "$(grep -cE '10\.91\.0\.1\.[0-9]+ > 10\.91\.0\.9\.[0-9]+: Flags \[R\.\]' "$work/packets.txt")" -ge 990 ]
}

# The alert arose after some flows; those before it are there, too.
begins_before() {
	local first alert
	first=$(tcpdump -nttr "$capture" 2>/dev/null | head -n 1 | cut -d. -f1)
	alert=$("$karma" explain --json "$id" | python3 -c '
import datetime, json, sys
print(int(datetime.datetime.strptime(json.load(sys.stdin)["karma"]["first_flow"]["start"],
                                     "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()))')
	echo "capture from $first, alert $alert"
	[ "$first" -le "$alert" ]
}

explained() {
	"$karma" explain "$id" >"$work/explained" || return
	cat "$work/explained"
	grep -qE '^who +10\.91\.0\.9$' "$work/explained" &&
		grep -qE '^whom +10\.91\.0\.1$' "$work/explained" &&
		grep -qE '^technique +T1046 ' "$work/explained" &&
		grep -qE '^count +[0-9,]+ flows to [0-9,]+ ports in .*refused' "$work/explained" &&
		grep -qE "^packets +$capture\$" "$work/explained" &&
		[ "$(grep -cE '10\.91\.0\.9:[0-9]+ +-> 10\.91\.0\.1:[0-9]+ +tcp +RST' "$work/explained")" -ge 150 ]
}

# It is listed, and it has ended, or has not.
listed() { # ended|lasting
	local -A rest=([ended]='' [lasting]=', which has not ended')
	[ -n "$id" ] || return
	"$karma" explain | tee "$work/explained" | grep -q " $id  " || return
	"$karma" explain "$id" | tee "$work/explained" | grep -qxE "alert +$id${rest[$1]}"
}

check "the scan is an alert with an id" test -n "$id"
check "karma explain tells it while Karma runs" explained
check "and lists it as one that has not ended" listed lasting
check "its capture is whole while Karma runs, the scan's, and only the scanner's" packets_are_the_scans
check "it begins before the alert" begins_before
check "Ctrl-C ends it with status 0" stop run
check "afterwards the capture is whole" packets_are_the_scans
check "and karma explain lists the alert as ended" listed ended
check "what was kept is in the summary, and nothing was lost" \
	sh -c "grep -qE '[0-9,]+ packets kept in [0-9] capture' '$work/run.out' && grep -q 'nothing lost' '$work/run.out'"
finish
