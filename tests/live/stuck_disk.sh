#!/bin/bash
# Karma live with --pcap-dir on a disk that is stuck (a file system that is frozen): a port scan that
# comes meanwhile is told of all the same, and its packets are kept once the disk goes on. Needs root
# and a loop device; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=6
watched=karma-stuck-$$ other=karma-attacker-$$
export TZ=UTC

needs nmap tcpdump fsfreeze mkfs.ext4
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$watched" "$other" 10.92.0
mkdir "$work/disk"
truncate -s 64M "$work/image"
mkfs.ext4 -q "$work/image" || skip_all "no file system can be made here"
mount -o loop "$work/image" "$work/disk" 2>"$work/err" ||
	skip_all "no file system of its own here: $(tail -n 1 "$work/err")"
mounts+=("$work/disk")
must_start run "$watched" run -i v0 --pcap-dir "$work/disk/packets" --eve "$work/eve.json" --socket "$work/socket"
sleep 1

# It thaws by itself, too, whatever becomes of this script: nobody else can.
fsfreeze -f "$work/disk" || skip_all "this file system cannot be frozen"
(trap '' INT TERM HUP; sleep 30; fsfreeze -u "$work/disk" 2>/dev/null) >/dev/null 2>&1 &
guard=$!

inside "$other" nmap -n -Pn -sS 10.92.0.1 >/dev/null 2>&1

# told SECONDS: the scan's alert is on the terminal by then.
told() {
	for _ in $(seq $(($1 * 10))); do
		id=$(sed -nE 's/.* ALERT ([0-9a-z]{8})  .*10\.92\.0\.2 -> 10\.92\.0\.1 .*/\1/p' "$work/run.out" | head -n 1)
		[ -n "$id" ] && return
		sleep 0.1
	done
	return 1
}

# Is its thread of the packets the only one that the disk holds?
only_that_one_waits() {
	local thread names=
	for thread in "/proc/$(pgrep -P "${job[run]}" karma || echo "${job[run]}")"/task/*; do
		grep -q '^State:.D' "$thread/status" && names+=$(<"$thread/comm")
	done
	echo "held: $names"
	[ "$names" = packets ]
}

answers() { timeout 2 "$karma" status --socket "$work/socket"; }

is_whole() {
	tcpdump -nr "$work/disk/packets/$id.pcap" >"$work/packets.txt" 2>"$work/tcpdump.err" || return
	[ "$(grep -cE '10\.92\.0\.2\.[0-9]+ > 10\.92\.0\.1\.[0-9]+: Flags \[S\]' "$work/packets.txt")" -ge 990 ]
}

check "a scan is told of while the disk is stuck" told 5
check "the disk holds the thread of the packets, and no other" only_that_one_waits
check "and karma status is answered" answers
fsfreeze -u "$work/disk"
kill -KILL "$guard" 2>/dev/null
check "Ctrl-C ends it with status 0" stop run
check "the scan's packets are kept once the disk goes on" is_whole
check "nothing was lost" grep -q 'nothing lost' "$work/run.out"
finish
