#!/usr/bin/env python3
"""Which rows of the range a model learns from (scripts/rangedata.py): who is left out, which captures
are held out, how much one attacker teaches."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import rangedata  # noqa: E402

HEADER = "srcip,dstip,attack_cat,Label,actor"


def kept(rows):
    """The lines that keep_known() keeps of these rows, without the header; its count agrees."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "all.csv"), pathlib.Path(folder, "some.csv")
        source.write_text("\n".join([HEADER, *rows]) + "\n")
        count = rangedata.keep_known(source, target)
        header, *lines = target.read_text().splitlines()
    assert header == HEADER and count == len(lines), (header, count, len(lines))
    return lines


class Rows(unittest.TestCase):
    def test_a_row_without_a_label_is_not_learnt(self):
        rows = ["a,b,Normal,0,a", "a,b,,,a", "a,b,DoS,1,a"]
        self.assertEqual(kept(rows), [rows[0], rows[2]])

    def test_one_attacker_teaches_no_more_than_the_bound(self):
        most = rangedata.MOST_OF_ACTOR
        rows = [f"a,t{n},DoS,1,a" for n in range(most + 5)] + ["a,b,Reconnaissance,1,a", "c,b,DoS,1,c"]
        self.assertEqual(kept(rows), rows[:most] + rows[-2:])

    def test_at_one_target_no_more_is_learnt_than_the_bound(self):
        most = rangedata.MOST_AT_TARGET
        rows = [f"s{n},b,DoS,1,s{n}" for n in range(most + 5)] + ["x,c,DoS,1,x"]
        self.assertEqual(kept(rows), rows[:most] + rows[-1:])

    def test_ordinary_work_has_no_bound(self):
        rows = ["a,b,Normal,0,a"] * (rangedata.MOST_AT_TARGET + 5)
        self.assertEqual(kept(rows), rows)


class Truth(unittest.TestCase):
    def test_what_is_left_out_has_no_class(self):
        table = {name: rangedata.Scenario(name, "DoS", group, kind, "tool", "lan", "train")
                 for name, group, kind in (("syn", "flood", "syn_flood"), ("get", "http", "get_flood"))}
        lines = ["1 2 10.0.0.1 10.0.0.2 DoS tcp/80 syn\n", "3 4 10.0.0.1 10.0.0.2 DoS tcp/80 get\n",
                 "5 6 10.0.0.1 10.0.0.2 DoS\n"]
        with tempfile.TemporaryDirectory() as folder:
            truth = pathlib.Path(folder, "run.truth")
            truth.write_text("".join(lines))
            self.assertEqual(rangedata.truth_without(truth, table, ()), "".join(lines))
            for left_out in ("syn_flood", "flood"):  # its kind, its group
                without = rangedata.truth_without(truth, table, (left_out,))
                self.assertEqual(without, "".join([lines[0].replace("DoS", "-"), *lines[1:]]))


class Captures(unittest.TestCase):
    def test_runs_come_in_the_order_of_their_numbers(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("train-10", "train-2", "train-calm-1", "test-1"):
                pathlib.Path(folder, name + ".pcap").touch()
            self.assertEqual([c.stem for c in rangedata.captures(folder, "train")],
                             ["train-2", "train-10", "train-calm-1"])

    def test_the_split_of_other_networks_goes_by_the_name_alone(self):
        names = [f"capture-{n}.pcap" for n in range(400)]
        with tempfile.TemporaryDirectory() as folder:
            benign = pathlib.Path(folder, "benign")
            benign.mkdir()
            for name in names:
                (benign / name).touch()
            train, held_out = rangedata.benign_captures(pathlib.Path(folder))
            for name in names[:200]:
                (benign / name).unlink()
            fewer = rangedata.benign_captures(pathlib.Path(folder))
        self.assertEqual(sorted(c.name for c in train + held_out), sorted(names))
        self.assertTrue(150 < len(train) < 250, len(train))
        self.assertEqual([c.name for c in fewer[0]], [c.name for c in train if c.name in names[200:]])
        self.assertEqual([c.name for c in fewer[1]], [c.name for c in held_out if c.name in names[200:]])


if __name__ == "__main__":
    unittest.main()
