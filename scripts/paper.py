#!/usr/bin/python3
"""The experiments of docs/model.md: writes that page and its figures.

usage: scripts/paper.py PARTITION.csv RAW.csv [--seeds 3] [--karma build/karma] [--kept]

Reproduces the experiment that Karma grew from, compares Karma's recipe with gradient-boosted trees
(Debian's python3-xgboost; without it their columns stay empty), and leaves out one thing at a time.
PARTITION.csv and RAW.csv are UNSW-NB15's: the partition without addresses, a stretch of raw rows with
them. One row of five is held out (split-unsw.py) and looked at by nothing but the final scores; one
of ten of the others is set aside to choose and to calibrate with, before all of them are learnt.
What has run is kept in build/paper; a second call runs only what is missing there, and with --kept
nothing: the page then has what is there, and '-' for what is not.
"""
import argparse
import csv
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys

import plot
import trees

HERE = os.path.dirname(os.path.abspath(__file__))
WORK = os.path.join(HERE, "../build/paper")
DOCS = os.path.join(HERE, "../docs")
SEED_COLUMNS = "dur,spkts,dpkts,sbytes,dbytes,sinpkt,dinpkt,smean,dmean,proto"
# The seed's network: two layers of 128 on standardised numbers.
SEED = ["--as-published", "--features", SEED_COLUMNS, "--bins", "0", "--blank", "0", "--dropout", "0.1",
        "--decay", "0", "--batch", "128", "--lr", "0.002", "--validation", "0.15", "--patience", "8"]
def recipe(batch):
    """The defaults of `karma train`, spelled out so that a change makes the runs anew."""
    return ["--loss", "ce", "--bins", "64", "--blank", "0.1", "--dropout", "0.4", "--decay", "0.1",
            "--batch", str(batch), "--lr", "0.003", "--epochs", "30", "--patience", "0"]


RECIPE = recipe(512)
TAUGHT = recipe(1024)  # with swapped rows: a batch has 512 of them
SEQUENCES = ["--one-view", *RECIPE, "--validation", "0.15"]
# The words that draw the rows held out, one in five, and of the others those set aside to calibrate
# and choose with, one in ten.
SPLIT = ("paper 2", 5, "check", 10)
FIGURES = (("accuracy, attack or not", lambda m: m["binary"]["accuracy"], 1),
           ("F1, attack or not", lambda m: m["binary"]["f1"], 1),
           ("false positive rate", lambda m: m["binary"]["fpr"], -1),
           ("ROC-AUC", lambda m: m["binary"]["roc_auc"], 1),
           ("detection at 1 % false positives", lambda m: m["binary"]["tpr_at_fpr_1e-2"], 1),
           ("detection at 0.1 % false positives", lambda m: m["binary"]["tpr_at_fpr_1e-3"], 1),
           ("accuracy, ten classes", lambda m: m["accuracy"], 1),
           ("macro-F1, ten classes", lambda m: m["macro_f1"], 1),
           ("expected calibration error", lambda m: m["ece"], -1))


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
    """Runs of `karma train`, whose models stay in WORK, and the scores that `karma eval` gives."""

    def __init__(self, program, seeds):
        self.program, self.seeds = program, range(1, seeds + 1)

    def model(self, files, options, seed):
        """Its file's name."""
        digest = hashlib.sha256(json.dumps([SPLIT, files, options, seed]).encode()).hexdigest()[:12]
        name = f"{digest}.karma"
        if not os.path.exists(os.path.join(WORK, name)):
            subprocess.run([self.program, "train", *files, "-o", name + ".part", "--seed", str(seed),
                            *options], check=True, stderr=subprocess.DEVNULL, cwd=WORK)
            os.replace(os.path.join(WORK, name + ".part"), os.path.join(WORK, name))
        return name

    def scores(self, model, test):
        return json.loads(subprocess.run([self.program, "eval", "-m", model, test, "--json"],
                                         check=True, stdout=subprocess.PIPE, cwd=WORK).stdout)

    def one_pass(self, name, options, train, test):
        """The scores of each seed, some of the rows of `train` validating."""
        return ran(kept(f"{name}, seed {seed}", ["one pass", *SPLIT, train, test, options, seed],
                        lambda seed=seed: self.scores(self.model([train], options, seed), test))
                   for seed in self.seeds)

    def two_passes(self, options, seed, form=None, yardstick=None):
        """A model trained on all rows and calibrated by a run of the first seed on most of them;
        with `form`, on the trees' swapped rows as well. Its file's name."""
        learn, train = ([part + ".csv", *([yardstick.swapped(part, form)] if form else [])]
                        for part in ("learn", "train"))
        calibrating = self.model(learn, [*options, "--validate", "check.csv"], 1)
        return self.model(train, [*options, "--calibration", calibrating], seed)

    def runs(self, name, options, form=None, yardstick=None):
        """The scores of each seed."""
        return ran(kept(f"{name}, seed {seed}", ["two passes", *SPLIT, form, options, seed],
                        lambda seed=seed: self.scores(
                            self.two_passes(options, seed, form, yardstick), "test.csv"))
                   for seed in self.seeds)


# ---- the yardstick ----

class Yardstick:
    """The trees' runs, kept like the network's."""

    def __init__(self, seeds):
        self.trees, self.seeds = trees.Trees(WORK), range(1, seeds + 1)

    def found(self, form):
        """Loss, depth, rounds."""
        return kept(f"trees, {form}: search",
                    ["search", *SPLIT, form, trees.DEPTHS, trees.MOST_ROUNDS, trees.FIXED],
                    lambda: self.trees.search(form))

    def runs(self, form, root):
        found = self.found(form)
        if not found:
            return None
        setting = found[1:]
        words = form + ", root weights" * root
        slope = kept(f"trees, {words}: calibration",
                     ["slope", *SPLIT, form, root, setting, trees.FIXED],
                     lambda: self.trees.calibrate(form, root, *setting))
        return slope and ran(
            kept(f"trees, {words}, seed {seed}",
                 ["trees", *SPLIT, form, root, seed, setting, slope, trees.FIXED],
                 lambda seed=seed: self.trees.scores(form, root, seed, *setting, slope))
            for seed in self.seeds)

    def swapped(self, part, form):
        """The file of swapped rows of a part."""
        path = f"swapped {part}, {form}.csv"
        if not os.path.exists(os.path.join(WORK, path)):
            print(path, file=sys.stderr, flush=True)
            self.trees.swap(part, form, *self.found(form)[1:], os.path.join(WORK, path))
        return path

    def setting(self, form):
        found = self.found(form)
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
    """In which figures the network at least equals the trees, in which not, and by how much."""
    if not ours or not theirs:
        yield "Not run."
        return
    behind, level = [], []
    for name, figure, better in FIGURES:
        ahead = better * (mean_of(figure, ours) - mean_of(figure, theirs))
        (behind if ahead < 0 else level).append(f"{name} ({abs(ahead):.4f})")
    if level:
        yield f"The network at least equals the trees in: {'; '.join(level)}."
    if behind:
        yield f"The network is behind the trees in: {'; '.join(behind)}."


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
One row in five is held out, equal rows on one side ({train:,} rows to learn from, {test:,} held out). The rows held out were drawn anew, by another word in the split, when the recipe was settled: those before had been on screen while earlier recipes were compared. That makes none of them new to the recipe: four in five were then among the rows to learn from, and one in six of these was scored to choose it. No model of this page has learnt from them.
Every model is trained on all rows to learn from, but calibrated by a run of the first seed on nine in ten of them ({learn:,}), with the others ({check:,}) to calibrate on and to set thresholds; the trees likewise. Figures are the mean and standard deviation over up to {seeds} seeds, on the same rows; one without ± is of a single run, and - was not run.
Equal means equal as published: without the artefacts of the double capture more rows are equal, on both sides (one in five is one and the same look-up), so the corrected figures hold for this mixture of traffic and flatter any model on another.
"""

SEED_TEXT = """## The experiment that Karma grew from

Two LSTM layers of 128 on ten columns ({columns}), each flow a sequence of length one, ten classes, Adam, rows as published; cross-entropy against focal loss (gamma 2). Inputs are logarithms, standardised:

    karma train rows.csv -o model.karma {options} --loss ce|focal

Rows that validate are a share of those to learn from here, as in that experiment.

"""

SEED_SHOWS = """What it shows: what these ten columns can tell when equal rows are not on both sides of the split, and that the two losses differ by no more than the seeds do where the standard deviations overlap.
What it cannot show: detection on another network. The rows are as published, every packet seen twice.
"""

OWN_TEXT = """## Karma's recipe and gradient-boosted trees

    karma train learn.csv swapped-learn.csv --validate check.csv -o calibrating.karma [--as-published] [--alpha root]
    karma train train.csv swapped-train.csv --calibration calibrating.karma -o model.karma [--as-published] [--alpha root]

with --batch 1024 and the defaults, here --batch 512: {recipe}.

Each number is encoded in bins between quantiles of its logarithm (docs/features.md says how it is scaled), and a row is shown without some of its features in training, so that none is relied on alone.
**The network learns from its yardstick.** Half of the rows that it is shown are made up, {pools} of each real one: each takes its features from another row of the same part with a chance that is drawn for the row, from 0 to {share:.0%}. The trees that learnt this part say how likely each class is for such a row, and that is what the network is to say. The real rows keep their own labels. No trees that label rows know those set aside or held out. *Without the trees' rows* is the same network left to itself.
The trees are XGBoost's with {trees}, found with the rows set aside among the depths {depths} and up to {rounds} rounds, learning rate {rate}; they get the same columns, protocols and states under their own names. They are calibrated as the network is: attack or not, and which.
*Root weights*: rare classes count more, by the root of how rare they are; calibration shifts attack or not back, of the network and of the trees.
"""

OWN_SHOWS = """What it shows: how far the network is from trees tuned for these rows, with what one flow's columns tell, and what it gains from them.
What it cannot show: which of them is better on live traffic; both learn this data set's machines. A threshold of 1/2 is behind the first three lines, and other thresholds exchange false positives for detection. A difference within the standard deviations may be the seeds'; how the rows held out were drawn adds to it (a standard error of 0.0013 in the first line as published).
"""

ABLATION_TEXT = """## What the columns bring

The network without the trees' rows, other columns.
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


FORMS = (("as published", ["--as-published"]), ("corrected", []))


def compare(karma, yardstick):
    """The columns of the tables of each form."""
    columns = {form: {} for form, _ in FORMS}
    for root, words in ((False, ""), (True, ", root weights")):
        for form, options in FORMS:
            options = [*options, "--alpha", "root" if root else "none"]
            columns[form]["LSTM" + words] = yardstick and karma.runs(
                f"recipe, {form}{words}", TAUGHT + options, form, yardstick)
            columns[form]["trees" + words] = yardstick and yardstick.runs(form, root)
    for form, options in FORMS:
        columns[form]["LSTM without the trees' rows"] = karma.runs(
            f"without the trees' rows, {form}", RECIPE + options)
    return columns


def compared(columns, yardstick):
    trees_setting = "-"
    if yardstick:
        trees_setting = " and ".join(f"{yardstick.setting(form)} ({form})" for form, _ in FORMS)
    yield OWN_TEXT.format(trees=trees_setting, recipe=" ".join(RECIPE), pools=trees.POOLS,
                          share=trees.SWAPPED, depths=", ".join(map(str, trees.DEPTHS)),
                          rounds=trees.MOST_ROUNDS, rate=trees.FIXED["learning_rate"])
    for form, _ in FORMS:
        own = columns[form]
        yield from [f"### {form.capitalize()}", "", *figures_table(own), ""]
        for words in ("", ", root weights"):
            yield from ["With root weights:" if words else "",
                        *verdict(own["LSTM" + words], own["trees" + words]), ""]
        picture = f"figures/{form.replace(' ', '-')}.svg"
        plot.dots(os.path.join(DOCS, picture), f"The network and trees, {form}",
                  [(name, {s: [figure(m) for m in runs] for s, runs in own.items() if runs})
                   for name, figure, better in FIGURES if better > 0], list(own))
        yield from [f"![{form}]({picture})", ""]
    yield OWN_SHOWS


def losses_compared(karma):
    losses = {name: karma.one_pass(f"seed's columns, {name}", SEED + ["--loss", loss], "train.csv",
                                   "test.csv")
              for name, loss in (("cross-entropy", "ce"), ("focal, gamma 2", "focal"))}
    yield SEED_TEXT.format(columns=SEED_COLUMNS.replace(",", ", "), options=" ".join(SEED))
    yield from [*figures_table(losses), "", *classes_table(losses), "",
                "![F1 of each class](figures/losses.svg)", "", SEED_SHOWS]
    first = (losses["focal, gamma 2"] or losses["cross-entropy"] or [{"classes": []}])[0]
    plot.dots(os.path.join(DOCS, "figures/losses.svg"), "F1 of each class on the ten columns",
              [(c["name"], {name: [m["classes"][i]["f1"] or 0 for m in runs]
                            for name, runs in losses.items() if runs})
               for i, c in enumerate(first["classes"]) if c["support"]], list(losses))


def columns_compared(karma, own):
    columns = {"as published": own["as published"]["LSTM without the trees' rows"]}
    for name, features in (("with TTL", "published,sttl,dttl,ct_state_ttl"),
                           ("without ct_*", "published,-ct_*")):
        columns[f"as published, {name}"] = karma.runs(
            name, RECIPE + ["--as-published", "--features", features])
    columns["corrected"] = own["corrected"]["LSTM without the trees' rows"]
    columns["corrected, with ct_*"] = karma.runs(
        "corrected with ct_*", RECIPE + ["--features", "live,ct_*,-ct_state_ttl"])
    yield from [ABLATION_TEXT, *figures_table(columns), "", ABLATION_SHOWS]


def sequences_compared(karma, raw):
    write_sequences(raw)
    columns = {name: karma.one_pass(f"sequences: {name}", SEQUENCES, f"{name} train.csv",
                                    f"{name} test.csv") for name in KEYS}
    some = (columns["single flows"] or [{"rows": 0, "classes": []}])[0]
    learnt = sum(1 for _ in open(os.path.join(WORK, "single flows train.csv"), encoding="utf-8"))
    yield SEQUENCE_TEXT.format(rows=some["rows"] + learnt - 1, blocks=BLOCKS,
                               training=TRAINING_BLOCKS)
    yield from [*figures_table(columns), "",
                SEQUENCE_SHOWS.format(attacks=sum(c["support"] for c in some["classes"][1:]))]


def page(karma, yardstick, raw):
    count = {part: sum(1 for _ in open(os.path.join(WORK, part + ".csv"), encoding="utf-8")) - 1
             for part in ("train", "test", "learn", "check")}
    own = compare(karma, yardstick)  # the longest runs first
    if own["as published"]["LSTM"]:
        write_model(karma, yardstick, own["as published"]["LSTM"][0], count)
    return [HEAD.format(seeds=len(karma.seeds), **count), *losses_compared(karma),
            *compared(own, yardstick), *columns_compared(karma, own),
            *(sequences_compared(karma, raw) if raw else [])]


CARD = """# The single-flow model

Made by `make paper`: Karma's recipe with the first seed, on UNSW-NB15's rows as published without the columns that give away its test bed (TTL, ct_state_ttl, base sequence numbers), and on rows made up of them that gradient-boosted trees labelled.

    karma eval -m models/unsw-nb15.karma ROWS.csv

scores it on rows of your own; the model file says that its rows are as published, and `karma eval` takes them so. It is of no use on live traffic: every packet of these rows was seen twice, and single flows have no memory. The live model is [default.karma](default.md).

Trained on {train:,} rows, scored on {test:,} held out (one in five, equal rows on one side):

{table}

{classes}

Calibration and the thresholds for 1 % and 0.1 % false positives are those of a run on {learn:,} of the rows, set on the other {check:,}, too few normal ones among them for the second to be exact. [docs/model.md](../docs/model.md) compares it with the trees.
"""


def write_model(karma, yardstick, scores, count):
    """models/unsw-nb15.karma and its card: `scores` are those of the first seed."""
    models = os.path.join(HERE, "../models")
    options = TAUGHT + ["--as-published", "--alpha", "none"]
    if "--kept" not in sys.argv:
        made = karma.two_passes(options, 1, "as published", yardstick)
        shutil.copyfile(os.path.join(WORK, made), os.path.join(models, "unsw-nb15.karma"))
    text = CARD.format(table="\n".join(figures_table({"": [scores]})),
                       classes="\n".join(classes_table({"the model": [scores]})), **count)
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
    for whole, draw, one_in, parts in ((args.partition, *SPLIT[:2], ("train.csv", "test.csv")),
                                       ("train.csv", *SPLIT[2:], ("learn.csv", "check.csv"))):
        subprocess.run([sys.executable, os.path.join(HERE, "split-unsw.py"), os.path.abspath(whole)
                        if whole == args.partition else whole, *parts, draw, str(one_in)],
                       check=True, cwd=WORK)
    if not trees.xgboost:
        print("paper: without Debian's python3-xgboost there are no trees, nor what a network learns "
              "from them; their columns stay empty", file=sys.stderr)
    lines = page(Karma(os.path.abspath(args.karma), args.seeds),
                 Yardstick(args.seeds) if trees.xgboost else None, args.raw)
    path = os.path.join(DOCS, "model.md")
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write("\n".join(lines).rstrip() + "\n")
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
