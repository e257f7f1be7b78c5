#!/bin/bash
# Karma live, in the range: two minutes of mixed work are quiet; a port scan is reported within two
# seconds of its end, a SYN flood and password guessing are reported, each with attacker, target
# and class; Ctrl-C ends it with nothing left behind. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=range/net.sh
. range/net.sh
# shellcheck source=range/scenarios.sh
. range/scenarios.sh

tests=9
quiet_seconds=120
# They have no other task; the hosts before them work.
declare -A attacker=([scan]=h7 [flood]=h8 [guess]=h9)

# alerts: the alerts so far, a line each: attacker target class (attacker "many" where unknown).
alerts() {
	python3 - "$range_dir/eve.json" <<-'END'
		import json, sys

		for line in open(sys.argv[1]):
		    event = json.loads(line)
		    if event["event_type"] == "alert":
		        print(event.get("src_ip", "many"), event["dest_ip"], event["alert"]["category"])
	END
}

# reported SECONDS HOST SERVER CLASS: within so many seconds from now?
reported() {
	local until=$((${EPOCHREALTIME/./} + $1 * 1000000))
	while :; do
		grep -qxF "${addr4[$2]} ${addr4[$3]} $4" <<<"$(alerts)" && return
		((${EPOCHREALTIME/./} < until)) || break
		sleep 0.1
	done
	echo "  alerts so far:"
	alerts | sort | uniq -c | sed 's/^/  /'
	return 1
}

no_alert() {
	local all
	all=$(alerts)
	[[ -z $all ]] && return
	sort <<<"$all" | uniq -c | sed 's/^/  /'
	return 1
}

# only_attackers: does every alert name one of the attackers?
only_attackers() {
	local others
	others=$(alerts | grep -vE "^(${addr4[h7]}|${addr4[h8]}|${addr4[h9]}) ")
	[[ -z $others ]] && return
	sort <<<"$others" | uniq -c | sed 's/^/  /'
	return 1
}

# start_work SECONDS: six hosts do work of every kind.
start_work() {
	local n names
	mapfile -t names < <(range_list benign all)
	deadline=$((EPOCHSECONDS + $1))
	workers=()
	for n in 1 2 3 4 5 6; do
		range_job work "h$n" "$((seed * 10 + n))" "${names[@]}" </dev/null >/dev/null 2>&1
		workers+=("${range_jobs[-1]}")
	done
}

# ended_cleanly: status 0 soon after SIGINT, and a summary.
ended_cleanly() {
	local begun=$SECONDS
	stop karma && ((SECONDS - begun <= 10)) && grep -q 'records judged' "$work/karma.out"
}

attached() { # prints what is attached in the gateway
	{
		inside gateway python3 "$root/tests/live/tcx.py"
		inside gateway tc filter show dev lan ingress
		inside gateway tc filter show dev lan egress
		inside gateway tc qdisc show dev lan | grep clsact
		inside gateway ip link show lan | grep xdp
		inside gateway bpftool net | grep -E '^[a-z0-9]+\('
	} 2>/dev/null
}

nothing_attached() {
	local left
	left=$(attached)
	[[ -z $left ]] && return
	echo "$left"
	return 1
}

nothing_left() {
	! compgen -G "/run/netns/$range_id-*" >/dev/null
}

needs nmap hping3 hydra curl dig sshpass lftp mosquitto_pub wget ping tc bpftool
range_possible || skip_all "network namespaces cannot be made here"
[[ -e models/default.karma ]] || skip_all "there is no models/default.karma"

trap 'range_down; clean' EXIT
seed=$RANDOM
echo "seed $seed"
range_offload=yes
range_up "$seed" 9
cd "$range_dir" || exit 1
must_start karma "$range_id-gateway" run -i lan --eve "$range_dir/eve.json"
check "its programs are attached" test -n "$(attached)"

start_work "$quiet_seconds"
wait "${workers[@]}"
check "$quiet_seconds s of mixed work by six hosts give no alert" no_alert

start_work 90
on 20 "${attacker[scan]}" nmap -n -sS "${addr4[s1]}" >/dev/null
check "nmap -sS of 1,000 ports is Reconnaissance within 2 s of its end" \
	reported 2 "${attacker[scan]}" s1 Reconnaissance
on 5 "${attacker[flood]}" hping3 -q -n -S -p 80 -i u1000 "${addr4[s2]}" >/dev/null 2>&1
check "a SYN flood is DoS" reported 5 "${attacker[flood]}" s2 DoS
# Two rounds: hydra pauses for 32 s when sshd has refused each of its connections six passwords.
on 40 "${attacker[guess]}" hydra -I -q -t 4 -L "$range_dir/names" -P "$range_dir/words" \
	"ssh://${addr4[s3]}" >/dev/null 2>&1
check "guessing SSH passwords is Brute Force" reported 5 "${attacker[guess]}" s3 "Brute Force"
wait "${workers[@]}"
check "nobody else is accused meanwhile" only_attackers

check "Ctrl-C ends it with status 0 and a summary" ended_cleanly
check "no program stays on the interface" nothing_attached
range_down
trap clean EXIT
check "no namespace stays" nothing_left
finish
