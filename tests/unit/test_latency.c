/* Histograms of times: buckets without gaps, quantiles, and the counts that Prometheus wants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "util/latency.h"

static void every_time_has_its_bucket(void **state)
{
	unsigned before = 0;

	(void)state;
	for (uint64_t ns = 0; ns < 1 << 16; ns++) {
		unsigned b = latency_bucket(ns);

		assert_in_range(b, before, before + 1);
		assert_true(ns < latency_edge(b));
		assert_true(b == 0 || ns >= latency_edge(b - 1));
		before = b;
	}
	for (int power = 16; power < 64; power++) {
		uint64_t ns = 1ULL << power;
		unsigned b = latency_bucket(ns);

		assert_true(b < LATENCY_BUCKETS);
		assert_true(b == LATENCY_BUCKETS - 1 || latency_edge(b - 1) == ns);
	}
	assert_int_equal(latency_bucket(UINT64_MAX), LATENCY_BUCKETS - 1);
}

static void quantiles_are_right_within_6_percent(void **state)
{
	static struct latency l;
	double q[] = {0.01, 0.5, 0.99, 1};

	(void)state;
	assert_true(latency_quantile(&l, NULL, 0.5) == 0);
	for (int i = 1; i <= 100000; i++)
		latency_add(&l, i * 100LL);
	for (int i = 0; i < 4; i++) {
		double want = q[i] * 1e7;

		assert_true(fabs(latency_quantile(&l, NULL, q[i]) - want) < 0.0625 * want);
	}
	assert_int_equal(l.count, 100000);
	assert_int_equal(l.max_ns, 10000000);
	assert_int_equal(l.sum_ns, 100LL * 100000 * 100001 / 2);
}

static void of_what_came_after(void **state)
{
	static struct latency l, before;

	(void)state;
	for (int i = 0; i < 1000; i++)
		latency_add(&l, 1000);
	before = l;
	assert_true(latency_quantile(&l, &before, 0.5) == 0);
	latency_add(&l, 1000000);
	assert_true(fabs(latency_quantile(&l, &before, 0.5) - 1e6) < 0.0625e6);
	assert_true(fabs(latency_quantile(&l, NULL, 0.5) - 1e3) < 62.5);
}

static void counts_below_powers_of_two_are_exact(void **state)
{
	static struct latency l;

	(void)state;
	latency_add(&l, -5); /* the clock was set */
	latency_add(&l, 1023);
	latency_add(&l, 1024);
	latency_add(&l, 4095);
	latency_add(&l, INT64_MAX);
	assert_int_equal(latency_below(&l, 8), 1);
	assert_int_equal(latency_below(&l, 1024), 2);
	assert_int_equal(latency_below(&l, 2048), 3);
	assert_int_equal(latency_below(&l, 4096), 4);
	assert_int_equal(latency_below(&l, 1ULL << 36), 4);
	assert_int_equal(l.count, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_time_has_its_bucket),
		cmocka_unit_test(quantiles_are_right_within_6_percent),
		cmocka_unit_test(of_what_came_after),
		cmocka_unit_test(counts_below_powers_of_two_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
