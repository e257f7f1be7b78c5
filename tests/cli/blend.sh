#!/bin/bash
# usage: tests/cli/blend.sh
# What counts is what a host does: the same attack is found from an address that does nothing else, from
# that of a busy client, and from ten addresses, and nobody else is accused.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
range=$captures/range

# The alerts on a capture name one of these attackers or, of several, their target, and nobody else.
names() { # target attacker...
	python3 - "$work/eve" "$@" <<-'end'
		import json, sys
		eve, target, *attackers = sys.argv[1:]
		alerts = [a for a in map(json.loads, open(eve)) if a["event_type"] == "alert"]
		several = len(attackers) > 1
		assert alerts
		for a in alerts:
		    assert a.get("src_ip") in attackers or several and a["dest_ip"] == target, a
	end
}

for attack in nmap_syn slow_headers hydra_ftp; do
	read -r _ _ attacker target _ <"$range/$attack.truth"
	for how in fresh busy ten; do
		read -ra new < <(tests/captures/blend.py "$how" "$range/$attack.pcap" "$attacker" "$work/blend.pcap")
		"$karma" read --json "$work/blend.pcap" >"$work/eve" 2>"$work/err"
		check "$attack, $how" names "$target" "${new[@]}"
	done
done

finish
