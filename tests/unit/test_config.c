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
	assert_int_equal(
		read_text("\xef\xbb\xbf# a comment\n; another\n"
			  "[watch]\ninterfaces = eth0, wg0\ninterfaces = wg1\n"
			  "flows = 2048\n  outer = yes ; indented\neach-interface = yes\n"
			  "[model]\nfile = /a.karma\nprofile = /p.json\n"
			  "sensitivity = high\nkernel = int8\n"
			  "  [history] # blanks say nothing\nfile = /h.db\noff = yes\nage = 30d\n"
			  "size = 2G\n[output]\neve = /e.json\neve-socket = /s\nsyslog = "
			  "yes\njournald = yes\nnotify = /n\n"
			  "webhook = https://w/\njson = yes\npcap-dir = /p\n"
			  "[block]\nmode = dry-run\nkeep = yes\n"
			  "pin = /sys/fs/bpf/other\nallow = 192.0.2.1, 2001:db8::/32\n"
			  "allow = 02:00:5e:10:00:01 198.51.100.0/24\nentries = 500\n"
			  "new-a-minute = 7\nlongest = 2d\nmemory = 3h\nprobation = 30s\n"
			  "hosts-of-ipv4-net = 4\nhosts-of-ipv6-net = 0\nlimits = 3\n"
			  "limit-rate = 5000\nlimit-burst = 6000\n"
			  "[policy]\nreconnaissance = off\ndos = dry-run\n"
			  "brute-force = block 55% 90s\nworms = block 1h\n"
			  "[control]\nsocket = /run/other.sock\ngroup = adm\n"),
		0);
	assert_int_equal(settings.meter.interfaces.count, 3);
	assert_string_equal(settings.meter.interfaces.name[1], "wg0");
	assert_int_equal(settings.meter.settings.flows, 2048);
	assert_true(settings.meter.settings.outer && settings.meter.settings.each_interface);
	assert_string_equal(settings.model, "/a.karma");
	assert_string_equal(settings.profile, "/p.json");
	assert_int_equal(settings.sensitivity, SENSITIVITY_HIGH);
	assert_string_equal(settings.kernel, "int8");
	assert_string_equal(settings.history, "/h.db");
	assert_true(settings.no_history && settings.json);
	assert_int_equal(settings.history_age_ns, 30 * 86400 * second);
	assert_int_equal(settings.history_size, 2ULL << 30);
	assert_string_equal(settings.eve, "/e.json");
	assert_string_equal(settings.pcap_dir, "/p");
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
	refuses("[blcok]\nmode = on\n", ":1: ", "no section 'blcok'; did you mean block");
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
	refuses("[watch]\ninterfaces = lo, lo\n", ":2: ", "interface 'lo' is named twice");
	refuses("[watch]\nflows = 7\n", ":2: ", "flows takes a number from 1,024 to 4,194,304");
	refuses("[model]\nsensitivity = some\n", ":2: ", "takes low, normal or high, not 'some'");
	refuses("[model]\nkernel = abacus\n", ":2: ", "no kernel 'abacus'");
	refuses("[history]\nsize = 7\n", ":2: ", "a size, such as 256M or 2G");
	/* A section without keys, one that ends in something, one that has no end. */
	refuses("\n[modle]\n", ":2: ", "there is no section 'modle'; did you mean model");
	refuses("[model]\n[block] mode = on\n", ":2: ", "what stands behind [block] is not read");
	refuses("[block\nmode = on\n", ":1: ", "neither a comment");
	/* What is no text. */
	refuses("[block]\nmode = on\n\x7f", ":3: ", "neither a comment");
	/* The first of several. */
	refuses("[block]\nmode\nkeep = 7\n", ":2: ", "neither a comment");
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

static void a_line_has_an_end(void **state)
{
	char text[1024] = "[model]\nfile = ";
	size_t n = strlen(text), line = strlen("file = ");

	(void)state;
	memset(text + n, 'a', 198 - line);
	text[n + 198 - line] = '\n';
	text[n + 199 - line] = '\0';
	assert_int_equal(read_text(text), 0);
	assert_int_equal(strlen(settings.model), 198 - line);
	memset(text + n, 'a', 199 - line);
	strcpy(text + n + 199 - line, "\n[block]\n");
	refuses(text, ":2: ", "a line has 198 characters at most");
}

static void a_byte_0_is_no_text(void **state)
{
	(void)state;
	settings_defaults(&settings);
	assert_int_equal(settings_read(&settings, "/dev/zero", &e), -EINVAL);
	assert_non_null(strstr(e.text, "/dev/zero:1: a byte 0"));
}

/* ---- the table ---- */

static const char all_set[] =
	"[watch]\ninterfaces = eth0, wg0\nflows = 2048\nouter = yes\neach-interface = yes\n"
	"[model]\nfile = /a.karma\nprofile = /p.json\nsensitivity = low\nkernel = int8\n"
	"[history]\nfile = /h.db\noff = yes\nage = 36h\nsize = 300M\n"
	"[output]\neve = /e.json\neve-socket = /s\nsyslog = yes\njournald = yes\nnotify = /n\n"
	"webhook = https://w/\njson = yes\npcap-dir = /p\n"
	"[block]\nmode = on\nkeep = yes\npin = /q\nentries = 1\nnew-a-minute = 2\n"
	"allow = 192.0.2.1, 2001:db8::/32, 02:00:5e:10:00:01\nlongest = 61s\nmemory = 3m\n"
	"probation = 4h\nhosts-of-ipv4-net = 5\nhosts-of-ipv6-net = 6\nlimits = 7\n"
	"limit-rate = 8\nlimit-burst = 9\n"
	"[policy]\nreconnaissance = off 10% 1m\ndos = dry-run 11% 2m\nbrute-force = block 57% 3m\n"
	"fuzzers = block 1% 4m\nexploits = off 2% 5m\nanalysis = off 29% 6m\n"
	"backdoor = off 99% 7m\ngeneric = off 100% 8m\nshellcode = off 0% 9m\n"
	"worms = block 58% 90s\n"
	"[control]\nsocket = /s\ngroup = adm\n"
	"[web]\nlisten = [::1]:1\ncertificate = /c\nkey = /k\ntoken = /t\nname = n\n";

static void was_set(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	const struct settings *defaults = context;
	char *now = config_value(key, &settings), *then = config_value(key, defaults);

	if (settings.from[n] <= 0 || strcmp(now, then) == 0)
		fail_msg("[%s] %s is not set by the text here", section->name, key->name);
	free(now);
	free(then);
}

/* As karma reload does: what is shown is taken again. */
static void take_shown(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	static struct settings other;
	char *shown = config_value(key, &settings), *again, *line, *rest, *copy = strdup(shown);

	(void)context;
	(void)section;
	(void)n;
	settings_defaults(&other);
	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(key->type->take((char *)&other + key->offset, key, line, NULL));
	again = config_value(key, &other);
	assert_string_equal(again, shown);
	free(again);
	free(shown);
	free(copy);
}

static void every_value_is_shown_as_it_is_taken(void **state)
{
	static struct settings defaults;
	const struct config config = settings_config(&settings);

	(void)state;
	settings_defaults(&defaults);
	if (read_text(all_set) != 0)
		fail_msg("%s", e.text);
	config_each(&config, was_set, &defaults);
	config_each(&config, take_shown, NULL);
}

static void arguments_go_before_the_file(void **state)
{
	const struct config config = settings_config(&settings);

	(void)state;
	assert_int_equal(read_text("[watch]\ninterfaces = eth0, eth1\nflows = 2048\n"), 0);
	assert_true(config_set(&config, "watch", "interfaces", "wg0", "-i", &e));
	assert_true(config_set(&config, "watch", "interfaces", "wg1", "-i", &e));
	assert_int_equal(settings.meter.interfaces.count, 2);
	assert_string_equal(settings.meter.interfaces.name[0], "wg0");
	assert_int_equal(config_from(&config, "watch", "interfaces"), CONFIG_ARGUMENT);
	assert_int_equal(config_from(&config, "watch", "flows"), 3);
	assert_int_equal(config_from(&config, "watch", "outer"), CONFIG_DEFAULT);
	assert_false(config_set(&config, "watch", "flows", "7", "--flows", &e));
	assert_non_null(strstr(e.text, "--flows takes a number from 1,024 to 4,194,304, not '7'"));
}

/* ---- what is written of it ---- */

static char *read_file(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		skip();
	n = fread(text, 1, sizeof(text) - 1, f);
	assert_true(n < sizeof(text) - 1);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* From a line that is `begin`, up to the next that begins as `next`; empties the rest of `text`. */
static const char *part_of(const char *text, const char *begin, const char *next)
{
	static char part[2][16384];
	static int turn;
	char line[128];
	const char *at, *end;

	snprintf(line, sizeof(line), "\n%s\n", begin);
	at = strstr(text, line);
	if (!at)
		return NULL;
	at += strlen(line) - 1;
	end = strstr(at, next);
	turn = !turn;
	snprintf(part[turn], sizeof(part[turn]), "%.*s\n", end ? (int)(end - at) : (int)strlen(at),
		at);
	return part[turn];
}

static unsigned count_of(const char *text, const char *words)
{
	unsigned n = 0;

	for (; (text = strstr(text, words)); text++)
		n++;
	return n;
}

/* Once, with its default, or as an example where it has none. */
static void stands_in_the_example(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	char name[64], line[128];
	char *value = config_value(key, &settings);
	const char *part;

	(void)n;
	snprintf(name, sizeof(name), "[%s]", section->name);
	part = part_of(context, name, "\n[");
	if (!part)
		fail_msg("docs/karma.conf has no %s", name);
	snprintf(line, sizeof(line), *value ? "\n#%s = %s\n" : "\n# %s = %s", key->name, value);
	if (count_of(part, line) != 1)
		fail_msg("docs/karma.conf does not have [%s]%s once", section->name, line);
	free(value);
}

static void stands_in_the_manual(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	char name[64], line[128];
	char *value = config_value(key, &settings);
	const char *part;

	(void)n;
	snprintf(name, sizeof(name), ".Ss [%s]", section->name);
	part = part_of(context, name, "\n.Ss [");
	snprintf(name, sizeof(name), ".It Cm %s", key->name);
	part = part ? part_of(part, name, "\n.It") : NULL;
	if (!part)
		fail_msg("karma.conf(5) has no [%s] %s", section->name, key->name);
	snprintf(line, sizeof(line), "\n.Pq Li %s\n", value);
	if (count_of(part, ".Pq Li") != (*value != '\0') || (*value && !strstr(part, line)))
		fail_msg("karma.conf(5): the default of [%s] %s is '%s'", section->name, key->name,
			value);
	free(value);
}

static void count_key(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	(void)section;
	(void)key;
	(void)n;
	++*(unsigned *)context;
}

static void the_manuals_have_every_key(void **state)
{
	const struct config config = settings_config(&settings);
	unsigned keys = 0;
	char *text;

	(void)state;
	settings_defaults(&settings);
	config_each(&config, count_key, &keys);
	text = read_file("docs/man/karma.conf.5");
	config_each(&config, stands_in_the_manual, text);
	assert_int_equal(count_of(text, "\n.It Cm "), keys); /* and no other */
	assert_int_equal(count_of(text, "\n.Ss ["), config.count);
	text = read_file("docs/karma.conf");
	config_each(&config, stands_in_the_example, text);
}

/* The example says nothing, and with its comments taken off, defaults and examples alike, it is a
 * configuration: it has no key that is none. */
static void the_example_is_one(void **state)
{
	char text[16384] = "", *line, *rest;

	(void)state;
	for (line = strtok_r(read_file("docs/karma.conf"), "\n", &rest); line;
		line = strtok_r(NULL, "\n", &rest)) {
		const char *at = line + (*line == '#');

		at += *at == ' ';
		if (*line != '[' && strncmp(at + strcspn(at, " "), " = ", 3) != 0)
			continue;
		assert_true(strlen(text) + strlen(at) + 2 < sizeof(text));
		strcat(strcat(text, at), "\n");
	}
	if (read_text(text) != 0)
		fail_msg("%s", e.text);
	settings_defaults(&settings);
	assert_int_equal(settings_read(&settings, "docs/karma.conf", &e), 0);
	for (unsigned i = 0; i < SETTINGS_KEYS; i++)
		assert_int_equal(settings.from[i], CONFIG_DEFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_every_key),
		cmocka_unit_test(says_what_is_wrong_and_where),
		cmocka_unit_test(a_file_that_is_named_must_be_there),
		cmocka_unit_test(a_line_has_an_end),
		cmocka_unit_test(a_byte_0_is_no_text),
		cmocka_unit_test(every_value_is_shown_as_it_is_taken),
		cmocka_unit_test(arguments_go_before_the_file),
		cmocka_unit_test(the_manuals_have_every_key),
		cmocka_unit_test(the_example_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
