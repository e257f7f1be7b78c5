#include "feature/ct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feature/csv.h"
#include "util/room.h"

/* A record is final 60 s after its first packet (flow/meter.h), when the next sweep comes round. */
static const int64_t waits_ns = 61LL * 1000000000;

enum { USUAL_LINE = 640 };

/* A record's line: a row is larger. */
struct held {
	struct ct_key key;
	uint32_t length, gap; /* the counters go in at `gap` */
	uint32_t next;        /* the next free one */
	char *longer;         /* where it stands if it is too long for text[]; NULL */
	char text[USUAL_LINE];
};

/* Who waits, ordered by last time, then by arrival. */
struct waiting {
	int64_t last_ns;
	uint64_t nth;
	uint32_t held;
};

static const uint32_t none = UINT32_MAX;
static const size_t held_size = (CT_WAITING + CT_BLOCK) * sizeof(struct held);

struct ct_block {
	struct held *held; /* taken from the front, freed ones first */
	uint32_t used, freed;
	struct waiting heap[CT_WAITING]; /* the first is the earliest */
	uint32_t count;
	uint64_t nth;
	uint32_t block[CT_BLOCK];
	uint32_t rows;
};

/* ---- counting ---- */

struct ct_key ct_key(const struct row *row)
{
	struct ct_key k = {.service = row->value[COL_SERVICE],
		.ltime = row->value[COL_LTIME],
		.port = {row->port[SRC], row->port[DST]}};

	memcpy(k.addr, row->addr, sizeof(k.addr));
	return k;
}

static void count_one(
	const struct ct_key *k, const struct ct_key *keys, unsigned count, uint32_t *counters)
{
	uint32_t srv_src = 0, srv_dst = 0, dst = 0, src = 0, src_dport = 0, dst_sport = 0,
		 dst_src = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct ct_key *o = &keys[i];
		bool same_src = addr_same(o->addr[SRC], k->addr[SRC]);
		bool same_dst = addr_same(o->addr[DST], k->addr[DST]);

		if (!same_src && !same_dst)
			continue;
		if (o->service == k->service) {
			srv_src += same_src;
			srv_dst += same_dst;
		}
		if (o->ltime != k->ltime)
			continue;
		dst += same_dst;
		src += same_src;
		src_dport += same_src && o->port[DST] == k->port[DST];
		dst_sport += same_dst && o->port[SRC] == k->port[SRC];
		dst_src += same_src && same_dst;
	}
	counters[0] = srv_src; /* COL_CT_SRV_SRC */
	counters[COL_CT_SRV_DST - COL_CT_SRV_SRC] = srv_dst;
	counters[COL_CT_DST_LTM - COL_CT_SRV_SRC] = dst;
	counters[COL_CT_SRC_LTM - COL_CT_SRV_SRC] = src;
	counters[COL_CT_SRC_DPORT_LTM - COL_CT_SRV_SRC] = src_dport;
	counters[COL_CT_DST_SPORT_LTM - COL_CT_SRV_SRC] = dst_sport;
	counters[COL_CT_DST_SRC_LTM - COL_CT_SRV_SRC] = dst_src;
}

void ct_count(const struct ct_key *keys, unsigned count, uint32_t (*counters)[CT_COUNTERS])
{
	for (unsigned i = 0; i < count; i++)
		count_one(&keys[i], keys, count, counters[i]);
}

/* ---- who waits ---- */

struct ct_block *ct_new(void)
{
	struct ct_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->freed = none;
	b->held = room_new(held_size);
	if (!b->held) {
		free(b);
		return NULL;
	}
	return b;
}

void ct_free(struct ct_block *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->used; i++)
		free(b->held[i].longer);
	room_free(b->held, held_size);
	free(b);
}

static bool is_before(const struct waiting *a, const struct waiting *b)
{
	return a->last_ns != b->last_ns ? a->last_ns < b->last_ns : a->nth < b->nth;
}

static void heap_add(struct ct_block *b, struct waiting w)
{
	uint32_t at = b->count++;

	for (; at && is_before(&w, &b->heap[(at - 1) / 2]); at = (at - 1) / 2)
		b->heap[at] = b->heap[(at - 1) / 2];
	b->heap[at] = w;
}

static uint32_t heap_take(struct ct_block *b)
{
	uint32_t first = b->heap[0].held;
	struct waiting w = b->heap[--b->count];
	uint32_t at = 0, child;

	while ((child = 2 * at + 1) < b->count) {
		child += child + 1 < b->count && is_before(&b->heap[child + 1], &b->heap[child]);
		if (!is_before(&b->heap[child], &w))
			break;
		b->heap[at] = b->heap[child];
		at = child;
	}
	b->heap[at] = w;
	return first;
}

/* There is room: no more wait than can. */
static int hold(struct ct_block *b, const struct record *r, const struct row *row)
{
	uint32_t i = b->freed != none ? b->freed : b->used;
	struct held *h = &b->held[i];
	struct csv_line line;

	csv_make_line(&line, r, row);
	if (line.length > USUAL_LINE && !(h->longer = malloc(line.length)))
		return -ENOMEM;
	h->key = ct_key(row);
	h->length = (uint32_t)line.length;
	h->gap = (uint32_t)line.gap;
	memcpy(h->longer ? h->longer : h->text, line.text, line.length);
	if (i == b->used)
		b->used++;
	else
		b->freed = h->next;
	heap_add(b, (struct waiting){r->last_ns, b->nth++, i});
	return 0;
}

static void let_go(struct ct_block *b, uint32_t i)
{
	free(b->held[i].longer);
	b->held[i].longer = NULL;
	b->held[i].next = b->freed;
	b->freed = i;
}

/* ---- blocks ---- */

static size_t put_number(char *text, uint32_t n)
{
	size_t length = n >= 10 ? put_number(text, n / 10) : 0;

	text[length] = (char)('0' + n % 10);
	return length + 1;
}

/* The line with its counters. */
static int send(const struct held *h, const uint32_t *counters, ct_sink sink, void *context)
{
	char text[CSV_LINE + CT_COUNTERS * 11];
	const char *line = h->longer ? h->longer : h->text;
	size_t n = h->gap;

	memcpy(text, line, n);
	for (int i = 0; i < CT_COUNTERS; i++) {
		n += put_number(text + n, counters[i]);
		text[n++] = ',';
	}
	memcpy(text + n, line + h->gap, h->length - h->gap);
	return sink(context, text, n + h->length - h->gap);
}

static int send_block(struct ct_block *b, ct_sink sink, void *context)
{
	uint32_t counters[CT_BLOCK][CT_COUNTERS], count = b->rows;
	struct ct_key keys[CT_BLOCK] = {{.service = 0}};
	int code = 0;

	for (uint32_t i = 0; i < count; i++)
		keys[i] = b->held[b->block[i]].key;
	ct_count(keys, count, counters);
	b->rows = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (code >= 0)
			code = send(&b->held[b->block[i]], counters[i], sink, context);
		let_go(b, b->block[i]);
	}
	return code < 0 ? code : 0;
}

/* The earliest takes its place in the block. */
static int advance(struct ct_block *b, ct_sink sink, void *context)
{
	b->block[b->rows++] = heap_take(b);
	return b->rows == CT_BLOCK ? send_block(b, sink, context) : 0;
}

int ct_add(struct ct_block *b, const struct record *r, const struct row *row, ct_sink sink,
	void *context)
{
	int code = 0;

	while (b->count && code >= 0 &&
		(b->count == CT_WAITING || b->heap[0].last_ns < r->at_ns - waits_ns))
		code = advance(b, sink, context);
	return code < 0 ? code : hold(b, r, row);
}

int ct_flush(struct ct_block *b, ct_sink sink, void *context)
{
	int code = 0;

	while (b->count && code >= 0)
		code = advance(b, sink, context);
	return code < 0 ? code : send_block(b, sink, context);
}
