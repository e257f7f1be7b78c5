#!/usr/bin/env python3
"""How well Karma tells attack from work on networks that it has not seen: docs/detection.md.

usage: scripts/detection.py [--karma PROGRAM] [--corpus DIR] [--unsw CSV] [--work DIR]
                            RANGE-DATA SECOND-RANGE-DATA >docs/detection.md

RANGE-DATA and SECOND-RANGE-DATA are folders that range/make-data.sh made from two seeds. Models are
trained on the training part of the first. The bundled model and its rivals are scored on the test
parts of both, models that a kind or a group of attacks was kept from on the training part of the second.
What was trained and scored before, with the same program's options and data, is taken from DIR
(build/detection). The corpus (captures of other networks), UNSW-NB15's partition and the trees
(Debian's python3-xgboost) are used when they are there.
"""
import argparse
import collections
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

import rangedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "range"))
import score  # noqa: E402  pylint: disable=wrong-import-position

SHARED = pathlib.Path(os.environ.get("KARMA_SHARED", "../shared"))
FOLDS = 6
# Groups that are kept from a model together, so that what is like an attack goes with it.
GROUP_FOLDS = (("scan", "names"), ("flood", "reflect", "http", "slow"), ("guess", "arp"),
               ("web", "fuzz", "ciphers", "delivery", "worm"), ("spam", "control", "exfil", "tunnel"))
COUNTERS = ("gap,src_flows_*,src_ports_*,src_hosts_*,src_refused_*,src_unanswered_*,dst_flows_*,"
            "dst_sources_*,dst_half_open_*,pair_flows_*,refused_share_*,unanswered_share_*,"
            "ports_per_host_*,half_open_share_*")
SINGLE = "live," + ",".join("-" + name for name in COUNTERS.split(","))


class Bench:
    """Trains, scores, and remembers both."""

    def __init__(self, args):
        self.args = args
        self.work = args.work
        self.work.mkdir(parents=True, exist_ok=True)
        self.tables = {d: rangedata.scenarios(d) for d in args.data}

    def kept(self, name, key, make):
        """What make() gave when it was last called with this key."""
        path = self.work / f"{name}.json"
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        if path.exists():
            found = json.loads(path.read_text())
            if found["key"] == digest:
                return found["value"]
        value = make()
        path.write_text(json.dumps({"key": digest, "value": value}))
        return value

    def stamp(self, folder):
        files = sorted(folder.glob("*.pcap")) + sorted(folder.glob("*.truth"))
        return [(f.name, f.stat().st_size) for f in files]

    # ---- what models learn from ----

    def rows(self, left_out=()):
        name = "rows-" + hashlib.sha256(" ".join(left_out).encode()).hexdigest()[:8]
        data = self.args.data[0]
        return [pathlib.Path(f) for f in self.kept(name, [self.stamp(data), left_out], lambda: [
            str(f) for f in rangedata.range_rows(self.args.karma, data, self.work / name,
                                                 left_out)])]

    def others(self):
        """Benign captures of other networks, and UNSW-NB15's rows."""
        files = []
        if self.args.corpus:
            files += [f + ":2" for f in self.kept("benign-rows", "", lambda: [
                str(f) for f in rangedata.benign_rows(self.args.karma, self.args.corpus,
                                                      self.work / "benign")])]
        return files + self.unsw()

    def unsw(self):
        if not self.args.unsw:
            return []
        train = self.work / "unsw-train.csv"
        if not train.exists():
            subprocess.run(["scripts/split-unsw.py", self.args.unsw, train,
                            self.work / "unsw-test.csv"], check=True)
        return [str(train)]

    def model(self, name, files, *options):
        path = self.work / f"{name}.karma"
        key = [[str(f), os.path.getsize(str(f).split(":", maxsplit=1)[0])] for f in files]
        key += [rangedata.RECIPE, options]

        def make():
            print(f"detection: {name} is trained", file=sys.stderr)
            rangedata.train(self.args.karma, files, path, *options)
            return hashlib.sha256(path.read_bytes()).hexdigest()
        self.kept(f"{name}-model", key, make)
        return path

    # ---- scores ----

    def alerts(self, model, capture, verdicts=None):
        options = ["--verdicts", str(verdicts)] if verdicts else []
        return score.read_alerts(self.args.karma, str(model), capture, *options)

    def score_one(self, model, data, capture, verdicts):
        truth = score.read_truth(capture.with_suffix(".truth"))
        allowed = score.read_allowed(capture.with_suffix(".allow"))
        alerts = self.alerts(model, capture, verdicts(capture) if verdicts else None)
        found, false = score.score_run(alerts, truth, allowed)
        run = f"{data.name} {capture.stem}"
        return {"attacks": [dict(f, run=run) for f in found],
                "false": score.once(false, run), "hours": score.capture_hours(capture)}

    def score(self, name, model, part, folders, verdicts=None):
        """Attacks and false alerts of all runs of a part."""
        key = [hashlib.sha256(pathlib.Path(model).read_bytes()).hexdigest(), part,
               [self.stamp(d) for d in folders], bool(verdicts)]

        def make():
            print(f"detection: {name} is scored", file=sys.stderr)
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                runs = list(pool.map(lambda job: self.score_one(model, *job, verdicts), [
                    (d, c) for d in folders for c in rangedata.captures(d, part)]))
            return {"attacks": [a for r in runs for a in r["attacks"]],
                    "false": [f for r in runs for f in r["false"]],
                    "hours": sum(r["hours"] for r in runs)}
        return self.kept(f"{name}-{part}-score", key, make)

    def is_alarmed(self, model, capture):
        done = subprocess.run([self.args.karma, "read", "-m", model, "--json", capture],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return b'"event_type":"alert"' in done.stdout

    def corpus(self, name, model):
        """Captures of other networks: those with an alert, benign ones that were held out and attacks."""
        corpus = self.args.corpus
        if not corpus:
            return None

        def make():
            quiet = rangedata.benign_captures(corpus)[1]
            attacks = rangedata.attack_captures(corpus)
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                loud = list(pool.map(lambda c: self.is_alarmed(model, c), quiet))
                found = list(pool.map(lambda a: self.is_alarmed(model, a[0]), attacks))
            return {"benign": len(quiet), "loud": [c.name for c, l in zip(quiet, loud) if l],
                    "attacks": [[a[0].name, a[1], a[2], f] for a, f in zip(attacks, found)]}
        digest = hashlib.sha256(pathlib.Path(model).read_bytes()).hexdigest()
        return self.kept(f"{name}-corpus", digest, make)

    def kind(self, attack):
        for table in self.tables.values():
            if attack["scenario"] in table:
                return table[attack["scenario"]]
        return None

    # ---- what is kept from a model ----

    def kept_from(self, name, folds):
        """Attacks of the second folder's training part, each by the model that its kind or group was
        kept from."""
        attacks = []
        for n, fold in enumerate(folds):
            model = self.model(f"{name}-{n}", [*self.rows(tuple(sorted(fold))), *self.others()])
            scored = self.score(f"{name}-{n}", model, "train", self.args.data[1:])
            attacks += [a for a in scored["attacks"] if self.kind(a) and
                        (self.kind(a).kind in fold or self.kind(a).group in fold)]
        return attacks

    def kind_folds(self):
        table = self.tables[self.args.data[0]].values()
        kinds = sorted({(s.group, s.kind) for s in table
                        if s.category != "benign" and s.part == "train"})
        return [[kind for _, kind in kinds[n::FOLDS]] for n in range(FOLDS)]


# ---- the page ----

def share(part, whole):
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "-"


def totals(attacks):
    return sum(a["detected"] for a in attacks), sum(a["class"] for a in attacks), len(attacks)


def median_seconds(attacks):
    times = [a["seconds"] for a in attacks if a["detected"]]
    return f"{statistics.median(times):.1f}" if times else "-"


def rate(scored):
    """False alerts and in how much traffic."""
    return f"{len(scored['false'])} in {scored['hours']:.2f} h"


def grouped(bench, attacks, field):
    groups = collections.defaultdict(list)
    for a in attacks:
        kind = bench.kind(a)
        groups[getattr(kind, field) if kind else "?"].append(a)
    return sorted(groups.items())


def table_by(bench, attacks, field):
    print(f"| {field} | attacks | detected | right class | s to the alert (median) |\n|---|--:|--:|--:|--:|")
    for name, rows in grouped(bench, attacks, field):
        found, right, count = totals(rows)
        print(f"| {name} | {count} | {found} | {right} | {median_seconds(rows)} |")
    print()


def corpus_cells(found):
    if not found:
        return "- | - | - | -"
    cells = [share(found["benign"] - len(found["loud"]), found["benign"])]
    for how in ("easy", "medium", "hard"):
        hits = [a[3] for a in found["attacks"] if a[2] == how]
        cells.append(f"{sum(hits)} of {len(hits)}")
    return " | ".join(cells)


def print_rivals(rows):
    print("| model | detected | right class | false alerts, test runs | without attacks | benign "
          "captures quiet | easy | medium | hard |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, scored, corpus in rows:
        found, right, count = totals(scored["attacks"])
        calm = [f for f in scored["false"] if "calm" in f["run"]]
        print(f"| {name} | {share(found, count)} | {share(right, count)} | {rate(scored)} "
              f"| {len(calm)} | {corpus_cells(corpus)} |")
    print()


def print_missed(bench, attacks):
    print("| scenario | class | missed | of |\n|---|---|--:|--:|")
    for name, rows in grouped(bench, attacks, "name"):
        found, _, count = totals(rows)
        if found < count:
            print(f"| {name} | {rows[0]['category']} | {count - found} | {count} |")
    print()
