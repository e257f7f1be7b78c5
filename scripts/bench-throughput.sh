#!/bin/bash
# usage: scripts/bench-throughput.sh [--json] [KARMA]
# What metering costs a bulk transfer: iperf3 over a veth pair between two namespaces of its own,
# default offloads, in turn without karma and with `karma flows` on the receiver's interface; and what
# keeping packets costs beside detection: `karma run` there, without and with --pcap-dir, also under
# datagrams of 100 bytes. Prints medians: Gbit/s, the shares that are kept, datagrams a second, and
# the processor time of karma run, in percent of one processor and in nanoseconds a datagram. Needs
# root and iperf3; without them it says so and exits 0.
set -u
cd "$(dirname "$0")/.." || exit 1

json=
[ "${1:-}" = --json ] && json=1 && shift
karma=${1:-build/karma}
a=karma-ta-$$ b=karma-tb-$$
rounds=3 seconds=2
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

datagrams() { # how many arrive
	timeout 30 ip netns exec "$a" iperf3 -u -l 100 -b 0 -c 192.168.78.2 -t "$seconds" --json |
		python3 -c 'import json, sys; s = json.load(sys.stdin)["end"]["sum"]; print(s["packets"] - s["lost_packets"])'
}

ticks() { # of a process's processor time
	local words
	read -ra words <"/proc/$1/stat"
	echo $((words[13] + words[14]))
}

start() { # karma's arguments...
	: >"$work/err"
	ip netns exec "$b" "$karma" "$@" >"$work/out" 2>"$work/err" &
	meter=$!
	pids+=("$meter")
	for _ in $(seq 100); do
		grep -qE 'metering|watching' "$work/err" && break
		sleep 0.1
	done
}

measure() { # name command: its figure, and the ticks of karma meanwhile
	local before
	before=$(ticks "$meter")
	"$2" >>"$work/$1"
	echo $(($(ticks "$meter") - before)) >>"$work/$1.ticks"
}

stop() {
	kill -INT "$meter"
	wait "$meter"
}

for _ in $(seq "$rounds"); do
	transfer >>"$work/without"
	start flows -i v0 -o "$work/flows.csv"
	measure with transfer
	stop
	for name in run keeping; do
		options=()
		[ $name = run ] || options=(--pcap-dir "$work/packets")
		start run -i v0 --no-history "${options[@]}"
		measure $name transfer
		measure $name.small datagrams
		stop
	done
done
python3 - "$work" "${json:-0}" "$seconds" "$(getconf CLK_TCK)" <<'END'
import json, statistics, sys
work, as_json, seconds, per_second = sys.argv[1], sys.argv[2] == "1", *map(float, sys.argv[3:])
figures = {}
def rounds(name):
    return [float(line) for line in open(f"{work}/{name}")]
for name in "without", "with", "run", "keeping":
    figures[name + "_gbit_per_s"] = round(statistics.median(rounds(name)), 3)
figures["kept"] = round(figures["with_gbit_per_s"] / figures["without_gbit_per_s"], 4)
figures["kept_by_keeping"] = round(figures["keeping_gbit_per_s"] / figures["run_gbit_per_s"], 4)
for name in "run", "keeping":
    cpu = [t / per_second for t in rounds(name + ".ticks")]
    small = [t / per_second for t in rounds(name + ".small.ticks")]
    packets = rounds(name + ".small")
    figures[name + "_cpu_percent"] = round(100 * statistics.median(cpu) / seconds, 2)
    figures[name + "_datagrams_per_s"] = round(statistics.median(packets) / seconds)
    figures[name + "_cpu_ns_per_datagram"] = round(
        statistics.median(t / n * 1e9 for t, n in zip(small, packets)))
if as_json:
    print(json.dumps({"throughput": figures}))
else:
    print("\nthroughput: iperf3 over veth, default offloads, without and with the meter; karma run, "
          "and it keeping packets")
    for name, value in figures.items():
        print("  %-44s %12.6g" % (name.replace("_", " "), value))
END
