/* The network against an independent one in double precision: outputs of the step and of the
 * batched pass, and every gradient against finite differences. Products, activations and the
 * optimiser against their definitions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/activation.h"
#include "lstm/adam.h"
#include "lstm/bptt.h"
#include "lstm/gemm.h"
#include "lstm/kernel.h"
#include "lstm/loss.h"

static float draw(struct rng *r, double scale)
{
	return (float)((2 * rng_uniform(r) - 1) * scale);
}

static void fill(struct rng *r, float *p, size_t count, double scale)
{
	for (size_t i = 0; i < count; i++)
		p[i] = draw(r, scale);
}

/* ---- the reference, in double, one row after another ---- */

enum { MAX_H = 24, MAX_C = 12 };

struct reference {
	struct lstm_shape s;
	const double *w; /* the block of struct lstm */
};

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* h, c (L, H): renewed. mask (L): NULL or that row's (H) of dropout. logits (C). */
static void reference_step(const struct reference *r, const float *x, double *h, double *c,
	const float *const *mask, double *logits)
{
	int hidden = r->s.hidden, classes = r->s.classes;
	const double *w = r->w;
	double in[128], out[MAX_H];
	int width = r->s.inputs;

	for (int i = 0; i < width; i++)
		in[i] = (double)x[i];
	for (int l = 0; l < r->s.layers; l++, h += hidden, c += hidden) {
		const double *wx = w, *wh = wx + width * 4 * hidden, *b = wh + 4 * hidden * hidden;
		double next[MAX_H];

		for (int j = 0; j < hidden; j++) {
			double g[4];

			for (int k = 0; k < 4; k++) {
				int column = k * hidden + j;

				g[k] = b[column];
				for (int i = 0; i < width; i++)
					g[k] += in[i] * wx[i * 4 * hidden + column];
				for (int i = 0; i < hidden; i++)
					g[k] += h[i] * wh[i * 4 * hidden + column];
			}
			c[j] = sigmoid(g[1]) * c[j] + sigmoid(g[0]) * tanh(g[2]);
			next[j] = sigmoid(g[3]) * tanh(c[j]);
		}
		memcpy(h, next, (size_t)hidden * sizeof(*h));
		for (int j = 0; j < hidden; j++)
			in[j] = out[j] = h[j] * (mask ? (double)mask[l][j] : 1);
		w = b + 4 * hidden;
		width = hidden;
	}
	for (int k = 0; k < classes; k++) {
		logits[k] = w[hidden * classes + k];
		for (int j = 0; j < hidden; j++)
			logits[k] += out[j] * w[j * classes + k];
	}
}

struct problem {
	struct lstm net;
	struct packed packed;
	struct bptt b;
	struct loss loss;
	int steps, lanes;
	struct lstm_input *input; /* (T, B): x, some of it as entries */
	struct lstm_entry *entry;
	float *x, *state, *state_after, *logits, *dlogits, *weight;
	uint8_t *start;
	int *label;
	bool dropout;
};

static double reference_loss(const struct problem *p, const double *w, double *logits)
{
	struct reference r = {p->net.shape, w};
	int layers = p->net.shape.layers, hidden = p->net.shape.hidden, C = p->net.shape.classes;
	double total = 0;

	for (int i = 0; i < p->lanes; i++) {
		double h[LSTM_MAX_LAYERS * MAX_H], c[LSTM_MAX_LAYERS * MAX_H];

		for (int l = 0; l < layers; l++)
			for (int j = 0; j < hidden; j++) {
				const float *s = p->state + (size_t)i * lstm_state_size(&p->net) +
						 l * 2 * hidden;
				h[l * hidden + j] = (double)s[j];
				c[l * hidden + j] = (double)s[hidden + j];
			}
		for (int t = 0; t < p->steps; t++) {
			int row = t * p->lanes + i;
			const float *mask[LSTM_MAX_LAYERS];
			double z[MAX_C], sum = 0, q;

			if (p->start[row]) {
				memset(h, 0, sizeof(h));
				memset(c, 0, sizeof(c));
			}
			for (int l = 0; l < layers; l++)
				mask[l] = p->b.mask[l] + row * hidden;
			reference_step(&r, p->x + row * p->net.shape.inputs, h, c,
				p->dropout ? mask : NULL, z);
			for (int k = 0; k < C; k++)
				sum += exp(z[k]);
			q = exp(z[p->label[row]]) / sum;
			total -= (double)p->weight[row] * (double)p->loss.alpha[p->label[row]] *
				 pow(1 - q, (double)p->loss.gamma) * log(q);
			if (logits)
				memcpy(logits + row * C, z, (size_t)C * sizeof(*z));
		}
	}
	return total;
}

/* Row i's numbers, and its inputs behind them as entries, one of them in two parts. */
static void name_inputs(struct problem *p, size_t i)
{
	int inputs = p->net.shape.inputs, dense = p->net.shape.dense, named = inputs - dense;
	struct lstm_entry *entry = p->entry + i * (size_t)(inputs + 1);
	const float *x = p->x + i * (size_t)inputs;

	for (int k = 0; k < named; k++)
		entry[k] = (struct lstm_entry){(uint32_t)(dense + k), x[dense + k]};
	if (named > 0) {
		entry[named] = (struct lstm_entry){(uint32_t)dense, 0.25f * x[dense]};
		entry[0].value *= 0.75f;
		named++;
	}
	p->input[i] = (struct lstm_input){x, entry, named};
}

static void problem_init(
	struct problem *p, struct lstm_shape s, int steps, int lanes, float gamma, bool resets)
{
	struct rng rng = {(uint64_t)(s.layers * 100 + steps)};
	size_t n = (size_t)(steps * lanes);

	memset(p, 0, sizeof(*p));
	assert_int_equal(lstm_init(&p->net, s), 0);
	fill(&rng, p->net.data, p->net.count, 0.7);
	assert_int_equal(packed_init(&p->packed, s), 0);
	packed_fill(&p->packed, &p->net);
	assert_int_equal(bptt_init(&p->b, s, steps * lanes), 0);
	p->steps = steps;
	p->lanes = lanes;
	p->loss.gamma = gamma;
	for (int c = 0; c < s.classes; c++)
		p->loss.alpha[c] = 0.5f + 0.25f * (float)c;
	p->x = lstm_floats(n * (size_t)s.inputs);
	p->input = calloc(n, sizeof(*p->input));
	p->entry = calloc(n * (size_t)(s.inputs + 1), sizeof(*p->entry));
	p->state = lstm_floats((size_t)lanes * lstm_state_size(&p->net));
	p->state_after = lstm_floats((size_t)lanes * lstm_state_size(&p->net));
	p->logits = lstm_floats(n * (size_t)s.classes);
	p->dlogits = lstm_floats(n * (size_t)s.classes);
	p->weight = lstm_floats(n);
	p->start = calloc(n, 1);
	p->label = calloc(n, sizeof(*p->label));
	fill(&rng, p->x, n * (size_t)s.inputs, 1);
	fill(&rng, p->state, (size_t)lanes * lstm_state_size(&p->net), 0.5);
	for (size_t i = 0; i < n; i++) {
		p->start[i] = resets && rng_below(&rng, 4) == 0;
		p->label[i] = (int)rng_below(&rng, (uint64_t)s.classes);
		p->weight[i] = i % 5 == 3 ? 0 : 0.25f * (float)(1 + i % 4);
		if (i % 7 == 2)
			p->x[i * (size_t)s.inputs] = 0; /* skipped by lstm_step() */
	}
	for (size_t i = 0; i < n; i++)
		name_inputs(p, i);
}

static void problem_free(struct problem *p)
{
	lstm_free(&p->net);
	packed_free(&p->packed);
	bptt_free(&p->b);
	free(p->x);
	free(p->input);
	free(p->entry);
	free(p->state);
	free(p->state_after);
	free(p->logits);
	free(p->dlogits);
	free(p->weight);
	free(p->start);
	free(p->label);
}

static double forward(struct problem *p, struct rng *rng)
{
	int C = p->net.shape.classes;
	double total = 0;

	p->dropout = rng != NULL;
	memcpy(p->state_after, p->state,
		(size_t)p->lanes * lstm_state_size(&p->net) * sizeof(float));
	bptt_forward(&p->b, &p->net, &p->packed, p->steps, p->lanes, p->input, p->start,
		p->state_after, p->logits, rng, rng ? 0.4f : 0);
	for (int r = 0; r < p->steps * p->lanes; r++)
		total += loss_row(&p->loss, C, p->logits + r * C, p->label[r], NULL, p->weight[r],
			p->dlogits + r * C);
	return total;
}

/* ---- tests ---- */

static void test_pass_is_the_reference(void **state)
{
	(void)state;
	for (int layers = 1; layers <= 3; layers++) {
		struct problem p;
		double logits[64 * 5], *w, total;

		problem_init(&p, (struct lstm_shape){9, 9, layers, 7, 5}, 8, 3, 2, true);
		w = malloc(p.net.count * sizeof(*w));
		for (size_t i = 0; i < p.net.count; i++)
			w[i] = (double)p.net.data[i];
		total = forward(&p, NULL);
		assert_true(fabs(reference_loss(&p, w, logits) - total) < 2e-5);
		for (int i = 0; i < 8 * 3 * 5; i++)
			assert_true(fabs((double)p.logits[i] - logits[i]) < 2e-6);
		free(w);
		problem_free(&p);
	}
}

static float furthest(const float *a, const float *b, size_t count)
{
	float most = 0;

	for (size_t i = 0; i < count; i++)
		most = fmaxf(most, fabsf(a[i] - b[i]));
	return most;
}

static void test_step_is_the_pass(void **state)
{
	struct problem p;
	size_t size;
	float *work, logits[5];

	(void)state;
	problem_init(&p, (struct lstm_shape){37, 37, 2, 19, 5}, 6, 4, 0, true);
	forward(&p, NULL);
	size = lstm_state_size(&p.net);
	work = lstm_floats(lstm_work_size(&p.net));
	for (int i = 0; i < p.lanes; i++) {
		float *s = p.state + (size_t)i * size;

		for (int t = 0; t < p.steps; t++) {
			int row = t * p.lanes + i;

			if (p.start[row])
				memset(s, 0, size * sizeof(*s));
			lstm_step(&p.net, &(struct lstm_input){.dense = p.x + row * 37}, s, logits,
				work);
			for (int c = 0; c < 5; c++)
				assert_true(fabsf(logits[c] - p.logits[row * 5 + c]) < 2e-6f);
		}
		for (size_t k = 0; k < size; k++)
			assert_true(fabsf(s[k] - p.state_after[(size_t)i * size + k]) < 2e-6f);
	}
	free(work);
	problem_free(&p);
}

static void test_batch_is_the_step(void **state)
{
	struct lstm net;
	struct rng rng = {5};
	struct lstm_batch *b;
	float x[7 * 11], states[7][2 * 2 * 18], single[7][2 * 2 * 18], logits[7 * 4], z[4],
		work[72];
	float *pointers[7];
	struct lstm_input input[7];

	(void)state;
	assert_int_equal(lstm_init(&net, (struct lstm_shape){11, 11, 2, 18, 4}), 0);
	fill(&rng, net.data, net.count, 0.6);
	b = lstm_batch_new(&net, lstm_kernel_find("fp32", NULL), 7);
	assert_non_null(b);
	fill(&rng, states[0], sizeof(states) / sizeof(float), 0.5);
	memcpy(single, states, sizeof(states));
	for (int n = 7; n >= 1; n -= 2) { /* also batches that are not full */
		fill(&rng, x, 7 * 11, 1);
		for (int i = 0; i < n; i++) {
			pointers[i] = states[n - 1 - i]; /* in any order */
			input[i] = (struct lstm_input){.dense = x + i * 11};
		}
		lstm_batch_step(b, n, input, pointers, logits);
		for (int i = 0; i < n; i++) {
			lstm_step(&net, &input[i], single[n - 1 - i], z, work);
			for (int c = 0; c < 4; c++)
				assert_true(fabsf(z[c] - logits[i * 4 + c]) < 2e-6f);
		}
	}
	for (int i = 0; i < 7; i++)
		for (int k = 0; k < 72; k++)
			assert_true(fabsf(states[i][k] - single[i][k]) < 2e-6f);
	lstm_batch_free(b);
	lstm_free(&net);
}

/* Inputs given as entries are inputs: each row may be named once, several times, or not at all. */
static void test_entries_are_inputs(void **state)
{
	enum { I = 30, D = 4, SIZE = 2 * 2 * 18, N = 3 };
	static const struct lstm_entry entry[N][4] = {
		{{4, 1}, {17, 0.25f}, {18, 0.75f}, {29, -2}}, {{5, 0.5f}, {5, 0.5f}}, {{0}}};
	static const int entries[N] = {4, 2, 0};
	struct rng rng = {6};
	struct lstm net, all;
	struct lstm_input x[N];
	struct lstm_batch *b;
	float dense[N][I] = {0}, states[3][N][SIZE] = {0}, z[2][N][5], work[72], *at[N];

	(void)state;
	assert_int_equal(lstm_init(&net, (struct lstm_shape){I, D, 2, 18, 5}), 0);
	fill(&rng, net.data, net.count, 0.6);
	all = net;
	all.shape.dense = I;
	b = lstm_batch_new(&net, lstm_kernel_find("fp32", NULL), N);
	for (int i = 0; i < N; i++) {
		fill(&rng, dense[i], D, 1);
		x[i] = (struct lstm_input){dense[i], entry[i], entries[i]};
		lstm_step(&net, &x[i], states[0][i], z[0][i], work);
		at[i] = states[1][i];
	}
	lstm_batch_step(b, N, x, at, z[1][0]);
	assert_true(furthest(z[0][0], z[1][0], N * 5) < 2e-6f);
	for (int i = 0; i < N; i++) {
		for (int k = 0; k < entries[i]; k++)
			dense[i][entry[i][k].row] += entry[i][k].value;
		lstm_step(
			&all, &(struct lstm_input){.dense = dense[i]}, states[2][i], z[1][i], work);
	}
	assert_true(furthest(z[0][0], z[1][0], N * 5) < 2e-6f);
	assert_true(furthest(states[0][0], states[1][0], N * SIZE) < 2e-6f);
	assert_true(furthest(states[0][0], states[2][0], N * SIZE) < 2e-6f);
	lstm_batch_free(b);
	lstm_free(&net);
}

/* Every weight of every matrix and bias, over lanes with and without memory, with resets. */
static void check_gradients(struct lstm_shape s, float gamma, bool resets, bool dropout)
{
	struct problem p;
	struct lstm grad;
	struct rng rng = {3};
	double *w, worst = 0;

	problem_init(&p, s, 5, 3, gamma, resets);
	assert_int_equal(lstm_init(&grad, s), 0);
	forward(&p, dropout ? &rng : NULL);
	bptt_backward(&p.b, &p.packed, p.dlogits, &grad);
	w = malloc(p.net.count * sizeof(*w));
	for (size_t i = 0; i < p.net.count; i++)
		w[i] = (double)p.net.data[i];
	for (size_t i = 0; i < p.net.count; i++) {
		const double step = 1e-5;
		double at = w[i], up, down, numeric, error;

		w[i] = at + step;
		up = reference_loss(&p, w, NULL);
		w[i] = at - step;
		down = reference_loss(&p, w, NULL);
		w[i] = at;
		numeric = (up - down) / (2 * step);
		error = fabs(numeric - (double)grad.data[i]) / (1 + fabs(numeric));
		worst = error > worst ? error : worst;
		if (error > 2e-5)
			fail_msg("weight %zu of %zu: %.8f, by differences %.8f", i, p.net.count,
				(double)grad.data[i], numeric);
	}
	assert_true(worst > 0); /* two computations, not one */
	free(w);
	lstm_free(&grad);
	problem_free(&p);
}

static void test_gradients(void **state)
{
	(void)state;
	for (int layers = 1; layers <= 3; layers++)
		for (int gamma = 0; gamma <= 2; gamma += 2) {
			struct lstm_shape s = {5, 5, layers, 6, 4};

			check_gradients(s, (float)gamma, false, false);
			check_gradients(s, (float)gamma, true, false);
			check_gradients(s, (float)gamma, true, true);
		}
	check_gradients((struct lstm_shape){5, 5, 2, 6, 4}, 0.5f, true, false);
	check_gradients((struct lstm_shape){5, 2, 2, 6, 4}, 2, true, true);
	check_gradients((struct lstm_shape){5, 0, 1, 6, 4}, 0, false, false);
}

/* The focal loss of a row that is certain: no NAN out of (1 - p)^(gamma - 1) * 0. */
static void test_loss_at_certainty(void **state)
{
	struct loss loss = {0.5f, {1, 1, 1}};
	float z[3] = {200, 0, -200}, d[3];

	(void)state;
	assert_true(fabs(loss_row(&loss, 3, z, 0, NULL, 1, d)) < 1e-12);
	for (int c = 0; c < 3; c++)
		assert_true(fabsf(d[c]) < 1e-12f);
	assert_true(fabs(loss_row(&loss, 3, z, 2, NULL, 1, d) - 400) < 1e-3);
	assert_true(fabsf(d[2] + 1) < 1e-6f && fabsf(d[0] - 1) < 1e-6f);
	assert_true(loss_row(&loss, 3, z, -1, NULL, 0, d) == 0);
	assert_true(d[0] == 0 && d[1] == 0 && d[2] == 0);
}

/* Probabilities in place of a label: the mean of the labels' losses and gradients; of
 * cross-entropy the gradient is p - target. */
static void test_loss_of_probabilities(void **state)
{
	struct loss loss = {0, {1, 1, 1}};
	const float z[3] = {0.3f, -1, 2}, target[3] = {0.5f, 0.2f, 0.3f}, one[3] = {0, 1, 0};
	float p[3], d[3], g[3], mean[3];
	double total;

	(void)state;
	lstm_softmax(z, 3, 1, p);
	total = loss_row(&loss, 3, z, -1, target, 2, d);
	for (int c = 0; c < 3; c++) {
		total += 2 * (double)target[c] * log((double)p[c]);
		assert_true(fabsf(d[c] - 2 * (p[c] - target[c])) < 1e-6f);
	}
	assert_true(fabs(total) < 1e-6);
	loss = (struct loss){2, {1, 0.5f, 3}};
	total = loss_row(&loss, 3, z, -1, target, 1, d);
	memset(mean, 0, sizeof(mean));
	for (int k = 0; k < 3; k++) {
		total -= (double)target[k] * loss_row(&loss, 3, z, k, NULL, 1, g);
		for (int c = 0; c < 3; c++)
			mean[c] += target[k] * g[c];
	}
	assert_true(fabs(total) < 1e-6);
	for (int c = 0; c < 3; c++)
		assert_true(fabsf(d[c] - mean[c]) < 1e-6f);
	/* All on one class is its label. */
	assert_true(loss_row(&loss, 3, z, -1, one, 1, d) == loss_row(&loss, 3, z, 1, NULL, 1, g));
	assert_memory_equal(d, g, sizeof(d));
	assert_true(loss_row(&loss, 3, z, -1, target, 0, d) == 0 && d[1] == 0);
}

static void test_activation(void **state)
{
	(void)state;
	for (double x = -90; x <= 90; x += 0.0173) {
		float f = (float)x;

		assert_true(fabs((double)sigmoidf_fast(f) - sigmoid((double)f)) < 2e-7);
		assert_true(fabs((double)tanhf_fast(f) - tanh((double)f)) < 4e-7);
		if (x > -87 && x < 88)
			assert_true(fabs((double)expf_fast(f) / exp((double)f) - 1) < 3e-7);
	}
	assert_true(isnan(expf_fast(NAN)) && isnan(tanhf_fast(NAN)));
	assert_true(sigmoidf_fast(-1e30f) >= 0 && sigmoidf_fast(1e30f) == 1);
	assert_true(tanhf_fast(-1e30f) == -1 && tanhf_fast(1e30f) == 1);
}

static void check_product(int m, int n, int k)
{
	struct rng rng = {(uint64_t)(m * 10007 + n * 101 + k)};
	int lda = k + 3, ldb = n + 2, ldc = n + 5, ldt = m + 1;
	float *a = lstm_floats((size_t)(m * lda)), *at = lstm_floats((size_t)(k * ldt));
	float *b = lstm_floats((size_t)(k * ldb)), *bt = lstm_floats((size_t)(n * lda));
	float *c = lstm_floats((size_t)(m * ldc)), *packed = lstm_floats(gemm_packed_size(k, n));

	fill(&rng, a, (size_t)(m * lda), 1);
	fill(&rng, b, (size_t)(k * ldb), 1);
	for (int i = 0; i < m; i++)
		for (int p = 0; p < k; p++)
			at[p * ldt + i] = a[i * lda + p];
	for (int p = 0; p < k; p++)
		for (int j = 0; j < n; j++)
			bt[j * lda + p] = b[p * ldb + j];
	for (int way = 0; way < 3; way++) {
		for (int i = 0; i < m * ldc; i++)
			c[i] = (float)i;
		if (way == 2)
			gemm_pack_transposed(k, n, bt, lda, packed);
		else
			gemm_pack(k, n, b, ldb, packed);
		if (way == 1)
			gemm_ta(m, n, k, at, ldt, packed, c, ldc);
		else
			gemm(m, n, k, a, lda, packed, c, ldc);
		for (int i = 0; i < m; i++)
			for (int j = 0; j < ldc; j++) {
				double sum = i * ldc + j;

				for (int p = 0; p < k && j < n; p++)
					sum += (double)a[i * lda + p] * (double)b[p * ldb + j];
				assert_true(fabs(sum - (double)c[i * ldc + j]) <
					    1e-6 * (double)(m * ldc + k));
			}
	}
	free(a);
	free(at);
	free(b);
	free(bt);
	free(c);
	free(packed);
}

static void test_products(void **state)
{
	static const int sizes[] = {1, 2, 7, 8, 31, 32, 33, 65};
	const int count = sizeof(sizes) / sizeof(sizes[0]);

	(void)state;
	for (int i = 0; i < count; i++)
		for (int j = 0; j < count; j++)
			for (int k = 0; k < count; k++)
				check_product(sizes[i], sizes[j], sizes[k]);
	check_product(9, 40, 300); /* more than one block of k */
}

/* Three steps of the textbook's formulas in double; decay leaves the biases alone. */
static void test_adam(void **state)
{
	struct lstm_shape s = {2, 2, 2, 3, 2};
	struct lstm net, grad;
	struct adam adam;
	struct rng rng = {9};
	double *w, *m, *v;

	(void)state;
	assert_int_equal(lstm_init(&net, s), 0);
	assert_int_equal(lstm_init(&grad, s), 0);
	assert_int_equal(adam_init(&adam, s, 0.1f), 0);
	fill(&rng, net.data, net.count, 1);
	w = calloc(net.count, sizeof(*w));
	m = calloc(net.count, sizeof(*m));
	v = calloc(net.count, sizeof(*v));
	for (size_t i = 0; i < net.count; i++)
		w[i] = (double)net.data[i];
	for (int t = 1; t <= 3; t++) {
		fill(&rng, grad.data, grad.count, 0.3);
		adam_step(&adam, &net, &grad, 0.01f);
		for (size_t i = 0; i < net.count; i++) {
			const float *at = net.data + i;
			double g = (double)grad.data[i];
			bool bias = (at >= net.b[0] && at < net.wx[1]) ||
				    (at >= net.b[1] && at < net.wo) || at >= net.bo;

			m[i] = 0.9 * m[i] + 0.1 * g;
			v[i] = 0.999 * v[i] + 0.001 * g * g;
			w[i] *= bias ? 1 : 1 - 0.01 * 0.1;
			w[i] -= 0.01 * m[i] / (1 - pow(0.9, t)) /
				(sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
			assert_true(fabs(w[i] - (double)net.data[i]) < 1e-6);
		}
	}
	free(w);
	free(m);
	free(v);
	adam_free(&adam);
	lstm_free(&net);
	lstm_free(&grad);
}

static void test_clip(void **state)
{
	struct lstm grad;

	(void)state;
	assert_int_equal(lstm_init(&grad, (struct lstm_shape){1, 1, 1, 1, 2}), 0);
	grad.data[0] = 3;
	grad.data[5] = -4;
	assert_true(fabs(grad_clip(&grad, 10) - 5) < 1e-12);
	assert_true(grad.data[0] == 3 && grad.data[5] == -4);
	assert_true(fabs(grad_clip(&grad, 1) - 5) < 1e-12);
	assert_true(fabsf(grad.data[0] - 0.6f) < 1e-6f && fabsf(grad.data[5] + 0.8f) < 1e-6f);
	lstm_free(&grad);
}

static void test_softmax(void **state)
{
	float z[3] = {1000, 1001, 999}, p[3];

	(void)state;
	lstm_softmax(z, 3, 2, p);
	assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-6f);
	assert_true(fabsf(p[1] / p[0] - expf(0.5f)) < 1e-5f);
	assert_true(fabsf(p[1] / p[2] - expf(1)) < 1e-5f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_activation),
		cmocka_unit_test(test_products),
		cmocka_unit_test(test_softmax),
		cmocka_unit_test(test_pass_is_the_reference),
		cmocka_unit_test(test_step_is_the_pass),
		cmocka_unit_test(test_batch_is_the_step),
		cmocka_unit_test(test_entries_are_inputs),
		cmocka_unit_test(test_gradients),
		cmocka_unit_test(test_loss_at_certainty),
		cmocka_unit_test(test_loss_of_probabilities),
		cmocka_unit_test(test_adam),
		cmocka_unit_test(test_clip),
	};

	return cmocka_run_group_tests_name("lstm", tests, NULL, NULL);
}
