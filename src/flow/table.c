#include "flow/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "flow/meter.h"
#include "util/room.h"

static const uint64_t LEAP_NS = 3600ull * 1000000000; /* further ahead is a far future */
static const uint64_t BEHIND_NS = 1000000000; /* less is the order in which processors write */

enum {
	TICK_SHIFT = 24, /* 16.8 ms: how late a look may be */
	BUCKETS = 8192,  /* 137 s: what is due later is filed again then */
	WAITED = 65536,  /* 1100 s: longer than any flow waits for what is due */
	INDEX_START = 1024,
	TOTALS = 1024,    /* entries kept for totals, when the flows' are full */
	NONE = UINT32_MAX /* no entry */
};

/* What the table knows of an entry besides its flow; four share a cache line, so that to move a
 * flow in the wheel does not touch the flows beside it. */
struct link {
	uint32_t hash;
	uint32_t bucket;     /* of the wheel, or NONE */
	uint32_t next, prev; /* in the bucket, or (next) the next free entry */
};

struct flow_table {
	report_sink sink;
	void *context;
	struct meter_stats *stats;

	struct flow_slot *slot; /* of each entry */
	struct link *link;
	uint32_t entries; /* how many there may be */
	uint32_t used;    /* entries behind this one were never used */
	uint32_t freed;   /* first free one below, or NONE */
	uint32_t open;

	uint32_t *order; /* room to sort the open flows at the end */

	/* hash << 32 | entry + 1; 0: empty. Its first part is used, doubled when half of it is. */
	uint64_t *index;
	uint32_t mask, mask_most;
	uint64_t seed[2];

	uint64_t clock;     /* the latest time seen */
	struct packet held; /* it came from a far future, and the next has not come yet */
	bool holds;
	uint64_t tick;           /* buckets up to this one (excluded) have been swept */
	uint32_t first[BUCKETS]; /* head of each bucket's ring, or NONE */

	struct flow_report ended, closed;
};

/* ---- memory ---- */

struct flow_table *flow_table_new(
	uint32_t flows, report_sink sink, void *context, struct meter_stats *stats)
{
	struct flow_table *t = calloc(1, sizeof(*t));
	uint64_t places = INDEX_START;

	if (!t)
		return NULL;
	t->entries = (flows ? flows : FLOW_TABLE_DEFAULT) + TOTALS;
	while (places < t->entries + (uint64_t)t->entries / 2)
		places *= 2;
	t->mask = INDEX_START - 1;
	t->mask_most = (uint32_t)(places - 1);
	t->slot = room_new(t->entries * sizeof(*t->slot));
	t->link = calloc(t->entries, sizeof(*t->link));
	t->order = calloc(t->entries, sizeof(*t->order));
	t->index = calloc(places, sizeof(*t->index));
	/* Secret, so that nobody can choose addresses that fall in one place. */
	if (!t->slot || !t->link || !t->order || !t->index ||
		getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed)) {
		flow_table_free(t);
		return NULL;
	}
	t->freed = NONE;
	for (uint32_t i = 0; i < BUCKETS; i++)
		t->first[i] = NONE;
	t->sink = sink;
	t->context = context;
	t->stats = stats;
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	if (t->stats)
		t->stats->count[COUNT_OPEN] -= t->open;
	room_free(t->slot, t->entries * sizeof(*t->slot));
	free(t->link);
	free(t->order);
	free(t->index);
	free(t);
}

/* ---- the index ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint32_t hash_of(const struct flow_table *t, const struct flow_key *key)
{
	uint64_t tail, h;

	memcpy(&tail, key->port, sizeof(tail));
	h = fold(key->addr[0].word[0] ^ t->seed[0], key->addr[0].word[1] ^ t->seed[1]);
	h = fold(h ^ key->addr[1].word[0], key->addr[1].word[1] ^ t->seed[0]);
	return (uint32_t)(fold(h ^ tail, t->seed[1] | 1) >> 16);
}

static bool same_key(const struct flow_key *a, const struct flow_key *b)
{
	uint64_t x[sizeof(*a) / 8], y[sizeof(*a) / 8], differ = 0;

	_Static_assert(sizeof(*a) % 8 == 0, "the key is compared by words");
	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	for (size_t i = 0; i < sizeof(x) / 8; i++)
		differ |= x[i] ^ y[i];
	return !differ;
}

/* The entry of a key, or NONE. */
static uint32_t find(const struct flow_table *t, const struct flow_key *key, uint32_t hash)
{
	for (uint32_t at = hash & t->mask; t->index[at]; at = (at + 1) & t->mask) {
		uint32_t entry = (uint32_t)t->index[at] - 1;

		if (t->index[at] >> 32 == hash && same_key(&t->slot[entry].key, key))
			return entry;
	}
	return NONE;
}

static void index_add(struct flow_table *t, uint32_t hash, uint32_t entry)
{
	uint32_t at = hash & t->mask;

	while (t->index[at])
		at = (at + 1) & t->mask;
	t->index[at] = (uint64_t)hash << 32 | (entry + 1);
}

/* Whoever is open is in a bucket of the wheel. */
static void index_grow(struct flow_table *t)
{
	t->mask = 2 * t->mask + 1;
	memset(t->index, 0, ((size_t)t->mask + 1) * sizeof(*t->index));
	for (uint32_t i = 0; i < t->used; i++)
		if (t->link[i].bucket != NONE)
			index_add(t, t->link[i].hash, i);
}

/* Close the gap: whatever probes past it moves into it. */
static void index_remove(struct flow_table *t, uint32_t hash, uint32_t entry)
{
	uint32_t gap = hash & t->mask;

	while ((uint32_t)t->index[gap] != entry + 1)
		gap = (gap + 1) & t->mask;
	for (uint32_t at = (gap + 1) & t->mask; t->index[at]; at = (at + 1) & t->mask) {
		uint32_t home = (uint32_t)(t->index[at] >> 32) & t->mask;

		if (((at - home) & t->mask) >= ((at - gap) & t->mask)) {
			t->index[gap] = t->index[at];
			gap = at;
		}
	}
	t->index[gap] = 0;
}

/* ---- the wheel ---- */

static void wheel_remove(struct flow_table *t, uint32_t entry)
{
	struct link *l = &t->link[entry];
	uint32_t *first;

	if (l->bucket == NONE)
		return;
	first = &t->first[l->bucket];
	l->bucket = NONE;
	t->link[l->prev].next = l->next;
	t->link[l->next].prev = l->prev;
	if (*first == entry)
		*first = l->next == entry ? NONE : l->next;
}

/* Into the first bucket whose end is not before the flow's deadline, behind those already there. */
static void wheel_add(struct flow_table *t, uint32_t entry)
{
	const struct flow_slot *s = &t->slot[entry];
	struct link *l = &t->link[entry];
	uint64_t tick = (flow_deadline(&s->flow, &s->key) - 1) >> TICK_SHIFT;
	uint32_t *first;

	if (tick < t->tick)
		tick = t->tick;
	if (tick - t->tick >= BUCKETS)
		tick = t->tick + BUCKETS - 1;
	l->bucket = (uint32_t)(tick % BUCKETS);
	first = &t->first[l->bucket];
	if (*first == NONE) {
		*first = l->next = l->prev = entry;
		return;
	}
	l->next = *first;
	l->prev = t->link[*first].prev;
	t->link[l->prev].next = entry;
	t->link[l->next].prev = entry;
}

/* ---- flows ---- */

/* An entry for the packet's flow, or NONE. */
static uint32_t entry_new(struct flow_table *t, const struct packet *p, uint32_t hash)
{
	uint32_t entry = t->freed;

	if (!p->total && t->open >= t->entries - TOTALS)
		return NONE;
	if (entry != NONE)
		t->freed = t->link[entry].next;
	else if (t->used < t->entries)
		entry = t->used++;
	else
		return NONE;
	t->link[entry].bucket = NONE;
	if (t->open > t->mask / 2 && t->mask < t->mask_most)
		index_grow(t);
	t->slot[entry].key = p->key;
	t->slot[entry].flow.bits = 0;
	t->link[entry].hash = hash;
	index_add(t, hash, entry);
	t->open++;
	t->stats->count[COUNT_OPEN]++;
	return entry;
}

/* Of one that is in no bucket. */
static void entry_free(struct flow_table *t, uint32_t entry)
{
	index_remove(t, t->link[entry].hash, entry);
	t->link[entry].next = t->freed;
	t->freed = entry;
	t->open--;
	t->stats->count[COUNT_OPEN]--;
}

/* A packet may be stamped before the clock (LOST_TIME counts such): its report is not,
 * so that reports come in the order of their times. */
static int hand_on(struct flow_table *t, struct flow_report *report)
{
	if (report->at_ns < t->clock)
		report->at_ns = t->clock;
	t->stats->count[COUNT_RECORDS]++;
	return t->sink(t->context, report);
}

/* Do what is due for a flow that is in no bucket; it is in one again or gone afterwards. */
static int entry_do(struct flow_table *t, uint32_t entry, enum flow_due due, uint64_t at)
{
	struct flow_slot *s = &t->slot[entry];
	bool report = flow_due_reports(&s->flow, due);

	flow_do(&s->flow, &s->key, due, at, &t->ended);
	if (due == DUE_LEAVE)
		entry_free(t, entry);
	else
		wheel_add(t, entry);
	return report ? hand_on(t, &t->ended) : 0;
}

static int sweep_bucket(struct flow_table *t)
{
	uint32_t *first = &t->first[t->tick % BUCKETS];
	uint64_t at = ++t->tick << TICK_SHIFT;
	uint32_t last = *first == NONE ? NONE : t->link[*first].prev;
	int err = 0;

	/* What is added meanwhile goes to later buckets; only a whole round later to this one. */
	while (*first != NONE && !err) {
		uint32_t entry = *first;
		struct flow_slot *s = &t->slot[entry];

		__builtin_prefetch(&t->slot[t->link[entry].next]);
		wheel_remove(t, entry);
		err = entry_do(t, entry, flow_due(&s->flow, &s->key, at), at);
		if (entry == last)
			break;
	}
	return err;
}

/* To a tick further ahead than any flow waits: what is open now is stamped later than that. */
static void leap(struct flow_table *t, uint64_t tick)
{
	t->tick = tick;
	for (uint32_t i = 0; i < t->used && t->open; i++) {
		if (t->link[i].bucket == NONE)
			continue;
		wheel_remove(t, i);
		wheel_add(t, i);
	}
}

static int advance(struct flow_table *t, uint64_t now_ns)
{
	uint64_t tick = now_ns >> TICK_SHIFT, last = t->tick + WAITED;
	int err = 0;

	if (now_ns <= t->clock)
		return 0;
	while (t->open && t->tick < tick && t->tick < last && !err)
		err = sweep_bucket(t);
	if (t->tick < tick && !err)
		leap(t, tick);
	t->clock = now_ns;
	return err;
}

static int meter(struct flow_table *t, uint32_t entry, const struct packet *p)
{
	struct flow *f = &t->slot[entry].flow;
	bool had_news = (f->bits & FLOW_BEGUN) && flow_news(f);
	unsigned done = flow_meter(f, p, &t->ended, &t->closed);
	uint64_t *count = t->stats->count;
	int err = 0;

	count[COUNT_PACKETS] += p->segments;
	count[COUNT_BYTES] += p->length;
	if (done & METER_BEGUN)
		count[COUNT_FLOWS]++;
	if ((done & METER_TIME) || p->ns + BEHIND_NS < t->clock)
		count[LOST_TIME]++;
	/* Only then may the flow be due earlier than its bucket is swept. */
	if (!had_news || done) {
		wheel_remove(t, entry);
		wheel_add(t, entry);
	}
	if (done & METER_ENDED)
		err = hand_on(t, &t->ended);
	if (!err && (done & METER_CLOSED))
		err = hand_on(t, &t->closed);
	return err;
}

/* The packet's flow, found or made; NONE where there is no room. */
static uint32_t entry_of(struct flow_table *t, const struct packet *p, uint32_t hash)
{
	uint32_t entry = find(t, &p->key, hash);

	return entry != NONE ? entry : entry_new(t, p, hash);
}

static int meter_packet(struct flow_table *t, const struct packet *p, uint32_t hash)
{
	int err = advance(t, p->ns);
	struct packet total;
	uint32_t entry;

	if (err)
		return err;
	entry = entry_of(t, p, hash);
	if (entry == NONE) {
		total = *p;
		packet_total(&total);
		p = &total;
		entry = entry_of(t, p, hash_of(t, &p->key));
		if (entry == NONE)
			t->stats->count[LOST_MAP_FULL] += p->segments;
	}
	if (entry == NONE)
		return 0;
	if (flow_again(&t->slot[entry].flow, p)) {
		t->stats->count[COUNT_SEEN_AGAIN] += p->segments;
		return 0;
	}
	if (p->total)
		t->stats->count[COUNT_TOTAL] += p->segments;
	return meter(t, entry, p);
}

static bool is_far_ahead(const struct flow_table *t, const struct packet *p)
{
	return t->clock && p->ns > t->clock + LEAP_NS;
}

/* Meter the packet that is held, if one is. */
static int release(struct flow_table *t)
{
	if (!t->holds)
		return 0;
	t->holds = false;
	return meter_packet(t, &t->held, hash_of(t, &t->held.key));
}

/* A stamp of a far future is believed when the next packet bears it out: else one wrong one would
 * end every flow, and put whatever comes after it before the clock. */
static int meter_in_turn(struct flow_table *t, const struct packet *p, uint32_t hash)
{
	int err;

	if (t->holds && !is_far_ahead(t, p)) {
		t->held.ns = t->clock;
		t->stats->count[LOST_TIME]++;
	}
	err = release(t);
	if (err)
		return err;
	if (!is_far_ahead(t, p))
		return meter_packet(t, p, hash);
	t->held = *p;
	t->holds = true;
	return 0;
}

int flow_table_advance(struct flow_table *t, uint64_t now_ns)
{
	int err = release(t);

	return err ? err : advance(t, now_ns);
}

int flow_table_packet(struct flow_table *t, const struct packet *p)
{
	return meter_in_turn(t, p, hash_of(t, &p->key));
}

/* The entry that the first place in the index names, which is nearly always the packet's; or NONE.
 */
static uint32_t guess(const struct flow_table *t, uint32_t hash)
{
	uint64_t place = t->index[hash & t->mask];

	return place && place >> 32 == hash ? (uint32_t)place - 1 : NONE;
}

/* The lines of a flow that nearly every packet needs besides the first. */
static void prefetch_sides(const struct flow *f, const struct packet *p)
{
	unsigned side = p->from != ((f->bits & FLOW_FROM1) != 0);

	__builtin_prefetch(&f->side[side], 1);
	if (p->key.proto == PROTO_TCP) {
		__builtin_prefetch(&f->side[side].first_ns, 1);
		__builtin_prefetch(&f->side[!side]);
	}
}

int flow_table_packets(struct flow_table *t, const struct packet *p, size_t count)
{
	uint32_t hash[FLOW_TABLE_BATCH], entry[FLOW_TABLE_BATCH];
	int err = 0;

	for (size_t i = 0; i < count; i++) {
		hash[i] = hash_of(t, &p[i].key);
		__builtin_prefetch(&t->index[hash[i] & t->mask]);
	}
	for (size_t i = 0; i < count; i++) {
		entry[i] = guess(t, hash[i]);
		if (entry[i] != NONE)
			__builtin_prefetch(&t->slot[entry[i]], 1);
	}
	for (size_t i = 0; i < count; i++)
		if (entry[i] != NONE)
			prefetch_sides(&t->slot[entry[i]].flow, &p[i]);
	for (size_t i = 0; i < count && !err; i++)
		err = meter_in_turn(t, &p[i], hash[i]);
	return err;
}

static int by_last(const void *a, const void *b, void *context)
{
	const struct flow_table *t = context;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	uint64_t last_x = t->slot[x].flow.last_ns, last_y = t->slot[y].flow.last_ns;

	if (last_x != last_y)
		return last_x < last_y ? -1 : 1;
	return x < y ? -1 : x > y;
}

int flow_table_close(struct flow_table *t)
{
	uint32_t count = 0;
	int err = release(t);

	for (uint32_t b = 0; b < BUCKETS; b++) {
		while (t->first[b] != NONE) {
			t->order[count++] = t->first[b];
			wheel_remove(t, t->first[b]);
		}
	}
	qsort_r(t->order, count, sizeof(*t->order), by_last, t);
	for (uint32_t i = 0; i < count && !err; i++)
		err = entry_do(t, t->order[i], DUE_LEAVE, t->clock);
	return err;
}
