#!/usr/bin/env python3
"""Hold karma's flow records against those of Argus 3.0.8.2.

usage: argus.py KARMA [-v] [NAME ...]

Where $KARMA_SHARED (default: ../shared beside the repository) has a corpus, `karma flows` of every
benign and attack capture is compared with the table that Argus made of it. Where argus and ra are
installed, the captures of tests/captures are compared as well. Records are matched one to one by
protocol, ends and start; of the matched ones, every column must be equal: integers exactly, times
within 2 us or 0.1 %, rates within what that makes of them (Argus's times are whole us). What differs
by a quirk of Argus that karma does not copy (quirks.py) is counted by the quirk's name. The shares
that the floors name must be reached, and no difference may be without a name.
NAME limits it to captures whose name contains one of them (no floors then); -v shows what differs.
"""

import collections
import csv
import io
import os
import struct
import subprocess
import sys
import tempfile

import quirks
from quirks import near, number

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SHARED = os.environ.get("KARMA_SHARED", os.path.join(ROOT, "..", "shared"))
CORPUS = os.path.join(SHARED, "corpus")
OWN = os.path.join(ROOT, "tests", "captures")

# Column: (Argus's name, karma's name, how it is compared).
COLUMNS = {
    "dur": ("dur", "dur", "time"), "proto": ("proto", "proto", "name"),
    "state": ("state", "state", "state"), "direction": ("srcip", "srcip", "name"),
    "spkts": ("spkts", "Spkts", "count"), "dpkts": ("dpkts", "Dpkts", "count"),
    "sbytes": ("sbytes", "sbytes", "count"), "dbytes": ("dbytes", "dbytes", "count"),
    "sttl": ("sttl", "sttl", "count"), "dttl": ("dttl", "dttl", "count"),
    "rate": ("rate", "rate", "ratio"), "sload": ("sload", "Sload", "ratio"),
    "dload": ("dload", "Dload", "ratio"), "smean": ("smeansz", "smeansz", "mean"),
    "dmean": ("dmeansz", "dmeansz", "mean"), "sinpkt": ("sintpkt", "Sintpkt", "milli"),
    "dinpkt": ("dintpkt", "Dintpkt", "milli"), "sjit": ("sjit", "Sjit", "milli"),
    "djit": ("djit", "Djit", "milli"), "sloss": ("sloss", "sloss", "count"),
    "dloss": ("dloss", "dloss", "count"), "swin": ("swin", "swin", "count"),
    "dwin": ("dwin", "dwin", "count"), "stcpb": ("stcpb", "stcpb", "count"),
    "dtcpb": ("dtcpb", "dtcpb", "count"), "tcprtt": ("tcprtt", "tcprtt", "time"),
    "synack": ("synack", "synack", "time"), "ackdat": ("ackdat", "ackdat", "time"),
}

# What is reached, in percent; a change that falls below it is a regression. "named" is "matched"
# with those whose ends or start differ by a quirk. Jitter is not copied.
FLOORS = {
    "matched": 98.4, "named": 99.3, "dur": 99.7, "proto": 100.0, "state": 99.0, "direction": 99.8,
    "spkts": 99.8, "dpkts": 99.4, "sbytes": 99.7, "dbytes": 99.3, "sttl": 99.8, "dttl": 99.3,
    "rate": 99.4, "sload": 99.2, "dload": 99.0, "smean": 99.7, "dmean": 99.3, "sinpkt": 99.2,
    "dinpkt": 99.1, "sjit": 92.8, "djit": 94.5, "sloss": 99.4, "dloss": 99.5, "swin": 99.7,
    "dwin": 99.3, "stcpb": 99.3, "dtcpb": 99.4, "tcprtt": 99.2, "synack": 99.3, "ackdat": 99.2,
}

# The same of the captures of tests/captures, which hold on purpose what Argus does otherwise: of
# so few records each quirk takes more than one percent.
OWN_FLOORS = {**dict.fromkeys(COLUMNS, 100.0), **dict.fromkeys(
    ("state", "spkts", "dpkts", "sbytes", "dbytes", "rate", "sinpkt", "dinpkt", "sjit", "djit"), 98.5),
    "dur": 97.0, "sload": 95.5, "dload": 95.5, "matched": 94.4, "named": 95.8}

# Differences without a name.
UNEXPLAINED = 0

# Argus names what UDP carries, and has finer names for ICMP errors than karma.
PROTO = {"rtp": "udp", "rtcp": "udp", "udt": "udp"}
STATE = {"URNR": "URN", "URAR": "URH", "URAD": "URFIL", "PTB": "URF", "TXT": "TXD", "TXR": "TXD",
         "PPH": "PAR", "PPNH": "PAR", "PPO": "PAR", "TSR": "TST", "MSR": "MAS", "IRR": "IRQ",
         "NNA": "NNS", "NRA": "NRS"}
STATE.update({s: "UR" for s in ("URS", "URSF", "URBS", "URNU", "URHU", "URISO", "URNPRO", "URHPRO",
                                "URNTOS", "URHTOS", "URPRE", "URCUT")})


def equal(how, argus, karma, dur):
    if how == "name":
        return PROTO.get(argus, argus) == karma
    if how == "state":
        return STATE.get(argus, argus) == karma
    a, k = number(argus), number(karma)
    if how == "count":
        return a == k
    if how == "mean":
        return int(a + 0.5) == k
    if how == "ratio":
        return near(a, k, 1e-3 + 2e-6 / max(dur, 1e-6) * max(a, k))
    return near(a, k, {"time": 2e-6, "milli": 2e-3}[how])


def key_of(row):
    """Protocol and ends, whichever way round; ICMP and others have no ports to compare."""
    proto = PROTO.get(row["proto"], row["proto"])
    ports = (row["sport"], row["dsport"]) if proto in ("tcp", "udp", "sctp") else ("", "")
    return (proto,) + tuple(sorted(((row["srcip"], ports[0]), (row["dstip"], ports[1]))))


def by_start(argus, rows):
    """Karma's row of these that starts when Argus's does, of several the likest; or None."""
    start, size = float(argus["stime"]), int(argus["sbytes"])
    rows = [row for row in rows if abs(float(row["first"]) - start) <= 3e-6]
    return min(rows, key=lambda row: (abs(int(row["sbytes"]) - size), abs(float(row["first"]) - start)), default=None)


def pair(argus, karma):
    """[(Argus's row, karma's row or None, the name of what keeps them apart or None)]"""
    rows, free = collections.defaultdict(list), {}
    for row in karma:
        rows[key_of(row)].append(row)
        free[id(row)] = row
    pairs, left = [], []
    for row in argus:
        partner = by_start(row, [k for k in rows[key_of(row)] if id(k) in free])
        if partner is not None:
            del free[id(partner)]
            pairs.append((row, partner, None))
        else:
            left.append(row)
    for row in left:
        same = [k for k in free.values() if row["proto"] == "igmp" or key_of(k) == key_of(row)]
        name, partner = next(((n, k) for k in same for n in [quirks.pairing_of(row, k)] if n), (None, None))
        if partner is not None:
            del free[id(partner)]
        else:
            loose = [k for k in karma if k["proto"] == PROTO.get(row["proto"], row["proto"])
                     and {k["srcip"], k["dstip"]} == {row["srcip"], row["dstip"]}]
            name = next((n for k in loose for n in [quirks.part_of(row, k)] if n), None)
        pairs.append((row, partner, name))
    annotate(pairs, karma, rows)
    return pairs


def annotate(pairs, karma, rows):
    """What quirks.py must know of a row that only the other rows tell."""
    late, kept = set(), set()
    zero = {row["flow_id"] for row in karma if row["part"] == "0" and "0" in (row["stcpb"], row["dtcpb"])}
    for argus, row, _ in pairs:
        if row is not None and argus["cause"] == "Status" and row["part"] == "0":
            late.add(row["flow_id"])
        if row is not None and argus["cause"] == "Start" and row["part"] != "0":
            kept.add(row["flow_id"])
    for row in karma:
        row["late"], row["kept"] = row["flow_id"] in late, row["flow_id"] in kept
        row["zero"], row["more"] = row["flow_id"] in zero, False
    for argus, row, _ in pairs:
        if row is not None:
            row["more"] = any(k is not row and float(argus["stime"]) <= float(k["first"]) <= float(argus["ltime"])
                              for k in rows[key_of(row)])


def karma_rows(karma, path):
    # Argus, too, meters nearly all tunnels from outside.
    run = subprocess.run([karma, "flows", "--outer", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False)
    rows, lost = list(csv.DictReader(io.StringIO(run.stdout.decode()))), run.stderr.decode()
    for row in rows:
        row["refused"], row["backwards"] = "contradict" in lost, "backwards" in lost
    return rows


def argus_rows(path):
    """As the tables of the corpus were made; bytes count from the link header on."""
    fields = ("stime:20 ltime:20 dur:16 proto:14 saddr:40 sport:8 dir:5 daddr:40 dport:8 state:8 "
              "flgs:12 cause:8 spkts:12 dpkts:12 sbytes:14 dbytes:14 rate:24 sttl:5 dttl:5 sload:28 "
              "dload:28 sloss:10 dloss:10 sintpkt:24 dintpkt:24 sjit:24 djit:24 swin:12 dwin:12 "
              "stcpb:12 dtcpb:12 tcprtt:14 synack:14 ackdat:14 smeansz:14 dmeansz:14")
    names = [f.split(":")[0] for f in fields.split()]
    names[4], names[7], names[8] = "srcip", "dstip", "dsport"
    env = dict(os.environ, TZ="UTC")
    argus = subprocess.run(["argus", "-X", "-J", "-S", "60", "-r", path, "-w", "-"],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, check=False)
    text = subprocess.run(["ra", "-F", "/dev/null", "-r", "-", "-n", "-u", "-c", ",", "-p", "6", "-L", "-1",
                           "-s"] + fields.split() + ["-", "not", "man"], input=argus.stdout,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, check=False).stdout
    lines = text.decode().replace(" ", "").splitlines()
    return [dict(zip(names, line.split(","))) for line in lines if line]


class Tally:
    def __init__(self, floors):
        self.floors = floors
        self.flows = self.matched = self.named = self.parts = 0
        self.equal = collections.Counter()
        self.explained = collections.Counter()
        self.touched = collections.defaultdict(set)
        self.examples = collections.defaultdict(list)
        self.unmatched = []

    def add(self, name, pairs):
        for argus, karma, quirk in pairs:
            self.flows += 1
            if quirk:
                self.touched[quirk].add(self.flows)
            if karma is None:
                self.parts += quirk is not None
                if quirk is None:
                    self.unmatched.append((name, argus))
                continue
            self.named += quirk is not None
            self.matched += quirk is None
            if quirk is None:
                self.compare(name, argus, karma)

    def compare(self, name, argus, karma):
        for column, (a, k, how) in COLUMNS.items():
            if equal(how, argus[a], karma[k], number(argus["dur"])):
                self.equal[column] += 1
                continue
            quirk = quirks.name_of(column, argus, karma)
            if quirk:
                self.explained[column] += 1
                self.touched[quirk].add(self.flows)
            else:
                self.examples[column].append((name, argus, karma))

    def shares(self):
        flows, matched = max(1, self.flows), max(1, self.matched)
        result = {"matched": 100.0 * self.matched / flows, "named": 100.0 * (self.matched + self.named) / flows}
        result.update({column: 100.0 * self.equal[column] / matched for column in COLUMNS})
        return result

    def unexplained(self):
        return len(self.unmatched) + sum(len(e) for e in self.examples.values())

    def checks(self):
        shares = self.shares()
        return [shares[column] >= floor for column, floor in self.floors.items()] + \
            [self.unexplained() <= UNEXPLAINED]

    def show(self, verbose):
        shares = self.shares()
        print("  %d records of Argus: %d matched by ends and start (%.2f %%), %d more by name (%.2f %%), "
              "%d are parts of one by name, %d unexplained" %
              (self.flows, self.matched, shares["matched"], self.named, shares["named"], self.parts,
               len(self.unmatched)))
        print("  of the matched, equal, and with what differs by name:")
        for column in COLUMNS:
            both = shares[column] + 100.0 * self.explained[column] / max(1, self.matched)
            below = "   below %.2f" % self.floors[column] if shares[column] < self.floors[column] else ""
            print("  %-10s %7.2f %% %7.2f %%%s" % (column, shares[column], both, below))
        print("  records that differ, by name:")
        for name, records in sorted(self.touched.items(), key=lambda item: -len(item[1])):
            print("  %5d  %s" % (len(records), name))
        print("  %d differences without a name" % self.unexplained())
        if verbose:
            self.show_examples()

    def show_examples(self):
        for name, row in self.unmatched:
            print("    not matched:", name, describe(row))
        for column, examples in self.examples.items():
            a, k, _ = COLUMNS[column]
            print("  %s: %d" % (column, len(examples)))
            for name, argus, karma in examples[:: max(1, len(examples) // 12)]:
                print("    argus %s, karma %s: %s %s" % (argus[a] or "-", karma[k], name, describe(argus)))


def describe(row):
    return " ".join(row[c] for c in ("stime", "dur", "proto", "srcip", "sport", "dir", "dstip", "dsport", "state",
                                     "flgs", "cause", "spkts", "dpkts"))


def wanted(name, names):
    return not names or any(n in name for n in names)


def compare_corpus(karma, names):
    tally = Tally(FLOORS)
    for group in ("benign", "attack"):
        for file in sorted(os.listdir(os.path.join(CORPUS, group))):
            name = os.path.splitext(file)[0]
            table = os.path.join(CORPUS, "argus", name + ".csv")
            if not wanted(name, names) or not os.path.exists(table):
                continue
            with open(table, newline="") as stream:
                argus = list(csv.DictReader(stream))
            tally.add(name, pair(argus, karma_rows(karma, os.path.join(CORPUS, group, file))))
    return tally


def cooked(path, out):
    """A copy of an Ethernet capture with Linux cooked headers, for bytes from the IP header on."""
    with open(path, "rb") as stream:
        data = stream.read()
    with open(out, "wb") as stream:
        stream.write(data[:20] + struct.pack("<I", 113))
        at = 24
        while at < len(data):
            sec, usec, size = struct.unpack("<III", data[at:at + 12])
            frame = data[at + 16:at + 16 + size]
            at += 16 + size
            offset = 12
            while frame[offset:offset + 2] in (b"\x81\0", b"\x88\xa8"):
                offset += 4
            packet = struct.pack("!HHH8s", 0, 1, 6, b"") + frame[offset:]
            stream.write(struct.pack("<IIII", sec, usec, len(packet), len(packet)) + packet)
    return out


def is_raw(path):
    with open(path, "rb") as stream:
        return struct.unpack("<I", stream.read(24)[20:])[0] == 101


def compare_own(karma, names):
    tally = Tally(OWN_FLOORS)
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(os.listdir(OWN)):
            path = os.path.join(OWN, file)
            if not file.endswith(".pcap") or not wanted(file, names):
                continue
            # Of raw IP Argus counts from the IP header on by itself.
            argus = argus_rows(path if is_raw(path) else cooked(path, os.path.join(folder, file)))
            tally.add(file, pair(argus, karma_rows(karma, path)))
    return tally


def installed(program):
    return any(os.access(os.path.join(p, program), os.X_OK) for p in os.environ.get("PATH", "").split(":"))


def main():
    arguments = [a for a in sys.argv[1:] if a != "-v"]
    if not arguments:
        sys.exit(__doc__)
    karma, names = arguments[0], arguments[1:]
    checks, skipped = [], 0
    for there, title, missing, compare in (
            (os.path.isdir(os.path.join(CORPUS, "argus")), "corpus:", "no corpus at " + CORPUS, compare_corpus),
            (installed("argus") and installed("ra"), "own captures:", "argus or ra is not installed", compare_own)):
        if there:
            print(title)
            tally = compare(karma, names)
            tally.show("-v" in sys.argv[1:])
            checks += tally.checks()
        else:
            print("skipped:", missing)
            skipped += 1
    failed = 0 if names else checks.count(False)
    print("%d passed, %d failed, %d skipped" % (len(checks) - failed, failed, skipped))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
