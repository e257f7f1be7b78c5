#!/bin/bash
# The kernel's meter and tunnels. Two namespaces joined by a veth pair:
# - a tunnel of each kind that the kernel has a device for, with real work over it, offloads on:
#   `karma flows -i` on the wire beneath gives the same flows as on the tunnel's own interface, with
#   equal integers; with --outer it gives the tunnel alone.
# - the frames of tests/captures/links/tunnels.pcap sent over the wire: the same flows as from the file.
# Needs root; says why where something is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=1
a=karma-ta-$$ b=karma-tb-$$

needs python3
make_spaces "$a" "$b"
join_spaces "$a" "$b" 10.98.0 mtu 9000
ip -n "$a" addr add 2001:db8:98::1/64 dev v0 nodad
ip -n "$b" addr add 2001:db8:98::2/64 dev v0 nodad

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

meter() { # name namespace interface options...
	must_start "$1" "$2" flows -i "$3" -o "$work/$1.csv" "${@:4}"
}

end_meters() {
	local name
	for name in "${!job[@]}"; do
		stop "$name"
	done
}

# ---- real work over a device of each kind ----

# Both ends work on one processor: a packet queued on each of two may pass another between the meters,
# and be a lost one come late at one of them.
one_cpu=(taskset -c 0)
ip netns exec "$b" "${one_cpu[@]}" tests/live/server.py 2>"$work/server.err" &
pids+=($!)
within 20 inside "$b" python3 -c 'import socket; socket.create_connection(("::1", 80))' 2>/dev/null

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
		skip 1 "no device of kind ${kind%% *} in this kernel"
		continue
	fi
	worked=0
	meter inner "$a" t0
	meter wire "$a" v0
	meter far "$b" v0
	meter outer "$a" v0 --outer
	case "${kind%% *}" in
	sit) hosts=(2001:db8:97::2) ;; # carries IPv6 alone
	ipip) hosts=(10.97.0.2) ;;
	*) hosts=(10.97.0.2 2001:db8:97::2) ;;
	esac
	for host in "${hosts[@]}"; do
		for _ in 1 2 3; do
			inside "$a" "${one_cpu[@]}" python3 "$work/client.py" "$host" 2>"$work/client.err" &&
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

frames=$captures/links/tunnels.pcap
for options in "" --outer; do
	# shellcheck disable=SC2086 # none or one
	meter sent "$b" v0 $options
	inside "$a" python3 "$work/send.py" "$frames" || echo "not sent"
	sleep 0.3
	end_meters
	# shellcheck disable=SC2086
	"$karma" flows $options "$frames" -o "$work/file.csv" 2>/dev/null
	check "frames sent as they are ($options)" python3 "$work/compare.py" \
		"$work/sent.csv" "$work/file.csv" 13 10.1. 192.0.2. 198.51. fd00: 2001:db8::
done
finish
