#!/bin/bash
# Several interfaces at once: a gateway between a client and a server counts what it forwards once,
# or once an interface if told so; interfaces that go down, vanish and come back are followed;
# nothing stays attached. Three namespaces joined by veth pairs. Needs root; says why where it is
# skipped.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=24
client=karma-c-$$ gateway=karma-g-$$ server=karma-s-$$

# ---- the network ----

# client left0 --- left  gateway  right --- right0 server
#        other0 -- other
lay_left() {
	ip -n "$gateway" link add left type veth peer name left0 netns "$client" &&
		ip -n "$gateway" addr add 10.98.1.1/24 dev left &&
		ip -n "$client" addr add 10.98.1.2/24 dev left0 &&
		raise_left
}

raise_left() {
	ip -n "$gateway" link set left up && ip -n "$client" link set left0 up &&
		ip -n "$client" route replace 10.98.2.0/24 via 10.98.1.1
}

lay_net() {
	make_spaces "$client" "$gateway" "$server"
	for ns in "${spaces[@]}"; do
		# shellcheck disable=SC2016 # the inner shell expands it
		ip netns exec "$ns" bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
			for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >"$f"; done
			echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	done
	lay_left &&
		ip -n "$gateway" link add right type veth peer name right0 netns "$server" &&
		ip -n "$gateway" link add other type veth peer name other0 netns "$client" &&
		ip -n "$gateway" addr add 10.98.2.1/24 dev right &&
		ip -n "$server" addr add 10.98.2.2/24 dev right0 &&
		ip -n "$gateway" addr add 10.98.3.1/24 dev other &&
		ip -n "$client" addr add 10.98.3.2/24 dev other0 &&
		ip -n "$gateway" link set right up && ip -n "$server" link set right0 up &&
		ip -n "$gateway" link set other up && ip -n "$client" link set other0 up &&
		ip -n "$server" route add default via 10.98.2.1
}

cat >"$work/server.py" <<'END'
import socket, threading

def echo():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.98.2.2", 7))
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)

threading.Thread(target=echo, daemon=True).start()
listener = socket.create_server(("10.98.2.2", 80))
while True:
    c, _ = listener.accept()
    n = int(c.makefile().readline())
    c.sendall(b"x" * n)
    c.close()
END

# client.py PORT: from that port 10 datagrams with an echo each, and a download of 200,000 bytes.
cat >"$work/client.py" <<'END'
import socket, sys

port = int(sys.argv[1])
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("10.98.1.2", port))
u.connect(("10.98.2.2", 7))
u.settimeout(3)
for _ in range(10):
    u.send(b"u" * 100)
    u.recv(1000)
t = socket.create_connection(("10.98.2.2", 80), 3, ("10.98.1.2", port))
t.sendall(b"200000\n")
got = 0
while data := t.recv(65536):
    got += len(data)
t.close()
sys.exit(got != 200000)
END

traffic() { # port
	inside "$client" python3 "$work/client.py" "$1" || broken "no traffic from port $1"
}

# ---- karma in the gateway ----

watch() { # argument...
	must_start karma "$gateway" "$@"
}

said() { # text: within 3 s
	within 3 grep -qF -- "$1" "$work/karma.err"
}

meter() { # port, argument...: flows of the client's traffic from that port
	local port=$1
	shift
	watch flows "$@" -o "$work/flows.csv"
	traffic "$port"
	stop karma || broken "karma flows failed"
}

# rows PORT TIMES: the flows file has the client's two flows so many times each, each time with
# every packet once.
rows() {
	python3 - "$work/flows.csv" "$@" <<-'END'
		import csv, sys

		path, port, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
		rows = [r for r in csv.DictReader(open(path))
		        if r["srcip"] == "10.98.1.2" and r["sport"] == port]
		udp = [r for r in rows if r["proto"] == "udp"]
		tcp = [r for r in rows if r["proto"] == "tcp"]
		good = len(udp) == len(tcp) == times
		for r in udp:
		    good &= r["Spkts"] == r["Dpkts"] == "10" and r["spayload"] == r["dpayload"] == "1000"
		for r in tcp:
		    # A busy machine may send some data again.
		    good &= r["spayload"] == "7" and r["state"] == "FIN"
		    good &= 200000 <= int(r["dpayload"]) < 220000
		if not good:
		    for r in rows:
		        print(*(r[k] for k in "srcip sport dstip dsport proto state Spkts Dpkts spayload "
		                              "dpayload sloss dloss".split()))
		sys.exit(not good)
	END
}

seen_again() { # are there packets that were seen again?
	grep -qE '[0-9]+ packets seen again' "$work/karma.err"
}

attached() { # prints what is attached in the gateway
	local i
	inside "$gateway" python3 "$root/tests/live/tcx.py"
	for i in left right other; do
		inside "$gateway" tc filter show dev "$i" ingress
		inside "$gateway" tc filter show dev "$i" egress
		inside "$gateway" tc qdisc show dev "$i" | grep clsact
	done 2>/dev/null
}

something_attached() {
	[[ -n $(attached) ]]
}

no_filters() {
	! attached | grep -v 'qdisc clsact'
}

nothing_attached() {
	local left
	left=$(attached)
	[[ -z $left ]] && return
	echo "$left"
	return 1
}

needs tc python3 ping
lay_net || broken "the network cannot be laid"
ip netns exec "$server" python3 "$work/server.py" 2>"$work/server.err" &
pids+=($!)
within 20 inside "$client" python3 "$work/client.py" 4999 2>/dev/null || broken "no server"

# ---- counted once ----

meter 5001 -i left -i right
check "what is forwarded is counted once" rows 5001 1
check "and what was seen again is said" seen_again
meter 5002 -i left,right --each-interface
check "--each-interface counts it at each" rows 5002 2
meter 5003 -i right
check "one interface alone counts it, too" rows 5003 1

# The way back is another: by `other`, which has no other traffic.
ip -n "$gateway" route add 10.98.1.2 dev other
meter 5004 -i left,other,right
check "two ways, both directions, on three interfaces" rows 5004 1
meter 5005 -i left,other
check "two ways, both directions, on two interfaces" rows 5005 1
ip -n "$gateway" route del 10.98.1.2 dev other

# ---- followed ----

watch flows -i left,right -o "$work/flows.csv"
check "programs are attached" something_attached
traffic 5101
ip -n "$gateway" link set left down
check "an interface that goes down is told of" said "left is down; waiting for it"
raise_left
check "and that it comes back" said "left is up again"
traffic 5102
ip -n "$gateway" link del left
check "an interface that vanishes is told of" said "left is gone; waiting for its return"
lay_left
check "and another one of its name" said "left is back"
traffic 5103
# Older kernels rename what is down alone.
ip -n "$gateway" link set left down && ip -n "$gateway" link set left name gone &&
	ip -n "$gateway" link set right down
check "that none is left is told, too" said "none of the interfaces is up; waiting"
ip -n "$gateway" link set right up
ip -n "$gateway" link set gone name left && raise_left
said "left is up again"
within 5 inside "$client" python3 "$work/client.py" 5104 || broken "no traffic after renaming"
check "it ends well" stop karma
for port in 5101 5102 5103 5104; do
	rows $port 1 || break
done
check "all flows before, between and after are there, counted once" test "$port" = 5104
check "and how often an interface went is said" \
	grep -qE '[0-9] times? a watched interface went down or away' "$work/karma.err"
check "nothing stays attached" nothing_attached

# ---- interfaces without link headers ----

# A tun interface for as long as the program runs.
cat >"$work/tun.py" <<'END'
import fcntl, os, struct, time

f = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(f, 0x400454CA, struct.pack("16sH22x", b"raw", 0x1001))  # TUNSETIFF: IFF_TUN, IFF_NO_PI
print("ready", flush=True)
while True:
    os.read(f, 65536)
END
pings() { # address: three of them, without an answer
	inside "$gateway" ping -q -c 3 -i 0.2 -W 0.2 "$1" >/dev/null
}
pinged() { # address: they have a row
	grep -q "^10.98.5.1,0,$1,0,icmp,ECO," "$work/flows.csv" &&
		grep "^10.98.5.1,0,$1,0,icmp,ECO," "$work/flows.csv" | cut -d, -f8,17,18 | grep -qx 252,3,0
}
if [[ -c /dev/net/tun ]]; then
	ip netns exec "$gateway" python3 "$work/tun.py" >"$work/tun.out" &
	job[tun]=$!
	within 5 grep -q ready "$work/tun.out" || broken "no tun interface"
	ip -n "$gateway" addr add 10.98.5.1/24 dev raw
	ip -n "$gateway" link set raw up
	watch flows -i left,raw -o "$work/flows.csv"
	pings 10.98.5.7
	stop tun TERM
	said "raw is gone; waiting for its return"
	ip -n "$gateway" link add raw type veth peer name raw0
	ip -n "$gateway" link set raw0 up
	ip -n "$gateway" link set raw up
	ip -n "$gateway" addr add 10.98.5.1/24 dev raw
	ip -n "$gateway" neigh replace 10.98.5.8 lladdr 02:00:00:00:00:08 dev raw
	check "one without link headers is replaced by one with" said "raw is up again"
	pings 10.98.5.8
	stop karma
	check "a tun interface is metered beside one with Ethernet headers" pinged 10.98.5.7
	check "and the one that took its name" pinged 10.98.5.8
	ip -n "$gateway" link del raw
else
	skip 3 "there is no /dev/net/tun"
fi

# ---- karma run ----

# A connection to each of many closed ports.
cat >"$work/scan.py" <<'END'
import socket

for port in range(1000, 2500):
    s = socket.socket()
    s.settimeout(1)
    s.connect_ex(("10.98.2.2", port))
    s.close()
END
alert_at() { # interface, count
	[[ $(grep -c '"in_iface":"'"$1"'".*"event_type":"alert".*"stage":"new"' "$work/eve.json") -ge $2 ]]
}
if [[ -e models/default.karma ]]; then
	watch run -i right,left --eve "$work/eve.json"
	inside "$client" python3 "$work/scan.py"
	check "an alert names the interface that saw it first" within 3 alert_at left 1
	ip -n "$gateway" link del left && lay_left
	said "left is back" || broken "left is not followed"
	ip -n "$gateway" addr add 10.98.4.1/24 dev left
	ip -n "$client" addr add 10.98.4.2/24 dev left0
	ip -n "$client" route replace 10.98.2.0/24 via 10.98.4.1
	inside "$client" python3 "$work/scan.py"
	check "and the one that took its name" within 3 alert_at left 2
	raise_left
	stop karma KILL
	if grep -q tcx "$work/karma.err"; then
		check "nothing stays attached when it is killed" nothing_attached
	else
		meter 5201 -i left,right
		# Nobody knows any more who made the empty qdisc.
		check "what a killed one left is replaced and removed" no_filters
	fi
else
	skip 3 "there is no models/default.karma"
fi

# ---- refused ----

inside "$gateway" "$karma" flows -i left,nix >"$work/karma.out" 2>"$work/karma.err"
check "a name that is not there is refused" \
	grep -q "^karma flows: there is no interface 'nix'; there are: .*left" "$work/karma.err"
ip -n "$gateway" link property add dev left altname port1
inside "$gateway" "$karma" flows -i left,port1 >"$work/karma.out" 2>"$work/karma.err"
check "two names of one interface are refused" \
	grep -q "^karma flows: left and port1 are two names of one interface" "$work/karma.err"
finish
