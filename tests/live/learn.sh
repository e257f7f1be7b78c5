#!/bin/bash
# karma learn on an interface: it ends by itself when its time is over, by a signal before that, and
# karma run uses the profile. Two namespaces joined by a veth pair. Needs root; says why where it is
# skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=8
a=karma-a-$$ b=karma-b-$$

needs ping
make_spaces "$a" "$b"
join_spaces "$a" "$b" 10.98.0

# A ping with an id of its own each time: a flow each.
for ((i = 0; i < 400; i++)); do
	inside "$a" ping -q -c 1 -W 1 10.98.0.2 >/dev/null 2>&1
	sleep 0.1
done &
pids+=($!)

run ip netns exec "$b" "$karma" learn -i v0 --for 6s --tune -o "$work/p.json"
grep -q 'Operation not permitted' "$work/err" && skip_all "this kernel refuses BPF programs"
check "it ends when its time is over" [ "$status" -eq 0 ]
check "it says what it learnt from" grep -qE '^learnt from .* of traffic: [0-9]+ records' "$work/out"
check "both halves were of use" grep -q "last layer tuned on" "$work/out"

check "it begins" start learn "$b" learn -i v0 -o "$work/q.json"
sleep 3
check "a signal ends it well" stop learn
check "with a profile" grep -q '"karma_profile": 1' "$work/q.json"

check "karma run takes the profile" start run "$b" run -i v0 --profile "$work/p.json"
sleep 1
check "karma run ends well" stop run

finish
