"""UNSW-NB15's rows as arrays, as published and corrected for the double capture: for the yardsticks
of scripts/paper.py, which are not Karma's. correct() says what src/feature/unsw.c says."""
import csv

import numpy as np

CLASSES = ("Normal", "Reconnaissance", "DoS", "Fuzzers", "Exploits", "Analysis", "Backdoor",
           "Generic", "Shellcode", "Worms")
CATEGORIES = ("proto", "state", "service")
TTL = ("sttl", "dttl", "ct_state_ttl")
NOT_INPUTS = {"id", "attack_cat", "label", "stcpb", "dtcpb", *TTL, *CATEGORIES}
# What is known of a corrected row when it is judged live.
LIVE = ("dur", "sbytes", "dbytes", "sload", "dload", "spkts", "dpkts", "smean", "dmean", "sinpkt",
        "dinpkt", "tcprtt", "synack", "ackdat", "rate")
COPY = 8e-6  # s between the two copies of a packet
PADDED = 46  # bytes of the least Ethernet payload


def read(path):
    """The columns of a partition file: numbers by name, categories by name, classes."""
    with open(path, newline="", encoding="utf-8-sig") as f:
        rows = list(csv.DictReader(f))
    numbers = {name: np.array([float(r[name]) for r in rows])
               for name in rows[0] if name not in NOT_INPUTS}
    categories = {name: np.array([r[name] for r in rows]) for name in CATEGORIES}
    return numbers, categories, np.array([CLASSES.index(r["attack_cat"].strip()) for r in rows])


def correct(seen):
    """The live columns as a meter that sees each packet once would have written them."""
    count = {side: seen[side + "pkts"] for side in "sd"}
    odd = {side: count[side] % 2 == 1 for side in "sd"}
    once = (odd["s"] & (odd["d"] | (count["d"] == 0))) | ((count["s"] == 0) & odd["d"])
    true = {}
    with np.errstate(all="ignore"):
        for side in "sd":
            n = np.ceil(count[side] / 2)
            both = seen[side + "bytes"]
            small = (n > 0) & (both / n < 2 * PADDED)
            true[side + "pkts"] = n
            true[side + "bytes"] = size = np.where(
                small, np.maximum(both - PADDED * n, 0), np.floor(both / 2))
            gap = np.maximum(seen[side + "inpkt"] * (count[side] - 1) - COPY * 1e3, 0) / (n - 1)
            true[side + "inpkt"] = np.where(n < 2, 0, gap)
            true[side + "mean"] = np.where(n > 0, np.floor(size / n + 0.5), 0)
        packets = true["spkts"] + true["dpkts"]
        true["dur"] = dur = np.where(packets <= 1, 0, np.maximum(seen["dur"] - COPY, 0))
        for part in ("synack", "ackdat"):
            true[part] = np.where(seen[part] > 0, seen[part] + COPY, seen[part])
        true["tcprtt"] = np.where(seen["tcprtt"] > 0, true["synack"] + true["ackdat"], seen["tcprtt"])
        true["rate"] = np.where(dur >= 1e-9, (packets - 1) / dur, 0)
        for side in "sd":
            n, size = true[side + "pkts"], true[side + "bytes"]
            load = 8 * (size - np.floor(size / n)) / dur
            true[side + "load"] = np.where((n <= 1) | (dur < 1e-9), 0, load)
    return {name: np.where(once, seen[name], true[name]) for name in LIVE}


def matrix(numbers, categories, known, wanted=None):
    """One column for a number, one for each value of a category that `known` has 20 rows of."""
    columns = [value for name, value in numbers.items() if wanted is None or name in wanted]
    for name in CATEGORIES:
        if wanted is not None and name not in wanted:
            continue
        values, count = np.unique(known[name], return_counts=True)
        columns += [categories[name] == v for v in values[count >= 20]]
    return np.column_stack(columns).astype(np.float32)


def area(score, attack):
    """Under the ROC curve; a tie counts one half."""
    order = np.argsort(score, kind="stable")
    values, first, count = np.unique(score[order], return_index=True, return_counts=True)
    rank = np.repeat(first + (count + 1) / 2, count)
    attacks = attack.sum()
    return (rank[attack[order]].sum() - attacks * (attacks + 1) / 2) / (attacks * (~attack).sum())


def detection(score, attack, most):
    """The highest recall with a false positive rate of at most `most`."""
    order = np.argsort(-score, kind="stable")
    falling, hit = score[order], attack[order]
    last = np.r_[falling[1:] != falling[:-1], True]
    allowed = last & (np.cumsum(~hit) <= most * (~attack).sum())
    return float((np.cumsum(hit)[allowed] / attack.sum()).max(initial=0))


def odds(p):
    """Log-odds of attack."""
    normal = np.clip(p[:, 0].astype(float), 1e-7, 1 - 1e-7)
    return np.log1p(-normal) - np.log(normal)


def calibrated(p, slope, offset, temperature):
    """What src/lstm/calibration.c makes of a network's logits, of probabilities."""
    attack = 1 / (1 + np.exp(-(slope * odds(p) + offset)))
    kind = np.maximum(p[:, 1:].astype(float), 1e-9) ** (1 / temperature)
    kind /= kind.sum(1, keepdims=True)
    return np.column_stack([1 - attack, attack[:, None] * kind])


def calibration(p, label, shifted):
    """The slope, offset (0 unless `shifted`) and temperature that make the labels most likely, to
    one part in a hundred."""
    best = (1.0, 0.0, 1.0)

    def loss(setting):
        q = calibrated(p, *setting)
        return -np.log(np.maximum(q[np.arange(len(q)), label], 1e-12)).mean()

    step = 0.64
    while step > 0.01:
        tried = [(best[0] * (1 + a * step), best[1] + b * step * shifted, best[2] * (1 + t * step))
                 for a, b, t in ((0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1),
                                 (0, 0, -1), (1, 1, 0), (-1, -1, 0), (1, -1, 0), (-1, 1, 0))]
        least = min(tried, key=loss)
        step = step / 2 if least == best else step
        best = least
    return best


def scores(p, label):
    """The figures of `karma eval --json` that the tables show, of probabilities p (rows, classes)."""
    attack, score, best = label > 0, 1 - p[:, 0], p.argmax(1)
    alarm, sure = score >= 0.5, p.max(1)
    hits, alarms = (alarm & attack).sum(), (alarm & ~attack).sum()
    bins = np.minimum((sure * 15).astype(int), 14)
    right = best == label
    f1 = [2 * (right & (label == c)).sum() / ((best == c).sum() + (label == c).sum())
          for c in range(len(CLASSES)) if (label == c).any()]
    return {"binary": {"accuracy": float((alarm == attack).mean()),
                       "f1": float(2 * hits / (alarm.sum() + attack.sum())),
                       "fpr": float(alarms / (~attack).sum()),
                       "roc_auc": float(area(score, attack)),
                       "tpr_at_fpr_1e-2": detection(score, attack, 0.01),
                       "tpr_at_fpr_1e-3": detection(score, attack, 0.001)},
            "accuracy": float(right.mean()), "macro_f1": float(np.mean(f1)),
            "ece": float(sum(abs(right[bins == b].sum() - sure[bins == b].sum())
                             for b in range(15)) / len(label))}
