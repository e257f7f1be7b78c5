/* Where the kernel's table puts a flow, when another CPU is faster: its code in user space, with a
 * compare-and-exchange before which somebody else may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "flow/meter.h"

/* What the kernel and its compiler have. */
#define SEC(name)
#define __uint(name, value) int name
#define __type(name, kind) kind *name
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#define __sync_val_compare_and_swap(word, old, new) exchange(word, old, new)

enum { BUCKETS = 2 };
/* Of each map an entry: a bucket, or a flow. */
static _Alignas(64) unsigned char memory[BUCKETS][sizeof(struct flow_slot)];
static unsigned faster; /* exchanges before which another CPU takes the word */

static __u32 exchange(__u32 *word, __u32 old, __u32 new)
{
	__u32 was = *word;

	if (faster && was == old) {
		faster--;
		was = *word = new;
	} else if (was == old) {
		*word = new;
	}
	return was;
}

static void *bpf_map_lookup_elem(const void *map, const void *key)
{
	__u32 at;

	(void)map;
	memcpy(&at, key, sizeof(at));
	return at < BUCKETS ? memory[at] : NULL;
}

static long bpf_loop(__u32 times, const void *call, void *context, __u64 flags)
{
	(void)times;
	(void)call;
	(void)context;
	(void)flags;
	return 0;
}

#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "../../bpf/table.h"

/* Two buckets with so many free ways. */
static void fill(unsigned first, unsigned second)
{
	const unsigned room[BUCKETS] = {first, second};

	_Static_assert(sizeof(struct bucket) <= sizeof(memory[0]), "it has room");
	for (unsigned b = 0; b < BUCKETS; b++) {
		struct bucket *bucket = (struct bucket *)memory[b];

		bucket->lock = 0;
		for (unsigned way = 0; way < WAYS; way++)
			bucket->tag[way] = way < WAYS - room[b] ? 77 : TAG_FREE;
	}
}

/* Of which bucket is the slot that is got; -1: there was none. */
static int got(unsigned before)
{
	__u32 at;

	faster = before;
	at = table_take(0, 1);
	if (at == SLOT_NONE)
		return -1;
	assert_int_equal(
		((struct bucket *)memory[(at - 1) / WAYS])->tag[(at - 1) % WAYS], TAG_TAKEN);
	return (int)((at - 1) / WAYS);
}

static void the_roomier_bucket_is_taken(void **state)
{
	(void)state;
	fill(WAYS, WAYS);
	assert_int_equal(got(0), 0);
	fill(ROOMY, WAYS);
	assert_int_equal(got(0), 0);
	fill(ROOMY - 1, ROOMY);
	assert_int_equal(got(0), 1);
	fill(1, 1);
	assert_int_equal(got(0), 0);
	fill(0, 1);
	assert_int_equal(got(0), 1);
	fill(0, 0);
	assert_int_equal(got(0), -1);
}

static void who_is_slower_takes_another_way(void **state)
{
	(void)state;
	fill(WAYS, WAYS);
	assert_int_equal(got(1), 0);
	fill(1, 1);
	assert_int_equal(got(1), 1);
	fill(0, 3);
	assert_int_equal(got(2), 1);
	fill(0, 2);
	assert_int_equal(got(2), -1);
	/* It ends, whatever others do. */
	fill(WAYS, WAYS);
	assert_int_equal(got(TAKE_TRIES), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_roomier_bucket_is_taken),
		cmocka_unit_test(who_is_slower_takes_another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
