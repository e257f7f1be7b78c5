#!/usr/bin/python3
"""How well Karma tells attack from work on networks that it has not seen: docs/detection.md.

usage: scripts/detection.py [--karma PROGRAM] [--corpus DIR] [--unsw CSV] [--work DIR]
                            RANGE-DATA >docs/detection.md

RANGE-DATA is a folder that range/make-data.sh made. A model by the bundled one's recipe and its rivals are
trained on its training part and scored on its test part; models that a kind or a group of attacks was kept
from, trained on one half of the training runs, on the other half. The bundled model has learnt from both
parts: captures of other networks alone can score it.
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
import tempfile
import threading

import range_trees
import rangedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "range"))
import score  # noqa: E402  pylint: disable=wrong-import-position

SHARED = pathlib.Path(os.environ.get("KARMA_SHARED", "../shared"))
BUNDLED = pathlib.Path("models/default.karma")
FOLDS = 3
# Groups that are kept from a model together, so that what is like an attack goes with it.
GROUP_FOLDS = (("scan", "names", "worm"), ("flood", "reflect", "http", "slow"),
               ("guess", "web", "fuzz"),
               ("arp", "ciphers", "delivery", "spam", "control", "exfil", "tunnel"))
# What an alert takes, where the model's header does not say otherwise (src/detect/evidence.c).
ENOUGH = 6.0
# They are many.
FEWER = ("--epochs", "5")
COUNTERS = ("gap,src_flows_*,src_ports_*,src_hosts_*,src_refused_*,src_unanswered_*,dst_flows_*,"
            "dst_sources_*,dst_half_open_*,pair_flows_*,refused_share_*,unanswered_share_*,"
            "ports_per_host_*,half_open_share_*")
SINGLE = "live," + ",".join("-" + name for name in COUNTERS.split(","))

INTRODUCTION = """# Detection

Made by `make detection`, which takes some hours; what it prints is this page. Scored by attack, not by
record: an attack of the test range ([range.md](range.md)) is detected when an alert names its attacker
(its target, where the sources are many or forged) by a minute after its end, and rightly classed when one
of these alerts has its class. The time to the alert runs from the attack's first packet. An alert that fits
no attack is false; updates of one alert count once. An attack whose tool was stopped before it sent a packet
({silent} of the test part) is none.

Held out whole, and neither trained nor tuned on: a third of the kinds of attack, a third of the tools, a
third of the kinds of work, and the network (addresses, delays, frame sizes) of the part `test`. Trained on
{train} runs of the part `train` of 100 s each, scored on {test}. The bundled model is made by the same recipe
from both parts, so that it knows all kinds: what is said here of kinds that were never seen is what to
expect of it where it meets one that the range does not have.

## Against the goals
"""

RIVALS = """All are weighed by the same evidence and thresholds, which were chosen for the model with
memory. The first row's model is the one that this page is about: it remembers what hosts do and what is
done to them. The bundled one learnt what the test runs have. "Without attacks": false alerts in the runs in
which nobody attacks. The trees have the features of the network with their counters, no memory, and the same
rows. Captures of other networks: the benign ones that were held out, and all attack captures by how hard each
is to see in its flow records.
"""

MISSED = """Of those that were missed (medians): the records that they left, how many of these spoke against
them, and the most that these records alone add up to, of what an alert takes.
"""

KEPT_FROM = f"""Models of one half of the training runs, in {FEWER[1]} epochs, each without the records of one kind in {FOLDS},
or of the groups {'; '.join(', '.join(g) for g in GROUP_FOLDS)}; scored on the attacks that were
kept from it in the other half. So each attack of the training part is judged by a model that saw neither
its kind nor its run.
"""


class Bench:
    """Trains, scores, and remembers both."""

    def __init__(self, args):
        self.args = args
        self.work = args.work
        self.work.mkdir(parents=True, exist_ok=True)
        self.table = rangedata.scenarios(args.data)

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

    def stamp(self, captures):
        return [(c.name, c.stat().st_size) for c in captures]

    def runs(self, part):
        return rangedata.captures(self.args.data, part)

    def halves(self):
        """The training runs, every other one: those without attacks, too."""
        return self.runs("train")[::2], self.runs("train")[1::2]

    # ---- what models learn from ----

    def rows(self, captures, left_out=()):
        key = [self.stamp(captures), sorted(left_out)]
        name = "rows-" + hashlib.sha256(json.dumps(key).encode()).hexdigest()[:8]
        return [pathlib.Path(f) for f in self.kept(name, key, lambda: [
            str(f) for f in rangedata.range_rows(self.args.karma, captures, self.table,
                                                 self.work / name, left_out)])]

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

    def alerts(self, model, capture, *options):
        return score.read_alerts(self.args.karma, str(model), capture, *options)

    def score_one(self, model, capture, verdicts, options):
        planned = score.read_truth(capture.with_suffix(".truth"))
        truth = score.with_first_packets(self.args.karma, capture, planned)
        allowed = score.read_allowed(capture.with_suffix(".allow"))
        if verdicts:
            options = [*options, "--verdicts", str(verdicts(capture))]
        alerts = self.alerts(model, capture, *options)
        found, false = score.score_run(alerts, truth, allowed)
        return {"attacks": [dict(f, run=capture.stem) for f in found],
                "silent": len(planned) - len(truth),
                "false": score.once(false, capture.stem), "hours": score.capture_hours(capture)}

    def score(self, name, model, captures, verdicts=None, options=()):
        """Attacks and false alerts of these runs."""
        key = [hashlib.sha256(pathlib.Path(model).read_bytes()).hexdigest(), self.stamp(captures),
               bool(verdicts), *options]

        def make():
            print(f"detection: {name} is scored", file=sys.stderr)
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                runs = list(pool.map(lambda c: self.score_one(model, c, verdicts, options),
                                     captures))
            return {"attacks": [a for r in runs for a in r["attacks"]],
                    "silent": sum(r["silent"] for r in runs),
                    "false": [f for r in runs for f in r["false"]],
                    "hours": sum(r["hours"] for r in runs)}
        return self.kept(f"{name}-score", key, make)

    def why_missed(self, model, attacks):
        """How the model saw the attacks that it missed: see traces()."""
        key = [hashlib.sha256(pathlib.Path(model).read_bytes()).hexdigest(), attacks]
        by_run = collections.defaultdict(list)  # in the order of the truth
        for a in attacks:
            by_run[a["run"]].append(a["detected"])

        def of_run(run):
            capture = pathlib.Path(self.args.data, f"{run}.pcap")
            truth = score.with_first_packets(self.args.karma, capture,
                                             score.read_truth(capture.with_suffix(".truth")))
            truth = [t for t, found in zip(truth, by_run[run]) if not found]
            scores = self.work / f"{run}.scores"
            self.alerts(model, capture, "--scores", str(scores))
            with scores.open(newline="") as f:
                seen = [dict(traces(r), scenario=t.scenario)
                        for t, r in belonging(truth, csv.DictReader(f))]
            scores.unlink()
            return seen

        def make():
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                return [t for run in pool.map(of_run, by_run) for t in run]
        return self.kept("why-missed", key, make)

    def seen_in(self, model, capture):
        """Is there an alert? And records, odd ones, the most that was held against anyone."""
        with tempfile.NamedTemporaryFile(suffix=".csv") as scores:
            done = subprocess.run([self.args.karma, "read", "-m", model, "--json", "--scores",
                                   scores.name, capture],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            with open(scores.name, newline="", encoding="ascii") as f:
                rows = list(csv.DictReader(f))
        held = [float(r[side]) for r in rows for side in ("actor_evidence", "target_evidence")]
        return [b'"event_type":"alert"' in done.stdout, len(rows),
                sum(float(r["score"]) > 0 for r in rows), max(held, default=0.0)]

    def corpus(self, name, model):
        """Captures of other networks: those with an alert, benign ones that were held out and attacks."""
        corpus = self.args.corpus
        if not corpus:
            return None

        def make():
            quiet = rangedata.benign_captures(corpus)[1]
            attacks = rangedata.attack_captures(corpus)
            with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
                work = list(pool.map(lambda c: self.seen_in(model, c), quiet))
                seen = list(pool.map(lambda a: self.seen_in(model, a[0]), attacks))
            return {"benign": len(quiet), "loud": [c.name for c, s in zip(quiet, work) if s[0]],
                    "records": sum(s[1] for s in work),
                    "attacks": [[a[0].name, a[1], a[2], *s] for a, s in zip(attacks, seen)]}
        digest = hashlib.sha256(pathlib.Path(model).read_bytes()).hexdigest()
        return self.kept(f"{name}-corpus", digest, make)

    def kind(self, attack):
        return self.table.get(attack["scenario"])

    # ---- what is kept from a model ----

    def kept_from(self, name, folds):
        """The training part's attacks, each by a model that saw neither its kind or group nor its run."""
        attacks = []
        for n, fold in enumerate(folds):
            for half, (learnt, scored) in enumerate((self.halves(), self.halves()[::-1])):
                which = f"{name}-{n}-{half}"
                model = self.model(which, [*self.rows(learnt, fold), *self.others()], *FEWER)
                attacks += [a for a in self.score(which, model, scored)["attacks"] if self.kind(a)
                            and (self.kind(a).kind in fold or self.kind(a).group in fold)]
        return attacks

    def kind_folds(self):
        kinds = sorted({(s.group, s.kind) for s in self.table.values()
                        if s.category != "benign" and s.part == "train"})
        return [[kind for _, kind in kinds[n::FOLDS]] for n in range(FOLDS)]


def belonging(attacks, records):
    """Of each attack the records (of --scores) between its ends, in its time and a minute after."""
    of = [[] for _ in attacks]
    for r in records:
        at = float(r["time"])
        flow = {"srcip": r["src"], "dstip": r["dst"], "proto": r["proto"], "sport": r["sport"],
                "dsport": r["dport"]}
        for n, a in enumerate(attacks):
            if (a.first <= at <= a.end + score.GRACE and score.is_service(a.service, flow)
                    and score.is_between(a, flow)):
                of[n].append(r)
    return list(zip(attacks, of))


def traces(records):
    """How many records an attack left, how many of them spoke against it, and the most that they
    alone add up to, as evidence adds up (src/detect/evidence.h) without time passing."""
    total = most = 0.0
    for r in records:
        total = max(0.0, total + float(r["score"]))
        most = max(most, total)
    return {"records": len(records), "odd": sum(float(r["score"]) > 0 for r in records),
            "evidence": most}


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
        if not scored:
            print(f"| {name} | - | - | - | - | {corpus_cells(corpus)} |")
            continue
        found, right, count = totals(scored["attacks"])
        calm = [f for f in scored["false"] if "calm" in f["run"]]
        print(f"| {name} | {share(found, count)} | {share(right, count)} | {rate(scored)} "
              f"| {len(calm)} | {corpus_cells(corpus)} |")
    print()


def reason(seen, enough):
    """Why attacks of one scenario were missed, by what they left."""
    records, odd, evidence = (statistics.median(t[k] for t in seen)
                              for k in ("records", "odd", "evidence"))
    if evidence >= enough:
        return "seen, but put down to an earlier attack of the same host"
    if odd < max(1.0, records / 10):
        return "its records look like work"
    return "odd records, too few or not odd enough to add up"


def print_missed(bench, model, attacks):
    enough = rangedata.model_header(model)["detection"].get("threshold", ENOUGH)
    seen = bench.why_missed(model, attacks)
    print("| scenario | class | missed | of | records | odd | evidence | reason |\n"
          "|---|---|--:|--:|--:|--:|--:|---|")
    for name, rows in grouped(bench, attacks, "name"):
        found, _, count = totals(rows)
        mine = [t for t in seen if t["scenario"] == name]
        if found == count:
            continue
        records, odd, evidence = (statistics.median(t[k] for t in mine)
                                  for k in ("records", "odd", "evidence"))
        print(f"| {name} | {rows[0]['category']} | {count - found} | {count} | {records:.0f} | {odd:.0f} "
              f"| {100 * evidence / enough:.0f} % | {reason(mine, enough)} |")
    print()


def print_goals(rows):
    print("| | goal | measured |\n|---|--:|--:|")
    for name, goal, measured in rows:
        print(f"| {name} | {goal} | {measured} |")
    print()


def of_groups(bench, attacks, *names):
    return [a for a in attacks if bench.kind(a) and bench.kind(a).group in names]


def rivals(bench):
    """Name and model of each that is compared, and what gives its verdicts, where that is another."""
    args = bench.args
    rows, others = bench.rows(bench.runs("train")), bench.others()
    once = rangedata.ONE_VIEW_EPOCHS
    whole = bench.model("whole", [*rows, *others])
    yield "with memory", whole, None
    yield ("with memory of what hosts do alone",
           bench.model("one-view", [*rows, *others], "--one-view", *once), None)
    yield ("without memory",
           bench.model("no-memory", [*rows, *others], "--memory", "1", *once), None)
    yield ("single flows: no memory, no counters",
           bench.model("single", [*rows, *others], "--memory", "1", "--features", SINGLE, *once),
           None)
    if bench.unsw():
        yield "UNSW-NB15 alone", bench.model("unsw", bench.unsw(), *once), None
    if range_trees.xgboost:
        yard, one_at_a_time = range_trees.Trees(args.karma), threading.Lock()

        def verdicts(capture):
            with one_at_a_time:
                if yard.booster is None:
                    print("detection: the trees are trained", file=sys.stderr)
                    yard.train([*rows, *others])
            return yard.verdicts(whole, capture, args.work)
        yield "trees on the same features", whole, verdicts


def not_learnt(bench, model):
    """The runs of both parts that a model did not learn from, without the one that only allows."""
    learnt = {d["name"] for d in rangedata.model_header(model)["data"]}
    return [c for c in bench.runs("train") + bench.runs("test")
            if f"{c.stem}.csv" not in learnt and not c.with_suffix(".allow").exists()]


def compare(bench):
    """Name, scored test runs and captures of other networks of each."""
    out = []
    for n, (name, model, verdicts) in enumerate(rivals(bench)):
        scored = bench.score(f"rival-{n}", model, bench.runs("test"), verdicts)
        out.append((name, scored, None if verdicts else bench.corpus(f"rival-{n}", model)))
    out.append(("the bundled model: with memory, of both parts", None,
                bench.corpus("bundled", BUNDLED)))
    return out


def print_sensitivity(bench, model, normal):
    """What --sensitivity trades, of the model with memory; `normal`: its scored test runs."""
    print("## Sensitivity\n\n| `--sensitivity` | detected | right class | false alerts, test runs | "
          "without attacks |\n|---|--:|--:|--:|--:|")
    for word in ("low", "normal", "high"):
        scored = normal if word == "normal" else bench.score(
            f"sensitivity-{word}", model, bench.runs("test"), options=("--sensitivity", word))
        found, right, count = totals(scored["attacks"])
        calm = [f for f in scored["false"] if "calm" in f["run"]]
        print(f"| {word} | {share(found, count)} | {share(right, count)} | {rate(scored)} | {len(calm)} |")
    print()


def print_corpus(found):
    if not found:
        return
    print(f"Benign captures with an alert: {', '.join(found['loud']) or 'none'}, of {found['benign']} with "
          f"{found['records']:,} records.\n")
    print("| attack capture | kind | to see | alert | records | odd | evidence |\n"
          "|---|---|---|---|--:|--:|--:|")
    for name, kind, how, hit, records, odd, held in sorted(found["attacks"],
                                                           key=lambda a: (a[2], a[0])):
        print(f"| {name} | {kind} | {how} | {'yes' if hit else '-'} | {records} | {odd} "
              f"| {100 * held / ENOUGH:.0f} % |")
    print()


def print_known(bench):
    runs = not_learnt(bench, BUNDLED)
    scored = bench.score("known", BUNDLED, runs)
    found, right, count = totals(scored["attacks"])
    print("## Kinds that the bundled model knows\n")
    print(f"In {len(runs)} runs of both parts that it did not learn from: {share(found, count)} detected, "
          f"{share(right, count)} with the right class; false alerts: {rate(scored)}; median time to the "
          f"alert: {median_seconds(of_groups(bench, scored['attacks'], 'scan', 'flood'))} s of scans and "
          f"floods, {median_seconds(of_groups(bench, scored['attacks'], 'guess'))} s of guessing.\n")
    table_by(bench, scored["attacks"], "group")


def page(bench):
    compared = compare(bench)
    whole = bench.work / "whole.karma"
    _, scored, corpus = compared[0]
    attacks = scored["attacks"]
    kinds = bench.kept_from("without-kind", bench.kind_folds())
    groups = bench.kept_from("without-group", GROUP_FOLDS)
    found, right, count = totals(attacks)
    calm = [f for f in scored["false"] if "calm" in f["run"]]
    quick = of_groups(bench, attacks, "scan", "flood")
    guess = of_groups(bench, attacks, "guess")
    print(INTRODUCTION.format(train=len(bench.runs("train")), test=len(bench.runs("test")),
                              silent=scored["silent"]))
    cells = corpus_cells(corpus).split(" | ")
    own = corpus_cells(compared[-1][2]).split(" | ")

    def both(n):
        return f"{cells[n]}; the bundled model: {own[n]}"
    print_goals([
        ("held-out attacks detected", "95 %", share(found, count)),
        ("with the right class", "85 %", share(right, count)),
        ("each kind by a model that it was kept from", "85 %", share(*totals(kinds)[::2])),
        ("each group by a model that it was kept from", "60 %", share(*totals(groups)[::2])),
        ("median time to the alert, scans and floods", "1 s", f"{median_seconds(quick)} s"),
        ("median time to the alert, guessing", "10 s", f"{median_seconds(guess)} s"),
        ("false alerts in the held-out kinds of work", "0", len(calm)),
        ("false alerts in all test runs", "1 in 24 h", rate(scored)),
        ("benign captures of other networks without an alert", "99 %", both(0)),
        ("attack captures, easy, with an alert", "all", both(1)),
        ("attack captures, medium, with an alert", "80 %", both(2)),
        ("attack captures, hard, with an alert", "-", both(3))])
    print("## What the memory buys\n")
    print_rivals(compared)
    print(RIVALS)
    print_sensitivity(bench, whole, scored)
    print_known(bench)
    print("## Held-out attacks\n")
    table_by(bench, attacks, "group")
    table_by(bench, attacks, "name")
    print("## Kinds and groups that were kept from a model\n")
    print(KEPT_FROM)
    table_by(bench, kinds, "kind")
    table_by(bench, groups, "group")
    print("## What is missed\n")
    print(MISSED)
    print_missed(bench, whole, attacks)
    print("## False alerts\n")
    for f in scored["false"]:
        print(f"- {f['run']}: {f['category']}, {f['src'] or 'many'} -> {f['dst']}: "
              f"{'; '.join(f['reasons']) or 'no reason'}")
    print("\n## Captures of other networks\n")
    print("By the bundled model. Evidence: the most that was held against anyone, of what an alert takes.\n")
    print_corpus(compared[-1][2])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--karma", default="build/karma")
    parser.add_argument("--corpus", type=pathlib.Path, default=SHARED / "corpus")
    parser.add_argument("--unsw", type=pathlib.Path,
                        default=SHARED / "data/unsw-nb15/partition.csv")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("build/detection"))
    parser.add_argument("data", type=pathlib.Path)
    args = parser.parse_args()
    args.corpus = args.corpus if args.corpus.is_dir() else None
    args.unsw = args.unsw if args.unsw.is_file() else None
    if not rangedata.captures(args.data, "train"):
        sys.exit(f"detection: no runs in {args.data}; 'make range-data' makes them")
    page(Bench(args))


if __name__ == "__main__":
    main()
