#!/bin/bash
# The outputs of a live Karma, over a veth pair, with somebody who listens to each: EVE in a file and
# at a unix socket, syslog, the journal, a program, a webhook over TLS whose server fails before it
# works. Then all of them hang: EVE's file has every alert all the same, in time, and Karma ends in
# time. Then EVE's disk is full and nobody listens at its socket: it is said wherever a person looks,
# as long as it is so. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=27
watched=karma-outputs-$$ other=karma-hostile-$$
place=$work/place
port=8443

needs nmap python3 openssl unshare
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$other" "$watched" 10.94.0
for last in {10..23}; do
	ip -n "$other" addr add "10.94.0.$last"/24 dev v0
	ip -n "$watched" addr add "10.94.0.$((last + 100))"/24 dev v0
done

# Karma sees folders of this script's in the place of /dev and /run, and trusts its certificate.
mkdir -p "$place"/{dev,run}
real=$karma karma=$work/karma
cat >"$karma" <<END
#!/bin/sh
exec unshare -m --propagation private sh -c '
for node in null zero full random urandom; do
	: >$place/dev/\$node && mount --bind /dev/\$node $place/dev/\$node || exit 1
done
mount --bind $place/dev /dev && mount --bind $place/run /run &&
	mount --bind $place/cert.pem /etc/ssl/certs/ca-certificates.crt && exec $real "\$@"' sh "\$@"
END
chmod 755 "$karma"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$place/key.pem" -out "$place/cert.pem" 2>/dev/null || skip_all "openssl makes no certificate"
[ -e /etc/ssl/certs/ca-certificates.crt ] || skip_all "there are no certificates (ca-certificates)"

echo fail >"$place/http"
ip netns exec "$watched" python3 tests/live/outputs_stand_in.py "$place" "$port" 2>"$work/stand-in.err" &
pids+=($!)
within 10 [ -e "$place/ready" ] || broken "nobody listens"
cat >"$place/notify" <<END
#!/bin/sh
{ echo "\$KARMA_CLASS \$KARMA_ATTACKER"; cat; } >>$place/notified
END
chmod 755 "$place/notify"

socket=$work/karma.sock
watch() {
	must_start run "$watched" run -i v0 --no-history --socket "$socket" --eve "$work/eve.json" --eve-socket "$place/eve.sock" \
		--syslog --journald --notify "$place/notify" --webhook "https://127.0.0.1:$port/hook"
}
scan() { # last part of the scanner's address: each has a target of its own, so that it has an alert of its own
	inside "$other" nmap -n -Pn -sS --top-ports 100 -S "10.94.0.$1" -e v0 "10.94.0.$(($1 + 100))" >/dev/null 2>&1
}
new_alert() { # file address: an event of a new alert is in it
	grep '"event_type":"alert"' "$1" 2>/dev/null | grep '"stage":"new"' | grep -q "\"src_ip\":\"$2\""
}

watch
scan 10
check "an alert is in EVE's file" within 30 new_alert "$work/eve.json" 10.94.0.10
check "and comes through EVE's socket" within 30 new_alert "$place/stream" 10.94.0.10
check "and to syslog, as a line of authpriv" within 30 \
	grep -qE '^<8[0-7]>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} karma\[[0-9]+\]: ALERT .* 10\.94\.0\.10 -> ' "$place/syslog"
fields() {
	grep -q '^MESSAGE=ALERT .* 10\.94\.0\.10 -> ' "$place/journal" && grep -qE '^PRIORITY=[2-5]$' "$place/journal" &&
		grep -qx 'KARMA_ATTACKER=10.94.0.10' "$place/journal" && grep -qx 'KARMA_TARGET=10.94.0.110' "$place/journal" &&
		grep -qE '^KARMA_ALERT_ID=[0-9a-z]{8}$' "$place/journal" && grep -qx 'SYSLOG_IDENTIFIER=karma' "$place/journal"
}
check "and to the journal, as fields" within 30 fields
notified() { grep -q ' 10\.94\.0\.10$' "$place/notified" && new_alert "$place/notified" 10.94.0.10; }
check "and to the program, by its environment and its input" within 30 notified
check "the webhook's server fails" within 30 grep -qx fail "$place/requests"
check "it is said" within 30 grep -q 'https://127.0.0.1/: .*; detection goes on' "$work/run.err"
echo work >"$place/http"
check "once it works it has the alert" within 60 new_alert "$place/hook" 10.94.0.10
check "all of them end" stop run
check "and the summary says that nothing was lost" grep -q 'nothing lost' "$work/run.out"

# All of them hang.
touch "$place/stuck"
echo hang >"$place/http"
printf '#!/bin/sh\nexec sleep 600\n' >"$place/notify"
rm "$work/eve.json"
watch
for last in {12..23}; do scan "$last" & pids+=($!); done
complete() {
	for last in {12..23}; do new_alert "$work/eve.json" "10.94.0.$last" || return; done
}
check "while all of them hang EVE's file has every alert" within 60 complete
says() { # status words: what is wrong, and so it exits
	"$real" status --socket "$socket" >"$work/status.out"
	[ $? -eq "$1" ] && grep -qE "$2" "$work/status.out"
}
check "a program that hangs is wrong, though nothing is lost" within 40 says 1 \
	'^error +notify, .*: not written for .*: killed after 10 s; [0-9]+ lines? waits?$'
begun=$SECONDS
check "with status 0: who listens may be away" stop run
check "and Karma ends in time" [ $((SECONDS - begun)) -le 15 ]
lost() {
	grep -q '^lost: .* of notify (' "$work/run.out" || grep -q 'webhook (https://127.0.0.1/): ' "$work/run.out"
}
check "what was lost is in the summary" lost

# EVE's disk is full, and nobody listens at EVE's socket.
karma=$real
mount_here tmpfs "$work/disk" -o size=1m || {
	skip 12 "tmpfs cannot be mounted here"
	finish
}
must_start run "$watched" run -i v0 --no-history --socket "$socket" --eve "$work/disk/eve.json" --eve-socket "$work/nobody.sock"
check "nothing was to be written yet: all is well" within 10 says 0 ': all is well$'
head -c 2M /dev/zero >"$work/disk/full" 2>/dev/null
scan 10
full='eve, .*/disk/eve.json: not written for .* s: No space left on device; [0-9]+ lines? waits?'
nobody='eve-socket, .*/nobody.sock: not written for .* s: nobody listens there; [0-9]+ lines? waits?'
check "a full disk is an error of karma status, which exits so" within 30 says 1 "^error +$full"
check "so is a socket that nobody listens at" within 30 says 1 "^error +$nobody"
check "its outputs say it as well" says 1 '^outputs .*|^ +eve, .*fails for .*, [0-9]+ lines? waits?: No space'
ask() { inside "$watched" curl -s -m 10 "http://127.0.0.1:7766/$1" >"$work/asked"; }
metric() { ask metrics && grep -qE "$1" "$work/asked"; }
check "/metrics says for how long" metric '^karma_output_failing_seconds\{output="eve",path=".*/disk/eve.json"\} [0-9.]*[1-9]'
check "and why" metric '^karma_output_failing_info\{output="eve",path=.*,error="No space left on device"\} 1$'
check "and how many lines wait" metric '^karma_output_waiting_lines\{output="eve-socket",path=.*\} [1-9]'
live() { ask api/live && grep -qE '"wrong":\[.*"error".*eve, .*No space left' "$work/asked"; }
check "the dashboard is told" live
# shellcheck disable=SC2329 # check calls it
top_says() { # in a terminal
	tmux -L "karma-outputs-$$" -f /dev/null new-session -d -s top -x 200 -y 50 "$real top --socket $socket"
	within 10 sh -c "tmux -L karma-outputs-$$ capture-pane -p -t top | grep -qE 'WRONG: .*eve'" || return
	tmux -L "karma-outputs-$$" send-keys -t top 5
	within 10 sh -c "tmux -L karma-outputs-$$ capture-pane -p -t top | grep -qE 'eve .*FAILS for .*No space left'"
}
if command -v tmux >/dev/null; then
	check "karma top says it, at the top and on its page of the system" top_says
	tmux -L "karma-outputs-$$" kill-server 2>/dev/null
else
	skip 1 "karma top: tmux is not installed"
fi
rm "$work/disk/full"
kill -HUP "${job[run]}"
check "with room again the lines are there" within 70 new_alert "$work/disk/eve.json" 10.94.0.10
written() { ! says 1 "^error +$full" && says 1 "^error +$nobody"; }
check "and it is wrong no more" within 10 written
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
c, _ = s.accept()
while c.recv(65536): pass' "$work/nobody.sock" 2>/dev/null &
pids+=($!)
check "once somebody listens all is well" within 70 says 0 ': all is well$'
stop run
finish
