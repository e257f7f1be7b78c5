/* The policy joined to this machine, in a dry run: what is protected here, what is told and
 * counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/resource.h>

#include "respond/prefix.h"
#include "respond/respond.h"

static struct respond_settings settings;
static const struct interface_list none;

/* What was told. */
static struct block_change last;
static unsigned changes, lines;

static void note_change(void *context, const struct block_change *c)
{
	(void)context;
	last = *c;
	changes++;
}

static void note_line(void *context, const char *line)
{
	(void)context;
	(void)line;
	lines++;
}

static struct respond *opened(void)
{
	const struct respond_calls calls = {note_change, note_line, NULL};
	struct error e = {""};
	struct respond *r;

	respond_defaults(&settings);
	settings.policy.dry_run = true;
	changes = lines = 0;
	assert_int_equal(respond_open(&r, &settings, NULL, &none, &calls, &e), 0);
	return r;
}

static struct policy_what what(const char *text)
{
	struct policy_what w = {.kind = POLICY_ADDRESS};
	struct prefix p;

	assert_true(prefix_parse(text, &p));
	memcpy(w.addr, p.addr, sizeof(w.addr));
	w.bits = p.bits;
	return w;
}

static bool is_protected(struct respond *r, const char *text)
{
	struct policy_what w = what(text);

	return policy_add(respond_policy(r), &w, 0, 0, true, respond_now()).verdict ==
	       POLICY_PROTECTED;
}

/* Nothing can be looked up by who may open no files. */
static void open_files(bool may)
{
	static struct rlimit usual;
	struct rlimit l;

	if (!usual.rlim_max)
		assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	l = usual;
	l.rlim_cur = may ? usual.rlim_cur : 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

static struct respond_stats stats(struct respond *r)
{
	struct respond_stats s;

	respond_stats(r, &s);
	return s;
}

/* Which addresses this machine has is not known here: they are compared by their number. */
static void what_was_found_stays_when_it_cannot_be_looked_up(void **state)
{
	struct respond *r = opened();
	uint32_t found = stats(r).is_protected;

	(void)state;
	assert_int_equal(lines, 0);
	assert_true(is_protected(r, "127.0.0.1"));
	open_files(false);
	respond_allow(r);
	respond_allow(r);
	open_files(true);
	assert_int_equal(stats(r).is_protected, found);
	assert_int_equal(lines, 1);
	respond_close(r);
}

/* Who asks from time to time sees that it goes on. */
static void looks_that_fail_are_counted(void **state)
{
	struct respond *r = opened();

	(void)state;
	assert_int_equal(stats(r).protected_lost, 0);
	open_files(false);
	respond_allow(r);
	assert_int_equal(stats(r).protected_lost, 1);
	respond_allow(r);
	assert_int_equal(stats(r).protected_lost, 2);
	open_files(true);
	respond_allow(r);
	assert_int_equal(stats(r).protected_lost, 2);
	respond_close(r);
}

static void the_last_change_is_told_of(void **state)
{
	struct policy_what w = what("2001:db8:77::1");
	struct respond *r = opened();

	(void)state;
	policy_add(respond_policy(r), &w, 0, 7, false, respond_now());
	assert_int_equal(changes, 0);
	respond_close(r);
	assert_int_equal(changes, 1);
	assert_int_equal(last.event, POLICY_ADD);
	assert_int_equal(last.uid, 7);
	assert_memory_equal(&last.entry.what, &w, sizeof(w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_found_stays_when_it_cannot_be_looked_up),
		cmocka_unit_test(looks_that_fail_are_counted),
		cmocka_unit_test(the_last_change_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
