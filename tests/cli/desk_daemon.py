#!/usr/bin/env python3
"""A stand-in for karma run's control socket, with made-up but varied data: tests of what attaches to
it need no root and no traffic.

usage: desk_daemon.py SOCKET [--events FILE] [--history FILE] [--block off|dry-run|on] [--log FILE]
                      [--hostile] [--wrong] [--refuse]

Alerts are EVE lines of FILE (karma history --json) or made-up ones. What it is asked to change is
written to the log, a line each. SIGUSR1: it stops answering, or goes on. SIGUSR2: one more alert.
"""
import argparse
import json
import math
import os
import selectors
import signal
import socket
import time

HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\u2066\u200f\r\n\t<script>\U0001f608" + "A" * 300
CLASSES = ["Reconnaissance", "DoS", "Brute Force", "Exploits", "Worms"]
SECONDS = 900  # kept


def eve_time(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + ".%06d+0000" % (at % 1 * 1e6)


def made_up(number, at, attacker=None, stage="update"):
    name = CLASSES[number % len(CLASSES)]
    event = {
        "timestamp": eve_time(at), "event_type": "alert", "in_iface": "eth0",
        "src_ip": attacker or f"10.66.{number % 7}.{number % 250 + 1}", "dest_ip": f"192.0.2.{number % 30 + 1}",
        "proto": "TCP",
        "alert": {"action": "allowed", "category": name, "signature": f"KARMA {name}",
                  "metadata": {"mitre_technique_id": ["T1046"],
                               "mitre_technique_name": ["Network_Service_Discovery"],
                               "mitre_tactic_id": ["TA0007"], "mitre_tactic_name": ["Discovery"],
                               "class_probabilities": {"Normal": 0.02, name: 0.9, "Generic": 0.08},
                               "reasons": [f"{number + 3} ports tried in 10 s", "no data was sent"]}},
        "karma": {"alert_id": f"made{number:04d}", "stage": stage, "first": eve_time(at - 20),
                  "last": eve_time(at), "confidence": 0.9, "flows": number * 37 + 12, "attackers": 1,
                  "targets": number % 4 + 1, "ports": number + 3, "refused": number},
    }
    if number % 6 == 5:  # many attackers
        del event["src_ip"]
        event["karma"]["attackers"] = 1200
    return event


class Daemon:
    def __init__(self, options):
        self.o = options
        self.started = time.time()
        self.seq = 1
        self.alerts = []  # (seq, event)
        self.blocked = {"10.66.0.1": self.entry("10.66.0.1", 600)}
        self.allowed = [{"what": "192.0.2.0/28", "by": "configuration", "uid": 0, "at": self.started - 60}]
        self.silent = False
        if options.events:
            for line in open(options.events):
                self.add(json.loads(line))
        else:
            for i in range(30):
                self.add(made_up(i, self.started - 900 + 30 * i, stage="end" if i < 24 else "update"))
        if options.hostile:
            event = made_up(999, self.started)
            event["in_iface"] = event["src_ip"] = event["dest_ip"] = event["alert"]["category"] = HOSTILE
            event["alert"]["metadata"]["reasons"] = [HOSTILE, 7, None, {}]
            event["alert"]["metadata"]["class_probabilities"] = {HOSTILE: 0.9, "x": "y"}
            self.add(event)
            for odd in [7, None, [], {}, {"karma": []}, {"karma": {"alert_id": 9}},
                        {"karma": {"alert_id": "odd", "flows": -1e300, "confidence": "much"}, "alert": 3}]:
                self.add(odd)

    def add(self, event):
        self.seq += 1
        self.alerts = (self.alerts + [(self.seq, event)])[-256:]

    @staticmethod
    def entry(what, seconds):
        now = time.time()
        return {"what": what, "kind": "block", "since": now, "until": now + seconds if seconds else None,
                "by": "person", "uid": os.getuid(), "dry_run": False, "packets": 1234, "bytes": 99999}

    def point(self, at):
        wave = 1 + math.sin(at / 7)
        return {"at": at, "packets": int(4000 * wave) + 321, "bytes": int(3e6 * wave), "flows": int(60 * wave) + 4,
                "records": int(90 * wave) + 2, "alerts": int(at % 29 == 0), "lost": 0, "open": 812, "hosts": 57,
                "dropped": 0}

    def wrong(self):
        if not self.o.wrong:
            return []
        return [{"severity": "error", "what": "the history cannot be written: the disk is full",
                 "remedy": "make room on its disk"},
                {"severity": "warning", "what": "eth1 is gone", "remedy": "it is taken up when it comes back"}]

    def live(self, request):
        if self.o.refuse:
            return {"ok": False, "error": "there is no command 'live'"}
        now = time.time()
        since = request.get("since", 0)
        first = max(int(now) - SECONDS, int(now) - request.get("points", 60) + 1)
        if since:
            first = max(first, int(now) - 5)  # some are sent again
        hosts = [{"ip": f"10.66.{i % 7}.{i + 1}", "suspicion": round(1.9 / (i + 1), 3), "records": 9000 // (i + 1),
                  "first": now - 900, "last": now - i, "attacks": int(i < 3), "attacked": i % 2} for i in range(40)]
        if self.o.hostile:
            hosts.insert(0, {"ip": HOSTILE, "suspicion": 1e308, "records": -5, "last": "never", "attacks": None})
        answer = {
            "ok": True, "now": now, "seq": self.seq, "started": self.started,
            "points": [self.point(at) for at in range(first, int(now) + 1)], "hosts": hosts,
            "alerts": [e for n, e in self.alerts if n > since],
            "losses": {"flow table full": 12 if self.o.wrong else 0, "ring full": 3 if self.o.wrong else 0},
            "table": {"open": 812, "room": 131072},
            "block": {"mode": self.o.block, "entries": len(self.blocked), "dropped": 1234},
            "latency": {"record": {"p50": 210.5, "p99": 1800, "max": 9100, "count": 123456},
                        "alert": {"p50": 900000, "p99": 2.4e6, "max": 3e6, "count": 12}},
            "wrong": self.wrong(),
        }
        if self.o.hostile:
            answer["losses"][HOSTILE] = 1
            answer["latency"][HOSTILE] = "slow"
            answer["wrong"] = [{"severity": HOSTILE, "what": HOSTILE, "remedy": HOSTILE}, 3]
        return answer

    def status(self, _request):
        name = HOSTILE if self.o.hostile else "eth0"
        history = {"path": self.o.history, "failing": False, "why": ""} if self.o.history else None
        return {"ok": True, "version": "0.1.0", "pid": os.getpid(), "started": self.started, "now": time.time(),
                "interfaces": [{"name": name, "attached": "tcx", "there": True},
                               {"name": "eth1", "attached": "tcx", "there": not self.o.wrong}],
                "model": {"path": "default.karma", "id": "9bb84268", "kernel": "avx2", "sensitivity": "normal"},
                "profile": None, "history": history, "outputs": [{"kind": "eve", "path": "eve.json", "lost": 0, "why": ""}],
                "block": {"mode": self.o.block, "attached": "native", "entries": len(self.blocked)}, "web": None,
                "alerts": {"active": 6, "raised": {"DoS": 6}}, "losses": {}, "wrong": self.wrong()}

    def change(self, request):
        what = request.get("address", "")
        with open(self.o.log, "a") as log:
            log.write(json.dumps(request) + "\n")
        if request["command"] == "block.add":
            if what.startswith("192.0.2."):
                return {"ok": False, "error": f"{what} is not blocked: on the allow list"}
            self.blocked[what] = self.entry(what, request.get("for"))
        elif request["command"] == "block.del":
            if not self.blocked.pop(what, None):
                return {"ok": False, "error": f"{what} is not on the list; 'karma block list' shows it"}
        elif request["command"] == "allow.add":
            self.allowed.append({"what": what, "by": "person", "uid": os.getuid(), "at": time.time()})
        else:
            self.allowed = [a for a in self.allowed if a["what"] != what]
        return {"ok": True, "dry_run": False, "what": what}

    def answer(self, line):
        request = json.loads(line)
        command = request["command"]
        if command in ("live", "status"):
            return getattr(self, command)(request)
        if command == "block.list":  # two to a page
            entries, after = list(self.blocked.values()), request.get("after", 0)
            more = after + 2 < len(entries)
            return {"ok": True, "entries": entries[after:after + 2], "next": after + 2 if more else None,
                    "passed": 1, "dropped": 1234}
        if command == "allow.list":
            return {"ok": True, "allow": self.allowed}
        if command in ("block.add", "block.del", "allow.add", "allow.del"):
            return self.change(request)
        return {"ok": False, "error": f"there is no command '{command}'"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    for name in ("events", "history"):
        parser.add_argument("--" + name)
    parser.add_argument("--log", default="/dev/null")
    parser.add_argument("--block", default="on")
    for name in ("hostile", "wrong", "refuse"):
        parser.add_argument("--" + name, action="store_true")
    daemon = Daemon(parser.parse_args())
    if os.path.exists(daemon.o.socket):
        os.unlink(daemon.o.socket)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(daemon.o.socket)
    listening.listen()
    signal.signal(signal.SIGUSR1, lambda *_: setattr(daemon, "silent", not daemon.silent))
    signal.signal(signal.SIGUSR2,
                  lambda *_: daemon.add(made_up(777, time.time(), attacker="203.0.113.77", stage="new")))
    waiting = selectors.DefaultSelector()
    waiting.register(listening, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select(0.1):
            if key.fileobj is listening:
                client, _ = listening.accept()
                waiting.register(client, selectors.EVENT_READ, bytearray())
            elif not daemon.silent:
                serve(daemon, waiting, key)


def serve(daemon, waiting, key):
    try:
        got = key.fileobj.recv(65536)
        key.data.extend(got)
        while b"\n" in key.data:
            line, _, rest = bytes(key.data).partition(b"\n")
            key.data[:] = rest
            key.fileobj.sendall(json.dumps(daemon.answer(line)).encode() + b"\n")
    except OSError:
        got = b""
    if not got:
        waiting.unregister(key.fileobj)
        key.fileobj.close()


main()
