#include "respond/allowed.h"

#include <errno.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/outfile.h"
#include "util/state.h"

enum { FILE_MOST = 1 << 20 }; /* bytes: none of ours is that large */

struct allowed {
	char path[STATE_PATH];
	struct allowed_one one[ALLOWED_MOST];
	uint32_t count;
	bool broken; /* what is in the file is not here */
};

/* ---- the file: an array of objects ---- */

static bool take(struct allowed *a, const json_t *object)
{
	const char *what = json_string_value(json_object_get(object, "what"));
	const json_t *uid = json_object_get(object, "uid"), *at = json_object_get(object, "at");
	struct allowed_one *one = &a->one[a->count];

	if (a->count == ALLOWED_MOST || !what || !json_is_integer(uid) || !json_is_number(at) ||
		!(json_number_value(at) >= 0 && json_number_value(at) < 1e9 * 9) ||
		!prefix_parse(what, &one->what))
		return false;
	one->uid = (uint32_t)json_integer_value(uid);
	one->at_ns = (int64_t)(json_number_value(at) * 1e3 + 0.5) * 1000000;
	a->count += !allowed_has(a, &one->what);
	return true;
}

static int broken(struct allowed *a, int err, const char *why, struct error *e)
{
	a->broken = true;
	a->count = 0;
	return error_set(e, err,
		"%s: the allow list cannot be read: %s; nobody in it is allowed: mend it, or "
		"remove it",
		a->path, why);
}

static int read_file(struct allowed *a, struct error *e)
{
	struct stat st;
	json_error_t where;
	json_t *all, *object;
	size_t i;
	bool good;

	a->broken = false;
	a->count = 0;
	if (stat(a->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0
							   : broken(a, -errno, strerror(errno), e);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MOST)
		return broken(a, -EINVAL, "it is none", e);
	all = json_load_file(a->path, JSON_REJECT_DUPLICATES, &where);
	if (!all)
		return broken(a, -EINVAL, where.text, e);
	good = json_is_array(all);
	json_array_foreach (all, i, object) {
		good = good && take(a, object);
	}
	json_decref(all);
	return good ? 0 : broken(a, -EINVAL, "not every line is an entry", e);
}

static void print(const struct allowed *a, FILE *out)
{
	char text[PREFIX_TEXT];

	for (uint32_t i = 0; i < a->count; i++)
		fprintf(out, "%s{\"what\": \"%s\", \"uid\": %u, \"at\": %.3f}", i ? ",\n " : "[",
			prefix_text(a->one[i].what.addr, a->one[i].what.bits, text), a->one[i].uid,
			(double)a->one[i].at_ns * 1e-9);
	fputs(a->count ? "]\n" : "[]\n", out);
}

static int write_file(const struct allowed *a, struct error *e)
{
	char folder[STATE_PATH];
	struct outfile f;
	int err;

	strcpy(folder, a->path);
	mkdir(dirname(folder), 0750); /* where it cannot be made, the next line says so */
	err = outfile_open(&f, a->path, e);
	if (err)
		return err;
	print(a, f.stream);
	return outfile_commit(&f, e);
}

/* ---- the list ---- */

struct allowed *allowed_open(const char *path, struct error *e)
{
	struct allowed *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	snprintf(a->path, sizeof(a->path), "%s", path);
	read_file(a, e);
	return a;
}

void allowed_close(struct allowed *a)
{
	free(a);
}

static struct allowed_one *find(const struct allowed *a, const struct prefix *what)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->one[i].what.bits == what->bits &&
			memcmp(a->one[i].what.addr, what->addr, sizeof(what->addr)) == 0)
			return (struct allowed_one *)&a->one[i];
	return NULL;
}

bool allowed_has(const struct allowed *a, const struct prefix *what)
{
	return find(a, what) != NULL;
}

const struct allowed_one *allowed_all(const struct allowed *a, uint32_t *count)
{
	*count = a->count;
	return a->one;
}

int allowed_add(struct allowed *a, const struct allowed_one *one, struct error *e)
{
	int err = a->broken ? read_file(a, e) : 0;

	if (err || find(a, &one->what))
		return err;
	if (a->count == ALLOWED_MOST)
		return error_set(
			e, -ENOSPC, "the allow list has room for %d; take some out", ALLOWED_MOST);
	a->one[a->count++] = *one;
	err = write_file(a, e);
	a->count -= err != 0;
	return err;
}

int allowed_del(struct allowed *a, const struct prefix *what, struct error *e)
{
	int err = a->broken ? read_file(a, e) : 0;
	struct allowed_one *one = err ? NULL : find(a, what), was;

	if (!one)
		return err ? err : -ENOENT;
	was = *one;
	*one = a->one[--a->count];
	err = write_file(a, e);
	if (!err)
		return 0;
	a->one[a->count++] = *one;
	*one = was;
	return err;
}
