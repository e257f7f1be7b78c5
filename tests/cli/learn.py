#!/usr/bin/env python3
"""Captures for learn.sh: a site, an attack on it, and another site.

usage: learn.py DIR      writes site.pcap, attack.pcap, other.pcap, loud.pcap
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../captures"))
import make  # noqa: E402

SERVER = "10.2.0.80"


def exchange(src, sport, dport, time, ask, answer):
    c = make.Connection(src, SERVER, sport, dport)
    c.open(time)
    if dport == 22:  # the server speaks first
        c.send(time + 0.01, 1, make.PSH | make.ACK, answer)
        c.send(time + 0.02, 0, make.PSH | make.ACK, ask)
    else:
        c.send(time + 0.01, 0, make.PSH | make.ACK, ask)
        c.send(time + 0.02, 1, make.PSH | make.ACK, answer)
    c.close(time + 0.05)
    return c.packets


def web(src, sport, time):
    return exchange(src, sport, 80, time, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def shell(src, sport, time):
    return exchange(src, sport, 22, time, b"SSH-2.0-OpenSSH_9.2\r\n", b"SSH-2.0-OpenSSH_9.2\r\n")


def query(src, sport, time):
    ask = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"\x01a\x04test\0" + struct.pack("!HH", 1, 1)
    answer = ask[:2] + b"\x81\x80" + ask[4:6] + b"\0\1" + ask[8:] + \
        b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + b"\x0a\2\0\x50"
    return [(time, make.udp(src, "10.2.0.53", sport, 53, ask)),
            (time + 0.01, make.udp("10.2.0.53", src, 53, sport, answer))]


def save(path, packets):
    make.write(path, [(time, make.ethernet(p)) for time, p in packets])


def main():
    folder = sys.argv[1]
    packets = []
    # Each of three hosts fetches eight pages within ten seconds, every two minutes; look-ups between.
    for n in range(60):
        for k in range(8):
            packets += web("10.2.0.%d" % (2 + n % 3), 20000 + 8 * n + k, 40 * n + k)
    for n in range(3000):
        packets += query("10.2.0.%d" % (2 + n % 20), 20000 + n, 0.8 * n + 0.3)
    save(os.path.join(folder, "site.pcap"), packets)
    save(os.path.join(folder, "attack.pcap"),
         [p for n in range(20) for p in shell("10.2.0.66", 30000 + n, 0.5 * n)])
    # A quarter of it pages, without a pause.
    packets = []
    for n in range(1000):
        packets += web("10.2.0.%d" % (2 + n % 3), 20000 + n, 0.8 * n)
        for k in range(3):
            packets += query("10.2.0.%d" % (2 + n % 20), 30000 + 3 * n + k, 0.8 * n + 0.2 * k)
    save(os.path.join(folder, "loud.pcap"), packets)
    # Something unknown over UDP, all of it large.
    save(os.path.join(folder, "other.pcap"),
         [(n / 5, make.udp("10.2.0.%d" % (2 + n % 20), SERVER, 20000 + n, 7777, b"\1\2\3" * 400))
          for n in range(3000)])


main()
