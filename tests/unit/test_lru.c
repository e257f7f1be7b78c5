/* What the detector remembers with: the bounded table, and counting different ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "detect/distinct.h"
#include "detect/lru.h"

/* ---- the bounded table ---- */

static void lru_replaces_the_least_recently_used(void **state)
{
	struct lru *t = lru_new(3, 4, sizeof(int));
	bool fresh;

	(void)state;
	for (uint32_t key = 1; key <= 3; key++)
		*(int *)lru_use(t, &key, &fresh) = (int)key;
	assert_int_equal(*(int *)lru_use(t, &(uint32_t){1}, &fresh), 1);
	assert_false(fresh);
	assert_int_equal(*(int *)lru_use(t, &(uint32_t){4}, &fresh), 0); /* 2 gave way */
	assert_true(fresh);
	assert_null(lru_find(t, &(uint32_t){2}));
	assert_int_equal(*(int *)lru_find(t, &(uint32_t){1}), 1);
	assert_int_equal(*(int *)lru_oldest(t), 3);
	assert_int_equal(lru_count(t), 3);
	assert_int_equal(lru_replaced(t), 1);
	lru_free(t);
}

static void lru_removes_and_uses_the_place_again(void **state)
{
	struct lru *t = lru_new(2, 16, 8);
	uint8_t key[16] = {0};
	bool fresh;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		void *value;

		key[0] = (uint8_t)i;
		key[1] = (uint8_t)(i >> 8);
		value = lru_use(t, key, &fresh);
		assert_true(fresh);
		assert_memory_equal(lru_key(t, value), key, 16);
		lru_remove(t, value);
		assert_null(lru_find(t, key));
	}
	assert_int_equal(lru_count(t), 0);
	assert_int_equal(lru_replaced(t), 0);
	assert_null(lru_oldest(t));
	lru_free(t);
}

/* Against a plain array that does the same slowly. */
static void lru_agrees_with_a_plain_list(void **state)
{
	enum { ROOM = 50, STEPS = 20000 };
	struct lru *t = lru_new(ROOM, 8, 8);
	uint64_t list[ROOM], random = 88172645463325252ULL;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		uint64_t key;
		size_t at = 0;
		bool fresh;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		key = random % 80;
		while (at < n && list[at] != key)
			at++;
		lru_use(t, &key, &fresh);
		assert_int_equal(fresh, at == n);
		if (at == n && n < ROOM)
			n++;
		at = at == n ? n - 1 : at;
		memmove(list + 1, list, (at < n ? at : n - 1) * sizeof(list[0]));
		list[0] = key;
		assert_memory_equal(lru_key(t, lru_oldest(t)), &list[n - 1], 8);
	}
	assert_int_equal(lru_count(t), ROOM);
	lru_free(t);
}

/* ---- counting different ones ---- */

static void distinct_counts_hosts(void **state)
{
	static struct distinct_hosts d;
	uint8_t addr[16] = {0};

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		memcpy(addr + 12, &i, 4);
		distinct_add_host(&d, addr);
		distinct_add_host(&d, addr);
		if (i == 9)
			assert_int_equal(distinct_host_count(&d), 10);
	}
	assert_in_range(distinct_host_count(&d), 9900, 10100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lru_replaces_the_least_recently_used),
		cmocka_unit_test(lru_removes_and_uses_the_place_again),
		cmocka_unit_test(lru_agrees_with_a_plain_list),
		cmocka_unit_test(distinct_counts_hosts),
	};

	return cmocka_run_group_tests_name("lru", tests, NULL, NULL);
}
