#!/bin/bash
# usage: tests/cli/alerts.sh
# What an alert carries, over the small captures of tests/captures/range: --sensitivity moves alerts
# monotonically; EVE has id, technique, first and last flow; the history and karma explain; the
# packets of --pcap-dir.
#
# shellcheck disable=SC2317 # functions that `check` calls
set -u
cd "$(dirname "$0")/../.." || exit 1
karma=$PWD/build/karma
captures=$PWD/tests/captures/range
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
export TZ=UTC

check() { # name command...
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		passed=$((passed + 1))
		echo "ok $name"
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		head -n 10 "$work/said"
	fi
}

# ---- sensitivity ----

for s in low normal high; do
	for f in "$captures"/*.pcap; do
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
for f in "$captures"/*.pcap; do "$karma" read --json "$f"; done >"$work/default.json"
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
		    assert karma["flows"] >= 3 and first["flow_id"] != last["flow_id"]
		    assert last["flow_id"] == event["flow_id"]
		    if "src_ip" in event:
		        assert all(event["src_ip"] in (f["src_ip"], f["dest_ip"]) for f in (first, last))
		assert all(len(c) == 1 for c in ids.values()), ids
		assert len(ids) >= 6, ids
		print(techniques)
		assert techniques == {"T1046", "T1110", "T1499.001", "T1499.002"}
	END
}
scan_is_told() {
	"$karma" read "$captures/nmap_syn.pcap" >"$work/out" &&
		grep -E 'ended [0-9a-z]{8}  Reconnaissance [0-9]+ % T1046  10\.[0-9.]+ -> 192\.168\.[0-9.]+  [0-9]+ flows, 6[0-9]{2} ports in [0-9]+ ms, [0-9]{3} refused: .*ports of 192\.168\.[0-9.]+ in 2 s' "$work/out"
}
check "every alert has id, technique, reasons, first and last flow" alerts_are_whole
check "a scan's line has ports, target, time and refusals" scan_is_told

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
