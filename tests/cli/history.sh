#!/bin/bash
# usage: tests/cli/history.sh
# karma history over the small captures of tests/captures/range: what is found, in which forms, marks
# and mutes, rows to train on; an old file is upgraded; kill -9 again and again damages nothing; a
# full and a read-only disk stop the history and nothing else (root).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
range=$captures/range
history=$work/history.db
export TZ=UTC

ask() { "$karma" history "$@" --history "$history"; }
found() { ask list --csv "$@" | tail -n +2 | cut -d, -f1 | sort | tr '\n' ' '; }
is() { # text command...: it prints just that
	local want=$1 got
	shift
	got=$("$@")
	echo "got '$got', not '$want'"
	[ "$got" = "$want" ]
}
refused() { # name status words argument...: karma history does
	refuses "$1" "$2" "$3" "$karma" history "${@:4}" --history "$history"
}

"$karma" read --history "$history" "$range"/{nmap_syn,flood_syn_random,hydra_ftp,slow_headers}.pcap >/dev/null
id_of() { ask --csv | awk -F, -v c="$1" -v t="$2" '$4 == c && $6 == t {print $1}'; }
scan=$(id_of Reconnaissance T1046) flood=$(id_of DoS T1499.001)
slow=$(id_of DoS T1499.002) guess=$(id_of "Brute Force" T1110)
confidences() { # of EVE lines; with a number: the ids of those that have as much
	python3 -c '
import json, sys
alerts = [json.loads(line)["karma"] for line in sys.stdin]
if len(sys.argv) < 2:
    print(*[a["confidence"] for a in alerts], sep="\n")
else:
    ids = sorted(a["alert_id"] for a in alerts if a["confidence"] >= float(sys.argv[1]))
    print("".join(i + " " for i in ids))' "$@"
}
all() { for i in "$@"; do echo "$i"; done | sort | tr '\n' ' '; }

# ---- search ----

check "the four alerts are there" is "$(all "$scan" "$flood" "$slow" "$guess")" found
check "by class, in any case" is "$(all "$flood" "$slow")" found --class dos
check "by host: the attacker" is "$(all "$scan" "$slow" "$guess")" found --host 10.55.97.188
check "by host: a target" is "$scan " found --host 192.168.29.35
check "by prefix" is "$(all "$scan" "$flood" "$slow" "$guess")" found --prefix 192.168.0.0/16
check "by a prefix where nobody is" is "" found --prefix 192.168.30.0/24
check "by text: all the words" is "$scan " found --text "PORTS t1046"
by_confidence() { # half of the four, as their confidences have it
	local least want
	least=$(ask list --json | confidences | sort -rn | sed -n 2p)
	want=$(ask list --json | confidences "$least")
	is "$want" found --confidence "$least"
}
check "by confidence" by_confidence
check "by time" is "$flood " found --since 2026-11-25T23:05 --until 2026-11-25T23:06
check "before there was anything" is "" found --until 2020-01-01
check "the latest of them" is "$flood " found --limit 1
limited() { ask --limit 1 | tail -n 1 | grep -qx '1 alert; 3 older ones are not shown (--limit)'; }
check "and how many are not shown" limited
sorted() { ask --csv | tail -n +2 | cut -d, -f2 | sort -c; }
check "in the order of time" sorted
forms() { # the same alerts in all three
	ask | head -n -1 | awk '{print $3}' >"$work/table"
	ask --json | python3 -c '
import json, sys
for e in map(json.loads, sys.stdin): print(e["karma"]["alert_id"])' >"$work/json"
	ask --csv | python3 -c '
import csv, sys
for r in csv.DictReader(sys.stdin): print(r["id"]); assert None not in r and r["reasons"]' >"$work/csv"
	cmp "$work/table" "$work/json" && cmp "$work/table" "$work/csv"
}
check "table, JSON and CSV" forms
check "explain is show" cmp <(ask show "$scan") <("$karma" explain --history "$history" "$scan")
others() { ask show "$scan" | grep -qE "^also .* $slow  DoS -> "; }
check "show names the attacker's other alerts" others
answered() { # as with --block
	python3 - "$history" "$scan" <<-'end' && ask show "$scan" | grep -qxE 'response +blocked for 10 min, at its last flow'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.execute("UPDATE alerts SET event = json_set(event, '$.karma.response',"
		           " json('{\"action\":\"block\",\"text\":\"blocked for 10 min\"}')) WHERE id = ?", sys.argv[2:])
		db.commit()
	end
}
check "show tells what was done about it" answered
hosts() { ask hosts --csv | awk -F, '$1 == "10.55.97.188" && $4 > 100 && $9 == 3 {n++} END {exit n != 1}'; }
check "hosts are summed up" hosts

refused "no such verb" 2 "'dance'" dance
refused "no such class" 2 "--class" --class Normal
refused "no such time" 2 "--since" --since yesterday
refused "a host is no prefix" 2 "--host" --host 10.0.0.0/8
refused "an option of another verb" 2 "takes no --since" show x --since 2h
refused "no such alert" 1 "no alert '00000000'" ack 00000000
refuses "no such history" 1 "no history yet" "$karma" history --history "$work/none.db"

# ---- marks ----

check "an alert is acknowledged" ask ack "$scan"
check "others are false alarms" ask false "$slow" "$guess"
check "a mark is taken away" ask unmark "$guess"
check "what is marked is found" is "$slow " found --mark false
check "what is not marked, too" is "$(all "$flood" "$guess")" found --mark none
"$karma" read --history "$history" "$range/nmap_syn.pcap" >/dev/null
check "a mark outlives another reading" is "$scan " found --mark ack
card() {
	ask card --json | python3 -c '
import json, sys
got = {r["class"]: (r["alerts"], r["attacks"], r["false_alarms"]) for r in map(json.loads, sys.stdin)}
print(got)
assert got == {"Reconnaissance": (1, 1, 0), "DoS": (2, 0, 1), "Brute Force": (1, 0, 0)}'
}
check "the card counts them" card

# The rows are those that the detector judged: the same as karma flows --steps makes, in every
# feature that a model uses, and with the marks' labels.
"$karma" flows --steps "$range/nmap_syn.pcap" -o "$work/steps.csv" 2>/dev/null
rows() {
	ask export -o "$work/rows.csv" || return
	"$karma" help features >"$work/features"
	python3 - "$work/steps.csv" "$work/rows.csv" "$work/features" <<-'END'
		import csv, re, sys

		live = [m[1] for m in re.finditer(r"^\| \d+ \| (\w\S*)[^|]*\|[^|]*\| live", open(sys.argv[3]).read(), re.M)]
		raw = {"sload": "Sload", "dload": "Dload", "spkts": "Spkts", "dpkts": "Dpkts", "smean": "smeansz",
		       "dmean": "dmeansz", "sinpkt": "Sintpkt", "dinpkt": "Dintpkt"}
		steps = {(r["flow_id"], r["at"]): r for r in csv.DictReader(open(sys.argv[1]))}
		rows = list(csv.DictReader(open(sys.argv[2])))
		scan = [r for r in rows if r["attack_cat"] == "Reconnaissance"]
		work = [r for r in rows if r["attack_cat"] == "Normal"]
		print(len(live), len(scan), len(work), len(rows))
		assert len(live) > 75 and len(scan) == 64 and len(work) == 64 and len(rows) == 128
		for r in scan:
		    step = steps[r["flow_id"], r["at"]]
		    for name in ["srcip", "dstip", "sport", "dsport", "actor", "first", "last", "Stime"] + live:
		        a, b = step[raw.get(name, name)], r[raw.get(name, name)]
		        same = a == b or abs(float(a) - float(b)) <= 1e-6 * abs(float(a)) + 1e-6
		        assert same, (name, a, b)
	END
}
check "marked alerts give rows, as they were judged" rows
trains() { # of one host alone nothing can be learnt
	ask ack "$flood" && ask export -o "$work/rows.csv" || return
	"$karma" train "$work/rows.csv" -o "$work/own.karma" --validate "$work/rows.csv" --epochs 2 --layers 1 --hidden 8 &&
		"$karma" eval -m "$work/own.karma" "$work/rows.csv"
}
check "karma train takes them" trains
ask unmark "$scan" "$slow" "$flood" >/dev/null
refused "without marks there is nothing to train on" 1 "nothing to train on" export -o "$work/none.csv"
check "and no file is left" test ! -e "$work/none.csv"

# ---- mutes ----

muted() {
	ask mute "$scan" --until 2h | grep -q '^Reconnaissance alerts of 10.55.97.188 are not told until' &&
		ask mute 10.0.0.0/8 --class dos >/dev/null &&
		ask mutes | tail -n 1 | grep -qx '2 mutes' &&
		ask unmark "$scan" | grep -qx '1 mute ended' &&
		ask mutes --csv | grep -q '^10.0.0.0/8,attackers,DoS,'
}
check "mutes come and go" muted
refused "a mute that is over" 1 "over already" mute "$scan" --until 2020-01-01

# ---- an old file ----

old() { # what version 1 had, of the alerts at hand
	python3 - "$history" "$work/old.db" <<-'END'
		import sqlite3, sys

		new, old = sqlite3.connect(sys.argv[1]), sqlite3.connect(sys.argv[2])
		alerts = "id, first_ns, last_ns, class, attacker, target, flows, left_out, event"
		flows = ("alert, slot, flow_id, at_ns, start_ns, last_ns, src, sport, dst, dport, proto, state, app,"
		         " spkts, dpkts, sbytes, dbytes, score, class, probability, actor, latest")
		old.executescript(f"""CREATE TABLE alerts (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
		    {alerts[4:-7]}, event TEXT NOT NULL); CREATE INDEX alerts_first ON alerts (first_ns);
		    CREATE TABLE flows ({flows}, PRIMARY KEY (alert, slot)) WITHOUT ROWID;
		    CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
		    INSERT INTO totals VALUES ('removed', 7);
		    PRAGMA application_id = 1263684929; PRAGMA user_version = 1;""")
		for table, columns in ("alerts", "number, " + alerts), ("flows", flows):
		    rows = new.execute(f"SELECT {columns} FROM {table}").fetchall()
		    old.executemany(f"INSERT INTO {table} ({columns}) VALUES ({','.join('?' * len(rows[0]))})", rows)
		old.commit()
	END
}
upgraded() {
	old || return
	ask --csv | cut -d, -f1-16 >"$work/new.csv"
	history=$work/old.db
	ask --csv | cut -d, -f1-16 | cmp - "$work/new.csv" &&
		is "$scan " found --host 192.168.29.35 &&
		ask | tail -n 1 | grep -qx '4 alerts; 7 older ones gave way' &&
		ask ack "$scan" &&
		python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
assert db.execute("PRAGMA user_version").fetchone() == (3,)' "$history"
}
check "a file of version 1 is upgraded, not refused" upgraded

# ---- kill -9 ----

# scans TURN: packets of a scan again and again, each time of another host.
scans() {
	python3 - "$range/nmap_syn.pcap" "$1" <<-'END'
		import struct, sys, time

		data = open(sys.argv[1], "rb").read()
		sys.stdout.buffer.write(data[:24])
		for scan in range(10000):
		    at = 24
		    out = bytearray()
		    while at < len(data):
		        s, us, caught, length = struct.unpack("<IIII", data[at:at + 16])
		        packet = bytearray(data[at + 16:at + 16 + caught])
		        for place in (26, 30):
		            packet[place + 1:place + 3] = bytes((int(sys.argv[2]), scan % 250))
		        out += struct.pack("<IIII", s + 120 * scan, us, caught, length) + packet
		        at += 16 + caught
		    sys.stdout.buffer.write(out)
		    sys.stdout.buffer.flush()
		    time.sleep(0.05)
	END
}
told() { grep -oE ' ALERT [0-9a-z]{8} ' "$work/told" | cut -c 8-15 | sort -u; }

# At another point each time, while it writes: what is in the file is whole, and whatever was told
# two seconds before is in it (a second, and another for a busy machine).
killed() {
	local db=$work/killed.db i
	mkfifo "$work/fifo"
	for i in $(seq 1 8); do
		: >"$work/told" # what is below may begin late, and the turn before is over
		"$karma" read --history "$db" --follow - <"$work/fifo" >"$work/told" 2>/dev/null &
		job[read]=$!
		scans "$i" >"$work/fifo" 2>/dev/null &
		for _ in $(seq 300); do
			[ "$(told | wc -l)" -ge 3 ] && break
			sleep 0.1
		done
		told >"$work/must"
		sleep "2.$((i * 7 % 10))"
		stop read KILL
		wait
		python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
def one(sql): return db.execute(sql).fetchone()[0]
assert one("PRAGMA integrity_check") == "ok"
assert one("SELECT count(*) FROM alerts WHERE NOT json_valid(event)") == 0
assert one("SELECT count(*) FROM flows WHERE alert NOT IN (SELECT number FROM alerts)") == 0' "$db" || return
		"$karma" history --history "$db" --csv --limit 100000 | cut -d, -f1 | sort >"$work/kept"
		echo "turn $i: $(wc -l <"$work/must") must be there, $(told | wc -l) were told, $(wc -l <"$work/kept") kept"
		[ -s "$work/must" ] && [ -z "$(comm -23 "$work/must" "$work/kept")" ] || return
	done
}
check "kill -9 while it writes, 8 times: whole, and the latest second alone is lost" killed

# ---- disks ----

# A disk of 400 kB, in a namespace of its own: alerts are told all the same, it is said, once, and
# the exit status tells.
# shellcheck disable=SC2016 # the inner shell expands it
on_small_disk() { # folder command...
	unshare -m --propagation private sh -c '
		mount -t tmpfs -o size=400k karma-test "$1" && shift && exec "$@"' sh "$@"
}
full_disk() {
	mkdir -p "$work/disk"
	# shellcheck disable=SC2016 # the inner shell expands it
	on_small_disk "$work/disk" sh -c '
		cat "$1"/*.pcap >/dev/null
		"$2" read --history "$3/history.db" "$1"/*.pcap >"$4/told" 2>"$4/err"
		echo $? >"$4/status"
		"$2" history --history "$3/history.db" >"$4/list" 2>&1
		df "$3"' sh "$range" "$karma" "$work/disk" "$work"
	cat "$work/status" "$work/err" "$work/list"
	"$karma" read "$range"/*.pcap | grep -v '^the history' >"$work/without"
	[ "$(cat "$work/status")" -eq 1 ] &&
		cmp <(grep -E ' (ALERT|ended) ' "$work/told") <(grep -E ' (ALERT|ended) ' "$work/without") &&
		[ "$(grep -c 'could not be written to the history' "$work/err")" -eq 1 ] &&
		grep -q 'full' "$work/err" &&
		grep -qE '^[0-9]+ alerts?' "$work/list"
}
if [ "$(id -u)" -eq 0 ] && mkdir -p "$work/disk" && on_small_disk "$work/disk" true 2>/dev/null; then
	check "a full disk stops the history, not detection" full_disk
else
	skip 1 "a full disk: needs root and mount namespaces"
fi

finish
