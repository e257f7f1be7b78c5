#include "cmd/teach.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double unwatched(void *context, const struct lstm *net)
{
	(void)context;
	(void)net;
	return 0;
}

/* The training sequences, those of part `hidden` last; returns how many come before them. */
static size_t order(struct dataset *d, const struct encoder *enc, int parts, int hidden,
	uint64_t seed, struct train_sequence *old, size_t *rows)
{
	size_t at = 0, seen = 0;

	memcpy(old, d->sequence, d->training * sizeof(*old));
	*rows = 0;
	for (int pass = 0; pass < 2; pass++)
		for (size_t s = 0; s < d->training; s++) {
			uint64_t draw = rng_derive(seed, dataset_group(d, enc, old[s]));

			if ((draw % (uint64_t)parts == (uint64_t)hidden) != (pass == 1))
				continue;
			d->sequence[at++] = old[s];
			seen += pass == 0;
			*rows += pass == 0 ? old[s].length : 0;
		}
	return seen;
}

/* Train one teacher on the first `seen` sequences and let it judge the others. */
static int teacher(struct dataset *d, const struct encoder *enc, struct lstm *net,
	const struct train_data *data, const struct train_settings *settings, size_t seen,
	const volatile sig_atomic_t *stop, float *soft, struct error *e)
{
	struct train_hooks hooks = {.validate = unwatched, .stop = stop};
	struct train_progress last;
	int err;

	train_init_weights(net, settings->seed);
	err = train(net, data, settings, &hooks, &last, e);
	if (err || *stop)
		return err;
	err = dataset_judge(d, enc, net, NULL, seen, d->training, soft, e);
	for (size_t s = seen; !err && s < d->training; s++)
		for (uint32_t k = 0; k < d->sequence[s].length; k++) {
			float *p = soft + (size_t)(d->sequence[s].first + k) * CLASSES;

			lstm_softmax(p, CLASSES, 1, p);
		}
	return err;
}

int teach(struct dataset *d, const struct encoder *enc, struct lstm_shape shape,
	const struct train_data *data, const struct train_settings *settings, int teachers,
	const volatile sig_atomic_t *stop, float *soft, struct error *e)
{
	struct train_sequence *old = calloc(d->training + 1, sizeof(*old));
	struct train_data part = *data;
	struct train_settings own = *settings;
	struct lstm net;
	int err = old ? lstm_init(&net, shape) : -ENOMEM;

	if (err) {
		free(old);
		return error_set(e, -ENOMEM, "not enough memory for a teacher");
	}
	for (size_t i = 0; i < d->training_rows * CLASSES; i++)
		soft[i] = 1.0f / CLASSES;
	part.soft = NULL;
	own.patience = 0;
	for (int t = 0; t < teachers && !err && !*stop; t++) {
		fprintf(stderr, "teacher %d of %d\n", t + 1, teachers);
		own.seed = rng_derive(settings->seed, (uint64_t)t);
		part.sequences = order(d, enc, teachers, t, settings->seed, old, &part.rows);
		err = teacher(d, enc, &net, &part, &own, part.sequences, stop, soft, e);
	}
	lstm_free(&net);
	free(old);
	return err;
}
