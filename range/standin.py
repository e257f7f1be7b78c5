#!/usr/bin/env python3
"""Stand-ins for services that attacks are delivered to, and for a mail server: standin.py PORT

The weak service (TCP ports WEAK and PORT, UDP 1434) takes a delivery as strike.py makes it and then
behaves as a program that was broken into. It is harmless: its "shell" answers every line with
random bytes and runs nothing. A delivery begins with HEAD: what happens, at which port, how much.

    CRASH    the connection is reset
    ANSWER   so many bytes come back, the connection is closed
    BIND     a shell listens on the port, for one connection and 20 s
    BACK     a shell connects back to the port of who delivered
    FETCH    so many bytes are fetched from the port of who delivered

The mail server (25) takes mail for anyone whose name has no "x" in it, and forgets it."""

import os
import random
import socket
import socketserver
import struct
import sys
import threading

HEAD = struct.Struct(">4sBxHI")  # mark, what, port, bytes of the whole delivery or to fetch
MARK = b"\x90\x90KS"
CRASH, ANSWER, BIND, BACK, FETCH = range(5)
WEAK = (139, 5000, 7001, 8009)
PATIENCE = 20  # seconds


def shell(sock):
    """Random bytes for every line, until the other side closes."""
    sock.settimeout(PATIENCE)
    with sock:
        sock.sendall(b"$ ")
        while sock.recv(4096):
            sock.sendall(os.urandom(random.randint(20, 3000)))


def back(host, port, fetch):
    """Connect to who delivered: for a shell, or to fetch so many bytes."""
    sock = socket.create_connection((host, port), PATIENCE)
    if not fetch:
        shell(sock)
        return
    with sock:
        sock.sendall(struct.pack(">I", fetch))
        while fetch > 0:
            piece = sock.recv(65536)
            if not piece:
                return
            fetch -= len(piece)


def bind(port):
    """A shell for one connection."""
    with socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.settimeout(PATIENCE)
        sock, _ = server.accept()
        shell(sock)


def deliver(what, port, size, host):
    """What comes of a delivery, beside the connection that brought it."""
    try:
        if what == BIND:
            bind(port)
        elif what in (BACK, FETCH):
            back(host, port, size if what == FETCH else 0)
    except OSError:
        pass


class Weak(socketserver.BaseRequestHandler):
    """The weak service: a banner, then what comes; a delivery is known by its mark."""

    def handle(self):
        sock = self.request
        sock.settimeout(PATIENCE)
        try:
            sock.sendall(b"READY 2.1\r\n")
            while True:
                data = sock.recv(65536)
                if not data:
                    return
                at = data.find(MARK)
                if at < 0 or len(data) < at + HEAD.size:
                    sock.sendall(b"ERROR unknown request\r\n")
                    continue
                if self.taken(*HEAD.unpack_from(data, at)[1:]):
                    return
        except OSError:
            pass

    def taken(self, what, port, size):
        """True when the connection is at its end."""
        if what == CRASH:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.request.close()
            return True
        if what == ANSWER:
            self.request.sendall(bytes(size))
            return True
        thread = threading.Thread(
            target=deliver, args=(what, port, size, self.client_address[0]), daemon=True
        )
        thread.start()
        return False


class WeakDatagram(socketserver.BaseRequestHandler):
    """The same in a datagram; never an answer on the port itself."""

    def handle(self):
        data = self.request[0]
        at = data.find(MARK)
        if at >= 0 and len(data) >= at + HEAD.size:
            _, what, port, size = HEAD.unpack_from(data, at)
            deliver(what, port, size, self.client_address[0])


class Mail(socketserver.StreamRequestHandler):
    """SMTP, as much as a client needs (RFC 5321)."""

    timeout = PATIENCE

    def say(self, line):
        """A reply."""
        self.wfile.write(line + b"\r\n")

    def handle(self):
        try:
            self.say(b"220 mail.example ESMTP")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"QUIT":
                    self.say(b"221 bye")
                    return
                if word == b"EHLO":
                    self.say(b"250-mail.example\r\n250 SIZE 30000000")
                elif word == b"RCPT" and b"x" in line.split(b"@")[0].lower():
                    self.say(b"550 no such user")
                elif word == b"DATA":
                    self.say(b"354 go on")
                    while self.rfile.readline() not in (b".\r\n", b""):
                        pass
                    self.say(b"250 taken")
                else:
                    self.say(b"250 fine")
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    """For IPv4 and IPv6."""

    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


class DatagramServer(socketserver.ThreadingUDPServer):
    """For IPv4 and IPv6."""

    address_family = socket.AF_INET6
    daemon_threads = True


def main():
    """Serve until killed."""
    servers = [Server(("::", port), Weak) for port in (*WEAK, int(sys.argv[1]))]
    servers += [DatagramServer(("::", 1434), WeakDatagram), Server(("::", 25), Mail)]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
