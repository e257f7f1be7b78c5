/* Whom a person has allowed: kept, read again, refused where the file is broken or cannot be
 * written. test_policy_model.c has the property that it is what was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "respond/allowed.h"

static char folder[64], file[96];

static int begin(void **state)
{
	(void)state;
	/* In memory where that is at hand: each change is synced. */
	snprintf(folder, sizeof(folder), "%s/karma-allowed-XXXXXX",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof(file), "%s/state/allow.json", folder);
	return 0;
}

static int end(void **state)
{
	char path[96];

	(void)state;
	unlink(file);
	snprintf(path, sizeof(path), "%s/state", folder);
	rmdir(path);
	return rmdir(folder);
}

static struct allowed_one one(const char *text, uint32_t uid)
{
	struct allowed_one o = {.uid = uid, .at_ns = 1764140000123000000LL};

	assert_true(prefix_parse(text, &o.what));
	return o;
}

static struct allowed *open_it(const char *words)
{
	struct error e = {""};
	struct allowed *a = allowed_open(file, &e);

	assert_non_null(a);
	if (!strstr(e.text, words) || (!*words && e.text[0]))
		fail_msg("'%s' does not say '%s'", e.text, words);
	return a;
}

static void add(struct allowed *a, const char *text, int wanted)
{
	struct allowed_one o = one(text, 1000);
	struct error e = {""};

	assert_int_equal(allowed_add(a, &o, &e), wanted);
	assert_int_equal(!e.text[0], !wanted);
}

static void write_text(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static uint32_t count(const struct allowed *a)
{
	uint32_t n;

	allowed_all(a, &n);
	return n;
}

static void is_kept(void **state)
{
	struct allowed *a = open_it("");
	struct allowed_one ten = one("10.0.0.0/8", 0), six = one("2001:db8::1", 0);
	const struct allowed_one *all;
	struct error e = {""};
	uint32_t n;

	(void)state;
	assert_int_equal(count(a), 0);
	add(a, "10.1.2.3/8", 0);
	add(a, "2001:db8::1", 0);
	add(a, "10.0.0.0/8", 0); /* it is there */
	allowed_close(a);
	a = open_it("");
	all = allowed_all(a, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(&all[0].what, &ten.what, sizeof(ten.what));
	assert_int_equal(all[0].uid, 1000);
	assert_int_equal(all[0].at_ns / 1000000, ten.at_ns / 1000000);
	assert_true(allowed_has(a, &six.what));
	assert_int_equal(allowed_del(a, &ten.what, &e), 0);
	assert_int_equal(allowed_del(a, &ten.what, &e), -ENOENT);
	assert_string_equal(e.text, "");
	allowed_close(a);
	a = open_it("");
	assert_int_equal(count(a), 1);
	assert_true(allowed_has(a, &six.what));
	allowed_close(a);
}

static void is_bounded(void **state)
{
	struct allowed *a = open_it("");
	char text[32];

	(void)state;
	for (int k = 0; k < ALLOWED_MOST; k++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", k >> 8, k & 255);
		add(a, text, 0);
	}
	add(a, "192.0.2.1", -ENOSPC);
	add(a, "10.0.0.5", 0);
	assert_int_equal(count(a), ALLOWED_MOST);
	allowed_close(a);
	a = open_it("");
	assert_int_equal(count(a), ALLOWED_MOST);
	allowed_close(a);
}

/* One line, an empty list, and the file is left alone until it is mended or gone. */
static void broken_files(void **state)
{
	static const char *const broken[] = {"", "[", "{}", "[7]", "[{\"what\": \"10.0.0.1\"}]",
		"[{\"what\": \"me\", \"uid\": 0, \"at\": 1}]",
		"[{\"what\": \"10.0.0.1\", \"uid\": \"0\", \"at\": 1}]",
		"[{\"what\": \"10.0.0.1\", \"uid\": 0, \"at\": 1e300}]",
		"[{\"what\": \"10.0.0.1\", \"uid\": 0, \"at\": 1}] x",
		"[{\"what\": \"10.0.0.1\", \"what\": \"::1\", \"uid\": 0, \"at\": 1}]"};
	struct allowed *a = open_it("");
	struct allowed_one o = one("192.0.2.1", 0);
	struct error e = {""};

	(void)state;
	add(a, "192.0.2.1", 0); /* makes the folder */
	allowed_close(a);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		write_text(broken[i]);
		a = open_it("cannot be read");
		assert_int_equal(count(a), 0);
		assert_true(allowed_add(a, &o, &e) < 0);
		assert_true(allowed_del(a, &o.what, &e) < 0);
		assert_int_equal(count(a), 0);
		write_text("[{\"what\": \"10.0.0.1\", \"uid\": 0, \"at\": 1}]");
		add(a, "192.0.2.1", 0);
		assert_int_equal(count(a), 2);
		allowed_close(a);
	}
	unlink(file);
	assert_int_equal(mkdir(file, 0700), 0);
	allowed_close(open_it("it is none"));
	rmdir(file);
}

/* What cannot be kept is not so. */
static void a_place_that_cannot_be_written(void **state)
{
	struct error e = {""};
	struct allowed *a = allowed_open("/proc/no/such/allow.json", &e);

	(void)state;
	assert_non_null(a);
	add(a, "192.0.2.1", -ENOENT);
	assert_int_equal(count(a), 0);
	allowed_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_kept, begin, end),
		cmocka_unit_test_setup_teardown(is_bounded, begin, end),
		cmocka_unit_test_setup_teardown(broken_files, begin, end),
		cmocka_unit_test(a_place_that_cannot_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
