#include "feature/truth.h"

#include "feature/window.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct network {
	uint8_t addr[16];
	unsigned bits; /* of the v4-mapped address; 0: anyone */
};

struct statement {
	int64_t start_ns, end_ns;
	struct network attacker, target;
	int class; /* enum karma_class; -1: not to be told */
	int proto; /* IP protocol, or ANY */
	int port;  /* of either end, or ANY */
};

enum { ANY = -1 };

struct truth {
	struct statement *line;
	size_t lines;
};

static bool network_parse(const char *text, struct network *n)
{
	char addr[ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	unsigned all, bits;
	int used = 0;

	if (strcmp(text, "*") == 0) {
		n->bits = 0;
		return true;
	}
	if (length >= sizeof(addr))
		return false;
	memcpy(addr, text, length);
	addr[length] = '\0';
	if (!addr_parse(addr, n->addr))
		return false;
	all = strchr(addr, ':') ? 128 : 32;
	bits = all;
	if (slash && (sscanf(slash, "/%3u%n", &bits, &used) != 1 || slash[used] || bits > all))
		return false;
	n->bits = 128 - all + bits;
	return true;
}

static bool network_has(const struct network *n, const uint8_t addr[16])
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (memcmp(n->addr, addr, whole) != 0)
		return false;
	return rest == 0 || (n->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

static bool time_parse(const char *text, int64_t *ns)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(fabs(seconds) < 9e9))
		return false;
	*ns = llround(seconds * 1e9);
	return true;
}

/* "tcp", "tcp/80" or "-" for any. */
static bool service_parse(char *text, struct statement *s)
{
	char *slash = strchr(text, '/');
	int used = 0;

	s->proto = s->port = ANY;
	if (strcmp(text, "-") == 0)
		return true;
	if (slash) {
		*slash++ = '\0';
		if (sscanf(slash, "%5d%n", &s->port, &used) != 1 || slash[used] || s->port < 0 ||
			s->port > UINT16_MAX)
			return false;
	}
	s->proto = record_proto_of(text);
	return s->proto >= 0;
}

/* An ICMP error belongs to what provoked it, and a record of it does not say which service that
 * was: it counts as that of the line. */
static bool service_has(const struct statement *s, const struct record *r)
{
	if (record_actor(r) != r->addr[SRC])
		return true;
	return (s->proto == ANY || s->proto == r->proto) &&
	       (s->port == ANY || s->port == r->port[SRC] || s->port == r->port[DST]);
}

static void swap(char *text, char from, char to)
{
	for (; (text = strchr(text, from)); text++)
		*text = to;
}

/* A class, or -1; its spaces are written as _. */
static int class_named(const char *word)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", word);
	swap(name, '_', ' ');
	return class_of(name);
}

static int no_class(const char *word, struct error *e)
{
	char list[256], name[32];
	size_t length = 0;

	for (int c = 0; c < CLASSES && length < sizeof(list); c++) {
		snprintf(name, sizeof(name), "%s", class_name((enum karma_class)c));
		swap(name, ' ', '_');
		length += (size_t)snprintf(
			list + length, sizeof(list) - length, "%s%s", c ? ", " : "", name);
	}
	return error_set(e, -EINVAL, "there is no category '%.32s'; give one of %s", word, list);
}

/* 0, or -EINVAL and what is wrong with the line. */
static int statement_parse(char *line, struct statement *s, struct error *e)
{
	char any[] = "-";
	char *field[8] = {NULL}, *rest = line;
	unsigned fields = 0;

	while (fields < 8 && (field[fields] = strtok_r(rest, " \t\r\n", &rest)))
		fields++;
	if (fields < 5 || fields > 7)
		return error_set(e, -EINVAL,
			"not the fields 'start end attacker target category [service [scenario]]'");
	if (!time_parse(field[0], &s->start_ns) || !time_parse(field[1], &s->end_ns))
		return error_set(e, -EINVAL, "a time is not a number of seconds since 1970");
	if (s->end_ns < s->start_ns)
		return error_set(e, -EINVAL, "ends before it starts");
	if (!network_parse(field[2], &s->attacker) || !network_parse(field[3], &s->target))
		return error_set(e, -EINVAL, "an end is neither ADDR, ADDR/LEN nor *");
	s->class = strcmp(field[4], "-") == 0 ? -1 : class_named(field[4]);
	if (s->class < 0 && strcmp(field[4], "-") != 0)
		return no_class(field[4], e);
	if (!service_parse(field[5] ? field[5] : any, s))
		return error_set(
			e, -EINVAL, "a service that is neither PROTOCOL, PROTOCOL/PORT nor -");
	return 0;
}

static int add_line(struct truth *t, char *line, struct error *e)
{
	struct statement *grown, s;

	line[strcspn(line, "#")] = '\0';
	if (line[strspn(line, " \t\r\n")] == '\0')
		return 0;
	if (statement_parse(line, &s, e) < 0)
		return -EINVAL;
	grown = reallocarray(t->line, t->lines + 1, sizeof(*grown));
	if (!grown)
		return error_set(e, -ENOMEM, "out of memory");
	t->line = grown;
	t->line[t->lines++] = s;
	return 0;
}

int truth_read(struct truth **truth, const char *path, struct error *e)
{
	struct truth *t = calloc(1, sizeof(*t));
	FILE *in = t ? fopen(path, "r") : NULL;
	struct error wrong = {""};
	char *line = NULL;
	size_t size = 0, number = 0;
	int err = 0;

	*truth = NULL;
	if (!in) {
		err = t ? -errno : -ENOMEM;
		free(t);
		return error_set(e, err, "%s: cannot be read: %s; name the truth file with --truth",
			path, strerror(-err));
	}
	while (!err && getline(&line, &size, in) >= 0) {
		number++;
		err = add_line(t, line, &wrong);
	}
	if (err) {
		error_set(e, err, "%s:%zu: %s", path, number, wrong.text);
	} else if (ferror(in)) {
		err = error_set(e, -EIO, "%s: cannot be read", path);
	}
	free(line);
	fclose(in);
	if (err)
		truth_free(t);
	else
		*truth = t;
	return err;
}

int truth_class(const struct truth *truth, const struct record *r)
{
	for (size_t i = 0; i < truth->lines; i++) {
		const struct statement *s = &truth->line[i];

		if (r->last_ns < s->start_ns || r->first_ns > s->end_ns || !service_has(s, r))
			continue;
		for (unsigned a = 0; a < 2; a++)
			if (network_has(&s->attacker, r->addr[a]) &&
				network_has(&s->target, r->addr[!a]))
				return s->class;
	}
	return CLASS_NORMAL;
}

void truth_free(struct truth *truth)
{
	if (!truth)
		return;
	free(truth->line);
	free(truth);
}
