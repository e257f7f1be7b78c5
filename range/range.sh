#!/bin/bash
# The test range: real servers, clients and attack tools in network namespaces of this machine.
#
#   range.sh list                       the scenarios: name, class, group, kind, tool, place, part
#   range.sh table                      the same as a table for docs/range.md
#   range.sh run [OPTION...] [NAME...]  run scenarios; without a name: all benign ones
#     -o BASE     write BASE.pcap and BASE.truth (default: nothing is kept)
#     -s SEED     what all addresses, choices and pauses are drawn from (default: random)
#     -t SECONDS  how long (default 60)
#     -n HOSTS    how many hosts (default 8)
#     -a HOSTS    how many of them attack, where attacks are named (default 2)
#     -b HOSTS    how many share one address behind a NAT, one attacker among them (default 0)
#     -l          some links have a delay, a rate, losses and disorder; sizes and offloads are drawn
#     -x          another network: addresses, delays and sizes that no network without -x has
#     -v          h1 is a scanner that the site allows; BASE.allow gets its addresses
#   range.sh check [-s SEED] [-t SECONDS] [NAME...]
#                 run each of them (default: all) once, for at most SECONDS (12), six at a time, and
#                 say which made no packets of its kind; exit status 1 if one did not
#
# Every host does benign work of the kinds named (where none is named: of all kinds); with attacks
# named, the last hosts do them, while they work or between their work. Everything is torn down at
# the end, also after a failure.
set -u

# shellcheck source=net.sh
. "${BASH_SOURCE[0]%/*}/net.sh"
# shellcheck source=scenarios.sh
. "$range_home/scenarios.sh"

seed=$RANDOM
seconds=
hosts=8
attackers=2
base=
guard=

usage() {
	sed -n '2,/^set -u/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d' >&2
	exit 2
}

# sort_names NAME...: into $benign and $attacks.
sort_names() {
	local name class
	benign=()
	attacks=()
	for name; do
		class=$(awk -v name="$name" '$1 == name { print $2 }' <<<"$range_scenarios")
		case $class in
		'') die "no scenario '$name'; see range.sh list" ;;
		benign) benign+=("$name") ;;
		*) attacks+=("$name") ;;
		esac
	done
	((${#benign[@]} > 0)) || mapfile -t benign < <(range_list benign all)
}

# without_lan NAME...: those that can be done from behind the NAT, one a line.
without_lan() {
	local name
	for name; do
		[[ $(place_of "$name") = lan ]] || echo "$name"
	done
}

# share_out: $share gets, of each attacking host, its attacks in their order. The attackers are the
# last hosts; where there is a NAT, one of them is behind it (two would share an address, and the
# truth could not tell them apart), the others are the last before it, and what needs the lan is
# theirs.
share_out() {
	local n name host all=() outside=() in=0 out=0
	for ((n = 0; n < attackers; n++)); do
		all+=("h$((range_nat && n ? hosts - range_nat - n + 1 : hosts - n))")
		[[ ${natted[${all[n]}]-} ]] || outside+=("${all[n]}")
	done
	for name in "${attacks[@]}"; do
		if [[ $(place_of "$name") != lan ]]; then
			host=${all[in++ % ${#all[@]}]}
		elif ((${#outside[@]})); then
			host=${outside[out++ % ${#outside[@]}]}
		else
			say "range: $name needs a host outside the NAT: left out"
			continue
		fi
		share[$host]+="$name "
	done
}

# set_to_work N: start the Nth host on its work, and on its share of the attacks.
set_to_work() {
	local host=h$1 mine work=("${benign[@]}")
	read -ra mine <<<"${share[h$1]-}"
	if [[ ${natted[$host]-} ]]; then
		avoid="s4 w39 w40"
		mapfile -t work < <(without_lan "${work[@]}")
	fi
	if ((${#mine[@]})); then
		mischief "$host" "$((seed * 100 + $1))" "${work[*]}" "${mine[@]}"
	elif [[ $guard && $1 = 1 ]]; then
		work "$host" "$((seed * 100 + $1))" scanner health_round inventory
	else
		work "$host" "$((seed * 100 + $1))" "${work[@]}"
	fi
}

# deal: the attacks to the last hosts in turn, work to all others; wait for them.
deal() {
	local n workers=()
	local -A share=()
	((${#attacks[@]} == 0)) || share_out
	deadline=$((EPOCHSECONDS + seconds))
	for ((n = 1; n <= hosts; n++)); do
		set_to_work "$n" &
		workers+=($!)
	done </dev/null >"$range_dir/work.log" 2>&1
	range_jobs+=("${workers[@]}")
	wait "${workers[@]}"
}

# range_begin: with all that was drawn or asked for.
range_begin() {
	trap range_down EXIT
	trap 'exit 1' INT TERM HUP
	range_tries=$((seed % 4 ? 3 + seed % 4 : 10))
	range_up "$seed" "$hosts"
	cd "$range_dir" || exit 1 # some tools leave files where they run
	range_truth=$range_dir/truth
	: >"$range_truth"
}

run() {
	local option
	while getopts lxvs:t:n:a:b:o: option; do
		case $option in
		l) range_lines=1 range_mtu=0 ;;
		x) range_network=other ;;
		v) guard=1 ;;
		s) seed=$OPTARG ;;
		t) seconds=$OPTARG ;;
		n) hosts=$OPTARG ;;
		a) attackers=$OPTARG ;;
		b) range_nat=$OPTARG ;;
		o) base=$(realpath -m "$OPTARG") ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	seconds=${seconds:-60}
	((attackers > 0 && attackers <= hosts && range_nat <= hosts)) ||
		die "-a wants 1 to $hosts, -b at most $hosts (-n)"
	((range_nat == 0 || attackers <= hosts - range_nat + 1)) ||
		die "-a $attackers are too many for -n $hosts -b $range_nat: one of them is behind the NAT"
	sort_names "$@"
	[[ ! $range_lines ]] || ((seed % 2)) || range_offload=yes
	range_begin
	[[ -z $base ]] || range_capture "$range_dir/pcap"
	deal
	if [[ $base ]]; then
		range_capture_end
		# Of lines that overlap the first counts: those that mean anyone are last.
		awk '{ print ($3 == "*"), $0 }' "$range_truth" | sort -n -k 1,1 -k 2,2 | cut -d' ' -f2- >"$base.truth"
		[[ -z $guard ]] || printf '%s\n' "${addr4[h1]}" "${addr6[h1]}" >"$base.allow"
		mv "$range_dir/pcap" "$base.pcap"
	fi
}

# expected NAME: which packets show that it worked, as check.py takes it.
expected() {
	case $1 in
	*arp*) echo arp ;;
	flood_syn* | exploit* | *_tcp) echo tcp ;;
	dhcp) echo udp/67 ;;
	*icmp* | *ping | ping_*) echo icmp ;;
	*iodine | *dns* | names_* | resolver) echo 53 ;;
	reflect_ntp | ntp) echo udp/123 ;;
	snmp* | inventory) echo udp/161 ;;
	*ssh* | scp_* | sftp_* | backup) echo "tcp/22,tcp/${odd[2]}" ;;
	*ftp*) echo tcp/21 ;;
	*imap* | mail_read | stale_password) echo tcp/143,tcp/993 ;;
	*redis* | cache) echo tcp/6379 ;;
	spam* | mail_send) echo tcp/25 ;;
	tunnel_http) echo tcp/8888 ;;
	web_proxy) echo tcp/3128 ;;
	shellcode_udp) echo any ;;
	*udp* | call | quic | tunnel | conference | flood_fragments) echo udp ;;
	web_* | http_* | slow_* | dirs_* | params_* | *_form | *_http | sql_* | crowd | download* | \
		build_* | video | telemetry | cloud_* | ciphers_* | exfil_https)
		echo "tcp/80,tcp/443,tcp/8080,tcp/${odd[0]},tcp/${odd[1]}"
		;;
	*) echo any ;;
	esac
}

# check_one HOST NAME SEED: run it and write down when, by whom and what is expected of it.
check_one() {
	local target begin=$EPOCHREALTIME mac
	RANDOM=$3
	mac=$(inside "$1" cat /sys/class/net/eth0/address)
	draw_target "$1" "$2"
	deadline=$((EPOCHSECONDS + seconds))
	scenario=$2 "$2" "$1" "$target" </dev/null >"$range_dir/log-$2" 2>&1
	echo "$2 $mac $begin $EPOCHREALTIME $(expected "$2")" >>"$range_dir/checks"
}

# check_all NAME...: as many at a time as there are hosts to spare; h1 is for others to deceive.
check_all() {
	local name n=0 jobs=()
	for name; do
		n=$((n % (hosts - 1) + 1))
		[[ -z ${jobs[n]-} ]] || wait "${jobs[n]}"
		check_one "h$((n + 1))" "$name" "$RANDOM" &
		jobs[n]=$!
	done
	wait "${jobs[@]}"
}

check() {
	local option names
	while getopts s:t:o: option; do
		case $option in
		s) seed=$OPTARG ;;
		t) seconds=$OPTARG ;;
		o) base=$(realpath -m "$OPTARG") ;;
		*) usage ;;
		esac
	done
	shift $((OPTIND - 1))
	seconds=${seconds:-12}
	hosts=7
	names=("$@")
	(($#)) || mapfile -t names < <(range_list benign all "any lan site guard" && range_list attack all)
	sort_names "${names[@]}"
	range_begin
	range_capture "$range_dir/pcap"
	check_all "${names[@]}"
	range_capture_end
	[[ -z $base ]] || cp -r "$range_dir"/{pcap,truth,checks,log-*} "$base"
	python3 -B "$range_home/check.py" "$range_dir/pcap" "$range_dir/checks" "$range_truth" \
		<(range_table)
}

# table: a table in Markdown.
table() {
	echo "| scenario | class | group | kind | tool | place | part |"
	echo "|---|---|---|---|---|---|---|"
	range_table | awk '{ printf "| %s | %s | %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5, $6, $7 }'
}

case ${1-} in
list) range_table ;;
table) table ;;
run | check)
	command=$1
	shift
	"$command" "$@"
	;;
*) usage ;;
esac
