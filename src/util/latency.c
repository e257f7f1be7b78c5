#include "util/latency.h"

#include <stddef.h>

uint64_t latency_edge(unsigned bucket)
{
	unsigned octave = bucket / LATENCY_STEPS, step = bucket % LATENCY_STEPS;

	if (octave == 0)
		return step + 1;
	return (uint64_t)(LATENCY_STEPS + step + 1) << (octave - 1);
}

uint64_t latency_below(const struct latency *l, uint64_t ns)
{
	unsigned end = latency_bucket(ns);
	uint64_t count = 0;

	for (unsigned b = 0; b < end; b++)
		count += l->bucket[b];
	return count;
}

static double middle(unsigned bucket)
{
	double edge = (double)latency_edge(bucket);

	return bucket < LATENCY_STEPS ? edge - 1 : ((double)latency_edge(bucket - 1) + edge) / 2;
}

double latency_quantile(const struct latency *l, const struct latency *before, double q)
{
	uint64_t all = l->count - (before ? before->count : 0), seen = 0;

	for (unsigned b = 0; b < LATENCY_BUCKETS && all; b++) {
		seen += l->bucket[b] - (before ? before->bucket[b] : 0);
		if ((double)seen >= q * (double)all && seen)
			return middle(b);
	}
	return 0;
}
