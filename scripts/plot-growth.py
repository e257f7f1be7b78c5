#!/usr/bin/env python3
"""How work grows: draws docs/growth.svg.

usage: scripts/plot-growth.py [--json] [--rounds N]

Makes captures of mixed traffic (tests/bench/mixed.c) with ever more packets and ever more
conversations and lets `karma flows` read each, in turn, N times. What counts is the processor time
of the whole process; the least of the N times is drawn (other work on the machine only adds to it),
each row with the straight line of least squares through it and the share of the variance that the
line explains. --json prints the figures.
"""

import argparse
import json
import os
import sys
import tempfile

from benchlib import KARMA, ROOT, capture, rounds

# One grows, the other stands.
PACKETS = [(n * 250000, 5000) for n in range(1, 9)]
CONVERSATIONS = [(1000000, n * 3500) for n in range(1, 9)]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 420, 300, 60, 44, 16, 48


def line(points):
    """Least squares: (value at 0, slope, R squared)."""
    n = len(points)
    x_mean, y_mean = (sum(p[i] for p in points) / n for i in (0, 1))
    xx = sum((x - x_mean) ** 2 for x, _ in points)
    yy = sum((y - y_mean) ** 2 for _, y in points)
    xy = sum((x - x_mean) * (y - y_mean) for x, y in points)
    return y_mean - xy / xx * x_mean, xy / xx, xy * xy / (xx * yy) if yy else 1.0


def measure(sizes, what, folder, count):
    """[(packets or conversations, least CPU seconds)]; `what` says which of the two grows."""
    commands, grown = {}, {}
    for packets, conversations in sizes:
        path, begun = capture(folder, packets, conversations)
        commands[path] = [KARMA, "flows", path, "-o", "/dev/null"]
        grown[path] = packets if what == "packets" else begun
    used = rounds(commands, count)
    for path in commands:
        os.remove(path)
    return [(grown[path], used[path][1]) for path in commands]


def ticks(top):
    """Three to six round numbers from 0 to beyond `top`."""
    step = 10.0 ** -3
    while True:
        for round_one in (1, 2, 2.5, 5):
            if top / (step * round_one) <= 5:
                step *= round_one
                return [i * step for i in range(int(-(-top // step)) + 1)]
        step *= 10


def number(value):
    for size, sign in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return "%g%s" % (value / size, sign)
    return "%g" % value


def panel(points, title, unit, left):
    start, slope, explained = line(points)
    x_ticks, y_ticks = ticks(max(x for x, _ in points)), ticks(max(y for _, y in points))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at(x, y):
        return left + LEFT + wide * x / x_ticks[-1], TOP + high * (1 - y / y_ticks[-1])

    yield '<text class="title" x="%d" y="18">%s</text>' % (left + LEFT, title)
    yield '<text x="%d" y="34">%.2f s + %.0f ns for each; R² %.4f</text>' % (
        left + LEFT, start, slope * 1e9, explained)
    for x in x_ticks:
        yield '<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>' % (*at(x, 0), *at(x, y_ticks[-1]))
        yield '<text class="x" x="%.1f" y="%.1f">%s</text>' % (at(x, 0)[0], at(x, 0)[1] + 16, number(x))
    for y in y_ticks:
        yield '<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>' % (*at(0, y), *at(x_ticks[-1], y))
        yield '<text class="y" x="%.1f" y="%.1f">%g s</text>' % (at(0, y)[0] - 6, at(0, y)[1] + 4, y)
    yield '<text class="x" x="%.1f" y="%d">%s</text>' % (left + LEFT + wide / 2, HEIGHT - 10, unit)
    yield '<line class="fit" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>' % (
        *at(0, start), *at(x_ticks[-1], min(start + slope * x_ticks[-1], y_ticks[-1])))
    for x, y in points:
        yield '<circle cx="%.1f" cy="%.1f" r="3.5"><title>%s: %.3f s</title></circle>' % (*at(x, y), number(x), y)


def draw(panels):
    yield ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" font-family="sans-serif" '
           'font-size="12">' % (WIDTH * len(panels), HEIGHT))
    yield "<title>Processor time of karma flows against packets and against flows</title>"
    yield ("<style>text{fill:#222}.title{font-weight:bold}.x{text-anchor:middle}.y{text-anchor:end}"
           ".grid{stroke:#ccc}.fit{stroke:#888;stroke-dasharray:5 4}circle{fill:#0b62a4}"
           "@media(prefers-color-scheme:dark){svg{background:#111}text{fill:#ddd}.grid{stroke:#444}"
           "circle{fill:#6db6ee}}</style>")
    for i, (points, title, unit) in enumerate(panels):
        yield from panel(points, title, unit, i * WIDTH)
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if not os.path.exists(KARMA):
        sys.exit("%s: not there; run: make" % KARMA)
    with tempfile.TemporaryDirectory(dir=os.path.join(ROOT, "build")) as folder:
        packets = measure(PACKETS, "packets", folder, options.rounds)
        flows = measure(CONVERSATIONS, "conversations", folder, options.rounds)
    path = os.path.join(ROOT, "docs", "growth.svg")
    with open(path + ".part", "w", encoding="utf-8") as out:
        out.write("\n".join(draw([
            (packets, "Against packets (5,000 conversations)", "packets"),
            (flows, "Against flows (1,000,000 packets)", "conversations")])) + "\n")
    os.replace(path + ".part", path)
    if options.json:
        json.dump({"packets": packets, "flows": flows}, sys.stdout)
        print()
    for name, points in (("packets", packets), ("flows", flows)):
        print("%s: %.3f s + %.1f ns for each, R2 %.4f" % (
            name, line(points)[0], line(points)[1] * 1e9, line(points)[2]), file=sys.stderr)


if __name__ == "__main__":
    main()
