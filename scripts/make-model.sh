#!/bin/bash
# usage: scripts/make-model.sh RANGE-DATA [MODEL]
#
# Trains the bundled model (models/default.karma) on the data at hand and writes its card beside it:
# - RANGE-DATA: a folder of captures and truth that range/make-data.sh made; train-* to train on, test-* to
#   score on, never looked at before.
# - UNSW-NB15's partition, when $UNSW names it or the shared data has it: corrected for the double
#   capture, four rows of five to train on, one held out, equal rows on one side.
# - Benign captures of other networks, when $BENIGN names a folder of them or the shared data has
#   one: half of them (by a hash of the name) to train on, half held out.
set -eu
cd "$(dirname "$0")/.."
data=${1:?usage: scripts/make-model.sh RANGE-DATA [MODEL]}
model=${2:-models/default.karma}
unsw=${UNSW:-${KARMA_SHARED:-../shared}/data/unsw-nb15/partition.csv}
benign=${BENIGN:-${KARMA_SHARED:-../shared}/corpus/benign}
karma=build/karma
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ls "$data"/train-*.pcap "$data"/test-*.pcap >/dev/null 2>&1 || {
	echo "make-model: no captures in $data; 'make range-data' makes them (root, some twenty minutes)" >&2
	exit 1
}
for capture in "$data"/*.pcap; do
	base=${capture%.pcap}
	$karma flows --steps --truth "$base.truth" -o "$work/$(basename "$base").csv" "$capture" \
		2>/dev/null
done

rows=("$work"/train-*.csv)
if [ -r "$unsw" ]; then
	scripts/split-unsw.py "$unsw" "$work/unsw-train.csv" "$work/unsw-test.csv"
	rows+=("$work/unsw-train.csv")
else
	echo "make-model: no UNSW-NB15 partition at $unsw: the model learns from the range alone" >&2
fi

mkdir "$work/benign-test"
for capture in "$benign"/*.pcap "$benign"/*.pcapng; do
	[ -r "$capture" ] || continue
	name=$(basename "$capture")
	if [[ $(sha256sum <<<"$name") == [0-7]* ]]; then
		: >"$work/none"
		$karma flows --steps --truth "$work/none" -o "$work/benign-$name.csv" "$capture" \
			2>/dev/null || true
		# A capture without a flow makes no rows.
		[ "$(head -n 2 "$work/benign-$name.csv" 2>/dev/null | wc -l)" -eq 2 ] &&
			rows+=("$work/benign-$name.csv:2")
	else
		ln -s "$(realpath "$capture")" "$work/benign-test/$name"
	fi
done

# The settings were chosen on the validation part that `karma train` sets aside; its defaults are those
# of single flows.
$karma train "${rows[@]}" -o "$model" --loss focal --gamma 2 --alpha none --batch 512 \
	--bins 0 --blank 0 --dropout 0.1 --decay 0.01 --lr 0.002 --validation 0.15 --patience 8 \
	--epochs 16 --seed 1

card=${model%.karma}.md
scripts/model-card.py --karma "$karma" --model "$model" --range "$work" --captures "$data" \
	--corpus "$(dirname "$benign")" \
	>"$work/card.md"
mv "$work/card.md" "$card"
echo "$model and $card are made"
