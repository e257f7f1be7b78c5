#include "cmd/train_log.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

int train_log_open(struct train_log *l, const char *path, struct error *e)
{
	*l = (struct train_log){.epochs = json_array(), .path = path};
	if (!l->epochs)
		return error_set(e, -ENOMEM, "not enough memory");
	if (!path)
		return 0;
	l->file = fopen(path, "a"); /* what is in it goes when the training begins */
	if (!l->file)
		return error_set(e, -errno,
			"%s: cannot be written: %s; name another file with --log", path,
			strerror(errno));
	return 0;
}

/* Whoever follows the file sees an epoch when it is over. */
static void write_line(struct train_log *l, const json_t *epoch)
{
	if (!l->file)
		return;
	json_dumpf(epoch, l->file, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putc('\n', l->file);
	fflush(l->file);
}

void train_log_begin(struct train_log *l, json_t *epochs)
{
	size_t i;
	json_t *epoch;

	/* A pipe or a device has nothing to be cut. */
	if (l->file && ftruncate(fileno(l->file), 0) != 0)
		errno = 0;
	if (!epochs)
		return;
	json_decref(l->epochs);
	l->epochs = epochs;
	json_array_foreach (epochs, i, epoch) {
		write_line(l, epoch);
	}
}

static json_t *figure(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

void train_log_add(struct train_log *l, const struct train_progress *p, const struct metrics *m,
	double seconds)
{
	bool validated = isfinite(p->metric);
	json_t *epoch = json_pack("{si so so so so so so}", "epoch", p->epoch, "loss",
		figure(p->loss), "score", figure(p->metric), "tpr_at_fpr_1e-2",
		figure(validated ? m->binary.tpr[0] : NAN), "macro_f1",
		figure(validated ? m->macro_f1 : NAN), "accuracy",
		figure(validated ? m->accuracy : NAN), "seconds",
		figure(floor(seconds * 1000) / 1000));

	write_line(l, epoch);
	json_array_append_new(l->epochs, epoch);
}

json_t *train_log_describe(const struct train_log *l)
{
	json_t *copy = json_deep_copy(l->epochs), *epoch;
	size_t i;

	json_array_foreach (copy, i, epoch) {
		json_object_del(epoch, "seconds");
	}
	return copy;
}

int train_log_close(struct train_log *l, struct error *e)
{
	bool bad = l->file && ferror(l->file);

	if (l->file && fclose(l->file) != 0)
		bad = true;
	json_decref(l->epochs);
	l->epochs = NULL;
	l->file = NULL;
	return bad ? error_set(
			     e, -EIO, "%s: lines of the log were lost; is the disk full?", l->path)
		   : 0;
}
