#!/bin/bash
# Make labelled traffic to train and test on: make-data.sh DIR [SEED]
#
# Many runs of the range, each with addresses, hosts, servers and choices of its own, several at a
# time; about ten minutes in all. Two of three have links with delays and losses. DIR gets, of each,
#   train-N.pcap .truth .csv    scenarios of the part "train" only
#   test-N.pcap .truth .csv     attacks of the part "test" only, benign work of both
# The CSV files are made by `karma flows`, when build/karma is there.
set -u

# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
# shellcheck source=scenarios.sh
. "$range_home/scenarios.sh"

at_once=6
seconds=100
dir=${1:?usage: make-data.sh DIR [SEED]}
seed=${2:-1}
karma=$range_home/../build/karma
children=()

# Every run tears its own range down when told to end.
end_children() {
	((${#children[@]} == 0)) || kill "${children[@]}" 2>/dev/null
	wait
	exit 1
}

# run_one NAME HOSTS SCENARIO...: in the background, when there is room.
run_one() {
	local name=$1 hosts=$2 lines=-l
	shift 2
	while (($(jobs -rp | wc -l) >= at_once)); do
		wait -n
	done
	say "$name: $hosts hosts"
	seed=$((seed + 1))
	((seed % 3)) || lines=
	timeout -k 10 $((seconds + 60)) "$range_home/range.sh" run -s "$seed" -t "$seconds" \
		-n "$hosts" ${lines:+"$lines"} -o "$dir/$name" "$@" || say "$name failed" &
	children+=($!)
}

# draw_attacks PART N: $attacks gets all attacks of the part in an order of their own; twice those
# that leave few records.
draw_attacks() {
	mapfile -t attacks < <(
		{
			range_list attack "$1"
			range_list Brute_Force "$1"
			range_list Analysis "$1"
		} | shuf --random-source=<(yes "$seed $2")
	)
}

# part PART RUNS CALM: RUNS runs with attacks, eight in each, so that each comes as often as it is
# drawn, and CALM runs without.
part() {
	local part=$1 runs=$2 calm=$3 n benign mixed attacks=() bag=()
	mapfile -t benign < <(range_list benign "$part")
	mapfile -t mixed < <(range_list benign "${part/test/all}")
	for ((n = 1; n <= calm; n++)); do
		run_one "$part-calm$n" $((n % 7 + 5)) "${benign[@]}"
	done
	for ((n = 1; n <= runs; n++)); do
		while ((${#bag[@]} < 8)); do
			draw_attacks "$part" "$n"
			bag+=("${attacks[@]}")
		done
		run_one "$part-$n" $((n % 7 + 5)) "${mixed[@]}" "${bag[@]:0:8}"
		bag=("${bag[@]:8}")
	done
}

range_needs nmap hping3 hydra medusa ncrack masscan slowhttptest ab wrk gobuster dirb ffuf curl wget \
	dig sshpass lftp tcpdump ping
range_possible || die "no network namespaces here; needs root (CAP_NET_ADMIN, CAP_SYS_ADMIN)"
mkdir -p "$dir"
trap end_children INT TERM HUP
part train 20 6
part test 9 4
wait
[[ -x $karma ]] || {
	say "no $karma: captures and truth only; CSV: karma flows --steps --truth X.truth -o X.csv X.pcap"
	exit 0
}
for capture in "$dir"/*.pcap; do
	base=${capture%.pcap}
	"$karma" flows --steps --truth "$base.truth" -o "$base.csv" "$capture" || exit 1
done
