/* Training's speed with the default sizes, on one thread and on two. */
#include "cmd/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/bench_network.h"
#include "feature/feature.h"
#include "lstm/train.h"

static void training_input(void *context, size_t row, uint64_t draw, float *x)
{
	const struct lstm *net = context;
	struct rng rng = {row};

	(void)draw;
	bench_inputs(&rng, net->shape.dense, x);
}

static double no_validation(void *context, const struct lstm *net)
{
	(void)context;
	(void)net;
	return 0;
}

/* Sequences a second, an epoch of `sequences` of them in updates of `batch`; 0: no memory. */
static double sequences_per_s(int batch, int length, int sequences, int threads)
{
	size_t rows = (size_t)sequences * (size_t)length;
	struct train_settings settings = train_defaults;
	struct train_data data = {.rows = rows, .sequences = (size_t)sequences};
	struct train_hooks hooks = {.validate = no_validation};
	struct train_progress last;
	struct lstm net = {0};
	int *label = calloc(rows, sizeof(*label));
	float *weight = calloc(rows, sizeof(*weight));
	struct train_sequence *sequence = calloc((size_t)sequences, sizeof(*sequence));
	double began, rate = 0;

	if (!label || !weight || !sequence || bench_network(&net) != 0)
		goto out;
	for (size_t r = 0; r < rows; r++) {
		label[r] = (int)(r % CLASSES);
		weight[r] = 1;
	}
	for (int s = 0; s < sequences; s++)
		sequence[s] = (struct train_sequence){(uint32_t)(s * length), (uint32_t)length};
	data.label = label;
	data.weight = weight;
	data.sequence = sequence;
	data.input = training_input;
	data.context = &net;
	settings.epochs = 1;
	settings.batch = batch * length;
	settings.length = length;
	settings.threads = threads;
	began = bench_clock();
	if (train(&net, &data, &settings, &hooks, &last, NULL) == 0)
		rate = sequences / (bench_clock() - began);
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
	} cases[] = {{64, 1, 8192}, {1024, 1, 65536}, {64, 16, 2048}, {1024, 16, 4096}};
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
