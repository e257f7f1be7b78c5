#!/usr/bin/env python3
"""Hold karma's names of services against what captures are known to hold, and against nDPI's.

usage: service.py KARMA [-v] [--all]

Of the benign captures of a corpus ($KARMA_SHARED, default: ../shared beside the repository):
- Where a capture's name says what it holds, its flows with payload on that protocol's ports must
  have the name of UNSW-NB15's column `service`.
- Where ndpiReader is installed, `app`, told by the first 64 bytes of each side, is compared with
  what nDPI itself says of whole packets, without its guesses by port: in one capture of five, or
  in all of them (--all; some minutes).
The shares that FLOORS names must be reached. -v shows what differs.
"""

import collections
import concurrent.futures
import csv
import io
import ipaddress
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("KARMA_SHARED", os.path.join(ROOT, "..", "shared"))
CORPUS = os.path.join(SHARED, "corpus", "benign")

# Service: the captures by their names, the protocol and ports of its flows. FTP's data connections
# are all other TCP flows of its captures.
EXPECTED = {
    "dns": (r"dns", "udp tcp", {53}), "http": (r"http|webdav|soap|websocket", "tcp", {80, 8080}),
    "smtp": (r"smtp", "tcp", {25, 587}), "ftp": (r"__ftp", "tcp", {21}),
    "ftp-data": (r"__ftp", "tcp", None), "ssh": (r"ssh", "tcp", {22}),
    "pop3": (r"pop3", "tcp", {110}), "ssl": (r"tls|ssl|ja3|ja4|imaps|pops", "tcp", {443, 993, 995}),
    "snmp": (r"snmp", "udp", {161, 162}),
    "dhcp": (r"android|logfile|wa_voice|login_chat|__sip\.", "udp", {67, 68}),
    "irc": (r"irc", "tcp", {6667, 8000}), "radius": (r"radius", "udp", {1812, 1813}),
}

# nDPI's names in lower case that karma has another one for; most are Suricata's.
ALIAS = {"ftp_control": "ftp", "ftp_data": "ftp-data", "smbv1": "smb", "smbv23": "smb",
         "http_connect": "http", "http_proxy": "http", "imaps": "tls", "pops": "tls", "smtps": "tls",
         "kerberos": "krb5", "postgresql": "pgsql", "dce_rpc": "dcerpc", "vnc": "rfb", "ipsec": "ike",
         "ethernetip": "enip", "avastsecuredns": "dns"}

# What is reached, in percent; a change that falls below it is a regression. The TLS flows that are
# not named begin without a hello.
FLOORS = {"dns": 100, "http": 97, "smtp": 100, "ftp": 100, "ftp-data": 100, "ssh": 100, "pop3": 100,
          "ssl": 80, "snmp": 100, "dhcp": 100, "irc": 100, "radius": 100, "app": 85}


def flows(karma, capture):
    """Its first records of TCP and UDP flows with payload."""
    out = subprocess.run([karma, "flows", capture], capture_output=True, text=True, timeout=120)
    for row in csv.DictReader(io.StringIO(out.stdout)):
        if row["proto"] in ("tcp", "udp") and row["part"] == "0":
            if float(row["spayload"]) + float(row["dpayload"]) > 0:
                yield row


def expected_service(name, row):
    ports = {int(row["sport"]), int(row["dsport"])}
    for service, (pattern, protocols, own) in EXPECTED.items():
        if re.search(pattern, name) and row["proto"] in protocols.split():
            if own is None or ports & own:
                return service
    return None


def ends(proto, a, a_port, b, b_port):
    return (proto,) + tuple(sorted([(ipaddress.ip_address(a), int(a_port)),
                                    (ipaddress.ip_address(b), int(b_port))]))


def ndpi_name(name):
    """Of "TLS.Google" and the like the protocol; SMB over NetBIOS is SMB."""
    first, _, second = name.lower().partition(".")
    name = second if first == "netbios" and second else first
    return ALIAS.get(name, name)


def ndpi_names(capture, path):
    """What ndpiReader says of each flow's ends."""
    subprocess.run(["ndpiReader", "-q", "-d", "-i", capture, "-C", path], capture_output=True,
                   timeout=120)
    names = collections.defaultdict(set)
    if not os.path.exists(path):
        return names
    with open(path, errors="replace", encoding="utf-8") as lines:
        for row in csv.reader(lines):
            proto = {"6": "tcp", "17": "udp"}.get(row[1])
            if not proto or row[10].startswith("Unknown"):
                continue
            try:
                names[ends(proto, row[5], row[6], row[7], row[8])].add(ndpi_name(row[10]))
            except ValueError:
                pass  # ndpiReader writes some IPv6 addresses wrongly
    return names


def is_expected(name):
    return any(re.search(pattern, name) for pattern, _, _ in EXPECTED.values())


def read_capture(karma, name, compare):
    """Karma's rows, and ndpiReader's names where that is asked for and installed."""
    capture = os.path.join(CORPUS, name)
    rows = list(flows(karma, capture)) if compare or is_expected(name) else []
    if not compare or not shutil.which("ndpiReader"):
        return rows, {}
    with tempfile.TemporaryDirectory() as folder:
        return rows, ndpi_names(capture, os.path.join(folder, "ndpi.csv"))


def main():
    options = [a for a in sys.argv[1:] if a.startswith("-")]
    karma = [a for a in sys.argv[1:] if a not in options][0]
    verbose = "-v" in options
    if not os.path.isdir(CORPUS):
        print("skipped: no captures at %s" % CORPUS)
        print("0 passed, 0 failed, 1 skipped")
        return 0
    names = sorted(os.listdir(CORPUS))
    compared = names if "--all" in options else names[::5]
    right, all_of, against = collections.Counter(), collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        read = pool.map(lambda name: (name,) + read_capture(karma, name, name in compared), names)
        for name, rows, whole in read:
            for row in rows:
                where = "%s: %s %s:%s %s:%s" % (name, row["proto"], row["srcip"], row["sport"],
                                                row["dstip"], row["dsport"])
                service = expected_service(name, row)
                if service:
                    all_of[service] += 1
                    right[service] += row["service"] == service
                    if verbose and row["service"] != service:
                        print("%s: service %s instead of %s" % (where, row["service"], service))
                said = whole.get(ends(row["proto"], row["srcip"], row["sport"], row["dstip"],
                                      row["dsport"]), set())
                how = "none" if row["app"] == "-" else "equal" if row["app"] in said else "other"
                if said:
                    against[how] += 1
                    if verbose and how != "equal":
                        print("%s: app %s, by nDPI %s" % (where, row["app"], "/".join(sorted(said))))
    counts = [0, 0, 0]
    for what in list(EXPECTED) + ["app"]:
        if what == "app":
            good, of = against["equal"], sum(against.values())
        else:
            good, of = right[what], all_of[what]
        if not of:
            print("skipped: %s: no flows, or nothing to compare with" % what)
            counts[2] += 1
            continue
        share = 100 * good / of
        failed = share < FLOORS.get(what, 0)
        counts[failed] += 1
        print("%s %s: %d of %d flows, %.1f %%%s" % ("FAILED" if failed else "ok", what, good, of, share,
              " (another name %d, none %d)" % (against["other"], against["none"])
              if what == "app" else ""))
    print("%d passed, %d failed, %d skipped" % tuple(counts))
    return counts[1] != 0


if __name__ == "__main__":
    sys.exit(main())
