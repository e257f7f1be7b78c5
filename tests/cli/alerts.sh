#!/bin/bash
# usage: tests/cli/alerts.sh
# What an alert carries, over the small captures of tests/captures/range: --sensitivity moves alerts
# monotonically; EVE has id, technique, first and last flow; the history and karma explain; the
# packets of --pcap-dir.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
range=$captures/range
export TZ=UTC

# ---- sensitivity ----

for s in low normal high; do
	for f in "$range"/*.pcap; do
		"$karma" read --sensitivity $s --json "$f" || echo "failed: $f" >&2
	done >"$work/$s.json" 2>>"$work/err"
done

# Each alert of a capture with the lower one is there with the higher one, not later; at least some
# come later or not at all.
monotone() { # lower higher
	python3 - "$work/$1.json" "$work/$2.json" <<-'END'
		import json, sys

		def first_alerts(path):
		    first = {}
		    for event in map(json.loads, open(path)):
		        if event["event_type"] == "alert" and event["karma"]["stage"] == "new":
		            key = event["pcap_filename"], event.get("src_ip", "many"), event["alert"]["category"]
		            first.setdefault(key, event["timestamp"])
		    return first

		low, high = map(first_alerts, sys.argv[1:])
		missing = [k for k in low if k not in high]
		later = [k for k in low if k in high and high[k] > low[k]]
		moved = [k for k in high if k not in low or low[k] > high[k]]
		print("missing", missing, "later", later, "moved", len(moved))
		sys.exit(bool(missing or later or not low or not moved))
	END
}
check "what low reports, normal does, no later" monotone low normal
check "what normal reports, high does, no later" monotone normal high
for f in "$range"/*.pcap; do "$karma" read --json "$f"; done >"$work/default.json"
check "normal is the default" cmp "$work/normal.json" "$work/default.json"
check "nothing was said on standard error" test ! -s "$work/err"

# ---- what an alert carries ----

alerts_are_whole() {
	python3 - "$work/normal.json" <<-'END'
		import collections, json, re, sys

		ids = collections.defaultdict(set)
		techniques = set()
		for event in map(json.loads, open(sys.argv[1])):
		    if event["event_type"] != "alert":
		        continue
		    karma, meta = event["karma"], event["alert"]["metadata"]
		    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{8}", karma["alert_id"]), karma["alert_id"]
		    ids[karma["alert_id"]].add(event["pcap_filename"])
		    techniques.update(meta["mitre_technique_id"])
		    assert len(meta["mitre_technique_id"]) == len(meta["mitre_tactic_id"]) == 1
		    assert meta["reasons"], event
		    assert abs(sum(meta["class_probabilities"].values()) - 1) < 0.01
		    assert karma["confidence"] == meta["class_probabilities"][event["alert"]["category"]]
		    first, last = karma["first_flow"], karma["last_flow"]
		    assert karma["flows"] >= 2 and first["flow_id"] != last["flow_id"]
		    assert last["flow_id"] == event["flow_id"]
		    if "src_ip" in event:
		        assert all(event["src_ip"] in (f["src_ip"], f["dest_ip"]) for f in (first, last))
		assert all(len(c) == 1 for c in ids.values()), ids
		assert len(ids) >= 6, ids
		print(techniques)
		assert techniques == {"T1046", "T1110", "T1210", "T1499.001", "T1499.002"}
	END
}
scan_is_told() {
	"$karma" read "$range/nmap_syn.pcap" >"$work/out" &&
		grep -E 'ended [0-9a-z]{8}  Reconnaissance [0-9]+ % T1046  10\.[0-9.]+ -> 192\.168\.[0-9.]+  [0-9]+ flows, 6[0-9]{2} ports in [0-9]+ ms, [0-9]{3} refused: .*ports of 192\.168\.[0-9.]+ in 2 s' "$work/out"
}
check "every alert has id, technique, reasons, first and last flow" alerts_are_whole
check "a scan's line has ports, target, time and refusals" scan_is_told

# ---- the history ----

history=$work/history.db
read_all() { # the attacks among the captures; again changes nothing
	for _ in 1 2; do
		"$karma" read --history "$history" --json \
			"$range"/{nmap_syn,flood_syn_random,hydra_ftp,slow_headers}.pcap >"$work/read.json" || return
	done
}
listed() {
	"$karma" explain --history "$history" >"$work/list" || return
	cat "$work/list"
	[ "$(wc -l <"$work/list")" -eq 5 ] && tail -n 1 "$work/list" | grep -qx '4 alerts'
}

# Every alert of EVE's is in the history as it was when it ended; its flows are of the attack, their
# number is the alert's or the rest is said to be left out.
history_is_eves() {
	"$karma" explain --history "$history" --json >"$work/list.json" || return
	for id in $(python3 -c '
import json, sys
for line in open(sys.argv[1]): print(json.loads(line)["karma"]["alert_id"])' "$work/list.json"); do
		"$karma" explain --history "$history" --json "$id" || return
	done >"$work/all.json"
	python3 - "$work/read.json" "$work/all.json" <<-'END'
		import json, sys

		last, kept = {}, {}
		for event in map(json.loads, open(sys.argv[1])):
		    if event["event_type"] == "alert":
		        last[event["karma"]["alert_id"]] = event
		for event in map(json.loads, open(sys.argv[2])):
		    flows, left_out = event.pop("flows"), event.pop("flows_left_out")
		    event.pop("other_alerts")
		    assert event["karma"].pop("ended") and len(event["karma"].pop("model")) == 8
		    kept[event["karma"]["alert_id"]] = event
		    count = event["karma"]["flows"]
		    print(count, len(flows), left_out)
		    assert len(flows) + left_out == count
		    assert len(flows) == min(count, 200)
		    assert len({f["flow_id"] for f in flows}) == len(flows)
		    assert event["karma"]["first_flow"]["flow_id"] in {f["flow_id"] for f in flows}
		    assert flows[-1]["flow_id"] == event["karma"]["last_flow"]["flow_id"]
		    for f in flows:
		        ends = f["src_ip"], f["dest_ip"]
		        assert event.get("src_ip", event["dest_ip"]) in ends
		        assert f["score"] > 0 and 0 < f["probability"] <= 1
		assert kept == last and len(kept) == 4
	END
}
explained() {
	"$karma" explain --history "$history" "$1" >"$work/explained" || return
	cat "$work/explained"
	grep -qE '^class +Reconnaissance (9[0-9]\.[0-9]|100\.0) %( \(|$)' "$work/explained" &&
		grep -qx 'technique   T1046 Network Service Discovery, of TA0007 Discovery' "$work/explained" &&
		grep -qE '^count +[0-9]{3} flows to [0-9]{3} ports in [0-9]+ ms, [0-9]{3} refused$' "$work/explained" &&
		grep -qE '^200 flows, the first 100 and the last ones; 4[0-9]{2} between them were not kept$' "$work/explained" &&
		[ "$(grep -cE '^[0-9:]{8}\.[0-9]{6}  .* Reconnaissance [0-9]+ %$' "$work/explained")" -ge 190 ]
}
refuses_unknown_ids() {
	local said
	said=$("$karma" explain --history "$history" 00000000 2>&1) && return 1
	echo "$said"
	[ "$(wc -l <<<"$said")" -eq 1 ] && grep -qF "no alert '00000000'" <<<"$said"
}

check "captures are read with a history, twice" read_all
check "karma explain lists the alerts, each once" listed
check "the history has what EVE has, and the flows behind" history_is_eves
scan_id=$("$karma" explain --history "$history" | sed -nE 's/.* ([0-9a-z]{8})  Reconnaissance .*/\1/p')
check "karma explain tells a scan" explained "$scan_id"
check "karma explain refuses an unknown id" refuses_unknown_ids
spoilt() { # a file that others wrote into: said in a line, not believed
	local said
	cp "$history" "$work/spoilt.db" || return
	python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE alerts SET event = ?", ("[]",)); db.commit()' "$work/spoilt.db"
	said=$("$karma" explain --history "$work/spoilt.db" "$scan_id" 2>&1) && return 1
	echo "$said"
	[ "$(wc -l <<<"$said")" -eq 1 ]
}
check "a spoilt history" spoilt
check "nothing stays beside the history" test "$(echo "$history"*)" = "$history"

# ---- packets ----

# whole CAPTURE ID ADDRESS: the alert's capture holds every packet of that host in the capture, no
# other, byte for byte up to 512.
whole() {
	"$karma" read --pcap-dir "$work/packets" "$range/$1.pcap" >"$work/out" || return
	cat "$work/out"
	python3 - "$range/$1.pcap" "$work/packets" "$2" <<-'END'
		import glob, socket, struct, sys

		def packets(path):
		    data = open(path, "rb").read()
		    magic, = struct.unpack("<I", data[:4])
		    unit = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[magic]
		    at, found = 24, []
		    while at < len(data):
		        s, ns, caught, length = struct.unpack("<IIII", data[at:at + 16])
		        assert at + 16 + caught <= len(data)
		        found.append((s * 10**9 + ns * unit, length, data[at + 16:at + 16 + min(caught, 512)]))
		        at += 16 + caught
		    return found

		path, = glob.glob(sys.argv[2] + "/*.pcap")
		host = socket.inet_aton(sys.argv[3])
		kept = packets(path)
		wanted = [p for p in packets(sys.argv[1]) if host in (p[2][26:30], p[2][30:34])
		          and p[2][12:14] == b"\x08\x00" or p[2][12:14] == b"\x08\x06" and host in p[2]]
		print(len(kept), len(wanted))
		sys.exit(kept != wanted or not kept)
	END
	local good=$?
	rm -r "$work/packets"
	return "$good"
}
# A folder on a full disk: one line says so, the alerts are told all the same, and what was kept is
# whole.
full_disk() {
	mkdir "$work/small" "$work/cut"
	# shellcheck disable=SC2016 # the inner shell expands it
	run unshare -m sh -c 'mount -t tmpfs -o size=16k tmpfs "$1" || exit
		"$2" read --pcap-dir "$1" "$3"
		status=$?
		cp "$1"/*.pcap "$4" && exit $status' \
		sh "$work/small" "$karma" "$range/nmap_syn.pcap" "$work/cut"
	[ "$status" -eq 1 ] && [ "$(wc -l <"$work/err")" -eq 1 ] &&
		grep -q '^karma read: packets of alerts were not always written' "$work/err" &&
		grep -q ALERT "$work/out" && grep -q 'packets of alerts that could not be written' "$work/out" &&
		"$karma" flows "$work/cut" >"$work/rows" && [ "$(wc -l <"$work/rows")" -gt 50 ]
}
if unshare -m true 2>"$work/err"; then
	check "a full disk under the packets" full_disk
else
	skip 1 "a full disk under the packets: no mount namespace here"
fi
check "a scan's packets are kept, all of them" whole nmap_syn 10.55.97.188
check "so are those of a flood's target" whole flood_syn_random 192.168.29.229

finish
