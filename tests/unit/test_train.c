/* Training as a whole: the order of an epoch, that memory is learnt and used, that a seed fixes
 * every bit, and that it ends well when it is stopped or diverges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/train.h"

/* ---- the order of an epoch ---- */

static void check_plan(
	size_t sequences, uint32_t most, int batch, int steps, uint32_t longest, double splice)
{
	struct train_sequence *s = calloc(sequences, sizeof(*s));
	struct rng rng = {sequences};
	struct plan p;
	uint32_t rows = 0, joined = 0;
	uint32_t *sequence_of;

	for (size_t i = 0; i < sequences; i++) {
		s[i].first = rows;
		s[i].length = rng_below(&rng, 2) ? 1 : 1 + (uint32_t)rng_below(&rng, most);
		rows += s[i].length;
	}
	sequence_of = calloc(rows, sizeof(*sequence_of));
	for (size_t i = 0; i < sequences; i++)
		for (uint32_t k = 0; k < s[i].length; k++)
			sequence_of[s[i].first + k] = (uint32_t)i;
	assert_int_equal(plan_init(&p, s, sequences, 2, batch, steps, longest, splice, 7), 0);
	for (int epoch = 0; epoch < 3; epoch++) {
		uint8_t *seen = calloc(rows, 1);
		struct plan_update *u;
		uint32_t count = 0;

		plan_epoch(&p, epoch);
		while ((u = plan_next(&p))) {
			assert_true(u->steps * u->lanes <= batch && u->lanes > 0);
			for (int i = 0; i < u->lanes; i++) {
				float *memory = u->state + i * 2; /* the last row and its draw */

				for (int t = 0; t < u->steps; t++) {
					int at = t * u->lanes + i;
					uint32_t row = u->row[at];

					if (row == PLAN_NONE) {
						assert_true(u->start[at]);
						continue;
					}
					assert_false(seen[row]++);
					count++;
					assert_true(u->draw[at] != 0);
					/* Behind another row stands the one that follows it, unless
					 * a spliced piece begins. */
					if (!u->start[at] &&
						(float)(u->draw[at] >> 40) != memory[1]) {
						joined++;
					} else if (!u->start[at]) {
						assert_true(row > 0);
						assert_int_equal((uint32_t)memory[0], row - 1);
						assert_int_equal(
							sequence_of[row], sequence_of[row - 1]);
					}
					memory[0] = (float)row;
					memory[1] = (float)(u->draw[at] >> 40);
				}
			}
		}
		assert_int_equal(count, rows);
		free(seen);
	}
	assert_true((joined > 0) == (splice > 0));
	plan_free(&p);
	free(sequence_of);
	free(s);
}

static void test_plan(void **state)
{
	(void)state;
	check_plan(1, 1, 8, 4, 10, 0);
	check_plan(100, 1, 8, 4, 10, 0);
	check_plan(50, 30, 32, 8, 1000, 0);
	check_plan(50, 30, 32, 8, 7, 0);
	check_plan(3, 200, 64, 4, 50, 0);
	check_plan(40, 9, 5, 16, 4, 0);
	check_plan(50, 30, 32, 8, 1000, 0.5);
	check_plan(40, 90, 5, 16, 4, 0.5);
	check_plan(90, 200, 64, 4, 50, 1);
}

/* Rows `others` of single rows and a sequence, then `extras`: how many updates show each extra row
 * over `epochs`. Each epoch has all of the others, and no more extras. */
static void check_extras(size_t others, size_t extras, int epochs)
{
	enum { SEQUENCE = 5 };
	struct train_sequence *s = calloc(others + extras + 1, sizeof(*s));
	size_t rows = others + SEQUENCE, want = extras < rows ? extras : rows, fewest = SIZE_MAX;
	unsigned *shown = calloc(rows + extras, sizeof(*shown));
	struct plan p;

	s[0] = (struct train_sequence){.length = SEQUENCE};
	for (size_t i = 0; i < others + extras; i++)
		s[i + 1] = (struct train_sequence){(uint32_t)(SEQUENCE + i), 1, i >= others};
	assert_int_equal(plan_init(&p, s, others + extras + 1, 2, 8, 4, 100, 0, 7), 0);
	assert_int_equal(p.rows, rows + want);
	for (int epoch = 0; epoch < epochs; epoch++) {
		size_t drawn = 0, count = 0;
		struct plan_update *u;

		plan_epoch(&p, epoch);
		while ((u = plan_next(&p)))
			for (int at = 0; at < u->steps * u->lanes; at++) {
				if (u->row[at] == PLAN_NONE)
					continue;
				count++;
				drawn += u->row[at] >= rows;
				shown[u->row[at]]++;
			}
		assert_int_equal(drawn, want);
		assert_int_equal(count, rows + want);
		assert_int_equal(p.singles_done + p.stream_done, p.rows);
	}
	for (size_t i = 0; i < rows; i++)
		assert_int_equal(shown[i], epochs);
	for (size_t i = rows; i < rows + extras; i++)
		fewest = shown[i] < fewest ? shown[i] : fewest;
	if (extras) /* anew each time, so that all have their turn */
		assert_true(fewest > 0);
	plan_free(&p);
	free(shown);
	free(s);
}

static void test_extras(void **state)
{
	(void)state;
	check_extras(20, 0, 2);
	check_extras(20, 10, 2);
	check_extras(20, 25, 2);
	check_extras(20, 80, 60);
	check_extras(0, 20, 60);
}

/* ---- a task that needs memory ---- */

enum { LENGTH = 12, SEQUENCES = 300, ROWS = LENGTH * SEQUENCES, INPUTS = 3 };

struct task {
	float x[ROWS][INPUTS];
	int label[ROWS];
	float weight[ROWS];
	struct train_sequence sequence[ROWS];
	struct train_data data;
	int validations;
	sig_atomic_t stop;
	int stop_after;
};

static int task_input(void *context, size_t row, uint64_t draw, float *x, struct lstm_entry *entry)
{
	struct task *t = context;

	(void)draw;
	(void)entry;
	memcpy(x, t->x[row], sizeof(t->x[row]));
	return 0;
}

/* The share of right answers over the same rows, in sequences. */
static double task_validate(void *context, const struct lstm *net)
{
	struct task *t = context;
	float *state = lstm_floats(lstm_state_size(net)), *work = lstm_floats(lstm_work_size(net));
	size_t right = 0;

	for (size_t s = 0; s < t->data.sequences; s++) {
		memset(state, 0, lstm_state_size(net) * sizeof(*state));
		for (uint32_t k = 0; k < t->sequence[s].length; k++) {
			float z[2];
			uint32_t row = t->sequence[s].first + k;

			lstm_step(net, &(struct lstm_input){.dense = t->x[row]}, state, z, work);
			right += (z[1] > z[0]) == t->label[row];
		}
	}
	free(state);
	free(work);
	if (t->stop_after && ++t->validations >= t->stop_after)
		t->stop = 1;
	return (double)right / ROWS;
}

/* Label: an even or odd number of marks so far in the sequence (parity). */
static void task_init(struct task *t, uint32_t length)
{
	struct rng rng = {11};

	memset(t, 0, sizeof(*t));
	for (int s = 0; s < SEQUENCES; s++) {
		int marks = 0;

		for (int k = 0; k < LENGTH; k++) {
			int row = s * LENGTH + k, mark = rng_below(&rng, 3) == 0;

			marks += mark;
			t->x[row][0] = (float)mark;
			t->x[row][1] = (float)rng_uniform(&rng);
			t->x[row][2] = 1;
			t->label[row] = marks % 2;
			t->weight[row] = 1;
		}
	}
	t->data.sequences = ROWS / length;
	for (size_t s = 0; s < t->data.sequences; s++)
		t->sequence[s] =
			(struct train_sequence){.first = (uint32_t)s * length, .length = length};
	t->data.rows = ROWS;
	t->data.label = t->label;
	t->data.weight = t->weight;
	t->data.sequence = t->sequence;
	t->data.input = task_input;
	t->data.context = t;
}

static struct train_settings small(void)
{
	struct train_settings s = train_defaults;

	s.epochs = 60;
	s.batch = 96;
	s.length = 6; /* shorter than the sequences: the state runs on over the chunks */
	s.rate = 0.02f;
	s.dropout = 0;
	s.patience = 0;
	s.loss.gamma = 0;
	return s;
}

static double learn(struct task *t, struct train_settings *s, struct lstm *net)
{
	struct train_hooks hooks = {.validate = task_validate, .context = t, .stop = &t->stop};
	struct train_progress last;
	struct error e;

	assert_int_equal(lstm_init(net, (struct lstm_shape){INPUTS, INPUTS, 2, 12, 2}), 0);
	train_init_weights(net, s->seed);
	assert_int_equal(train(net, &t->data, s, &hooks, &last, &e), 0);
	t->stop_after = 0;
	assert_true(task_validate(t, net) == last.best); /* the best weights are those returned */
	return last.best;
}

static void test_memory_is_learnt(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct lstm net;
	double with, without;

	(void)state;
	task_init(t, LENGTH);
	with = learn(t, &s, &net);
	lstm_free(&net);
	task_init(t, 1);
	s.epochs = 10;
	without = learn(t, &s, &net);
	lstm_free(&net);
	if (with < 0.99 || without > 0.75)
		fail_msg("right with memory %.3f, without %.3f", with, without);
	free(t);
}

static void test_same_seed_same_bytes(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct lstm a, b;

	(void)state;
	s.epochs = 3;
	s.dropout = 0.3f;
	s.memory = 7;
	task_init(t, LENGTH);
	learn(t, &s, &a);
	learn(t, &s, &b);
	assert_memory_equal(a.data, b.data, a.count * sizeof(float));
	lstm_free(&b);
	s.threads = 1; /* threads do not show */
	learn(t, &s, &b);
	assert_memory_equal(a.data, b.data, a.count * sizeof(float));
	lstm_free(&b);
	s.seed = 2;
	learn(t, &s, &b);
	assert_memory_not_equal(a.data, b.data, a.count * sizeof(float));
	lstm_free(&a);
	lstm_free(&b);
	free(t);
}

static void test_stop_leaves_the_best(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct train_hooks hooks = {.validate = task_validate, .context = t, .stop = &t->stop};
	struct train_progress last;
	struct lstm net;
	struct error e;

	(void)state;
	task_init(t, LENGTH);
	t->stop_after = 2;
	assert_int_equal(lstm_init(&net, (struct lstm_shape){INPUTS, INPUTS, 1, 8, 2}), 0);
	train_init_weights(&net, 1);
	assert_int_equal(train(&net, &t->data, &s, &hooks, &last, &e), 0);
	assert_int_equal(last.epoch, 2);
	t->stop_after = 0;
	assert_true(task_validate(t, &net) == last.best);
	/* Stopped before the first update: the weights as they were are validated and left. */
	t->stop = 1;
	assert_int_equal(train(&net, &t->data, &s, &hooks, &last, &e), 0);
	assert_int_equal(last.best_epoch, 1);
	lstm_free(&net);
	free(t);
}

static void test_patience(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct train_hooks hooks = {.validate = task_validate, .context = t};
	struct train_progress last;
	struct lstm net;
	struct error e;

	(void)state;
	task_init(t, LENGTH);
	s.rate = 0; /* nothing changes, so nothing gets better */
	s.patience = 3;
	assert_int_equal(lstm_init(&net, (struct lstm_shape){INPUTS, INPUTS, 1, 8, 2}), 0);
	assert_int_equal(train(&net, &t->data, &s, &hooks, &last, &e), 0);
	assert_int_equal(last.best_epoch, 1);
	assert_int_equal(last.epoch, 4);
	lstm_free(&net);
	free(t);
}

static double falls(void *context, const struct lstm *net)
{
	(void)net;
	return -(double)++*(int *)context;
}

/* Without patience the last weights are kept, whatever their validation. */
static void test_no_patience(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	int validations = 0;
	struct train_hooks hooks = {.validate = falls, .context = &validations};
	struct train_progress last;
	struct lstm net, first;
	struct error e;

	(void)state;
	task_init(t, LENGTH);
	s.epochs = 3;
	for (s.patience = 0; s.patience <= 3; s.patience += 3) {
		assert_int_equal(lstm_init(&net, (struct lstm_shape){INPUTS, INPUTS, 1, 8, 2}), 0);
		train_init_weights(&net, 1);
		assert_int_equal(train(&net, &t->data, &s, &hooks, &last, &e), 0);
		assert_int_equal(last.best_epoch, s.patience ? 1 : 3);
		if (!s.patience)
			first = net;
	}
	assert_memory_not_equal(first.data, net.data, net.count * sizeof(*net.data));
	lstm_free(&first);
	lstm_free(&net);
	free(t);
}

static void test_divergence_is_an_error(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct train_hooks hooks = {.validate = task_validate, .context = t};
	struct train_progress last;
	struct lstm net;
	struct error e = {""};

	(void)state;
	task_init(t, LENGTH);
	t->x[5][1] = NAN;
	assert_int_equal(lstm_init(&net, (struct lstm_shape){INPUTS, INPUTS, 1, 8, 2}), 0);
	train_init_weights(&net, 1);
	assert_true(train(&net, &t->data, &s, &hooks, &last, &e) < 0);
	assert_non_null(strstr(e.text, "no number"));
	lstm_free(&net);
	free(t);
}

/* A row without weight moves the memory and nothing else. */
static void test_rows_without_weight(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct lstm a, b;

	(void)state;
	s.epochs = 1;
	task_init(t, LENGTH);
	for (int r = 0; r < ROWS; r += 3)
		t->weight[r] = 0;
	learn(t, &s, &a);
	for (int r = 0; r < ROWS; r += 3)
		t->label[r] = 1 - t->label[r];
	learn(t, &s, &b);
	assert_memory_equal(a.data, b.data, a.count * sizeof(float));
	lstm_free(&a);
	lstm_free(&b);
	free(t);
}

static const float *task_target(void *context, size_t row)
{
	static const float one[2][2] = {{1, 0}, {0, 1}}, even[2] = {0.5f, 0.5f};
	struct task *t = context;

	return row % 4 == 0 ? NULL : row % 4 == 1 ? even : one[t->label[row]];
}

/* All on the label is the label; even odds draw to the middle. Nobody validates. */
static void test_probabilities_to_learn(void **state)
{
	struct task *t = malloc(sizeof(*t));
	struct train_settings s = small();
	struct train_hooks hooks = {.context = t};
	struct train_progress last;
	struct lstm a, b;
	struct error e;

	(void)state;
	s.epochs = 2;
	task_init(t, LENGTH);
	for (int r = 0; r < ROWS; r++) {
		t->weight[r] = r % 4 != 1;
		t->label[r] = r % 4 == 1 ? 7 : t->label[r]; /* not looked at */
	}
	for (int soft = 0; soft < 2; soft++) {
		struct lstm *net = soft ? &b : &a;

		t->data.target = soft ? task_target : NULL;
		assert_int_equal(lstm_init(net, (struct lstm_shape){INPUTS, INPUTS, 1, 8, 2}), 0);
		train_init_weights(net, 1);
		assert_int_equal(train(net, &t->data, &s, &hooks, &last, &e), 0);
		assert_int_equal(last.best_epoch, 2);
		assert_true(isnan(last.metric));
	}
	assert_memory_equal(a.data, b.data, a.count * sizeof(float));
	for (int r = 1; r < ROWS; r += 4)
		t->weight[r] = 1;
	lstm_free(&b);
	assert_int_equal(lstm_init(&b, (struct lstm_shape){INPUTS, INPUTS, 1, 8, 2}), 0);
	train_init_weights(&b, 1);
	assert_int_equal(train(&b, &t->data, &s, &hooks, &last, &e), 0);
	assert_memory_not_equal(a.data, b.data, a.count * sizeof(float));
	lstm_free(&a);
	lstm_free(&b);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_extras),
		cmocka_unit_test(test_memory_is_learnt),
		cmocka_unit_test(test_same_seed_same_bytes),
		cmocka_unit_test(test_stop_leaves_the_best),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_no_patience),
		cmocka_unit_test(test_divergence_is_an_error),
		cmocka_unit_test(test_rows_without_weight),
		cmocka_unit_test(test_probabilities_to_learn),
	};

	return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
