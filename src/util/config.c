#include "util/config.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* ---- keys ---- */

void config_each(const struct config *c, config_sink sink, void *context)
{
	size_t n = 0;

	for (size_t s = 0; s < c->count; s++)
		for (size_t k = 0; k < c->sections[s].count; k++)
			sink(context, &c->sections[s], &c->sections[s].keys[k], n++);
}

char *config_value(const struct config_key *key, const void *into)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	key->type->show((const char *)into + key->offset, key, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static const struct config_section *find_section(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->sections[i].name, name) == 0)
			return &c->sections[i];
	return NULL;
}

static const struct config_key *find_key(const struct config_section *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->keys[i].name, name) == 0)
			return &s->keys[i];
	return NULL;
}

/* The place in the table. */
static size_t number_of(
	const struct config *c, const struct config_section *s, const struct config_key *key)
{
	size_t n = (size_t)(key - s->keys);

	for (const struct config_section *before = c->sections; before < s; before++)
		n += before->count;
	return n;
}

/* Take a value from a line or from the command line. What a list has from elsewhere goes. */
static bool take(const struct config *c, const struct config_section *s,
	const struct config_key *key, const char *value, const char *as, int from, struct error *e)
{
	int *before = &c->from[number_of(c, s, key)];
	char *at = (char *)c->into + key->offset;
	struct error said = {""};
	bool more = from == CONFIG_ARGUMENT ? *before == from : *before > 0;

	if (key->type->clear && !more)
		key->type->clear(at);
	*before = from;
	if (key->type->take(at, key, value, &said))
		return true;
	if (key->type->sentence)
		*e = said;
	else
		error_set(e, 0, "%s takes %s, not '%.60s'", as, said.text, value);
	return false;
}

bool config_set(const struct config *c, const char *section, const char *key, const char *value,
	const char *as, struct error *e)
{
	const struct config_section *s = find_section(c, section);

	return take(c, s, find_key(s, key), value, as, CONFIG_ARGUMENT, e);
}

int config_from(const struct config *c, const char *section, const char *key)
{
	const struct config_section *s = find_section(c, section);

	return c->from[number_of(c, s, find_key(s, key))];
}

/* ---- the file ---- */

enum { LINE = 198 }; /* characters at most, as libinih has them */

struct reading {
	const struct config *config;
	FILE *file;
	int line;           /* that is being read */
	int wrong;          /* the first that is; 0: none */
	struct error first; /* what is wrong with it */
};

static void no_such(
	struct reading *r, const char *what, const char *name, const char *where, const char *like)
{
	r->wrong = r->line;
	error_set(&r->first, 0, "there is no %s '%.40s'%s%s%s", what, name, where,
		like ? "; did you mean " : "", like ? like : "");
}

static void no_such_section(struct reading *r, const char *name)
{
	const struct config *c = r->config;

	no_such(r, "section", name, "",
		config_suggest(name, c->sections, c->count, sizeof(*c->sections)));
}

/* A [section] of the table, with nothing behind it but a comment; libinih tells of none that has no
 * keys. */
static void check_section(struct reading *r, const char *line)
{
	const char *end = strchr(line, ']');
	char name[LINE + 1];
	size_t blanks;

	if (!end)
		return; /* libinih says so */
	snprintf(name, sizeof(name), "%.*s", (int)(end - line - 1), line + 1);
	if (!find_section(r->config, name)) {
		no_such_section(r, name);
		return;
	}
	blanks = 1 + strspn(end + 1, " \t\r\n");
	if (!strchr(";#", end[blanks])) { /* nor the end, which strchr() finds as well */
		r->wrong = r->line;
		error_set(&r->first, 0,
			"what stands behind [%s] is not read; put it on a line of its own", name);
	}
}

/* libinih's reader. Where a line begins says nothing: blanks before it are left out. NULL: no more
 * lines, or something is wrong. */
static char *next_line(char *line, int room, void *reading)
{
	struct reading *r = reading;
	int c = EOF, n = 0;

	if (r->wrong)
		return NULL;
	r->line++;
	while (n < room - 1 && (c = getc(r->file)) != EOF && c != '\0') {
		if ((c != ' ' && c != '\t') || n)
			line[n++] = (char)c;
		if (c == '\n')
			break;
	}
	line[n] = '\0';
	if (c == '\0' || (c != EOF && c != '\n')) {
		r->wrong = r->line;
		error_set(&r->first, 0,
			c ? "a line has %d characters at most; this one is longer"
			  : "a byte 0: this is no text",
			LINE);
		return NULL;
	}
	if (r->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		memmove(line, line + 3, (size_t)n - 2);
	if (line[0] == '[')
		check_section(r, line);
	return !r->wrong && (n || c != EOF) ? line : NULL;
}

/* libinih's handler: 0 is an error. */
static int one_value(void *reading, const char *section, const char *name, const char *value)
{
	struct reading *r = reading;
	const struct config_section *s = find_section(r->config, section);
	const struct config_key *key = s ? find_key(s, name) : NULL;
	char where[64];

	if (key && take(r->config, s, key, value, name, r->line, &r->first))
		return 1;
	if (key) {
		r->wrong = r->line;
	} else if (s) {
		snprintf(where, sizeof(where), " in [%s]", s->name);
		no_such(r, "key", name, where,
			config_suggest(name, s->keys, s->count, sizeof(*s->keys)));
	} else {
		r->wrong = r->line;
		error_set(&r->first, 0, "'%.40s' stands before any [section]", name);
	}
	return 0;
}

int config_read(const struct config *c, const char *path, struct error *e)
{
	struct reading r = {.config = c, .file = fopen(path, "re")};
	struct stat st;
	int malformed;

	if (!r.file)
		return error_set(e, -errno, "%s: %s; name another file with --config", path,
			strerror(errno));
	if (fstat(fileno(r.file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(r.file);
		return error_set(e, -EISDIR, "%s: is a folder; name a file", path);
	}
	malformed = ini_parse_stream(next_line, &r, one_value, &r);
	fclose(r.file);
	if (malformed && (!r.wrong || malformed < r.wrong))
		return error_set(e, -EINVAL,
			"%s:%d: neither a comment, a [section] nor 'key = value'", path, malformed);
	return r.wrong ? error_set(e, -EINVAL, "%s:%d: %s", path, r.wrong, r.first.text) : 0;
}
