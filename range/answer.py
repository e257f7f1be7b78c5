#!/usr/bin/env python3
"""Services that no Debian server offers in so few lines. What matters to the range is who speaks
when, how much, and for how long.

NTP (UDP 123) and SNMP (161, community "public") requests get an answer of the right form and size,
the list of an NTP server's clients too, as old servers give it; syslog (514) is taken in silence.
The ports in TALK stand for databases, file servers, chats, remote desktops and peers (TCP), and for
QUIC, tunnels, conferences and peers (UDP): a message says in its first 8 bytes how long it is and
how much it wants back (talk.py is the other side)."""

import selectors
import socket
import struct
import time

TALK_TCP = (445, 3306, 3389, 4444, 5222, 5432, 6881)
TALK_UDP = (443, 3478, 6881, 51820)
DATAGRAM = 1200
HEAD = struct.Struct(">II")  # bytes of this message, bytes wanted back


def ntp(request):
    """A stratum-2 answer (RFC 5905), the client's transmit time as origin; to "monlist" (mode 7,
    request 42), ten datagrams with a client each 72 bytes."""
    if request[0] & 7 == 7:
        return [bytes((0xD7, n, 3, 42, 0, 6, 0, 72)) + bytes(432) for n in range(10)]
    now = struct.pack(">II", int(time.time()) + 2208988800, time.time_ns() % 10**9 * 4)
    head = b"\x24\x02\x06\xe8" + bytes(8) + b"\x7f\x00\x00\x01"
    return [head + now + request[40:48] + now + now]


def snmp(request):
    """The request's own fields as a get-response, with a value behind them."""
    if b"public" not in request:
        return []
    return [request.replace(b"\xa0", b"\xa2", 1) + b"\x04\x20" + bytes(32)]


ANSWERS = {123: ntp, 161: snmp, 514: None}


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


class Services:
    """All sockets, and what is to be called when one has something."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        # One socket an address, so that an answer comes from the address that was asked.
        for family, address in local_addresses():
            for port in (*ANSWERS, *TALK_UDP):
                sock = socket.socket(family, socket.SOCK_DGRAM)
                sock.bind((address, port))
                self.selector.register(sock, selectors.EVENT_READ, self.datagram)
        for port in TALK_TCP:
            sock = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
            self.selector.register(sock, selectors.EVENT_READ, self.connection)

    def datagram(self, sock):
        """Answer one request."""
        request, client = sock.recvfrom(2048)
        port = sock.getsockname()[1]
        if port in TALK_UDP:
            left = HEAD.unpack_from(request)[1] if len(request) >= HEAD.size else 0
            while left > 0:
                sock.sendto(bytes(min(left, DATAGRAM)), client)
                left -= DATAGRAM
        elif ANSWERS[port] and len(request) >= 8:
            for answer in ANSWERS[port](request):
                sock.sendto(answer, client)

    def connection(self, sock):
        """Take a client; its messages may come in pieces."""
        client, _ = sock.accept()
        client.setblocking(False)
        waiting = bytearray()
        self.selector.register(
            client, selectors.EVENT_READ, lambda s: self.stream(s, waiting)
        )

    def stream(self, sock, waiting):
        """Answer every whole message; close when the client does."""
        try:
            piece = sock.recv(65536)
            waiting += piece
            while len(waiting) >= HEAD.size and len(waiting) >= HEAD.unpack_from(waiting)[0]:
                length, wanted = HEAD.unpack_from(waiting)
                del waiting[: max(length, HEAD.size)]
                sock.setblocking(True)
                sock.settimeout(5)
                sock.sendall(bytes(wanted))
                sock.setblocking(False)
        except OSError:
            piece = b""
        if not piece:
            self.selector.unregister(sock)
            sock.close()


def main():
    """Serve until killed."""
    services = Services()
    while True:
        for key, _ in services.selector.select():
            key.data(key.fileobj)


if __name__ == "__main__":
    main()
