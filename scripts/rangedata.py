"""The range's runs, and captures of other networks, as rows to train on: who is left out, what a
model is made of. Shared by scripts/make-model.py and scripts/detection.py."""
import collections
import concurrent.futures
import csv
import hashlib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys

Scenario = collections.namedtuple("Scenario", "name category group kind tool place part")

# How the bundled model, and all that are compared with it, are trained.
RECIPE = ("--loss", "ce", "--alpha", "none", "--by-attack", "--splice", "0.5", "--batch", "512",
          "--bins", "32", "--blank", "0.1", "--dropout", "0.3", "--decay", "0.05", "--lr", "0.003",
          "--validation", "0.1", "--patience", "0", "--epochs", "8", "--seed", "1")
# Without the second view an epoch shows each record once: as many updates want more of them.
ONE_VIEW_EPOCHS = ("--epochs", "12")

# A flood's ten thousandth record teaches what its first thousand did.
MOST_OF_ACTOR, MOST_AT_TARGET = 2000, 4000


def scenarios(folder):
    lines = (pathlib.Path(folder) / "scenarios").read_text().split("\n")
    return {s.name: s for s in (Scenario(*line.split()) for line in lines if line.strip())}


def captures(folder, part):
    number = re.compile(r"\d+$")
    return sorted(pathlib.Path(folder).glob(f"{part}-*.pcap"),
                  key=lambda p: (number.sub("", p.stem), int((number.findall(p.stem) or [0])[0])))


def truth_without(truth, table, left_out):
    """The truth's lines, the class of attacks whose kind or group is left out replaced by '-'."""
    lines = []
    for line in truth.read_text().splitlines():
        words = line.split()
        s = table.get(words[6]) if len(words) > 6 else None
        if s and (s.kind in left_out or s.group in left_out):
            words[4] = "-"
        lines.append(" ".join(words) + "\n")
    return "".join(lines)


def keep_known(source, target):
    """Rows whose class is known, no more of one attacker or at one target than there is to learn.
    Returns how many."""
    of_actor, at_target = collections.Counter(), collections.Counter()
    kept = 0
    with open(source, newline="", encoding="ascii") as f, open(target, "w", encoding="ascii") as out:
        header = f.readline()
        name = {n: i for i, n in enumerate(header.rstrip("\n").split(","))}
        out.write(header)
        for line in f:
            row = line.rstrip("\n").split(",")
            category = row[name["attack_cat"]]
            if row[name["Label"]] == "":
                continue
            if category != "Normal":
                who, whom = (row[name["actor"]], category), (row[name["dstip"]], category)
                if of_actor[who] >= MOST_OF_ACTOR or at_target[whom] >= MOST_AT_TARGET:
                    continue
                of_actor[who] += 1
                at_target[whom] += 1
            out.write(line)
            kept += 1
    return kept


def make_rows(karma, capture, out, truth):
    """Rows of a capture labelled by the text of a truth; None where there are none."""
    out = pathlib.Path(out)
    text, raw = out.with_suffix(".truth"), out.with_suffix(".all")
    text.write_text(truth)
    done = subprocess.run([karma, "flows", "--steps", "--truth", text, "-o", raw, capture],
                          stderr=subprocess.DEVNULL, check=False)
    kept = keep_known(raw, out) if done.returncode == 0 or raw.exists() else 0
    for path in (text, raw):
        path.unlink(missing_ok=True)
    return out if kept else None


def range_rows(karma, runs, table, work, left_out=()):
    """The rows of these runs, as files in `work`; without those of attacks whose kind or group is left
    out."""
    work.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        files = pool.map(lambda c: make_rows(
            karma, c, work / f"{c.stem}.csv",
            truth_without(c.with_suffix(".truth"), table, left_out)), runs)
        return [f for f in files if f]


def benign_captures(corpus):
    """Captures of other networks: those to train on and those held out, by a hash of the name."""
    parts = ([], [])
    for capture in sorted((corpus / "benign").glob("*.pcap*")):
        digest = hashlib.sha256(capture.name.encode() + b"\n").hexdigest()
        parts[digest[0] > "7"].append(capture)
    return parts


def benign_rows(karma, corpus, work):
    work.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        files = pool.map(lambda c: make_rows(karma, c, work / f"benign-{c.name}.csv", ""),
                         benign_captures(corpus)[0])
        return [f for f in files if f]


def attack_captures(corpus):
    with (corpus / "manifest.tsv").open(newline="") as f:
        return [(corpus / line["file"], line["kind"], line["detectability"])
                for line in csv.DictReader(f, delimiter="\t") if line["group"] == "attack"]


def train(karma, files, model, *options):
    subprocess.run([karma, "train", *map(str, files), "-o", model, *RECIPE, *options], check=True)


def model_header(model):
    data = pathlib.Path(model).read_bytes()
    magic, _, length = struct.unpack_from("<8sII", data)
    if magic != b"KARMALSM":
        sys.exit(f"{model}: not a model")
    return json.loads(data[16:16 + length])
