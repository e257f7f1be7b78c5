#!/bin/bash
# karma learn on an interface: it ends by itself when its time is over, by a signal before that, and
# karma run uses the profile. Two namespaces joined by a veth pair. Needs root; says why where it is
# skipped.
#
# learn.sh [KARMA]
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
karma=${1:-$root/build/karma}
a=karma-a-$$ b=karma-b-$$
work=$(mktemp -d)
pids=()
passed=0 failed=0

finish() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	for ns in "$a" "$b"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

skip() {
	echo "skipped: learning live: $*"
	echo "0 passed, 0 failed, 8 skipped"
	exit 0
}

ok() { # name condition...
	local name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name: $*"
		tail -n 5 "$work/out" "$work/err"
	fi
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
for tool in ip ping timeout; do
	command -v "$tool" >/dev/null || skip "needs $tool"
done
for ns in "$a" "$b"; do
	ip netns add "$ns" 2>/dev/null || skip "no network namespaces here"
done
ip -n "$a" link add v0 type veth peer name v0 netns "$b" || skip "no veth pair"
for end in "$a 1" "$b 2"; do
	read -r ns host <<<"$end"
	ip -n "$ns" addr add "10.98.0.$host/24" dev v0
	ip -n "$ns" link set v0 up
done

inside() { # namespace command...
	local ns=$1
	shift
	timeout 90 ip netns exec "$ns" "$@"
}

started() { # seconds for karma to attach
	local tries
	for ((tries = $1 * 10; tries; tries--)); do
		grep -q "learning from\|watching" "$work/err" && return
		sleep 0.1
	done
	return 1
}

# A ping with an id of its own each time: a flow each.
for ((i = 0; i < 400; i++)); do
	inside "$a" ping -q -c 1 -W 1 10.98.0.2 >/dev/null 2>&1
	sleep 0.1
done &
pids+=($!)

inside "$b" "$karma" learn -i v0 --for 6s --tune -o "$work/p.json" >"$work/out" 2>"$work/err"
status=$?
grep -q 'Operation not permitted' "$work/err" && skip "this kernel refuses BPF programs"
ok "it ends when its time is over" [ "$status" -eq 0 ]
ok "it says what it learnt from" grep -qE '^learnt from .* of traffic: [0-9]+ records' "$work/out"
ok "both halves were of use" grep -q "last layer tuned on" "$work/out"

inside "$b" "$karma" learn -i v0 -o "$work/q.json" >"$work/out" 2>"$work/err" &
job=$!
pids+=("$job")
ok "it begins" started 20
sleep 3
kill -INT "$(pgrep -P "$job")"
wait "$job"
ok "a signal ends it well" [ $? -eq 0 ]
ok "with a profile" grep -q '"karma_profile": 1' "$work/q.json"

inside "$b" "$karma" run -i v0 --profile "$work/p.json" >"$work/out" 2>"$work/err" &
job=$!
pids+=("$job")
ok "karma run takes the profile" started 20
sleep 1
kill -INT "$(pgrep -P "$job")"
wait "$job"
ok "karma run ends well" [ $? -eq 0 ]

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
