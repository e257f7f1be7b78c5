#!/bin/bash
# karma run --block: starts that fail, a list that is kept and a dry run, a person's allow list across a
# restart, an allowed hardware address, VLAN tags, a tunnel, a flood over many ports, a bridge. block.sh has
# attacks and what stops them. Needs root; says why where it is skipped.
# shellcheck disable=SC2016 # what awk and eval expand
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
tests=36
server=karma-server-$$ others=karma-others-$$ bridged=karma-bridged-$$
pin=$work/bpf/karma
export TZ=UTC

needs nmap hping3 ping python3
[ -e models/default.karma ] || skip_all "there is no models/default.karma"
make_spaces "$server" "$others" "$bridged"
join_spaces "$server" "$others" 10.91.0
mount_here bpf "$work/bpf" || skip_all "no bpffs"
for host in 10 11 12; do
	ip -n "$others" addr add "10.91.0.$host/24" dev v0
done

conf=$work/karma.conf
configure() { # lines of [block]
	printf '[block]\npin = %s\n%b\n' "$pin" "$1" >"$conf"
}

options() { # option...
	echo run -i v0 --no-history --config "$conf" --socket "$work/socket" --eve "$work/eve.json" "$@"
}

watch() { # start|must_start option...
	local all
	rm -f "$work/eve.json"
	read -ra all <<<"$(options "${@:2}")"
	"$1" run "$server" "${all[@]}"
}

block() { # argument...
	"$karma" block "$@" --socket "$work/socket"
}

listed() { # what
	block list --json | grep -qF "{\"what\":\"$1\""
}

dropped() { # what: packets, by the list
	block list --json | python3 -c '
import json, sys
print(sum(e["packets"] for e in json.load(sys.stdin)["entries"] if e["what"] == sys.argv[1]))' "$1"
}

attached() {
	ip -n "$server" link show v0 | grep -q xdp
}

nothing_left() {
	! attached && [ ! -e "$pin" ]
}

reaches() { # host: does the server answer it?
	inside "$others" ping -q -c 1 -W 1 -I "$1" 10.91.0.1 >/dev/null
}

scan() { # source ports [option...]
	inside "$others" nmap -n -Pn -sS -S "$1" -e v0 -p "$2" --max-retries 0 --min-rate 4000 \
		"${@:3}" 10.91.0.1 >"$work/nmap" 2>&1
}

send() {
	inside "$others" python3 tests/live/filter_send.py "$@"
}

eve_says() { # blocked|allowed source: of its alerts the latest
	python3 - "$work/eve.json" "$2" "$1" <<-'END2'
		import json, sys

		said = [e["alert"]["action"] for e in map(json.loads, open(sys.argv[1]))
		        if e["event_type"] == "alert" and e.get("src_ip") == sys.argv[2]]
		print(said)
		sys.exit(not said or said[-1] != sys.argv[3])
	END2
}

fails() { # words option...: it does not start
	local all
	read -ra all <<<"$(options "${@:2}")"
	inside "$server" "$karma" "${all[@]}" >"$work/run.out" 2>"$work/run.err" && return 1
	grep -qF -- "$1" "$work/run.err"
}

# ---- starts that fail leave what they found ----

configure ''
mkdir "$work/socket"
check "without a place for its socket it does not start" fails 'is there, and is no socket' --block --keep-blocks
check "and leaves nothing behind" nothing_left
rmdir "$work/socket"
watch must_start --block --keep-blocks
check "a person blocks" block add 10.91.0.10
check "it ends, and the list stays" eval 'stop run && attached && ! reaches 10.91.0.10'
mkdir "$work/socket"
check "a start that fails" fails 'is there, and is no socket' --block
check "lets go of no list that was kept" eval 'attached && ! reaches 10.91.0.10'
rmdir "$work/socket"
check "a dry run over it starts" watch start --block=dry-run
check "and says that it goes on dropping" grep -qF "was kept in $pin goes on dropping" "$work/run.err"
check "which it does" eval '! reaches 10.91.0.10'
check "Ctrl-C ends it" stop run

# ---- the allow list, by hand ----

check "the list is taken over" watch start --block
check "with what is on it" listed 10.91.0.10
check "a person allows a net" block allow 10.91.0.0/28
check "and who is in it passes at once" eval 'reaches 10.91.0.10 && ! listed 10.91.0.10'
check "it is said by whom" grep -q 'allow 10.91.0.0/28: by uid 0' "$work/run.out"
check "Ctrl-C ends it" stop run
configure 'allow = 02:00:5e:10:00:09'
check "it starts again" watch start --block
check "and knows whom the person has allowed" eval 'block allowed | grep -q "^10.91.0.0/28 .*root" && ! block add 10.91.0.10 2>/dev/null'
check "who is no longer allowed" eval 'block disallow 10.91.0.0/28 && block add 10.91.0.10 && ! reaches 10.91.0.10 && block del 10.91.0.10'

# ---- frames ----

tagged_scan_is_cut_off() {
	send scan v0 10.91.0.11 1 400 && within 5 listed 10.91.0.11 &&
		send scan v0 10.91.0.11 1 50 && (($(dropped 10.91.0.11) >= 50))
}
check "a scan in frames with a VLAN tag is blocked, and its frames are dropped" tagged_scan_is_cut_off
# What is dropped makes no flows, so nothing more is said of the alert until it ends.
check "Ctrl-C ends it, and the alert" stop run
check "EVE says blocked" eve_says blocked 10.91.0.11
# With nothing remembered: of several attackers of one host it is one alert, which names none.
check "it starts again" watch start --block
ip -n "$others" link set v0 address 02:00:5e:10:00:09
ip -n "$server" neigh flush dev v0
allowed_by_mac() { # it is listed, but its frames pass, and EVE does not say blocked
	scan 10.91.0.12 1-1000
	within 5 listed 10.91.0.12 && reaches 10.91.0.12 && within 5 eve_says allowed 10.91.0.12
}
check "an allowed hardware address passes, and EVE says so" allowed_by_mac
ip -n "$others" link set v0 address 02:00:5e:10:00:08
ip -n "$server" neigh flush dev v0

# ---- a tunnel: flows are those inside, frames those outside ----

end_of_tunnel() { # namespace address local remote kind option...
	ip -n "$1" link add t0 type "$5" local "$3" remote "$4" "${@:6}" || return
	ip -n "$1" addr add "$2/24" dev t0
	ip -n "$1" link set t0 up
}

make_tunnel() { # of a kind that this kernel has
	local kind words
	for kind in gre ipip "vxlan id 7 dstport 4789"; do
		read -ra words <<<"$kind"
		end_of_tunnel "$server" 10.95.0.1 10.91.0.1 10.91.0.2 "${words[@]}" 2>/dev/null || continue
		end_of_tunnel "$others" 10.95.0.2 10.91.0.2 10.91.0.1 "${words[@]}"
		return
	done
	return 1
}

in_a_tunnel() { # who attacks inside is listed, and EVE says that nothing is dropped
	inside "$others" nmap -n -Pn -sS -S 10.95.0.2 -e t0 -p 1-1000 --max-retries 0 --min-rate 4000 \
		10.95.0.1 >"$work/nmap" 2>&1
	within 5 listed 10.95.0.2 && inside "$others" ping -q -c 1 -W 1 10.95.0.1 &&
		(($(dropped 10.95.0.2) == 0)) && within 5 eve_says allowed 10.95.0.2
}
check "Ctrl-C ends it" stop run
check "it starts again" watch start --block
if make_tunnel; then
	check "in a tunnel nothing is dropped by who is inside, and EVE says so" in_a_tunnel
	check "but by who is outside" eval 'block add 10.91.0.2 && ! inside "$others" ping -q -c 1 -W 1 10.95.0.1 && block del 10.91.0.2'
else
	skip 2 "no tunnel devices here"
fi

# ---- a flood from forged sources over many ports ----

flood_is_limited() {
	inside "$others" timeout 6 hping3 -q -n -S -p ++1000 -i u200 --rand-source 10.91.0.1 \
		>/dev/null 2>&1
	block list
	listed 10.91.0.1:any/tcp && reaches 10.91.0.2
}
check "a flood over many ports has its new connections limited" flood_is_limited
check "Ctrl-C ends it" stop run

# ---- more entries than wait to be told are taken over ----

block_many() { # of 198.18.0.0/16, 200
	python3 - "$work/socket" <<-'END2'
		import json, socket, sys

		karma = socket.socket(socket.AF_UNIX)
		karma.connect(sys.argv[1])
		stream = karma.makefile("rw")
		for i in range(200):
		    stream.write(json.dumps({"command": "block.add", "address": f"198.18.7.{i}"}) + "\n")
		    stream.flush()
		    if not json.loads(stream.readline())["ok"]:
		        sys.exit(1)
	END2
}
in_the_history() { # word count: so many such changes of theirs
	(($("$karma" history blocks --limit 1000 --json | grep -F 198.18.7. | grep -cF "$1") == $2))
}
watch must_start --block --keep-blocks
check "a person blocks 200" block_many
stop run
rm -rf "$STATE_DIRECTORY"
read -ra taking <<<"$(options --block)"
check "the usual history is there before they are taken over" \
	start run "$server" "${taking[@]/--no-history/--history-age=1d}"
stop run
check "and has them all" in_the_history 'taken over' 200

# ---- a bridge takes generic XDP, which has its packets copied ----

ip -n "$server" link add br0 type bridge forward_delay 0
ip -n "$server" link add b0 type veth peer name v0 netns "$bridged"
ip -n "$server" link set b0 master br0
ip -n "$server" addr add 10.92.0.1/24 dev br0
ip -n "$bridged" addr add 10.92.0.2/24 dev v0
for link in b0 br0; do ip -n "$server" link set "$link" up; done
ip -n "$bridged" link set v0 up
must_start bridge "$server" run -i br0 --block --no-history --config "$conf" --socket "$work/socket" --no-web
inside "$bridged" nmap -n -Pn -sS -p 1-300 --max-retries 0 --min-rate 4000 10.92.0.1 >/dev/null 2>&1
check "on a bridge the scanner is blocked" within 10 grep -q 'block 10\.92\.0\.2 for ' "$work/bridge.out"
check "and nobody else is accused" eval '! grep -qE "ALERT .* 10\.92\.0\.1 ->|limit " "$work/bridge.out"'
stop bridge
check "what came in was metered" eval '! grep -q "neither IP nor ARP" "$work/bridge.out"'
finish
