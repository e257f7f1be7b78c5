#!/bin/bash
# usage: tests/cli/kernels.sh
# --kernel, as a user meets it: each kernel that the processor can run says of captures what the
# reference says (float32 to the last digits shown, int8 within 0.02 of the probabilities), and loses no
# more than 0.2 points of F1 on rows held out from training: of UNSW-NB15 where it is at hand, else
# made up. Others are refused.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
unsw=$shared/data/unsw-nb15/partition.csv
kernels=(avx2 avx512 int8-avx2 int8-avx-vnni int8-avx512-vnni)

scores() { # kernel file
	timeout 120 "$karma" read tests/captures/*.pcap --kernel "$1" --json --scores "$2" >"$2.alerts" </dev/null
}

same_scores() { # file limit: the probabilities of the reference within the limit, the same alerts
	python3 - "$work/scalar.csv" "$1" "$2" <<-'end'
		import csv, json, sys
		a, b = (list(csv.DictReader(open(f))) for f in sys.argv[1:3])
		limit = float(sys.argv[3])
		assert len(a) == len(b) > 20, (len(a), len(b))
		classes = list(a[0])[list(a[0]).index("target_evidence") + 1:]
		for x, y in zip(a, b):
		    assert x["flow_id"] == y["flow_id"]
		    for c in classes:
		        assert abs(float(x[c]) - float(y[c])) <= limit, (x, y)
		def alerts(path):
		    lines = map(json.loads, open(path + ".alerts"))
		    return sorted((e["src_ip"], e["alert"]["category"]) for e in lines if e["event_type"] == "alert")
		assert set(alerts(sys.argv[1])) == set(alerts(sys.argv[2]))
	end
}

made_up() { # seed: normal rows are answered, DoS is loud, Reconnaissance small; some are neither
	echo "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,attack_cat,label"
	awk -v seed="$1" 'BEGIN { srand(seed); for (i = 1; i <= 3000; i++) {
		v = int(rand() * 2000); loud = rand()
		if (i % 3 == 0) printf "%d,%.6f,udp,dns,CON,2,2,%d,%d,Normal,0\n", i, loud, 120 + v, 300 + v
		if (i % 3 == 1) printf "%d,%.6f,tcp,-,CON,%d,2,%d,90,DoS,1\n", i, loud, 9 + v / 99, 900 + v
		if (i % 3 == 2) printf "%d,%.6f,tcp,-,REQ,2,0,%d,0,Reconnaissance,1\n", i, loud, 90 + v
	} }'
}

f1() { # kernel
	timeout 120 "$karma" eval -m "$work/m.karma" "$work/test.csv" --kernel "$1" --json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["binary"]["f1"])'
}

keeps_f1() { # kernel
	local got
	got=$(f1 "$1") && echo "F1 $got, the reference $reference" &&
		python3 -c 'import sys; sys.exit(not abs(float(sys.argv[1]) - float(sys.argv[2])) <= 0.002)' "$got" "$reference"
}

check "the reference reads captures" scores scalar "$work/scalar.csv"
if [ -r "$unsw" ]; then
	scripts/split-unsw.py "$unsw" "$work/train.csv" "$work/test.csv"
else
	skip 1 "UNSW-NB15: $unsw is not there; made-up rows in its place"
	made_up 1 >"$work/train.csv"
	made_up 2 >"$work/test.csv"
fi
check "a model to score" timeout 300 "$karma" train "$work/train.csv" -o "$work/m.karma" --epochs 3
reference=$(f1 scalar)
for k in "${kernels[@]}"; do
	if ! "$karma" read --kernel "$k" tests/captures/web.pcap >"$work/out" 2>"$work/err"; then
		check "$k is refused, and why" grep -q "cannot run the kernel '$k'" "$work/err"
		skip 1 "$k: this processor cannot run it"
		continue
	fi
	limit=0.0001
	[ "${k#int8}" = "$k" ] || limit=0.02
	check "$k reads captures" scores "$k" "$work/$k.csv"
	check "$k says what the reference says" same_scores "$work/$k.csv" "$limit"
	check "$k keeps F1 ($(f1 "$k"), the reference $reference)" keeps_f1 "$k"
done
for command in "read tests/captures/web.pcap" run "eval -m $work/m.karma $work/test.csv" "bench lstm"; do
	# shellcheck disable=SC2086 # the words are apart
	"$karma" $command --kernel abacus >"$work/out" 2>"$work/err" </dev/null
	check "${command%% *} knows no abacus" test $? -eq 2
	check "${command%% *} says which there are" grep -q "no kernel 'abacus'; there are fp32, int8, scalar" "$work/err"
done

finish
