/* Random numbers that are the same everywhere for a seed: SplitMix64 (Steele, Lea & Flood 2014).
 * Not for secrets. The state is the caller's; there is no global one. */
#ifndef KARMA_UTIL_RNG_H
#define KARMA_UTIL_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* A well-mixed 64-bit function of v. */
static inline uint64_t rng_mix(uint64_t v)
{
	v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
	v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
	return v ^ (v >> 31);
}

/* A seed for one purpose out of another seed: the streams have nothing to do with each other. */
static inline uint64_t rng_derive(uint64_t seed, uint64_t purpose)
{
	return rng_mix(seed + 0x9e3779b97f4a7c15u * (rng_mix(purpose + 0x9e3779b97f4a7c15u) | 1));
}

static inline uint64_t rng_next(struct rng *r)
{
	return rng_mix(r->state += 0x9e3779b97f4a7c15u);
}

/* 0 <= result < n; n > 0. The bias (below n / 2^64) does not matter here. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)rng_next(r) * n) >> 64);
}

/* 0 <= result < 1. */
static inline double rng_uniform(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

/* All orders are equally likely (Fisher & Yates). */
static inline void rng_shuffle(struct rng *r, uint32_t *items, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t j = (size_t)rng_below(r, i);
		uint32_t t = items[i - 1];

		items[i - 1] = items[j];
		items[j] = t;
	}
}

#endif
