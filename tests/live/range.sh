#!/bin/bash
# The range's scenarios work: four kinds of benign work and six of attack, drawn anew each time, make
# the packets that they are there for (range/range.sh check does so for all). Less than a minute. Needs
# root; says why where it is skipped, and leaves out what needs a tool that is not installed.
#
# range.sh [SEED]
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=10
seed=${1:-$RANDOM}

# program TOOL: what it is called.
program() {
	case $1 in
	netcat) echo nc ;;
	mosquitto) echo mosquitto_pub ;;
	httptunnel) echo htc ;;
	dns2tcp) echo dns2tcpc ;;
	talk | strike | forge) echo python3 ;;
	*) echo "$1" ;;
	esac
}

# draw CLASS-PATTERN N: N names of those whose tool is there.
draw() {
	range/range.sh list | while read -r name class _ _ tool _; do
		# shellcheck disable=SC2053 # a pattern
		[[ $class = $1 ]] && command -v "$(program "$tool")" >/dev/null && echo "$name"
	done | shuf -n "$2" --random-source=<(yes "$seed")
}

needs nft nginx sshd vsftpd dnsmasq dovecot redis-server tinyproxy mosquitto iperf3 tcpdump
make_spaces "karma-probe-$$"

mapfile -t names < <(draw benign 4; draw '[A-Z]*' 6)
echo "seed $seed: ${names[*]}"
timeout -k 10 120 range/range.sh check -s "$seed" -t 12 "${names[@]}"
