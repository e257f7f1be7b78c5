#!/bin/bash
# usage: tests/cli/range.sh
# The range's table is whole: each scenario has a function, each name is there once, a third of the
# kinds and of the tools is held out, docs/range.md shows it as it is. The small captures of
# tests/captures/range: karma labels each by its truth, and reads each.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
range=$captures/range

# ---- the table ----

functions_are_there() {
	# shellcheck source=../../range/net.sh disable=SC2016 # expanded by the inner shell
	bash -c '. range/net.sh; . range/scenarios.sh
		for name in $(range_table | cut -d" " -f1); do
			declare -F "$name" >/dev/null || { echo "$name"; exit 1; }
		done'
}

names_are_single() { [ -z "$(range/range.sh list | cut -d' ' -f1 | sort | uniq -d)" ]; }

# held COLUMN CLASS PART-OF-100: is at least so much of the column's values, of attacks or benign, in
# the part "test" with all of their scenarios, and no more than half?
held() {
	range/range.sh list | awk -v column="$1" -v benign="$2" -v least="$3" '
		($2 == "benign") == benign { all[$column]++; if ($7 == "test") test[$column]++ }
		END {
			for (v in all) { n++; if (test[v] == all[v]) whole++ }
			print whole, "of", n
			exit !(whole * 100 >= least * n && whole * 2 <= n)
		}'
}

counts() { # at least 25 kinds of benign work and 30 of attack
	range/range.sh list | awk '
		$2 == "benign" { b[$4] = 1; next } { a[$4] = 1; c[$2] = 1 }
		END { print length(b), length(a), length(c); exit !(length(b) >= 25 && length(a) >= 30 && length(c) == 10) }'
}

page_is_true() { diff <(range/range.sh table) <(sed -n '/^| scenario/,/^$/p' docs/range.md | sed '/^$/d'); }

check "every scenario has a function" functions_are_there
check "every name is there once" names_are_single
check "25 kinds of benign work, 30 of attack, ten classes" counts
check "a third of the kinds of attack is held out whole" held 4 0 32
check "a third of the tools is held out whole" held 5 0 33
check "a third of the kinds of benign work is held out whole" held 4 1 33
check "docs/range.md has the table" page_is_true

# ---- the captures ----

class_of() { awk -v name="$1" '$1 == name { print $2 }' < <(range/range.sh list); }

# labelled NAME CLASS: the rows of the capture are labelled by its truth, and only so.
labelled() {
	"$karma" flows --truth "$range/$1.truth" -o "$work/rows.csv" "$range/$1.pcap" || return
	python3 - "$work/rows.csv" "${2/_/ }" <<-'END'
		import collections, csv, sys

		rows = collections.Counter(r["attack_cat"].strip() for r in csv.DictReader(open(sys.argv[1])))
		print(rows)
		attacks = {k: n for k, n in rows.items() if k not in ("", "Normal")}
		expected = set() if sys.argv[2] == "benign" else {sys.argv[2]}
		sys.exit(not (set(attacks) == expected and sum(rows.values()) > 0))
	END
}

small() {
	[ -z "$(find "$range" -size +300k)" ] && [ "$(du -sk "$range" | cut -f1)" -lt 3000 ]
}

for capture in "$range"/*.pcap; do
	name=$(basename "$capture" .pcap)
	check "$name is labelled by its truth" labelled "$name" "$(class_of "$name")"
	check "$name is read" "$karma" read "$capture"
done
check "the captures are small" small

finish
