#!/bin/bash
# The history of a live Karma, over a veth pair: minutes and alerts are found while it runs; an alert
# that is muted has no line on the terminal, but stands in EVE and in the history; where the disk is
# read-only or full, it is said and detection goes on; kill -9 leaves a whole history that has the
# alert of more than a second before. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=16
watched=karma-history-$$ other=karma-searcher-$$
history=$work/history.db
export TZ=UTC

needs nmap python3
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$other" "$watched" 10.93.0
for last in 6 7 8 9; do ip -n "$other" addr add 10.93.0.$last/24 dev v0; done
ip -n "$watched" addr add 10.93.0.3/24 dev v0 # a second target

watch() { # option...
	must_start run "$watched" run -i v0 --eve "$work/eve.json" "$@"
}
scan() { # last part of the scanner's address, of the target's
	inside "$other" nmap -n -Pn -sS -S "10.93.0.$1" -e v0 "10.93.0.${2:-2}" >/dev/null 2>&1
}
kept() { [ -n "$("$karma" history --history "$history" --csv --host "$1" "${@:2}" 2>/dev/null | tail -n +2)" ]; }

watch --history "$history"
"$karma" history mute 10.93.0.8 --until 1h --history "$history" >/dev/null
sleep 3 # it looks for mutes once a second
scan 9
check "an alert is found while Karma runs" within 30 kept 10.93.0.9
check "and the minute with its packets" within 30 sh -c \
	"'$karma' history minutes --csv --history '$history' | awk -F, 'NR > 1 && \$3 > 1000 {n++} END {exit !n}'"
# At another target: what is held against the first one's, together with this scan's first connections,
# can make it the work of 2 hosts before this scanner's own evidence is enough, and that nobody has muted.
scan 8 3
check "a muted alert is found, too" within 30 kept 10.93.0.8
stop run
muted() {
	grep -q 'ALERT .* 10\.93\.0\.9 ' "$work/run.out" && ! grep -q '10\.93\.0\.8 ' "$work/run.out" &&
		grep '"src_ip":"10.93.0.8"' "$work/eve.json" | grep -q '"muted":true'
}
check "the terminal has the one, EVE both" muted
check "the summary counts it, and nothing was lost" \
	sh -c "grep -qx '1 alert was muted' '$work/run.out' && grep -q 'nothing lost' '$work/run.out'"

# kill -9, more than a second after an alert. Nobody has looked into the file until then.
watch --history "$history"
inside "$other" nmap -n -Pn -sS -S 10.93.0.7 -e v0 10.93.0.2 >/dev/null 2>&1 &
scanning=$!
told() { grep '"stage":"new"' "$work/eve.json" | grep -q '"src_ip":"10.93.0.7"'; }
check "an alert arises" within 30 told
sleep 1.5 # no more than a second may be lost; the rest is for the writing
stop run KILL
wait "$scanning"
whole() {
	python3 -c 'import sqlite3, sys
for (said,) in sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check"):
    if said != "ok":
        sys.exit(said)' "$history"
}
check "killed by force, it leaves a whole history" whole
check "with the alert of more than a second before" kept 10.93.0.7

# A disk that becomes full, and has room again.
mount_here tmpfs "$work/disk" -o size=1m || {
	skip 8 "tmpfs cannot be mounted here"
	finish
}
history=$work/disk/history.db
watch --history "$history"
head -c 2M /dev/zero >"$work/disk/full" 2>/dev/null
scan 9
check "on a full disk alerts are told" within 30 grep -q 'ALERT .* 10\.93\.0\.9 ' "$work/run.out"
check "and that the history is not written, once" within 30 grep -q 'the history cannot be written' "$work/run.err"
rm "$work/disk/full"
again() {
	within 30 grep -q 'the history is written again' "$work/run.err" && within 30 kept 10.93.0.9 &&
		[ "$(grep -c 'the history cannot be written' "$work/run.err")" -eq 1 ]
}
check "with room again nothing is missing" again
check "it ends well" stop run

# A disk that is read-only from the start.
mount -o remount,ro "$work/disk"
STATE_DIRECTORY=$work/disk/state watch
scan 7
check "on a read-only disk alerts are told" within 30 grep -q 'ALERT .* 10\.93\.0\.7 ' "$work/run.out"
stop run
said() {
	grep -q 'no history is kept: .*Read-only' "$work/run.err" &&
		grep -q '^the history is not written: .*Read-only' "$work/run.out" &&
		grep '"event_type":"stats"' "$work/eve.json" | tail -n 1 | grep -q '"history_failing":".*Read-only'
}
check "and that there is no history: at the start, in the summary, in EVE" said
watch --history "$history"
scan 6
check "also where the history was named" within 30 grep -q 'ALERT .* 10\.93\.0\.6 ' "$work/run.out"
stop run
check "and this is said" said
finish
