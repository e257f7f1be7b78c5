/* The network's speed on one core: steps as they are made live, alone and many together, by each
 * kernel that runs here; and the most that the processor could do. */
#include "cmd/bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench_network.h"
#include "cmd/bench_peak.h"
#include "feature/feature.h"
#include "lstm/kernel.h"
#include "lstm/train.h"

enum { INPUTS = 40, LAYERS = 2, HIDDEN = 128 };

/* What is measured is the best of many short rounds: the machine is shared. */
enum { ROUNDS = 40 };
static const double round_s = 0.004;

int bench_network(struct lstm *net)
{
	int err = lstm_init(net, (struct lstm_shape){INPUTS, INPUTS, LAYERS, HIDDEN, CLASSES});

	if (!err)
		train_init_weights(net, 1);
	return err;
}

void bench_inputs(struct rng *rng, int count, float *x)
{
	for (int i = 0; i < count; i++)
		x[i] = (float)rng_uniform(rng) - 0.5f;
}

/* Of a model whose numbers are encoded as entries: two of each. */
static int entries_of(const struct model *m)
{
	json_t *list = json_object_get(json_object_get(m->header, "input"), "features");

	return m->net.shape.dense < m->net.shape.inputs ? 2 * (int)json_array_size(list) : 0;
}

/* Multiplications and additions of a step. */
static double step_flop(const struct model *m)
{
	struct lstm_shape s = m->net.shape;
	double macs =
		((double)s.dense + entries_of(m)) * 4 * s.hidden + (double)s.hidden * s.classes;

	return 2 * (macs + (double)(2 * s.layers - 1) * 4 * s.hidden * s.hidden);
}

/* Many hosts, one record of each. */
struct hosts {
	int n;
	struct lstm_entry *entry;
	struct lstm_batch *batch;
	float *x, *states, *logits;
	float **state;
	struct lstm_input *input;
};

static void hosts_free(struct hosts *h)
{
	lstm_batch_free(h->batch);
	free(h->x);
	free(h->states);
	free(h->logits);
	free(h->state);
	free(h->input);
	free(h->entry);
}

static int hosts_init(
	struct hosts *h, const struct model *m, const struct lstm_kernel *kernel, int n)
{
	const struct lstm *net = &m->net;
	int entries = entries_of(m);
	size_t dense = (size_t)net->shape.dense, size = lstm_state_size(net), lanes = (size_t)n;
	struct rng rng = {1};

	*h = (struct hosts){.n = n};
	h->batch = lstm_batch_new(net, kernel, n);
	h->x = lstm_floats(lanes * dense);
	h->states = lstm_floats(lanes * size);
	h->logits = lstm_floats(lanes * (size_t)net->shape.classes);
	h->state = calloc(lanes, sizeof(*h->state));
	h->input = calloc(lanes, sizeof(*h->input));
	h->entry = calloc(lanes * (size_t)entries + 1, sizeof(*h->entry));
	if (!h->batch || !h->x || !h->states || !h->logits || !h->state || !h->input || !h->entry)
		return -ENOMEM;
	bench_inputs(&rng, (int)(lanes * dense), h->x);
	for (size_t i = 0; i < lanes; i++) {
		h->state[i] = h->states + i * size;
		h->input[i] = (struct lstm_input){
			h->x + i * dense, h->entry + i * (size_t)entries, entries};
	}
	for (size_t i = 0; i + 1 < lanes * (size_t)entries; i += 2) { /* neighbours, as knots are */
		uint32_t row = (uint32_t)rng_below(&rng, (uint64_t)net->shape.inputs - 1);

		h->entry[i] = (struct lstm_entry){row, 0.25F};
		h->entry[i + 1] = (struct lstm_entry){row + 1, 0.75F};
	}
	return 0;
}

/* Seconds of a step in a round of `steps` times n. */
static double round_of(struct hosts *h, int steps)
{
	double began = bench_clock();

	for (int i = 0; i < steps; i++)
		lstm_batch_step(h->batch, h->n, h->input, h->state, h->logits);
	return (bench_clock() - began) / steps / h->n;
}

/* us a step, n together. The processor's peak is measured between the rounds: its clock is not the
 * same all the time. 0: no memory. */
static double us_per_step(
	const struct model *m, const struct lstm_kernel *kernel, int n, double *peak)
{
	struct hosts h;
	double best = 0;

	if (hosts_init(&h, m, kernel, n) == 0) {
		int steps = 1 + (int)(round_s / n / round_of(&h, 1));

		for (int r = 0; r < ROUNDS; r++) {
			double took = round_of(&h, steps), most = bench_peak();

			best = best == 0 || took < best ? took : best;
			*peak = most > *peak ? most : *peak;
		}
	}
	hosts_free(&h);
	return best * 1e6;
}

static json_t *bench_one(const struct model *m, const struct lstm_kernel *kernel, double *peak)
{
	static const struct {
		const char *name;
		int n;
	} cases[] = {{"alone_us_per_step", 1}, {"batch_of_64_us_per_step", 64},
		{"batch_of_1024_us_per_step", 1024}};
	json_t *figures = json_object();
	double us = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		us = us_per_step(m, kernel, cases[i].n, peak);
		json_object_set_new(figures, cases[i].name, json_real(us));
	}
	if (!kernel->int8) {
		double gflop = step_flop(m) / us * 1e-3;

		json_object_set_new(figures, "batch_of_1024_gflop_per_s", json_real(gflop));
		json_object_set_new(figures, "batch_of_1024_share_of_peak",
			json_real(*peak > 0 ? gflop / *peak : 0));
	}
	return figures;
}

static json_t *bench_kernels(const struct model *m, const struct lstm_kernel *only)
{
	struct lstm_shape s = m->net.shape;
	json_t *figures =
		json_pack("{si si si}", "inputs", s.inputs, "layers", s.layers, "hidden", s.hidden);
	double peak = 0;

	for (int i = 0; lstm_kernels[i]; i++) {
		const struct lstm_kernel *k = lstm_kernels[i];

		if ((!only || only == k) && k->runs_here())
			json_object_set_new(figures, k->name, bench_one(m, k, &peak));
	}
	json_object_set_new(figures, "peak_gflop_per_s", json_real(peak));
	return figures;
}

json_t *bench_lstm(const struct bench_options *o, struct error *e)
{
	struct model m = {0};
	json_t *figures = NULL;
	int err = o->model ? model_load(&m, o->model, e) : bench_network(&m.net);

	if (!err)
		figures = bench_kernels(&m, o->kernel);
	else if (!o->model)
		error_set(e, err, "not enough memory for a network");
	model_free(&m);
	return figures;
}
