#!/usr/bin/env python3
"""What exploits, shellcode, worms, back doors, fuzzers and hidden channels look like on the wire, with
nothing in it: the payload is random bytes, and standin.py is the only service that they work on.

strike.py SEED deliver tcp|udp ADDRESS PORT SIZE WHAT LINES PAUSE
    one delivery of SIZE bytes; WHAT as in standin.py. With bind and back, LINES lines are typed
    into the shell, about PAUSE seconds apart.
strike.py SEED worm tcp|udp PORT SIZE RATE SECONDS NETWORK...
    RATE addresses of the networks (IPv4) a second are tried; who answers gets a delivery, and
    fetches SIZE bytes. By UDP, everyone gets it at once.
strike.py SEED fuzz tcp|udp ADDRESS PORT SECONDS PAUSE
    requests of the service's kind with bytes changed, left out and repeated, a connection each
strike.py SEED names ADDRESS SECONDS PAUSE BYTES
    data sent out as names that are asked for, about BYTES in each
strike.py SEED beacon ADDRESS PORT SECONDS PERIOD BYTES
    a connection to answer.py about every PERIOD seconds, BYTES there and some back

For the range's own namespaces, which lead nowhere else."""

import ipaddress
import os
import random
import select
import socket
import struct
import sys
import time

from answer import HEAD as TALK
from standin import ANSWER, BACK, BIND, CRASH, FETCH, HEAD, MARK

WHAT = {"crash": CRASH, "answer": ANSWER, "bind": BIND, "back": BACK, "fetch": FETCH}
REQUESTS = {
    21: b"USER anonymous\r\n",
    22: b"SSH-2.0-OpenSSH_9.2\r\n",
    25: b"EHLO host.example\r\n",
    53: b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05host1\x07example\x00\x00\x01\x00\x01",
    80: b"GET /docs/1.html?id=1 HTTP/1.1\r\nHost: www.example\r\nAccept: */*\r\n\r\n",
    123: b"\x23" + bytes(47),
    143: b"a1 LOGIN user password\r\n",
    161: b"\x30\x29\x02\x01\x01\x04\x06public\xa0\x1c\x02\x04\x11\x22\x33\x44\x02\x01" + bytes(20),
    1883: b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04abcd",
    6379: b"*2\r\n$3\r\nGET\r\n$4\r\nkey1\r\n",
}


def about(seconds):
    """Between half of it and one and a half."""
    return seconds * random.uniform(0.5, 1.5)


def family_of(address):
    """IPv6 where the address has a colon."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def payload(what, port, size, want=0):
    """A delivery of so many bytes: junk, the mark, more junk."""
    size = max(size, HEAD.size)
    before = random.randint(0, (size - HEAD.size) // 2)
    rest = size - HEAD.size - before
    return os.urandom(before) + HEAD.pack(MARK, what, port, want) + os.urandom(rest)


def listener():
    """A port of our own to be called back at."""
    server = socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    server.settimeout(6)
    return server, server.getsockname()[1]


def type_lines(sock, lines, pause):
    """A person, or a program, at the shell."""
    sock.settimeout(6)
    with sock:
        sock.recv(4096)
        for _ in range(lines):
            sock.sendall(os.urandom(random.randint(3, 60)) + b"\n")
            sock.recv(4096)
            time.sleep(about(pause))


def serve(server, size):
    """Give our own body to who fetches it."""
    sock, _ = server.accept()
    with sock:
        sock.settimeout(6)
        sock.recv(4)
        sock.sendall(os.urandom(size))


def approach(address, port):
    """Connect to the weak service and make some conversation."""
    sock = socket.create_connection((address, port), 6)
    sock.recv(4096)
    for _ in range(random.randint(0, 2)):
        sock.sendall(b"HELLO %d\r\n" % random.randint(0, 99999))
        sock.recv(4096)
    return sock


def deliver(proto, address, port, size, what, lines, pause):
    """See above."""
    port, size, lines, pause = int(port), int(size), int(lines), float(pause)
    server, mine = listener()
    shell = mine if WHAT[what] in (BACK, FETCH) else random.randint(1100, 60000)
    data = payload(WHAT[what], shell, size, size if WHAT[what] == FETCH else 20 * size)
    if proto == "tcp":
        sock = approach(address, port)
        sock.sendall(data)
    else:
        sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
        sock.sendto(data[:1400] if size > 1400 else data, (address, port))
    try:
        if what == "bind":
            time.sleep(0.6)
            type_lines(socket.create_connection((address, shell), 6), lines, pause)
        elif what == "back":
            type_lines(server.accept()[0], lines, pause)
        elif what == "fetch":
            serve(server, size)
        elif proto == "tcp":
            sock.settimeout(6)
            while sock.recv(65536):
                pass
    finally:
        sock.close()


def addresses(networks):
    """All of them, in an order of their own."""
    found = [str(a) for n in networks for a in ipaddress.ip_network(n, strict=False).hosts()]
    random.shuffle(found)
    return found


def infect(sock, port, size):
    """A responder of the sweep."""
    try:
        sock.setblocking(True)
        address = sock.getpeername()[0]
        sock.close()
        deliver("tcp", address, port, size, "fetch", 0, 0)
    except OSError:
        pass


def worm(proto, port, size, rate, seconds, *networks):
    """See above."""
    port, size, rate = int(port), int(size), float(rate)
    end, waiting = time.monotonic() + float(seconds), {}
    for address in addresses(networks):
        now = time.monotonic()
        if now > end:
            break
        if proto == "udp":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                try:
                    sock.sendto(payload(CRASH, 0, min(size, 1400)), (address, port))
                except OSError:
                    pass
        else:
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((address, port))
            waiting[sock] = now
        time.sleep(about(1 / rate))
        ready = select.select([], list(waiting), [], 0)[1]
        for sock in ready:
            waiting.pop(sock)
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                infect(sock, port, size)
            else:
                sock.close()
        for sock in [s for s, t in waiting.items() if now - t > 3]:
            waiting.pop(sock)
            sock.close()


def mutate(request):
    """Some bytes changed, a part repeated or left out."""
    data = bytearray(request)
    for _ in range(random.randint(1, 4)):
        at, much = random.randrange(len(data)), random.randint(1, 8)
        choice = random.randrange(4)
        if choice == 0:
            data[at : at + much] = os.urandom(much)
        elif choice == 1:
            data[at:at] = bytes((random.choice(b"A%/\x00\xff"),)) * 2 ** random.randint(2, 12)
        elif choice == 2 and len(data) > 2 * much:
            del data[at : at + much]
        else:
            data[at:at] = data[at : at + 40 * much] * random.randint(1, 9)
    return bytes(data[:20000])


def fuzz(proto, address, port, seconds, pause):
    """See above."""
    port, end = int(port), time.monotonic() + float(seconds)
    request = REQUESTS.get(port, os.urandom(60))
    while time.monotonic() < end:
        try:
            if proto == "tcp":
                with socket.create_connection((address, port), 3) as sock:
                    sock.sendall(mutate(request))
                    sock.settimeout(0.3)
                    sock.recv(65536)
            else:
                with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
                    sock.connect((address, port))
                    sock.send(mutate(request)[:1400])
                    sock.settimeout(0.2)
                    sock.recv(2048)
        except OSError:
            pass
        time.sleep(about(float(pause)))


def label(length):
    """One part of a name."""
    letters = b"abcdefghijklmnopqrstuvwxyz234567"
    return bytes((length,)) + bytes(random.choices(letters, k=length))


def names(address, seconds, pause, amount):
    """See above."""
    end, kinds = time.monotonic() + float(seconds), (1, 5, 10, 16)  # A, CNAME, NULL, TXT
    kind, zone = random.choice(kinds), label(random.randint(3, 9)) + b"\x07example\x00"
    while time.monotonic() < end:
        left, name = min(int(about(int(amount))), 200), b""
        while left > 0:
            name += label(min(left, 60))
            left -= 60
        question = struct.pack(">HHHHHH", random.randrange(65536), 0x100, 1, 0, 0, 0)
        question += name + zone + struct.pack(">HH", kind, 1)
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            sock.settimeout(1)
            try:
                sock.sendto(question, (address, 53))
                sock.recv(4096)
            except OSError:
                pass
        time.sleep(about(float(pause)))


def beacon(address, port, seconds, period, amount):
    """See above."""
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        size = max(int(about(float(amount))), TALK.size)
        try:
            with socket.create_connection((address, int(port)), 4) as sock:
                want = random.randint(8, 200)
                sock.sendall(TALK.pack(size, want) + os.urandom(size - TALK.size))
                while want > 0 and (piece := sock.recv(4096)):
                    want -= len(piece)
        except OSError:
            pass
        time.sleep(float(period) * random.uniform(0.8, 1.2))


def main():
    """See above."""
    random.seed(sys.argv[1])
    does = {f.__name__: f for f in (deliver, worm, fuzz, names, beacon)}
    try:
        does[sys.argv[2]](*sys.argv[3:])
    except OSError as e:
        sys.exit(f"strike: {sys.argv[2]}: {e}")


if __name__ == "__main__":
    main()
