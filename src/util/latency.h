/* How long something took, how often: a histogram with eight steps to each power of two, so that
 * what is read off it is right within 6 %. Adding costs some nanoseconds and no memory grows. */
#ifndef KARMA_UTIL_LATENCY_H
#define KARMA_UTIL_LATENCY_H

#include <stdint.h>

enum {
	LATENCY_STEPS = 8,
	LATENCY_OCTAVES = 38, /* from 8 ns on; the last holds what is longer: 18 min and more */
	LATENCY_BUCKETS = LATENCY_STEPS * LATENCY_OCTAVES,
};

/* All zero: nothing yet. */
struct latency {
	uint64_t bucket[LATENCY_BUCKETS];
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
};

/* The bucket of a time: up to 8 ns each has its own. */
static inline unsigned latency_bucket(uint64_t ns)
{
	unsigned octave, at;

	if (ns < LATENCY_STEPS)
		return (unsigned)ns;
	octave = 63 - (unsigned)__builtin_clzll(ns) - 2;
	at = octave * LATENCY_STEPS + (unsigned)(ns >> (octave - 1) & (LATENCY_STEPS - 1));
	return at < LATENCY_BUCKETS ? at : LATENCY_BUCKETS - 1;
}

/* Below 0, as where the clock was set: 0. */
static inline void latency_add(struct latency *l, int64_t ns)
{
	uint64_t took = ns > 0 ? (uint64_t)ns : 0;

	l->bucket[latency_bucket(took)]++;
	l->count++;
	l->sum_ns += took;
	if (took > l->max_ns)
		l->max_ns = took;
}

/* The least time that is not in this bucket or one before. */
uint64_t latency_edge(unsigned bucket);

/* How many took less than `ns`, a power of two from 8 on. */
uint64_t latency_below(const struct latency *l, uint64_t ns);

/* The time, in nanoseconds, that a share `q` of those after `before` (NULL: of all) did not exceed:
 * the middle of its bucket. 0: there are none. `before`: the same histogram earlier. */
double latency_quantile(const struct latency *l, const struct latency *before, double q);

#endif
