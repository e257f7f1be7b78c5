#!/bin/bash
# The block list on interfaces, without detection: native and generic, IPv4 and IPv6, tags, a limit,
# an interface without link headers; what stays and what goes when its process is killed; a pinned
# list that is taken over. Needs root and gcc; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=25
ours=karma-filter-$$ theirs=karma-filter-$$-b
pin=$work/bpf/karma

# ---- the list's process, in a network namespace ----

begin() { # [folder]: whether it is ready
	rm -f "$work/orders" "$work/answers"
	mkfifo "$work/orders" "$work/answers"
	ip netns exec "$ours" "$work/filter" "$@" <"$work/orders" >"$work/answers" &
	job[filter]=$!
	exec 3>"$work/orders" 4<"$work/answers"
	read -r -t 20 answer <&4
	[ "$answer" = ready ]
}

ask() { # order...: the answer is in $answer
	echo "$*" >&3
	read -r -t 10 answer <&4
}

says() { # wanted order...
	local wanted=$1
	shift
	ask "$@"
	[ "$answer" = "$wanted" ] && return
	echo "  $*: $answer, not $wanted"
	return 1
}

more_than() { # number order...
	local least=$1
	shift
	ask "$@"
	[ "$answer" -gt "$least" ] 2>/dev/null && return
	echo "  $*: $answer, not more than $least"
	return 1
}

leave() { # keep|end
	echo "$1" >&3
	wait "${job[filter]}"
	unset 'job[filter]'
	exec 3>&- 4<&-
}

killed() {
	stop filter KILL
	exec 3>&- 4<&-
}

# ---- the network ----

reaches() { # address: from the other side
	inside "$theirs" ping -c 1 -W 1 "$1" >/dev/null 2>&1
}

blocked() { # address
	! reaches "$1"
}

at_home() {
	inside "$ours" ping -c 1 -W 1 127.0.0.1 >/dev/null 2>&1
}

not_at_home() {
	! at_home
}

# A program is taken off a little later than its process is gone.
free() { # interface
	for _ in $(seq 50); do
		ip -n "$ours" link show "$1" | grep -q ' xdp\|prog/xdp' || return 0
		sleep 0.1
	done
	ip -n "$ours" link show "$1"
	return 1
}

taken() { # interface
	ip -n "$ours" link show "$1" | grep -q 'prog/xdp'
}

send() {
	inside "$theirs" python3 tests/live/filter_send.py "$@"
}

send_here() {
	inside "$ours" python3 tests/live/filter_send.py "$@"
}

make_veth() {
	ip -n "$ours" link add a0 type veth peer name b0 netns "$theirs" || return 1
	ip -n "$ours" addr add 10.9.0.1/24 dev a0
	ip -n "$ours" addr add fd00:9::1/64 dev a0 nodad
	ip -n "$theirs" addr add 10.9.0.2/24 dev b0
	ip -n "$theirs" addr add fd00:9::2/64 dev b0 nodad
	ip -n "$ours" link set a0 up
	ip -n "$theirs" link set b0 up
}

# ---- the checks ----

an_entry() { # address of theirs, entry, address of ours
	reaches "$3" && says ok add "$2" && blocked "$3" && more_than 0 get "$2" &&
		says ok del "$2" && reaches "$3"
}

tags() { # number
	says ok add 10.9.0.77 && send tagged b0 10.9.0.77 "$1" && sleep 0.2 &&
		says 1 get 10.9.0.77 && says ok del 10.9.0.77
}

the_allow_list() {
	says ok add 10.9.0.2 && blocked 10.9.0.1 && says ok allow 10.9.0.0/28 && reaches 10.9.0.1 &&
		says ok allow && blocked 10.9.0.1 && says ok del 10.9.0.2 && reaches 10.9.0.1
}

a_limit() {
	says ok limit 10.9.0.1 53 10 20 && send forged b0 10.9.0.1 53 500 && sleep 0.2 &&
		more_than 400 limited && send forged b0 10.9.0.1 54 500 && reaches 10.9.0.1 &&
		ask limited && [ "$answer" -le 480 ] && says 0 entries
}

detached() {
	says ok add 10.9.0.2 && blocked 10.9.0.1 && says ok detach a0 && reaches 10.9.0.1 && free a0 &&
		says native attach a0 && blocked 10.9.0.1 && says ok del 10.9.0.2
}

the_loopback() {
	at_home && says generic attach lo && says ok add 127.0.0.0/8 && not_at_home &&
		says ok detach lo && at_home && says ok del 127.0.0.0/8
}

a_tun() {
	ip -n "$ours" tuntap add mode tun name t0 && ip -n "$ours" link set t0 up || return 1
	ask attach t0
	[ "$answer" = native ] || [ "$answer" = generic ] || return 1
	says ok add 10.8.0.2 && send_here tun t0 10.8.0.2 && sleep 0.2 && says 1 get 10.8.0.2 &&
		says ok del 10.8.0.2
}

a_large_ping() {
	inside "$theirs" ping -c 1 -W 1 -M "do" -s 8000 10.9.0.1 >/dev/null
}

no_large_ping() {
	! a_large_ping
}

large_frames() {
	ip -n "$ours" link set a0 mtu 9000 && ip -n "$theirs" link set b0 mtu 9000 &&
		says ok add 10.9.0.2 && says ok detach a0 && a_large_ping && says native attach a0 &&
		no_large_ping && says ok del 10.9.0.2 && a_large_ping
}

an_interface_that_goes() {
	ip -n "$ours" link del a0 && sleep 0.2 && make_veth && says native attach a0 &&
		says ok add 10.9.0.2 && blocked 10.9.0.1 && says ok detach a0 && reaches 10.9.0.1 &&
		says native attach a0
}

another_is_refused() {
	local said
	said=$(echo "attach a0" | inside "$ours" "$work/filter" | tail -n 1)
	[[ $said == *"blocks on a0 already"* ]] && return
	echo "  $said"
	return 1
}

killed_leaves_nothing() {
	blocked 10.9.0.1 && taken a0 && killed && free a0 && reaches 10.9.0.1
}

ended_leaves_nothing() {
	begin && says native attach a0 && says ok add 10.9.0.2 && blocked 10.9.0.1 && leave end &&
		free a0 && reaches 10.9.0.1
}

pinned_stays() {
	begin "$pin" && says native attach a0 && says ok add 10.9.0.2 && says ok add fd00:9::/64 &&
		says ok limit 10.9.0.1 53 10 20 && blocked 10.9.0.1 && killed && sleep 0.3 && taken a0 &&
		blocked 10.9.0.1 && blocked fd00:9::1
}

is_taken_over() {
	begin "$pin" && says 2 entries && more_than 1 get 10.9.0.2 && says native attach a0 &&
		ask get 10.9.0.2 && blocked 10.9.0.1 && more_than "$answer" get 10.9.0.2 &&
		says ok del 10.9.0.2 && reaches 10.9.0.1 && blocked fd00:9::1 && says ok add 10.9.0.2 &&
		blocked 10.9.0.1 && says 2 entries
}

one_at_a_time() {
	local said
	said=$(inside "$ours" "$work/filter" "$pin" </dev/null)
	[[ $said == *"another karma has the block list"* ]] && blocked 10.9.0.1 && return
	echo "  $said"
	return 1
}

kept_stays() {
	leave keep && sleep 0.2 && taken a0 && blocked 10.9.0.1
}

not_kept_goes() {
	begin "$pin" && says 2 entries && leave end && free a0 && reaches 10.9.0.1 &&
		reaches fd00:9::1 && [ ! -e "$pin" ]
}

another_version() {
	local said
	mkdir "$pin" || return 1
	bpftool map create "$pin/state" type array key 4 value 8 entries 1 name state || return 1
	said=$("$work/filter" "$pin" </dev/null)
	[[ $said == *"another version's"*"rm -r $pin"* ]] && [ -e "$pin/state" ] && rm -r "$pin" && return
	echo "  $said"
	return 1
}

no_bpffs() {
	local said
	said=$("$work/filter" "$work/folder" </dev/null)
	[[ $said == *"is in no bpffs"* ]] && [ ! -e "$work/folder" ] && return
	echo "  $said"
	return 1
}

needs ping python3 bpftool gcc
compile tests/live/filter.c -lbpf -lelf -lpcap
make_spaces "$ours" "$theirs"
make_veth || skip_all "no veth pair"
mount_here bpf "$work/bpf" || skip_all "no bpffs"

check "it loads" begin
check "a veth device has it natively" says native attach a0
check "an address is dropped, and let in again" an_entry 10.9.0.2 10.9.0.2 10.9.0.1
check "an IPv6 address" an_entry fd00:9::2 fd00:9::2 fd00:9::1
check "a prefix" an_entry 10.9.0.2 10.9.0.0/24 10.9.0.1
check "an IPv6 prefix" an_entry fd00:9::2 fd00:9::/64 fd00:9::1
check "behind a VLAN tag" tags 1
check "behind two" tags 2
check "the allow list wins" the_allow_list
check "a limit drops what forged sources send to its port, and nothing else" a_limit
check "taken off, all passes" detached
check "the loopback has it generically" the_loopback
check "an interface without link headers" a_tun
check "large frames" large_frames
check "an interface that goes and comes back" an_interface_that_goes
check "another karma is refused there" another_is_refused
check "killed, nothing stays attached" killed_leaves_nothing
check "nor when it ends" ended_leaves_nothing
check "pinned, list and programs outlive a kill" pinned_stays
check "the next one takes them over, counts and all" is_taken_over
check "one process at a time" one_at_a_time
check "kept, they stay when it ends" kept_stays
check "not kept, they go" not_kept_goes
check "what another version pinned is refused" another_version
check "a folder outside a bpffs is refused" no_bpffs
finish
