/* Interfaces: the names on a command line, what the kernel says of one, word of changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/interface.h"
#include "util/number.h"

static void names_come_one_by_one_or_with_commas(void **unused)
{
	struct interface_list list = {0};
	char text[INTERFACES_TEXT];
	struct error e;

	(void)unused;
	assert_string_equal(interface_list_text(&list, text), "");
	assert_int_equal(interface_list_add(&list, "eth0", &e), 0);
	assert_string_equal(interface_list_text(&list, text), "eth0");
	assert_int_equal(interface_list_add(&list, "wg0,eth1,eth", &e), 0);
	assert_int_equal(list.count, 4);
	assert_string_equal(interface_list_text(&list, text), "eth0, wg0, eth1, eth");
}

static void what_is_no_name_is_refused(void **unused)
{
	static const char *const bad[] = {"", ",", "eth1,", ",eth1", "eth1,,eth2",
		"sixteen-letters-", "eth0", "eth1,eth1", "eth2,eth0"};
	struct error e;

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct interface_list list = {0};

		assert_int_equal(interface_list_add(&list, "eth0", &e), 0);
		e.text[0] = '\0';
		assert_int_equal(interface_list_add(&list, bad[i], &e), -EINVAL);
		assert_true(strlen(e.text) > 0);
		assert_null(strchr(e.text, '\n'));
	}
}

static void there_is_room_for_so_many(void **unused)
{
	struct interface_list list = {0};
	char name[32], text[INTERFACES_TEXT];
	struct error e;

	(void)unused;
	for (int i = 0; i < INTERFACES_MAX; i++) {
		snprintf(name, sizeof(name), "interface-%05d", i);
		assert_int_equal(interface_list_add(&list, name, &e), 0);
	}
	assert_int_equal(strlen(interface_list_text(&list, text)), INTERFACES_MAX * 17 - 2);
	assert_int_equal(interface_list_add(&list, "one-more", &e), -EINVAL);
	assert_int_equal(list.count, INTERFACES_MAX);
}

static void the_kernel_is_asked(void **unused)
{
	struct interface i;
	struct error e;

	(void)unused;
	assert_int_equal(interface_look("lo", &i, &e), 0);
	assert_true(i.ifindex > 0);
	assert_true(i.loopback);
	assert_false(i.is_ip);
	assert_int_equal(interface_look("no-such", &i, &e), -ENODEV);
	assert_int_equal(i.ifindex, 0);
	assert_non_null(strstr(e.text, "lo"));
}

static void count_it(void *context, int ifindex)
{
	(void)ifindex;
	++*(int *)context;
}

/* Another program may change an interface just now, but not without end. */
static void word_is_not_waited_for(void **unused)
{
	struct error e;
	int fd = interface_events_open(0, &e), gone = 0, reads = 0;

	(void)unused;
	assert_true(fd >= 0);
	while (interface_events_read(fd, count_it, &gone))
		assert_true(++reads < 1000);
	close(fd);
}

static void numbers_are_whole_and_within_bounds(void **unused)
{
	static const char *const bad[] = {"", " 7", "+7", "-7", "7 ", "7k", "0x10", "4", "101",
		"18446744073709551616", "99999999999999999999999"};
	uint64_t n;

	(void)unused;
	assert_true(number_parse("5", 5, 100, &n));
	assert_int_equal(n, 5);
	assert_true(number_parse("0100", 5, 100, &n));
	assert_int_equal(n, 100);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(number_parse(bad[i], 5, 100, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_one_by_one_or_with_commas),
		cmocka_unit_test(what_is_no_name_is_refused),
		cmocka_unit_test(there_is_room_for_so_many),
		cmocka_unit_test(the_kernel_is_asked),
		cmocka_unit_test(word_is_not_waited_for),
		cmocka_unit_test(numbers_are_whole_and_within_bounds),
	};

	return cmocka_run_group_tests_name("interface", tests, NULL, NULL);
}
