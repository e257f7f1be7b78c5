#!/usr/bin/env python3
"""How fast captures are metered, beside other flow meters, where they are installed.

usage: scripts/bench-captures.py [--json] [--rounds N] [--packets N] [--conversations N]

Makes a capture of mixed traffic (tests/bench/mixed.c) in a temporary folder of build/ and lets each
program read all of it, in turn, N times. What counts is the processor time of the whole process,
user and system, of all its threads; the median is printed. A ratio is another program's time by
Karma's.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

from benchlib import KARMA, ROOT, capture, rounds


def first_number(program, *options):
    """The version, from what the program says of itself."""
    told = subprocess.run([program, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace").stdout
    for word in told.replace(",", " ").split():
        if word.lstrip("v")[:1].isdigit():
            return word.lstrip("v")
    return "?"


def programs(path, folder):
    """Name: (the program, how it tells its version, the command)."""
    flows = os.path.join(folder, "nfcapd")
    os.mkdir(flows)
    return {
        "karma": (KARMA, ["--version"], [KARMA, "flows", path, "-o", "/dev/null"]),
        "softflowd": ("softflowd", ["-h"],
                      ["softflowd", "-r", path, "-d", "-v", "9", "-m", "131072",
                       "-p", os.path.join(folder, "pid"), "-c", "none"]),
        "nfpcapd": ("nfpcapd", ["-V"], ["nfpcapd", "-r", path, "-w", flows]),
        "argus": ("argus", ["-h"], ["argus", "-X", "-J", "-S", "60", "-r", path, "-w", "-"]),
        "ndpiReader": ("ndpiReader", ["-h"], ["ndpiReader", "-i", path, "-q"]),
    }


def measure(options, folder):
    path, begun = capture(folder, options.packets, options.conversations)
    every = programs(path, folder)
    there = {name: p for name, p in every.items() if shutil.which(p[0])}
    used = rounds({name: p[2] for name, p in there.items()}, options.rounds)
    meters = {}
    for name, (median, least, most, memory) in used.items():
        meters[name] = {
            "version": first_number(there[name][0], *there[name][1]),
            "command": " ".join(os.path.relpath(w, ROOT) if w.startswith(ROOT) else w
                                for w in there[name][2]),
            "cpu_s": round(median, 4), "least_cpu_s": round(least, 4),
            "most_cpu_s": round(most, 4), "peak_memory_mb": round(memory, 1),
            "ns_per_packet": round(median * 1e9 / options.packets, 1),
            "ratio": round(median / used["karma"][0], 2),
        }
    return {"packets": options.packets, "bytes": os.path.getsize(path), "conversations": begun,
            "rounds": options.rounds, "meters": meters,
            "absent": [name for name in every if name not in there]}


def show(figures):
    print("captures: %(packets)d packets, %(bytes)d bytes, %(conversations)d conversations; "
          "medians of %(rounds)d rounds in turn\n" % figures)
    print("  %-12s %-10s %8s %15s %10s %8s %7s" % ("", "version", "CPU s", "(least - most)",
                                                 "ns/packet", "MB", "ratio"))
    for name, m in figures["meters"].items():
        print("  %-12s %-10s %8.3f %6.3f - %6.3f %10.0f %8.0f %7.2f" % (
            name, m["version"], m["cpu_s"], m["least_cpu_s"], m["most_cpu_s"], m["ns_per_packet"],
            m["peak_memory_mb"], m["ratio"]))
    print()
    for name, m in figures["meters"].items():
        print("  " + m["command"])
    for name in figures["absent"]:
        print("  %s is not installed; run: scripts/install-packages.sh reference" % name)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--packets", type=int, default=1500000)
    parser.add_argument("--conversations", type=int, default=60000)
    options = parser.parse_args()
    if not os.path.exists(KARMA):
        sys.exit("%s: not there; run: make" % KARMA)
    with tempfile.TemporaryDirectory(dir=os.path.join(ROOT, "build")) as folder:
        figures = measure(options, folder)
    if options.json:
        json.dump(figures, sys.stdout, indent=1)
        print()
    else:
        show(figures)


if __name__ == "__main__":
    main()
