#!/bin/bash
# Karma at work, within a minute: demo.sh [KARMA]
#
# Builds the range, starts `karma run` on its gateway, lets the hosts work, then has one of them
# attack. What Karma says stands beneath what happens. Everything is torn down at the end.
set -u

# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
# shellcheck source=scenarios.sh
. "$range_home/scenarios.sh"

karma=${1:-$range_home/../build/karma}
bold='' plain=''
[[ -t 1 ]] && bold=$'\e[1m' plain=$'\e[0m'

tell() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# start_karma: on the gateway's inner side; waits until it watches.
start_karma() {
	local waited=0
	: >"$range_dir/karma.log"
	ip netns exec "$range_id-gateway" "$karma" run -i lan --no-history 2>"$range_dir/karma.log" &
	karma_job=$!
	range_jobs+=("$karma_job")
	until grep -q 'watching' "$range_dir/karma.log"; do
		sleep 0.1
		if ((++waited >= 150)) || ! kill -0 "$karma_job" 2>/dev/null; then
			die "karma did not start: $(tail -n 1 "$range_dir/karma.log")"
		fi
	done
}

# start_work: five hosts work until the end.
start_work() {
	local n names
	mapfile -t names < <(range_list benign all)
	deadline=$((EPOCHSECONDS + 50))
	for n in 1 2 3 4 5; do
		range_job work "h$n" "$((RANDOM + n))" "${names[@]}" </dev/null >/dev/null 2>&1
	done
}

# strike SECONDS HOST COMMAND...: an attack; after it Karma has a moment to speak.
strike() {
	on "$@" </dev/null >/dev/null 2>&1
	sleep 2
}

end_karma() {
	kill -INT "$karma_job"
	wait "$karma_job"
}

((EUID == 0)) || die "the demo makes network namespaces: run it as root (sudo)"
range_needs nmap hping3 hydra slowhttptest curl wget dig ssh sshpass lftp ping mosquitto_pub
[[ -x $karma ]] || die "no program at $karma; run 'make'"
range_possible || die "this kernel or container lets nobody make network namespaces"
trap range_down EXIT
trap 'exit 1' INT TERM HUP

tell "A small network in namespaces of this machine: nine hosts, a gateway, servers."
range_offload=yes
range_up "$RANDOM" 9
cd "$range_dir" || exit 1
start_karma
tell "Karma watches the gateway. Five hosts work: web, DNS, mail, SSH, files, databases, monitoring."
start_work
sleep 15
tell "${addr4[h6]} scans a server:  nmap -sS ${addr4[s1]}"
strike 12 h6 nmap -n -sS "${addr4[s1]}"
tell "${addr4[h7]} floods a web server for 3 s:  hping3 -S -p 80 ${addr4[s2]}"
strike 3 h7 hping3 -q -n -S -p 80 -i u1000 "${addr4[s2]}"
tell "${addr4[h8]} guesses passwords for 12 s:  hydra ssh://${addr4[s3]}"
strike 12 h8 hydra -I -q -L "$range_dir/names" -P "$range_dir/words" "ssh://${addr4[s3]}"
tell "${addr4[h9]} looks for web servers:  nmap -sS -p 80 $server_net"
strike 8 h9 nmap -n -Pn -sS -p 80 "$server_net"
tell "That was it. Karma's summary:"
end_karma
