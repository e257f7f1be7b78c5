"""What the benchmarks over captures share: the capture, and the processor time of a program."""

import os
import statistics
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KARMA = os.path.join(ROOT, "build", "karma")
MIXED = os.path.join(ROOT, "build", "mixed-capture")
LIMIT_S = 300  # longer no program may take


def capture(folder, packets, conversations):
    """Make tests/bench/mixed.c's capture in `folder`: its path, and how many conversations began."""
    path = os.path.join(folder, "mixed-%d-%d.pcap" % (packets, conversations))
    if not os.path.exists(MIXED):
        sys.exit("%s: not there; run: make build/mixed-capture" % MIXED)
    made = subprocess.run([MIXED, path, str(packets), str(conversations)], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    return path, int(made.split()[-2])


def run(command):
    """Processor time in seconds (user and system, of all its threads), and the most memory in MB."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    limit = threading.Timer(LIMIT_S, process.kill)
    limit.start()
    told = process.stderr.read().decode(errors="replace")
    _, status, used = os.wait4(process.pid, 0)
    limit.cancel()
    if status:
        sys.exit("%s: exit status %d: %s" % (" ".join(command), status, told.strip()[-300:]))
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def rounds(commands, count):
    """Each command in turn, `count` times: {name: (median seconds, least, most, most memory)}.

    Each round begins with the next one: what a program leaves behind (caches, memory that it gave
    back) is another's to pay for, in every round another's.
    """
    runs = {name: [] for name in commands}
    names = list(commands)
    for i in range(count):
        for name in names[i % len(names):] + names[:i % len(names)]:
            runs[name].append(run(commands[name]))
    return {name: (statistics.median(s for s, _ in r), min(r)[0], max(r)[0], max(m for _, m in r))
            for name, r in runs.items()}
