#!/usr/bin/env python3
"""Train the bundled model (models/default.karma) on the data at hand and write its card beside it.

usage: scripts/make-model.py [--karma PROGRAM] [-o MODEL] RANGE-DATA

RANGE-DATA: a folder of captures and truth that range/make-data.sh made: one run in ten is held out to
score on, the others train. Both parts do: what it tells of kinds that it has not seen is measured on
models of the part `train` alone (scripts/detection.py). Beside them, when they are at hand: UNSW-NB15's
partition ($UNSW, or the shared data's), corrected for the double capture, four rows of five to train on,
one held out, equal rows on one side; and captures of other networks ($CORPUS, or the shared data's): half
of the benign ones, by a hash of the name, to train on.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

import rangedata

SHARED = pathlib.Path(os.environ.get("KARMA_SHARED", "../shared"))
UNSW = pathlib.Path(os.environ.get("UNSW", SHARED / "data/unsw-nb15/partition.csv"))
CORPUS = pathlib.Path(os.environ.get("CORPUS", SHARED / "corpus"))


def divided(folder):
    """The runs to train on and those held out. Not the run with a scanner that the site allows: its
    records are neither attacks nor work."""
    runs = [c for part in ("train", "test") for c in rangedata.captures(folder, part)
            if not c.with_suffix(".allow").exists()]
    return [c for n, c in enumerate(runs) if n % 10 != 9], runs[9::10]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--karma", default="build/karma")
    parser.add_argument("-o", dest="model", default="models/default.karma", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    args = parser.parse_args()
    runs, held = divided(args.data)
    if not runs:
        sys.exit(f"make-model: no runs in {args.data}; 'make range-data' makes them (root, an hour)")

    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        table = rangedata.scenarios(args.data)
        rows = rangedata.range_rows(args.karma, runs, table, work / "range")
        if (CORPUS / "benign").is_dir():
            rows += [f"{f}:2" for f in rangedata.benign_rows(args.karma, CORPUS, work / "range")]
        if UNSW.is_file():
            subprocess.run(["scripts/split-unsw.py", UNSW, work / "unsw-train.csv",
                            work / "unsw-test.csv"], check=True)
            rows.append(work / "unsw-train.csv")
        else:
            print(f"make-model: no UNSW-NB15 partition at {UNSW}: it learns from the range alone",
                  file=sys.stderr)
        rangedata.train(args.karma, rows, args.model)
        rangedata.range_rows(args.karma, held, table, work / "held")
        card = args.model.with_suffix(".md")
        part = work / "card.md"
        with part.open("w") as out:
            subprocess.run(["scripts/model-card.py", "--karma", args.karma, "--model", args.model,
                            "--rows", work], stdout=out, check=True)
        card.write_text(part.read_text())
    print(f"{args.model} and {card} are made")


if __name__ == "__main__":
    main()
