#include "desk/shares.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 32 };

struct service {
	char name[NAME_ROOM];
	uint64_t bytes, flows;
};

struct counted {
	uint64_t flow_id;
	uint32_t part;
	uint64_t bytes;
};

struct shares {
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

static struct service *place_of(struct shares *s, const char *name)
{
	struct service *at;

	for (unsigned i = 0; i < s->count; i++)
		if (strncmp(s->service[i].name, name, NAME_ROOM - 1) == 0)
			return &s->service[i];
	if (s->count == SHARES_NAMED)
		return &s->others;
	at = &s->service[s->count++];
	snprintf(at->name, sizeof(at->name), "%s", name);
	return at;
}

void shares_add(struct shares *s, const struct record *r, const char *app)
{
	uint64_t mixed = (r->flow_id + r->part) * 0x9e3779b97f4a7c15ULL;
	struct counted *c = &s->counted[mixed >> 50 & (SHARES_FLOWS - 1)];
	uint64_t bytes = r->side[SRC].bytes + r->side[DST].bytes;
	bool known = c->flow_id == r->flow_id && c->part == r->part;
	struct service *at = place_of(s, app ? app : "");

	/* One that was counted and is not known any more: from here on. */
	if (known)
		at->bytes += bytes > c->bytes ? bytes - c->bytes : 0;
	else if (!r->again || r->part)
		at->bytes += bytes;
	at->flows += !r->again;
	*c = (struct counted){r->flow_id, r->part, bytes};
}

static int by_bytes(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

static void put(json_t *list, const char *name, const struct service *s)
{
	if (s->bytes)
		json_array_append_new(
			list, json_pack("{ss sI sI}", "name", name, "bytes", (json_int_t)s->bytes,
				      "flows", (json_int_t)s->flows));
}

json_t *shares_json(const struct shares *s)
{
	struct service sorted[SHARES_NAMED], others = s->others;
	json_t *list = json_array();

	memcpy(sorted, s->service, sizeof(sorted));
	qsort(sorted, s->count, sizeof(sorted[0]), by_bytes);
	for (unsigned i = 0; i < s->count; i++) {
		if (i < SHARES_SHOWN) {
			put(list, sorted[i].name, &sorted[i]);
			continue;
		}
		others.bytes += sorted[i].bytes;
		others.flows += sorted[i].flows;
	}
	put(list, "others", &others);
	return list;
}
