#include "cmd/verdicts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char columns[] = "time,flow_id,src,sport,dst,dport,proto,state,actor,score,"
			      "actor_evidence,target_evidence";
enum { BEFORE = 12 /* columns before the probabilities */ };

struct verdicts {
	FILE *in;
	char *path, *line;
	size_t room, number;
};

void verdicts_write_header(FILE *out)
{
	fputs(columns, out);
	for (int c = 0; c < CLASSES; c++)
		fprintf(out, ",%s", class_name((enum karma_class)c));
	fputc('\n', out);
}

/* The file's first line must be the one that verdicts_write_header() writes. */
static int check_header(struct verdicts *v, struct error *e)
{
	char *want = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&want, &size);
	bool same;

	if (!out)
		return error_set(e, -ENOMEM, "not enough memory");
	verdicts_write_header(out);
	fclose(out);
	v->number = 1;
	same = getline(&v->line, &v->room, v->in) >= 0 && strcmp(v->line, want) == 0;
	free(want);
	return same ? 0
		    : error_set(e, -EINVAL,
			      "%s: not the columns of --scores; begin with a file that 'karma read "
			      "--scores' wrote",
			      v->path);
}

int verdicts_open(struct verdicts **verdicts, const char *path, struct error *e)
{
	struct verdicts *v = calloc(1, sizeof(*v));
	int err = 0;

	*verdicts = v;
	if (!v || !(v->path = strdup(path)))
		return error_set(e, -ENOMEM, "not enough memory");
	v->in = fopen(path, "r");
	if (!v->in) {
		err = -errno;
		return error_set(e, err, "%s: cannot be read: %s", path, strerror(-err));
	}
	return check_header(v, e);
}

void verdicts_close(struct verdicts *v)
{
	if (!v)
		return;
	if (v->in)
		fclose(v->in);
	free(v->path);
	free(v->line);
	free(v);
}

static const char *column(const char *line, int which)
{
	for (; line && which > 0; which--) {
		line = strchr(line, ',');
		line = line ? line + 1 : NULL;
	}
	return line;
}

static bool read_probabilities(const char *text, float probability[CLASSES])
{
	for (int c = 0; c < CLASSES; c++) {
		char *end;
		double p = strtod(text, &end);

		if (end == text || !(p >= 0 && p <= 1) || *end != (c + 1 < CLASSES ? ',' : '\n'))
			return false;
		probability[c] = (float)p;
		text = end + 1;
	}
	return true;
}

int verdicts_next(struct verdicts *v, uint64_t flow_id, float probability[CLASSES], struct error *e)
{
	const char *id, *text;

	v->number++;
	if (getline(&v->line, &v->room, v->in) < 0)
		return error_set(e, -EINVAL,
			"%s: it ends before the capture does; it is of another capture", v->path);
	id = column(v->line, 1);
	text = column(v->line, BEFORE);
	if (!id || strtoull(id, NULL, 10) != flow_id)
		return error_set(e, -EINVAL,
			"%s:%zu: not of flow %" PRIu64
			", which comes here; it is of another capture",
			v->path, v->number, flow_id);
	if (!text || !read_probabilities(text, probability))
		return error_set(e, -EINVAL, "%s:%zu: not %d probabilities from 0 to 1", v->path,
			v->number, CLASSES);
	return 0;
}
