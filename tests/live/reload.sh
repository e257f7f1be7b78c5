#!/bin/bash
# karma reload and SIGHUP under steady traffic, over a veth pair: another model of the same shape and
# another one, another policy, what needs a restart, a bad configuration and a bad model, EVE files
# that are moved away by hand and by logrotate, another EVE file; and no event, packet, flow or record
# is lost by any of it: the counts are those of a capture taken beside. Needs root; says why where it
# is skipped.
# shellcheck disable=SC2016 # what eval and other shells expand
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=23
watched=karma-reload-$$ other=karma-peer-$$

needs tcpdump ethtool python3 nmap logrotate
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$watched" "$other"
join_spaces "$watched" "$other" 10.94.0
for ns in "$watched" "$other"; do
	# tcpdump shows a super-packet as one; without them both count what is on the wire. IPv6 would
	# speak by itself.
	ip netns exec "$ns" ethtool -K v0 tso off gso off gro off tx off >/dev/null 2>&1
	ip netns exec "$ns" sysctl -qw net.ipv6.conf.v0.disable_ipv6=1
done
for last in 6 7 8; do ip -n "$other" addr add 10.94.0.$last/24 dev v0; done
# Nor may the kernels ask for each other while one of the two that count has ended.
mac_of() { ip -n "$1" -j link show v0 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["address"])'; }
ip -n "$other" neigh replace 10.94.0.1 dev v0 lladdr "$(mac_of "$watched")" nud permanent
for last in 2 6 7 8; do
	ip -n "$watched" neigh replace 10.94.0.$last dev v0 lladdr "$(mac_of "$other")" nud permanent
done

# ---- karma ----

conf=$work/karma.conf socket=$work/socket model=$work/a.karma
mkdir -m 750 "$work/log" # where logrotate is to work: nobody else writes there
eve=$work/log/eve.json
configure() { # text...: more of it
	printf '[watch]\ninterfaces = v0\n[history]\nfile = %s\n[output]\neve = %s\n[control]\nsocket = %s\n' \
		"$work/history.db" "$eve" "$socket" >"$conf"
	printf '%b\n' "$@" >>"$conf"
}
usual='[block]\nmode = dry-run\n[model]\nfile = '$model

reload() { "$karma" reload --socket "$socket"; }
says() { # words...: reload prints lines that are these
	local words
	reload >"$work/reload.out" 2>&1 || return
	for words in "$@"; do
		grep -qxF -- "$words" "$work/reload.out" || return
	done
}
says_not() { ! grep -qF -- "$1" "$work/reload.out"; }
model_is() { # id
	"$karma" status --json --socket "$socket" | tr -d ' \n' | grep -qF "\"id\":\"$1\""
}
id_of() { # model: as karma has it
	python3 -c '
import struct, sys, zlib
b = open(sys.argv[1], "rb").read()
n = struct.unpack("<I", b[12:16])[0]
print("%08x" % zlib.crc32(b[16 + n:-4]))' "$1"
}

cp models/default.karma "$model"
# Another one of the same shape: one weight differs a little.
python3 - "$model" "$work/b.karma" <<'END' || broken "no other model"
import struct, sys, zlib
b = bytearray(open(sys.argv[1], "rb").read())
b[-8:-4] = struct.pack("<f", struct.unpack("<f", b[-8:-4])[0] + 0.001)
b[-4:] = struct.pack("<I", zlib.crc32(b[:-4]))
open(sys.argv[2], "wb").write(b)
END

# ---- traffic, until it is told to end ----

cat >"$work/client.py" <<'END'
import os, sys, time, urllib.request
n = 0
while not os.path.exists(sys.argv[1]):
    assert len(urllib.request.urlopen("http://10.94.0.1/2000").read()) == 2000
    n += 1
    time.sleep(0.02)
print(n)
END
scan() { # last part of the scanner's address
	inside "$other" nmap -n -Pn -sS -S "10.94.0.$1" -e v0 -p 1000-1040 10.94.0.1 >/dev/null 2>&1
}

configure "$usual"
ip netns exec "$watched" tests/live/server.py 2>"$work/server.err" &
pids+=($!)
must_start run "$watched" run --config "$conf"
ip netns exec "$watched" tcpdump -i v0 -s 128 -B 16384 --immediate-mode -U -w "$work/v0.pcap" 2>"$work/tcpdump.err" &
job[dump]=$!
within 30 grep -q listening "$work/tcpdump.err" || broken "tcpdump does not start"
seconds=600 inside "$other" python3 "$work/client.py" "$work/end" >"$work/client.out" 2>"$work/client.err" &
client=$!
sleep 2

# ---- what is taken up ----

check "nothing has changed: it says so" says "the configuration is as it was" "opened anew: $eve"
cp "$work/b.karma" "$model"
check "another model behind the same name" says "changed: model.file"
check "it judges now" within 5 model_is "$(id_of "$work/b.karma")"
scan 7
check "and finds a scan, of which the policy would block the sender" within 30 \
	grep -q 'dry run: block 10\.94\.0\.7 ' "$work/run.out"
mv "$eve" "$eve.1"
configure "$usual" 'sensitivity = high' '[policy]' 'reconnaissance = off' '[block]' 'allow = 192.0.2.0/24'
check "another policy, allow list and sensitivity" says "changed: model.sensitivity, block.allow, policy.reconnaissance"
check "the policy holds" eval 'scan 8; within 30 grep -q "ALERT .* 10\.94\.0\.8 .*it is off for this class" "$work/run.out"'
check "EVE goes on in a new file" eval 'grep -q 10.94.0.7 "$eve.1" && grep -q 10.94.0.8 "$eve" && ! grep -q 10.94.0.8 "$eve.1"'

# ---- what is not ----

configure "$usual" '[watch]' 'flows = 2048' 'interfaces = lo'
check "what needs a restart is named" says "needs a restart: watch.interfaces, watch.flows"
check "and named again" says "needs a restart: watch.interfaces, watch.flows"
before=$(id_of "$work/b.karma")
unchanged() { # words: it is refused with them
	! reload >"$work/reload.out" 2>&1 && grep -qF -- "$1" "$work/reload.out" && model_is "$before"
}
configure "$usual" 'sensitivity = some'
check "a bad value changes nothing" unchanged "nothing has changed: $conf:$(grep -n '= some' "$conf" | cut -d : -f 1): sensitivity takes"
head -c 5000 "$work/b.karma" >"$work/cut.karma"
configure '[block]\nmode = dry-run\n[model]' "file = $work/cut.karma" '[policy]' 'dos = off'
check "a bad model changes nothing" unchanged "nothing has changed: $work/cut.karma"
configure "$usual"
check "nor was the policy beside it taken up" eval 'reload >"$work/reload.out" && says_not policy.dos'

# ---- SIGHUP, logrotate, another shape ----

configure "$usual" '[policy]' 'worms = block 90% 1h'
kill -HUP "${job[run]}"
check "SIGHUP does the same" within 10 grep -qx 'karma: changed: policy.worms' "$work/run.err"
sed "s|/var/log/karma/|$work/log/|; s|su karma karma|su root root|; s|/run/karma/karma.sock|$socket|
	s|karma reload|$karma reload --socket $socket|" systemd/karma.logrotate >"$work/logrotate.conf"
mv "$eve.1" "$work/moved.json"
rotated() {
	local lines
	lines=$(wc -l <"$eve")
	logrotate -f -s "$work/logrotate.state" "$work/logrotate.conf" &&
		within 5 test -e "$eve" && [ "$(wc -l <"$eve.1")" -ge "$lines" ]
}
check "logrotate, by the file that is shipped" rotated
old=$eve eve=$work/none/eve.json
configure "$usual" '[policy]' 'worms = block 90% 1h'
check "an EVE file that cannot be made changes nothing" unchanged "nothing has changed: $eve"
eve=$work/log/other.json
configure "$usual" '[policy]' 'worms = block 90% 1h'
check "another EVE file is taken up" says "changed: output.eve" "opened anew: $eve"
only_in_the_new() {
	scan 6
	within 30 grep -q '10\.94\.0\.6' "$eve" && ! grep -q '10\.94\.0\.6' "$old"
}
check "what is new is there, and not in the old one" only_in_the_new
configure "$usual" "file = $root/models/unsw-nb15.karma"
check "a model of another shape, and another policy" says "changed: model.file, policy.worms"
check "it judges" within 5 model_is "$(id_of models/unsw-nb15.karma)"
sleep 1

# ---- nothing was lost ----

touch "$work/end"
wait "$client"
sleep 2.5 # what has closed lingers 2 s
stop dump
check "it ends well" stop run
once() { # each alert that was told of has begun in one of the files, and no event is in two
	python3 - "$work/run.out" "$work/moved.json" "$work"/log/* <<'END'
import collections, json, re, sys
events = [json.loads(line) for file in sys.argv[2:] for line in open(file)]
alerts = collections.Counter((e["karma"]["alert_id"], e["karma"]["stage"], e["timestamp"], e["karma"]["flows"])
                             for e in events if e["event_type"] == "alert")
stats = collections.Counter(e["timestamp"] for e in events if e["event_type"] == "stats")
told = set(re.findall(r"ALERT (\w+)", open(sys.argv[1]).read()))
begun = [key[0] for key in alerts if key[1] == "new"]
print(len(alerts), "events of", len(told), "alerts,", len(stats), "of statistics")
sys.exit(not (len(told) >= 3 and sorted(told) == sorted(begun) and
              all(n == 1 for n in (alerts + stats).values())))
END
}
check "each event is in exactly one of the EVE files" once
check "the last statistics are in the new EVE file" eval 'tail -n 1 "$eve" | grep -q "\"event_type\":\"stats\""'
"$karma" read -m "$model" "$work/v0.pcap" >"$work/read.out" 2>"$work/read.err"
counts() { grep -ho '[0-9,]* packets, [0-9,]* flows, [0-9,]* records judged' "$1"; }
no_less() {
	counts "$work/run.out"
	counts "$work/read.out"
	grep -qx 'nothing lost' "$work/run.out" && [ "$(cat "$work/client.out")" -gt 20 ] &&
		[ -n "$(counts "$work/run.out")" ] && [ "$(counts "$work/run.out")" = "$(counts "$work/read.out")" ]
}
check "packets, flows and records are those of the capture, and nothing is lost" no_less
cat "$work/said"
finish
