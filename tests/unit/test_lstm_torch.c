/* Outputs, gradients and ten training steps against PyTorch's, as tests/reference/lstm_torch.py
 * stored them. Run from the top of the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/adam.h"
#include "lstm/bptt.h"
#include "lstm/loss.h"

enum { MAX_ROWS = 64, MAX_INPUTS = 8 };
static const char path[] = "tests/reference/lstm_torch.bin";
static const float rate = 0.01f, decay = 0.1f, clip = 1;

struct dump {
	struct lstm_shape shape;
	int steps, lanes, updates;
	float *values;
	const float *weights, *x, *state, *labels, *alpha;
	struct {
		const float *logits, *state, *loss, *grad;
	} pass[2]; /* gamma 0, gamma 2 */
	const float *losses, *trained;
};

static const float *take(const float **next, size_t count)
{
	const float *p = *next;

	*next += count;
	return p;
}

static int read_dump(void **state)
{
	static struct dump d;
	char magic[8];
	int32_t n[7];
	FILE *f = fopen(path, "rb");
	size_t got, weights, rows, states;
	const float *next;

	if (!f || fread(magic, 8, 1, f) != 1 || memcmp(magic, "KARMAREF", 8) != 0 ||
		fread(n, sizeof(n), 1, f) != 1) {
		fprintf(stderr, "%s: not there, or not the dump of lstm_torch.py\n", path);
		return -1;
	}
	d.shape = (struct lstm_shape){n[0], n[0], n[1], n[2], n[3]};
	d.steps = n[4];
	d.lanes = n[5];
	d.updates = n[6];
	d.values = malloc(1 << 20);
	got = fread(d.values, sizeof(float), (1 << 20) / sizeof(float), f);
	fclose(f);
	weights = lstm_count(d.shape);
	rows = (size_t)(d.steps * d.lanes);
	states = (size_t)(d.lanes * d.shape.layers * 2 * d.shape.hidden);
	next = d.values;
	d.weights = take(&next, weights);
	d.x = take(&next, rows * (size_t)d.shape.inputs);
	d.state = take(&next, states);
	d.labels = take(&next, rows);
	d.alpha = take(&next, (size_t)d.shape.classes);
	for (int i = 0; i < 2; i++) {
		d.pass[i].logits = take(&next, rows * (size_t)d.shape.classes);
		d.pass[i].state = take(&next, states);
		d.pass[i].loss = take(&next, 1);
		d.pass[i].grad = take(&next, weights);
	}
	d.losses = take(&next, (size_t)d.updates);
	d.trained = take(&next, weights);
	*state = &d;
	return next == d.values + got && rows <= MAX_ROWS ? 0 : -1;
}

static int free_dump(void **state)
{
	free(((struct dump *)*state)->values);
	return 0;
}

static void expect(
	const char *what, const float *got, const float *want, size_t count, float within)
{
	for (size_t i = 0; i < count; i++)
		if (!(fabsf(got[i] - want[i]) <= within * (1 + fabsf(want[i]))))
			fail_msg("%s [%zu]: %.8f, PyTorch has %.8f", what, i, (double)got[i],
				(double)want[i]);
}

struct network {
	struct lstm net, grad;
	struct packed packed;
	struct bptt pass;
	float *logits, *state;
	struct lstm_input x[MAX_ROWS];
	struct lstm_entry entry[MAX_ROWS][MAX_INPUTS];
};

/* The first `dense` inputs are given as numbers, the others as entries. */
static void network_init(struct network *n, const struct dump *d, int dense)
{
	struct lstm_shape shape = d->shape;
	int rows = d->steps * d->lanes, named = shape.inputs - dense;

	assert_true(shape.inputs <= MAX_INPUTS);
	shape.dense = dense;
	assert_int_equal(lstm_init(&n->net, shape), 0);
	assert_int_equal(lstm_init(&n->grad, shape), 0);
	assert_int_equal(packed_init(&n->packed, shape), 0);
	assert_int_equal(bptt_init(&n->pass, shape, rows), 0);
	n->logits = lstm_floats((size_t)(rows * d->shape.classes));
	n->state = lstm_floats((size_t)d->lanes * lstm_state_size(&n->net));
	for (int r = 0; r < rows; r++) {
		const float *x = d->x + r * shape.inputs;

		for (int k = 0; k < named; k++)
			n->entry[r][k] = (struct lstm_entry){(uint32_t)(dense + k), x[dense + k]};
		n->x[r] = (struct lstm_input){x, n->entry[r], named};
	}
	memcpy(n->net.data, d->weights, n->net.count * sizeof(float));
}

static void network_free(struct network *n)
{
	lstm_free(&n->net);
	lstm_free(&n->grad);
	packed_free(&n->packed);
	bptt_free(&n->pass);
	free(n->logits);
	free(n->state);
}

/* Forward and backward; returns the mean loss. Logits are left in `logits` when it is not NULL. */
static double gradient(struct network *n, const struct dump *d, float gamma, float *logits)
{
	static const uint8_t start[MAX_ROWS];
	int rows = d->steps * d->lanes, classes = d->shape.classes;
	struct loss loss = {.gamma = gamma};
	double total = 0;

	memcpy(loss.alpha, d->alpha, (size_t)classes * sizeof(float));
	memcpy(n->state, d->state, (size_t)d->lanes * lstm_state_size(&n->net) * sizeof(float));
	memset(n->grad.data, 0, n->grad.count * sizeof(float));
	packed_fill(&n->packed, &n->net);
	bptt_forward(&n->pass, &n->net, &n->packed, d->steps, d->lanes, n->x, start, n->state,
		n->logits, NULL, 0);
	if (logits)
		memcpy(logits, n->logits, (size_t)(rows * classes) * sizeof(float));
	for (int r = 0; r < rows; r++)
		total += loss_row(&loss, classes, n->logits + r * classes, (int)d->labels[r], NULL,
			1.0f / (float)rows, n->logits + r * classes);
	bptt_backward(&n->pass, &n->packed, n->logits, &n->grad);
	return total;
}

static void test_pass(void **state)
{
	const struct dump *d = *state;
	size_t rows = (size_t)(d->steps * d->lanes);

	for (int i = 0; i < 4; i++) {
		struct network n;
		int gamma = i % 2 ? 2 : 0;
		float logits[MAX_ROWS * LSTM_MAX_CLASSES], loss;

		network_init(&n, d, i < 2 ? d->shape.inputs : 2);
		loss = (float)gradient(&n, d, (float)gamma, logits);
		expect("loss", &loss, d->pass[i % 2].loss, 1, 2e-6f);
		expect("logits", logits, d->pass[i % 2].logits, rows * (size_t)d->shape.classes,
			2e-6f);
		expect("state", n.state, d->pass[i % 2].state,
			(size_t)d->lanes * lstm_state_size(&n.net), 2e-6f);
		expect("gradient", n.grad.data, d->pass[i % 2].grad, n.grad.count, 2e-6f);
		network_free(&n);
	}
}

static void check_ten_updates(const struct dump *d, int dense)
{
	struct network n;
	struct adam adam;

	network_init(&n, d, dense);
	assert_int_equal(adam_init(&adam, n.net.shape, decay), 0);
	assert_int_equal(d->updates, 10);
	for (int u = 0; u < d->updates; u++) {
		float loss = (float)gradient(&n, d, 2, NULL);

		expect("loss of an update", &loss, d->losses + u, 1, 1e-5f);
		grad_clip(&n.grad, (double)clip);
		adam_step(&adam, &n.net, &n.grad, rate);
	}
	expect("trained weights", n.net.data, d->trained, n.net.count, 1e-4f);
	adam_free(&adam);
	network_free(&n);
}

static void test_ten_updates(void **state)
{
	const struct dump *d = *state;

	check_ten_updates(d, d->shape.inputs);
	check_ten_updates(d, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pass),
		cmocka_unit_test(test_ten_updates),
	};

	return cmocka_run_group_tests_name("lstm_torch", tests, read_dump, free_dump);
}
