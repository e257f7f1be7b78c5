#include "desk/shares.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 32 };

struct sum {
	uint64_t bytes, flows;
};

struct service {
	char name[NAME_ROOM];
	struct sum hour;                   /* of all minutes */
	struct sum minute[SHARES_MINUTES]; /* minute n at n % SHARES_MINUTES */
};

struct counted {
	uint64_t flow_id;
	uint32_t part;
	uint64_t bytes;
};

struct shares {
	int64_t minute; /* the present one */
	unsigned count;
	struct service service[SHARES_NAMED]; /* the first is of those without a name */
	struct service others;
	struct counted counted[SHARES_FLOWS];
};

struct shares *shares_new(void)
{
	struct shares *s = calloc(1, sizeof(*s));

	if (s)
		s->count = 1;
	return s;
}

void shares_free(struct shares *s)
{
	free(s);
}

/* ---- the hour goes on ---- */

static void forget(struct service *at, unsigned slot)
{
	at->hour.bytes -= at->minute[slot].bytes;
	at->hour.flows -= at->minute[slot].flows;
	at->minute[slot] = (struct sum){0};
}

/* Those of which nothing is left make room. */
static void tidy(struct shares *s)
{
	unsigned kept = 1;

	for (unsigned i = 1; i < s->count; i++) {
		if (!s->service[i].hour.bytes && !s->service[i].hour.flows)
			continue;
		if (kept != i)
			s->service[kept] = s->service[i];
		kept++;
	}
	s->count = kept;
}

static void go_on(struct shares *s, int64_t steady_ns)
{
	int64_t minute = steady_ns / 60000000000LL, steps = minute - s->minute;

	if (steps <= 0)
		return;
	for (int64_t n = 0; n < steps && n < SHARES_MINUTES; n++) {
		unsigned slot = (unsigned)((minute - n) % SHARES_MINUTES);

		for (unsigned i = 0; i < s->count; i++)
			forget(&s->service[i], slot);
		forget(&s->others, slot);
	}
	s->minute = minute;
	tidy(s);
}

/* ---- names ---- */

static void join(struct service *into, const struct service *from)
{
	for (unsigned i = 0; i < SHARES_MINUTES; i++) {
		into->minute[i].bytes += from->minute[i].bytes;
		into->minute[i].flows += from->minute[i].flows;
	}
	into->hour.bytes += from->hour.bytes;
	into->hour.flows += from->hour.flows;
}

/* The place of the one with fewest bytes, which counts among the others now. */
static struct service *make_room(struct shares *s)
{
	struct service *least = &s->service[1];

	for (unsigned i = 2; i < s->count; i++)
		if (s->service[i].hour.bytes < least->hour.bytes)
			least = &s->service[i];
	join(&s->others, least);
	return least;
}

static struct service *place_of(struct shares *s, const char *name)
{
	struct service *at;

	for (unsigned i = 0; i < s->count; i++)
		if (strncmp(s->service[i].name, name, NAME_ROOM - 1) == 0)
			return &s->service[i];
	at = s->count < SHARES_NAMED ? &s->service[s->count++] : make_room(s);
	*at = (struct service){0};
	snprintf(at->name, sizeof(at->name), "%s", name);
	return at;
}

static void count_in(struct service *at, unsigned slot, uint64_t bytes, bool flow)
{
	at->minute[slot].bytes += bytes;
	at->minute[slot].flows += flow;
	at->hour.bytes += bytes;
	at->hour.flows += flow;
}

void shares_add(struct shares *s, const struct record *r, const char *app, int64_t steady_ns)
{
	uint64_t mixed = (r->flow_id + r->part) * 0x9e3779b97f4a7c15ULL;
	struct counted *c = &s->counted[mixed >> 50 & (SHARES_FLOWS - 1)];
	uint64_t bytes = r->side[SRC].bytes + r->side[DST].bytes, more = 0;
	bool known = c->flow_id == r->flow_id && c->part == r->part;

	go_on(s, steady_ns);
	/* One that was counted and is not known any more: from here on. */
	if (known)
		more = bytes > c->bytes ? bytes - c->bytes : 0;
	else if (!r->again || r->part)
		more = bytes;
	count_in(place_of(s, app ? app : ""), (unsigned)(s->minute % SHARES_MINUTES), more,
		!r->again);
	*c = (struct counted){r->flow_id, r->part, bytes};
}

/* A service in the order that it is shown in. */
struct place {
	const char *name;
	struct sum hour;
};

static int by_bytes(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->hour.bytes < y->hour.bytes ? 1 : x->hour.bytes > y->hour.bytes ? -1 : 0;
}

static void put(json_t *list, const char *name, const struct sum *s)
{
	if (s->bytes)
		json_array_append_new(
			list, json_pack("{ss sI sI}", "name", name, "bytes", (json_int_t)s->bytes,
				      "flows", (json_int_t)s->flows));
}

json_t *shares_json(struct shares *s, int64_t steady_ns)
{
	struct place sorted[SHARES_NAMED] = {{NULL}};
	json_t *list = json_array();
	struct sum others;

	go_on(s, steady_ns);
	others = s->others.hour;
	for (unsigned i = 0; i < s->count; i++)
		sorted[i] = (struct place){s->service[i].name, s->service[i].hour};
	qsort(sorted, s->count, sizeof(sorted[0]), by_bytes);
	for (unsigned i = 0; i < s->count; i++) {
		if (i < SHARES_SHOWN) {
			put(list, sorted[i].name, &sorted[i].hour);
			continue;
		}
		others.bytes += sorted[i].hour.bytes;
		others.flows += sorted[i].hour.flows;
	}
	put(list, "others", &others);
	return list;
}
