#!/usr/bin/env python3
"""Write a model's card: what it is, what it was trained on, what it scores on rows held out.

usage: scripts/model-card.py --model MODEL --rows DIR [--karma PROGRAM]

DIR holds unsw-test.csv (if UNSW-NB15 was at hand) and held/*.csv, the rows of the range's held-out runs.
"""
import argparse
import collections
import json
import pathlib
import subprocess

import rangedata


def evaluate(args, files):
    command = [args.karma, "eval", "-m", args.model, "--json", *map(str, files)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def binary_row(name, e):
    b = e["binary"]
    return (f"| {name} | {e['rows']} | {b['accuracy']:.4f} | {b['f1']:.4f} | {100 * b['fpr']:.2f} % "
            f"| {b['roc_auc']:.4f} | {b['pr_auc']:.4f} | {b['tpr_at_fpr_1e-2']:.3f} "
            f"| {b['tpr_at_fpr_1e-3']:.3f} | {e['accuracy']:.4f} | {e['macro_f1']:.3f} "
            f"| {e['ece']:.3f} |")


def class_table(e):
    lines = ["| class | rows | precision | recall | F1 |", "|---|---|---|---|---|"]
    for c in e["classes"]:
        if c["support"]:
            figures = [c["precision"], c["recall"], c["f1"]]
            lines.append(f"| {c['name']} | {c['support']} | "
                         + " | ".join("-" if x is None else f"{x:.3f}" for x in figures) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--karma", default="build/karma")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", required=True, type=pathlib.Path)
    args = parser.parse_args()

    h = rangedata.model_header(args.model)
    scores = []
    unsw = args.rows / "unsw-test.csv"
    if unsw.exists():
        scores.append(("UNSW-NB15, one row in five, held out", evaluate(args, [unsw])))
    scores.append(("range, runs held out", evaluate(args, sorted(args.rows.glob("held/*.csv")))))

    print("# The bundled model\n")
    print("Made by `make model`; every figure on this page is printed by that command.\n")
    print("## What it is\n")
    s, t = h["shape"], h["settings"]
    print(f"An LSTM of {s['layers']} layers of {s['hidden']} cells, {s['inputs']} inputs, "
          f"{s['classes']} classes; a step for each flow record in the memory of what its host did"
          + (", and one in the memory of what was done to its target, which count alike"
             if h["input"].get("views") else "") + ". Inputs: the features marked live in [docs/features.md](../docs/features.md). "
          "TTLs, TCP base numbers and windows, jitter and loss are left out: they tell UNSW-NB15's "
          "test bed, not attacks.\n")
    print("## What it was trained on\n")
    print("| data | files | rows | of these: |\n|---|---|---|---|")
    for name, is_part in (("UNSW-NB15 partition, corrected", lambda d: d["form"] != "Karma"),
                          ("test range", lambda d: d["name"].startswith(("train-", "test-"))),
                          ("benign captures of other networks",
                           lambda d: d["name"].startswith("benign-"))):
        files = [d for d in h["data"] if is_part(d)]
        classes = collections.Counter()
        for d in files:
            classes.update(d["classes"])
        print(f"| {name} | {len(files)} | {sum(d['rows'] for d in files)} | "
              + ", ".join(f"{k} {v}" for k, v in classes.most_common()) + " |")
    print("\nUNSW-NB15: four fifths of the 65,862 rows of UNSW-NB15's partition at hand, "
          "corrected for the double capture, equal rows on one side. The range's runs: nine of ten that "
          "`make range-data` made, of both parts; no more than 2,000 records of an attacker and 4,000 "
          "at a target. Of all this, a tenth of the sequences were set aside to calibrate. Settings: "
          + ", ".join(f"{k} {v}" for k, v in sorted(t.items()) if not isinstance(v, (dict, list)))
          + ".\n")
    print("## What it scores, by record\n")
    print("Of kinds that it knows, in runs that it does not: what it makes of kinds that it never saw is "
          "below. A positive is an attack record. TPR at a false positive rate of 1 % and of 0.1 %.\n")
    print("| held-out data | rows | accuracy | F1 | FPR | ROC-AUC | PR-AUC | TPR 1 % | TPR 0.1 % "
          "| accuracy, all classes | macro-F1 | ECE |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, e in scores:
        print(binary_row(name, e))
    for name, e in scores:
        print(f"\n{name}:\n\n{class_table(e)}")
    print("\n## What it scores, by attack\n")
    print("[docs/detection.md](../docs/detection.md), made by `make detection`, of a model by the same "
          "recipe that a third of the kinds was kept from: attacks found and named, "
          "time to the alert, false alerts, captures of other networks; beside a model of single flows, "
          "one of UNSW-NB15 alone, and trees.")


if __name__ == "__main__":
    main()
