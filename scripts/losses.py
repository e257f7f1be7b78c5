#!/usr/bin/env python3
"""Cross-entropy against focal loss on UNSW-NB15, class by class: writes docs/losses.md.

usage: scripts/losses.py PARTITION.csv [karma]

Trains with three seeds for each loss, on rows corrected for the double capture and on rows as
published; one row in five is held out (split-unsw.py keeps equal rows together) and scored.
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = (1, 2, 3)
LOSSES = (("cross-entropy", ["--loss", "ce"]), ("focal, gamma 2", ["--loss", "focal", "--gamma", "2"]))
FORMS = (("Corrected for the double capture, features known live", []),
         ("As published, its columns without TTL and other artefacts", ["--as-published"]))
FIGURES = (("accuracy, attack or not", lambda m: m["binary"]["accuracy"]),
           ("F1, attack or not", lambda m: m["binary"]["f1"]),
           ("false positive rate", lambda m: m["binary"]["fpr"]),
           ("ROC-AUC", lambda m: m["binary"]["roc_auc"]),
           ("detection at 1 % false positives", lambda m: m["binary"]["tpr_at_fpr_1e-2"]),
           ("detection at 0.1 % false positives", lambda m: m["binary"]["tpr_at_fpr_1e-3"]),
           ("accuracy, ten classes", lambda m: m["accuracy"]),
           ("macro-F1, ten classes", lambda m: m["macro_f1"]),
           ("expected calibration error", lambda m: m["ece"]))


def score(karma, folder, options, seed):
    model = os.path.join(folder, "m.karma")
    train, test = (os.path.join(folder, name) for name in ("train.csv", "test.csv"))
    subprocess.run([karma, "train", train, "-o", model, "--seed", str(seed), *options], check=True,
                   stderr=subprocess.DEVNULL)
    return json.loads(subprocess.run([karma, "eval", "-m", model, test, "--json"], check=True,
                                     stdout=subprocess.PIPE).stdout)


def spread(values):
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}"


def table(runs):
    """runs: the scores of each loss, one for each seed."""
    yield "| | " + " | ".join(name for name, _ in LOSSES) + " |"
    yield "|---|" + "---|" * len(LOSSES)
    for name, figure in FIGURES:
        yield f"| {name} | " + " | ".join(spread([figure(m) for m in r]) for r in runs) + " |"
    yield ""
    yield "| class | rows | " + " | ".join(
        f"{name}: recall | precision | F1" for name, _ in LOSSES) + " |"
    yield "|---|---|" + "---|---|---|" * len(LOSSES)
    for i, shown in enumerate(runs[0][0]["classes"]):
        if not shown["support"]:
            continue
        cells = [spread([m["classes"][i][key] or 0 for m in r])
                 for r in runs for key in ("recall", "precision", "f1")]
        yield f"| {shown['name']} | {shown['support']} | " + " | ".join(cells) + " |"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__.split("\n\n")[1])
    karma = sys.argv[2] if len(sys.argv) == 3 else os.path.join(HERE, "../build/karma")
    lines = ["# Cross-entropy and focal loss", "",
             "`make losses` wrote this page from UNSW-NB15's partition: one row in five held out, equal",
             "rows on one side, the defaults of `karma train`; mean and standard deviation over the seeds",
             ", ".join(map(str, SEEDS)) + ". A precision without predictions counts as 0. Equal means equal",
             "as published: without the artefacts of the double capture more rows are equal, on both sides",
             "(one row in five is one and the same look-up), so the corrected figures hold for this mixture",
             "of traffic and flatter the model on any other.", ""]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(HERE, "split-unsw.py"), sys.argv[1],
                        os.path.join(folder, "train.csv"), os.path.join(folder, "test.csv")],
                       check=True)
        for title, form in FORMS:
            runs = []
            for name, options in LOSSES:
                print(f"{title}: {name}", file=sys.stderr)
                runs.append([score(karma, folder, form + options, seed) for seed in SEEDS])
            lines += [f"## {title}", "", *table(runs), ""]
    path = os.path.join(HERE, "../docs/losses.md")
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write("\n".join(lines).rstrip() + "\n")
    os.replace(path + ".part", path)


main()
