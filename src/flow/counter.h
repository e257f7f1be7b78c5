/* Everything that is counted and everything that is lost, by cause, with its names. */
#ifndef KARMA_FLOW_COUNTER_H
#define KARMA_FLOW_COUNTER_H

#include <stdint.h>
#include <stdio.h>

#include "flow/types.h"

struct meter_stats {
	uint64_t count[METER_COUNTERS];
};

/* "packets", "lost_map_full" and so on: for JSON and CSV; and in words, for people, of
 * one or of more. Never NULL. */
const char *meter_counter_name(enum meter_counter c);
const char *meter_counter_text(enum meter_counter c, uint64_t count);

/* What a counter has more now. Counters of the kernel may be read while they move: what seems to
 * fall did not rise. */
static inline uint64_t counter_rise(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

/* For people: "1234 packets, 12 flows, 15 records", then all else that is not 0. No line end. */
void meter_stats_print(FILE *out, const struct meter_stats *stats);

#endif
