/* The ct_* counters: by hand, and in blocks in the order of last times. As UNSW-NB15 has them:
 * tests/reference/ct.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "feature/ct.h"
#include "sample.h"

static const int counters[] = {COL_CT_SRV_SRC, COL_CT_SRV_DST, COL_CT_DST_LTM, COL_CT_SRC_LTM,
	COL_CT_SRC_DPORT_LTM, COL_CT_DST_SPORT_LTM, COL_CT_DST_SRC_LTM};
enum { COUNTERS = sizeof(counters) / sizeof(counters[0]) };

static struct row row_of(char src, uint16_t sport, char dst, uint16_t dport, int service, int ltime)
{
	struct row row = {.addr = {{[15] = (uint8_t)src}, {[15] = (uint8_t)dst}}};

	row.port[SRC] = sport;
	row.port[DST] = dport;
	row.value[COL_SERVICE] = service;
	row.value[COL_LTIME] = ltime;
	return row;
}

static void counts_by_hand(void **unused)
{
	struct row a = row_of('a', 1, 'x', 80, 2, 10), b = row_of('a', 2, 'x', 80, 2, 11);
	struct row c = row_of('a', 1, 'x', 22, 2, 10), d = row_of('b', 1, 'x', 80, 3, 10);
	struct row *rows[] = {&a, &b, &c, &d};
	static const int expected[COUNTERS] = {3, 3, 3, 2, 1, 3, 2};

	(void)unused;
	ct_fill(rows, 4);
	for (int i = 0; i < COUNTERS; i++)
		assert_close(a.value[counters[i]], expected[i], 0);
	assert_close(b.value[COL_CT_SRV_SRC], 3, 0);
	assert_close(b.value[COL_CT_SRC_LTM], 1, 0);
	assert_close(d.value[COL_CT_SRV_DST], 1, 0);
}

struct seen {
	int rows, final;
	int64_t last_ns; /* of the final records */
	int backwards;
	double last_count;
	int refuse_after;
};

static int see(void *context, const struct record *r, const struct row *row)
{
	struct seen *seen = context;

	assert_int_equal(r->flow_id, row->flow_id);
	seen->rows++;
	seen->last_count = row->value[COL_CT_SRV_SRC];
	if (r->event == RECORD_FINAL) {
		seen->final++;
		seen->backwards += r->last_ns < seen->last_ns;
		seen->last_ns = r->last_ns;
	}
	return seen->rows == seen->refuse_after ? -EIO : 0;
}

/* A final record: made at one time, its last packet came at another, s after the samples' epoch. */
static int add_final(struct ct_block *b, double at, double last, struct seen *seen)
{
	struct record r = sample("10.0.0.1", 1, "10.0.0.2", 80, IPPROTO_TCP, at);
	struct row row = row_of('a', 1, 'b', 80, 0, 0);

	row.flow_id = r.flow_id;
	r.event = RECORD_FINAL;
	r.last_ns = SAMPLE_EPOCH + (int64_t)(last * 1e9);
	return ct_add(b, &r, &row, see, seen);
}

static void final_records_wait_for_their_block(void **unused)
{
	struct ct_block *b = ct_new();
	struct record look = sample("10.0.0.1", 1, "10.0.0.2", 80, IPPROTO_TCP, 0);
	struct row row = row_of('a', 1, 'b', 80, 0, 0);
	struct seen seen = {0};

	(void)unused;
	row.flow_id = look.flow_id;
	assert_int_equal(ct_add(b, &look, &row, see, &seen), 0);
	assert_int_equal(seen.rows, 1); /* a look goes on at once */
	for (int i = 0; i < CT_BLOCK + 7; i++)
		assert_int_equal(add_final(b, 2, 0, &seen), 0);
	assert_int_equal(add_final(b, 60, 0, &seen), 0);
	assert_int_equal(seen.final, 0);
	assert_int_equal(add_final(b, 62, 60, &seen), 0); /* now nothing older can come */
	assert_int_equal(seen.final, CT_BLOCK);
	assert_close(seen.last_count, CT_BLOCK, 0);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.final, CT_BLOCK + 9);
	assert_close(seen.last_count, 9, 0);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.final, CT_BLOCK + 9);

	for (int i = 0; i < 5; i++)
		add_final(b, 130, 130, &seen);
	seen.refuse_after = seen.rows + 3;
	assert_int_equal(ct_flush(b, see, &seen), -EIO);
	assert_int_equal(seen.rows, seen.refuse_after);
	ct_free(b);
}

/* Some end at once, some at the end of their minute. */
static void blocks_follow_the_last_packets(void **unused)
{
	static const double after[] = {0, 2, 30, 60};
	struct ct_block *b = ct_new();
	struct seen seen = {0};
	int added = 0;

	(void)unused;
	for (int at = 0; at < 600; at++)
		for (int i = 0; i < 40; i++, added++)
			add_final(b, at, at - after[i % 4], &seen);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.final, added);
	assert_int_equal(seen.backwards, 0);

	/* More than can wait: the order is nearly kept, and nothing is lost. */
	seen = (struct seen){0};
	added = 0;
	for (int at = 0; at < 10; at++)
		for (int i = 0; i < CT_WAITING / 2; i++, added++)
			add_final(b, at, at - after[i % 4], &seen);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.final, added);
	ct_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_hand),
		cmocka_unit_test(final_records_wait_for_their_block),
		cmocka_unit_test(blocks_follow_the_last_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
