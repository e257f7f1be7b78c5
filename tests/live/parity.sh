#!/bin/bash
# The kernel's meter against a capture of the same traffic: two namespaces joined by a veth pair,
# real clients and servers; `karma flows -i` on one end and tcpdump on it give the same flows, with
# equal integers and nearly equal times. Needs root; says why where it is skipped.
#
# parity.sh [KARMA]
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
karma=${1:-$root/build/karma}
a=karma-a-$$ b=karma-b-$$
seconds=60 # that anything may take
[ -z "${KARMA_EMULATED:-}" ] || seconds=200 # tests/kernels
work=$(mktemp -d)
pids=()

finish() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	for ns in "$a" "$b"; do
		ip netns del "$ns" 2>/dev/null
	done
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

skip() {
	echo "skipped: live parity: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

fail() {
	echo "FAILED: $*"
	echo "0 passed, 1 failed, 0 skipped"
	exit 1
}

[ "$(id -u)" -eq 0 ] || skip "needs root"
for tool in ip tcpdump ethtool python3 ping; do
	command -v "$tool" >/dev/null || skip "needs $tool"
done
for ns in "$a" "$b"; do
	ip netns add "$ns" 2>/dev/null || skip "no network namespaces here"
done

ip -n "$a" link add v0 type veth peer name v0 netns "$b" || fail "no veth pair"
for end in "$a 1" "$b 2"; do
	read -r ns host <<<"$end"
	ip -n "$ns" addr add "10.99.0.$host/24" dev v0
	ip -n "$ns" addr add "2001:db8:99::$host/64" dev v0 nodad
	ip -n "$ns" link set v0 up
	ip -n "$ns" link set lo up
	# tcpdump shows a super-packet as one; without them both count what is on the wire.
	ip netns exec "$ns" ethtool -K v0 tso off gso off gro off tx off >/dev/null 2>&1
done

inside() { # namespace command...
	local ns=$1
	shift
	timeout "$seconds" ip netns exec "$ns" "$@"
}

# The servers: HTTP over TCP, and an echo of datagrams.
cat >"$work/server.py" <<'END'
import http.server, socket, threading

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
END
cat >"$work/client.py" <<'END'
import socket, urllib.request

for host in ("10.99.0.2", "[2001:db8:99::2]"):
    for size in (0, 10, 5000, 300000):
        urllib.request.urlopen(f"http://{host}/{size}").read()
for family, host in ((socket.AF_INET, "10.99.0.2"), (socket.AF_INET6, "2001:db8:99::2")):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(5)
    for size in (1, 100, 1400, 6000):  # the last in fragments
        s.sendto(b"u" * size, (host, 7))
        s.recv(65536)
    for port in (81, 82):  # refused
        try:
            socket.create_connection((host, port), 2)
        except ConnectionRefusedError:
            pass
        s.sendto(b"?", (host, port))
END

timeout "$seconds" ip netns exec "$b" python3 "$work/server.py" &
pids+=($!)
timeout "$seconds" ip netns exec "$a" "$karma" flows -i v0 -o "$work/live.csv" 2>"$work/live.err" &
meter=$!
pids+=("$meter")
timeout "$seconds" ip netns exec "$a" tcpdump -i v0 -s 0 -U -w "$work/v0.pcap" 2>"$work/tcpdump.err" &
dump=$!
pids+=("$dump")

ready() {
	grep -q listening "$work/tcpdump.err" && grep -q metering "$work/live.err" &&
		inside "$a" python3 -c 'import socket; socket.create_connection(("2001:db8:99::2", 80))'
}
for _ in $(seq 100); do
	ready 2>/dev/null && break
	kill -0 "$meter" 2>/dev/null || fail "karma flows ended: $(cat "$work/live.err")"
	sleep 0.1
done
ready || fail "the meter, tcpdump or the server did not start: $(cat "$work/live.err")"

inside "$a" ping -q -c 3 -i 0.2 10.99.0.2 >/dev/null || fail "no ping"
inside "$a" ping -q -c 2 -i 0.2 2001:db8:99::2 >/dev/null || fail "no IPv6 ping"
inside "$a" python3 "$work/client.py" || fail "no work done"
sleep 1

# Both end within one instant; no packet is in between on a silent link.
children_of() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}
for pid in "$dump" "$meter"; do
	# shellcheck disable=SC2046 # a list of process ids
	kill -INT $(children_of "$pid")
	wait "$pid"
done
tail -n 1 "$work/live.err"
"$karma" flows "$work/v0.pcap" -o "$work/file.csv" || fail "the capture cannot be read"

python3 - "$work/live.csv" "$work/file.csv" <<'END' || fail "live and captured flows differ"
import collections, csv, os, sys

KEY = "srcip sport dstip dsport proto".split()
# Taken at two places: by tcpdump's socket and by the meter.
# An emulated processor (tests/kernels) may be taken away between them.
TIMES, TOLERANCE = "dur first last".split(), 1 if os.environ.get("KARMA_EMULATED") else 0.05
EQUAL = ("state sbytes dbytes sttl dttl sloss dloss service Spkts Dpkts swin dwin stcpb dtcpb "
         "smeansz dmeansz spayload dpayload ssize1 dsize1").split()

def flows(path):
    table = collections.defaultdict(list)
    for row in csv.DictReader(open(path)):
        # Multicast is the namespaces' own and may be under way before both have begun.
        if not row["dstip"].startswith("ff02:"):
            table[tuple(row[k] for k in KEY)].append(row)
    for rows in table.values():
        rows.sort(key=lambda row: float(row["first"]))
    return table

live, file = flows(sys.argv[1]), flows(sys.argv[2])
wrong = 0
for key in sorted(set(live) | set(file)):
    a, b = live.get(key, []), file.get(key, [])
    if len(a) != len(b):
        print(f"{key}: {len(a)} live, {len(b)} in the capture")
        wrong += 1
        continue
    for x, y in zip(a, b):
        for column in EQUAL:
            if x[column] != y[column]:
                print(f"{key} {column}: live {x[column]}, capture {y[column]}")
                wrong += 1
        for column in TIMES:
            if abs(float(x[column]) - float(y[column])) > TOLERANCE:
                print(f"{key} {column}: live {x[column]}, capture {y[column]}")
                wrong += 1
tcp = sum(k[4] == "tcp" for k in live)
udp = sum(k[4] == "udp" for k in live)
print(f"{len(live)} flows: {tcp} TCP, {udp} UDP; {wrong} differences")
sys.exit(wrong > 0 or tcp < 12 or udp < 4)
END
echo "1 passed, 0 failed, 0 skipped"
