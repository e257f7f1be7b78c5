/* The network's speed with the default sizes and the live inputs, on one core: steps as they are
 * made live, and training. */
#include "cmd/bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feature/encode.h"
#include "lstm/kernel.h"
#include "lstm/model.h"
#include "lstm/train.h"

enum { LAYERS = 2, HIDDEN = 128, REPEATS = 3 };

/* A network that has learned nothing: it costs what a trained one costs. */
static int make_network(struct lstm *net)
{
	struct encoder enc;
	int err;

	encoder_init(&enc, SET_LIVE);
	err = lstm_init(net,
		(struct lstm_shape){(int)enc.inputs, (int)enc.inputs, LAYERS, HIDDEN, CLASSES});
	if (!err)
		train_init_weights(net, 1);
	return err;
}

/* Multiplications and additions of a step without zeros. */
static double step_flop(const struct lstm *net)
{
	struct lstm_shape s = net->shape;
	double macs = (double)s.inputs * 4 * s.hidden + (double)s.hidden * s.classes;

	return 2 * (macs + (double)(2 * s.layers - 1) * 4 * s.hidden * s.hidden);
}

/* Numbers in the first half, zeros in most of the rest: the one-hot inputs. */
static void draw_inputs(struct rng *rng, int inputs, float *x)
{
	for (int i = 0; i < inputs; i++)
		x[i] = i < inputs / 2 || i % 16 == 0 ? (float)rng_uniform(rng) - 0.5f : 0;
}

static json_t *figures_of(double seconds, double flop)
{
	return json_pack("{sf sf sf}", "us_per_step", seconds * 1e6, "steps_per_s", 1 / seconds,
		"gflop_per_s", flop / seconds * 1e-9);
}

static json_t *bench_alone(const struct lstm *net)
{
	enum { STEPS = 10000 };
	float *x = lstm_floats((size_t)net->shape.inputs), *work = lstm_floats(lstm_work_size(net));
	float *state = lstm_floats(lstm_state_size(net)), logits[LSTM_MAX_CLASSES];
	struct lstm_input input = {.dense = x};
	struct rng rng = {1};
	double best = 1e9;

	for (int r = 0; x && work && state && r < REPEATS; r++) {
		double began = bench_clock(), took;

		draw_inputs(&rng, net->shape.inputs, x);
		for (int i = 0; i < STEPS; i++)
			lstm_step(net, &input, state, logits, work);
		took = (bench_clock() - began) / STEPS;
		best = took < best ? took : best;
	}
	free(x);
	free(work);
	free(state);
	return figures_of(best, step_flop(net));
}

static json_t *bench_batch(const struct lstm *net, int n)
{
	const int rounds = 65536 / n;
	size_t inputs = (size_t)net->shape.inputs, size = lstm_state_size(net);
	struct lstm_batch *b = lstm_batch_new(net, lstm_kernel_find("fp32", NULL), n);
	float *x = lstm_floats((size_t)n * inputs), *states = lstm_floats((size_t)n * size);
	float *logits = lstm_floats((size_t)n * (size_t)net->shape.classes);
	float **state = calloc((size_t)n, sizeof(*state));
	struct lstm_input *input = calloc((size_t)n, sizeof(*input));
	struct rng rng = {1};
	double best = 1e9;

	for (int i = 0; x && states && state && input && i < n; i++) {
		draw_inputs(&rng, net->shape.inputs, x + (size_t)i * inputs);
		state[i] = states + (size_t)i * size;
		input[i].dense = x + (size_t)i * inputs;
	}
	for (int r = 0; b && x && states && logits && state && input && r < REPEATS; r++) {
		double began = bench_clock(), took;

		for (int i = 0; i < rounds; i++)
			lstm_batch_step(b, n, input, state, logits);
		took = (bench_clock() - began) / rounds / n;
		best = took < best ? took : best;
	}
	lstm_batch_free(b);
	free(x);
	free(states);
	free(logits);
	free(state);
	free(input);
	return figures_of(best, step_flop(net));
}

json_t *bench_lstm(struct error *e)
{
	struct lstm net;
	json_t *figures;

	if (make_network(&net) != 0) {
		error_set(e, -ENOMEM, "not enough memory for a network");
		return NULL;
	}
	figures = json_pack("{si si si so so so}", "inputs", net.shape.inputs, "layers",
		net.shape.layers, "hidden", net.shape.hidden, "alone", bench_alone(&net),
		"batch_of_64", bench_batch(&net, 64), "batch_of_1024", bench_batch(&net, 1024));
	lstm_free(&net);
	return figures;
}

/* ---- training ---- */

static void training_input(void *context, size_t row, uint64_t draw, float *x)
{
	const struct lstm *net = context;
	struct rng rng = {row};

	(void)draw;
	draw_inputs(&rng, net->shape.inputs, x);
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

	if (!label || !weight || !sequence || make_network(&net) != 0)
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

json_t *bench_train(struct error *e)
{
	static const struct {
		int batch, length, sequences;
	} cases[] = {{64, 1, 8192}, {1024, 1, 65536}, {64, 16, 2048}, {1024, 16, 4096}};
	json_t *figures = json_object();

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
