#include "cmd/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/config.h"
#include "util/number.h"
#include "util/when.h"

void settings_defaults(struct settings *s)
{
	memset(s, 0, sizeof(*s));
	respond_defaults(&s->respond);
	strcpy(s->socket, CONTROL_PATH);
	strcpy(s->web.listen, WEB_LISTEN);
}

/* ---- values of our own ---- */

static bool take_mode(void *at, const struct config_key *key, const char *value, struct error *e)
{
	static const char *const names[] = {
		[BLOCK_OFF] = "off", [BLOCK_DRY_RUN] = "dry-run", [BLOCK_ON] = "on"};

	(void)key;
	for (int i = BLOCK_OFF; i <= BLOCK_ON; i++)
		if (strcmp(value, names[i]) == 0) {
			*(enum block_mode *)at = (enum block_mode)i;
			return true;
		}
	error_set(e, 0, "off, dry-run or on");
	return false;
}

static bool take_allowed(struct respond_settings *s, const char *word)
{
	unsigned m[6];
	int end = 0;

	if (sscanf(word, "%2x:%2x:%2x:%2x:%2x:%2x%n", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
		    &end) == 6 &&
		!word[end]) {
		if (s->macs == RESPOND_MACS)
			return false;
		for (int i = 0; i < 6; i++)
			s->mac[s->macs][i] = (uint8_t)m[i];
		s->macs++;
		return true;
	}
	if (s->allows == RESPOND_ALLOWED || !prefix_parse(word, &s->allow[s->allows]))
		return false;
	s->allows++;
	return true;
}

/* Several, with commas or blanks between; each line of the key adds to those before. */
static bool take_allow(void *at, const struct config_key *key, const char *value, struct error *e)
{
	char copy[256], *rest, *word;

	(void)key;
	snprintf(copy, sizeof(copy), "%s", value);
	for (word = strtok_r(copy, ", \t", &rest); word; word = strtok_r(NULL, ", \t", &rest))
		if (!take_allowed(at, word)) {
			error_set(e, 0,
				"addresses, prefixes (10.0.0.0/8) and hardware addresses "
				"(02:00:5e:10:00:01), %d and %d at most",
				RESPOND_ALLOWED, RESPOND_MACS);
			return false;
		}
	return true;
}

/* "80%" */
static bool take_share(const char *text, float *share)
{
	char digits[8];
	size_t n = strlen(text);
	uint64_t value;

	if (n < 2 || n > 4 || text[n - 1] != '%')
		return false;
	memcpy(digits, text, n - 1);
	digits[n - 1] = '\0';
	if (!number_parse(digits, 0, 100, &value))
		return false;
	*share = (float)value / 100;
	return true;
}

/* "block 70% 10m", "dry-run", "off": what is left out stays as it was. */
static bool take_rule(void *at, const struct config_key *key, const char *value, struct error *e)
{
	static const char *const actions[] = {
		[POLICY_OFF] = "off", [POLICY_DRY_RUN] = "dry-run", [POLICY_BLOCK] = "block"};
	struct policy_rule *rule = at;
	char copy[256], *rest, *word;
	uint64_t seconds;
	bool good = false;

	(void)key;
	snprintf(copy, sizeof(copy), "%s", value);
	word = strtok_r(copy, " \t", &rest);
	for (int i = POLICY_OFF; i <= POLICY_BLOCK && word && !good; i++) {
		good = strcmp(word, actions[i]) == 0;
		if (good)
			rule->action = (enum policy_action)i;
	}
	while (good && (word = strtok_r(NULL, " \t", &rest))) {
		if (take_share(word, &rule->confidence))
			continue;
		good = duration_parse(word, &seconds);
		if (good)
			rule->first_ns = (int64_t)seconds * 1000000000;
	}
	if (!good)
		error_set(e, 0,
			"off, dry-run or block, and how sure an alert must be and for how "
			"long, as in 'block 70%% 10m'");
	return good;
}

/* ---- the table ---- */

#define OF(field) offsetof(struct settings, field)

static const struct config_key block_keys[] = {
	{"mode", take_mode, OF(block), 0, 0},
	{"keep", config_flag, OF(respond.keep), 0, 0},
	{"pin", config_text, OF(respond.pin), 0, RESPOND_PATH},
	{"allow", take_allow, OF(respond), 0, 0},
	{"entries", config_number, OF(respond.policy.entries), 1, POLICY_ENTRIES_MOST},
	{"new-a-minute", config_number, OF(respond.policy.new_a_minute), 0, 1000000},
	{"longest", config_time, OF(respond.policy.longest_ns), 1, 366 * 86400.0},
	{"memory", config_time, OF(respond.policy.memory_ns), 1, 366 * 86400.0},
	{"probation", config_time, OF(respond.policy.probation_ns), 1, 86400},
	{"hosts-of-ipv4-net", config_number, OF(respond.policy.net4), 0, 256},
	{"hosts-of-ipv6-net", config_number, OF(respond.policy.net6), 0, POLICY_ENTRIES_MOST},
	{"limits", config_number, OF(respond.policy.limits), 0, 1024},
	{"limit-rate", config_number, OF(respond.policy.rate), 1, 100000000},
	{"limit-burst", config_number, OF(respond.policy.burst), 1, 100000000},
};

static const struct config_key policy_keys[] = {
	{"reconnaissance", take_rule, OF(respond.policy.rule[CLASS_RECONNAISSANCE]), 0, 0},
	{"dos", take_rule, OF(respond.policy.rule[CLASS_DOS]), 0, 0},
	{"brute-force", take_rule, OF(respond.policy.rule[CLASS_BRUTE_FORCE]), 0, 0},
	{"fuzzers", take_rule, OF(respond.policy.rule[CLASS_FUZZERS]), 0, 0},
	{"exploits", take_rule, OF(respond.policy.rule[CLASS_EXPLOITS]), 0, 0},
	{"analysis", take_rule, OF(respond.policy.rule[CLASS_ANALYSIS]), 0, 0},
	{"backdoor", take_rule, OF(respond.policy.rule[CLASS_BACKDOOR]), 0, 0},
	{"generic", take_rule, OF(respond.policy.rule[CLASS_GENERIC]), 0, 0},
	{"shellcode", take_rule, OF(respond.policy.rule[CLASS_SHELLCODE]), 0, 0},
	{"worms", take_rule, OF(respond.policy.rule[CLASS_WORMS]), 0, 0},
};

static const struct config_key control_keys[] = {
	{"socket", config_text, OF(socket), 0, CONTROL_PATH_ROOM},
	{"group", config_text, OF(group), 0, 64},
};

static const struct config_key web_keys[] = {
	{"listen", config_text, OF(web.listen), 0, WEB_LISTEN_ROOM},
	{"certificate", config_text, OF(web.certificate), 0, WEB_PATH_ROOM},
	{"key", config_text, OF(web.key), 0, WEB_PATH_ROOM},
	{"token", config_text, OF(web.token), 0, WEB_PATH_ROOM},
	{"name", config_text, OF(web.name), 0, WEB_NAME_ROOM},
};

#define KEYS(keys) keys, sizeof(keys) / sizeof((keys)[0])

int settings_read(struct settings *s, const char *path, struct error *e)
{
	static const char *const usual[] = {
		KARMA_PREFIX "/etc/karma/karma.conf", "/etc/karma/karma.conf"};
	const struct config_section sections[] = {
		{"block", KEYS(block_keys), s},
		{"policy", KEYS(policy_keys), s},
		{"control", KEYS(control_keys), s},
		{"web", KEYS(web_keys), s},
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]) && !path; i++)
		if (access(usual[i], F_OK) == 0)
			path = usual[i];
	return path ? config_read(path, sections, sizeof(sections) / sizeof(sections[0]), e) : 0;
}
