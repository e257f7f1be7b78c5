#!/bin/bash
# How the meter's programs come onto an interface and leave it: by TCX from Linux 6.6 on, by clsact
# before; nothing stays after SIGINT or SIGTERM; what a killed karma left is replaced by the next, and
# leaves with it; another's qdisc and filter stay. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=7
ns=karma-attach-$$

# ---- karma ----

# The programs that the running karma holds, by number.
programs() {
	sed -n 's/^prog_id:[[:space:]]*//p' "/proc/${job[meter]}/fdinfo/"* 2>/dev/null | sort -un
}

# Are these programs gone? The kernel frees them a little later than their owner.
gone() { # number...
	local id
	for id in "$@"; do
		for _ in $(seq 50); do
			bpftool prog show id "$id" >/dev/null 2>&1 || continue 2
			sleep 0.1
		done
		echo "  program $id stays"
		return 1
	done
}

# ---- the interface ----

# How the meter is attached to it, a line each.
attached() { # interface
	local point
	sed -n 's/^attach_type:[[:space:]]*/link /p' "/proc/${job[meter]:-none}/fdinfo/"* 2>/dev/null
	for point in ingress egress; do
		tc -n "$ns" filter show dev "$1" "$point" | grep -o 'handle.*karma_[a-z]*' | sed "s/^/$point /"
	done
}

qdiscs() {
	tc -n "$ns" qdisc show dev "$1" | grep clsact
}

empty() { # interface
	local left
	left=$(
		attached "$1"
		qdiscs "$1"
	)
	[ -z "$left" ] && return
	echo "$left"
	return 1
}

# ---- the checks ----

takes_the_way() { # interface directions
	start meter "$ns" flows -i "$1" -o "$work/out.csv" && grep -q "($way)" "$work/meter.err" || return 1
	attached "$1" >"$work/attached"
	[ "$(wc -l <"$work/attached")" -eq "$2" ] && return
	cat "$work/attached"
	return 1
}

leaves_at() { # signal interface
	local ids=()
	mapfile -t ids < <(programs)
	[ ${#ids[@]} -gt 0 ] && stop meter "$1" && empty "$2" && gone "${ids[@]}"
}

# A killed one leaves its filters where there is no TCX.
killed_is_replaced() {
	local ids=()
	mapfile -t ids < <(programs)
	stop meter KILL
	takes_the_way v0 2 && gone "${ids[@]}"
}

# The qdisc of a killed one may be another's as well: it stays, empty.
replacement_leaves() {
	local ids=()
	mapfile -t ids < <(programs)
	stop meter && [ -z "$(attached v0)" ] && gone "${ids[@]}"
}

# With a qdisc and a filter of another's, which stay.
others_stay() {
	tc -n "$ns" qdisc replace dev v0 clsact &&
		tc -n "$ns" filter add dev v0 ingress prio 7 bpf bytecode '1,6 0 0 0' &&
		takes_the_way v0 2 && stop meter &&
		[ -z "$(attached v0)" ] && qdiscs v0 >/dev/null &&
		tc -n "$ns" filter show dev v0 ingress | grep -q 'pref 7'
}

# A filter that another has put on meanwhile, and the qdisc that was made for ours.
later_stays() {
	tc -n "$ns" qdisc del dev v1 clsact 2>/dev/null
	takes_the_way v1 2 || return
	qdiscs v1 >/dev/null || tc -n "$ns" qdisc add dev v1 clsact
	tc -n "$ns" filter add dev v1 egress prio 8 bpf bytecode '1,6 0 0 0' &&
		stop meter && [ -z "$(attached v1)" ] &&
		tc -n "$ns" filter show dev v1 egress | grep -q 'pref 8'
}

needs tc bpftool
make_spaces "$ns"
ip -n "$ns" link add v0 type veth peer name v1 || skip_all "no veth pair"
ip -n "$ns" link set v0 up
ip -n "$ns" link set v1 up

# TCX is from 6.6 on.
way=tcx
[ "$(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1)" = 6.6 ] || way=clsact

check "it loads, and is attached both ways by $way" takes_the_way v0 2
check "what a killed one left is replaced by the next" killed_is_replaced
check "it leaves at SIGINT" replacement_leaves
check "on the loopback it is attached one way" takes_the_way lo 1
check "nothing at all stays after SIGTERM" leaves_at TERM lo
check "another's qdisc and filter stay" others_stay
check "another's filter that came later stays" later_stays
finish
