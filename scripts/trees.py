"""Gradient-boosted trees (Debian's python3-xgboost) on UNSW-NB15's rows: the yardstick of
scripts/paper.py, and the rows with swapped features that they label."""
import csv
import os

import numpy as np

import unsw

try:
    import xgboost
except ImportError:
    xgboost = None

# The settings that the search tries; rounds as many as help on the rows set aside.
DEPTHS, MOST_ROUNDS = (6, 8), 300
FIXED = {"learning_rate": 0.1, "subsample": 0.8, "colsample_bytree": 0.6, "tree_method": "hist"}
# Swapped rows: so many of each row, and the highest chance that a feature is another row's.
POOLS, SWAPPED = 8, 0.24
# What a row of Karma's form needs beside its features: a flow of nobody's, without a memory, and
# over, as those of the data set are.
NOBODY = {"srcip": "0.0.0.0", "dstip": "0.0.0.0", "flow_id": "0", "at": "0", "actor": "",
          "event": "final", "news": "1", "again": "0"}


def inputs(numbers, form):
    return numbers if form == "as published" else unsw.correct(numbers)


def fit(x, label, root, seed, depth, rounds, validation=None):
    weight = None
    if root:
        weight = np.bincount(label)[label] ** -0.5
        weight /= weight.mean()
    trees = xgboost.XGBClassifier(
        max_depth=depth, n_estimators=rounds, n_jobs=1, random_state=seed, **FIXED,
        early_stopping_rounds=20 if validation else None, eval_metric="mlogloss")
    trees.fit(x, label, sample_weight=weight, eval_set=validation and [validation], verbose=False)
    return trees


class Trees:
    """`work`: the folder of train.csv, test.csv, and learn.csv and check.csv, which train.csv is
    divided into."""

    def __init__(self, work):
        self.work, self.parts = work, {}

    def part(self, name):
        if name not in self.parts:
            self.parts[name] = unsw.read(os.path.join(self.work, name + ".csv"))
        return self.parts[name]

    def rows(self, name, form):
        numbers, categories, label = self.part(name)
        return unsw.matrix(inputs(numbers, form), categories, self.part("train")[1]), label

    def search(self, form):
        """Loss, depth and rounds of the best on the rows set aside."""
        best = None
        for depth in DEPTHS:
            trees = fit(*self.rows("learn", form), False, 1, depth, MOST_ROUNDS,
                        self.rows("check", form))
            if best is None or trees.best_score < best[0]:
                best = (trees.best_score, depth, trees.best_iteration + 1)
        return best

    def calibrate(self, form, root, depth, rounds):
        """Slope and offset of attack or not on the rows set aside, and the temperature of which."""
        trees = fit(*self.rows("learn", form), root, 1, depth, rounds)
        x, label = self.rows("check", form)
        return unsw.calibration(trees.predict_proba(x), label, root)

    def scores(self, form, root, seed, depth, rounds, calibration):
        trees = fit(*self.rows("train", form), root, seed, depth, rounds)
        x, label = self.rows("test", form)
        return unsw.scores(unsw.calibrated(trees.predict_proba(x), *calibration), label)

    def swap(self, name, form, depth, rounds, path):
        """Rows of a part with some features of another row of it each, and what the trees that
        learnt this part say of them, as a file for `karma train`."""
        numbers, categories, _ = self.part(name)
        numbers = inputs(numbers, form)
        x, label = self.rows(name, form)
        trees = fit(x, label, False, 1, depth, rounds)
        count, draw = len(label), np.random.RandomState(5)
        fixed = NOBODY if form == "corrected" else {}
        columns = [*numbers, *categories]
        with open(path + ".part", "w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow([*fixed, *columns, *("p_" + name for name in unsw.CLASSES)])
            for _ in range(POOLS):
                other = draw.permutation(count)
                swapped = draw.rand(count, len(columns)) < draw.rand(count, 1) * SWAPPED
                mixed = {c: np.where(swapped[:, i], v[other], v) for i, (c, v) in
                         enumerate((numbers | categories).items())}
                p = trees.predict_proba(unsw.matrix({c: mixed[c] for c in numbers},
                                                    {c: mixed[c] for c in categories},
                                                    self.part("train")[1]))
                text = [mixed[c].tolist() for c in columns] + [np.char.mod("%.6f", q) for q in p.T]
                writer.writerows([*fixed.values(), *row] for row in zip(*text))
        os.replace(path + ".part", path)
