#!/bin/bash
# The outputs of a live Karma, over a veth pair, with somebody who listens to each: EVE in a file and
# at a unix socket, syslog, the journal, a program, a webhook over TLS whose server fails before it
# works. Then all of them hang: EVE's file has every alert all the same, in time, and Karma ends in
# time. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=13
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

watch() {
	must_start run "$watched" run -i v0 --no-history --eve "$work/eve.json" --eve-socket "$place/eve.sock" \
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
check "all of them end, and nothing was lost" sh -c "kill -0 ${job[run]}"
stop run
check "the summary says so" grep -q 'nothing lost' "$work/run.out"

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
begun=$SECONDS
stop run
check "and Karma ends in time" [ $((SECONDS - begun)) -le 15 ]
lost() {
	grep -q '^lost: .* of notify (' "$work/run.out" || grep -q 'webhook (https://127.0.0.1/): ' "$work/run.out"
}
check "what was lost is in the summary" lost
finish
