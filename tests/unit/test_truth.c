/* Labels by time and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feature/truth.h"

#define SECOND 1000000000LL

static int read_text(struct truth **t, const char *text, struct error *e)
{
	char path[] = "/tmp/karma-truth-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = truth_read(t, path, e);
	unlink(path);
	return err;
}

static struct record between(const char *a, const char *b, int64_t first, int64_t last)
{
	struct record r = {.first_ns = first, .last_ns = last};

	assert_true(addr_parse(a, r.addr[SRC]) && addr_parse(b, r.addr[DST]));
	return r;
}

static int class_between(
	const struct truth *t, const char *a, const char *b, int64_t first, int64_t last)
{
	struct record r = between(a, b, first, last);

	return truth_class(t, &r);
}

static void ends_time_and_order_decide(void **unused)
{
	struct truth *t;
	struct error e = {""};

	(void)unused;
	assert_int_equal(read_text(&t,
				 "# what ran\n\n"
				 "100 200.5 10.0.0.1 10.1.0.0/16 Reconnaissance # a scan\n"
				 "150 160 10.0.0.1 * Brute_Force\n"
				 "300 400 2001:db8::/33 * DoS\n"
				 "500 600 10.0.0.7 * -\n",
				 &e),
		0);
	assert_int_equal(class_between(t, "10.0.0.1", "10.1.2.3", 150 * SECOND, 150 * SECOND),
		CLASS_RECONNAISSANCE);
	/* the answer's direction */
	assert_int_equal(class_between(t, "10.1.2.3", "10.0.0.1", 150 * SECOND, 150 * SECOND),
		CLASS_RECONNAISSANCE);
	assert_int_equal(class_between(t, "10.9.2.3", "10.0.0.1", 150 * SECOND, 150 * SECOND),
		CLASS_BRUTE_FORCE);
	assert_int_equal(
		class_between(t, "10.9.2.3", "10.0.0.2", 150 * SECOND, 150 * SECOND), CLASS_NORMAL);
	/* overlap is enough, both edges count */
	assert_int_equal(class_between(t, "10.0.0.1", "10.1.2.3", 50 * SECOND, 100 * SECOND),
		CLASS_RECONNAISSANCE);
	assert_int_equal(class_between(t, "10.0.0.1", "10.1.2.3", 200500000000LL, 300 * SECOND),
		CLASS_RECONNAISSANCE);
	assert_int_equal(class_between(t, "10.0.0.1", "10.1.2.3", 200500000001LL, 300 * SECOND),
		CLASS_NORMAL);
	/* a class that is not to be told */
	assert_int_equal(class_between(t, "10.0.0.7", "10.1.2.3", 550 * SECOND, 550 * SECOND), -1);
	/* a prefix that ends within a byte */
	assert_int_equal(
		class_between(t, "2001:db8:7fff::1", "::1", 300 * SECOND, 300 * SECOND), CLASS_DOS);
	assert_int_equal(class_between(t, "2001:db8:8000::1", "::1", 300 * SECOND, 300 * SECOND),
		CLASS_NORMAL);
	truth_free(t);
}

static void a_service_limits_the_line(void **unused)
{
	struct truth *t;
	struct error e = {""};
	struct record r = between("10.0.0.1", "10.0.0.2", 150 * SECOND, 150 * SECOND);

	(void)unused;
	assert_int_equal(
		read_text(&t, "100 200 * 10.0.0.2 DoS tcp/8080 flood\n100 200 * 10.0.0.3 DoS - x\n",
			&e),
		0);
	r.proto = 6;
	r.port[DST] = 8080;
	assert_int_equal(truth_class(t, &r), CLASS_DOS);
	r.port[DST] = 80;
	assert_int_equal(truth_class(t, &r), CLASS_NORMAL);
	r.proto = 17;
	r.port[DST] = 8080;
	assert_int_equal(truth_class(t, &r), CLASS_NORMAL);
	/* "port unreachable" answers the flood */
	r.proto = 1;
	r.net = NET_IPV4;
	r.port[DST] = 0;
	r.icmp_type = 3;
	r.icmp_code = 3;
	r.state = STATE_URP;
	assert_int_equal(truth_class(t, &r), CLASS_DOS);
	addr_parse("10.0.0.3", r.addr[DST]);
	assert_int_equal(truth_class(t, &r), CLASS_DOS);
	truth_free(t);
}

static void bad_lines_are_named(void **unused)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"1 2 10.0.0.1 * DoS\n1 2 10.0.0.1 *\n", ":2: not the fields"},
		{"1 2 10.0.0.1 * DoS - a b\n", ":1: not the fields"},
		{"1 2 10.0.0.1 * DoS what\n", ":1: a service"},
		{"1 2 10.0.0.1 * DoS tcp/70000\n", ":1: a service"},
		{"1 2 10.0.0.1 * DoS tcp/8x\n", ":1: a service"},
		{"soon 2 10.0.0.1 * DoS\n", ":1: a time"},
		{"1 nan 10.0.0.1 * DoS\n", ":1: a time"},
		{"3 2 10.0.0.1 * DoS\n", ":1: ends before"},
		{"1 2 10.0.0.1/33 * DoS\n", ":1: an end"},
		{"1 2 10.0.0.1/x * DoS\n", ":1: an end"},
		{"1 2 10.0.0.1/8x * DoS\n", ":1: an end"},
		{"1 2 host * DoS\n", ":1: an end"},
		{"1 2 * * Mischief\n", ":1: there is no category 'Mischief'; give one of Normal, "},
		{"1 2 * * Brute_Farce\n", "'Brute_Farce'; give one of Normal, Reconnaissance, "},
		{"1 2 * * Mischief\n", "Worms, Brute_Force"},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct truth *t = NULL;
		struct error e = {""};

		assert_true(read_text(&t, cases[i].text, &e) < 0);
		assert_null(t);
		if (!strstr(e.text, cases[i].says))
			fail_msg("'%s' does not say '%s'", e.text, cases[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_time_and_order_decide),
		cmocka_unit_test(a_service_limits_the_line),
		cmocka_unit_test(bad_lines_are_named),
	};

	return cmocka_run_group_tests_name("truth", tests, NULL, NULL);
}
