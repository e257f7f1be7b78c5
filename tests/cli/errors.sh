#!/bin/bash
# usage: tests/cli/errors.sh
# What a user meets on the command line: exit statuses, errors of one line that name what and the
# remedy, and that nothing is left half-written.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# ---- usage ----
refuses "unknown command" 2 "no command 'fly'" "$karma" fly
refuses "read: nothing to read" 2 "karma help read" "$karma" read
refuses "read: unknown option" 2 "--fly" "$karma" read --fly x.pcap
refuses "read: option without value" 2 "-m" "$karma" read x.pcap -m
refuses "run: argument too many" 2 "eth0" "$karma" run eth0
refuses "run: an interface twice" 2 "'lo' is named twice" "$karma" run -i lo,eth0 -i lo
refuses "run: no name of an interface" 2 "no name of an interface" "$karma" run -i lo,
refuses "flows: no name of an interface" 2 "1 to 15 characters" "$karma" flows -i much-too-long-a-name
for c in read run; do
	refuses "$c: --sensitivity of another word" 2 "low, normal or high, not 'medium'" \
		"$karma" $c --sensitivity medium x.pcap
	refuses "$c: --history without a file" 2 "--history" "$karma" $c --history
done
refuses "explain: argument too many" 2 "'two' is one argument too many" "$karma" explain one two
refuses "explain: unknown option" 2 "--fly" "$karma" explain --fly
refuses "explain: no history" 1 "there is no history yet" "$karma" explain --history "$work/none.db"
echo "no history at all, but long enough to be one of SQLite's: it has a header of 100 bytes, and pages" \
	>"$work/foreign.db"
refuses "explain: not a history" 1 "not a history of Karma" "$karma" explain --history "$work/foreign.db"
for c in read run flows; do
	for n in 0 1023 4194305 1k -5 ""; do
		refuses "$c: --flows '$n'" 2 "1,024 to 4,194,304" "$karma" $c --flows "$n"
	done
done
run "$karma" --version
check "version" grep -qE '^karma [0-9]+\.[0-9]+' "$work/out"
run "$karma"
check "no command is wrong usage" test "$status" -eq 2
for c in run read history explain flows train eval model bench; do
	run "$karma" help $c
	check "help $c" grep -q "^usage: karma $c " "$work/out"
	check "help $c: lines that fit" test "$(wc -L <"$work/out")" -le 80
	check "help $c: its page" grep -qx "See man karma-$c." "$work/out"
	cp "$work/out" "$work/help"
	run "$karma" $c -h
	check "$c -h: the same" cmp -s "$work/out" "$work/help"
done
run "$karma" help
check "help: lines that fit" test "$(wc -L <"$work/out")" -le 80
refuses "help: argument too many" 2 "'extra' is one argument too many" "$karma" help features extra
for arguments in help "help features" "help run" "run -h" --help --version; do
	# shellcheck disable=SC2086 # words
	"$karma" $arguments >/dev/full 2>"$work/err"
	status=$?
	check "$arguments: standard output full" test "$status $(wc -l <"$work/err")" = "1 1"
done

# ---- the model ----
compile tests/cli/refusals.c
"$work/refusals" "$work/m.karma" || broken "no model"
m=$work/m.karma
scan=$captures/scan.pcap
size=$(stat -c %s "$m")

refuses "missing model" 1 "$work/none.karma" "$karma" read -m "$work/none.karma" "$scan"
echo "no model at all, but long enough to be one" >"$work/foreign"
refuses "foreign model" 1 "not a Karma model" "$karma" read -m "$work/foreign" "$scan"
head -c $((size / 2)) "$m" >"$work/cut"
refuses "truncated model" 1 "$work/cut" "$karma" read -m "$work/cut" "$scan"
cp "$m" "$work/damaged"
printf 'x' | dd of="$work/damaged" bs=1 seek=$((size - 100)) conv=notrunc status=none
refuses "damaged model" 1 "check sum" "$karma" read -m "$work/damaged" "$scan"
: >"$work/empty"
refuses "empty model" 1 "$work/empty" "$karma" read -m "$work/empty" "$scan"

# ---- captures ----
run "$karma" read -m "$m" "$scan"
check "read: an alert" grep -qE 'ALERT .*Reconnaissance .* -> .*refused' "$work/out"
check "read: exit status 0 with alerts" test "$status" -eq 0
check "read: silent on standard error" test ! -s "$work/err"
check "read: no colour in a pipe" grep -qv $'\033' "$work/out"

# Alerts and figures of what could be read, then the error.
tells() { # name words command...
	local name=$1 words=$2
	shift 2
	run "$@"
	if [ "$status" -ne 1 ]; then
		failure "$name" "exit status $status, not 1"
	elif [ "$(wc -l <"$work/err")" -ne 1 ] || ! grep -qF -- "$words" "$work/err"; then
		failure "$name" "not one line that says '$words'"
	else
		check "$name" true
	fi
}
head -c $(($(stat -c %s "$scan") - 7)) "$scan" >"$work/short.pcap"
tells "truncated capture" "$work/short.pcap" "$karma" read -m "$m" "$work/short.pcap"
check "truncated capture: its whole packets are judged" grep -q ALERT "$work/out"
tells "missing capture" "$work/none.pcap" "$karma" read -m "$m" "$work/none.pcap" "$scan"
check "missing capture: the others are read" grep -q ALERT "$work/out"
tells "not a capture" "$work/foreign" "$karma" read -m "$m" "$work/foreign"
mkdir "$work/dir"
refuses "directory without captures" 1 "$work/dir" "$karma" read -m "$m" "$work/dir"
cp "$scan" "$work/dir/a.pcap"
cp "$scan" "$work/dir/b.pcap"
run "$karma" read -m "$m" "$work/dir/"
check "directory: each capture starts anew" test "$(grep -c ALERT "$work/out")" -eq 2
check "directory: each capture's name and day" test "$(grep -cE \
	"^$work/dir/[ab].pcap, 2023-11-1[345]:$" "$work/out")" -eq 2
check "directory: no time of all" grep -qE '^[0-9,]+ packets, ' "$work/out"
timeout 60 "$karma" read -m "$m" - <"$scan" >"$work/out" 2>"$work/err"
check "capture from standard input" grep -q ALERT "$work/out"

# ---- outputs ----
run "$karma" read -m "$m" --json --eve "$work/eve.json" --scores "$work/scores.csv" "$scan"
check "json: exit status" test "$status" -eq 0
check "json: every line is an object, the last one the figures" python3 - "$work/out" <<'END'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert events[-1]["event_type"] == "stats" and events[-1]["stats"]["alerts"] >= 1
assert events[-1]["stats"]["packets"] > 0 and "lost_truncated" in events[-1]["stats"]["lost"]
alerts = [e for e in events if e["event_type"] == "alert"]
assert alerts and alerts[0]["karma"]["stage"] == "new" and alerts[-1]["karma"]["stage"] == "end"
assert alerts[0]["alert"]["category"] == "Reconnaissance" and alerts[0]["src_ip"]
END
check "eve: the same lines" cmp -s "$work/out" "$work/eve.json"
check "scores: a line a judged record" test \
	"$(($(wc -l <"$work/scores.csv") - 1))" -eq \
	"$(python3 -c 'import json,sys; print(json.loads(sys.stdin.readlines()[-1])["stats"]["judged"])' <"$work/out")"
refuses "eve: no such folder" 1 "/nonexistent/eve.json" \
	"$karma" read -m "$m" --eve /nonexistent/eve.json "$scan"
run "$karma" read -m "$m" --json --verdicts "$work/scores.csv" "$scan"
sed '/"stats"/d' "$work/eve.json" | cmp -s - <(sed '/"stats"/d' "$work/out")
check "verdicts: the model's own give its own alerts" test $? -eq 0
sed 's/,[^,]*$/,2/;1s/,2$/,Brute Force/' "$work/scores.csv" >"$work/verdicts.csv"
refuses "verdicts: more than 1" 1 "verdicts.csv:2: not 11 probabilities" \
	"$karma" read -m "$m" --verdicts "$work/verdicts.csv" "$scan"
refuses "verdicts: of another capture" 1 "it is of another capture" \
	"$karma" read -m "$m" --verdicts "$work/scores.csv" "$captures/handshakes.pcap"
run "$karma" read -m "$m" --scores "$work/few.csv" "$captures/handshakes.pcap"
head -n 2 "$work/few.csv" >"$work/verdicts.csv"
refuses "verdicts: too few" 1 "ends before the capture does" \
	"$karma" read -m "$m" --verdicts "$work/verdicts.csv" "$captures/handshakes.pcap"
refuses "verdicts: another file" 1 "not the columns of --scores" \
	"$karma" read -m "$m" --verdicts "$captures/make.py" "$scan"
refuses "verdicts: none" 1 "/nonexistent/v.csv: cannot be read" \
	"$karma" read -m "$m" --verdicts /nonexistent/v.csv "$scan"
refuses "scores: no such folder" 1 "/nonexistent/s.csv" \
	"$karma" read -m "$m" --scores /nonexistent/s.csv "$scan"
tells "eve: disk full" "/dev/full" "$karma" read -m "$m" --eve /dev/full "$scan"
timeout 60 "$karma" read -m "$m" "$scan" >/dev/full 2>"$work/err"
status=$?
check "standard output full" test "$status" -eq 1 -a "$(wc -l <"$work/err")" -eq 1

# Interrupted while it waits for more of a capture: no scores are left, not even a part. (Standard
# input ends well there: tests/cli/captures.sh.)
mkfifo "$work/fifo"
"$karma" read -m "$m" --scores "$work/cut.csv" "$work/fifo" >"$work/out" 2>"$work/err" &
pid=$!
exec 9>"$work/fifo"
head -c 2000 "$scan" >&9
sleep 0.3
kill -INT $pid
exec 9>&-
wait $pid
status=$?
check "interrupted: exit status 1" test "$status" -eq 1
check "interrupted: no file is left" test -z "$(find "$work" -name 'cut.csv*')"
check "nothing half-written is left" test -z "$(find "$work" -name '*.part')"

# ---- the interface ----
if [ "$(id -u)" -eq 0 ]; then
	refuses "run: no such interface" 1 "nosuch0" "$karma" run -m "$m" -i nosuch0
	if setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$karma" 2>/dev/null &&
		chmod 755 "$work" && chmod 644 "$m"; then
		refuses "run: not root" 1 "root" setpriv --reuid 65534 --regid 65534 \
			--clear-groups "$karma" run -m "$m" -i lo
	else
		skip 1 "run as another user: the program is not readable to it"
	fi
else
	refuses "run: not root" 1 "root" "$karma" run -m "$m" -i lo
	skip 1 "run on no such interface: needs root"
fi

finish
