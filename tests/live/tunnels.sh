#!/bin/bash
# The kernel's meter and tunnels. Two namespaces joined by a veth pair:
# - a tunnel of each kind that the kernel has a device for, with real work over it, offloads on:
#   `karma flows -i` on the wire beneath gives the same flows as on the tunnel's own interface, with
#   equal integers; with --outer it gives the tunnel alone.
# - the frames of tests/captures/links/tunnels.pcap sent over the wire: the same flows as from the file.
# Needs root; says why where something is skipped.
#
# tunnels.sh [KARMA]
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
karma=${1:-$root/build/karma}
a=karma-ta-$$ b=karma-tb-$$
work=$(mktemp -d)
pids=()
passed=0 failed=0 skipped=0

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
	echo "skipped: $*"
	skipped=$((skipped + 1))
}

skip_all() {
	echo "skipped: live tunnels: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}

check() { # name command...
	local name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		cat "$work"/*.err 2>/dev/null
	fi
}

inside() { # namespace command...
	local ns=$1
	shift
	timeout 30 ip netns exec "$ns" "$@"
}

[ "$(id -u)" -eq 0 ] || skip_all "needs root"
for tool in ip python3; do
	command -v "$tool" >/dev/null || skip_all "needs $tool"
done
for ns in "$a" "$b"; do
	ip netns add "$ns" 2>/dev/null || skip_all "no network namespaces here"
done
ip -n "$a" link add v0 mtu 9000 type veth peer name v0 mtu 9000 netns "$b" || exit 1
for end in "$a 1" "$b 2"; do
	read -r ns host <<<"$end"
	ip -n "$ns" addr add "10.98.0.$host/24" dev v0
	ip -n "$ns" addr add "2001:db8:98::$host/64" dev v0 nodad
	ip -n "$ns" link set v0 up
	ip -n "$ns" link set lo up
done

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
import socket, sys, urllib.request

host = sys.argv[1]
for size in (0, 300000, 2000000):
    urllib.request.urlopen(f"http://[{host}]/{size}" if ":" in host else f"http://{host}/{size}").read()
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for size in (1, 1000):
    s.sendto(b"u" * size, (host, 7))
    s.recv(65536)
END
cat >"$work/send.py" <<'END'
import socket, struct, sys

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("v0", 0))
data = open(sys.argv[1], "rb").read()
at = 24
while at < len(data):
    size = struct.unpack("<I", data[at + 8:at + 12])[0]
    s.send(data[at + 16:at + 16 + size])
    at += 16 + size
END
cat >"$work/compare.py" <<'END'
"""compare.py A.csv B.csv LEAST [PREFIX ...]: the flows of both are equal, and at least LEAST; of A
and B those between addresses that begin with the prefixes, or all."""
import collections, csv, sys

KEY = "srcip sport dstip dsport proto".split()
EQUAL = ("state sbytes dbytes sttl dttl sloss dloss Spkts Dpkts swin dwin stcpb dtcpb smeansz "
         "dmeansz spayload dpayload ssize1 dsize1").split()
prefixes = sys.argv[4:] or [""]

def flows(path):
    table = collections.defaultdict(list)
    for row in csv.DictReader(open(path)):
        if all(any(row[end].startswith(p) for p in prefixes) for end in ("srcip", "dstip")):
            if row["proto"] not in ("arp", "ipv6-icmp"):  # the kernel's own, at its own time
                table[tuple(row[k] for k in KEY)].append(row)
    return table

one, two = flows(sys.argv[1]), flows(sys.argv[2])
wrong = 0
for key in sorted(set(one) | set(two)):
    x, y = one.get(key, []), two.get(key, [])
    if len(x) != 1 or len(y) != 1:
        print(f"{key}: {len(x)} and {len(y)} rows")
        wrong += 1
        continue
    for column in EQUAL:
        if x[0][column] != y[0][column]:
            print(f"{key} {column}: {x[0][column]} and {y[0][column]}")
            wrong += 1
sys.exit(wrong > 0 or len(one) < int(sys.argv[3]))
END

meters=()
meter() { # namespace interface name options...
	local ns=$1 interface=$2 name=$3
	shift 3
	timeout 300 ip netns exec "$ns" "$karma" flows -i "$interface" -o "$work/$name.csv" "$@" \
		2>"$work/$name.err" &
	meters+=("$!")
	pids+=("$!")
	for _ in $(seq 600); do
		grep -q metering "$work/$name.err" 2>/dev/null && return
		sleep 0.1
	done
	echo "the meter of $interface did not start"
}

end_meters() {
	for pid in "${meters[@]}"; do
		# shellcheck disable=SC2046 # a list of process ids
		kill -INT $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) 2>/dev/null
		wait "$pid"
	done
	meters=()
}

# ---- real work over a device of each kind ----

timeout 900 ip netns exec "$b" python3 "$work/server.py" 2>"$work/server.err" &
pids+=($!)
for _ in $(seq 100); do
	inside "$b" python3 -c 'import socket; socket.create_connection(("::1", 80))' 2>/dev/null && break
	sleep 0.2
done

# kind, and what of it depends on the end; L and R stand for the local and the other address
kinds=(
	"vxlan id 23 dstport 4789 local L remote R"
	"vxlan id 23 dstport 8472 local L6 remote R6"
	"geneve id 23 remote R"
	"gretap local L remote R"
	"erspan seq key 1 erspan_ver 1 local L remote R"
	"ipip local L remote R"
	"sit local L remote R"
	"ip6tnl mode any local L6 remote R6"
)

device() { # namespace local-host other-host words...
	local ns=$1 local=$2 other=$3
	shift 3
	local words=" $* "
	words=${words// L6 / 2001:db8:98::$local }
	words=${words// R6 / 2001:db8:98::$other }
	words=${words// L / 10.98.0.$local }
	words=${words// R / 10.98.0.$other }
	# shellcheck disable=SC2086 # words
	ip -n "$ns" link add t0 type $words 2>"$work/device.err" || return 1
	ip -n "$ns" link set t0 mtu 8000 up
	ip -n "$ns" addr add "10.97.0.$local/24" dev t0 2>/dev/null
	ip -n "$ns" addr add "2001:db8:97::$local/64" dev t0 nodad 2>/dev/null
	return 0
}

for kind in "${kinds[@]}"; do
	# shellcheck disable=SC2086 # words
	if ! device "$a" 1 2 $kind || ! device "$b" 2 1 $kind; then
		ip -n "$a" link del t0 2>/dev/null
		skip "no device of kind ${kind%% *} in this kernel"
		continue
	fi
	worked=0
	meter "$a" t0 inner
	meter "$a" v0 wire
	meter "$b" v0 far
	meter "$a" v0 outer --outer
	case "${kind%% *}" in
	sit) hosts=(2001:db8:97::2) ;; # carries IPv6 alone
	ipip) hosts=(10.97.0.2) ;;
	*) hosts=(10.97.0.2 2001:db8:97::2) ;;
	esac
	for host in "${hosts[@]}"; do
		for _ in 1 2 3; do
			inside "$a" python3 "$work/client.py" "$host" 2>"$work/client.err" &&
				worked=$((worked + 1)) && break
			sleep 0.5
		done
	done
	sleep 0.5
	end_meters
	check "$kind: work was done" [ "$worked" -eq ${#hosts[@]} ]
	least=$((4 * worked))
	check "$kind: on the wire as on its interface" \
		python3 "$work/compare.py" "$work/inner.csv" "$work/wire.csv" "$least" 10.97. 2001:db8:97:
	check "$kind: at the other end" \
		python3 "$work/compare.py" "$work/inner.csv" "$work/far.csv" "$least" 10.97. 2001:db8:97:
	check "$kind: from outside no flow in it" [ "$(grep -cE '^(10\.97|2001:db8:97)' "$work/outer.csv")" -eq 0 ]
	check "$kind: from outside the tunnel" [ "$(grep -cE '^(10\.98|2001:db8:98)' "$work/outer.csv")" -ge 1 ]
	ip -n "$a" link del t0
	ip -n "$b" link del t0
done

# ---- frames of every kind, sent as they are ----

frames=$root/tests/captures/links/tunnels.pcap
for options in "" --outer; do
	# shellcheck disable=SC2086 # none or one
	meter "$b" v0 sent $options
	inside "$a" python3 "$work/send.py" "$frames" || echo "not sent"
	sleep 0.3
	end_meters
	# shellcheck disable=SC2086
	"$karma" flows $options "$frames" -o "$work/file.csv" 2>/dev/null
	check "frames sent as they are ($options)" python3 "$work/compare.py" \
		"$work/sent.csv" "$work/file.csv" 13 10.1. 192.0.2. 198.51. fd00: 2001:db8::
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
