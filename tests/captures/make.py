#!/usr/bin/env python3
"""Write the captures of this folder again: small, synthetic, every byte known. Those in links/ are
what other programs read otherwise or not at all: tunnels, link types, formats. Those in malformed/
are broken in ways that tests/cli/malformed.sh knows.

usage: make.py [DIR]        (default: the folder of this script)
"""

import os
import struct
import sys

CLIENT, SERVER, DNS = "10.1.0.2", "10.1.0.80", "10.1.0.53"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
START = 1700000000.0


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    if ":" not in text:
        return bytes(int(part) for part in text.split("."))
    head, _, tail = text.partition("::")
    words = [int(w, 16) for w in head.split(":") if w]
    ends = [int(w, 16) for w in tail.split(":") if w]
    words += [0] * (8 - len(words) - len(ends)) + ends
    return struct.pack("!8H", *words)


def ip(src, dst, proto, payload, ttl=64, ident=0, fragment=0, extensions=b""):
    """`proto` is that of the first header behind the IP header; extensions stand before payload."""
    if ":" in src:
        body = extensions + payload
        return struct.pack("!IHBB", 6 << 28, len(body), proto, ttl) + address(src) + address(dst) + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), ident, fragment, ttl, proto, 0)
    head += address(src) + address(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def transport(src, dst, proto, segment, offset):
    """The segment with its checksum at `offset`."""
    pseudo = address(src) + address(dst) + struct.pack("!II", len(segment), proto)
    return segment[:offset] + struct.pack("!H", checksum(pseudo + segment)) + segment[offset + 2:]


def tcp(src, dst, sport, dport, seq, ack, flags, data=b"", window=64240, options=b""):
    words = 5 + len(options) // 4
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                          words << 4, flags, window, 0, 0) + options + data
    return ip(src, dst, 6, transport(src, dst, 6, segment, 16))


def udp(src, dst, sport, dport, data, ttl=64):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return ip(src, dst, 17, transport(src, dst, 17, segment, 6), ttl)


def icmp(src, dst, kind, code, rest, data=b""):
    if ":" in src:
        message = struct.pack("!BBHI", kind, code, 0, rest) + data
        return ip(src, dst, 58, transport(src, dst, 58, message, 2), 255)
    message = struct.pack("!BBHI", kind, code, 0, rest) + data
    return ip(src, dst, 1, message[:2] + struct.pack("!H", checksum(message)) + message[4:])


def arp(operation, src, dst):
    return struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) + mac(src) + address(src) + \
        (mac(dst) if operation == 2 else b"\0" * 6) + address(dst)


def mac(text):
    return b"\x02\0" + address(text)[-4:]


def ethernet(packet, tags=()):
    kind = 0x86DD if packet[0] >> 4 == 6 else 0x800 if packet[0] >> 4 == 4 else 0x806
    head = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02"
    for tag_kind, vlan in tags:
        head += struct.pack("!HH", tag_kind, vlan)
    return head + struct.pack("!H", kind) + packet


def write(path, packets, link=1):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link))
        for time, frame in sorted(packets, key=lambda p: p[0]):
            micros = round((START + time) * 1e6)
            out.write(struct.pack("<IIII", micros // 1000000, micros % 1000000, len(frame), len(frame)))
            out.write(frame)


class Connection:
    """A TCP connection that counts its own sequence numbers; packets are (time, packet)."""

    def __init__(self, src, dst, sport, dport, client_isn=1000, server_isn=50000):
        self.ends = [(src, sport), (dst, dport)]
        self.seq = [client_isn, server_isn]
        self.packets = []

    def send(self, time, side, flags, data=b"", window=502, options=b"", again=False):
        (src, sport), (dst, dport) = self.ends[side], self.ends[1 - side]
        seq = self.seq[side] - (len(data) if again else 0)
        ack = self.seq[1 - side] if flags & ACK else 0
        self.packets.append((time, tcp(src, dst, sport, dport, seq, ack, flags, data, window, options)))
        if not again:
            self.seq[side] += len(data) + (1 if flags & (SYN | FIN) else 0)

    def open(self, time, gap=0.0004):
        scale = b"\x02\x04\x05\xb4\x01\x03\x03\x07"
        self.send(time, 0, SYN, window=64240, options=scale)
        self.send(time + gap, 1, SYN | ACK, window=65160, options=scale)
        self.send(time + 2 * gap, 0, ACK)

    def close(self, time, gap=0.0004):
        self.send(time, 0, FIN | ACK)
        self.send(time + gap, 1, FIN | ACK)
        self.send(time + 2 * gap, 0, ACK)


def dns_query(name):
    labels = b"".join(bytes([len(p)]) + p.encode() for p in name.split("."))
    return struct.pack("!HHHHHH", 0x1234, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def web():
    """ARP, a look-up, a page with a repeated segment, a refused connection."""
    query = dns_query("www.example.org")
    packets = [(0.0, arp(1, CLIENT, DNS)), (0.0003, arp(2, DNS, CLIENT)),
               (0.0010, udp(CLIENT, DNS, 40001, 53, query)),
               (0.0042, udp(DNS, CLIENT, 53, 40001, query[:2] + b"\x81\x80" + query[4:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\0\x50"))]
    page = Connection(CLIENT, SERVER, 40002, 80)
    page.open(0.006)
    page.send(0.0072, 0, PSH | ACK, b"GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n")
    page.send(0.0075, 1, ACK)
    page.send(0.0121, 1, ACK, b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + b"a" * 900)
    page.send(0.0123, 1, PSH | ACK, b"b" * 1000)
    page.send(0.2131, 1, PSH | ACK, b"b" * 1000, again=True)
    page.send(0.2135, 0, ACK)
    page.send(0.2139, 1, PSH | ACK, b"c" * 1100)
    page.send(0.2143, 0, ACK)
    page.close(0.2150)
    refused = Connection(CLIENT, SERVER, 40003, 8080)
    refused.send(0.5, 0, SYN)
    refused.send(0.5003, 1, RST | ACK, window=0)
    return [(t, ethernet(p)) for t, p in packets + page.packets + refused.packets]


def scan():
    """A SYN scan (refused, open, silent), a UDP probe with its ICMP error, pings."""
    packets = []
    for i in range(20):
        probe = Connection(CLIENT, SERVER, 50000 + i, 20 + i, client_isn=7000 + i)
        time = 0.01 * i
        probe.send(time, 0, SYN, window=1024)
        if i in (2, 5):
            probe.send(time + 0.0002, 1, SYN | ACK, window=65160)
            probe.send(time + 0.0003, 0, RST, window=0)
        elif i % 5:
            probe.send(time + 0.0002, 1, RST | ACK, window=0)
        packets += probe.packets
    probe = udp(CLIENT, SERVER, 50100, 9, b"probe")
    packets += [(0.3, probe), (0.3002, icmp(SERVER, CLIENT, 3, 3, 0, probe[:28]))]
    for i in range(3):
        rest = 0x77 << 16 | i
        packets += [(1.0 + i, icmp(CLIENT, SERVER, 8, 0, rest, b"p" * 48)),
                    (1.0005 + i, icmp(SERVER, CLIENT, 0, 0, rest, b"p" * 48))]
    return [(t, ethernet(p)) for t, p in packets]


def long_flows():
    """Flows that outlast a record: a session of 150 s, a one-way stream of 130 s."""
    session = Connection(CLIENT, SERVER, 40010, 22)
    session.open(0.0)
    for i in range(1, 21):
        session.send(7.3 * i, i % 2, PSH | ACK, b"k" * (36 + i))
        session.send(7.3 * i + 0.02, 1 - i % 2, ACK)
    session.close(150.0)
    stream = [(13.0 * i, udp(CLIENT, "239.1.1.1", 5004, 5004, b"s" * 200, ttl=1)) for i in range(11)]
    return [(t, ethernet(p)) for t, p in session.packets + stream]


def ipv6():
    """Raw IPv6: a connection, hop-by-hop options, fragments, echo, neighbour discovery."""
    a, b = "fd00::2", "fd00::80"
    page = Connection(a, b, 40020, 443)
    page.open(0.0)
    page.send(0.002, 0, PSH | ACK, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03")
    page.send(0.004, 1, PSH | ACK, b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x03")
    page.close(0.005)
    datagram = transport(a, b, 17, struct.pack("!HHHH", 40021, 5000, 8 + 1600, 0) + b"f" * 1600, 6)
    hop = bytes([17, 0, 5, 2, 0, 0, 1, 0])
    packets = [(0.1, ip(a, b, 0, transport(a, b, 17, struct.pack("!HHHH", 40022, 5000, 12, 0) + b"hops", 6), extensions=hop)),
               (0.2, ip(a, b, 44, datagram[:1200], extensions=struct.pack("!BBHI", 17, 0, 1, 99))),
               (0.2001, ip(a, b, 44, datagram[1200:], extensions=struct.pack("!BBHI", 17, 0, 1200, 99))),
               (0.3, icmp(a, b, 128, 0, 0x550001, b"p" * 32)), (0.3004, icmp(b, a, 129, 0, 0x550001, b"p" * 32)),
               (0.4, icmp(a, b, 135, 0, 0, address(b) + b"\1\1" + mac("10.0.0.1"))),
               (0.4002, icmp(b, a, 136, 0, 0x60000000, address(b) + b"\2\1" + mac("10.0.0.2")))]
    return page.packets + packets


def vlan():
    """One look-up untagged, in a VLAN, in a VLAN within a VLAN."""
    packets = []
    for i, tags in enumerate(((), ((0x8100, 10),), ((0x88A8, 20), (0x8100, 30)))):
        query = dns_query("host%d.example.org" % i)
        packets += [(i, ethernet(udp(CLIENT, DNS, 41000 + i, 53, query), tags)),
                    (i + 0.002, ethernet(udp(DNS, CLIENT, 53, 41000 + i, query + b"\0" * 16), tags))]
    return packets


WEST, EAST = "192.0.2.1", "198.51.100.1"


def tunnels():
    """A question and an answer in each kind of tunnel, between the gateways West and East, and
    behind MPLS and PPPoE; the client's port says in which."""
    vxlan, by6 = struct.pack("!II", 8 << 24, 23 << 8), {WEST: "2001:db8::1", EAST: "2001:db8::2"}
    ways = [
        lambda p, a, b: ethernet(ip(a, b, 4, p)),
        lambda p, a, b: ethernet(ip(a, b, 47, struct.pack("!HH", 0, 0x800) + p)),
        lambda p, a, b: ethernet(ip(a, b, 47, struct.pack("!HHIII", 0xB000, 0x800, 0, 7, 1) + p)),
        lambda p, a, b: ethernet(ip(a, b, 47, struct.pack("!HH", 0, 0x6558) + ethernet(p))),
        lambda p, a, b: ethernet(ip(a, b, 47, struct.pack("!HHIII", 0x1000, 0x88BE, 1, 1 << 28, 0) + ethernet(p))),
        lambda p, a, b: ethernet(udp(a, b, 50000, 4789, vxlan + ethernet(p, ((0x8100, 5),)))),
        lambda p, a, b: ethernet(udp(a, b, 50000, 8472, vxlan + ethernet(p))),
        lambda p, a, b: ethernet(udp(a, b, 50000, 6081, struct.pack("!HHI", 0, 0x6558, 23 << 8) + ethernet(p))),
        lambda p, a, b: ethernet(udp(a, b, 50000, 4789, vxlan + ethernet(ip(a, b, 4, p)))),
        # from here on without addresses of their own
        lambda p, a, b: ethernet(p)[:12] + struct.pack("!HII", 0x8847, 16 << 12 | 64, 17 << 12 | 0x140) + p,
        lambda p, a, b: ethernet(p)[:12] + struct.pack("!HBBHHH", 0x8864, 0x11, 0, 1, len(p) + 2, 0x21) + p,
    ]
    six = [
        lambda p, a, b: ethernet(ip(a, b, 41, p)),
        lambda p, a, b: ethernet(ip(by6[a], by6[b], 60, p, extensions=bytes([41, 0, 4, 1, 4, 1, 1, 0]))),
    ]
    packets = []
    for i, wrap in enumerate(ways + six):
        client, server = ("fd00::2", "fd00::80") if wrap in six else (CLIENT, SERVER)
        packets += [(0.1 * i, wrap(udp(client, server, 42000 + i, 5000, b"question"), WEST, EAST)),
                    (0.1 * i + 0.01, wrap(udp(server, client, 5000, 42000 + i, b"the answer"), EAST, WEST))]
    # what cannot be decoded inside is the tunnel's own: LLDP, and an encrypted PPTP session
    packets += [(5.0, ethernet(udp(WEST, EAST, 50001, 4789, vxlan + b"\1\x80\xc2\0\0\x0e\2\0\0\0\0\1\x88\xcc" + b"\2\7" * 20))),
                (5.1, ethernet(ip(WEST, EAST, 47, struct.pack("!HHHHI", 0x3001, 0x880B, 24, 5, 1) + b"\xff\3\0\xfd" + b"e" * 20)))]
    return packets


def igmp(src, group, kind, ident):
    message = struct.pack("!BBH", kind, 0, 0) + address(group)
    return ip(src, group, 2, message[:2] + struct.pack("!H", checksum(message)) + message[4:], ttl=1, ident=ident)


def handshakes():
    """Connections of which not all was seen, or not all went well; each is about one rule of the record."""
    scale = b"\x02\x04\x05\xb4\x01\x03\x03\x07"
    packets = []

    def connection(port, time, dport=8080):
        c = Connection(CLIENT, SERVER, port, dport, client_isn=port * 100, server_isn=port * 1000)
        packets.append(c.packets)
        return c, time

    c, t = connection(42000, 0.0)  # the answer leads, and is accepted
    c.send(t, 1, SYN | ACK, options=scale)
    c.send(t + 0.01, 0, ACK, window=300)
    c.send(t + 0.02, 0, PSH | ACK, b"late", window=300)
    c, t = connection(42001, 0.1)  # the answer leads, and is refused
    c.send(t, 1, SYN | ACK)
    c.send(t + 0.001, 0, RST, window=0)
    c, t = connection(42002, 0.2)  # a lone answer
    c.send(t, 1, SYN | ACK)
    c, t = connection(42003, 0.3)  # a SYN sent three times, answered twice
    c.send(t, 0, SYN, options=scale)
    c.send(t + 0.25, 0, SYN, options=scale)
    c.send(t + 0.75, 0, SYN, options=scale)
    c.seq[0] -= 2
    c.send(t + 0.76, 1, SYN | ACK, options=scale)
    c.send(t + 0.96, 1, SYN | ACK, options=scale)
    c.seq[1] -= 1
    c.send(t + 0.97, 0, ACK)
    c, t = connection(42004, 0.4)  # data instead of the bare ACK; the client alone scales
    c.send(t, 0, SYN, window=1000, options=scale)
    c.send(t + 0.01, 1, SYN | ACK, window=2000)
    c.send(t + 0.05, 0, PSH | ACK, b"hello", window=500)
    c.send(t + 0.06, 1, ACK, window=0)
    c, t = connection(42005, 0.5)  # a FIN alone, refused
    c.send(t, 0, FIN, window=1024)
    c.send(t + 0.001, 1, RST | ACK, window=0)
    c, t = connection(42006, 0.6, 443)  # seen from its middle on, the server first
    c.send(t, 1, PSH | ACK, b"d" * 300)
    c.send(t + 0.03, 0, ACK)
    c.send(t + 0.04, 1, PSH | ACK, b"d" * 200)
    c, t = connection(42007, 0.7)  # a lone ACK from the middle
    c.send(t, 0, PSH | ACK, b"probe")
    c, t = connection(42008, 0.8)  # half-open: nobody completes it
    c.send(t, 0, SYN, window=1024)
    c.send(t + 0.002, 1, SYN | ACK)
    return [(t, ethernet(p)) for c in packets for t, p in c]


def rests():
    """Flows that rest for longer than a record, and those that are forgotten meanwhile."""
    def ask(time, port, size):
        return time, udp(CLIENT, SERVER, port, 7000, b"q" * size)

    def answer(time, port, size):
        return time, udp(SERVER, CLIENT, 7000, port, b"a" * size)

    packets = [ask(0.0, 43000, 20), answer(0.01, 43000, 30), ask(75.0, 43000, 20), answer(75.01, 43000, 30),
               ask(0.1, 43001, 20), ask(75.1, 43001, 20),
               ask(0.2, 43002, 20), answer(0.21, 43002, 30), ask(95.2, 43002, 20), answer(95.21, 43002, 30),
               (0.3, arp(1, CLIENT, SERVER)), (0.301, arp(2, SERVER, CLIENT)),
               (0.4, arp(1, SERVER, CLIENT)), (0.401, arp(2, CLIENT, SERVER)),
               (63.3, arp(1, CLIENT, SERVER)), (63.301, arp(2, SERVER, CLIENT)), (80.0, arp(2, DNS, CLIENT)),
               (1.0, igmp(CLIENT, "239.1.1.1", 0x16, 501)), (2.0, igmp(CLIENT, "239.1.1.1", 0x16, 502)),
               (3.0, icmp(SERVER, CLIENT, 11, 0, 0, udp(CLIENT, DNS, 43005, 9, b"")[:28]))]
    session = Connection(CLIENT, SERVER, 43003, 22)
    session.open(0.5)
    session.send(1.0, 0, PSH | ACK, b"k" * 40)
    session.send(1.1, 1, ACK)
    session.send(70.0, 0, PSH | ACK, b"k" * 40)
    session.send(70.1, 1, PSH | ACK, b"k" * 60)
    session.send(100.0, 0, ACK)
    session.send(140.0, 0, FIN | ACK)
    session.send(140.01, 1, FIN | ACK)
    session.send(140.02, 0, ACK)
    # Something every second: Argus looks at its clocks when a packet comes.
    ticks = [(0.9 + i, udp(DNS, "239.1.1.2", 5005, 5005, b"tick", ttl=1)) for i in range(150)]
    return [(t, ethernet(p)) for t, p in packets + session.packets + ticks]


def llc(packet):
    return b"\xaa\xaa\3\0\0\0" + ethernet(packet)[12:]


def radio(kind, flags, body, qos=None, radio_flags=0):
    """An 802.11 frame behind a radiotap header with a time stamp, the flags, a rate and a channel."""
    head = struct.pack("<BBHIQBBHH", 0, 0, 22, 0xF, 7, radio_flags, 12, 2437, 0xA0)
    head += bytes([kind, flags]) + b"\0" * 22 + (b"\7" * 6 if flags & 3 == 3 else b"")
    return head + (b"" if qos is None else bytes([qos, 0])) + body


def wifi():
    """802.11 in monitor mode: what is around data, data of every kind, an aggregate."""
    def question(i):
        return udp(CLIENT, SERVER, 43000 + i, 5000, b"question")

    def answer(i):
        return udp(SERVER, CLIENT, 5000, 43000 + i, b"the answer")

    def subframe(packet):
        body = llc(packet)
        frame = mac(SERVER) + mac(CLIENT) + struct.pack("!H", len(body)) + body
        return frame + b"\0" * (-len(frame) % 4)

    frames = [radio(0x80, 0, b"beacon" * 10), radio(0x48, 1, b""), radio(0xD4, 0, b"")[:-14],
              radio(0x08, 1, llc(question(0))), radio(0x08, 2, llc(answer(0))),
              radio(0x88, 1, llc(question(1)), 0), radio(0x88, 2, llc(answer(1)), 6),
              radio(0x88, 3, llc(question(2)), 0), radio(0x88, 3, llc(answer(2)), 0),
              radio(0x88, 2, subframe(question(3)) + subframe(answer(3)) + subframe(question(4)) + subframe(answer(4)), 0x80),
              radio(0x88, 0x41, b"\0" * 60, 0), radio(0x08, 0x42, b"\0" * 60),
              radio(0x08, 1, llc(question(5)), radio_flags=0x50)]
    return [(0.01 * i, frame) for i, frame in enumerate(frames)]


def interfaces():
    """pcapng: interfaces of four link types with clocks and snap lengths of their own, one of a link
    type that nobody understands, and a second section in the other byte order."""
    def block(order, kind, body):
        body += b"\0" * (-len(body) % 4)
        size = struct.pack(order + "I", 12 + len(body))
        return struct.pack(order + "I", kind) + size + body + size

    def section(order):
        return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(order, link, snap, options=b""):
        return block(order, 1, struct.pack(order + "HHI", link, 0, snap) + options)

    def packet(order, which, ticks, frame, caught=None):
        caught = frame[:caught]
        return block(order, 6, struct.pack(order + "IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, len(caught), len(frame)) + caught)

    def talk(i):
        return (udp(CLIENT, SERVER, 44000 + i, 5000, b"question" * 8), udp(SERVER, CLIENT, 5000, 44000 + i, b"the answer"))

    seconds, cooked = int(START), b"\0\0\0\1\0\6" + b"\0" * 8 + b"\x08\0"
    nano, binary = struct.pack("<HHI", 9, 1, 9), struct.pack("<HHI", 9, 1, 0x80 | 20)
    shifted = struct.pack("<HHq", 14, 8, seconds)
    out = section("<") + interface("<", 1, 65535) + interface("<", 101, 64, nano) + interface("<", 113, 0, binary)
    out += interface("<", 220, 0) + interface("<", 0, 1000, shifted)
    for i, (ticks, size, wrap) in enumerate(((seconds * 1000000 + 100, None, ethernet), (seconds * 1000000000 + 200100, 64, lambda p: p),
                                             ((seconds << 20) + 300, None, lambda p: cooked + p), (0, None, lambda p: p),
                                             (400, None, lambda p: struct.pack("<I", 2) + p))):
        out += b"".join(packet("<", i, ticks + 10 * n, wrap(p), size) for n, p in enumerate(talk(i)))
    out += block("<", 5, struct.pack("<III", 0, 0, 0)) + section(">") + interface(">", 276, 0)
    for n, p in enumerate(talk(5)):
        head = struct.pack("!HHIHBB8s", 0x800, 0, 3, 1, 0, 6, b"")
        out += packet(">", 0, seconds * 1000000 + 500 + n, head + p)
    return out


def hello(kind, body):
    """A TLS record with a handshake message: ClientHello 1, ServerHello 2."""
    random = bytes(range(0xA0, 0xC0))
    body = b"\x03\x03" + random + b"\x20" + random[::-1] + body
    body = bytes([kind]) + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03" + (b"\x01" if kind == 1 else b"\x03") + struct.pack("!H", len(body)) + body


def tls():
    name = b"www.example.org"
    sni = struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    extensions = sni + struct.pack("!HHBBB", 43, 3, 2, 3, 4)
    client = b"\x00\x06\x13\x01\x13\x02\xc0\x2f\x01\x00" + struct.pack("!H", len(extensions)) + extensions
    server = b"\x13\x01\x00\x00\x06\x00\x2b\x00\x02\x03\x04"
    return [(0, hello(1, client)), (1, hello(2, server) + b"\x14\x03\x03\x00\x01\x01\x17\x03\x03\x02\x00" + b"e" * 512),
            (0, b"\x14\x03\x03\x00\x01\x01\x17\x03\x03\x00\x35" + b"f" * 53)]


def snmp(pdu, value):
    """A message of version 2c about sysName: get-request 0xa0, response 0xa2."""
    binding = b"\x06\x08\x2b\x06\x01\x02\x01\x01\x05\x00" + value
    binding = b"\x30" + bytes([len(binding)]) + binding
    body = b"\x02\x01\x07\x02\x01\x00\x02\x01\x00\x30" + bytes([len(binding)]) + binding
    message = b"\x02\x01\x01\x04\x06public" + bytes([pdu, len(body)]) + body
    return b"\x30" + bytes([len(message)]) + message


def dhcp(operation, kind):
    head = bytes([operation, 1, 6, 0]) + b"\xde\xad\xbe\xef" + b"\0" * 20 + mac(CLIENT) + b"\0" * 10
    return head + b"\0" * 192 + b"\x63\x82\x53\x63\x35\x01" + bytes([kind]) + b"\xff" + b"\0" * 52


def radius(code, attributes):
    return struct.pack("!BBH", code, 7, 20 + len(attributes)) + bytes(range(16)) + attributes


# What is said over TCP, each with its port: (side, bytes), the client is side 0.
TALKS = {
    80: [(0, b"GET /a HTTP/1.1\r\nHost: www.example.org\r\n\r\n"),
         (1, b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"b" * 20)],
    25: [(1, b"220 mail.example.org ESMTP Postfix (Debian/GNU)\r\n"), (0, b"EHLO client.example.org\r\n"),
         (1, b"250-mail.example.org\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n"), (0, b"MAIL FROM:<anna@example.org>\r\n"),
         (1, b"250 2.1.0 Ok\r\n"), (0, b"QUIT\r\n"), (1, b"221 2.0.0 Bye\r\n")],
    21: [(1, b"220 (vsFTPd 3.0.3)\r\n"), (0, b"USER anna\r\n"), (1, b"331 Please specify the password.\r\n"),
         (0, b"PASS secret\r\n"), (1, b"230 Login successful.\r\n"), (0, b"PASV\r\n"),
         (1, b"227 Entering Passive Mode (10,1,0,80,200,1).\r\n"), (0, b"RETR a\r\n"),
         (1, b"150 Opening BINARY mode data connection for a.\r\n226 Transfer complete.\r\n"),
         (0, b"QUIT\r\n"), (1, b"221 Goodbye.\r\n")],
    51201: [(1, b"what is in the file\n" * 40)],
    22: [(0, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), (1, b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"),
         (0, b"\0\0\x05\xac\x0a\x14" + b"k" * 1450), (1, b"\0\0\x04\x3c\x0a\x14" + b"k" * 1082)],
    110: [(1, b"+OK Dovecot (Debian) ready.\r\n"), (0, b"CAPA\r\n"),
          (1, b"+OK\r\nCAPA\r\nTOP\r\nUIDL\r\nSASL PLAIN LOGIN\r\n.\r\n"), (0, b"USER anna\r\n"), (1, b"+OK\r\n"),
          (0, b"PASS secret\r\n"), (1, b"+OK Logged in.\r\n"), (0, b"QUIT\r\n"), (1, b"+OK Logging out.\r\n")],
    443: tls(),
    6667: [(1, b":irc.example.org NOTICE * :*** Looking up your hostname...\r\n"),
           (0, b"NICK anna\r\nUSER anna 0 * :Anna\r\n"),
           (1, b":irc.example.org 001 anna :Welcome to the network anna!anna@10.1.0.2\r\n")],
    1883: [(0, b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04anna"), (1, b"\x20\x02\0\0"),
           (0, b"\x30\x0c\0\x07room/t1021\xe0\0")],
}


def services():
    """Each service of UNSW-NB15 in both directions, and MQTT, which is none of them."""
    query = dns_query("www.example.org")
    datagrams = [(53, query, query[:2] + b"\x81\x80" + query[4:6] + b"\0\1" + query[8:] + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\0\x50"),
                 (161, snmp(0xA0, b"\x05\0"), snmp(0xA2, b"\x04\x04host")), (67, dhcp(1, 1), dhcp(2, 2)),
                 (1812, radius(1, b"\x01\x06anna"), radius(2, b"\x06\x06\0\0\0\x02"))]
    packets = []
    for i, (port, said) in enumerate(TALKS.items()):
        talk = Connection(CLIENT, SERVER, 42000 + i, port, 1000 + 100 * i, 70000 + 1000 * i)
        time = 0.1 * i
        talk.open(time)
        for side, data in said:
            time += 0.005
            talk.send(time, side, PSH | ACK, data)
        talk.close(time + 0.005)
        packets += talk.packets
    for i, (port, ask, answer) in enumerate(datagrams):
        sport = 68 if port == 67 else 43000 + i
        packets += [(2 + 0.1 * i, udp(CLIENT, DNS, sport, port, ask)), (2.004 + 0.1 * i, udp(DNS, CLIENT, port, sport, answer))]
    return [(t, ethernet(p)) for t, p in packets]


def records(packets, link=1):
    """A pcap of (seconds, microseconds, bytes caught, length on the wire), in this order."""
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    for seconds, micros, caught, length in packets:
        out += struct.pack("<IIII", seconds, micros, len(caught), length) + caught
    return out


def whole(frames):
    return records([(int(START), 1000 * i, f, len(f)) for i, f in enumerate(frames)])


def backwards():
    """One flow whose packets come from before, from the start of time, from its end, from no time."""
    frame = ethernet(udp(CLIENT, SERVER, 45000, 5000, b"tick"))
    start = int(START)
    times = [(start, 500000), (start, 499999), (start - 5, 0), (start, 600000), (0, 0), (0, 1),
             (0xFFFFFFFF, 0), (start, 700000), (start, 1000000), (start, 0xFFFFFFFF), (start, 800000)]
    return records([(s, m, frame, len(frame)) for s, m in times])


def snapped():
    """A SYN with options, and a datagram in VXLAN, cut after every number of bytes."""
    syn = ethernet(tcp(CLIENT, SERVER, 45001, 80, 1, 0, SYN, options=b"\2\4\5\xb4\1\3\3\7"))
    inner = ethernet(udp(CLIENT, SERVER, 45002, 5000, b"inside"))
    tunnel = ethernet(udp(WEST, EAST, 50000, 4789, struct.pack("!II", 8 << 24, 23 << 8) + inner))
    return records([(int(START), 1000 * i, f[:cut], len(f))
                    for i, (f, cut) in enumerate([(f, cut) for f in (syn, tunnel) for cut in range(len(f) + 1)])])


def damaged():
    """Frames with one wrong byte or two each, and what they are counted as."""
    four, six = ethernet(udp(CLIENT, SERVER, 45003, 5000, b"four")), ethernet(udp("fd00::2", "fd00::80", 45003, 5000, b"six"))
    chain = ethernet(ip("fd00::2", "fd00::80", 0, b"end", extensions=bytes([59, 0, 1, 4, 0, 0, 0, 0])))
    page = ethernet(tcp(CLIENT, SERVER, 45004, 80, 1, 1, ACK, b"page"))
    ping = ethernet(icmp(CLIENT, SERVER, 8, 0, 1))

    def wrong(frame, *changes):
        frame = bytearray(frame)
        for at, value in changes:
            frame[at] = value
        return bytes(frame)

    lengths = [wrong(four, (14, 0x44)), wrong(four, (14, 0x4F)), wrong(four, (16, 0xFF)), wrong(four, (17, 19)),
               wrong(four, (17, 27)), wrong(four, (39, 7)), wrong(four, (38, 0xFF)), wrong(six, (18, 0xFF)),
               wrong(six, (19, 7)), wrong(chain, (55, 200)), wrong(page, (46, 0x40)), wrong(page, (46, 0xF0)),
               wrong(page, (17, 39)), wrong(ping, (17, 27)), wrong(four, (17, 0), (16, 0), (14, 0x4F))]
    versions = [wrong(four, (14, 0x55)), wrong(four, (14, 5)), wrong(six, (14, 0x70)), wrong(six, (14, 0x45))]
    others = [wrong(four, (12, 0x88), (13, 0xCC)), wrong(four, (12, 0), (13, 42)),
              wrong(ethernet(arp(1, CLIENT, SERVER)), (15, 6)), wrong(ethernet(arp(1, CLIENT, SERVER)), (19, 16))]
    short = [b"", four[:13], four[:33], ethernet(arp(1, CLIENT, SERVER))[:41]]
    return whole(lengths + versions + others + short)


def deep():
    """Headers without an end: tags, labels, IPv6 headers, tunnels in tunnels."""
    packet = udp(CLIENT, SERVER, 45005, 5000, b"deep")
    label = struct.pack("!I", 16 << 12 | 64)
    chain = b"".join(bytes([60, 0, 1, 4, 0, 0, 0, 0]) for _ in range(20))
    frames = [ethernet(packet, [(0x8100, i) for i in range(40)]),
              ethernet(packet)[:12] + b"\x88\x47" + label * 100,
              ethernet(ip("fd00::2", "fd00::80", 60, b"", extensions=chain))]
    for wrap in (lambda p: ip(WEST, EAST, 4, p), lambda p: ip(WEST, EAST, 47, struct.pack("!HH", 0, 0x800) + p),
                 lambda p: udp(WEST, EAST, 50000, 4789, struct.pack("!II", 8 << 24, 0) + ethernet(p))):
        nested = packet
        for _ in range(30):
            nested = wrap(nested)
        frames.append(ethernet(nested))
    return whole(frames)


def malformed(folder):
    web_frames = [f for _, f in sorted(web(), key=lambda p: p[0])]
    page, many = whole(web_frames), interfaces()
    files = {
        "backwards.pcap": backwards(), "snapped.pcap": snapped(), "damaged.pcap": damaged(), "deep.pcap": deep(),
        "empty.pcap": b"", "header.pcap": page[:24], "half-header.pcap": page[:17], "text.pcap": b"no capture at all\n",
        "cut.pcap": page[:1000], "huge-record.pcap": page[:24] + struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 60) + page[40:],
        "more-caught.pcap": records([(int(START), 0, web_frames[0], 20)]),
        "cut.pcapng": many[:700], "header.pcapng": many[:28], "no-order.pcapng": many[:8] + b"\0\0\0\0" + many[12:],
        "lengths.pcapng": many[:-4] + b"\0\0\0\0", "huge-block.pcapng": many[:28] + struct.pack("<II", 6, 0xFFFFFFFC) + many[36:],
        "stray.pcapng": many[:28] + many[many.index(b"\6\0\0\0"):],
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    write(os.path.join(folder, "web.pcap"), web())
    write(os.path.join(folder, "scan.pcap"), scan())
    write(os.path.join(folder, "long.pcap"), long_flows())
    write(os.path.join(folder, "ipv6.pcap"), ipv6(), link=101)
    write(os.path.join(folder, "vlan.pcap"), vlan())
    write(os.path.join(folder, "links", "tunnels.pcap"), tunnels())
    write(os.path.join(folder, "links", "wifi.pcap"), wifi(), link=127)
    with open(os.path.join(folder, "links", "interfaces.pcapng"), "wb") as out:
        out.write(interfaces())
    malformed(os.path.join(folder, "malformed"))
    write(os.path.join(folder, "handshakes.pcap"), handshakes())
    write(os.path.join(folder, "rests.pcap"), rests())
    write(os.path.join(folder, "services.pcap"), services())


if __name__ == "__main__":
    main()
