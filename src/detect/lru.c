/* Entries stand in one block. Those in use are chained twice: by hash bucket, and in the order of
 * use; those not in use are chained by `next` alone. Index NONE ends a chain. */
#include "detect/lru.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NONE = UINT32_MAX };

struct entry {
	uint32_t next;         /* in its bucket, or of the unused ones */
	uint32_t newer, older; /* in the order of use */
	uint32_t zero;
	unsigned char bytes[]; /* key, padded to 8, then value */
};

struct lru {
	unsigned char *block;
	uint32_t *bucket;
	uint32_t mask;
	uint32_t capacity, count, fresh; /* entries from `fresh` on have never been used */
	uint32_t unused;
	uint32_t newest, oldest;
	size_t key_size, value_at, value_size, stride;
	uint64_t seed;
	uint64_t replaced;
};

static struct entry *at(const struct lru *t, uint32_t i)
{
	return (struct entry *)(t->block + (size_t)i * t->stride);
}

static struct entry *entry_of(const struct lru *t, const void *value)
{
	return (struct entry *)((unsigned char *)value - t->value_at - sizeof(struct entry));
}

static uint32_t index_of(const struct lru *t, const struct entry *e)
{
	return (uint32_t)((size_t)((const unsigned char *)e - t->block) / t->stride);
}

static void *value_of(const struct lru *t, struct entry *e)
{
	return e->bytes + t->value_at;
}

/* Multiply and fold, keyed by a secret of this run: keys come from the network, and nobody outside
 * may choose them to fall into one bucket. */
static uint32_t bucket_of(const struct lru *t, const void *key)
{
	const unsigned char *p = key;
	uint64_t h = t->seed;

	for (size_t i = 0; i < t->key_size; i += 8) {
		uint64_t word = 0;
		__uint128_t m;

		memcpy(&word, p + i, t->key_size - i < 8 ? t->key_size - i : 8);
		m = (__uint128_t)(h ^ word) * 0x9e3779b97f4a7c15ULL;
		h = (uint64_t)m ^ (uint64_t)(m >> 64) ^ t->seed;
	}
	return (uint32_t)(h ^ (h >> 32)) & t->mask;
}

struct lru *lru_new(uint32_t capacity, size_t key_size, size_t value_size)
{
	struct lru *t = calloc(1, sizeof(*t));
	uint32_t buckets = 16;

	if (!t)
		return NULL;
	while (buckets < capacity && buckets < 1U << 30)
		buckets *= 2;
	t->mask = buckets - 1;
	t->capacity = capacity;
	t->key_size = key_size;
	t->value_at = (key_size + 7) / 8 * 8;
	t->value_size = value_size;
	t->stride = (sizeof(struct entry) + t->value_at + value_size + 7) / 8 * 8;
	t->unused = t->newest = t->oldest = NONE;
	t->block = calloc(capacity, t->stride);
	t->bucket = malloc(buckets * sizeof(*t->bucket));
	if (!capacity || !t->block || !t->bucket) {
		lru_free(t);
		return NULL;
	}
	memset(t->bucket, 0xff, buckets * sizeof(*t->bucket));
	if (getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		t->seed = (uint64_t)(uintptr_t)t; /* still unlike that of another run */
	return t;
}

void lru_free(struct lru *t)
{
	if (!t)
		return;
	free(t->block);
	free(t->bucket);
	free(t);
}

/* ---- the order of use ---- */

static void unlink_use(struct lru *t, struct entry *e)
{
	if (e->newer == NONE)
		t->newest = e->older;
	else
		at(t, e->newer)->older = e->older;
	if (e->older == NONE)
		t->oldest = e->newer;
	else
		at(t, e->older)->newer = e->newer;
}

static void link_newest(struct lru *t, struct entry *e)
{
	uint32_t i = index_of(t, e);

	e->newer = NONE;
	e->older = t->newest;
	if (t->newest == NONE)
		t->oldest = i;
	else
		at(t, t->newest)->newer = i;
	t->newest = i;
}

/* ---- entries ---- */

static struct entry *find(const struct lru *t, const void *key, uint32_t b)
{
	for (uint32_t i = t->bucket[b]; i != NONE; i = at(t, i)->next)
		if (memcmp(at(t, i)->bytes, key, t->key_size) == 0)
			return at(t, i);
	return NULL;
}

void *lru_find(const struct lru *t, const void *key)
{
	struct entry *e = find(t, key, bucket_of(t, key));

	return e ? value_of(t, e) : NULL;
}

void lru_remove(struct lru *t, void *value)
{
	struct entry *e = entry_of(t, value);
	uint32_t i = index_of(t, e), *link = &t->bucket[bucket_of(t, e->bytes)];

	while (*link != i)
		link = &at(t, *link)->next;
	*link = e->next;
	unlink_use(t, e);
	e->next = t->unused;
	t->unused = i;
	t->count--;
}

static uint32_t take_unused(struct lru *t)
{
	uint32_t i = t->unused;

	if (i == NONE)
		return t->fresh++;
	t->unused = at(t, i)->next;
	return i;
}

void *lru_use(struct lru *t, const void *key, bool *fresh)
{
	uint32_t b = bucket_of(t, key), i;
	struct entry *e = find(t, key, b);

	*fresh = !e;
	if (e) {
		if (e->newer != NONE) {
			unlink_use(t, e);
			link_newest(t, e);
		}
		return value_of(t, e);
	}
	if (t->count == t->capacity) {
		struct entry *oldest = at(t, t->oldest);

		lru_remove(t, value_of(t, oldest));
		t->replaced++;
	}
	i = take_unused(t);
	e = at(t, i);
	memcpy(e->bytes, key, t->key_size);
	memset(value_of(t, e), 0, t->value_size);
	e->next = t->bucket[b];
	t->bucket[b] = i;
	link_newest(t, e);
	t->count++;
	return value_of(t, e);
}

void *lru_oldest(const struct lru *t)
{
	return t->oldest == NONE ? NULL : value_of(t, at(t, t->oldest));
}

void *lru_newer(const struct lru *t, const void *value)
{
	uint32_t i = entry_of(t, value)->newer;

	return i == NONE ? NULL : value_of(t, at(t, i));
}

const void *lru_key(const struct lru *t, const void *value)
{
	return entry_of(t, value)->bytes;
}

uint32_t lru_count(const struct lru *t)
{
	return t->count;
}

uint32_t lru_capacity(const struct lru *t)
{
	return t->capacity;
}

uint64_t lru_replaced(const struct lru *t)
{
	return t->replaced;
}
