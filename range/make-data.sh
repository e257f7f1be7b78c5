#!/bin/bash
# Make labelled traffic to train and test on: make-data.sh DIR [SEED [PART]]
#
# Many runs of the range, each with addresses, hosts, servers and choices of its own, several at a
# time (two for each processor); an hour in all with two. Two of three have links with delays, losses and
# disorder, one in four has hosts behind a NAT; two to four hosts attack. DIR gets, of each (or of PART
# alone),
#   train-N.pcap .truth .csv    scenarios of the part "train" only
#   test-N.pcap .truth .csv     attacks of the part "test" only, benign work of both, on another network
#   *-calmN                     the same without attacks, of test the benign work of "test" only
#   test-guard                  benign work, and a scanner that the site allows (test-guard.allow)
#   scenarios                   the table (range.sh list), for what is left out by kind or group
# The CSV files are made by `karma flows`, when build/karma is there.
set -u

# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
# shellcheck source=scenarios.sh
. "$range_home/scenarios.sh"

at_once=$((2 * $(nproc)))
seconds=100
dir=${1:?usage: make-data.sh DIR [SEED [PART]]}
seed=$((${2:-1} * 1000)) # a run takes the next; those of two seeds have none in common
karma=$range_home/../build/karma
children=() runs=()

# Every run tears its own range down when told to end.
end_children() {
	((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null
	wait
	exit 1
}

# run_one NAME OPTION... SCENARIO...: in the background, when there is room.
run_one() {
	local name=$1 lines=-l
	shift
	while (($(jobs -rp | wc -l) >= at_once)); do
		wait -n
	done
	say "$name: $*"
	seed=$((seed + 1))
	((seed % 3)) || lines=
	timeout -k 10 $((seconds + 300)) "$range_home/range.sh" run -s "$seed" -t "$seconds" \
		${lines:+"$lines"} -o "$dir/$name" "$@" &
	children+=($!)
	runs+=("$name")
}

# draw_bag PART N: $bag gets all attacks of the part behind what is in it, in an order of their own.
draw_bag() {
	local all
	mapfile -t all < <(range_list attack "$1" | shuf --random-source=<(yes "$seed $2"))
	bag+=("${all[@]}")
}

# draw_size N: $size gets the options of the Nth run: how many hosts, attackers, hosts behind a NAT.
draw_size() {
	local hosts=(8 6 11 5 9 7 20 6 10 12) attack=(3 4 2 4)
	size=(-n "${hosts[$1 % 10]}" -a "${attack[$1 % 4]}")
	((hosts[$1 % 10] > attack[$1 % 4])) || size=(-n "${hosts[$1 % 10]}" -a 1)
	(($1 % 4)) || size+=(-b "$((hosts[$1 % 10] / 2))")
}

# part PART RUNS CALM [OPTION...]: RUNS runs with attacks, each of which comes about as often as any
# other, and CALM runs without.
part() {
	local part=$1 count=$2 calm=$3 n each benign mixed bag=() size=()
	shift 3
	mapfile -t benign < <(range_list benign "$part")
	mapfile -t mixed < <(range_list benign "${part/test/all}")
	for ((n = 1; n <= calm; n++)); do
		draw_size "$n"
		run_one "$part-calm$n" "${size[@]}" "$@" "${benign[@]}"
	done
	for ((n = 1; n <= count; n++)); do
		draw_size "$n"
		each=$((size[3] * 4))
		while ((${#bag[@]} < each)); do
			draw_bag "$part" "$n"
		done
		run_one "$part-$n" "${size[@]}" "$@" "${mixed[@]}" "${bag[@]:0:each}"
		bag=("${bag[@]:each}")
	done
}

range_needs nmap hping3 hydra medusa ncrack patator masscan zmap fping arp-scan nping t50 dnsperf \
	slowhttptest ab wrk siege hey gobuster dirb ffuf wfuzz whatweb sqlmap fierce onesixtyone \
	sslscan swaks iodine dns2tcpc ptunnel-ng htc arpspoof ettercap nc openssl curl wget dig sshpass \
	lftp rsync redis-cli udhcpc tcpdump ping
range_possible || die "no network namespaces here; needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN)"
mkdir -p "$dir"
trap end_children INT TERM HUP
range_table >"$dir/scenarios"
[[ ${3:-train} != train ]] || part train 30 6
if [[ ${3:-test} = test ]]; then
	part test 18 5 -x
	run_one test-guard -n 6 -v -x
fi
wait
for name in "${runs[@]}"; do
	[[ -s $dir/$name.pcap ]] || say "$name failed: no capture of it"
done
[[ -x $karma ]] || {
	say "no $karma: captures and truth only; CSV: karma flows --steps --truth X.truth -o X.csv X.pcap"
	exit 0
}
for capture in "$dir"/*.pcap; do
	base=${capture%.pcap}
	"$karma" flows --steps --truth "$base.truth" -o "$base.csv" "$capture" || exit 1
done
