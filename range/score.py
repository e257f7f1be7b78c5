#!/usr/bin/env python3
"""Score alerts against the truth, by scenario.

usage: range/score.py [--json] [--karma PROGRAM] [--model MODEL] RUN.pcap ...

Each capture has its truth beside it (RUN.truth: "start end attacker target category
[proto[/port]] [scenario]"; '*' is any host). `karma read` is run over the capture; then for each
attack of the truth (lines with the same start and scenario are one, of several hosts):

  detected   between its first packet and a minute after its end there came an alert that names its
             attacker, or (where the attackers are several or forged) its target: a new one, or news
             of one of its own category that an earlier attack had raised
  class      one of these has its category
  time       from the attack's first packet to the first of these alerts, in seconds; the first packet
             is that of the first flow that the truth counts to the attack (a tool takes its time
             before it sends anything; one that was stopped before it did was no attack)

An alert that fits no line of the truth is a false alert (one of many hosts is none where there is an
attack on their target, by decoys for instance); they are counted per hour of traffic. Those
that name a host of RUN.allow (a scanner that the site allows) are none.
"""
import argparse
import collections
import csv
import datetime
import ipaddress
import json
import pathlib
import subprocess
import sys
import tempfile

GRACE = 60.0

# `first`: its first packet; the start, until that is known.
Attack = collections.namedtuple("Attack", "start end pairs category scenario service first")


def read_truth(path):
    attacks = {}
    for line in path.read_text().splitlines():
        words = line.split("#")[0].split()
        if len(words) < 5:
            continue
        scenario = words[6] if len(words) > 6 else words[4]
        start, end, pairs = float(words[0]), float(words[1]), []
        if (start, scenario) in attacks:
            before = attacks[start, scenario]
            end, pairs = max(end, before.end), before.pairs
        pairs.append((words[2], words[3]))
        attacks[start, scenario] = Attack(start, end, pairs, words[4].replace("_", " "), scenario,
                                          words[5] if len(words) > 5 else "-", start)
    return list(attacks.values())


def is_service(service, row):
    proto, _, port = service.partition("/")
    return service == "-" or proto == row["proto"] and port in ("", row["sport"], row["dsport"])


def is_between(attack, row):
    return any(is_host(a, row[one]) and is_host(t, row[other]) for a, t in attack.pairs
               for one, other in (("srcip", "dstip"), ("dstip", "srcip")))


def first_packet(attack, rows):
    """When the attack's first flow began, by the flows of the capture. Its start, where a flow of its
    ends had begun before or is put down to another attack. None: its ends said nothing in its time."""
    mine = [r for r in rows if is_service(attack.service, r) and is_between(attack, r)
            and float(r["first"]) <= attack.end and float(r["last"]) >= attack.start]
    if not mine:
        return None
    return min((float(r["first"]) for r in mine if r["attack_cat"] == attack.category
                and float(r["first"]) >= attack.start), default=attack.start)


def with_first_packets(karma, capture, attacks):
    """The attacks that sent anything, each with the time of its first packet, by the capture's flows.
    (A tool may have been stopped before it got that far: that was no attack.)"""
    with tempfile.NamedTemporaryFile(suffix=".csv") as out:
        subprocess.run([karma, "flows", "--truth", capture.with_suffix(".truth"), "-o", out.name,
                        capture], stderr=subprocess.DEVNULL, check=True)
        with open(out.name, newline="", encoding="ascii") as f:
            rows = list(csv.DictReader(f))
    attacks = [attack._replace(first=first_packet(attack, rows)) for attack in attacks]
    return [attack for attack in attacks if attack.first is not None]


def read_allowed(path):
    return set(path.read_text().split()) if path.exists() else set()


def is_host(pattern, address):
    if pattern == "*":
        return True
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


def seconds(stamp):
    return datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def read_alerts(karma, model, capture, *options):
    command = [karma, "read", str(capture), "--json", *options]
    if model:
        command += ["-m", model]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
    alerts = []
    for line in out.splitlines():
        event = json.loads(line)
        if event.get("event_type") == "alert":
            event["time"] = seconds(event["timestamp"])
            event["first"] = seconds(event["karma"]["first"])
            event["last"] = seconds(event["karma"]["last"])
            alerts.append(event)
    return alerts


def capture_hours(capture):
    """From the first to the last packet of a pcap, by its record headers."""
    data = capture.read_bytes()
    order = "little" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else "big"
    at, first, last = 24, None, 0
    while at + 16 <= len(data):
        last = int.from_bytes(data[at:at + 4], order)
        first = last if first is None else first
        at += 16 + int.from_bytes(data[at + 8:at + 12], order)
    return (last - (first or 0)) / 3600


def fits(alert, attack):
    # An alert that was there already is told again only when it has grown a lot: its last record
    # is then of this attack, though the word of it may come later.
    same = alert["alert"]["category"] == attack.category
    at = alert["last"] if same and alert["first"] < attack.start - 1 else alert["time"]
    if not attack.first - 0.001 <= at <= attack.end + GRACE:
        return False
    # An update of what an earlier attack raised says nothing of this one.
    if alert["first"] < attack.start - 1 and not same:
        return False
    return concerns(alert, attack)


def is_of_many(alert):
    return "src_ip" not in alert


def at_target(alert, attack):
    return any(is_host(target, alert.get("dest_ip", "")) for _, target in attack.pairs)


def concerns(alert, attack):
    """Does it name the attacker, or the target of many?"""
    if is_of_many(alert):
        many = len({attacker for attacker, _ in attack.pairs}) > 1 or attack.pairs[0][0] == "*"
        return many and at_target(alert, attack)
    return any(is_host(attacker, alert["src_ip"]) if attacker != "*"
               else is_host(target, alert.get("dest_ip", "")) for attacker, target in attack.pairs)


def score_run(alerts, attacks, allowed):
    results = []
    for attack in attacks:
        mine = sorted((a for a in alerts if fits(a, attack)), key=lambda a: a["time"])
        results.append({
            "scenario": attack.scenario,
            "category": attack.category,
            "detected": bool(mine),
            "class": any(a["alert"]["category"] == attack.category for a in mine),
            "said": sorted({a["alert"]["category"] for a in mine}),
            "seconds": round(mine[0]["time"] - attack.first, 3) if mine else None,
        })
    late = GRACE + 60  # the last word on an alert comes when it has been quiet for a minute
    false = [a for a in alerts if a.get("src_ip") not in allowed and not any(
        (concerns(a, t) or is_of_many(a) and at_target(a, t)) and t.start - 1 <= a["time"] <= t.end + late for t in attacks)]
    return results, false


def once(false, run):
    """False alerts for people; updates of one alert count once."""
    told = {}
    for a in false:
        key = (a.get("src_ip"), a.get("dest_ip"), a["alert"]["category"])
        told.setdefault(key, dict(run=run, src=key[0], dst=key[1], category=key[2],
                                  time=a["timestamp"],
                                  reasons=a["alert"].get("metadata", {}).get("reasons", [])))
    return list(told.values())


def print_table(results, false, summary):
    kinds = collections.OrderedDict()
    for r in sorted(results, key=lambda r: (r["category"], r["scenario"])):
        kinds.setdefault((r["scenario"], r["category"]), []).append(r)
    print("| scenario | class | runs | detected | right class | seconds to the alert (median) |")
    print("|---|---|---|---|---|---|")
    for (scenario, category), rows in kinds.items():
        times = sorted(r["seconds"] for r in rows if r["detected"])
        median = f"{times[len(times) // 2]:.1f}" if times else "-"
        print(f"| {scenario} | {category} | {len(rows)} | {sum(r['detected'] for r in rows)} "
              f"| {sum(r['class'] for r in rows)} | {median} |")
    print(f"\n{summary['detected']} of {summary['attacks']} attacks detected, "
          f"{summary['right_class']} with the right class; {summary['false_alerts']} false alerts "
          f"in {summary['hours']} hours of traffic.")
    for f in false:
        print(f"\nfalse: {f['run']} {f['time']} {f['category']} {f['src']} -> {f['dst']}: "
              f"{'; '.join(f['reasons'])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--karma", default="build/karma")
    parser.add_argument("--model")
    parser.add_argument("capture", nargs="+", type=pathlib.Path)
    args = parser.parse_args()

    results, false, hours = [], [], 0.0
    for capture in args.capture:
        alerts = read_alerts(args.karma, args.model, capture)
        truth = read_truth(capture.with_suffix(".truth"))
        r, f = score_run(alerts, with_first_packets(args.karma, capture, truth),
                         read_allowed(capture.with_suffix(".allow")))
        hours += capture_hours(capture)
        results += [dict(x, run=capture.stem) for x in r]
        false += once(f, capture.stem)
    summary = {
        "attacks": len(results),
        "detected": sum(r["detected"] for r in results),
        "right_class": sum(r["class"] for r in results),
        "false_alerts": len(false),
        "hours": round(hours, 2),
    }
    if args.json:
        json.dump({"summary": summary, "attacks": results, "false": false}, sys.stdout, indent=1)
        print()
    else:
        print_table(results, false, summary)


if __name__ == "__main__":
    main()
