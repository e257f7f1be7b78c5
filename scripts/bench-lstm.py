#!/usr/bin/env python3
"""How fast the network steps and trains, beside ONNX Runtime and PyTorch, where they are installed.

usage: scripts/bench-lstm.py [--json] [--rounds N] [--no-train]

Two layers of 128 cells, 40 numbers in, ten classes, the same weights for all (scripts/network.py).
Each program runs in turn, N times; of each figure, itself the best of many short rounds, the median
is printed. A ratio is a peer's time by Karma's, or Karma's samples a second by a peer's.

ONNX Runtime comes from npm: npm ci --ignore-scripts --prefix tests/bench. PyTorch is Debian's
python3-torch, with libopenblas0.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

import network
from benchlib import KARMA, LIMIT_S, ROOT, run

PEERS = os.path.join(ROOT, "tests", "bench")
PYTHON = "/usr/bin/python3"  # Debian's: python3-torch belongs to it
CASES = {"1": "alone", "64": "batch_of_64", "1024": "batch_of_1024"}
GOALS = {("onnxruntime", "fp32", "1"): 4, ("onnxruntime", "int8", "1"): 10,
         ("onnxruntime", "fp32", "1024"): 1.3, ("onnxruntime", "int8", "1024"): 2.5}


def told(command, env=None):
    """What a program prints, as JSON; None: it failed, and it has said why."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          timeout=LIMIT_S, env={**os.environ, **(env or {})})
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


def has_torch():
    return os.path.exists(PYTHON) and subprocess.run(
        [PYTHON, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0


def merge(runs):
    """Medians of numbers, in objects of objects; of the rest the first."""
    if isinstance(runs[0], dict):
        return {k: merge([r[k] for r in runs]) for k in runs[0]}
    if isinstance(runs[0], (int, float)):
        return statistics.median(runs)
    return runs[0]


def steps(folder, rounds, peers):
    """Microseconds a step: {program: {"1": us, ...}}."""
    model, onnx, empty = (os.path.join(folder, n) for n in ("n.karma", "n.onnx", "empty.onnx"))
    network.write_karma(model)
    network.write_onnx(onnx, False)
    network.write_onnx(empty, True)
    commands = {"fp32": [KARMA, "bench", "lstm", "-m", model, "--kernel", "fp32", "--json"],
                "int8": [KARMA, "bench", "lstm", "-m", model, "--kernel", "int8", "--json"]}
    if "onnxruntime" in peers:
        commands["onnxruntime"] = [PYTHON, os.path.join(PEERS, "ort_lstm.py"), onnx, empty]
    if "torch" in peers:
        commands["torch"] = [PYTHON, os.path.join(PEERS, "torch_lstm.py"), "step"]
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(told(command, {"OMP_NUM_THREADS": "1"}))
    return {name: merge(r) for name, r in runs.items() if None not in r}


def karma_steps(told_by_karma):
    """(kernel, {"1": us, ...}, share of peak or None)"""
    figures = told_by_karma["lstm"]
    kernel = next((k for k, v in figures.items() if isinstance(v, dict)), None)
    if not kernel:
        return None
    return (kernel, {n: figures[kernel][c + "_us_per_step"] for n, c in CASES.items()},
            figures[kernel].get("batch_of_1024_share_of_peak"))


def step_figures(folder, options, peers):
    result = steps(folder, options.rounds, peers)
    out = {"karma": {}, "peers": {}}
    for name in ("fp32", "int8"):
        found = karma_steps(result[name]) if name in result else None
        if found:
            out["karma"][name] = {"kernel": found[0], "us_per_step": found[1],
                                  "share_of_peak": found[2]}
    for name in ("onnxruntime", "torch"):
        if name not in result:
            continue
        r = result[name]
        out["peers"][name] = {
            "version": r["version"], "us_per_step": r["step"], "us_of_a_call": r.get("call"),
            "times_karma": {k: {n: r["step"][n] / v["us_per_step"][n] for n in CASES}
                            for k, v in out["karma"].items()}}
    both = [result[n]["logits"] for n in ("onnxruntime", "torch") if n in result]
    if len(both) == 2 and max(abs(a - b) for a, b in zip(*both)) > 1e-5:
        sys.exit("ONNX Runtime and PyTorch do not say the same of the same network")
    return out


def training_figures(rounds, peers):
    """Samples a second of batches, and the most memory of a program that does nothing else."""
    runs = {"karma": []}
    for _ in range(rounds):
        runs["karma"].append(told([KARMA, "bench", "train", "--json"])["train"])
        for threads in ("1", "2") if "torch" in peers else ():
            runs.setdefault("torch " + threads, []).append(
                told([PYTHON, os.path.join(PEERS, "torch_lstm.py"), "train", threads],
                     {"OMP_NUM_THREADS": threads}))
    found = {name: merge(r) for name, r in runs.items() if None not in r}
    out = {"karma_peak_memory_mb": run([KARMA, "bench", "train"])[1], "rates": {}}
    for case, rates in found["karma"].items():
        out["rates"][case] = {}
        for threads in ("1", "2"):
            key = "samples_per_s_%s_thread%s" % (threads, "" if threads == "1" else "s")
            one = {"karma": rates[key]}
            peer = found.get("torch " + threads)
            if peer:
                one["torch"] = peer["rates"][case]
                one["times_torch"] = rates[key] / one["torch"]
                out["torch_peak_memory_mb"] = peer["peak_memory_mb"]
            out["rates"][case][threads] = one
    return out


def print_steps(figures):
    print("\nlstm with its peers: microseconds a step on one core; a peer's time by Karma's")
    print("  %-28s %10s %10s %10s" % ("", *[c.replace("_", " ") for c in CASES.values()]))
    for name, k in figures["karma"].items():
        share = k["share_of_peak"]
        print("  %-28s %10.3g %10.3g %10.3g%s" % (
            "karma %s (%s)" % (name, k["kernel"]), *[k["us_per_step"][n] for n in CASES],
            "  %.0f %% of the peak" % (100 * share) if share else ""))
    for name, p in figures["peers"].items():
        print("  %-28s %10.3g %10.3g %10.3g" % (
            "%s %s" % (name, p["version"]), *[p["us_per_step"][n] for n in CASES]))
        if p["us_of_a_call"]:
            print("  %-28s %10.3g %10.3g %10.3g" % (
                "  of it the call", *[p["us_of_a_call"][n] for n in CASES]))
        for kind, ratios in p["times_karma"].items():
            goals = [GOALS.get((name, kind, n)) for n in CASES]
            print("  %-28s %10.3g %10.3g %10.3g%s" % (
                "  times karma %s" % kind, *[ratios[n] for n in CASES],
                "  goals: %s alone, %s in a batch of 1024" % (goals[0], goals[2])
                if goals[0] else ""))


def print_training(figures):
    print("\ntrain with its peer: sequences a second")
    print("  %-28s %10s %10s %10s" % ("", "karma", "torch", "ratio"))
    for case, threads in figures["rates"].items():
        for t, one in threads.items():
            print("  %-28s %10.0f %10s %10s" % (
                "%s, %s thread%s" % (case.replace("_", " "), t, "" if t == "1" else "s"),
                one["karma"], "%.0f" % one["torch"] if "torch" in one else "",
                "%.2f" % one["times_torch"] if "torch" in one else ""))
    print("  most memory: karma %.0f MB%s" % (
        figures["karma_peak_memory_mb"],
        ", torch %.0f MB" % figures["torch_peak_memory_mb"]
        if "torch_peak_memory_mb" in figures else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-train", action="store_true")
    options = parser.parse_args()
    absent = {}
    if not os.path.isdir(os.path.join(PEERS, "node_modules", "onnxruntime-node")):
        absent["onnxruntime"] = ("scripts/install-packages.sh peers; "
                                 "npm ci --ignore-scripts --prefix tests/bench")
    if not has_torch():
        absent["torch"] = "scripts/install-packages.sh reference"
    peers = {"onnxruntime", "torch"} - set(absent)
    with tempfile.TemporaryDirectory(dir=os.path.join(ROOT, "build")) as folder:
        figures = {"absent": absent, "step": step_figures(folder, options, peers)}
    if not options.no_train:
        figures["train"] = training_figures(options.rounds, peers)
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        print()
        return
    print_steps(figures["step"])
    if not options.no_train:
        print_training(figures["train"])
    for name, command in absent.items():
        print("  absent: %s; %s installs it" % (name, command))


if __name__ == "__main__":
    main()
