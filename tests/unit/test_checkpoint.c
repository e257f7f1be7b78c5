/* A training that is stopped anywhere and goes on from its file ends with the bytes of one that was
 * not; a file that is damaged or of another run is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lstm/checkpoint.h"
#include "util/rng.h"

enum { INPUTS = 3, SEQUENCES = 60, MOST = 40, EPOCHS = 3 };

struct task {
	struct train_data data;
	struct train_settings settings;
	struct train_sequence sequence[SEQUENCES];
	int label[SEQUENCES * MOST];
	float weight[SEQUENCES * MOST];
	char path[64];
	json_t *run, *epochs;
	int updates, stop_after;
	sig_atomic_t stop;
};

static int input(void *context, size_t row, uint64_t draw, float *x, struct lstm_entry *entry)
{
	struct rng rng = {row * 77 + draw % 3};

	(void)context;
	(void)entry;
	for (int i = 0; i < INPUTS; i++)
		x[i] = (float)(rng_uniform(&rng) - 0.5);
	return 0;
}

static double validate(void *context, const struct lstm *net)
{
	float sum = 0;

	(void)context;
	for (size_t i = 0; i < net->count; i++)
		sum += fabsf(net->data[i]);
	return (double)sum;
}

static void progress(void *context, const struct train_progress *p)
{
	struct task *t = context;

	if (!p->epoch_over && t->stop_after && ++t->updates >= t->stop_after)
		t->stop = 1;
}

static void keep(void *context, const struct train_state *state)
{
	struct task *t = context;
	struct error e;

	assert_int_equal(checkpoint_save(t->path, state, t->run, t->epochs, &e), 0);
}

static int restore(void *context, struct train_state *state, struct error *e)
{
	struct task *t = context;
	json_t *epochs;
	int err = checkpoint_load(t->path, state, t->run, &epochs, e);

	if (!err) {
		assert_true(json_equal(epochs, t->epochs));
		json_decref(epochs);
	}
	return err;
}

static int setup(void **state)
{
	struct task *t = calloc(1, sizeof(*t));
	struct rng rng = {5};
	uint32_t rows = 0;

	for (int i = 0; i < SEQUENCES; i++) {
		uint32_t n = i % 2 ? 1 : 1 + (uint32_t)rng_below(&rng, MOST);

		t->sequence[i] = (struct train_sequence){.first = rows, .length = n};
		rows += n;
	}
	for (uint32_t r = 0; r < rows; r++) {
		t->label[r] = (int)rng_below(&rng, 2);
		t->weight[r] = 1;
	}
	t->data = (struct train_data){.rows = rows,
		.label = t->label,
		.weight = t->weight,
		.sequence = t->sequence,
		.sequences = SEQUENCES,
		.input = input};
	t->settings = train_defaults;
	t->settings.epochs = EPOCHS;
	t->settings.batch = 32;
	t->settings.length = 4;
	t->settings.dropout = 0.3f;
	strcpy(t->path, "/tmp/karma-checkpoint-XXXXXX");
	close(mkstemp(t->path));
	t->run = json_pack("{s{sf si} ss}", "settings", "lr", 0.1, "epochs", EPOCHS, "rows", "x");
	t->epochs = json_pack("[{sf}]", "loss", 1 / 3.0);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct task *t = *state;

	unlink(t->path);
	json_decref(t->run);
	json_decref(t->epochs);
	free(t);
	return 0;
}

/* Stopped after so many updates; 0: to its end. The best weights are left in `net`. */
static int go(struct task *t, struct lstm *net, bool resume, int stop_after, struct error *e)
{
	struct train_hooks hooks = {.validate = validate,
		.progress = progress,
		.keep = keep,
		.context = t,
		.stop = &t->stop};
	struct train_progress last;
	int err;

	t->updates = 0;
	t->stop = 0;
	t->stop_after = stop_after;
	if (resume)
		hooks.restore = restore;
	assert_int_equal(lstm_init(net, (struct lstm_shape){INPUTS, INPUTS, 2, 6, 2}), 0);
	train_init_weights(net, 1);
	err = train(net, &t->data, &t->settings, &hooks, &last, e);
	assert_true(err || last.epoch <= EPOCHS);
	return err;
}

static void expect_whole(const struct lstm *whole, const struct lstm *net)
{
	assert_memory_equal(whole->data, net->data, net->count * sizeof(float));
}

static void test_stopped_anywhere(void **state)
{
	struct task *t = *state;
	struct lstm whole, net;
	struct error e = {""};
	int updates;

	assert_int_equal(go(t, &whole, false, 1000000, &e), 0);
	updates = t->updates;
	assert_true(updates > 3 * 20);
	for (int stop = 1; stop <= updates; stop++) {
		assert_int_equal(go(t, &net, false, stop, &e), 0);
		lstm_free(&net);
		assert_int_equal(go(t, &net, true, 0, &e), 0);
		expect_whole(&whole, &net);
		lstm_free(&net);
	}
	lstm_free(&whole);
}

static void test_stopped_again_and_again(void **state)
{
	struct task *t = *state;
	struct lstm whole, net;
	struct error e = {""};
	int runs = 0;

	assert_int_equal(go(t, &whole, false, 0, &e), 0);
	assert_int_equal(go(t, &net, false, 7, &e), 0);
	while (t->stop) {
		lstm_free(&net);
		assert_int_equal(go(t, &net, true, 7, &e), 0);
		assert_true(++runs < 100);
	}
	assert_true(runs > 3);
	expect_whole(&whole, &net);
	lstm_free(&net);
	/* There is nothing left to do: the best is left all the same. */
	assert_int_equal(go(t, &net, true, 0, &e), 0);
	expect_whole(&whole, &net);
	lstm_free(&net);
	lstm_free(&whole);
}

static void test_of_another_run(void **state)
{
	struct task *t = *state;
	struct lstm net;
	struct error e = {""};

	assert_int_equal(go(t, &net, false, 30, &e), 0);
	lstm_free(&net);
	json_object_set_new(json_object_get(t->run, "settings"), "lr", json_real(0.2));
	assert_int_equal(go(t, &net, true, 0, &e), -EPROTO);
	assert_non_null(strstr(e.text, "lr 0.1, not 0.2"));
	lstm_free(&net);
	json_object_set_new(json_object_get(t->run, "settings"), "lr", json_real(0.1));
	json_object_set_new(t->run, "data", json_array());
	assert_int_equal(go(t, &net, true, 0, &e), -EPROTO);
	assert_non_null(strstr(e.text, "other data"));
	lstm_free(&net);
	unlink(t->path);
	assert_int_equal(go(t, &net, true, 0, &e), -ENOENT);
	lstm_free(&net);
}

/* Each flipped byte and each cut is found; nothing that a file says is believed before. */
static void test_damaged(void **state)
{
	struct task *t = *state;
	struct lstm net;
	struct error e = {""};
	unsigned char *bytes = malloc(1 << 20);
	size_t size;
	FILE *f;

	assert_int_equal(go(t, &net, false, 30, &e), 0);
	lstm_free(&net);
	f = fopen(t->path, "rb");
	size = fread(bytes, 1, 1 << 20, f);
	fclose(f);
	for (size_t at = 0; at < size; at += at < 2000 ? 1 : 97) {
		for (int cut = 0; cut < 2; cut++) {
			bytes[at] ^= cut ? 0 : 0x10;
			f = fopen(t->path, "wb");
			fwrite(bytes, 1, cut ? at : size, f);
			fclose(f);
			bytes[at] ^= cut ? 0 : 0x10;
			assert_true(go(t, &net, true, 1, &e) < 0);
			assert_true(e.text[0]);
			lstm_free(&net);
		}
	}
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stopped_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped_again_and_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_another_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
