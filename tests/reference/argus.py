#!/usr/bin/env python3
"""Hold karma's flow records against those of Argus 3.0.8.2.

usage: argus.py KARMA [-v] [NAME ...]

Where $KARMA_SHARED (default: ../shared beside the repository) has a corpus, `karma flows` of every
benign and attack capture is compared with the table that Argus made of it. Where argus and ra are
installed, the captures of tests/captures are compared as well. Records are matched one to one by
protocol, ends and start; of the matched ones, every column must be equal: integers exactly, times
within 2 us or 0.1 %, rates within what that makes of them (Argus's times are whole us). What differs by a
quirk of Argus that karma does not copy (QUIRKS) is counted beside. The shares that FLOORS names
must be reached. NAME limits it to captures whose name contains one of them (no floors then); -v
shows what differs.
"""

import collections
import csv
import io
import os
import struct
import subprocess
import sys
import tempfile

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

# What is reached, in percent; a change that falls below it is a regression.
FLOORS = {
    "matched": 97.9, "dur": 99.2, "proto": 100.0, "state": 97.7, "direction": 99.5, "spkts": 99.0,
    "dpkts": 98.8, "sbytes": 98.9, "dbytes": 98.8, "sttl": 99.6, "dttl": 99.0, "rate": 99.1,
    "sload": 99.3, "dload": 99.0, "smean": 99.5, "dmean": 99.1, "sinpkt": 96.5, "dinpkt": 97.4,
    "sjit": 92.6, "djit": 94.3, "sloss": 98.9, "dloss": 99.5, "swin": 61.3, "dwin": 98.3,
    "stcpb": 98.3, "dtcpb": 99.1, "tcprtt": 98.2, "synack": 98.8, "ackdat": 98.2,
}

# The same of the captures of tests/captures. They hold on purpose what Argus does otherwise: a ping
# is a flow of its own for each sequence number, a neighbour's solicitation is one with its
# advertisement, an ICMP error lengthens the flow that it is about, and a later record of a
# connection may be dated by its second packet.
OWN_FLOORS = dict.fromkeys(["matched"] + list(COLUMNS), 92.0)
OWN_FLOORS["matched"] = 90.0

# Argus names what UDP carries, and has finer names for ICMP errors than karma.
PROTO = {"rtp": "udp", "rtcp": "udp", "udt": "udp"}
STATE = {"URNR": "URN", "URAR": "URH", "URAD": "URFIL", "PTB": "URF", "TXT": "TXD", "TXR": "TXD",
         "PPH": "PAR", "PPNH": "PAR", "PPO": "PAR", "TSR": "TST", "MSR": "MAS", "IRR": "IRQ",
         "NNA": "NNS", "NRA": "NRS"}
STATE.update({s: "UR" for s in ("URS", "URSF", "URBS", "URNU", "URHU", "URISO", "URNPRO", "URHPRO",
                                "URNTOS", "URHTOS", "URPRE", "URCUT")})


# Quirks of Argus, each a predicate (column, Argus's row, karma's row) -> bool.
def is_longer_open(_, argus, karma):
    """Argus goes on with a flow that was silent for a little over the idle time."""
    return argus["cause"] == "Status" and karma["part"] == "0"


def is_own_address(_, argus, __):
    """Argus takes both directions for one where a host speaks to itself over IPv6."""
    return argus["srcip"] == argus["dstip"]


def is_jitter_unit(column, argus, karma):
    """Argus mixes units where there are active and idle gaps: sqrt(1000 E[x^2] - E[x]^2)."""
    if column not in ("sjit", "djit"):
        return False
    jitter, mean = number(karma[column.capitalize()]), number(karma[column[0].upper() + "intpkt"])
    squares = jitter ** 2 + mean ** 2
    wrong = max(0.0, 1000 * squares - mean ** 2) ** 0.5
    return argus[column] in ("nan", "-nan") or near(number(argus[column]), wrong, 0.01 * wrong)


def is_scaled_window(column, argus, karma):
    """Argus scales the window of a SYN too, and where only one side offered a scale."""
    if column not in ("swin", "dwin"):
        return False
    return any(number(argus[column]) == number(karma[column]) * 2 ** n for n in range(1, 15))


def is_lone_packet(column, argus, karma):
    """Argus does not look at the window, or for a FIN, in a flow's only packet."""
    alone = number(argus["spkts"]) + number(argus["dpkts"]) == 1
    return alone and (column in ("swin", "dwin") or (column == "state" and karma["state"] == "FIN"))


def is_closed_state(column, argus, _):
    """Argus's CLO: a connection closed before its capture began."""
    return column == "state" and argus["state"] == "CLO"


QUIRKS = (is_longer_open, is_own_address, is_jitter_unit, is_scaled_window, is_lone_packet, is_closed_state)


def number(text):
    return float(text) if text else 0.0


def near(a, b, slack):
    return abs(a - b) <= max(slack, 0.001 * max(abs(a), abs(b)))


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


def key_of(row, proto):
    """Protocol and ends, whichever way round; ICMP and others have no ports to compare."""
    ports = (row["sport"], row["dsport"]) if proto in ("tcp", "udp", "sctp") else ("", "")
    return (proto,) + tuple(sorted(((row["srcip"], ports[0]), (row["dstip"], ports[1]))))


def pair(argus, karma):
    """[(Argus's row, karma's row or None)]"""
    waiting = collections.defaultdict(list)
    for row in karma:
        waiting[key_of(row, row["proto"])].append(row)
    pairs = []
    for row in argus:
        proto = PROTO.get(row["proto"], row["proto"])
        start = float(row["stime"])
        candidates = waiting[key_of(row, proto)]
        best = min(candidates, key=lambda c: abs(float(c["first"]) - start), default=None)
        if best is not None and abs(float(best["first"]) - start) > 3e-6:
            best = None
        if best is not None:
            candidates.remove(best)
        pairs.append((row, best))
    return pairs


def karma_rows(karma, path):
    run = subprocess.run([karma, "flows", "--outer", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    return list(csv.DictReader(io.StringIO(run.stdout.decode())))


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
        self.flows = self.matched = 0
        self.equal = collections.Counter()
        self.quirks = collections.Counter()
        self.examples = collections.defaultdict(list)
        self.unmatched = []

    def add(self, name, pairs):
        self.flows += len(pairs)
        for argus, karma in pairs:
            if karma is None:
                self.unmatched.append((name, argus))
                continue
            self.matched += 1
            for column, (a, k, how) in COLUMNS.items():
                if equal(how, argus[a], karma[k], number(argus["dur"])):
                    self.equal[column] += 1
                elif any(quirk(column, argus, karma) for quirk in QUIRKS):
                    self.quirks[column] += 1
                else:
                    self.examples[column].append((name, argus, karma))

    def shares(self):
        result = {"matched": 100.0 * self.matched / max(1, self.flows)}
        for column in COLUMNS:
            result[column] = 100.0 * self.equal[column] / max(1, self.matched)
        return result

    def below(self):
        return [column for column, share in self.shares().items() if share < self.floors[column]]

    def show(self, verbose):
        print("  %d records of Argus, %d matched; equal, and with Argus's quirks" % (self.flows, self.matched))
        for column, share in self.shares().items():
            both = share + 100.0 * self.quirks[column] / max(1, self.matched)
            below = "   below %.2f" % self.floors[column] if share < self.floors[column] else ""
            print("  %-10s %7.2f %% %7.2f %%%s" % (column, share, both, below))
        if not verbose:
            return
        worst = collections.Counter(name for name, _ in self.unmatched)
        print("  not matched:", ", ".join("%s %d" % item for item in worst.most_common(20)))
        for name, row in self.unmatched[:: max(1, len(self.unmatched) // 20)]:
            print("   ", name, describe(row))
        for column, examples in self.examples.items():
            worst = collections.Counter(name for name, _, _ in examples)
            print("  %s:" % column, ", ".join("%s %d" % item for item in worst.most_common(8)))
            for name, argus, karma in examples[:: max(1, len(examples) // 6)]:
                a, k, _ = COLUMNS[column]
                print("    argus %s, karma %s: %s %s" % (argus[a] or "-", karma[k], name, describe(argus)))


def describe(row):
    return " ".join(row[c] for c in ("stime", "dur", "proto", "srcip", "sport", "dir", "dstip", "dsport", "state",
                                     "flgs", "cause", "spkts", "dpkts"))


def wanted(name, names):
    return not names or any(n in name for n in names)


def compare_corpus(karma, names, verbose):
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
    tally.show(verbose)
    return tally


def cooked(path, out):
    """A copy of an Ethernet or raw capture with Linux cooked headers, for bytes from the IP header."""
    with open(path, "rb") as stream:
        data = stream.read()
    raw = struct.unpack("<I", data[20:24])[0] == 101
    with open(out, "wb") as stream:
        stream.write(data[:20] + struct.pack("<I", 113))
        at = 24
        while at < len(data):
            sec, usec, size = struct.unpack("<III", data[at:at + 12])
            frame = data[at + 16:at + 16 + size]
            at += 16 + size
            if raw:
                kind, packet = (0x800 if frame[0] >> 4 == 4 else 0x86DD), frame
            else:
                offset = 12
                while frame[offset:offset + 2] in (b"\x81\0", b"\x88\xa8"):
                    offset += 4
                kind, packet = struct.unpack("!H", frame[offset:offset + 2])[0], frame[offset + 2:]
            packet = struct.pack("!HHH8sH", 0, 1, 6, b"", kind) + packet
            stream.write(struct.pack("<IIII", sec, usec, len(packet), len(packet)) + packet)


def compare_own(karma, names, verbose):
    tally = Tally(OWN_FLOORS)
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(os.listdir(OWN)):
            if not file.endswith(".pcap") or not wanted(file, names):
                continue
            copy = os.path.join(folder, file)
            cooked(os.path.join(OWN, file), copy)
            tally.add(file, pair(argus_rows(copy), karma_rows(karma, os.path.join(OWN, file))))
    tally.show(verbose)
    return tally


def installed(program):
    return any(os.access(os.path.join(p, program), os.X_OK) for p in os.environ.get("PATH", "").split(":"))


def main():
    arguments = [a for a in sys.argv[1:] if a != "-v"]
    verbose = "-v" in sys.argv[1:]
    if not arguments:
        sys.exit(__doc__)
    karma, names = arguments[0], arguments[1:]
    tallies, skipped = [], 0
    if os.path.isdir(os.path.join(CORPUS, "argus")):
        print("corpus:")
        tallies.append(compare_corpus(karma, names, verbose))
    else:
        print("skipped: no corpus at", CORPUS)
        skipped += 1
    if installed("argus") and installed("ra"):
        print("own captures:")
        tallies.append(compare_own(karma, names, verbose))
    else:
        print("skipped: argus or ra is not installed")
        skipped += 1
    failed = 0 if names else sum(len(t.below()) for t in tallies)
    print("%d passed, %d failed, %d skipped" % (sum(len(t.floors) for t in tallies) - failed, failed, skipped))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
