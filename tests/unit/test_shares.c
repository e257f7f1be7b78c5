/* The share of traffic by service: of the last hour, bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "desk/shares.h"

static const int64_t minute = 60000000000LL;

static struct shares *s;
static uint64_t flows;

static int begin(void **state)
{
	(void)state;
	s = shares_new();
	flows = 0;
	return s ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	shares_free(s);
	return 0;
}

/* A flow of its own. */
static void add(const char *app, uint64_t bytes, int64_t at_ns)
{
	struct record r = {.flow_id = ++flows};

	r.side[SRC].bytes = bytes;
	shares_add(s, &r, app, at_ns);
}

/* Its bytes; and its flows, unless NULL. */
static uint64_t of(const char *name, int64_t at_ns, uint64_t *count)
{
	json_t *list = shares_json(s, at_ns), *one;
	uint64_t bytes = 0;
	size_t i;

	if (count)
		*count = 0;
	json_array_foreach (list, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "name")), name) != 0)
			continue;
		bytes = (uint64_t)json_integer_value(json_object_get(one, "bytes"));
		if (count)
			*count = (uint64_t)json_integer_value(json_object_get(one, "flows"));
	}
	json_decref(list);
	return bytes;
}

static void counts_what_is_new(void **state)
{
	struct record r = {.flow_id = 77};
	uint64_t count;

	(void)state;
	r.side[SRC].bytes = 100;
	shares_add(s, &r, "tls", minute);
	r.side[DST].bytes = 50;
	r.again = 1;
	shares_add(s, &r, "tls", 2 * minute);
	assert_int_equal(of("tls", 2 * minute, &count), 150);
	assert_int_equal(count, 1);
	add(NULL, 7, 2 * minute);
	assert_int_equal(of("", 2 * minute, NULL), 7);
}

static void is_of_the_last_hour(void **state)
{
	uint64_t count;

	(void)state;
	add("tls", 100, 5 * minute);
	add("dns", 1, 5 * minute);
	add("tls", 10, 30 * minute);
	assert_int_equal(of("tls", 64 * minute, &count), 110);
	assert_int_equal(count, 2);
	assert_int_equal(of("tls", 65 * minute, &count), 10); /* the fifth minute is an hour ago */
	assert_int_equal(count, 1);
	assert_int_equal(of("dns", 65 * minute, NULL), 0);
	assert_int_equal(of("tls", 64 * minute, NULL), 10); /* time does not go back */
	assert_int_equal(of("tls", 1000 * minute, NULL), 0);
	add("tls", 3, 1000 * minute);
	assert_int_equal(of("tls", 1000 * minute, NULL), 3);
}

static void the_smallest_gives_way(void **state)
{
	uint64_t sum = 0, want = 5001;
	json_t *list, *one;
	char name[16];
	size_t i;

	(void)state;
	for (int n = 1; n < SHARES_NAMED; n++) {
		snprintf(name, sizeof(name), "s%d", n);
		add(name, (uint64_t)(1000 + n), minute);
	}
	add("new", 5000, 2 * minute);
	assert_int_equal(of("new", 2 * minute, NULL), 5000); /* not among the others for ever */
	add("new", 1, 3 * minute);
	assert_int_equal(of("new", 3 * minute, NULL), 5001);
	assert_int_equal(of("s1", 3 * minute, NULL), 0);
	/* Nothing is lost: twelve are shown, all else counts among the others. */
	list = shares_json(s, 3 * minute);
	for (uint64_t n = 1; n < SHARES_NAMED; n++)
		want += 1000 + n;
	json_array_foreach (list, i, one) {
		sum += (uint64_t)json_integer_value(json_object_get(one, "bytes"));
	}
	assert_int_equal(json_array_size(list), SHARES_SHOWN + 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(list, 0), "name")), "new");
	json_decref(list);
	assert_int_equal(sum, want);
	/* What gave way leaves with its hour, too. */
	assert_int_equal(of("others", 61 * minute, NULL), 0);
	assert_int_equal(of("new", 61 * minute, NULL), 5001);
	assert_int_equal(of("new", 62 * minute, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_what_is_new, begin, end),
		cmocka_unit_test_setup_teardown(is_of_the_last_hour, begin, end),
		cmocka_unit_test_setup_teardown(the_smallest_gives_way, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
