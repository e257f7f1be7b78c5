#!/usr/bin/env python3
"""Write a model's card: what it is, what it was trained on, what it scores on data held out.

usage: scripts/model-card.py --model MODEL --range CSVS --captures DIR [--corpus DIR]
                             [--karma PROGRAM]

CSVS holds unsw-test.csv (if UNSW-NB15 was at hand) and the test-*.csv of the range's held-out runs;
DIR their captures and truth, on which `karma read` is scored by scenario; the corpus holds captures
of other networks with a manifest.
"""
import argparse
import collections
import csv
import json
import pathlib
import struct
import subprocess
import sys


def header(model):
    data = pathlib.Path(model).read_bytes()
    magic, _, length = struct.unpack_from("<8sII", data)
    if magic != b"KARMALSM":
        sys.exit(f"{model}: not a model")
    return json.loads(data[16:16 + length])


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


def is_alarmed(args, capture):
    out = subprocess.run([args.karma, "read", "-m", args.model, "--json", capture],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    return b'"event_type":"alert"' in out


def print_benign(args):
    captures = sorted((args.range / "benign-test").glob("*"))
    if not captures:
        return
    alarming = [c.name for c in captures if is_alarmed(args, c)]
    print(f"\nBenign captures of other networks, held out: {len(captures) - len(alarming)} of "
          f"{len(captures)} without an alert"
          + (f"; alerts in {', '.join(alarming)}." if alarming else "."))


def print_attacks(args):
    """Attack captures of other networks: manifest.tsv says how hard each is to see in its flows."""
    manifest = args.corpus and args.corpus / "manifest.tsv"
    if not manifest or not manifest.exists():
        return
    found = collections.OrderedDict((d, [0, 0]) for d in ("easy", "medium", "hard"))
    with manifest.open(newline="") as f:
        for line in csv.DictReader(f, delimiter="\t"):
            if line["group"] == "attack" and line["detectability"] in found:
                count = found[line["detectability"]]
                count[0] += is_alarmed(args, args.corpus / line["file"])
                count[1] += 1
    print("\nAttack captures of other networks, none trained on, by how hard they are to see in flow "
          "records: " + ", ".join(f"{a} of {n} {d}" for d, (a, n) in found.items())
          + " ones with an alert.")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--karma", default="build/karma")
    parser.add_argument("--model", required=True)
    parser.add_argument("--range", required=True, type=pathlib.Path)
    parser.add_argument("--captures", required=True, type=pathlib.Path)
    parser.add_argument("--corpus", type=pathlib.Path)
    args = parser.parse_args()

    h = header(args.model)
    scores = []
    unsw = args.range / "unsw-test.csv"
    if unsw.exists():
        scores.append(("UNSW-NB15, one row in five, held out", evaluate(args, [unsw])))
    scores.append(("range, runs held out", evaluate(args, sorted(args.range.glob("test-*.csv")))))

    print("# The bundled model\n")
    print("Made by `make model`; every figure on this page is printed by that command.\n")
    print("## What it is\n")
    s, t = h["shape"], h["settings"]
    print(f"An LSTM of {s['layers']} layers of {s['hidden']} cells, {s['inputs']} inputs, "
          f"{s['classes']} classes; one step for each flow record of a host, the state kept for "
          "each host. Inputs: the features marked live in [docs/features.md](../docs/features.md). "
          "TTLs, TCP base numbers and windows, jitter and loss are left out: they tell UNSW-NB15's "
          "test bed, not attacks.\n")
    print("## What it was trained on\n")
    print("| data | files | rows | of these: |\n|---|---|---|---|")
    for name, is_part in (("UNSW-NB15 partition, corrected", lambda d: d["form"] != "Karma"),
                          ("test range", lambda d: d["name"].startswith("train-")),
                          ("benign captures of other networks",
                           lambda d: d["name"].startswith("benign-"))):
        files = [d for d in h["data"] if is_part(d)]
        classes = collections.Counter()
        for d in files:
            classes.update(d["classes"])
        print(f"| {name} | {len(files)} | {sum(d['rows'] for d in files)} | "
              + ", ".join(f"{k} {v}" for k, v in classes.most_common()) + " |")
    print("\nUNSW-NB15: four fifths of the 65,862 rows of UNSW-NB15's partition at hand, "
          "corrected for the double capture, equal rows on one side. The range's runs: those of the "
          "part `train` that `make range-data` made, with four seeds. Of all this, 15 % of the "
          "sequences were set aside to stop early and to calibrate. Settings: "
          + ", ".join(f"{k} {v}" for k, v in sorted(t.items()) if not isinstance(v, (dict, list)))
          + ".\n")
    print("## What it scores, by record\n")
    print("A positive is an attack record. TPR at a false positive rate of 1 % and of 0.1 %.\n")
    print("| held-out data | rows | accuracy | F1 | FPR | ROC-AUC | PR-AUC | TPR 1 % | TPR 0.1 % "
          "| accuracy, all classes | macro-F1 | ECE |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for name, e in scores:
        print(binary_row(name, e))
    for name, e in scores:
        print(f"\n{name}:\n\n{class_table(e)}")
    print("\n## What it scores, by scenario\n")
    print("Runs of the range with kinds of attack, tools and kinds of work that the model was "
          "neither trained nor tuned on (the part `test` of "
          "[range/scenarios.sh](../range/scenarios.sh)), on networks with other addresses, delays "
          "and losses. An attack is detected when an alert names its attacker (its target, where "
          "the sources are forged) by a minute after its end.\n", flush=True)
    captures = sorted(args.captures.glob("test-*.pcap"))
    subprocess.run(["range/score.py", "--karma", args.karma, "--model", args.model,
                    *map(str, captures)], check=True)
    print("\nThese runs and the held-out captures below were scored for earlier models too: that "
          "one-way UDP work, which the range's training part lacks, raised alerts is why benign "
          "captures of other networks were added to what the model learns.")
    print_benign(args)
    print_attacks(args)


if __name__ == "__main__":
    main()
