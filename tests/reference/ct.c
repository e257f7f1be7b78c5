/* The ct_* counters against those that UNSW-NB15 publishes, by Karma's own code.
 *
 * usage: ct RAW.csv
 *
 * The counters were made before the labels: a record that several attacks explain stands in the
 * file several times, and was counted once. Such copies are left out: of equal rows of attacks so
 * many stay as the least of their counters. The rest is cut into blocks of 100 from the first row
 * on. Within a second the file's order is not quite the one that was counted in, so that a row near
 * a block's edge may belong to the neighbour; in a second reckoning the edges are put, up to REACH
 * rows from where they should be, so that most rows are right. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feature/csv.h"
#include "feature/ct.h"

enum { REACH = 6, EDGES = 2 * REACH + 1, MOST = CT_BLOCK + 2 * REACH };

/* The shares that docs/flow-record.md names, in percent: cut every 100 rows, and at the best edges.
 */
static const double at_least[2][CT_COUNTERS] = {
	{93.5, 94.5, 97.6, 97.3, 99.2, 99.9, 99.1}, {97.6, 98.1, 99.7, 99.6, 99.6, 99.9, 99.8}};

struct slice {
	struct row *row; /* the copies left out */
	struct ct_key *key;
	size_t rows;
};

struct score {
	size_t rows, all, of[CT_COUNTERS];
};

static int failed, passed;

static void check(bool good, const char *what, double share, double least)
{
	printf("%s %s: %.2f %% (at least %.1f)\n", good ? "ok" : "FAILED", what, share, least);
	*(good ? &passed : &failed) += 1;
}

/* ---- the slice ---- */

static bool same_value(double a, double b)
{
	return a == b || (a != a && b != b);
}

static bool same_row(const struct row *a, const struct row *b)
{
	if (memcmp(a->addr, b->addr, sizeof(a->addr)) != 0 ||
		memcmp(a->port, b->port, sizeof(a->port)) != 0)
		return false;
	for (int i = 0; i < COL_ATTACK_CAT; i++)
		if (!same_value(a->value[i], b->value[i]))
			return false;
	return true;
}

static double least_counter(const struct row *row)
{
	const double *v = row->value + COL_CT_SRV_SRC;
	double least = v[0];

	for (int k = 1; k < CT_COUNTERS; k++)
		if (v[k] < least)
			least = v[k];
	return least;
}

static bool is_copy(const struct slice *s, const struct row *row)
{
	double equal = 0;

	if (row->label == CLASS_NORMAL)
		return false;
	/* The file is in the order of last times. */
	for (size_t i = s->rows; i && s->row[i - 1].value[COL_LTIME] == row->value[COL_LTIME]; i--)
		equal += same_row(&s->row[i - 1], row);
	return equal >= least_counter(row);
}

static bool read_slice(struct slice *s, struct table *t)
{
	s->row = t->row;
	s->key = calloc(t->rows, sizeof(*s->key));
	if (!s->key)
		return false;
	for (size_t i = 0; i < t->rows; i++) {
		if (is_copy(s, &t->row[i]))
			continue;
		s->row[s->rows] = t->row[i];
		s->key[s->rows++] = ct_key(&t->row[i]);
	}
	return true;
}

/* ---- blocks ---- */

/* Count the rows from .. to - 1 as one block; returns how many are right in all seven. */
static size_t count_block(const struct slice *s, size_t from, size_t to, struct score *score)
{
	uint32_t counters[MOST][CT_COUNTERS];
	size_t right = 0;

	ct_count(&s->key[from], (unsigned)(to - from), counters);
	for (size_t i = from; i < to; i++) {
		int equal = 0;

		for (int k = 0; k < CT_COUNTERS; k++) {
			bool same = s->row[i].value[COL_CT_SRV_SRC + k] == counters[i - from][k];

			equal += same;
			if (score)
				score->of[k] += same;
		}
		right += equal == CT_COUNTERS;
	}
	if (score) {
		score->rows += to - from;
		score->all += right;
	}
	return right;
}

/* Where the edges are such that most rows are right: best[k][e] is how many are up to edge k, if it
 * is e - REACH rows from where it should be. The first edge is where it should be. */
static void find_edges(const struct slice *s, size_t blocks, size_t *edge)
{
	size_t(*best)[EDGES] = calloc(blocks + 1, sizeof(*best));
	int(*before)[EDGES] = calloc(blocks + 1, sizeof(*before));
	int e = 0;

	if (!best || !before)
		exit(1);
	for (size_t k = 1; k <= blocks; k++)
		for (int to = 0; to < EDGES; to++)
			for (int from = k == 1 ? REACH : 0; from < (k == 1 ? REACH + 1 : EDGES);
				from++) {
				size_t right =
					best[k - 1][from] +
					count_block(s, k * CT_BLOCK + (size_t)from - REACH,
						(k + 1) * CT_BLOCK + (size_t)to - REACH, NULL);

				if (right > best[k][to]) {
					best[k][to] = right;
					before[k][to] = from;
				}
			}
	for (int i = 1; i < EDGES; i++)
		if (best[blocks][i] > best[blocks][e])
			e = i;
	for (size_t k = blocks + 1; k-- > 0; e = before[k][e])
		edge[k] = (k + 1) * CT_BLOCK + (size_t)e - REACH;
	free(best);
	free(before);
}

static void report(const char *how, const struct score *s, const double *least)
{
	char what[96];

	for (int k = 0; k < CT_COUNTERS; k++) {
		double share = 100.0 * (double)s->of[k] / (double)s->rows;

		snprintf(what, sizeof(what), "%s, %s", how, features[COL_CT_SRV_SRC + k].name);
		check(share >= least[k], what, share, least[k]);
	}
	printf("%s: all seven in %.2f %% of %zu rows\n", how,
		100.0 * (double)s->all / (double)s->rows, s->rows);
}

int main(int argc, char **argv)
{
	struct score fixed = {0}, moved = {0}, early = {0};
	struct slice s = {0};
	struct table t;
	struct error e = {""};
	size_t blocks, *edge;

	if (argc != 2 || table_read(&t, argv[1], true, &e) != 0 || !read_slice(&s, &t)) {
		fprintf(stderr, "ct: %s\n", argc == 2 ? e.text : "usage: ct RAW.csv");
		return 1;
	}
	/* Block 0 and the last one are not whole in the slice, or not from its beginning. */
	blocks = (s.rows - REACH) / CT_BLOCK - 1;
	edge = calloc(blocks + 1, sizeof(*edge));
	if (!edge)
		return 1;
	printf("%zu rows, %zu without the copies that labels made\n", t.rows, s.rows);
	count_block(&s, CT_BLOCK, 2 * CT_BLOCK, &early);
	check(early.all == CT_BLOCK, "rows 100-199, all seven", (double)early.all, 100);
	for (size_t k = 1; k <= blocks; k++)
		count_block(&s, k * CT_BLOCK, (k + 1) * CT_BLOCK, &fixed);
	report("blocks of 100", &fixed, at_least[0]);
	find_edges(&s, blocks, edge);
	for (size_t k = 0; k < blocks; k++)
		count_block(&s, edge[k], edge[k + 1], &moved);
	report("edges found", &moved, at_least[1]);
	free(edge);
	free(s.key);
	table_free(&t);
	printf("%d passed, %d failed, 0 skipped\n", passed, failed);
	return failed != 0;
}
