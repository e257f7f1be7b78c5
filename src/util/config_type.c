/* The types of values that a configuration has anywhere. */
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "util/config.h"
#include "util/number.h"
#include "util/when.h"

static const int64_t second = 1000000000LL;

/* ---- numbers ---- */

static bool take_number(void *at, const struct config_key *key, const char *value, struct error *e)
{
	char least[NUMBER_TEXT], most[NUMBER_TEXT];
	uint64_t n;

	if (number_parse(value, (uint64_t)key->least, (uint64_t)key->most, &n)) {
		*(uint32_t *)at = (uint32_t)n;
		return true;
	}
	error_set(e, 0, "a number from %s to %s", number_text((uint64_t)key->least, least),
		number_text((uint64_t)key->most, most));
	return false;
}

static void show_number(const void *at, const struct config_key *key, FILE *out)
{
	(void)key;
	fprintf(out, "%" PRIu32, *(const uint32_t *)at);
}

const struct config_type config_number = {take_number, show_number, NULL, false};

/* ---- times ---- */

static bool take_time(void *at, const struct config_key *key, const char *value, struct error *e)
{
	uint64_t seconds;

	if (duration_parse(value, &seconds) && (double)seconds >= key->least &&
		(double)seconds <= key->most) {
		*(int64_t *)at = (int64_t)seconds * second;
		return true;
	}
	error_set(e, 0, "a time such as 90s, 10m, 1h or 2d, from %.0f s to %.0f s", key->least,
		key->most);
	return false;
}

static void show_time(const void *at, const struct config_key *key, FILE *out)
{
	char text[NUMBER_TEXT];

	(void)key;
	fputs(duration_word((uint64_t)(*(const int64_t *)at / second), text), out);
}

const struct config_type config_time = {take_time, show_time, NULL, false};

/* ---- sizes ---- */

static bool take_size(void *at, const struct config_key *key, const char *value, struct error *e)
{
	uint64_t bytes;

	(void)key;
	if (size_parse(value, &bytes)) {
		*(uint64_t *)at = bytes;
		return true;
	}
	error_set(e, 0, "a size, such as 256M or 2G");
	return false;
}

static void show_size(const void *at, const struct config_key *key, FILE *out)
{
	uint64_t mega = *(const uint64_t *)at >> 20;

	(void)key;
	if (mega % 1024 == 0)
		fprintf(out, "%" PRIu64 "G", mega / 1024);
	else
		fprintf(out, "%" PRIu64 "M", mega);
}

const struct config_type config_size = {take_size, show_size, NULL, false};

/* ---- words ---- */

static bool take_flag(void *at, const struct config_key *key, const char *value, struct error *e)
{
	bool yes = strcasecmp(value, "yes") == 0;

	(void)key;
	if (!yes && strcasecmp(value, "no") != 0) {
		error_set(e, 0, "yes or no");
		return false;
	}
	*(bool *)at = yes;
	return true;
}

static void show_flag(const void *at, const struct config_key *key, FILE *out)
{
	(void)key;
	fputs(*(const bool *)at ? "yes" : "no", out);
}

const struct config_type config_flag = {take_flag, show_flag, NULL, false};

static bool take_text(void *at, const struct config_key *key, const char *value, struct error *e)
{
	size_t length = strlen(value);

	if (length == 0 || length >= (size_t)key->most) {
		error_set(e, 0, "text of 1 to %.0f characters", key->most - 1);
		return false;
	}
	memcpy(at, value, length + 1);
	return true;
}

static void show_text(const void *at, const struct config_key *key, FILE *out)
{
	(void)key;
	fputs(at, out);
}

const struct config_type config_text = {take_text, show_text, NULL, false};

/* "off, dry-run or on" */
static void names_text(const char *const *names, struct error *e)
{
	size_t used = 0;

	for (int i = 0; names[i] && used < sizeof(e->text); i++)
		used += (size_t)snprintf(e->text + used, sizeof(e->text) - used, "%s%s",
			i == 0         ? ""
			: names[i + 1] ? ", "
				       : " or ",
			names[i]);
}

static bool take_choice(void *at, const struct config_key *key, const char *value, struct error *e)
{
	for (int i = 0; key->names[i]; i++)
		if (strcmp(value, key->names[i]) == 0) {
			*(int *)at = i;
			return true;
		}
	names_text(key->names, e);
	return false;
}

static void show_choice(const void *at, const struct config_key *key, FILE *out)
{
	fputs(key->names[*(const int *)at], out);
}

const struct config_type config_choice = {take_choice, show_choice, NULL, false};
