#!/usr/bin/env python3
"""A client that talks to answer.py: talk.py tcp|udp ADDRESS PORT SECONDS SEED SEND WANT PAUSE

For SECONDS it sends messages of about SEND bytes, takes about WANT bytes back, and pauses for about
PAUSE seconds; each amount is drawn between half and twice, from SEED."""

import random
import socket
import sys
import time

from answer import DATAGRAM, HEAD


def draw(about):
    """Between half and twice of it."""
    return about * 2 ** random.uniform(-1, 1)


def message(send, want):
    """One message, and how many bytes come back."""
    length, wanted = max(int(draw(send)), HEAD.size), int(draw(want))
    return HEAD.pack(length, wanted) + bytes(length - HEAD.size), wanted


def talk_tcp(sock, send, want):
    """One message and all of its answer."""
    data, wanted = message(send, want)
    sock.sendall(data)
    while wanted > 0:
        piece = sock.recv(65536)
        if not piece:
            sys.exit(0)
        wanted -= len(piece)


def talk_udp(sock, send, want):
    """One datagram or more, and what comes back of the answer."""
    data, wanted = message(send, want)
    sock.send(data[:DATAGRAM])
    for _ in range(DATAGRAM, len(data), DATAGRAM):
        sock.send(HEAD.pack(DATAGRAM, 0) + bytes(DATAGRAM - HEAD.size))
    while wanted > 0:
        wanted -= len(sock.recv(2048))


def main():
    """See above."""
    kind, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    seconds, seed, send, want, pause = (float(a) for a in sys.argv[4:9])
    random.seed(seed)
    end = time.monotonic() + seconds
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as sock:
        sock.settimeout(5 if kind == "tcp" else 0.3)
        sock.connect((address, port))
        while time.monotonic() < end:
            try:
                (talk_tcp if kind == "tcp" else talk_udp)(sock, send, want)
            except socket.timeout:
                pass
            time.sleep(draw(pause))


if __name__ == "__main__":
    main()
