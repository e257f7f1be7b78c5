#!/bin/bash
# usage: tests/cli/resume.sh
# karma train interrupted and gone on with: the model is, byte for byte, that of a run which nobody
# disturbed; the log is whole; a checkpoint that does not fit is refused; what cannot be learnt says so.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

# As refuses does, with other lines of its progress before it.
gives_up() { # name status words command...
	local name=$1 want=$2 words=$3
	shift 3
	run "$@"
	check "$name" eval "[ $status -eq $want ] && [ ! -s '$work/out' ] && grep -qF -- \"$words\" '$work/err' &&
		[ \"\$(grep -c '^karma train: ' '$work/err')\" -eq 1 ]"
}

# Single rows and sequences, so that both kinds of updates are stopped within.
rows() { # count
	echo "id,dur,proto,service,state,spkts,dpkts,sbytes,dbytes,attack_cat,label"
	awk -v n="$1" 'BEGIN { srand(4); for (i = 1; i <= n; i++) {
		u = rand(); v = 1 + int(rand() * 40); w = rand() < 0.1 ? 900 : 0
		if (i % 3 == 0) printf "%d,%.6f,udp,dns,CON,2,2,%d,%d,Normal,0\n", i, u, 120 + v + w, 300 + v
		if (i % 3 == 1) printf "%d,%.6f,tcp,-,CON,%d,2,%d,90,DoS,1\n", i, u, 900 + 2 * v, 60000 + v
		if (i % 3 == 2) printf "%d,%.6f,tcp,-,REQ,2,0,%d,0,Reconnaissance,1\n", i, u, 90 + v + w
	} }'
}

sequences() { # hosts
	echo "srcip,sport,dstip,dsport,proto,state,dur,sbytes,dbytes,Spkts,Dpkts,attack_cat,Label,flow_id,event,at,actor"
	awk -v n="$1" 'BEGIN { for (h = 0; h < n; h++) for (i = 0; i < 40; i++)
		printf "10.0.%d.%d,%d,10.1.0.1,%d,tcp,RST,0.001,40,40,1,1,%s,%d,%d,final,%d.5,10.0.%d.%d\n",
			h / 250, h % 250 + 1, 40000 + i, 100 + i, (i < 5 ? "Normal" : "Reconnaissance"), (i >= 5),
			h * 100 + i, 1000 + h * 20 + i, h / 250, h % 250 + 1 }'
}

rows 12000 >"$work/rows.csv"
sequences 200 >"$work/sequences.csv"
train=("$karma" train "$work/rows.csv" "$work/sequences.csv:2" --epochs 15 --hidden 64 --dropout 0.2)

# A run that is ended by a signal as soon as it says, or has written, something. Where the machine is
# so fast, or so busy, that the run was through before the signal came, it is tried again.
interrupt() { # signal file words
	local pid
	for _ in 1 2 3 4 5; do
		rm -f "$2" "$work/model.karma.checkpoint"
		"${train[@]}" -o "$work/model.karma" --log "$work/log" >"$work/out" 2>"$work/err" &
		pid=$!
		for _ in $(seq 3000); do
			grep -qs "$3" "$2" && break
			sleep 0.01
		done
		kill -"$1" "$pid"
		wait "$pid" 2>"$work/killed"
		status=$?
		[ ! -e "$work/model.karma.checkpoint" ] || break
	done
}

run "${train[@]}" -o "$work/whole.karma" --log "$work/whole.log"
check "a run that nobody disturbs" test "$status" -eq 0
check "leaves no checkpoint" test ! -e "$work/whole.karma.checkpoint"
check "and a log of JSON lines" python3 - "$work/whole.log" <<-'end'
	import json, sys
	log = [json.loads(line) for line in open(sys.argv[1])]
	assert [e["epoch"] for e in log] == list(range(1, 16)), log
	assert all(set(e) == {"epoch", "loss", "score", "tpr_at_fpr_1e-2", "macro_f1", "accuracy", "seconds"} for e in log)
	assert all(0 < e["loss"] < 5 and 0 <= e["score"] <= 1 for e in log), log
end

same() { # the resumed run's model and log
	cmp -s "$work/whole.karma" "$work/model.karma" && python3 - "$work/whole.log" "$work/log" <<-'end'
		import json, sys
		a, b = ([json.loads(line) for line in open(f)] for f in sys.argv[1:])
		for e in a + b: e.pop("seconds")
		assert a == b, (a, b)
	end
}

interrupt INT "$work/err" '^epoch 1/'
check "interrupted within its second epoch" eval "[ $status -eq 0 ] && [ -s '$work/model.karma.checkpoint' ]"
check "it left another model" eval "! cmp -s '$work/whole.karma' '$work/model.karma'"
cp "$work/model.karma.checkpoint" "$work/kept"
run "${train[@]}" -o "$work/model.karma" --log "$work/log" --resume
check "gone on with" eval "[ $status -eq 0 ] && grep -q 'goes on in epoch' '$work/err'"
check "it gives the same bytes and the same log" same
check "and no checkpoint is left" test ! -e "$work/model.karma.checkpoint"

interrupt INT "$work/err" 'rows to learn from'
run "${train[@]}" -o "$work/model.karma" --log "$work/log" --resume
check "interrupted within the first epoch" same

interrupt KILL "$work/log" '"epoch":2'
check "killed" test "$status" -eq 137
run "${train[@]}" -o "$work/model.karma" --log "$work/log" --resume
check "killed, it goes on after the last whole epoch" same
rm -f "$work"/model.karma.checkpoint.*.part # killed while it wrote one, it could not take it away

# ---- refusals ----
cp "$work/kept" "$work/model.karma.checkpoint"
gives_up "other settings" 1 "a run with epochs 15, not 4" "${train[@]}" --epochs 4 -o "$work/model.karma" --resume
gives_up "other data" 1 "a run with other data" "$karma" train "$work/rows.csv" "$work/sequences.csv" \
	--epochs 15 --hidden 64 --dropout 0.2 -o "$work/model.karma" --resume
gives_up "another network" 1 "a run with hidden 64, not 32" "${train[@]}" --hidden 32 -o "$work/model.karma" --resume
cp "$work/whole.log" "$work/log"
gives_up "no checkpoint" 1 "no run to go on with" "${train[@]}" -o "$work/none.karma" --log "$work/log" --resume
check "and the log stays as it was" cmp -s "$work/whole.log" "$work/log"
gives_up "no file to go by" 2 "--resume goes by" "${train[@]}" -o - --resume
size=$(stat -c %s "$work/kept")
for cut in 4 40 1000 $((size / 2)) $((size - 1)); do
	head -c "$cut" "$work/kept" >"$work/model.karma.checkpoint"
	gives_up "cut after $cut bytes" 1 "model.karma.checkpoint: damaged" "${train[@]}" -o "$work/model.karma" --resume
done
python3 - "$work/kept" "$work/model.karma.checkpoint" <<-'end'
	import sys
	b = bytearray(open(sys.argv[1], "rb").read()); b[len(b) // 2] ^= 4; open(sys.argv[2], "wb").write(b)
end
gives_up "a flipped bit" 1 "model.karma.checkpoint: damaged" "${train[@]}" -o "$work/model.karma" --resume
gives_up "an unwritable log" 1 "/nonexistent/log: cannot be written" "${train[@]}" -o "$work/x.karma" --log /nonexistent/log
gives_up "a full disk under the log" 1 "lines of the log were lost" "${train[@]}" --epochs 1 -o "$work/x.karma" --log /dev/full

# ---- what cannot be learnt ----
{
	rows 300
	echo "301,0.5,tcp,http,FIN,9,9,700,900,Worms,1"
} >"$work/worm.csv"
for seed in $(seq 100); do # until the one row falls to the validating ones
	run "$karma" train "$work/worm.csv" -o "$work/x.karma" --epochs 1 --hidden 8 --seed "$seed"
	! grep -q "'Worms' validate" "$work/err" || break
done
check "a class that only validates" eval "[ $status -eq 1 ] && grep -q \"all 1 rows of 'Worms' validate\" '$work/err'"
rows 300 | grep -v ',Normal,' >"$work/attacks.csv"
gives_up "no ordinary traffic" 1 "no rows are 'Normal'; both attacks" "$karma" train "$work/attacks.csv" -o "$work/x.karma"
# The double capture's correction makes these attacks equal, and many equal rows are learnt from only.
rows 300 | sed 's/,tcp,-,\(CON\|REQ\).*,\(DoS\|Recon.*\),1$/,tcp,-,REQ,2,0,90,0,DoS,1/' >"$work/equal.csv"
gives_up "no attack validates" 1 "rows that validate are 'Normal'" "$karma" train "$work/equal.csv" -o "$work/x.karma"
check "nothing half-written" eval "! ls '$work'/*.part 2>/dev/null"

finish
