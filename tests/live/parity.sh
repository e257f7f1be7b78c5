#!/bin/bash
# The kernel's meter against a capture of the same traffic: two namespaces joined by a veth pair,
# real clients and servers; `karma flows -i` on one end and tcpdump on it give the same flows, with
# equal integers and nearly equal times. Needs root; says why where it is skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=1
a=karma-a-$$ b=karma-b-$$
[ -z "${KARMA_EMULATED:-}" ] || seconds=200 # tests/kernels

needs tcpdump ethtool python3 ping
make_spaces "$a" "$b"
join_spaces "$a" "$b" 10.99.0
for ns in "$a 1" "$b 2"; do
	ip -n "${ns% *}" addr add "2001:db8:99::${ns#* }/64" dev v0 nodad
	# tcpdump shows a super-packet as one; without them both count what is on the wire.
	ip netns exec "${ns% *}" ethtool -K v0 tso off gso off gro off tx off >/dev/null 2>&1
done

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

ip netns exec "$b" tests/live/server.py 2>"$work/server.err" &
pids+=($!)
must_start live "$a" flows -i v0 -o "$work/live.csv"
ip netns exec "$a" tcpdump -i v0 -s 0 -U -w "$work/v0.pcap" 2>"$work/tcpdump.err" &
job[dump]=$!

ready() {
	grep -q listening "$work/tcpdump.err" &&
		inside "$a" python3 -c 'import socket; socket.create_connection(("2001:db8:99::2", 80))'
}
within 30 ready 2>/dev/null || broken "tcpdump or the server does not start"

inside "$a" ping -q -c 3 -i 0.2 10.99.0.2 >/dev/null || broken "no ping"
inside "$a" ping -q -c 2 -i 0.2 2001:db8:99::2 >/dev/null || broken "no IPv6 ping"
inside "$a" python3 "$work/client.py" || broken "no work done"
sleep 1

# Both end within one instant; no packet is in between on a silent link.
stop dump
stop live
tail -n 1 "$work/live.err"
"$karma" flows "$work/v0.pcap" -o "$work/file.csv" || broken "the capture cannot be read"

check "live and captured flows are the same" python3 - "$work/live.csv" "$work/file.csv" <<'END'
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
cat "$work/said"
finish
