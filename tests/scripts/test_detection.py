#!/usr/bin/env python3
"""How attacks are scored and counted (scripts/detection.py, range/score.py)."""
import argparse
import pathlib
import sys
import tempfile
import types
import unittest

try:
    import numpy  # noqa: F401  what the trees need, which are not tested here
except ImportError:
    sys.modules["numpy"] = types.ModuleType("numpy")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import detection  # noqa: E402

score = detection.score
START = 1000000.0


def alert(at, src, dst, category, first=None, last=None):
    event = {"alert": {"category": category}, "dest_ip": dst, "time": START + at, "timestamp": str(at),
             "first": START + (at if first is None else first),
             "last": START + (at if last is None else last)}
    if src:
        event["src_ip"] = src
    return event


def attack(begin, end, src, dst, category="DoS", scenario="flood", first=None, service="-"):
    return score.Attack(START + begin, START + end, [(src, dst)], category, scenario, service,
                        START + (begin if first is None else first))


def flow(first, src, dst, category="DoS", dsport="80"):
    return {"first": str(START + first), "last": str(START + first + 0.5), "srcip": src, "dstip": dst, "proto": "tcp", "sport": "9",
            "dsport": dsport, "attack_cat": category}


class Runs(unittest.TestCase):
    def score(self, alerts, attacks, allowed=()):
        results, false = score.score_run(alerts, attacks, set(allowed))
        return [(r["detected"], r["class"], r["seconds"]) for r in results], false

    def test_an_alert_that_names_the_attacker_detects(self):
        found, false = self.score([alert(3, "a", "t", "DoS")], [attack(0, 10, "10.0.0.1", "10.0.0.2")])
        self.assertEqual((found, len(false)), ([(False, False, None)], 1))
        found, false = self.score([alert(3, "10.0.0.1", "t", "DoS"), alert(5, "10.0.0.1", "t", "DoS")],
                                  [attack(0, 10, "10.0.0.1", "10.0.0.2")])
        self.assertEqual((found, false), ([(True, True, 3.0)], []))

    def test_another_class_detects_and_is_not_right(self):
        found, _ = self.score([alert(3, "10.0.0.1", "10.0.0.2", "Fuzzers")],
                              [attack(0, 10, "10.0.0.1", "10.0.0.2")])
        self.assertEqual(found, [(True, False, 3.0)])

    def test_time_runs_from_the_first_packet(self):
        found, _ = self.score([alert(3, "10.0.0.1", "10.0.0.2", "DoS")],
                              [attack(0, 10, "10.0.0.1", "10.0.0.2", first=2)])
        self.assertEqual(found, [(True, True, 1.0)])
        found, _ = self.score([alert(1.9, "10.0.0.1", "10.0.0.2", "DoS")],
                              [attack(0, 10, "10.0.0.1", "10.0.0.2", first=2)])
        self.assertEqual(found, [(False, False, None)])

    def test_the_first_packet_is_that_of_the_first_flow_of_the_attack(self):
        truth = attack(10, 20, "10.0.0.1", "10.0.0.2", service="tcp/80")
        others = [flow(9, "10.0.0.1", "10.0.0.2"), flow(11, "10.0.0.3", "10.0.0.2"),
                  flow(13, "10.0.0.1", "10.0.0.2", dsport="81"), flow(21, "10.0.0.1", "10.0.0.2")]
        self.assertIsNone(score.first_packet(truth, others))
        # It had begun before, or is counted to another attack: not silent, but not known.
        self.assertEqual(score.first_packet(truth, others + [flow(9.8, "10.0.0.1", "10.0.0.2")]), START + 10)
        self.assertEqual(score.first_packet(truth, others + [flow(12, "10.0.0.1", "10.0.0.2", "Fuzzers")]),
                         START + 10)
        mine = [flow(16, "10.0.0.1", "10.0.0.2"), flow(15, "10.0.0.2", "10.0.0.1")]
        self.assertEqual(score.first_packet(truth, others + mine), START + 15)

    def test_a_minute_of_grace_and_no_more(self):
        truth = [attack(0, 10, "10.0.0.1", "10.0.0.2")]
        self.assertTrue(self.score([alert(69, "10.0.0.1", "t", "DoS")], truth)[0][0][0])
        self.assertFalse(self.score([alert(71, "10.0.0.1", "t", "DoS")], truth)[0][0][0])
        # The last word on an alert comes when it has been quiet for a minute.
        self.assertEqual(self.score([alert(129, "10.0.0.1", "t", "DoS")], truth)[1], [])
        self.assertEqual(len(self.score([alert(131, "10.0.0.1", "t", "DoS")], truth)[1]), 1)

    def test_news_of_an_earlier_attack_of_another_class_is_none(self):
        truth = [attack(100, 110, "10.0.0.1", "10.0.0.2")]
        self.assertFalse(self.score([alert(105, "10.0.0.1", "t", "Fuzzers", first=0)], truth)[0][0][0])
        self.assertTrue(self.score([alert(105, "10.0.0.1", "t", "DoS", first=0)], truth)[0][0][0])

    def test_of_many_sources_the_target_is_named(self):
        truth = [attack(0, 10, "*", "10.0.0.2")]
        self.assertTrue(self.score([alert(3, None, "10.0.0.2", "DoS")], truth)[0][0][0])
        self.assertFalse(self.score([alert(3, None, "10.0.0.3", "DoS")], truth)[0][0][0])
        # By decoys: one attacker, but its target is attacked; neither found nor false.
        found, false = self.score([alert(3, None, "10.0.0.2", "DoS")],
                                  [attack(0, 10, "10.0.0.1", "10.0.0.2")])
        self.assertEqual((found[0][0], false), (False, []))

    def test_whom_the_site_allows_is_not_false(self):
        alerts = [alert(3, "10.0.0.9", "t", "Reconnaissance")]
        self.assertEqual(len(self.score(alerts, [])[1]), 1)
        self.assertEqual(self.score(alerts, [], ["10.0.0.9"])[1], [])

    def test_updates_of_a_false_alert_count_once(self):
        false = [alert(at, "a", "b", category) for at, category in ((1, "DoS"), (2, "DoS"), (3, "Worms"))]
        self.assertEqual([f["category"] for f in score.once(false, "run")], ["DoS", "Worms"])

    def test_lines_of_one_attack_are_one(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "run.truth")
            path.write_text("# who\n1 5 10.0.0.1 10.0.0.9 Brute_Force tcp/22 spray\n"
                            "1 7 10.0.0.2 10.0.0.9 Brute_Force tcp/22 spray\n2 3 * 10.0.0.9 DoS\n")
            first, second = score.read_truth(path)
        self.assertEqual((first.end, first.category), (7.0, "Brute Force"))
        self.assertEqual(first.pairs, [("10.0.0.1", "10.0.0.9"), ("10.0.0.2", "10.0.0.9")])
        self.assertEqual((second.scenario, second.pairs), ("DoS", [("*", "10.0.0.9")]))


class Missed(unittest.TestCase):
    def record(self, at, src, dst, score):
        return {"time": str(START + at), "src": src, "dst": dst, "proto": "tcp", "sport": "9", "dport": "80",
                "score": str(score)}

    def test_its_records_are_those_between_its_ends_in_its_time(self):
        truth = [attack(0, 10, "10.0.0.1", "10.0.0.2"), attack(0, 10, "*", "10.0.0.4")]
        records = [self.record(-1, "10.0.0.1", "10.0.0.2", 3),
                   self.record(1, "10.0.0.1", "10.0.0.2", 2),
                   self.record(2, "10.0.0.2", "10.0.0.1", -0.5),
                   self.record(3, "10.0.0.1", "10.0.0.3", 3),
                   self.record(4, "10.0.0.9", "10.0.0.4", 1),
                   self.record(71, "10.0.0.1", "10.0.0.2", 3)]
        one, many = [detection.traces(r) for _, r in detection.belonging(truth, records)]
        self.assertEqual(one, {"records": 2, "odd": 1, "evidence": 2.0})
        self.assertEqual(many, {"records": 1, "odd": 1, "evidence": 1.0})

    def test_the_reason_is_what_they_left(self):
        def of(records, odd, evidence):
            return detection.reason([{"records": records, "odd": odd, "evidence": evidence}], 6.0)
        self.assertIn("look like work", of(100, 3, 4))
        self.assertIn("add up", of(4, 2, 4))
        self.assertIn("earlier attack", of(100, 50, 12))


class Page(unittest.TestCase):
    def bench(self, folder):
        table = ["syn DoS flood a hping3 lan train", "udp DoS flood b hping3 lan train",
                 "scan Reconnaissance scan c nmap lan train", "new DoS flood d hping3 lan test",
                 "web benign work w curl lan train"]
        pathlib.Path(folder, "scenarios").write_text("\n".join(table) + "\n")
        for n in range(5):
            pathlib.Path(folder, f"train-{n}.pcap").touch()
        return detection.Bench(argparse.Namespace(
            work=pathlib.Path(folder, "work"), data=folder, karma="karma", corpus=None, unsw=None))

    def test_what_was_made_with_the_same_key_is_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            bench, made = self.bench(folder), []

            def make():
                made.append(1)
                return len(made)
            keys = [["a"], ["a"], ["b"], ["b"]]
            self.assertEqual([bench.kept("x", key, make) for key in keys], [1, 1, 2, 2])

    def test_each_kind_of_attack_is_left_out_once(self):
        with tempfile.TemporaryDirectory() as folder:
            folds = self.bench(folder).kind_folds()
        self.assertEqual(sorted(kind for fold in folds for kind in fold), ["a", "b", "c"])

    def test_the_halves_share_no_run(self):
        with tempfile.TemporaryDirectory() as folder:
            one, other = ([c.stem for c in half] for half in self.bench(folder).halves())
        self.assertEqual((one, other), (["train-0", "train-2", "train-4"], ["train-1", "train-3"]))

    def test_an_attack_counts_where_it_was_kept_from_the_model(self):
        with tempfile.TemporaryDirectory() as folder:
            bench, runs = self.bench(folder), []

            def scored(_name, _model, captures):
                runs.append([c.stem for c in captures])
                return {"attacks": [{"scenario": s} for s in ("syn", "udp", "scan", "unknown")]}
            bench.rows = lambda captures, fold: ["rows"]
            bench.model = lambda *_: "model"
            bench.score = scored
            found = bench.kept_from("kinds", [["a"], ["scan"]])
        self.assertEqual([a["scenario"] for a in found], ["syn", "syn", "scan", "scan"])
        self.assertEqual(sum(runs[:2], []), ["train-1", "train-3", "train-0", "train-2", "train-4"])

    def test_figures(self):
        attacks = [{"detected": True, "class": True, "seconds": 1.0},
                   {"detected": True, "class": False, "seconds": 4.0},
                   {"detected": False, "class": False, "seconds": None}]
        self.assertEqual(detection.totals(attacks), (2, 1, 3))
        self.assertEqual(detection.share(2, 3), "2 of 3 (66.7 %)")
        self.assertEqual(detection.share(0, 0), "-")
        self.assertEqual(detection.median_seconds(attacks), "2.5")
        self.assertEqual(detection.median_seconds(attacks[2:]), "-")
        self.assertEqual(detection.rate({"false": [1, 2], "hours": 0.5}), "2 in 0.50 h")


if __name__ == "__main__":
    unittest.main()
