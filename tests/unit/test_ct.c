/* The ct_* counters: by hand, and in blocks in the order of last times. As UNSW-NB15 has them:
 * tests/reference/ct.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "feature/csv.h"
#include "feature/ct.h"
#include "sample.h"

static struct row row_of(char src, uint16_t sport, char dst, uint16_t dport, int service, int ltime)
{
	struct row row = {.addr = {{[15] = (uint8_t)src}, {[15] = (uint8_t)dst}}, .label = -1};

	row.port[SRC] = sport;
	row.port[DST] = dport;
	row.value[COL_SERVICE] = service;
	row.value[COL_LTIME] = ltime;
	return row;
}

static void counts_by_hand(void **unused)
{
	struct row rows[] = {row_of('a', 1, 'x', 80, 2, 10), row_of('a', 2, 'x', 80, 2, 11),
		row_of('a', 1, 'x', 22, 2, 10), row_of('b', 1, 'x', 80, 3, 10)};
	static const uint32_t expected[4][CT_COUNTERS] = {{3, 3, 3, 2, 1, 3, 2},
		{3, 3, 1, 1, 1, 1, 1}, {3, 3, 3, 2, 1, 3, 2}, {1, 1, 3, 1, 1, 3, 1}};
	uint32_t counters[4][CT_COUNTERS];
	struct ct_key keys[4];

	(void)unused;
	for (int i = 0; i < 4; i++)
		keys[i] = ct_key(&rows[i]);
	ct_count(keys, 4, counters);
	assert_memory_equal(counters, expected, sizeof(expected));
}

/* ---- blocks ---- */

struct seen {
	int rows, refuse_after;
	double last; /* COL_LAST of the row before */
	int backwards;
	char counters[64]; /* of the last one */
};

/* The nth field of a line and what follows. */
static const char *field(const char *line, int nth)
{
	while (nth--)
		line = strchr(line, ',') + 1;
	return line;
}

static int see(void *context, const char *line, size_t length)
{
	struct seen *seen = context;
	char text[CSV_LINE];
	double last;

	assert_true(length < sizeof(text) && line[length - 1] == '\n');
	memcpy(text, line, length);
	text[length - 1] = '\0';
	last = strtod(field(text, COL_LAST), NULL);
	seen->backwards += last < seen->last;
	seen->last = last;
	snprintf(seen->counters, sizeof(seen->counters), "%.*s",
		(int)(field(text, COL_ATTACK_CAT) - 1 - field(text, COL_CT_SRV_SRC)),
		field(text, COL_CT_SRV_SRC));
	assert_string_equal(field(text, (int)feature_count - 1), "0"); /* none is missing */
	seen->rows++;
	return seen->rows == seen->refuse_after ? -EIO : 0;
}

/* A final record: made at one time, its last packet came at another, s after the samples' epoch. */
static int add_final(struct ct_block *b, double at, double last, struct seen *seen)
{
	struct record r = sample("10.0.0.1", 1, "10.0.0.2", 80, IPPROTO_TCP, at);
	struct row row = row_of('a', 1, 'b', 80, 0, 0);

	r.event = RECORD_FINAL;
	r.last_ns = SAMPLE_EPOCH + (int64_t)(last * 1e9);
	return ct_add(b, &r, &row, see, seen);
}

static void final_records_wait_for_their_block(void **unused)
{
	struct ct_block *b = ct_new();
	struct seen seen = {0};

	(void)unused;
	for (int i = 0; i < CT_BLOCK + 7; i++)
		assert_int_equal(add_final(b, 2, 0, &seen), 0);
	assert_int_equal(add_final(b, 60, 0, &seen), 0);
	assert_int_equal(seen.rows, 0);
	assert_int_equal(add_final(b, 62, 60, &seen), 0); /* now nothing older can come */
	assert_int_equal(seen.rows, CT_BLOCK);
	assert_string_equal(seen.counters, "100,100,100,100,100,100,100");
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.rows, CT_BLOCK + 9);
	assert_string_equal(seen.counters, "9,9,9,9,9,9,9");
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.rows, CT_BLOCK + 9);

	for (int i = 0; i < 5; i++)
		add_final(b, 130, 130, &seen);
	seen.refuse_after = seen.rows + 3;
	assert_int_equal(ct_flush(b, see, &seen), -EIO);
	assert_int_equal(seen.rows, seen.refuse_after);
	add_final(b, 130, 130, &seen);
	ct_free(b); /* with one that waits */
}

/* Some end at once, some at the end of their minute. */
static void blocks_follow_the_last_packets(void **unused)
{
	static const double after[] = {0, 2, 30, 60};
	struct ct_block *b = ct_new();
	struct seen seen = {0};
	int added = 0;

	(void)unused;
	for (int at = 0; at < 200; at++)
		for (int i = 0; i < 40; i++, added++)
			add_final(b, at, at - after[i % 4], &seen);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.rows, added);
	assert_int_equal(seen.backwards, 0);

	/* More than can wait: the order is nearly kept, and nothing is lost. */
	seen = (struct seen){0};
	added = 0;
	for (int at = 0; at < 4; at++)
		for (int i = 0; i < CT_WAITING / 2; i++, added++)
			add_final(b, at, at - after[i % 4], &seen);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(seen.rows, added);
	ct_free(b);
}

/* Numbers of many digits make a line longer than usual. */
static void long_lines_are_whole(void **unused)
{
	struct ct_block *b = ct_new();
	struct record r = sample("2001:db8:1234:5678:9abc:def0:1234:5678", 1,
		"2001:db8:1234:5678:9abc:def0:1234:5679", 80, IPPROTO_TCP, 0);
	struct row row = row_of('a', 1, 'b', 80, 0, 0);
	struct seen seen = {0};

	(void)unused;
	for (unsigned i = 0; i < feature_count; i++)
		if (features[i].kind == KIND_NUMBER && i != feature_count - 1)
			row.value[i] = 1234567.123456;
	assert_int_equal(ct_add(b, &r, &row, see, &seen), 0);
	assert_int_equal(ct_add(b, &r, &row, see, &seen), 0);
	assert_int_equal(ct_flush(b, see, &seen), 0);
	assert_int_equal(ct_add(b, &r, &row, see, &seen), 0);
	assert_int_equal(seen.rows, 2);
	assert_string_equal(seen.counters, "2,2,2,2,2,2,2");
	ct_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_hand),
		cmocka_unit_test(final_records_wait_for_their_block),
		cmocka_unit_test(blocks_follow_the_last_packets),
		cmocka_unit_test(long_lines_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
