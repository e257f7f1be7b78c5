/* Training's speed with the default sizes, on one thread and on two. */
#include "cmd/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/bench_network.h"
#include "feature/feature.h"
#include "lstm/train.h"

enum { EPOCHS = 15 };

static int training_input(
	void *context, size_t row, uint64_t draw, float *x, struct lstm_entry *entry)
{
	const struct lstm *net = context;
	struct rng rng = {row};

	(void)draw;
	(void)entry;
	bench_inputs(&rng, net->shape.dense, x);
	return 0;
}

static double no_validation(void *context, const struct lstm *net)
{
	(void)context;
	(void)net;
	return 0;
}

/* The shortest epoch so far. */
struct stopwatch {
	double began, best;
};

static void note_epoch(void *context, const struct train_progress *p)
{
	struct stopwatch *w = context;
	double now = bench_clock();

	if (!p->epoch_over)
		return;
	w->best = w->best == 0 || now - w->began < w->best ? now - w->began : w->best;
	w->began = now;
}

/* Sequences a second, in updates of `batch`: the best of several epochs of `sequences`, since the
 * machine is shared. 0: no memory. */
static double sequences_per_s(int batch, int length, int sequences, int threads)
{
	size_t rows = (size_t)sequences * (size_t)length;
	struct train_settings settings = train_defaults;
	struct train_data data = {.rows = rows, .sequences = (size_t)sequences};
	struct stopwatch watch = {bench_clock(), 0};
	struct train_hooks hooks = {
		.validate = no_validation, .progress = note_epoch, .context = &watch};
	struct train_progress last;
	struct lstm net = {0};
	int *label = calloc(rows, sizeof(*label));
	float *weight = calloc(rows, sizeof(*weight));
	struct train_sequence *sequence = calloc((size_t)sequences, sizeof(*sequence));
	double rate = 0;

	if (!label || !weight || !sequence || bench_network(&net) != 0)
		goto out;
	for (size_t r = 0; r < rows; r++) {
		label[r] = (int)(r % CLASSES);
		weight[r] = 1;
	}
	for (int s = 0; s < sequences; s++)
		sequence[s] = (struct train_sequence){
			.first = (uint32_t)(s * length), .length = (uint32_t)length};
	data.label = label;
	data.weight = weight;
	data.sequence = sequence;
	data.input = training_input;
	data.context = &net;
	settings.epochs = EPOCHS;
	settings.patience = 0;
	settings.dropout = 0;
	settings.batch = batch * length;
	settings.length = length;
	settings.threads = threads;
	if (train(&net, &data, &settings, &hooks, &last, NULL) == 0)
		rate = sequences / watch.best;
out:
	lstm_free(&net);
	free(label);
	free(weight);
	free(sequence);
	return rate;
}

json_t *bench_train(const struct bench_options *o, struct error *e)
{
	static const struct {
		int batch, length, sequences;
	} cases[] = {{64, 1, 2048}, {1024, 1, 8192}, {64, 16, 256}, {1024, 16, 1024}};
	json_t *figures = json_object();

	(void)o;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[64];
		json_t *rates = json_object();

		for (int threads = 1; threads <= 2; threads++) {
			double rate = sequences_per_s(
				cases[i].batch, cases[i].length, cases[i].sequences, threads);

			if (rate == 0) {
				error_set(e, -ENOMEM, "not enough memory to train");
				json_decref(rates);
				json_decref(figures);
				return NULL;
			}
			json_object_set_new(rates,
				threads == 1 ? "samples_per_s_1_thread" : "samples_per_s_2_threads",
				json_real(rate));
		}
		snprintf(name, sizeof(name), "length_%d_batch_%d", cases[i].length, cases[i].batch);
		json_object_set_new(figures, name, rates);
	}
	return figures;
}
