#!/usr/bin/env python3
"""The attack of a capture as another would have done it.

usage: tests/captures/blend.py fresh|busy|ten CAPTURE.pcap ATTACKER OUT.pcap

  fresh  from an address that did nothing else
  busy   from the address of the host that asks most of others in the capture, while it works
  ten    from ten addresses, flow by flow

Prints the addresses that attack now. Ethernet and IPv4; whole packets are kept, ports and times too.
"""
import collections
import ipaddress
import struct
import sys

ETHERNET, IPV4_AT = 14, 26  # the source address stands behind 12 bytes of IP header


def read(path):
    with open(path, "rb") as f:
        header = f.read(24)
        if header[:4] != b"\xd4\xc3\xb2\xa1" or header[20:24] != b"\x01\0\0\0":
            sys.exit(f"{path}: no little-endian pcap of Ethernet frames")
        packets = []
        while record := f.read(16):
            packets.append((record, f.read(struct.unpack("<8xI4x", record)[0])))
        return header, packets


def is_ipv4(frame):
    return frame[12:14] == b"\x08\0" and len(frame) >= ETHERNET + 20


def ends(frame):
    return frame[IPV4_AT:IPV4_AT + 4], frame[IPV4_AT + 4:IPV4_AT + 8]


def port(frame, end):
    """Of the source (0) or destination (1); 0 without ports or where the packet is a later fragment."""
    at = ETHERNET + 4 * (frame[ETHERNET] & 15)
    later = int.from_bytes(frame[20:22], "big") & 0x1fff
    if frame[23] not in (6, 17) or later or len(frame) < at + 4:
        return 0
    return int.from_bytes(frame[at + 2 * end:at + 2 * end + 2], "big")


def is_request(frame):
    """A SYN, or a question to a name server."""
    at = ETHERNET + 4 * (frame[ETHERNET] & 15)
    return is_ipv4(frame) and (
        (frame[23] == 6 and len(frame) > at + 13 and frame[at + 13] & 0x12 == 2)
        or (frame[23] == 17 and port(frame, 1) == 53))


def mend(frame, at, old, new):
    """A checksum after a change (RFC 1624)."""
    if at + 2 > len(frame):
        return
    total = ~int.from_bytes(frame[at:at + 2], "big") & 0xffff
    for i in (0, 2):
        total += (~int.from_bytes(old[i:i + 2], "big") & 0xffff) + int.from_bytes(new[i:i + 2], "big")
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    frame[at:at + 2] = (~total & 0xffff).to_bytes(2, "big")


def rename(frame, old, new):
    """The frame with one address for another, within the quoted packet of an ICMP error as well."""
    changed = bytearray(frame.replace(old, new))
    if is_ipv4(frame) and old in ends(frame):
        at = ETHERNET + 4 * (frame[ETHERNET] & 15)
        mend(changed, 24, old, new)
        later = int.from_bytes(frame[20:22], "big") & 0x1fff
        if frame[23] in (6, 17) and not later:
            mend(changed, at + (16 if frame[23] == 6 else 6), old, new)
    return bytes(changed)


def fresh(taken, count):
    """Addresses of the attacker's network that nobody has."""
    network = ipaddress.ip_network((taken[0], 24), strict=False)
    free = [h.packed for h in network.hosts() if h.packed not in taken]
    return free[-count:]


def main():
    if len(sys.argv) != 5 or sys.argv[1] not in ("fresh", "busy", "ten"):
        sys.exit(__doc__)
    how, source, attacker, target = sys.argv[1:]
    header, packets = read(source)
    attacker = ipaddress.ip_address(attacker).packed
    hosts = {a for _, f in packets if is_ipv4(f) for a in ends(f)}
    if how == "busy":
        asked = collections.Counter(ends(f)[0] for _, f in packets if is_request(f))
        del asked[attacker]
        new = [asked.most_common(1)[0][0]]
    else:
        new = fresh([attacker, *hosts], 10 if how == "ten" else 1)
    with open(target, "wb") as out:
        out.write(header)
        for record, frame in packets:
            if is_ipv4(frame) and attacker in ends(frame):
                mine = port(frame, ends(frame).index(attacker))
                frame = rename(frame, attacker, new[mine % len(new)])
            out.write(record + frame)
    print(*(ipaddress.ip_address(a) for a in new))


if __name__ == "__main__":
    main()
