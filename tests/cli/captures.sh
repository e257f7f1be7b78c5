#!/bin/bash
# usage: tests/cli/captures.sh      captures of every kind: tunnels, link types, formats
set -u
cd "$(dirname "$0")/../.." || exit 1
karma=build/karma
captures=tests/captures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

ok() { # name condition...
	local name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name: $*"
		cat "$work/err" 2>/dev/null
	fi
}

flows() { # arguments...: the rows' ends, protocol and packets in out, sorted
	timeout 60 "$karma" flows "$@" 2>"$work/err" </dev/null | tail -n +2 |
		cut -d, -f1-5,17,18 | sort >"$work/out"
}

rows() { # pattern: how many rows are like it
	grep -cE -- "$1" "$work/out"
}

# ---- tunnels ----

flows "$captures/links/tunnels.pcap"
ok "tunnels: every flow in them" [ "$(rows '^10.1.0.2,420..,10.1.0.80,5000,udp,1,1$')" -eq 11 ]
ok "tunnels: IPv6 in them" [ "$(rows '^fd00::2,420..,fd00::80,5000,udp,1,1$')" -eq 2 ]
ok "tunnels: what is not understood inside" [ "$(rows '^192.0.2.1,.*,(4789,udp|0,gre),1,0$')" -eq 2 ]
ok "tunnels: nothing else" [ "$(wc -l <"$work/out")" -eq 15 ]
flows --outer "$captures/links/tunnels.pcap"
ok "outer: no flow in them" [ "$(rows ',420(0[0-8]|1[12]),')" -eq 0 ]
ok "outer: GRE is one flow" [ "$(rows '^192.0.2.1,0,198.51.100.1,0,gre,5,4$')" -eq 1 ]
ok "outer: IP in IP" [ "$(rows '^192.0.2.1,0,198.51.100.1,0,(ipnip|ipv6),1,1$')" -eq 2 ]
ok "outer: IPv6 around IPv6" [ "$(rows '^2001:db8::1,0,2001:db8::2,0,ipv6,1,1$')" -eq 1 ]
ok "outer: VXLAN both ways" [ "$(rows ',4789,udp,')" -eq 3 ]
ok "outer: MPLS and PPPoE have no other" [ "$(rows '^10.1.0.2,420(09|10),')" -eq 2 ]

# ---- link types and formats ----

flows "$captures/links/wifi.pcap"
ok "802.11: every flow" [ "$(rows '^10.1.0.2,4300[0-4],10.1.0.80,5000,udp,1,1$')" -eq 5 ]
ok "802.11: nothing else" [ "$(wc -l <"$work/out")" -eq 5 ]
ok "802.11: the others by cause" grep -q \
	"3 frames that are neither IP nor ARP; 2 encrypted 802.11 frames; 1 802.11 frames with a wrong" "$work/err"
flows "$captures/links/interfaces.pcapng"
ok "interfaces: every flow" [ "$(rows '^10.1.0.2,4400[0-5],10.1.0.80,5000,udp,1,1$')" -eq 5 ]
ok "interfaces: nothing else" [ "$(wc -l <"$work/out")" -eq 5 ]
ok "interfaces: what is not understood is counted" grep -q "2 frames of a link type" "$work/err"

echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
