#include "feature/chain.h"

#include <stdbool.h>
#include <string.h>

static uint32_t *element_of(const struct chains *c, uint32_t element)
{
	return (uint32_t *)((char *)c->pool + element * c->size);
}

static uint32_t *bucket_of(const struct chains *c, uint32_t element)
{
	return &c->bucket[c->hash(element_of(c, element), c->seed) & c->mask];
}

void chains_start(struct chains *c, uint32_t *bucket, uint32_t most)
{
	c->bucket = bucket;
	c->most = most;
	c->mask = CHAIN_BUCKETS - 1;
	c->count = 0;
	memset(bucket, 0xff, CHAIN_BUCKETS * sizeof(*bucket));
}

/* What hangs in a bucket falls in the same one or in its new twin, in the same order. */
static void grow(struct chains *c)
{
	uint32_t half = c->mask + 1;

	for (uint32_t b = 0; b < half; b++) {
		uint32_t *end[2] = {&c->bucket[b], &c->bucket[b + half]};

		for (uint32_t e = c->bucket[b]; e != CHAIN_END; e = *element_of(c, e)) {
			bool twin = c->hash(element_of(c, e), c->seed) & half;

			*end[twin] = e;
			end[twin] = element_of(c, e);
		}
		*end[0] = *end[1] = CHAIN_END;
	}
	c->mask += half;
}

void chain_add(struct chains *c, uint32_t element)
{
	uint32_t *bucket;

	if (c->count++ > c->mask && c->mask < c->most)
		grow(c);
	bucket = bucket_of(c, element);
	*element_of(c, element) = *bucket;
	*bucket = element;
}

void chain_remove(struct chains *c, uint32_t element)
{
	uint32_t *link = bucket_of(c, element);

	while (*link != element)
		link = element_of(c, *link);
	*link = *element_of(c, element);
	c->count--;
}
