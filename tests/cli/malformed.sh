#!/bin/bash
# usage: tests/cli/malformed.sh      captures that are broken, under sanitizers where such a build
#                                    is: what is odd is counted by its cause, what cannot be read is
#                                    named, nothing crashes or leaks
#
# The project's own, tests/captures/malformed, of which every byte is known; and those of the corpus
# where it is.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
sanitized=$karma
[ -x build-san/karma ] && sanitized=build-san/karma
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
seconds=600 # under sanitizers, on a busy machine
own=$captures/malformed
corpus=$shared/corpus/malformed
# A verdict and a message, not a crash, a leak or a wait.
sane() {
	[ "$status" -le 1 ] && ! grep -qE 'Sanitizer|runtime error' "$work/err"
}

# capture, exit status, what standard error says
while IFS='|' read -r name expected words; do
	[ -n "$name" ] || continue
	run "$karma" flows "$own/$name"
	check "$name: exit status" [ "$status" -eq "$expected" ]
	check "$name: $words" grep -qE "$words" "$work/err"
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
		skip 1 "no corpus of malformed captures at $folder"
		continue
	fi
	for command in flows "flows --outer --each-interface --steps" "read --json"; do
		# shellcheck disable=SC2086 # words
		run "$sanitized" $command "$folder"
		check "$command $folder: neither crash nor leak" sane
		check "$command $folder: packets" [ -s "$work/out" ]
	done
done

finish
