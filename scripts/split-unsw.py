#!/usr/bin/env python3
"""Split UNSW-NB15's partition into rows to train on and rows held out.

usage: scripts/split-unsw.py PARTITION.csv TRAIN.csv TEST.csv

One row in five is held out. Rows that are equal in every column but id, attack_cat and label fall
on the same side (34.5 % of the partition are exact duplicates), by a hash of these columns: the
split is the same for everybody and knows neither the labels nor the order of the rows.
"""
import csv
import hashlib
import sys

NOT_COUNTED = {"id", "attack_cat", "label"}


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.split("\n\n")[1])
    with open(sys.argv[1], newline="", encoding="utf-8-sig") as source, \
            open(sys.argv[2], "w", newline="") as train, open(sys.argv[3], "w", newline="") as test:
        rows = csv.reader(source)
        header = next(rows)
        counted = [i for i, name in enumerate(header) if name.strip().lower() not in NOT_COUNTED]
        outs = [csv.writer(train, lineterminator="\n"), csv.writer(test, lineterminator="\n")]
        for out in outs:
            out.writerow(header)
        for row in rows:
            digest = hashlib.sha256(",".join(row[i] for i in counted).encode()).digest()
            outs[digest[0] * 256 + digest[1] < 65536 // 5].writerow(row)


if __name__ == "__main__":
    main()
