#include "desk/suspects.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "flow/record.h"
#include "util/rng.h"

enum { WAYS = 8, SETS = SUSPECTS / WAYS };

static const float least = 1e-3F; /* a sum that is as good as none */

struct suspects {
	uint64_t seed;
	int64_t origin_ns; /* of ranks: the first time that was seen */
	uint64_t left_out;
	uint16_t tag[SETS][WAYS]; /* 0: free */
	struct suspect host[SETS][WAYS];
};

struct suspects *suspects_new(void)
{
	struct suspects *t = calloc(1, sizeof(*t));

	if (t && getrandom(&t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		t->seed = (uint64_t)(uintptr_t)t; /* still unlike that of another run */
	return t;
}

void suspects_free(struct suspects *t)
{
	free(t);
}

/* Keyed, since addresses come from the network. */
static uint64_t hash_of(const struct suspects *t, const uint8_t addr[16])
{
	uint64_t word[2];

	memcpy(word, addr, sizeof(word));
	return rng_mix(rng_mix(word[0] ^ t->seed) ^ word[1]);
}

static unsigned set_of(uint64_t hash)
{
	return (unsigned)(hash % SETS);
}

static uint16_t tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48 | 1);
}

static struct suspect *find(struct suspects *t, const uint8_t addr[16], uint64_t hash)
{
	const uint16_t *tag = t->tag[set_of(hash)];

	for (int i = 0; i < WAYS; i++)
		if (tag[i] == tag_of(hash) && addr_same(t->host[set_of(hash)][i].addr, addr))
			return &t->host[set_of(hash)][i];
	return NULL;
}

/* The logarithm of what a sum would be at the origin: of two sums that both halve, the same one is
 * always the larger. */
static double rank_of(const struct suspects *t, int64_t at_ns, float sum, float half_life_s)
{
	double age = (double)(at_ns - t->origin_ns) / 1e9;

	return log2((double)fmaxf(sum, least)) + age / (double)half_life_s;
}

/* Room for a host of this rank; NULL: all that are there rank higher. */
static struct suspect *make_room(struct suspects *t, uint64_t hash, double rank)
{
	unsigned set = set_of(hash);
	int at = 0;

	for (int i = 1; i < WAYS && t->tag[set][at]; i++)
		if (!t->tag[set][i] || t->host[set][i].rank < t->host[set][at].rank)
			at = i;
	t->left_out += t->tag[set][at] != 0;
	if (t->tag[set][at] && t->host[set][at].rank >= rank)
		return NULL;
	t->tag[set][at] = tag_of(hash);
	return &t->host[set][at];
}

static struct suspect *take_in(struct suspects *t, const uint8_t addr[16], uint64_t hash,
	int64_t at_ns, float sum, float half_life_s)
{
	struct suspect *h;
	double rank;

	if (!t->origin_ns)
		t->origin_ns = at_ns;
	rank = rank_of(t, at_ns, sum, half_life_s);
	h = make_room(t, hash, rank);
	if (!h)
		return NULL;
	*h = (struct suspect){
		.sum = sum, .at_ns = at_ns, .rank = rank, .first_ns = at_ns, .last_ns = at_ns};
	memcpy(h->addr, addr, sizeof(h->addr));
	return h;
}

void suspects_weigh(
	struct suspects *t, const uint8_t addr[16], int64_t at_ns, float sum, float half_life_s)
{
	uint64_t hash = hash_of(t, addr);
	struct suspect *h = find(t, addr, hash);

	if (!h && sum <= 0)
		return;
	if (!h)
		h = take_in(t, addr, hash, at_ns, sum, half_life_s);
	if (!h)
		return;
	h->sum = sum;
	h->at_ns = at_ns;
	h->rank = rank_of(t, at_ns, sum, half_life_s);
	h->last_ns = at_ns;
	h->records++;
}

static struct suspect *concerned(
	struct suspects *t, const uint8_t addr[16], int64_t at_ns, float half_life_s)
{
	uint64_t hash = hash_of(t, addr);
	struct suspect *h = find(t, addr, hash);

	return h ? h : take_in(t, addr, hash, at_ns, 0, half_life_s);
}

void suspects_alert(struct suspects *t, const uint8_t *attacker, const uint8_t *target,
	int64_t at_ns, float half_life_s)
{
	struct suspect *h = attacker ? concerned(t, attacker, at_ns, half_life_s) : NULL;

	if (h)
		h->attacks++;
	h = target ? concerned(t, target, at_ns, half_life_s) : NULL;
	if (h)
		h->attacked++;
}

/* ---- the list ---- */

static float sum_now(const struct suspect *h, int64_t now_ns, float half_life_s)
{
	double age = now_ns > h->at_ns ? (double)(now_ns - h->at_ns) / 1e9 : 0;

	return (float)((double)h->sum * exp2(-age / (double)half_life_s));
}

/* Put a host into the list where it belongs; the last falls off. */
static void insert(struct suspect *out, unsigned *count, unsigned most, const struct suspect *h)
{
	unsigned at = *count;

	if (at == most && out[most - 1].sum >= h->sum)
		return;
	if (at == most)
		at--;
	else
		++*count;
	while (at > 0 && out[at - 1].sum < h->sum) {
		out[at] = out[at - 1];
		at--;
	}
	out[at] = *h;
}

unsigned suspects_top(const struct suspects *t, int64_t now_ns, float half_life_s,
	struct suspect *out, unsigned most)
{
	unsigned count = 0;

	for (int i = 0; i < SUSPECTS && most; i++) {
		struct suspect h;

		if (!t->tag[i / WAYS][i % WAYS])
			continue;
		h = t->host[i / WAYS][i % WAYS];
		h.sum = sum_now(&h, now_ns, half_life_s);
		if (h.sum < least)
			h.sum = 0;
		if (h.sum > 0 || h.attacks || h.attacked)
			insert(out, &count, most, &h);
	}
	return count;
}

uint64_t suspects_left_out(const struct suspects *t)
{
	return t->left_out;
}
