/* The types of values that only Karma's configuration has. */
#include <stdio.h>
#include <string.h>

#include "cmd/settings.h"
#include "util/number.h"
#include "util/when.h"

static const int64_t second = 1000000000LL;

/* ---- interfaces ---- */

/* Blanks are for people. */
static bool take_interfaces(
	void *at, const struct config_key *key, const char *value, struct error *e)
{
	char copy[INTERFACES_TEXT];
	size_t n = 0;

	(void)key;
	for (; *value && n < sizeof(copy) - 1; value++)
		if (*value != ' ' && *value != '\t')
			copy[n++] = *value;
	copy[n] = '\0';
	return interface_list_add(at, copy, e) == 0;
}

static void show_interfaces(const void *at, const struct config_key *key, FILE *out)
{
	const struct interface_list *list = at;

	(void)key;
	for (unsigned i = 0; i < list->count; i++)
		fprintf(out, "%s%s", i ? "\n" : "", list->name[i]);
}

static void clear_interfaces(void *at)
{
	((struct interface_list *)at)->count = 0;
}

const struct config_type settings_interfaces = {
	take_interfaces, show_interfaces, clear_interfaces, true};

/* ---- the model ---- */

static bool take_sensitivity(
	void *at, const struct config_key *key, const char *value, struct error *e)
{
	(void)key;
	error_set(e, 0, "low, normal or high");
	return sensitivity_parse(value, at);
}

static void show_sensitivity(const void *at, const struct config_key *key, FILE *out)
{
	(void)key;
	fputs(sensitivity_name(*(const enum sensitivity *)at), out);
}

const struct config_type settings_sensitivity = {take_sensitivity, show_sensitivity, NULL, false};

/* The name is kept: fp32 and int8 are whatever is fastest here. */
static bool take_kernel(void *at, const struct config_key *key, const char *value, struct error *e)
{
	(void)key;
	if (!lstm_kernel_find(value, e))
		return false;
	snprintf(at, SETTINGS_NAME, "%s", value);
	return true;
}

static void show_kernel(const void *at, const struct config_key *key, FILE *out)
{
	(void)key;
	fputs(at, out);
}

const struct config_type settings_kernel = {take_kernel, show_kernel, NULL, true};

/* ---- who is never blocked ---- */

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

/* Several, with commas or blanks between. */
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

static void show_allow(const void *at, const struct config_key *key, FILE *out)
{
	const struct respond_settings *s = at;
	char text[PREFIX_TEXT];

	(void)key;
	for (uint32_t i = 0; i < s->allows; i++)
		fprintf(out, "%s%s", i ? "\n" : "",
			prefix_text(s->allow[i].addr, s->allow[i].bits, text));
	for (uint32_t i = 0; i < s->macs; i++) {
		const uint8_t *m = s->mac[i];

		fprintf(out, "%s%02x:%02x:%02x:%02x:%02x:%02x", i || s->allows ? "\n" : "", m[0],
			m[1], m[2], m[3], m[4], m[5]);
	}
}

static void clear_allow(void *at)
{
	struct respond_settings *s = at;

	s->allows = s->macs = 0;
}

const struct config_type settings_allow = {take_allow, show_allow, clear_allow, false};

/* ---- what is done about a class ---- */

static const char *const actions[] = {
	[POLICY_OFF] = "off", [POLICY_DRY_RUN] = "dry-run", [POLICY_BLOCK] = "block"};

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
			rule->first_ns = (int64_t)seconds * second;
	}
	if (!good)
		error_set(e, 0,
			"off, dry-run or block, and how sure an alert must be and for how "
			"long, as in 'block 70%% 10m'");
	return good;
}

static void show_rule(const void *at, const struct config_key *key, FILE *out)
{
	const struct policy_rule *rule = at;
	char text[NUMBER_TEXT];

	(void)key;
	fprintf(out, "%s %.0f%% %s", actions[rule->action], 100 * (double)rule->confidence,
		duration_word((uint64_t)(rule->first_ns / second), text));
}

const struct config_type settings_rule = {take_rule, show_rule, NULL, false};
