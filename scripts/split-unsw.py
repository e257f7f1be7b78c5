#!/usr/bin/env python3
"""Split UNSW-NB15's partition into rows to train on and rows held out.

usage: scripts/split-unsw.py PARTITION.csv TRAIN.csv TEST.csv [DRAW [ONE_IN]]

One row in five (ONE_IN) is held out. Rows that are equal in every column but id, attack_cat and
label fall on the same side (34.5 % of the partition are exact duplicates), by a hash of these
columns: the split is the same for everybody and knows neither the labels nor the order of the rows.
DRAW, a word, goes into the hash: another word draws other rows.
"""
import csv
import hashlib
import sys

NOT_COUNTED = {"id", "attack_cat", "label"}


def split(partition, train, test, draw="", one_in=5):
    with open(partition, newline="", encoding="utf-8-sig") as source, \
            open(train, "w", newline="") as learnt, open(test, "w", newline="") as held_out:
        rows = csv.reader(source)
        header = next(rows)
        counted = [i for i, name in enumerate(header) if name.strip().lower() not in NOT_COUNTED]
        outs = [csv.writer(learnt, lineterminator="\n"), csv.writer(held_out, lineterminator="\n")]
        for out in outs:
            out.writerow(header)
        for row in rows:
            digest = hashlib.sha256((draw + ",".join(row[i] for i in counted)).encode()).digest()
            outs[digest[0] * 256 + digest[1] < 65536 // one_in].writerow(row)


def main():
    if not 4 <= len(sys.argv) <= 6 or not all(n.isdigit() and int(n) > 0 for n in sys.argv[5:]):
        sys.exit(__doc__.split("\n\n")[1])
    split(*sys.argv[1:5], *map(int, sys.argv[5:]))


if __name__ == "__main__":
    main()
