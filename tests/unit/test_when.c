/* Durations and moments, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "util/when.h"

static void durations_have_a_unit(void **state)
{
	static const char *const wrong[] = {"", "s", "5", "5x", "-5s", " 5s", "5 s", "0s", "1.5h",
		"367d", "53w", "99999999999999999999s", "31622401s"};
	uint64_t s;

	(void)state;
	assert_true(duration_parse("90s", &s) && s == 90);
	assert_true(duration_parse("10m", &s) && s == 600);
	assert_true(duration_parse("2h", &s) && s == 7200);
	assert_true(duration_parse("366d", &s) && s == 366 * 86400);
	assert_true(duration_parse("2w", &s) && s == 14 * 86400);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(duration_parse(wrong[i], &s));
}

static int64_t moment(const char *text)
{
	int64_t ns = -1;

	return moment_parse(text, 1000000000000, -1, &ns) ? ns : -1;
}

static void moments_are_local_unless_they_say(void **state)
{
	static const char *const wrong[] = {"", "yesterday", "2026-13-01", "2026-11-23T", "26-1-1",
		"2026-11-23T09:10+", "2026-11-23T09:10:11.5x", "2026-11-23Z", "1969-01-01",
		"2026-11-23T09:10:11+15:00"};
	const int64_t day = 1795392000LL * 1000000000; /* 2026-11-23 in UTC */
	int64_t ns;

	(void)state;
	setenv("TZ", "<+02>-2", 1);
	tzset();
	assert_int_equal(moment("2026-11-23T02:00"), day);
	assert_int_equal(moment("2026-11-23 02:00:00.25"), day + 250000000);
	assert_int_equal(moment("2026-11-23T00:00:00Z"), day);
	assert_int_equal(moment("2026-11-23T01:30+01:30"), day);
	assert_int_equal(moment("2026-11-22T19:00:00-0500"), day);
	assert_int_equal(moment("2026-11-23"), day - 7200LL * 1000000000);
	assert_int_equal(moment("now"), 1000000000000);
	assert_int_equal(moment("10s"), 990000000000);
	assert_true(moment_parse("10s", 5, 1, &ns) && ns == 10000000005);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(moment(wrong[i]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_a_unit),
		cmocka_unit_test(moments_are_local_unless_they_say),
	};

	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
