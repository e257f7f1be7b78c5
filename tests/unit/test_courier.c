/* The queue between detection and those who listen: order, bounds, attempts, rate and the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/courier.h"
#include "util/clock.h"

static const uint64_t second = 1000000000;

/* Who listens: he takes, refuses, or hangs. */
struct listener {
	atomic_int delivered, attempts, nudges, released, refuse;
	atomic_bool hang;
	char got[65536];
	int pipe[2];
};

static int take(void *own, struct courier *c, const char *text, size_t length, struct error *why)
{
	struct listener *l = own;

	l->attempts++;
	while (l->hang && !courier_is_over(c))
		courier_wait(c, -1, 0, 10);
	if (l->hang)
		return ECANCELED;
	if (l->refuse)
		return error_set(why, l->refuse, "refused");
	memcpy(l->got + strlen(l->got), text, length);
	l->delivered++;
	return 0;
}

static void nudge(void *own)
{
	((struct listener *)own)->nudges++;
}

static void release(void *own)
{
	((struct listener *)own)->released++;
}

static const struct courier_settings usual = {.name = "test",
	.threads = 1,
	.messages = 10,
	.bytes = 1000,
	.deliver = take,
	.nudge = nudge,
	.release = release};

static struct courier *open_courier(const struct courier_settings *settings, struct listener *l)
{
	struct courier *c = NULL;
	struct error e = {""};

	memset(l, 0, sizeof(*l));
	if (courier_open(&c, settings, l, &e))
		fail_msg("%s", e.text);
	return c;
}

static void say(struct courier *c, const char *text)
{
	courier_send(c, strdup(text), strlen(text));
}

static uint64_t in(uint64_t seconds)
{
	return clock_now(CLOCK_MONOTONIC) + seconds * second;
}

static void wait_until(atomic_int *value, int least)
{
	for (int i = 0; i < 1000 && *value < least; i++)
		usleep(10000);
	assert_true(*value >= least);
}

static void messages_arrive_in_order(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	struct courier_stats s;

	(void)state;
	say(c, "one ");
	say(c, "two ");
	courier_settle(c, in(10));
	assert_string_equal(l.got, "one two ");
	say(c, "three");
	courier_close(c, in(10), &s);
	assert_string_equal(l.got, "one two three");
	assert_int_equal(s.told, 3);
	assert_int_equal(s.lost + s.failed + s.limited, 0);
	assert_int_equal(l.released, 1);
}

static void without_a_thread_whoever_sends_delivers(void **state)
{
	struct courier_settings settings = usual;
	struct courier_stats s;
	struct courier *c;
	struct listener l;

	(void)state;
	settings.threads = 0;
	c = open_courier(&settings, &l);
	say(c, "at once");
	assert_string_equal(l.got, "at once");
	courier_nudge(c);
	assert_int_equal(l.nudges, 1);
	l.refuse = -EPIPE;
	say(c, "lost");
	assert_int_equal(courier_code(c), EPIPE);
	l.refuse = EIO; /* nobody is there to try again */
	say(c, "lost");
	courier_close(c, 0, &s);
	assert_int_equal(s.told, 1);
	assert_int_equal(s.lost, 2);
}

/* Nobody waits for a listener that hangs; what finds no room is counted; the end is not held up. */
static void who_hangs_delays_nobody(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	uint64_t begun = clock_now(CLOCK_MONOTONIC);
	struct courier_stats s;

	(void)state;
	l.hang = true;
	say(c, "first");
	wait_until(&l.attempts, 1);
	for (int i = 0; i < 100000; i++)
		say(c, "more");
	assert_in_range(clock_now(CLOCK_MONOTONIC) - begun, 0, 5 * second);
	courier_stats(c, &s);
	assert_int_equal(s.waiting, 11);
	assert_int_equal(s.lost, 100000 - 10);
	assert_true(s.failing && s.why[0]);
	courier_close(c, in(0), &s);
	assert_int_equal(s.lost, 100001);
	assert_int_equal(s.told, 0);
	assert_int_equal(l.released, 1);
}

/* An attempt that does not end is no success: it takes as long as no program and no server may. */
static void who_hangs_is_said_to_fail(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	struct courier_stats s;

	(void)state;
	l.hang = true;
	say(c, "first");
	wait_until(&l.attempts, 1);
	courier_stats(c, &s);
	assert_false(s.failing);
	for (int i = 0; i < 30 && !s.failing; i++) {
		sleep(1);
		courier_stats(c, &s);
	}
	assert_true(s.failing);
	assert_int_equal(s.waiting, 1);
	assert_true(clock_now(CLOCK_MONOTONIC) - s.failing_ns > 15 * second);
	assert_string_equal(s.why, "nobody takes what it says");
	l.hang = false;
	wait_until(&l.delivered, 1);
	courier_settle(c, in(10));
	courier_stats(c, &s);
	assert_false(s.failing);
	courier_close(c, in(10), NULL);
}

static void bytes_are_bounded_too(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	char *large = malloc(600);
	struct courier_stats s;

	(void)state;
	l.hang = true;
	say(c, "first");
	wait_until(&l.attempts, 1);
	memset(large, 'x', 600);
	courier_send(c, large, 600);
	large = malloc(600);
	memset(large, 'x', 600);
	courier_send(c, large, 600);
	courier_stats(c, &s);
	assert_int_equal(s.lost, 1);
	l.hang = false;
	courier_close(c, in(10), &s);
	assert_int_equal(s.told, 2);
}

static void what_is_refused_for_now_is_tried_again(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	struct courier_stats s;

	(void)state;
	l.refuse = ECONNREFUSED;
	say(c, "one ");
	say(c, "two");
	wait_until(&l.attempts, 1);
	usleep(20000);
	courier_stats(c, &s);
	assert_true(s.failing);
	assert_in_range(clock_now(CLOCK_MONOTONIC) - s.failing_ns, 1, 10 * second);
	assert_string_equal(s.why, "refused");
	l.refuse = 0;
	wait_until(&l.delivered, 2);
	courier_close(c, in(10), &s);
	assert_string_equal(l.got, "one two");
	assert_false(s.failing);
	assert_int_equal(s.failing_ns, 0);
	assert_true(s.failed >= 1);
	assert_int_equal(s.lost, 0);
}

static void what_is_refused_for_good_is_lost(void **state)
{
	struct courier_settings settings = usual;
	struct courier_stats s;
	struct courier *c;
	struct listener l;

	(void)state;
	settings.tries = 2;
	c = open_courier(&settings, &l);
	l.refuse = -EINVAL;
	say(c, "one");
	wait_until(&l.attempts, 1);
	courier_settle(c, in(10));
	l.refuse = EAGAIN; /* to be tried again, and twice */
	say(c, "two");
	wait_until(&l.attempts, 3);
	courier_settle(c, in(10));
	l.refuse = 0;
	say(c, "three");
	courier_close(c, in(10), &s);
	assert_int_equal(l.attempts, 4);
	assert_int_equal(s.lost, 2);
	assert_string_equal(l.got, "three");
}

/* When all ends, a listener that refuses is tried once: what waits behind is not. */
static void the_end_is_not_held_up_by_refusals(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	uint64_t begun = clock_now(CLOCK_MONOTONIC);
	struct courier_stats s;

	(void)state;
	l.refuse = ECONNREFUSED;
	for (int i = 0; i < 10; i++)
		say(c, "x");
	wait_until(&l.attempts, 1);
	courier_close(c, in(10), &s);
	assert_in_range(clock_now(CLOCK_MONOTONIC) - begun, 0, 5 * second);
	assert_int_equal(s.lost, 10);
	assert_int_equal(l.attempts, 2);
}

static void the_rate_keeps_some_back(void **state)
{
	struct courier_settings settings = usual;
	struct courier_stats s;
	struct courier *c;
	struct listener l;

	(void)state;
	settings.per_minute = 3;
	settings.messages = 100;
	c = open_courier(&settings, &l);
	for (int i = 0; i < 20; i++)
		say(c, "x");
	courier_close(c, in(10), &s);
	assert_int_equal(s.told, 3);
	assert_int_equal(s.limited, 17);
	assert_int_equal(s.lost, 0);
}

static void a_nudge_comes_without_a_message(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);

	(void)state;
	courier_nudge(c);
	wait_until(&l.nudges, 1);
	l.refuse = EIO; /* and also while one is tried again */
	say(c, "x");
	wait_until(&l.attempts, 1);
	courier_nudge(c);
	wait_until(&l.nudges, 2);
	l.refuse = 0;
	courier_close(c, in(10), NULL);
	assert_string_equal(l.got, "x");
}

static void several_threads_share_the_queue(void **state)
{
	struct courier_settings settings = usual;
	struct courier_stats s;
	struct courier *c;
	struct listener l;

	(void)state;
	settings.threads = 4;
	c = open_courier(&settings, &l);
	l.hang = true;
	for (int i = 0; i < 10; i++)
		say(c, "");
	wait_until(&l.attempts, 4);
	usleep(50000);
	assert_int_equal(l.attempts, 4);
	l.hang = false;
	courier_close(c, in(10), &s);
	assert_int_equal(s.told, 10);
}

/* What comes while a thread waits to try again goes to one that has nothing to do. */
static void a_thread_that_pauses_takes_no_wake_up(void **state)
{
	struct courier_settings settings = usual;
	struct courier *c;
	struct listener l;

	(void)state;
	settings.threads = 2;
	settings.tries = 3; /* after 1 s and 2 s */
	c = open_courier(&settings, &l);
	l.refuse = EAGAIN;
	say(c, "x");
	wait_until(&l.attempts, 2);
	l.refuse = 0;
	for (int i = 1; i <= 5; i++) {
		say(c, "y");
		for (int t = 0; t < 100 && l.delivered < i; t++)
			usleep(10000);
		assert_int_equal(l.delivered, i);
	}
	assert_string_equal(l.got, "yyyyy");
	courier_close(c, in(10), NULL);
	assert_string_equal(l.got, "yyyyyx");
}

static void short_memory_is_counted(void **state)
{
	struct listener l;
	struct courier *c = open_courier(&usual, &l);
	struct courier_stats s;

	(void)state;
	courier_send(c, NULL, 0);
	courier_close(c, in(10), &s);
	assert_int_equal(s.lost, 1);
	assert_int_equal(s.code, ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_arrive_in_order),
		cmocka_unit_test(without_a_thread_whoever_sends_delivers),
		cmocka_unit_test(who_hangs_delays_nobody),
		cmocka_unit_test(who_hangs_is_said_to_fail),
		cmocka_unit_test(bytes_are_bounded_too),
		cmocka_unit_test(what_is_refused_for_now_is_tried_again),
		cmocka_unit_test(what_is_refused_for_good_is_lost),
		cmocka_unit_test(the_end_is_not_held_up_by_refusals),
		cmocka_unit_test(the_rate_keeps_some_back),
		cmocka_unit_test(a_nudge_comes_without_a_message),
		cmocka_unit_test(several_threads_share_the_queue),
		cmocka_unit_test(a_thread_that_pauses_takes_no_wake_up),
		cmocka_unit_test(short_memory_is_counted),
	};

	return cmocka_run_group_tests_name("courier", tests, NULL, NULL);
}
