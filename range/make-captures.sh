#!/bin/bash
# Make the small captures that tests/cli/range.sh reads: make-captures.sh [DIR [SEED]]
#
# NAME.pcap and NAME.truth for some scenarios of the part "train", nine of attacks among the work of
# two hosts and nine of benign work, each cut after some packets. DIR: tests/captures/range.
set -u

# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
# shellcheck source=scenarios.sh
. "$range_home/scenarios.sh"

dir=$(realpath -m "${1:-$range_home/../tests/captures/range}")
seed=${2:-2}
seconds=10
packets=1300 # about 150 kB
attacks=(nmap_syn sweep_port slow_headers hydra_ftp dirs_gobuster exploit_back worm_tcp exfil_dns
	flood_syn_random)
work=(web_wide resolver ssh_shell mail_read chat video ssh_typo retry_busy health_round)

# one NAME: h3 does it; where it is an attack, h1 and h2 work meanwhile.
one() {
	local jobs=() attack=
	[[ " ${work[*]} " == *" $1 "* ]] || attack=1
	: >"$range_truth"
	deadline=$((EPOCHSECONDS + seconds))
	range_capture "$range_dir/pcap"
	if [[ $attack ]]; then
		work h1 "$RANDOM" web_pages dns mail_read >/dev/null 2>&1 &
		jobs+=($!)
		work h2 "$RANDOM" web_api dns ssh_deploy >/dev/null 2>&1 &
		jobs+=($!)
		sleep 1
	fi
	draw_target h3 "$1"
	scenario=$1 "$1" h3 "$target" </dev/null >/dev/null 2>&1
	((${#jobs[@]} == 0)) || wait "${jobs[@]}"
	range_capture_end
	tcpdump -Z root -r "$range_dir/pcap" -c "$packets" -w "$dir/$1.pcap" 2>/dev/null
	sort -n "$range_truth" >"$dir/$1.truth"
	say "$1: $(stat -c %s "$dir/$1.pcap") bytes"
}

range_possible || die "no network namespaces here; needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN)"
mkdir -p "$dir"
trap range_down EXIT
trap 'exit 1' INT TERM HUP
range_snap=144
range_up "$seed" 3
cd "$range_dir" || exit 1
range_truth=$range_dir/truth
# The flood is last: its targets answer for a minute.
for name in "${work[@]}" "${attacks[@]}"; do
	one "$name"
done
