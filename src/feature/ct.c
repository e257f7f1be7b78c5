#include "feature/ct.h"

#include <stdlib.h>
#include <string.h>

struct ct_block {
	unsigned rows;
	struct record record[CT_BLOCK];
	struct row row[CT_BLOCK];
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
	return calloc(1, sizeof(struct ct_block));
}

void ct_free(struct ct_block *b)
{
	free(b);
}

int ct_add(struct ct_block *b, const struct record *r, const struct row *row, ct_sink sink,
	void *context)
{
	if (r->event != RECORD_FINAL)
		return sink(context, r, row);
	b->record[b->rows] = *r;
	b->row[b->rows] = *row;
	b->rows++;
	return b->rows == CT_BLOCK ? ct_flush(b, sink, context) : 0;
}

int ct_flush(struct ct_block *b, ct_sink sink, void *context)
{
	struct row *rows[CT_BLOCK] = {NULL};
	unsigned count = b->rows;
	int code = 0;

	for (unsigned i = 0; i < count; i++)
		rows[i] = &b->row[i];
	ct_fill(rows, count);
	b->rows = 0;
	for (unsigned i = 0; i < count && code >= 0; i++)
		code = sink(context, &b->record[i], &b->row[i]);
	return code < 0 ? code : 0;
}
