#!/bin/bash
# The test range: real servers, clients and attack tools in network namespaces of this machine.
#
#   range.sh list                       the scenarios: name, kind, part
#   range.sh run [OPTION...] [NAME...]  run scenarios; without a name: all benign ones
#     -o BASE     write BASE.pcap and BASE.truth (default: nothing is kept)
#     -s SEED     what all addresses, choices and pauses are drawn from (default: random)
#     -t SECONDS  how long (default 60)
#     -n HOSTS    how many hosts (default 8)
#     -l          some links have a delay, a rate and losses
#
# Every host does benign work of the kinds named (where none is named: of all kinds); with attacks
# named, the last two hosts do them between their work. Everything is torn down at the end, also
# after a failure.
set -u

# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
# shellcheck source=scenarios.sh
. "$range_home/scenarios.sh"

seed=$RANDOM
seconds=60
hosts=8
base=

usage() {
	sed -n '2,/^set -u/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

# sort_names NAME...: into $benign and $attacks.
sort_names() {
	local name kind
	benign=()
	attacks=()
	for name; do
		kind=$(awk -v name="$name" 'NF == 3 && $1 == name { print $2 }' <<<"$range_scenarios")
		case $kind in
		'') die "no scenario '$name'; see range.sh list" ;;
		benign) benign+=("$name") ;;
		*) attacks+=("$name") ;;
		esac
	done
	((${#benign[@]} > 0)) || mapfile -t benign < <(range_list benign all)
}

# deal: the attacks to the last two hosts in turn, work to all others; wait for them.
deal() {
	local n odd=() even=() workers=()
	for ((n = 0; n < ${#attacks[@]}; n++)); do
		if ((n % 2)); then odd+=("${attacks[n]}"); else even+=("${attacks[n]}"); fi
	done
	deadline=$((EPOCHSECONDS + seconds))
	for ((n = 1; n <= hosts; n++)); do
		if ((n == hosts && ${#odd[@]})); then
			mischief "h$n" "$((seed * 100 + n))" "${benign[*]}" "${odd[@]}" &
		elif ((n >= hosts - 1 && ${#attacks[@]})); then
			mischief "h$n" "$((seed * 100 + n))" "${benign[*]}" "${even[@]}" &
		else
			work "h$n" "$((seed * 100 + n))" "${benign[@]}" &
		fi
		workers+=($!)
	done </dev/null >"$range_dir/work.log" 2>&1
	range_jobs+=("${workers[@]}")
	wait "${workers[@]}"
}

run() {
	local option
	while getopts ls:t:n:o: option; do
		case $option in
		l) range_lines=1 ;;
		s) seed=$OPTARG ;;
		t) seconds=$OPTARG ;;
		n) hosts=$OPTARG ;;
		o) base=$(realpath -m "$OPTARG") ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	sort_names "$@"
	trap range_down EXIT
	trap 'exit 1' INT TERM HUP
	range_tries=$((seed % 4 ? 3 + seed % 4 : 10))
	range_up "$seed" "$hosts"
	cd "$range_dir" || exit 1 # some tools leave files where they run
	range_truth=$range_dir/truth
	: >"$range_truth"
	[[ -z $base ]] || range_capture "$range_dir/pcap"
	deal
	if [[ $base ]]; then
		range_capture_end
		sort -n "$range_truth" >"$base.truth"
		mv "$range_dir/pcap" "$base.pcap"
	fi
}

case ${1-} in
list) sed '/^$/d' <<<"$range_scenarios" ;;
run)
	shift
	run "$@"
	;;
*) usage ;;
esac
