"""Who listens to Karma's outputs, in a folder: a stream for EVE, /dev/log, the journal, a server of
HTTPS. What comes is put into files there. While the file `stuck` is there nothing is read; `http`
says what the server does: fail, hang, or work."""
import http.server
import os
import socket
import ssl
import sys
import threading
import time

folder, port = sys.argv[1], int(sys.argv[2])


def path(name):
    return os.path.join(folder, name)


def keep(name, data):
    with open(path(name), "ab") as out:
        out.write(data)


def wait_while_stuck():
    while os.path.exists(path("stuck")):
        time.sleep(0.1)


def stream():
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path("eve.sock"))
    listening.listen()
    while True:
        connection, _ = listening.accept()
        wait_while_stuck()
        while data := connection.recv(65536):
            keep("stream", data)
            wait_while_stuck()


def datagrams(at, name):
    os.makedirs(os.path.dirname(path(at)), exist_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(path(at))
    while True:
        wait_while_stuck()
        keep(name, listening.recv(65536) + b"--\n")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        with open(path("http"), encoding="ascii") as mode:
            mode = mode.read().strip()
        keep("requests", (mode + "\n").encode())
        if mode == "hang":
            time.sleep(600)
        if mode == "work":
            keep("hook", data)
        self.send_response(200 if mode == "work" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


for work in ((stream,), (datagrams, "dev/log", "syslog"), (datagrams, "run/systemd/journal/socket", "journal")):
    threading.Thread(target=work[0], args=work[1:], daemon=True).start()
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(path("cert.pem"), path("key.pem"))
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
keep("ready", b"")
server.serve_forever()
