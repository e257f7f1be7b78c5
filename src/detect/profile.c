#include "detect/profile.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/outfile.h"

enum { FILE_MAX = 4 << 20 }; /* far above any that karma learn writes */

#define RELEARN "learn it again with 'karma learn'"

/* ---- writing ---- */

/* Three digits after the point are more than an estimate deserves. */
static json_t *rounded(double v)
{
	return json_real(round(v * 1e3) / 1e3);
}

static json_t *margins_json(const struct profile *p)
{
	json_t *margins = json_object();

	for (int t = 0; t < TRAFFICS; t++)
		if (p->shift[t] > 0)
			json_object_set_new(margins, traffic_name((enum traffic)t),
				json_real((double)p->shift[t]));
	return margins;
}

static json_t *profile_json(const struct profile *p, const char *model_id, const char *from,
	const struct learnt *l, double per_day)
{
	json_t *all = json_object();

	json_object_set_new(all, "karma_profile", json_integer(PROFILE_VERSION));
	json_object_set_new(all, "model", json_string(model_id));
	json_object_set_new(all, "learnt",
		json_pack("{ss so sI sI sI}", "from", from, "seconds", rounded(l->seconds),
			"records", (json_int_t)l->records, "kept", (json_int_t)l->kept, "left_out",
			(json_int_t)l->left_out));
	json_object_set_new(all, "false_alerts",
		json_pack("{so so so}", "asked", rounded(per_day), "before", rounded(l->before),
			"after", rounded(l->after)));
	json_object_set_new(all, "margins", margins_json(p));
	if (p->has_site)
		json_object_set_new(all, "traffic", drift_site_json(&p->site));
	if (p->has_tuning)
		json_object_set_new(all, "last_layer", tuning_json(&p->tuning));
	return all;
}

int profile_write(const struct profile *p, const char *path, const char *model_id, const char *from,
	const struct learnt *learnt, double per_day, struct error *e)
{
	json_t *all = profile_json(p, model_id, from, learnt, per_day);
	struct outfile f;
	int err = outfile_open(&f, path, e);

	if (!err && json_dumpf(all, f.stream, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) == 0 &&
		fputc('\n', f.stream) != EOF) {
		err = outfile_commit(&f, e);
	} else if (!err) {
		err = error_set(e, -EIO, "%s: not written; is the disk full?", path);
		outfile_abort(&f);
	}
	json_decref(all);
	return err;
}

/* ---- reading ---- */

static int read_margins(struct profile *p, const json_t *margins)
{
	const char *name;
	json_t *value;

	if (!json_is_object(margins))
		return -EINVAL;
	json_object_foreach ((json_t *)margins, name, value) {
		int t = traffic_find(name);
		double v = json_number_value(value);

		if (t < 0 || !json_is_number(value) || !(v >= 0 && v <= (double)learn_most))
			return -EINVAL;
		p->shift[t] = (float)v;
	}
	return 0;
}

static int read_parts(struct profile *p, const json_t *all)
{
	const json_t *site = json_object_get(all, "traffic");
	const json_t *layer = json_object_get(all, "last_layer");
	int err = read_margins(p, json_object_get(all, "margins"));

	p->has_site = site;
	if (!err && site)
		err = drift_site_read(&p->site, site);
	p->has_tuning = layer;
	if (!err && layer)
		err = tuning_read(&p->tuning, layer);
	return err;
}

static int check(struct profile *p, const json_t *all, const char *path, const char *model_id,
	struct error *e)
{
	const json_t *version = json_object_get(all, "karma_profile");
	const char *model = json_string_value(json_object_get(all, "model"));

	if (!json_is_integer(version))
		return error_set(e, -EINVAL, "%s: not a profile; " RELEARN, path);
	if (json_integer_value(version) != PROFILE_VERSION)
		return error_set(e, -EINVAL,
			"%s: profile version %lld, this karma reads version %d; " RELEARN, path,
			(long long)json_integer_value(version), PROFILE_VERSION);
	if (!model || strcmp(model, model_id) != 0)
		return error_set(e, -EINVAL,
			"%s: it was learnt with model %.16s, this one is %s; " RELEARN
			" or give its model with -m",
			path, model ? model : "?", model_id);
	if (read_parts(p, all))
		return error_set(
			e, -EINVAL, "%s: damaged: what it says makes no sense; " RELEARN, path);
	return 0;
}

int profile_read(struct profile *p, const char *path, const char *model_id, struct error *e)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;
	json_t *all = NULL;
	json_error_t why;
	size_t size;
	int err;

	memset(p, 0, sizeof(*p));
	if (!f)
		return error_set(
			e, -errno, "%s: %s; make one with 'karma learn'", path, strerror(errno));
	text = malloc(FILE_MAX);
	size = text ? fread(text, 1, FILE_MAX, f) : 0;
	if (!text)
		err = error_set(e, -ENOMEM, "%s: not enough memory to read it", path);
	else if (ferror(f))
		err = error_set(e, -EIO, "%s: cannot be read; give a profile", path);
	else if (size == FILE_MAX)
		err = error_set(e, -EFBIG, "%s: too large for a profile; " RELEARN, path);
	else
		err = 0;
	if (!err) {
		all = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
		err = json_is_object(all)
			      ? check(p, all, path, model_id, e)
			      : error_set(e, -EINVAL, "%s: not JSON, or cut off; " RELEARN, path);
	}
	json_decref(all);
	free(text);
	fclose(f);
	return err;
}
