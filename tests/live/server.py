#!/usr/bin/python3
"""The servers of live tests: over TCP port 80, HTTP (a page /N is N bytes long); port 7, an echo of
datagrams. Until killed."""
import http.server
import socket
import threading


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"x" * int(self.path.rsplit("/", 1)[1])
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Six(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


def echo():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::", 7))
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


threading.Thread(target=echo, daemon=True).start()
Six(("::", 80), Page).serve_forever()
