#include "feature/ct.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A record is final 60 s after its first packet (flow/meter.h), when the next sweep comes round. */
static const int64_t waits_ns = 61LL * 1000000000;

struct held {
	uint32_t next; /* the next free one */
	struct record record;
	struct row row;
};

/* Who waits, ordered by last time, then by arrival. */
struct waiting {
	int64_t last_ns;
	uint64_t nth;
	uint32_t held;
};

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

static void count_one(struct row *row, struct row *const *rows, unsigned count)
{
	double *v = row->value;
	int srv_src = 0, srv_dst = 0, dst = 0, src = 0, src_dport = 0, dst_sport = 0, dst_src = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct row *o = rows[i];
		bool same_src = addr_same(o->addr[SRC], row->addr[SRC]);
		bool same_dst = addr_same(o->addr[DST], row->addr[DST]);

		if (!same_src && !same_dst)
			continue;
		if (o->value[COL_SERVICE] == v[COL_SERVICE]) {
			srv_src += same_src;
			srv_dst += same_dst;
		}
		if (o->value[COL_LTIME] != v[COL_LTIME])
			continue;
		dst += same_dst;
		src += same_src;
		src_dport += same_src && o->port[DST] == row->port[DST];
		dst_sport += same_dst && o->port[SRC] == row->port[SRC];
		dst_src += same_src && same_dst;
	}
	v[COL_CT_SRV_SRC] = srv_src;
	v[COL_CT_SRV_DST] = srv_dst;
	v[COL_CT_DST_LTM] = dst;
	v[COL_CT_SRC_LTM] = src;
	v[COL_CT_SRC_DPORT_LTM] = src_dport;
	v[COL_CT_DST_SPORT_LTM] = dst_sport;
	v[COL_CT_DST_SRC_LTM] = dst_src;
}

void ct_fill(struct row *const *rows, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		count_one(rows[i], rows, count);
}

struct ct_block *ct_new(void)
{
	struct ct_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->held = mmap(NULL, held_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->held == MAP_FAILED) {
		free(b);
		return NULL;
	}
	madvise(b->held, held_size, MADV_HUGEPAGE);
	b->freed = UINT32_MAX;
	return b;
}

void ct_free(struct ct_block *b)
{
	if (!b)
		return;
	munmap(b->held, held_size);
	free(b);
}

/* ---- who waits ---- */

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

static struct waiting heap_take(struct ct_block *b)
{
	struct waiting first = b->heap[0], w = b->heap[--b->count];
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

static void hold(struct ct_block *b, const struct record *r, const struct row *row)
{
	uint32_t i = b->freed;

	if (i != UINT32_MAX)
		b->freed = b->held[i].next;
	else
		i = b->used++;
	b->held[i].record = *r;
	b->held[i].row = *row;
	heap_add(b, (struct waiting){r->last_ns, b->nth++, i});
}

/* ---- blocks ---- */

static int hand_on(struct ct_block *b, ct_sink sink, void *context)
{
	struct row *rows[CT_BLOCK] = {NULL};
	uint32_t count = b->rows;
	int code = 0;

	for (uint32_t i = 0; i < count; i++)
		rows[i] = &b->held[b->block[i]].row;
	ct_fill(rows, count);
	b->rows = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct held *h = &b->held[b->block[i]];

		if (code >= 0)
			code = sink(context, &h->record, &h->row);
		h->next = b->freed;
		b->freed = b->block[i];
	}
	return code < 0 ? code : 0;
}

/* The earliest takes its place in the block. */
static int advance(struct ct_block *b, ct_sink sink, void *context)
{
	b->block[b->rows++] = heap_take(b).held;
	return b->rows == CT_BLOCK ? hand_on(b, sink, context) : 0;
}

int ct_add(struct ct_block *b, const struct record *r, const struct row *row, ct_sink sink,
	void *context)
{
	int code = 0;

	while (b->count && code >= 0 &&
		(b->count == CT_WAITING || b->heap[0].last_ns < r->at_ns - waits_ns))
		code = advance(b, sink, context);
	if (code < 0)
		return code;
	if (r->event != RECORD_FINAL)
		return sink(context, r, row);
	hold(b, r, row);
	return 0;
}

int ct_flush(struct ct_block *b, ct_sink sink, void *context)
{
	int code = 0;

	while (b->count && code >= 0)
		code = advance(b, sink, context);
	return code < 0 ? code : hand_on(b, sink, context);
}
