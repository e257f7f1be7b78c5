#!/usr/bin/env python3
"""A client of a running karma's control socket.

usage: desk_client.py SOCKET ask REQUEST       the answer, as JSON
       desk_client.py SOCKET text              the metrics
       desk_client.py SOCKET follow FILE       asks for what is new, from 0 on and again when karma
                                               was restarted, until FILE is there: what it has in
                                               the end, as JSON
"""
import json
import os
import socket
import sys
import time


class Karma:
    def __init__(self, path):
        self.path = path
        self.stream = None

    def ask(self, request):
        if self.stream is None:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(10)
            s.connect(self.path)
            self.stream = s.makefile("rw")
        try:
            self.stream.write(json.dumps(request) + "\n")
            self.stream.flush()
            line = self.stream.readline()
        except OSError:
            line = ""
        if not line:
            self.stream = None
            raise ConnectionError
        return json.loads(line)


def follow(karma, enough):
    seen = {"points": [], "alerts": {}, "starts": [], "twice": 0, "hosts": [], "wrong": []}
    seq, until = 0, time.monotonic() + 100
    while time.monotonic() < until and not os.path.exists(enough):
        try:
            live = karma.ask({"command": "live", "since": seq, "points": 600})
        except (OSError, ConnectionError):
            time.sleep(0.2)
            continue
        if live["started"] not in seen["starts"]:
            seen["starts"].append(live["started"])
            print("started", live["started"], file=sys.stderr, flush=True)
            if seq:
                seq = 0
                continue
        seen["twice"] += sum(p in seen["points"] for p in live["points"])
        seen["points"] += live["points"]
        for alert in live["alerts"]:
            seen["alerts"][alert["karma"]["alert_id"]] = alert
        for name in ("hosts", "wrong", "latency"):
            seen[name] = live[name]
        seq = live["seq"]
        if not live["more"]:
            time.sleep(0.3)
    return seen


def main():
    karma, what = Karma(sys.argv[1]), sys.argv[2]
    if what == "ask":
        print(json.dumps(karma.ask(json.loads(sys.argv[3]))))
    elif what == "text":
        print(karma.ask({"command": "metrics"})["text"], end="")
    else:
        print(json.dumps(follow(karma, sys.argv[3])))


main()
