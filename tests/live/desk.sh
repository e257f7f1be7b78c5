#!/bin/bash
# Those who attach to a live Karma, over a veth pair: karma status, what is new second by second, the
# metrics; what is wrong is said while it is, and only then; a Karma that was restarted is another
# one. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=20
watched=karma-desk-$$ other=karma-looker-$$
socket=$work/karma.sock

needs nmap python3
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$other" "$watched" 10.96.0
mount_here tmpfs "$work/disk" -o size=1m || skip_all "tmpfs cannot be mounted here"

watch() { # option...
	must_start run "$watched" run -i v0 --socket "$socket" --history "$work/disk/history.db" "$@"
}
client() { python3 tests/live/desk_client.py "$socket" "$@"; }
well() { "$karma" status --socket "$socket" >"$work/status.out"; }
says() { # status words: what is wrong, and so it exits
	"$karma" status --socket "$socket" >"$work/status.out"
	[ $? -eq "$1" ] && grep -qE "$2" "$work/status.out"
}
holds() { # expression: of what is in $work/followed.out, as d
	python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
counts = (len(d["points"]), d["twice"], len(d["starts"]))
sys.exit(0 if eval(sys.argv[2]) else "%d points, %d twice, %d starts" % counts)' "$work/followed.out" "$1"
}

watch --eve "$work/eve.json"
check "all is well at the start" within 10 well
said() {
	grep -q ': all is well$' "$work/status.out" && grep -q '^interfaces *v0 (\(tcx\|clsact\))$' "$work/status.out" &&
		grep -q "^history *$work/disk/history.db$" "$work/status.out" && grep -q "eve, $work/eve.json" "$work/status.out"
}
check "the screen has interface, history and outputs" said
check "it fits a screen" test "$(wc -l <"$work/status.out")" -le 24
json() { "$karma" status --json --socket "$socket" | python3 -c 'import json, sys; sys.exit(json.load(sys.stdin)["wrong"] != [])'; }
check "and is JSON if wanted" json

follow() { # in the background, from when it has had its first answer
	rm -f "$work/enough"
	client follow "$work/enough" >"$work/followed.out" 2>"$work/follow.err" &
	pids+=($!)
	within 30 grep -q started "$work/follow.err"
}
followed() { # some seconds more
	sleep 4
	touch "$work/enough"
	wait "${pids[-1]}"
}

follow
inside "$other" nmap -n -Pn -sS -e v0 10.96.0.2 >/dev/null 2>&1
followed
check "the seconds have the scan's packets, each once" \
	holds 'sum(p["packets"] for p in d["points"]) >= 2000 and d["twice"] == 0 and len(d["points"]) >= 4'
check "the alert is there, as EVE has it" holds \
	'[a["src_ip"] for a in d["alerts"].values() if a["event_type"] == "alert"] == ["10.96.0.1"]'
check "the scanner is the first of the hosts, and enough is held against it" \
	holds 'd["hosts"][0]["ip"] == "10.96.0.1" and d["hosts"][0]["enough"] and d["hosts"][0]["attacks"] == 1'
check "each stage was timed" holds 'all(s["count"] and s["p50"] <= s["p99"] <= s["max"] for s in d["latency"].values())'
check "nothing was wrong" holds 'd["wrong"] == []'

client text >"$work/metrics.out"
if command -v promtool >/dev/null; then
	linted() { promtool check metrics <"$work/metrics.out" 2>&1 | tee /dev/stderr | (! grep -q .); }
	check "promtool finds nothing to say of the metrics" linted
else
	skip 1 "promtool is not installed (Debian's prometheus)"
fi
counted() {
	grep -q '^karma_alerts_total{class="Reconnaissance"} 1$' "$work/metrics.out" &&
		awk '$1 == "karma_packets_total" && $2 >= 2000 {n++}
			/^karma_stage_duration_seconds_count{stage="history"}/ && $2 > 0 {n++} END {exit n != 2}' "$work/metrics.out"
}
check "they have the scan" counted
refused() { client ask '{"command": "block.list"}' | grep -q '"ok": false.*--block'; }
check "what needs --block is refused, and says so" refused

# What is wrong, while it is.
ip -n "$watched" link set v0 down
check "an interface that is down is a warning" within 30 says 1 '^warning *v0 is down$'
ip -n "$watched" link del v0
check "one that is gone is an error" within 30 says 1 '^error *v0 is gone'
join_spaces "$other" "$watched" 10.96.0
check "when it is back all is well" within 30 well
head -c 2M /dev/zero >"$work/disk/full" 2>/dev/null
inside "$other" nmap -n -Pn -sS -e v0 10.96.0.2 >/dev/null 2>&1
check "a history that cannot be written is an error" within 30 says 1 '^error *the history is not written: '
rm "$work/disk/full"
check "with room again all is well" within 30 well

# Another one in its place.
follow
stop run
watch
followed
check "a Karma that was restarted is another one, told from its start" \
	holds 'len(d["starts"]) == 2 and d["twice"] == 0 and d["points"][-1]["at"] > d["starts"][1]'

printf '[control]\nsocket = %s\n' "$socket" >"$work/karma.conf"
alone() {
	start second "$watched" run -i v0 --no-history --config "$work/karma.conf" && stop second &&
		grep -q 'nobody can attach to this one: .*another karma is running' "$work/second.err" && well
}
check "a second one that finds the socket taken watches all the same" alone
stop run

# A disk that is read-only from the start.
mount -o remount,ro "$work/disk"
STATE_DIRECTORY=$work/disk/state must_start run "$watched" run -i v0 --socket "$socket"
check "a history that could not be opened is an error" says 1 '^error *the history is not written: .*Read-only'
stop run
finish
