#!/usr/bin/env python3
"""usage: web_history.py HISTORY COUNT: so many more alerts in a history that karma has made, spread
over a month, the first ones with text in them that would be markup, in every field that the network
or another program could fill."""
import json
import random
import sqlite3
import sys
import time

HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'&=cmd|' /C calc'!A0"
CLASSES = ["Reconnaissance", "DoS", "Brute Force", "Exploits", "Fuzzers", "Generic", "Backdoor", "Worms"]
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".%06d+0000" % int(at % 1 * 1e6)


def flow(at, who, whom, port, app):
    return {"flow_id": random.getrandbits(50), "start": stamp(at), "src_ip": who, "src_port": 40000 + port % 20000,
            "dest_ip": whom, "dest_port": port, "proto": "TCP", "app_proto": app, "state": "RST",
            "pkts_toserver": 1, "pkts_toclient": 1, "bytes_toserver": 60, "bytes_toclient": 54, "age": 0.001,
            "score": 1.5, "category": "Reconnaissance", "probability": 0.93}


def event(number, at, hostile):
    name = CLASSES[number % len(CLASSES)] if number % 3 else "Reconnaissance"
    who, whom = "10.%d.%d.%d" % (number % 3, number % 7, 2 + number % 250), "192.0.2.%d" % (1 + number % 40)
    text = HOSTILE if hostile else "no data was sent back"
    ident = "".join(random.choice(LETTERS) for _ in range(8))
    first, last = flow(at, who, whom, 22, text), flow(at + 3, who, whom, 23, text)
    return ident, name, who, whom, {
        "timestamp": stamp(at + 3), "flow_id": first["flow_id"], "in_iface": text if hostile else "eth0",
        "event_type": "alert", "src_ip": who, "src_port": 40000, "dest_ip": whom, "dest_port": 22, "proto": "TCP",
        "app_proto": text if hostile else "ssh",
        "alert": {"action": "allowed", "gid": 1, "signature_id": 1, "rev": 1, "signature": text, "category": name,
                  "severity": 2, "metadata": {
                      "mitre_tactic_id": ["TA0007"], "mitre_tactic_name": [text if hostile else "Discovery"],
                      "mitre_technique_id": ["T1046"],
                      "mitre_technique_name": [text if hostile else "Network_Service_Discovery"],
                      "class_probabilities": {"Normal": 0.02, name: 0.9, "Generic" if name != "Generic" else "DoS": 0.08},
                      "reasons": [text, "%d connections to the target in 60 s" % (number % 1000)]}},
        "flow": {"pkts_toserver": 1, "pkts_toclient": 1, "bytes_toserver": 60, "bytes_toclient": 54, "start": stamp(at)},
        "karma": {"alert_id": ident, "stage": "end", "first": stamp(at), "last": stamp(at + 3),
                  "confidence": round(random.uniform(0.4, 1), 4), "flows": 3 + number % 2000, "attackers": 1,
                  "targets": 1 + number % 3, "ports": 1 + number % 1000, "refused": number % 10,
                  "first_flow": first, "last_flow": last}}


def main():
    db, count = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
    now = time.time()
    random.seed(7)
    db.execute("PRAGMA synchronous = OFF")
    mapped = bytes(10) + b"\xff\xff"
    with db:
        for number in range(count):
            at = now - 60 - (0 if number < 5 else random.random() ** 3 * 30 * 86400)
            hostile = number < 3
            ident, name, who, whom, e = event(number, at, hostile)
            row = db.execute(
                "INSERT INTO alerts (id, first_ns, last_ns, class, attacker, target, flows, left_out, event, confidence,"
                " model, ended, put_ns, mark) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 1, ?, ?)",
                (ident, int(at * 1e9), int((at + 3) * 1e9), name, who, whom, e["karma"]["flows"], json.dumps(e),
                 e["karma"]["confidence"], "9bb84268", int(now * 1e9), [None, None, None, "ack", "false"][number % 5])).lastrowid
            for address, attacks in ((who, 1), (whom, 0)):
                db.execute("INSERT OR IGNORE INTO parties VALUES (?, ?, ?)",
                           (row, mapped + bytes(int(x) for x in address.split(".")), attacks))
            if number < 300:
                for slot in range(40 if number % 2 else 8):
                    start = int((at + slot * 0.07) * 1e9)
                    db.execute(
                        "INSERT INTO flows (alert, slot, flow_id, at_ns, start_ns, last_ns, src, sport, dst, dport, proto,"
                        " state, app, spkts, dpkts, sbytes, dbytes, score, class, probability, actor, latest, first_ns)"
                        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'tcp', 'RST', ?, 1, 1, 60, 54, ?, ?, 0.9, 0, ?, ?)",
                        (row, slot, random.getrandbits(50), start, start, start + random.randrange(10**6, 10**9), who, 40000 + slot,
                         whom, 20 + slot % 17, e["app_proto"], random.uniform(-0.5, 2), name, slot, start))
        for minute in range(int(now // 60) - 30 * 1440, int(now // 60), 7 if count < 50000 else 31):
            load = 500 + 300 * random.random()
            db.execute("INSERT OR IGNORE INTO minutes VALUES (?, 60, ?, ?, ?, ?, ?, 0, 200, 1500)",
                       (minute, int(load * 60), int(load * 60 * 700), int(load * 3), int(load * 3), 0))
        for recent in range(int(now // 60) - 90, int(now // 60)):
            load = 700 + 200 * random.random()
            db.execute("INSERT OR REPLACE INTO minutes VALUES (?, 60, ?, ?, ?, ?, ?, 0, 200, 1500)",
                       (recent, int(load * 60), int(load * 60 * 700), int(load * 3), int(load * 3), 0))
        db.execute("INSERT OR IGNORE INTO watched VALUES ('9bb84268', ?)", (30 * 86400.0,))


main()
