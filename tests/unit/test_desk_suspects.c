/* The hosts against which most is held: found, in order, halved with time, and not pushed out by
 * many against whom little is held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "desk/suspects.h"

static const int64_t epoch = 1700000000LL * 1000000000;
static const int64_t second = 1000000000;
static const float half_life = 60;

static const uint8_t *host(uint32_t number)
{
	static uint8_t addr[16];

	memset(addr, 0, sizeof(addr));
	addr[10] = addr[11] = 0xff;
	for (int i = 0; i < 4; i++)
		addr[12 + i] = (uint8_t)(number >> 8 * (3 - i));
	return addr;
}

static void what_is_held_halves(void **state)
{
	struct suspects *t = suspects_new();
	struct suspect out[4];

	(void)state;
	suspects_weigh(t, host(1), epoch, 8, half_life);
	suspects_weigh(t, host(2), epoch + 60 * second, 5, half_life);
	suspects_weigh(t, host(2), epoch + 60 * second, 6, half_life);
	suspects_weigh(t, host(3), epoch + 60 * second, 0, half_life); /* nothing is */
	assert_int_equal(suspects_top(t, epoch + 60 * second, half_life, out, 4), 2);
	assert_memory_equal(out[0].addr, host(2), 16);
	assert_true(fabsf(out[0].sum - 6) < 1e-4F);
	assert_int_equal(out[0].records, 2);
	assert_true(fabsf(out[1].sum - 4) < 1e-4F);
	assert_true(out[1].first_ns == epoch);
	/* The one becomes quiet, the other does not. */
	suspects_weigh(t, host(1), epoch + 61 * second, 7, half_life);
	assert_int_equal(suspects_top(t, epoch + 120 * second, half_life, out, 1), 1);
	assert_memory_equal(out[0].addr, host(1), 16);
	suspects_weigh(t, host(1), epoch + 121 * second, 0, half_life);
	assert_int_equal(suspects_top(t, epoch + 121 * second, half_life, out, 4), 1);
	assert_int_equal(suspects_top(t, epoch + 7200 * second, half_life, out, 4), 0);
	suspects_free(t);
}

static void many_do_not_push_out_the_few(void **state)
{
	struct suspects *t = suspects_new();
	struct suspect out[3];

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		suspects_weigh(t, host(i), epoch, 100 * (float)i, half_life);
	for (uint32_t i = 10; i < 100000; i++)
		suspects_weigh(t, host(i), epoch + i, 1 + (float)(i % 7), half_life);
	assert_int_equal(suspects_top(t, epoch, half_life, out, 3), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_memory_equal(out[i].addr, host(3 - i), 16);
	assert_true(suspects_left_out(t) > 90000);
	suspects_free(t);
}

static void alerts_are_counted_at_both_ends(void **state)
{
	struct suspects *t = suspects_new();
	uint8_t attacker[16], target[16];
	struct suspect out[4];

	(void)state;
	memcpy(attacker, host(1), 16);
	memcpy(target, host(2), 16);
	suspects_weigh(t, attacker, epoch, 9, half_life);
	suspects_alert(t, attacker, target, epoch, half_life);
	suspects_alert(t, NULL, target, epoch, half_life); /* of many */
	assert_int_equal(suspects_top(t, epoch, half_life, out, 4), 2);
	assert_int_equal(out[0].attacks, 1);
	assert_int_equal(out[0].attacked, 0);
	assert_memory_equal(out[1].addr, target, 16);
	assert_int_equal(out[1].attacked, 2);
	assert_true(out[1].sum == 0);
	suspects_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_halves),
		cmocka_unit_test(many_do_not_push_out_the_few),
		cmocka_unit_test(alerts_are_counted_at_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
