"""Gradient-boosted trees (Debian's python3-xgboost) on the rows that Karma's network learns from: the
yardstick of scripts/detection.py. Their probabilities take the place of the network's in a file of
verdicts for `karma read`."""
import csv
import os
import subprocess

import numpy as np

import unsw

try:
    import xgboost
except ImportError:
    xgboost = None

CLASSES = (*unsw.CLASSES, "Brute Force")
SETTINGS = {"objective": "multi:softprob", "num_class": len(CLASSES), "tree_method": "hist",
            "max_depth": 8, "eta": 0.2, "subsample": 0.8, "colsample_bytree": 0.5,
            "min_child_weight": 2, "nthread": os.cpu_count(), "seed": 1}
ROUNDS = 120


def live_features(karma):
    """Names of the bundled model's inputs, and the values of those that are categories."""
    page = subprocess.run([karma, "help", "features"], stdout=subprocess.PIPE, check=True).stdout
    names = {}
    for line in page.decode().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 6 and "live" in cells[3].split(", "):
            values = cells[5].partition("Values:")[2]
            names[cells[1].split()[0]] = [v.strip(" `.") for v in values.split(",")] if values else []
    return names


class Trees:
    def __init__(self, karma):
        self.karma = karma
        self.features = live_features(karma)
        self.booster = None

    def columns(self, read, rows):
        """One column for a number, one for each value of a category; what is not known is NaN."""
        out = []
        for name, values in self.features.items():
            column = read(name)
            if column is None:
                out += [np.full(rows, np.nan, np.float32)] * max(1, len(values))
            elif values:
                known = np.isin(column, values)
                out += [np.where(known, column == v, v == "other").astype(np.float32)
                        for v in values]
            else:
                out.append(np.array([float(x) if x != "" else np.nan for x in column], np.float32))
        return np.column_stack(out)

    def read_rows(self, path):
        with open(path, newline="", encoding="ascii") as f:
            rows = csv.reader(f)
            place = {n.lower(): i for i, n in enumerate(next(rows))}
            # The raw files' names of a few columns.
            for raw, name in (("sintpkt", "sinpkt"), ("dintpkt", "dinpkt"), ("smeansz", "smean"),
                              ("dmeansz", "dmean")):
                place.setdefault(name, place.get(raw))
            columns = list(zip(*rows))
        count = len(columns[0]) if columns else 0
        x = self.columns(lambda n: np.array(columns[place[n]]) if place.get(n) is not None else None,
                         count)
        # Without a truth there is no class.
        category = columns[place["attack_cat"]] if count else ()
        return x, np.array([CLASSES.index(c.strip() or "Normal") for c in category])

    def read_unsw(self, path):
        seen, categories, label = unsw.read(path)
        true = unsw.correct(seen)
        return self.columns(lambda n: true.get(n, categories.get(n)), len(label)), label

    def train(self, files):
        """Of rows as `karma train` takes them ("FILE" or "FILE:WEIGHT"); UNSW-NB15's are corrected."""
        parts, weights = [], []
        for file in files:
            path, _, weight = str(file).partition(":")
            with open(path, encoding="utf-8-sig") as f:
                is_unsw = f.readline().startswith("id,")
            parts.append(self.read_unsw(path) if is_unsw else self.read_rows(path))
            weights.append(np.full(len(parts[-1][1]), float(weight or 1)))
        data = xgboost.DMatrix(np.vstack([x for x, _ in parts]),
                               np.concatenate([y for _, y in parts]),
                               weight=np.concatenate(weights))
        self.booster = xgboost.train(SETTINGS, data, ROUNDS)

    def verdicts(self, model, capture, work):
        """A file for `karma read --verdicts`. `model`: any, for the order of the records."""
        base = work / f"{capture.parent.name}-{capture.stem}"
        rows, scores, out = (base.with_name(base.name + end)
                             for end in (".rows", ".scores", ".verdicts"))
        subprocess.run([self.karma, "flows", "--steps", "-o", rows, capture],
                       stderr=subprocess.DEVNULL, check=True)
        subprocess.run([self.karma, "read", "-m", model, "--scores", scores, "--json", capture],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        x, _ = self.read_rows(rows)
        p = self.booster.predict(xgboost.DMatrix(x))
        with open(scores, encoding="ascii") as f, open(out, "w", encoding="ascii") as to:
            to.write(f.readline())
            for line, row in zip(f, p):
                to.write(",".join(line.split(",")[:-len(CLASSES)] + [f"{v:.6g}" for v in row])
                         + "\n")
        rows.unlink()
        scores.unlink()
        return out
