#!/usr/bin/env python3
"""Frames for filter.sh, such as no program here would send.

filter_send.py tagged INTERFACE SRC TAGS      a UDP packet behind as many VLAN tags
filter_send.py forged INTERFACE DST PORT N    N UDP packets from as many sources
filter_send.py scan INTERFACE SRC TAGS N      SYNs to N ports behind as many VLAN tags, in a second or so
filter_send.py tun INTERFACE SRC              a UDP packet that comes in by a tun device"""
import fcntl
import socket
import struct
import sys
import time

ETHERNET = b"\x02\x00\x00\x00\x00\x01" + b"\x02\x00\x00\x00\x00\x02"


def udp(src, dst, port):
    return ipv4(src, dst, 17, struct.pack("!HHHH", 1000, port, 12, 0) + b"test")


def syn(src, dst, port):
    return ipv4(src, dst, 6, struct.pack("!HHIIBBHHH", 40000, port, port, 0, 5 << 4, 2, 1024, 0, 0))


def ipv4(src, dst, proto, data):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(data), 0, 0, 64, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst))
    total = sum(struct.unpack("!10H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return head[:10] + struct.pack("!H", ~total & 0xffff) + head[12:] + data


def packet_socket(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    return s


def tags_before_ipv4(tags):
    tags = [0x88a8] * (int(tags) - 1) + [0x8100]
    return b"".join(struct.pack("!HH", tag, 5) for tag in tags) + struct.pack("!H", 0x0800)


def tagged(interface, src, tags):
    packet_socket(interface).send(ETHERNET + tags_before_ipv4(tags) + udp(src, "10.9.0.1", 53))


def scan(interface, src, tags, count):
    s = packet_socket(interface)
    for i in range(int(count)):
        s.send(ETHERNET + tags_before_ipv4(tags) + syn(src, "10.91.0.1", 1 + i))
        time.sleep(0.002)


def forged(interface, dst, port, count):
    s = packet_socket(interface)
    for i in range(int(count)):
        src = socket.inet_ntoa(struct.pack("!I", 0x0a090100 + i))
        s.send(ETHERNET + b"\x08\x00" + udp(src, dst, int(port)))


def tun(interface, src):
    with open("/dev/net/tun", "r+b", buffering=0) as f:
        fcntl.ioctl(f, 0x400454ca, struct.pack("16sH", interface.encode(), 0x1001))  # IFF_TUN | IFF_NO_PI
        f.write(udp(src, "10.8.0.1", 53))


if __name__ == "__main__":
    {"tagged": tagged, "forged": forged, "scan": scan, "tun": tun}[sys.argv[1]](*sys.argv[2:])
