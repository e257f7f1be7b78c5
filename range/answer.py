#!/usr/bin/env python3
"""UDP services that no Debian server offers in so few lines: NTP (123) and SNMP (161) requests get
an answer of the right form and size, syslog (514) is taken in silence. The clients send requests
of the real form; what matters to the range is who speaks when and how much."""

import selectors
import socket
import struct
import time


def ntp(request):
    """A stratum-2 answer (RFC 5905), the client's transmit time as origin."""
    now = struct.pack(">II", int(time.time()) + 2208988800, time.time_ns() % 10**9 * 4)
    return b"\x24\x02\x06\xe8" + bytes(8) + b"\x7f\x00\x00\x01" + now + request[40:48] + now + now


def snmp(request):
    """The request's own fields as a get-response, with a value behind them."""
    return request.replace(b"\xa0", b"\xa2", 1) + b"\x04\x20" + bytes(32)


ANSWERS = {123: ntp, 161: snmp, 514: None}


def main():
    """Serve until killed."""
    selector = selectors.DefaultSelector()
    for port, answer in ANSWERS.items():
        # One socket an address, so that an answer comes from the address that was asked.
        for family, address in local_addresses():
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, port))
            selector.register(sock, selectors.EVENT_READ, answer)
    while True:
        for key, _ in selector.select():
            request, client = key.fileobj.recvfrom(2048)
            if key.data and len(request) >= 12:
                key.fileobj.sendto(key.data(request), client)


def local_addresses():
    """(family, address) of every IPv4 and global IPv6 address of this namespace."""
    with open("/proc/net/if_inet6", encoding="ascii") as table:
        for line in table:
            number, _, _, scope = line.split()[:4]
            if scope == "00":
                yield socket.AF_INET6, socket.inet_ntop(socket.AF_INET6, bytes.fromhex(number))
    with open("/proc/net/fib_trie", encoding="ascii") as table:
        previous, seen = "", set()
        for line in table:
            if "/32 host LOCAL" in line and previous not in seen:
                seen.add(previous)
                yield socket.AF_INET, previous
            previous = line.split()[-1]


if __name__ == "__main__":
    main()
