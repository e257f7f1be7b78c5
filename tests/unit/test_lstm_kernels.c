/* Each kernel that the processor can run against lstm_step(): float32 within 1e-5, int8 within 0.02
 * of the probabilities, for many shapes, numbers of lanes and steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/kernel.h"
#include "util/rng.h"

enum { STEPS = 12, ENTRIES = 6, MOST_LANES = 200 };

static void fill(struct rng *r, float *p, size_t count, double scale)
{
	for (size_t i = 0; i < count; i++)
		p[i] = (float)((2 * rng_uniform(r) - 1) * scale);
}

static float furthest(const float *a, const float *b, size_t count)
{
	float most = 0;

	for (size_t i = 0; i < count; i++)
		most = fmaxf(most, fabsf(a[i] - b[i]));
	return most;
}

/* Lanes with what they are given and remember; a copy of the memory is stepped by the reference. */
struct lanes {
	struct lstm net;
	int n;
	float *x, *states, *expected, *logits, *z, *work;
	float **state;
	struct lstm_input *input;
	struct lstm_entry *entry;
};

static void lanes_init(struct lanes *t, struct lstm_shape s, int n, double scale, uint64_t seed)
{
	struct rng rng = {seed};
	size_t lanes = (size_t)n, size;

	assert_int_equal(lstm_init(&t->net, s), 0);
	fill(&rng, t->net.data, t->net.count, scale);
	size = lstm_state_size(&t->net);
	t->n = n;
	t->x = lstm_floats(lanes * (size_t)s.dense);
	t->states = lstm_floats(lanes * size);
	t->expected = lstm_floats(lanes * size);
	t->logits = lstm_floats(lanes * (size_t)s.classes);
	t->z = lstm_floats(lanes * (size_t)s.classes);
	t->work = lstm_floats(lstm_work_size(&t->net));
	t->state = calloc(lanes, sizeof(*t->state));
	t->input = calloc(lanes, sizeof(*t->input));
	t->entry = calloc(lanes * ENTRIES, sizeof(*t->entry));
	for (int i = 0; i < n; i++)
		t->state[i] = t->states + (size_t)(n - 1 - i) * size; /* in any order */
}

static void lanes_free(struct lanes *t)
{
	lstm_free(&t->net);
	free(t->x);
	free(t->states);
	free(t->expected);
	free(t->logits);
	free(t->z);
	free(t->work);
	free(t->state);
	free(t->input);
	free(t->entry);
}

static void draw_inputs(struct lanes *t, struct rng *rng, double scale)
{
	struct lstm_shape s = t->net.shape;

	fill(rng, t->x, (size_t)t->n * (size_t)s.dense, scale);
	for (int i = 0; i < t->n; i++) {
		struct lstm_entry *entry = t->entry + (ptrdiff_t)i * ENTRIES;
		int entries = (int)rng_below(rng, ENTRIES + 1);

		for (int k = 0; k < entries; k++)
			entry[k] = (struct lstm_entry){(uint32_t)rng_below(rng, (uint64_t)s.inputs),
				(float)rng_uniform(rng)};
		t->input[i] = (struct lstm_input){t->x + (ptrdiff_t)i * s.dense, entry, entries};
	}
}

static void expect(struct lanes *t)
{
	size_t size = lstm_state_size(&t->net);

	for (int i = 0; i < t->n; i++)
		lstm_step(&t->net, &t->input[i], t->expected + (size_t)(t->n - 1 - i) * size,
			t->z + (ptrdiff_t)i * t->net.shape.classes, t->work);
}

static void compare(const struct lanes *t, const struct lstm_kernel *k)
{
	int C = t->net.shape.classes;
	size_t all = (size_t)t->n * lstm_state_size(&t->net);
	float most = furthest(t->logits, t->z, (size_t)(t->n * C)), limit = 1e-5f;

	if (k->int8) {
		float p[2][LSTM_MAX_CLASSES];

		limit = 0.02f;
		most = 0;
		for (int i = 0; i < t->n; i++) {
			lstm_softmax(t->logits + (ptrdiff_t)i * C, C, 1, p[0]);
			lstm_softmax(t->z + (ptrdiff_t)i * C, C, 1, p[1]);
			most = fmaxf(most, furthest(p[0], p[1], (size_t)C));
		}
	} else {
		most = fmaxf(most, furthest(t->states, t->expected, all));
	}
	if (!(most <= limit))
		fail_msg("%s, %d x %d cells, %d lanes: %g away", k->name, t->net.shape.layers,
			t->net.shape.hidden, t->n, (double)most);
}

static void check(const struct lstm_kernel *k, struct lstm_shape s, int n)
{
	struct rng rng = {(uint64_t)(s.hidden * 1000 + n)};
	struct lanes t;
	struct lstm_batch *b;

	lanes_init(&t, s, n, 1 / sqrt(s.hidden), 3);
	b = lstm_batch_new(&t.net, k, n);
	assert_non_null(b);
	for (int step = 0; step < STEPS; step++) {
		draw_inputs(&t, &rng, 2);
		lstm_batch_step(b, n, t.input, t.state, t.logits);
		expect(&t);
		compare(&t, k);
	}
	lstm_batch_free(b);
	lanes_free(&t);
}

static void test_each_is_the_reference(void **state)
{
	static const struct lstm_shape shapes[] = {{40, 40, 2, 128, 10}, {11, 11, 2, 18, 4},
		{600, 4, 3, 7, 5}, {9, 0, 1, 33, 2}, {70, 21, 2, 48, 32}, {1, 1, 4, 1, 2}};
	static const int lanes[] = {1, 2, 5, 6, 9, 64};
	int ran = 0;

	(void)state;
	for (int i = 0; lstm_kernels[i]; i++) {
		if (!lstm_kernels[i]->runs_here()) {
			printf("skipped: this processor cannot run %s\n", lstm_kernels[i]->name);
			continue;
		}
		for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
			for (size_t n = 0; n < sizeof(lanes) / sizeof(lanes[0]); n++)
				check(lstm_kernels[i], shapes[s], lanes[n]);
		check(lstm_kernels[i], shapes[0], MOST_LANES); /* more than go together */
		ran++;
	}
	assert_true(ran > 0);
}

/* Sums far outside what sigmoid and tanh tell apart: still what the reference says, no NAN. */
static void test_far_out(void **state)
{
	struct rng rng = {4};

	(void)state;
	for (int i = 0; lstm_kernels[i]; i++) {
		struct lanes t;
		struct lstm_batch *b;

		if (!lstm_kernels[i]->runs_here() || lstm_kernels[i]->int8)
			continue;
		lanes_init(&t, (struct lstm_shape){20, 20, 2, 24, 3}, 7, 8, 5);
		b = lstm_batch_new(&t.net, lstm_kernels[i], 7);
		for (int step = 0; step < STEPS; step++) {
			draw_inputs(&t, &rng, 1000);
			lstm_batch_step(b, 7, t.input, t.state, t.logits);
			expect(&t);
			assert_true(furthest(t.states, t.expected, (size_t)7 * 96) < 1e-3f);
			memcpy(t.states, t.expected, sizeof(float) * 7 * 96);
		}
		lstm_batch_free(b);
		lanes_free(&t);
	}
}

/* A lane that is no number stays alone with it. */
static void test_nan_stays_in_its_lane(void **state)
{
	struct rng rng = {9};

	(void)state;
	for (int i = 0; lstm_kernels[i]; i++) {
		const struct lstm_kernel *k = lstm_kernels[i];
		struct lanes t;
		struct lstm_batch *b;

		if (!k->runs_here())
			continue;
		lanes_init(&t, (struct lstm_shape){9, 9, 2, 18, 3}, 8, 0.3, 5);
		b = lstm_batch_new(&t.net, k, 8);
		draw_inputs(&t, &rng, 1);
		t.x[3 * 9 + 1] = NAN;
		lstm_batch_step(b, 8, t.input, t.state, t.logits);
		for (int lane = 0; lane < 8; lane++)
			assert_true(isnan(t.state[lane][18]) == (lane == 3));
		/* The place that it leaves is as good as before. */
		memset(t.states, 0, sizeof(float) * 8 * lstm_state_size(&t.net));
		memset(t.expected, 0, sizeof(float) * 8 * lstm_state_size(&t.net));
		draw_inputs(&t, &rng, 1);
		lstm_batch_step(b, 8, t.input, t.state, t.logits);
		expect(&t);
		compare(&t, k);
		lstm_batch_free(b);
		lanes_free(&t);
	}
}

/* Their sums are whole numbers: whichever instructions made them. */
static void test_int8_kernels_agree(void **state)
{
	struct lanes a, t;
	bool first = true;

	(void)state;
	for (int i = 0; lstm_kernels[i]; i++) {
		struct rng rng = {8};
		struct lstm_batch *b;

		if (!lstm_kernels[i]->runs_here() || !lstm_kernels[i]->int8)
			continue;
		lanes_init(first ? &a : &t, (struct lstm_shape){40, 40, 2, 128, 10}, 7, 0.1, 3);
		struct lanes *now = first ? &a : &t;
		b = lstm_batch_new(&now->net, lstm_kernels[i], 7);
		for (int step = 0; step < STEPS; step++) {
			draw_inputs(now, &rng, 2);
			lstm_batch_step(b, 7, now->input, now->state, now->logits);
		}
		if (!first) {
			assert_true(furthest(a.logits, t.logits, 70) < 2e-3f);
			lanes_free(&t);
		}
		first = false;
		lstm_batch_free(b);
	}
	if (first)
		skip();
	lanes_free(&a);
}

static void test_choice(void **state)
{
	struct error e = {""};

	(void)state;
	assert_non_null(lstm_kernel_find("fp32", &e));
	assert_false(lstm_kernel_find("fp32", &e)->int8);
	assert_string_equal(lstm_kernel_find("scalar", &e)->name, "scalar");
	assert_null(lstm_kernel_find("abacus", &e));
	assert_non_null(strstr(e.text, "no kernel 'abacus'"));
	assert_non_null(strstr(e.text, "scalar"));
	for (int i = 0; lstm_kernels[i]; i++) {
		const struct lstm_kernel *k = lstm_kernels[i];

		if (k->runs_here()) {
			assert_ptr_equal(lstm_kernel_find(k->name, &e), k);
		} else {
			assert_null(lstm_kernel_find(k->name, &e));
			assert_non_null(strstr(e.text, "cannot run"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_the_reference),
		cmocka_unit_test(test_far_out),
		cmocka_unit_test(test_nan_stays_in_its_lane),
		cmocka_unit_test(test_int8_kernels_agree),
		cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests_name("lstm_kernels", tests, NULL, NULL);
}
