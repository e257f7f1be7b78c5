#!/usr/bin/python3
"""The experiments of docs/model.md: writes that page and its figures.

usage: scripts/paper.py PARTITION.csv RAW.csv [--seeds 3] [--karma build/karma] [--kept]

Reproduces the experiment that Karma grew from, compares Karma's recipe with gradient-boosted trees
(Debian's python3-xgboost; without it their columns stay empty), and leaves out one thing at a time.
PARTITION.csv and RAW.csv are UNSW-NB15's: the partition without addresses, a stretch of raw rows with
them. One row of five is held out (split-unsw.py) and looked at by nothing but the final scores.
What has run is kept in build/paper; a second call runs only what is missing there, and with --kept
nothing: the page then has what is there, and '-' for what is not.
"""
import argparse
import csv
import hashlib
import json
import os
import statistics
import subprocess
import sys

import numpy as np

import plot
import unsw

try:
    import xgboost
except ImportError:
    xgboost = None

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(HERE, "../build/paper")
DOCS = os.path.join(HERE, "../docs")
SEED_COLUMNS = "dur,spkts,dpkts,sbytes,dbytes,sinpkt,dinpkt,smean,dmean,proto"
# The seed's network: two layers of 128 on standardised numbers.
SEED = ["--as-published", "--features", SEED_COLUMNS, "--bins", "0", "--blank", "0", "--dropout", "0.1",
        "--decay", "0", "--batch", "128", "--lr", "0.002", "--validation", "0.15", "--patience", "8"]
# Karma's: the defaults of `karma train`, spelled out so that a change makes the runs anew.
RECIPE = ["--loss", "ce", "--bins", "64", "--blank", "0.1", "--dropout", "0.4", "--decay", "0.1", "--batch",
          "512", "--lr", "0.003", "--epochs", "30", "--validation", "0.05", "--patience", "0"]
SEQUENCES = [*RECIPE, "--validation", "0.15"]
FIGURES = (("accuracy, attack or not", lambda m: m["binary"]["accuracy"], 1),
           ("F1, attack or not", lambda m: m["binary"]["f1"], 1),
           ("false positive rate", lambda m: m["binary"]["fpr"], -1),
           ("ROC-AUC", lambda m: m["binary"]["roc_auc"], 1),
           ("detection at 1 % false positives", lambda m: m["binary"]["tpr_at_fpr_1e-2"], 1),
           ("detection at 0.1 % false positives", lambda m: m["binary"]["tpr_at_fpr_1e-3"], 1),
           ("accuracy, ten classes", lambda m: m["accuracy"], 1),
           ("macro-F1, ten classes", lambda m: m["macro_f1"], 1),
           ("expected calibration error", lambda m: m["ece"], -1))
# The trees' settings that the search tries; rounds as many as help on the validation rows.
DEPTHS, MOST_ROUNDS = (6, 8), 300
TREES = {"learning_rate": 0.1, "subsample": 0.8, "colsample_bytree": 0.6, "tree_method": "hist"}


def kept(name, key, run):
    """run() unless its outcome is in WORK already; None where nothing is to be run."""
    digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:12]
    path = os.path.join(WORK, f"{digest}.json")
    if not os.path.exists(path):
        if "--kept" in sys.argv:
            return None
        print(name, file=sys.stderr, flush=True)
        outcome = run()
        with open(path + ".part", "w", encoding="utf-8") as out:
            json.dump(outcome, out)
        os.replace(path + ".part", path)
    with open(path, encoding="utf-8") as done:
        return json.load(done)


def ran(runs):
    """Those that there are; None: none is."""
    return [run for run in runs if run] or None


class Karma:
    def __init__(self, program, seeds):
        self.program, self.seeds = program, range(1, seeds + 1)

    def once(self, train, test, options, seed, model):
        subprocess.run([self.program, "train", train, "-o", model, "--seed", str(seed), *options],
                       check=True, stderr=subprocess.DEVNULL)
        return json.loads(subprocess.run([self.program, "eval", "-m", model, test, "--json"],
                                         check=True, stdout=subprocess.PIPE).stdout)

    def runs(self, name, options, files=("train.csv", "test.csv")):
        """The scores of each seed."""
        train, test = (os.path.join(WORK, f) for f in files)
        model = os.path.join(WORK, "model.karma")
        return ran(kept(f"{name}, seed {seed}", ["karma", files, options, seed],
                        lambda s=seed: self.once(train, test, options, s, model))
                   for seed in self.seeds)


# ---- the yardstick ----

class Trees:
    def __init__(self, seeds):
        self.seeds = range(1, seeds + 1)
        self.parts = {part: unsw.read(os.path.join(WORK, part + ".csv")) for part in ("train", "test")}

    def rows(self, part, form):
        numbers, categories, label = self.parts[part]
        if form == "corrected":
            numbers = unsw.correct(numbers)
        return unsw.matrix(numbers, categories, self.parts["train"][1]), label

    def fit(self, x, label, root, seed, depth, rounds, validation=None):
        weight = None
        if root:
            weight = np.bincount(label)[label] ** -0.5
            weight /= weight.mean()
        trees = xgboost.XGBClassifier(
            max_depth=depth, n_estimators=rounds, n_jobs=1, random_state=seed, **TREES,
            early_stopping_rounds=20 if validation else None, eval_metric="mlogloss")
        trees.fit(x, label, sample_weight=weight, eval_set=validation and [validation],
                  verbose=False)
        return trees

    def search(self, form):
        """Depth and rounds, by a part of the training rows, equal rows on one side."""
        x, label = self.rows("train", form)
        _, group, size = np.unique(x, axis=0, return_inverse=True, return_counts=True)
        draw = np.array([hashlib.sha256(row.tobytes()).digest()[0] < 38 for row in x])
        side = draw & (size[group] <= len(x) // 100)  # common rows would be all that it sees
        best = None
        for depth in DEPTHS:
            trees = self.fit(x[~side], label[~side], False, 1, depth, MOST_ROUNDS,
                             (x[side], label[side]))
            if best is None or trees.best_score < best[0]:
                best = (trees.best_score, depth, trees.best_iteration + 1)
        return best

    def runs(self, form, root):
        found = kept(f"trees, {form}: search", ["search", form, DEPTHS, MOST_ROUNDS, TREES],
                     lambda: self.search(form))
        if not found:
            return None
        _, depth, rounds = found

        def once(seed):
            x, label = self.rows("train", form)
            trees = self.fit(x, label, root, seed, depth, rounds)
            x, label = self.rows("test", form)
            return unsw.scores(trees.predict_proba(x), label)

        return ran(kept(f"trees, {form}{', root weights' if root else ''}, seed {seed}",
                        ["trees", form, root, seed, depth, rounds, TREES], lambda s=seed: once(s))
                   for seed in self.seeds)

    def setting(self, form):
        found = kept("", ["search", form, DEPTHS, MOST_ROUNDS, TREES], None)
        return f"depth {found[1]}, {found[2]} rounds" if found else "-"


# ---- tables ----

def spread(values, digits=4):
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def figures_table(columns):
    """columns: {heading: runs}; None: not run."""
    yield "| | " + " | ".join(columns) + " |"
    yield "|---|" + "---|" * len(columns)
    for name, figure, _ in FIGURES:
        yield f"| {name} | " + " | ".join(
            "-" if runs is None else spread([figure(m) for m in runs])
            for runs in columns.values()) + " |"


def classes_table(columns):
    columns = {name: runs for name, runs in columns.items() if runs}
    if not columns:
        return
    yield "| class | rows | " + " | ".join(f"{name}: F1" for name in columns) + " |"
    yield "|---|---|" + "---|" * len(columns)
    first = next(iter(columns.values()))[0]
    for i, shown in enumerate(first["classes"]):
        if shown["support"]:
            yield f"| {shown['name']} | {shown['support']} | " + " | ".join(
                spread([m["classes"][i]["f1"] or 0 for m in runs], 3)
                for runs in columns.values()) + " |"


def mean_of(figure, runs):
    return statistics.mean(figure(m) for m in runs)


def verdict(ours, theirs):
    """In which figures the network at least equals the trees, and in which not: a sentence."""
    if not ours or not theirs:
        return "Not run."
    behind = [name for name, figure, better in FIGURES
              if better * (mean_of(figure, ours) - mean_of(figure, theirs)) < 0]
    if not behind:
        return "The network at least equals the trees in every line."
    return f"The network is behind the trees in: {'; '.join(behind)}."


# ---- sequences ----

BLOCKS, TRAINING_BLOCKS = 20, 14
KEYS = {"single flows": lambda at, row: (at,),
        "by source": lambda at, row: (row["srcip"],),
        "by destination": lambda at, row: (row["dstip"],),
        "by pair": lambda at, row: (row["srcip"], row["dstip"]),
        "in order of time": lambda at, row: ()}


def write_sequences(raw):
    """The raw rows in order of time with an actor: an address made of the key and the block, so that a
    sequence ends with its block of time. The last blocks are held out."""
    with open(raw, newline="", encoding="utf-8-sig") as f:
        reader = csv.DictReader(f)
        header, rows = reader.fieldnames, list(reader)
    rows.sort(key=lambda row: int(row["Ltime"]))
    for name, key in KEYS.items():
        parts = [os.path.join(WORK, f"{name} {part}.csv") for part in ("train", "test")]
        with open(parts[0], "w", newline="") as train, open(parts[1], "w", newline="") as test:
            outs = [csv.writer(train), csv.writer(test)]
            for out in outs:
                out.writerow([*header, "actor"])
            for at, row in enumerate(rows):
                block = at * BLOCKS // len(rows)
                digest = hashlib.sha256(repr((block, key(at, row))).encode()).hexdigest()
                actor = ":".join(["fd00", *(digest[i:i + 4] for i in range(0, 28, 4))])
                outs[block >= TRAINING_BLOCKS].writerow([row[h] for h in header] + [actor])


# ---- the page ----

HEAD = """# The model: experiments

`make paper` wrote this page and its figures from UNSW-NB15's partition and a stretch of its raw rows.
One row in five is held out, equal rows on one side ({train:,} rows to learn from, {test:,} held out); figures are the mean and standard deviation over up to {seeds} seeds, on the same rows; one without ± is of a single run, and - was not run.
Equal means equal as published: without the artefacts of the double capture more rows are equal, on both sides (one in five is one and the same look-up), so the corrected figures hold for this mixture of traffic and flatter any model on another.
"""

SEED_TEXT = """## The experiment that Karma grew from

Two LSTM layers of 128 on ten columns ({columns}), each flow a sequence of length one, ten classes, Adam, rows as published; cross-entropy against focal loss (gamma 2). Inputs are logarithms, standardised:

    karma train rows.csv -o model.karma {options} --loss ce|focal

"""

SEED_SHOWS = """What it shows: what these ten columns can tell when equal rows are not on both sides of the split, and that the two losses differ by no more than the seeds do where the standard deviations overlap.
What it cannot show: detection on another network. The rows are as published, every packet seen twice.
"""

OWN_TEXT = """## Karma's recipe and gradient-boosted trees

    karma train rows.csv -o model.karma [--as-published] [--alpha root]

with the defaults: {recipe}.

Each number is encoded in bins between quantiles of its logarithm (docs/features.md says how it is scaled), and a row is shown without some of its features in training, so that none is relied on alone.
The trees are XGBoost's with {trees}, found on a part of the training rows (equal rows on one side) among the depths {depths} and up to {rounds} rounds, learning rate {rate}; they get the same columns, protocols and states under their own names.
*Root weights*: rare classes count more, by the root of how rare they are.
"""

OWN_SHOWS = """What it shows: how far the network is from trees tuned for these rows, with what one flow's columns tell.
What it cannot show: which of them is better on live traffic; both learn this data set's machines. A threshold of 1/2 is behind the first three lines, and other thresholds exchange false positives for detection. The calibration error of the trees is as they come, the network's after its temperature was set on validation rows.
"""

ABLATION_TEXT = """## What the columns bring

Karma's recipe, other columns.
"""

ABLATION_SHOWS = """As published against corrected: the two differ in the double capture (packet counts of one packet seen twice, durations of 8 us) and in columns that a live meter does not know alike (loss, jitter, windows, ct_*); the last column has the corrected rows with ct_* alone put back, and so says how much of the gap these counters are. It does not show what the live model scores, which learns from other traffic too, nor how a model of rows as published does on live traffic: it calls ordinary look-ups attacks.
TTL: what these columns add comes from the machines that attacked, which had other TTLs; it says nothing about attacks. Where they add little, the other columns tell the same machines apart.
ct_*: these counters count what came later in a block of 100 records as well, and over all hosts of the test bed; what they bring cannot be had live in this form. Karma's own windows take their place there, and this data set has no rows to show what those bring.
"""

SEQUENCE_TEXT = """## Single flows and sequences

Raw rows in order of time ({rows:,}, cut into {blocks} blocks; the first {training} to learn from, the others held out): the same network and features on single flows, and on the flows of one source, one destination, one pair or all together as a sequence, the memory running on to the end of its block. Corrected rows, live columns.
"""

SEQUENCE_SHOWS = """What it shows: what the memory adds when the hosts stay the same.
What it cannot show: that an attack is told by what a host does. In the raw rows attackers and clients have different addresses and hardly mix: a sequence by source holds attacks alone or none, so a memory learns who attacks. The held-out rows are few ({attacks} attacks), of the same minutes and tools. Karma's live model therefore learns its memory from hosts that both work and attack.
"""


def page(karma, trees, raw):
    count = {part: sum(1 for _ in open(os.path.join(WORK, part + ".csv"), encoding="utf-8")) - 1
             for part in ("train", "test")}
    lines = [HEAD.format(seeds=len(karma.seeds), **count)]

    losses = {"cross-entropy": karma.runs("seed's columns, cross-entropy", SEED + ["--loss", "ce"]),
              "focal, gamma 2": karma.runs("seed's columns, focal", SEED + ["--loss", "focal"])}
    lines += [SEED_TEXT.format(columns=SEED_COLUMNS.replace(",", ", "),
                              options=" ".join(SEED)), *figures_table(losses), "",
              *classes_table(losses), "", "![F1 of each class](figures/losses.svg)", "", SEED_SHOWS]
    plot.dots(os.path.join(DOCS, "figures/losses.svg"), "F1 of each class on the ten columns",
              [(c["name"], {name: [m["classes"][i]["f1"] or 0 for m in runs]
                            for name, runs in losses.items() if runs})
               for i, c in enumerate((losses["focal, gamma 2"] or [{"classes": []}])[0]["classes"])
               if c["support"]], list(losses))

    forms = (("as published", ["--as-published"]), ("corrected", []))
    own = {}
    for form, options in forms:
        for alpha, words in (("none", ""), ("root", ", root weights")):
            own[form + words] = karma.runs(f"recipe, {form}{words}",
                                           RECIPE + options + ["--alpha", alpha])
    setting = " and ".join(f"{trees.setting(form)} ({form})" for form, _ in forms) if trees else "-"
    if own["as published"]:
        write_model(karma, own["as published"][0], count)
    lines.append(OWN_TEXT.format(trees=setting, recipe=" ".join(RECIPE),
                                 depths=", ".join(map(str, DEPTHS)), rounds=MOST_ROUNDS,
                                 rate=TREES["learning_rate"]))
    for form, _ in forms:
        columns = {}
        for root, words in ((False, ""), (True, ", root weights")):
            columns["LSTM" + words] = own[form + words]
            columns["trees" + words] = trees.runs(form, root) if trees else None
        lines += [f"### {form.capitalize()}", "", *figures_table(columns), ""]
        if trees:
            lines += [verdict(columns["LSTM"], columns["trees"]),
                      "With root weights: " + verdict(columns["LSTM, root weights"],
                                                      columns["trees, root weights"]), ""]
        plot.dots(os.path.join(DOCS, f"figures/{form.replace(' ', '-')}.svg"),
                  f"The network and trees, {form}",
                  [(name, {s: [figure(m) for m in runs] for s, runs in columns.items() if runs})
                   for name, figure, better in FIGURES if better > 0], list(columns))
        lines += [f"![{form}](figures/{form.replace(' ', '-')}.svg)", ""]
    lines.append(OWN_SHOWS)

    columns = {"as published": own["as published"]}
    for name, features in (("with TTL", "published,sttl,dttl,ct_state_ttl"),
                           ("without ct_*", "published,-ct_*")):
        columns[f"as published, {name}"] = karma.runs(
            name, RECIPE + ["--as-published", "--features", features])
    columns["corrected"] = own["corrected"]
    columns["corrected, with ct_*"] = karma.runs(
        "corrected with ct_*", RECIPE + ["--features", "live,ct_*,-ct_state_ttl"])
    lines += [ABLATION_TEXT, *figures_table(columns), "", ABLATION_SHOWS]

    if raw:
        write_sequences(raw)
        columns = {name: karma.runs(f"sequences: {name}", SEQUENCES,
                                    (f"{name} train.csv", f"{name} test.csv")) for name in KEYS}
        some = (columns["single flows"] or [{"rows": 0, "classes": []}])[0]
        learnt = sum(1 for _ in open(os.path.join(WORK, "single flows train.csv"), encoding="utf-8"))
        lines += [SEQUENCE_TEXT.format(rows=some["rows"] + learnt - 1, blocks=BLOCKS,
                                       training=TRAINING_BLOCKS), *figures_table(columns), "",
                  SEQUENCE_SHOWS.format(
                      attacks=sum(c["support"] for c in some["classes"][1:]))]
    return lines


CARD = """# The single-flow model

Made by `make paper`: Karma's recipe with the first seed, on UNSW-NB15's rows as published without the columns that give away its test bed (TTL, ct_state_ttl, base sequence numbers).

    karma eval -m models/unsw-nb15.karma ROWS.csv

scores it on rows of your own; the model file says that its rows are as published, and `karma eval` takes them so. It is of no use on live traffic: every packet of these rows was seen twice, and single flows have no memory. The live model is [default.karma](default.md).

Trained on {train:,} rows, scored on {test:,} held out (one in five, equal rows on one side):

{table}

{classes}

Thresholds for 1 % and 0.1 % false positives are in the file; they were set on the validation rows, {validation:,}, too few normal ones among them for the second to be exact. [docs/model.md](../docs/model.md) compares it with gradient-boosted trees.
"""


def write_model(karma, scores, count):
    """models/unsw-nb15.karma and its card: `scores` are those of the first seed."""
    models = os.path.join(HERE, "../models")
    made = subprocess.run([karma.program, "train", os.path.join(WORK, "train.csv"), "-o",
                           os.path.join(models, "unsw-nb15.karma"), "--seed", "1", "--json", *RECIPE,
                           "--as-published"], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    text = CARD.format(table="\n".join(figures_table({"": [scores]})),
                       classes="\n".join(classes_table({"the model": [scores]})),
                       validation=json.loads(made.stdout)["scores"]["rows"], **count)
    with open(os.path.join(models, "unsw-nb15.md"), "w", encoding="utf-8") as out:
        out.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                usage=__doc__.split("\n\n")[1].removeprefix("usage: "))
    p.add_argument("partition")
    p.add_argument("raw", nargs="?")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--kept", action="store_true")
    p.add_argument("--karma", default=os.path.join(HERE, "../build/karma"))
    args = p.parse_args()
    os.makedirs(WORK, exist_ok=True)
    os.makedirs(os.path.join(DOCS, "figures"), exist_ok=True)
    subprocess.run([sys.executable, os.path.join(HERE, "split-unsw.py"), args.partition,
                    os.path.join(WORK, "train.csv"), os.path.join(WORK, "test.csv")], check=True)
    if not xgboost:
        print("paper: no trees without Debian's python3-xgboost; their columns stay empty",
              file=sys.stderr)
    lines = page(Karma(args.karma, args.seeds), Trees(args.seeds) if xgboost else None, args.raw)
    path = os.path.join(DOCS, "model.md")
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write("\n".join(lines).rstrip() + "\n")
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
