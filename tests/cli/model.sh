#!/bin/bash
# usage: tests/cli/model.sh
# karma model show: what karma train wrote into the file, for a person and for a program; files that
# lack things, or say them wrongly, are shown as far as they go, and do nothing to the terminal.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

{
	echo "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,attack_cat,label"
	awk 'BEGIN { srand(4); for (i = 1; i <= 600; i++) {
		if (i % 2) printf "%d,%.6f,udp,dns,CON,2,2,%d,%d,Normal,0\n", i, rand(), 120 + i % 40, 300 + i % 7
		else printf "%d,%.6f,tcp,-,CON,%d,2,%d,90,DoS,1\n", i, rand(), 900 + i, 60000 + i
	} }'
} >"$work/rows.csv"
run "$karma" train "$work/rows.csv:2.5" -o "$work/m.karma" --epochs 3 --hidden 8 --json
check "a model" test "$status" -eq 0
cp "$work/out" "$work/told.json"
run "$karma" model show "$work/m.karma" --json
check "--json is what karma train told, and the shape" python3 - "$work/told.json" "$work/out" "$work/rows.csv" <<-'end'
	import hashlib, json, sys
	told, shown = (json.load(open(f)) for f in sys.argv[1:3])
	shape = shown.pop("shape")
	assert shape.pop("inputs") > shape.pop("dense") >= 0 and shape == {"layers": 2, "hidden": 8, "classes": 11}
	assert 0.05 <= shown.pop("temperature") <= 20
	attack = shown.pop("attack")
	assert 0.05 <= attack.pop("slope") <= 20 and attack.pop("offset") == 0 and not attack
	assert told == shown
	(data,) = shown["data"]
	assert data["sha256"] == hashlib.sha256(open(sys.argv[3], "rb").read()).hexdigest()
	assert (data["name"], data["rows"], data["weight"]) == ("rows.csv", 600, 2.5)
	assert data["classes"] == {"Normal": 300, "DoS": 300}
	assert [e["epoch"] for e in shown["epochs"]] == [1, 2, 3] and "seconds" not in shown["epochs"][0]
	assert shown["scores"]["rows"] > 0 and shown["settings"]["epochs"] == 3
end
run "$karma" model show "$work/m.karma"
check "for a person" eval "[ $status -eq 0 ] && grep -q '^network: .* 2 x 8 cells, 11 classes' '$work/out' &&
	grep -q \"sha256 \$(sha256sum <'$work/rows.csv' | cut -d' ' -f1)\" '$work/out' &&
	grep -q 'rows.csv  *600 rows, weight 2.5' '$work/out' && grep -Eq 'DoS +300 ' '$work/out' &&
	grep -Eq '^ +epochs +3$|^  epochs +3$' '$work/out' && grep -q 'best\$' '$work/out'"
check "its scores" python3 - "$work/told.json" "$work/out" <<-'end'
	import json, sys
	scores, text = json.load(open(sys.argv[1]))["scores"], open(sys.argv[2]).read()
	for name, value in ("area under ROC", scores["binary"]["roc_auc"]), ("macro-F1", scores["macro_f1"]), \
	        ("expected calibration error", scores["ece"]):
	    line = next(l for l in text.splitlines() if l.strip().startswith(name) and len(l.split()) <= len(name.split()) + 1)
	    assert float(line.split()[-1]) == round(value, 4), (line, value)
end
run "$karma" model show models/default.karma
check "the bundled model" eval "[ $status -eq 0 ] && grep -q '^data: ' '$work/out'"

# ---- headers that say it wrongly: the check sum is right, so only care helps ----
python3 - "$work" <<-'end'
	import json, struct, sys, zlib
	work = sys.argv[1]
	raw = open(work + "/m.karma", "rb").read()
	length = struct.unpack_from("<I", raw, 12)[0]
	header, weights = json.loads(raw[16:16 + length]), raw[16 + length:-4]
	def write(name, change):
	    h = json.loads(json.dumps(header))
	    change(h)
	    text = json.dumps(h).encode()
	    body = raw[:12] + struct.pack("<I", len(text)) + text + weights
	    open(f"{work}/{name}.karma", "wb").write(body + struct.pack("<I", zlib.crc32(body)))
	write("bare", lambda h: [h.pop(k) for k in ("data", "settings", "scores", "epochs", "thresholds", "rows")])
	for i, wrong in enumerate([None, 7, "x", [], {}, [None, 3, "y", [], {}], {"binary": 3, "classes": [3, {}, {"name": 4}]}]):
	    def change(h):
	        for k in "data", "settings", "scores", "epochs", "thresholds", "rows": h[k] = wrong
	    write(f"wrong-{i}", change)
	def steer(h):
	    h["data"][0]["name"] = "\x1b[2J\x07rows\n.csv"
	    h["settings"]["loss"] = "\x1b]0;x\x07"
	    h["epochs"] = [{"epoch": 10 ** 18, "loss": -1e300, "score": 1e300}] * 3
	write("steer", steer)
end
for f in bare wrong-{0..6} steer; do
	run "$karma" model show "$work/$f.karma"
	check "show: $f" eval "[ $status -eq 0 ] && grep -q '^network' '$work/out' && ! LC_ALL=C grep -q \$'[\x01-\x08\x0b-\x1f]' '$work/out'"
	run "$karma" eval -m "$work/$f.karma" "$work/rows.csv" --report "$work/report"
	check "eval --report: $f" eval "[ $status -eq 0 ] && [ -s '$work/report/index.html' ]"
done

# ---- refusals ----
head -c 2000 "$work/m.karma" >"$work/cut.karma"
refuses "a cut file" 1 "cut.karma" "$karma" model show "$work/cut.karma"
refuses "no model" 1 "not a Karma model" "$karma" model show "$work/rows.csv"
refuses "no file" 1 "absent.karma" "$karma" model show "$work/absent.karma"
refuses "nothing to show" 2 "takes one model file" "$karma" model show
refuses "nothing to do" 2 "begins with 'show'" "$karma" model
refuses "another thing to do" 2 "begins with 'show'" "$karma" model eat "$work/m.karma"
refuses "an option" 2 "'--all' is no option" "$karma" model show "$work/m.karma" --all
run sh -c "'$karma' model show '$work/m.karma' >/dev/full"
check "a full disk" eval "[ $status -eq 1 ] && grep -q 'standard output' '$work/err'"

finish
