/* Hash chains over elements that stand in one array and are called by their index. Nothing is
 * allocated after the start. There are as many buckets as elements, about: they are doubled as the
 * elements get more, so that a few elements take up little of the caches. */
#ifndef KARMA_FEATURE_CHAIN_H
#define KARMA_FEATURE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

enum { CHAIN_END = UINT32_MAX, CHAIN_BUCKETS = 16 /* at the start */ };

struct chains {
	uint32_t *bucket;
	uint32_t mask, count;
	uint32_t most; /* the last mask */
	void *pool;    /* the elements; each starts with the index of the next one in its bucket */
	size_t size;   /* of one */
	uint64_t seed;
	uint64_t (*hash)(const void *element, uint64_t seed);
};

/* Empty chains. `bucket` has room for `most` + 1 buckets, a power of two, CHAIN_BUCKETS or more. */
void chains_start(struct chains *c, uint32_t *bucket, uint32_t most);

/* The first element of the chain that `hash` leads to, or CHAIN_END. */
static inline uint32_t chain_first(const struct chains *c, uint64_t hash)
{
	return c->bucket[hash & c->mask];
}

/* To the front of its chain. */
void chain_add(struct chains *c, uint32_t element);

/* One that is there. */
void chain_remove(struct chains *c, uint32_t element);

#endif
