/* The configuration file: every key of it, and every way to get one wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/settings.h"

static const int64_t second = 1000000000LL;
static struct settings settings;
static struct error e;

static int read_text(const char *text)
{
	char path[] = "/tmp/karma-conf-XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	settings_defaults(&settings);
	e.text[0] = '\0';
	err = settings_read(&settings, path, &e);
	unlink(path);
	return err;
}

static void takes_every_key(void **state)
{
	const struct policy_settings *p = &settings.respond.policy;

	(void)state;
	assert_int_equal(read_text("# a comment\n; another\n[block]\nmode = dry-run\nkeep = yes\n"
				   "pin = /sys/fs/bpf/other\nallow = 192.0.2.1, 2001:db8::/32\n"
				   "allow = 02:00:5e:10:00:01 198.51.100.0/24\nentries = 500\n"
				   "new-a-minute = 7\nlongest = 2d\nmemory = 3h\nprobation = 30s\n"
				   "hosts-of-ipv4-net = 4\nhosts-of-ipv6-net = 0\nlimits = 3\n"
				   "limit-rate = 5000\nlimit-burst = 6000\n"
				   "[policy]\nreconnaissance = off\ndos = dry-run\n"
				   "brute-force = block 55% 90s\nworms = block 1h\n"
				   "[control]\nsocket = /run/other.sock\ngroup = adm\n"),
		0);
	assert_int_equal(settings.block, BLOCK_DRY_RUN);
	assert_true(settings.respond.keep);
	assert_string_equal(settings.respond.pin, "/sys/fs/bpf/other");
	assert_int_equal(settings.respond.allows, 3);
	assert_int_equal(settings.respond.allow[1].bits, 32);
	assert_int_equal(settings.respond.macs, 1);
	assert_int_equal(settings.respond.mac[0][2], 0x5e);
	assert_int_equal(p->entries, 500);
	assert_int_equal(p->new_a_minute, 7);
	assert_int_equal(p->longest_ns, 172800 * second);
	assert_int_equal(p->memory_ns, 10800 * second);
	assert_int_equal(p->probation_ns, 30 * second);
	assert_int_equal(p->net4, 4);
	assert_int_equal(p->net6, 0);
	assert_int_equal(p->limits, 3);
	assert_int_equal(p->rate, 5000);
	assert_int_equal(p->burst, 6000);
	assert_int_equal(p->rule[CLASS_RECONNAISSANCE].action, POLICY_OFF);
	assert_int_equal(p->rule[CLASS_DOS].action, POLICY_DRY_RUN);
	assert_float_equal(p->rule[CLASS_BRUTE_FORCE].confidence, 0.55F, 1e-6F);
	assert_int_equal(p->rule[CLASS_BRUTE_FORCE].first_ns, 90 * second);
	assert_int_equal(p->rule[CLASS_WORMS].action, POLICY_BLOCK);
	assert_float_equal(p->rule[CLASS_WORMS].confidence, 0.7F, 1e-6F);
	assert_string_equal(settings.socket, "/run/other.sock");
	assert_string_equal(settings.group, "adm");
}

static void refuses(const char *text, const char *line, const char *said)
{
	assert_int_equal(read_text(text), -EINVAL);
	if (!strstr(e.text, line) || !strstr(e.text, said))
		fail_msg("'%s' lacks '%s' or '%s'", e.text, line, said);
}

static void says_what_is_wrong_and_where(void **state)
{
	(void)state;
	refuses("[block]\n\nentires = 5\n",
		":3: ", "no key 'entires' in [block]; did you mean entries");
	refuses("[blcok]\nmode = on\n", ":2: ", "no section 'blcok'; did you mean block");
	refuses("mode = on\n", ":1: ", "before any [section]");
	refuses("[block]\nmode\n", ":2: ", "neither a comment");
	refuses("[block]\nmode = yes\n", ":2: ", "mode takes off, dry-run or on, not 'yes'");
	refuses("[block]\nkeep = 1\n", ":2: ", "yes or no");
	refuses("[block]\nentries = 0\n", ":2: ", "a number from 1 to 100,000");
	refuses("[block]\nentries = many\n", ":2: ", "a number from");
	refuses("[block]\nlongest = 10\n", ":2: ", "a time such as");
	refuses("[block]\nprobation = 2d\n", ":2: ", "a time such as");
	refuses("[block]\nallow = 10.0.0.1, 10.0.0.0/33\n", ":2: ", "addresses, prefixes");
	refuses("[block]\nallow = 02:00:5e:10:00\n", ":2: ", "addresses, prefixes");
	refuses("[policy]\nreconnaissance = kill\n", ":2: ", "off, dry-run or block");
	refuses("[policy]\nreconnaissance = block 170%\n", ":2: ", "off, dry-run or block");
	refuses("[policy]\nreconnaissance =\n", ":2: ", "off, dry-run or block");
	refuses("[policy]\nnormal = block\n", ":2: ", "no key 'normal' in [policy]");
	refuses("[policy]\nqqqqqqqqqqqqqq = off\n", ":2: ", "no key 'qqqqqqqqqqqqqq' in [policy]");
	assert_null(strstr(e.text, "did you mean"));
	refuses("[control]\nsocket =\n", ":2: ", "text of 1 to");
	/* The first of several. */
	refuses("[block]\nmode = no\nkeep = no\nentries = 0\n", ":2: ", "mode takes");
}

static void a_file_that_is_named_must_be_there(void **state)
{
	(void)state;
	settings_defaults(&settings);
	assert_int_equal(settings_read(&settings, "/nowhere/karma.conf", &e), -ENOENT);
	assert_non_null(strstr(e.text, "/nowhere/karma.conf"));
	assert_int_equal(settings_read(&settings, "/tmp", &e), -EISDIR);
}

/* The example says nothing, and with its comments taken off, it says the defaults. */
static void the_example_has_the_defaults(void **state)
{
	static struct settings defaults;
	char text[16384] = "", line[512];
	FILE *f = fopen("docs/karma.conf", "r");

	(void)state;
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		const char *at =
			line[0] == '#' && line[1] >= 'a' && line[1] <= 'z' ? line + 1 : line;

		assert_true(strlen(text) + strlen(at) < sizeof(text));
		strcat(text, at);
	}
	fclose(f);
	settings_defaults(&defaults);
	if (read_text(text) != 0)
		fail_msg("%s", e.text);
	assert_memory_equal(&settings, &defaults, sizeof(settings));
	assert_int_equal(settings_read(&settings, "docs/karma.conf", &e), 0);
	assert_memory_equal(&settings, &defaults, sizeof(settings));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_key),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(a_file_that_is_named_must_be_there),
		cmocka_unit_test(the_example_has_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
