#!/bin/bash
# The history of a live Karma, over a veth pair: minutes and alerts are found while it runs; an alert
# that is muted has no line on the terminal, but stands in EVE and in the history; where the disk is
# read-only or full, it is said and detection goes on. Needs root; says why where it is skipped.
#
# history.sh [KARMA]
#
# shellcheck disable=SC2317 # functions that `check` calls
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
karma=${1:-$root/build/karma}
watched=karma-history-$$ other=karma-searcher-$$
work=$(mktemp -d)
watcher=
passed=0 failed=0
export TZ=UTC

clean() {
	[ -n "$watcher" ] && kill -KILL "$watcher" 2>/dev/null
	wait 2>/dev/null
	ip netns del "$watched" 2>/dev/null
	ip netns del "$other" 2>/dev/null
	umount "$work/disk" 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM

finish() {
	echo "$passed passed, $failed failed, ${1:-0} skipped"
	exit $((failed > 0))
}

skip() {
	echo "skipped: live history: $*"
	finish 11
}

check() { # text command...
	local text=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		passed=$((passed + 1))
		echo "ok: $text"
	else
		failed=$((failed + 1))
		echo "FAILED: $text"
		head -n 5 "$work/said" "$work/out" "$work/err"
	fi
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
command -v nmap >/dev/null || skip "nmap is not installed"
[ -e "$root/models/default.karma" ] || skip "there is no models/default.karma"
ip netns add "$watched" 2>/dev/null || skip "network namespaces cannot be made here"
ip netns add "$other"
ip -n "$watched" link add inside type veth peer name outside netns "$other"
ip -n "$watched" addr add 10.93.0.2/24 dev inside
for last in 7 8 9; do ip -n "$other" addr add 10.93.0.$last/24 dev outside; done
ip -n "$watched" link set inside up
ip -n "$other" link set outside up

wait_for() { # command...: for up to 30 s
	for _ in $(seq 300); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	return 1
}
watch() { # options: karma run with them, until it watches
	ip netns exec "$watched" "$karma" run -i inside --eve "$work/eve.json" "$@" \
		>"$work/out" 2>"$work/err" &
	watcher=$!
	wait_for grep -q watching "$work/err" || {
		watcher=
		skip "karma run does not start: $(tail -n 1 "$work/err")"
	}
}
end() { # its exit status
	kill -INT "$watcher"
	wait "$watcher"
	local status=$?
	watcher=
	return $status
}
scan() { # last part of the scanner's address
	timeout 60 ip netns exec "$other" nmap -n -Pn -sS -S "10.93.0.$1" -e outside 10.93.0.2 >/dev/null 2>&1
}
history=$work/history.db
kept() { [ -n "$("$karma" history --history "$history" --csv --host "$1" "${@:2}" 2>/dev/null | tail -n +2)" ]; }

watch --history "$history"
"$karma" history mute 10.93.0.8 --until 1h --history "$history" >/dev/null
sleep 3 # it looks for mutes once a second
scan 9
check "an alert is found while Karma runs" wait_for kept 10.93.0.9
check "and the minute with its packets" wait_for sh -c \
	"'$karma' history minutes --csv --history '$history' | awk -F, 'NR > 1 && \$3 > 1000 {n++} END {exit !n}'"
scan 8
check "a muted alert is found, too" wait_for kept 10.93.0.8
muted() {
	grep -q 'ALERT .* 10\.93\.0\.9 ' "$work/out" && ! grep -q '10\.93\.0\.8 ' "$work/out" &&
		grep '"src_ip":"10.93.0.8"' "$work/eve.json" | grep -q '"muted":true'
}
check "the terminal has the one, EVE both" muted
end
check "the summary counts it, and nothing was lost" \
	sh -c "grep -qx '1 alert was muted' '$work/out' && grep -q 'nothing lost' '$work/out'"

# A disk that becomes full, and has room again.
mkdir "$work/disk"
mount -t tmpfs -o size=1m karma-history "$work/disk" || skip "tmpfs cannot be mounted here"
history=$work/disk/history.db
watch --history "$history"
head -c 2M /dev/zero >"$work/disk/full" 2>/dev/null
scan 9
check "on a full disk alerts are told" wait_for grep -q 'ALERT .* 10\.93\.0\.9 ' "$work/out"
check "and that the history is not written, once" wait_for grep -q 'the history cannot be written' "$work/err"
rm "$work/disk/full"
again() {
	wait_for grep -q 'the history is written again' "$work/err" && wait_for kept 10.93.0.9 &&
		[ "$(grep -c 'the history cannot be written' "$work/err")" -eq 1 ]
}
check "with room again nothing is missing" again
check "it ends well" end

# A disk that is read-only from the start.
mount -o remount,ro "$work/disk"
STATE_DIRECTORY=$work/disk/state watch
scan 7
check "on a read-only disk alerts are told" wait_for grep -q 'ALERT .* 10\.93\.0\.7 ' "$work/out"
end
said() {
	grep -q 'no history is kept: .*Read-only' "$work/err" &&
		grep -q '^the history is not written: .*Read-only' "$work/out" &&
		grep '"event_type":"stats"' "$work/eve.json" | tail -n 1 | grep -q '"history_failing":".*Read-only'
}
check "and that there is no history: at the start, in the summary, in EVE" said
finish
