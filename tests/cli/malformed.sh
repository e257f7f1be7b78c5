#!/bin/bash
# usage: tests/cli/malformed.sh      captures that are broken, under sanitizers where such a build
#                                    is: what is odd is counted by its cause, what cannot be read is
#                                    named, nothing crashes or leaks
#
# The project's own, tests/captures/malformed, of which every byte is known; and those of the corpus
# where it is.
set -u
cd "$(dirname "$0")/../.." || exit 1
karma=build/karma sanitized=build/karma
[ -x build-san/karma ] && sanitized=build-san/karma
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
own=tests/captures/malformed
corpus=${KARMA_SHARED:-../shared}/corpus/malformed
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

ok() { # name condition...
	local name=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name: $*"
		head -n 30 "$work/err"
	fi
}

run() { # program arguments...: status in $status
	timeout 300 "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# A verdict and a message, not a crash, a leak or a wait.
sane() {
	[ "$status" -le 1 ] && ! grep -qE 'Sanitizer|runtime error' "$work/err"
}

# capture, exit status, what standard error says
while IFS='|' read -r name expected words; do
	[ -n "$name" ] || continue
	run "$karma" flows "$own/$name"
	ok "$name: exit status" [ "$status" -eq "$expected" ]
	ok "$name: $words" grep -qE "$words" "$work/err"
done <<'END'
backwards.pcap|0|^karma flows: [0-9]+ rows? from 11 packets, 2 flows, 3 records; 6 packets whose clock went backwards$
snapped.pcap|0|^karma flows: [0-9]+ rows? from 66 packets, 3 flows, 3 records; 96 packets cut short before their headers ended$
damaged.pcap|0|0 records; 4 packets cut short before their headers ended; 15 packets whose headers contradict each other; 4 packets of an unknown IP version; 4 frames that are neither IP nor ARP$
deep.pcap|0|^karma flows: [0-9]+ rows? from 3 packets, 3 flows, 3 records; 3 packets with too many headers$
empty.pcap|1|empty.pcap: not readable as a capture: truncated
header.pcap|0|^karma flows: [0-9]+ rows? from 0 packets, 0 flows, 0 records$
half-header.pcap|1|half-header.pcap: not readable as a capture: truncated
text.pcap|1|text.pcap: not readable as a capture: unknown file format
cut.pcap|1|cut.pcap: truncated: its last packet is cut short; the packets before it were read$
huge-record.pcap|1|huge-record.pcap: not readable as a capture: a packet has an impossible length
more-caught.pcap|0|^karma flows: [0-9]+ rows? from 1 packet, 1 flow, 1 record$
cut.pcapng|1|cut.pcapng: truncated: its last block is cut short; the packets before it were read$
header.pcapng|0|^karma flows: [0-9]+ rows? from 0 packets, 0 flows, 0 records$
no-order.pcapng|1|no-order.pcapng: not readable as a capture: a section has no byte order
lengths.pcapng|1|lengths.pcapng: a block's two lengths differ; the packets before it were read$
huge-block.pcapng|1|huge-block.pcapng: not readable as a capture: a block has an impossible length
stray.pcapng|1|stray.pcapng: not readable as a capture: a packet is of an interface that is not described
END

# All of them at once, also the whole way to verdicts: one that is broken does not keep the others.
for folder in "$own" "$corpus"; do
	if [ ! -d "$folder" ]; then
		echo "skipped: no corpus of malformed captures at $folder"
		skipped=$((skipped + 1))
		continue
	fi
	for command in flows "flows --outer --each-interface --steps" "read --json"; do
		# shellcheck disable=SC2086 # words
		run "$sanitized" $command "$folder"
		ok "$command $folder: neither crash nor leak" sane
		ok "$command $folder: packets" [ -s "$work/out" ]
	done
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
