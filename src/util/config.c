#include "util/config.h"

#include <errno.h>
#include <ini.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "util/number.h"
#include "util/when.h"

/* ---- what was meant ---- */

enum { WORD = 40 };

/* How many letters are to be put in, left out or exchanged to make b of a (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[WORD + 1], n = (unsigned)strnlen(b, WORD);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] && i <= WORD; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned change = corner + (a[i - 1] != b[j - 1]);
			unsigned other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			corner = row[j];
			row[j] = change < other ? change : other;
		}
	}
	return row[n];
}

const char *config_suggest(const char *name, const void *names, size_t count, size_t step)
{
	unsigned best = (unsigned)strnlen(name, WORD) / 2 + 1;
	const char *like = NULL;

	for (size_t i = 0; i < count; i++) {
		const char *const *each =
			(const void *)((const char *)names + i * step); /* its name is first */
		unsigned d = distance(name, *each);

		if (d < best) {
			best = d;
			like = *each;
		}
	}
	return like;
}

/* ---- values ---- */

bool config_number(void *at, const struct config_key *key, const char *value, struct error *e)
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

bool config_time(void *at, const struct config_key *key, const char *value, struct error *e)
{
	uint64_t seconds;

	if (duration_parse(value, &seconds) && (double)seconds >= key->least &&
		(double)seconds <= key->most) {
		*(int64_t *)at = (int64_t)seconds * 1000000000;
		return true;
	}
	error_set(e, 0, "a time such as 90s, 10m, 1h or 2d, from %.0f s to %.0f s", key->least,
		key->most);
	return false;
}

bool config_flag(void *at, const struct config_key *key, const char *value, struct error *e)
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

bool config_text(void *at, const struct config_key *key, const char *value, struct error *e)
{
	size_t length = strlen(value);

	if (length == 0 || length >= (size_t)key->most) {
		error_set(e, 0, "text of 1 to %.0f characters", key->most - 1);
		return false;
	}
	memcpy(at, value, length + 1);
	return true;
}

/* ---- the file ---- */

struct reading {
	const char *path;
	const struct config_section *sections;
	size_t count;
	struct error first; /* without file and line, which libinih tells at the end */
	bool failed;
};

static int refuse(
	struct reading *r, const char *what, const char *name, const char *where, const char *like)
{
	error_set(&r->first, 0, "there is no %s '%.40s'%s%s%s", what, name, where,
		like ? "; did you mean " : "", like ? like : "");
	return 0;
}

static int take(
	struct reading *r, const struct config_section *s, const char *name, const char *value)
{
	struct error wanted = {""};
	char where[WORD + 8];

	for (size_t i = 0; i < s->count; i++) {
		const struct config_key *key = &s->keys[i];

		if (strcmp(key->name, name) != 0)
			continue;
		if (key->take((char *)s->into + key->offset, key, value, &wanted))
			return 1;
		error_set(&r->first, 0, "%s takes %s, not '%.60s'", name, wanted.text, value);
		return 0;
	}
	snprintf(where, sizeof(where), " in [%s]", s->name);
	return refuse(
		r, "key", name, where, config_suggest(name, s->keys, s->count, sizeof(*s->keys)));
}

/* libinih's handler: 0 is an error, of which it keeps the first one's line. */
static int one_value(void *reading, const char *section, const char *name, const char *value)
{
	struct reading *r = reading;

	if (r->failed)
		return 0;
	r->failed = true;
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->sections[i].name, section) == 0) {
			r->failed = !take(r, &r->sections[i], name, value);
			return !r->failed;
		}
	if (!*section) {
		error_set(&r->first, 0, "'%.40s' stands before any [section]", name);
		return 0;
	}
	return refuse(r, "section", section, "",
		config_suggest(section, r->sections, r->count, sizeof(*r->sections)));
}

int config_read(
	const char *path, const struct config_section *sections, size_t count, struct error *e)
{
	struct reading r = {.path = path, .sections = sections, .count = count};
	FILE *f = fopen(path, "re");
	struct stat st;
	int line;

	if (!f)
		return error_set(e, -errno, "%s: %s; name another file with --config", path,
			strerror(errno));
	if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(f);
		return error_set(e, -EISDIR, "%s: is a folder; name a file", path);
	}
	line = ini_parse_file(f, one_value, &r);
	fclose(f);
	if (line == 0)
		return 0;
	return error_set(e, -EINVAL, "%s:%d: %s", path, line,
		r.failed ? r.first.text : "neither a comment, a [section] nor 'key = value'");
}
