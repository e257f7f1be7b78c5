#!/bin/bash
# usage: scripts/bench-throughput.sh [--json] [KARMA]
# What metering costs a bulk transfer: iperf3 over a veth pair between two namespaces of its own,
# default offloads, in turn without karma and with `karma flows` on the receiver's interface.
# Prints the medians in Gbit/s and the share that is kept. Needs root and iperf3; without them it
# says so and exits 0.
set -u
cd "$(dirname "$0")/.." || exit 1

json=
[ "${1:-}" = --json ] && json=1 && shift
karma=${1:-build/karma}
a=karma-ta-$$ b=karma-tb-$$
rounds=5 seconds=3
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

absent() {
	echo "throughput: not measured: $*" >&2
	exit 0
}

[ "$(id -u)" -eq 0 ] || absent "needs root"
command -v iperf3 >/dev/null || absent "iperf3 is not installed"
for ns in "$a" "$b"; do
	ip netns add "$ns" 2>/dev/null || absent "no network namespaces here"
done
ip -n "$a" link add v0 type veth peer name v0 netns "$b" || absent "no veth pair"
for end in "$a 1" "$b 2"; do
	read -r ns host <<<"$end"
	ip -n "$ns" addr add "192.168.78.$host/24" dev v0
	ip -n "$ns" link set v0 up
	ip -n "$ns" link set lo up
done
ip netns exec "$b" iperf3 -s >/dev/null 2>&1 &
pids+=($!)
sleep 0.5

transfer() { # Gbit/s
	timeout 30 ip netns exec "$a" iperf3 -c 192.168.78.2 -t "$seconds" --json |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"] / 1e9)'
}

for _ in $(seq "$rounds"); do
	transfer >>"$work/without"
	ip netns exec "$b" "$karma" flows -i v0 -o "$work/flows.csv" 2>"$work/err" &
	meter=$!
	for _ in $(seq 50); do
		grep -q metering "$work/err" && break
		sleep 0.1
	done
	transfer >>"$work/with"
	kill -INT "$meter"
	wait "$meter"
done
python3 - "$work" "${json:-0}" <<'END'
import json, statistics, sys
figures = {}
for name in ("without", "with"):
    rounds = [float(line) for line in open(sys.argv[1] + "/" + name)]
    figures[name + "_gbit_per_s"] = round(statistics.median(rounds), 3)
figures["kept"] = round(figures["with_gbit_per_s"] / figures["without_gbit_per_s"], 4)
if sys.argv[2] == "1":
    print(json.dumps({"throughput": figures}))
else:
    print("\nthroughput: iperf3 over veth, default offloads, without and with the meter")
    for name, value in figures.items():
        print("  %-44s %12.4g" % (name.replace("_", " "), value))
END
