/* A bounded table with fixed-size keys and values: when it is full, the entry that was used least
 * recently gives way. What the detector remembers of hosts, targets and alerts is kept in three of
 * these, so that no traffic, forged sources included, makes it grow. */
#ifndef KARMA_DETECT_LRU_H
#define KARMA_DETECT_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lru;

/* Room for `capacity` entries; all of it is reserved at once, and touched as it is needed. NULL
 * when memory is short. */
struct lru *lru_new(uint32_t capacity, size_t key_size, size_t value_size);
void lru_free(struct lru *t);

/* The value of a key, or NULL. Does not count as use. */
void *lru_find(const struct lru *t, const void *key);

/* The value of a key, now the most recently used. A key that was not there gets a zeroed value, if
 * need be in the place of the least recently used one, and `fresh` is set. Values stay where they
 * are until they are replaced or removed. */
void *lru_use(struct lru *t, const void *key, bool *fresh);

/* The value used least recently, or NULL when the table is empty. */
void *lru_oldest(const struct lru *t);

/* The value used next after this one, or NULL when this is the most recently used. */
void *lru_newer(const struct lru *t, const void *value);

/* The key of a value. */
const void *lru_key(const struct lru *t, const void *value);

void lru_remove(struct lru *t, void *value);

uint32_t lru_count(const struct lru *t);
uint32_t lru_capacity(const struct lru *t);

/* How many entries had to give way. */
uint64_t lru_replaced(const struct lru *t);

#endif
