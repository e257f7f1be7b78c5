#!/bin/bash
# usage: tests/cli/train.sh
# karma train, eval and bench as a user meets them, on small made-up rows: a model is learnt, the same
# seed gives the same bytes, Ctrl-C leaves the best so far, and what cannot be learnt from is refused.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# Rows of the partition's form: normal ones are answered, DoS is loud, Reconnaissance small.
rows() { # count
	echo "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,attack_cat,label"
	awk -v n="$1" 'BEGIN { srand(4); for (i = 1; i <= n; i++) {
		u = rand(); v = 1 + int(rand() * 40)
		if (i % 3 == 0) printf "%d,%.6f,udp,dns,CON,2,2,%d,%d,Normal,0\n", i, u, 120 + v, 300 + v
		if (i % 3 == 1) printf "%d,%.6f,tcp,-,CON,%d,2,%d,90,DoS,1\n", i, u, 900 + 2 * v, 60000 + v
		if (i % 3 == 2) printf "%d,%.6f,tcp,-,REQ,2,0,%d,0,Reconnaissance,1\n", i, u, 90 + v
	} }'
}

# Karma's form: hosts whose fifth and later refused connections are Reconnaissance. A row does not
# say which it is; the memory does.
sequences() { # hosts
	echo "srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,Spkts,Dpkts,attack_cat,Label,flow_id,event,at,actor"
	awk -v n="$1" 'BEGIN { for (h = 0; h < n; h++) for (i = 0; i < 10; i++)
		printf "10.0.%d.%d,%d,10.1.0.1,%d,tcp,RST,0.001,40,40,1,1,%s,%d,%d,final,%d.5,10.0.%d.%d\n",
			h / 250, h % 250 + 1, 40000 + i, 100 + i, (i < 5 ? "Normal" : "Reconnaissance"), (i >= 5),
			h * 100 + i, 1000 + h * 20 + i, h / 250, h % 250 + 1 }'
}

rows 900 >"$work/rows.csv"
sequences 60 >"$work/sequences.csv"
settings=(--epochs 12 --hidden 16 --batch 32 --lr 0.02)

# ---- learning ----
run "$karma" train "$work/rows.csv" -o "$work/a.karma" "${settings[@]}"
check "train" test "$status" -eq 0
check "a line an epoch, without a terminal" test "$(grep -c '^epoch ' "$work/err")" -ge 3
check "no bar in a log" eval "! grep -q $'\r' '$work/err'"
run "$karma" eval -m "$work/a.karma" "$work/rows.csv" --json
check "eval --json" test "$status" -eq 0
check "what it scores" python3 - "$work/out" <<-'end'
	import json, sys
	m = json.load(open(sys.argv[1]))
	assert set(m) == {"rows", "binary", "accuracy", "macro_f1", "weighted_f1", "ece", "classes", "confusion"}
	assert set(m["binary"]) == {"accuracy", "precision", "recall", "f1", "fpr", "roc_auc", "pr_auc",
	    "tpr_at_fpr_1e-2", "tpr_at_fpr_1e-3"}
	assert m["rows"] == 900 and sum(map(sum, m["confusion"])) == 900
	assert m["accuracy"] > 0.95 and m["binary"]["roc_auc"] > 0.95, m
	assert [c["support"] for c in m["classes"]][:3] == [300, 300, 300]
end
run "$karma" eval -m "$work/a.karma" "$work/rows.csv"
check "eval's table" grep -q 'macro-F1' "$work/out"

for seed in 1 1 2; do
	run "$karma" train "$work/rows.csv" "$work/sequences.csv:2" -o "$work/seed.karma" \
		"${settings[@]}" --epochs 2 --dropout 0.2 --seed $seed
	sha256sum <"$work/seed.karma" >>"$work/seeds"
done
check "the same seed gives the same bytes" test "$(head -n 2 "$work/seeds" | uniq | wc -l)" -eq 1
check "another seed gives others" test "$(uniq "$work/seeds" | wc -l)" -eq 2

run "$karma" model show "$work/seed.karma"
check "hosts are remembered in both views" \
	grep -qx 'remembers: what each host did, and what was done to it' "$work/out"
judges_alike() { # karma eval takes the rows of a capture for what karma read takes its records for
	local capture=$captures/range/nmap_syn
	"$karma" flows --steps --truth "$capture.truth" -o "$work/rows.of" "$capture.pcap" 2>/dev/null &&
		"$karma" read "$capture.pcap" --scores "$work/scores" >/dev/null &&
		"$karma" eval -m models/default.karma "$work/rows.of" --json >"$work/eval" 2>/dev/null &&
		python3 - "$work/rows.of" "$work/scores" "$work/eval" <<-'end'
			import csv, json, sys
			rows, scores = (list(csv.DictReader(open(f))) for f in sys.argv[1:3])
			figures = json.load(open(sys.argv[3]))
			names = [c["name"] for c in figures["classes"]]
			own = [[0] * len(names) for _ in names]
			assert [r["flow_id"] for r in rows] == [s["flow_id"] for s in scores]
			for r, s in zip(rows, scores):
			    if r["Label"] != "":
			        own[names.index(r["attack_cat"])][names.index(max(names, key=lambda n: float(s[n])))] += 1
			assert own == figures["confusion"], (own, figures["confusion"])
			assert sum(map(sum, own)) > 100
		end
}
check "karma eval judges as karma read does" judges_alike

run "$karma" train "$work/sequences.csv" -o "$work/one.karma" "${settings[@]}" --epochs 2 --one-view
run "$karma" model show "$work/one.karma"
check "or in one" grep -qx 'remembers: what each host did' "$work/out"
run "$karma" model show "$work/a.karma"
check "or not at all" grep -qx 'remembers: nothing, each record is judged by itself' "$work/out"

run "$karma" train "$work/sequences.csv" -o "$work/s.karma" "${settings[@]}" --epochs 40 --json
check "train --json describes the model" python3 - "$work/out" <<-'end'
	import json, sys
	m = json.load(open(sys.argv[1]))
	assert m["rows"] == "corrected" and len(m["classes"]) >= 10 and m["data"][0]["rows"] == 600
	assert m["data"][0]["name"] == "sequences.csv" and len(m["data"][0]["sha256"]) == 64
	assert m["settings"]["seed"] == 1 and m["scores"]["rows"] > 0 and "fpr_1e-2" in m["thresholds"]
end
run "$karma" eval -m "$work/s.karma" "$work/sequences.csv" --json
check "what the memory tells" python3 -c "import json,sys; sys.exit(json.load(open('$work/out'))['accuracy'] < 0.98)"

# ---- inputs ----
inputs() { # options...: the names of the inputs and their form
	run "$karma" train "$work/rows.csv" -o "$work/f.karma" --epochs 1 --hidden 4 --json "$@"
	python3 -c 'import json, sys; m = json.load(open(sys.argv[1])); i = m["input"]
print(len(i["features"]), i["bins"], " ".join(f["name"] for f in i["features"]))' "$work/out"
}
check "a list of features" test "$(inputs --features proto,dur,sbytes)" = "3 True proto dur sbytes"
check "what a list takes out again" test "$(inputs --features 'published,-ct_*,-s*,-d*' --as-published)" = \
	"8 True proto trans_depth response_body_len tcprtt ackdat is_sm_ips_ports is_ftp_login rate"
check "numbers standardised" test "$(inputs --features dur,sttl --bins 0)" = "2 False dur sttl"
refuses "train: --features" 1 "moon" "$karma" train "$work/rows.csv" -o "$work/x.karma" --features moon
refuses "train: --bins" 2 "from 0 to 64" "$karma" train "$work/rows.csv" -o "$work/x.karma" --bins 65

# ---- rows that validate, or none; probabilities in place of labels ----
rows 1200 | sed -e '2,901d' >"$work/later.csv"
run "$karma" train "$work/rows.csv" --validate "$work/later.csv" -o "$work/v.karma" "${settings[@]}" --json
cp "$work/out" "$work/v.json"
check "--validate" python3 - "$work/v.json" <<-'end'
	import json, sys
	m = json.load(open(sys.argv[1]))
	assert m["scores"]["rows"] == 300 and m["settings"]["validation_share"] == 0
	assert [(d["name"], d["rows"], d.get("validates")) for d in m["data"]] == \
	    [("rows.csv", 900, None), ("later.csv", 300, True)]
end
run "$karma" train "$work/rows.csv" "$work/later.csv" --calibration "$work/v.karma" -o "$work/c.karma" \
	"${settings[@]}" --seed 3 --json --log "$work/c.log"
cp "$work/out" "$work/c.json"
"$karma" model show --json "$work/v.karma" >"$work/v.shown" && "$karma" model show --json "$work/c.karma" >"$work/c.shown"
check "--calibration: all rows, another model's figures" python3 - "$work" <<-'end'
	import json, sys
	v, c, v_shown, c_shown = (json.load(open(sys.argv[1] + f)) for f in ("/v.json", "/c.json", "/v.shown", "/c.shown"))
	assert sum(d["rows"] for d in c["data"]) == 1200 and "scores" not in c and c["thresholds"] == v["thresholds"]
	assert c["calibration"] == {"model": "v.karma", "data": v["data"], "scores": v["scores"]}
	for key in "temperature", "attack":
	    assert v_shown[key] == c_shown[key]
end
# What no row has measured is null; whatever is a number is one, which NaN is not.
check "its log" python3 - "$work/c.log" <<-'end'
	import json, sys
	def refuse(word):
	    raise ValueError(word)
	log = [json.loads(line, parse_constant=refuse) for line in open(sys.argv[1])]
	assert [e["epoch"] for e in log] == list(range(1, 13)) and log[11]["loss"] < log[0]["loss"]
	for e in log:
	    assert {k for k, v in e.items() if v is None} == {"score", "tpr_at_fpr_1e-2", "macro_f1", "accuracy"}, e
	    assert 0 < e["loss"] < 10 and 0 <= e["seconds"] < 1000, e
end
run "$karma" model show "$work/c.karma"
check "and says so" grep -q 'calibrated by rows that another model left aside: v.karma' "$work/out"
run "$karma" eval -m "$work/c.karma" "$work/later.csv" --json
check "what it learnt" python3 -c "import json,sys; sys.exit(json.load(open('$work/out'))['accuracy'] < 0.95)"
for other in "--batch 16" "--as-published" "--features dur,sbytes" "--hidden 8"; do
	# shellcheck disable=SC2086
	refuses "train: calibration of a model without $other" 1 "made with other options" "$karma" train \
		"$work/rows.csv" --calibration "$work/v.karma" -o "$work/x.karma" "${settings[@]}" $other
done
refuses "train: calibration that is another's" 1 "lacks its scores" "$karma" train "$work/rows.csv" \
	--calibration "$work/c.karma" -o "$work/x.karma" "${settings[@]}"
refuses "train: calibration, no model" 1 "not a Karma model" "$karma" train "$work/rows.csv" \
	--calibration "$work/rows.csv" -o "$work/x.karma" "${settings[@]}"
refuses "train: two that validate" 2 "exclude each other" "$karma" train "$work/rows.csv" \
	--validate "$work/later.csv" --calibration "$work/v.karma" -o "$work/x.karma"
refuses "train: patience without rows that validate" 2 "--patience needs rows" "$karma" train \
	"$work/rows.csv" --calibration "$work/v.karma" -o "$work/x.karma" --patience 3

# Guesses that contradict the labels of a few rows, and are many: they are learnt, but do not count.
{
	echo "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,p_DoS,p_Normal,p_Reconnaissance"
	sed -n 's/,DoS,1$/,0,1,0/p' "$work/rows.csv"
} >"$work/guesses.csv"
run "$karma" train "$work/rows.csv" "$work/guesses.csv:20" -o "$work/g.karma" "${settings[@]}" --json
check "probabilities in place of labels" python3 - "$work/out" <<-'end'
	import json, sys
	m = json.load(open(sys.argv[1]))
	assert m["data"][1]["soft"] == 300 and m["data"][1]["classes"] == {} and m["scores"]["rows"] < 100
end
run "$karma" eval -m "$work/g.karma" "$work/rows.csv" --json
check "are learnt" python3 -c "import json,sys; sys.exit(json.load(open('$work/out'))['classes'][2]['recall'] > 0.1)"
refuses "train: guesses alone" 1 "none is left to learn from" "$karma" train "$work/guesses.csv" -o "$work/x.karma" \
	--validate "$work/later.csv" --features dur
refuses "train: guesses validate" 1 "what validates needs one" "$karma" train "$work/rows.csv" \
	--validate "$work/guesses.csv" -o "$work/x.karma"
refuses "eval: guesses" 1 "no row has a label" "$karma" eval -m "$work/a.karma" "$work/guesses.csv"

# Two files that contradict each other: the weight decides.
sed 's/,DoS,1$/,Normal,0/' "$work/rows.csv" >"$work/tame.csv"
for weight in 0.02 50; do
	run "$karma" train "$work/rows.csv:$weight" "$work/tame.csv" -o "$work/w.karma" "${settings[@]}" --loss ce
	run "$karma" eval -m "$work/w.karma" "$work/rows.csv" --json
	python3 -c "import json; print(json.load(open('$work/out'))['classes'][2]['recall'])" >>"$work/recalls"
done
check "weights of files" python3 -c "a, b = map(float, open('$work/recalls')); assert a < 0.1 and b > 0.9, (a, b)"

rows 30000 >"$work/many.csv"
"$karma" train "$work/many.csv" -o "$work/i.karma" --hidden 256 2>"$work/err" >"$work/out" &
pid=$!
for _ in $(seq 100); do
	grep -q '^epoch 1/' "$work/err" && break
	sleep 0.1
done
kill -INT $pid
wait $pid
check "Ctrl-C ends well" test $? -eq 0
check "and leaves the best so far" eval "grep -q interrupted '$work/err' && '$karma' eval -m '$work/i.karma' '$work/rows.csv' >/dev/null"

# ---- refusals ----
sed 's/,Normal,0$/,,/' "$work/rows.csv" >"$work/unlabelled.csv"
grep -v 'DoS\|Recon' "$work/rows.csv" >"$work/one.csv"
head -n 1 "$work/rows.csv" >"$work/empty.csv"
: >"$work/nothing.csv"
sed '7s/,udp,\|,tcp,/,tcp,x,/' "$work/rows.csv" >"$work/bad.csv"
head -n 3 "$work/rows.csv" >"$work/few.csv"
head -c 5000 "$work/a.karma" >"$work/cut.karma"
for f in unlabelled:"300 of 900 rows have no label" one:"all rows are 'Normal'" \
	empty:"no rows" nothing:nothing.csv bad:"bad.csv:7" few:"too few" absent:absent.csv; do
	refuses "train: ${f%%:*}" 1 "${f#*:}" "$karma" train "$work/${f%%:*}.csv" -o "$work/x.karma"
done
refuses "train: weight" 1 "a weight behind a colon" "$karma" train "$work/rows.csv:much" -o "$work/x.karma"
refuses "train: unwritable" 1 "/nonexistent/x.karma" "$karma" train "$work/few.csv" \
	"$work/rows.csv" -o /nonexistent/x.karma --epochs 1
check "nothing half-written" test -z "$(find "$work" -name 'x.karma*')"
refuses "train: no data" 2 "no data" "$karma" train -o "$work/x.karma"
refuses "train: no -o" 2 "-o" "$karma" train "$work/rows.csv"
refuses "train: --loss" 2 "focal or ce" "$karma" train "$work/rows.csv" -o "$work/x.karma" --loss mse
refuses "train: --epochs" 2 "whole number" "$karma" train "$work/rows.csv" -o "$work/x.karma" --epochs 1.5
refuses "train: --lr" 2 "--lr takes a number" "$karma" train "$work/rows.csv" -o "$work/x.karma" --lr nan
refuses "eval: no model" 2 "-m" "$karma" eval "$work/rows.csv"
refuses "eval: truncated model" 1 "cut.karma" "$karma" eval -m "$work/cut.karma" "$work/rows.csv"
refuses "eval: foreign model" 1 "not a Karma model" "$karma" eval -m "$work/rows.csv" "$work/rows.csv"
sed 's/,[A-Za-z]*,[01]$/,,/' "$work/rows.csv" >"$work/blank.csv"
refuses "eval: no labels" 1 "no row has a label" "$karma" eval -m "$work/a.karma" "$work/blank.csv"
run "$karma" eval -m "$work/a.karma" "$work/unlabelled.csv"
check "eval leaves rows without a label out" eval "grep -q '300 rows without' '$work/err' && grep -q '^600 rows' '$work/out'"
refuses "bench: unknown" 2 "no benchmark 'sleep'" "$karma" bench sleep
run "$karma" bench lstm --json
check "bench --json" python3 -c "import json; d=json.load(open('$work/out')); assert d['lstm']['scalar']['alone_us_per_step'] > 0 and d['machine']['cores'] > 0"

finish
