/* Rows as sequences: who belongs together, what validates, and that judging many side by side is
 * judging each alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/dataset.h"
#include "cmd/dataset_weight.h"
#include "lstm/train.h"

enum { HOSTS = 40, STEPS = 7, SINGLES = 900, COMMON = 300 };

static char path[] = "/tmp/karma-test-dataset.XXXXXX";

/* Karma's form, the hosts' rows mixed; rows without an actor in between, in groups of three equal
 * ones, and one row COMMON times. sbytes numbers the rows of a host and the groups. */
static void write_rows(void)
{
	FILE *f = fopen(path, "w");
	int id = 0;

	assert_non_null(f);
	fputs("srcip,sport,dstip,dsport,proto,state,dur,sbytes,attack_cat,Label,flow_id,event,at,"
	      "actor\n",
		f);
	for (int t = 0; t < STEPS; t++)
		for (int h = 0; h < HOSTS; h++, id++)
			fprintf(f,
				"10.0.0.%d,1,10.1.0.1,80,tcp,FIN,0.5,%d,%s,%d,%d,final,%d,10.0.0.%"
				"d\n",
				h + 1, 1000 * (h + 1) + t, h % 2 ? "DoS" : "Normal", h % 2, id,
				1000 + id, h + 1);
	for (int i = 0; i < SINGLES + COMMON; i++, id++)
		fprintf(f, "10.2.0.1,1,10.1.0.1,80,udp,CON,0.5,%d,%s,%d,%d,final,%d,\n",
			i < SINGLES ? i / 3 : 5000, i % 3 ? "Fuzzers" : "Normal", i % 3 != 0, id,
			1000 + id);
	fclose(f);
}

static void load(struct dataset *d)
{
	struct error e = {""};

	memset(d, 0, sizeof(*d));
	if (dataset_add(d, path, 2, false, &e) != 0)
		fail_msg("%s", e.text);
}

static int bytes_of(const struct dataset *d, size_t row)
{
	return (int)d->row[row].value[COL_SBYTES];
}

static void check_sequences(const struct dataset *d)
{
	size_t rows = 0, longer = 0;

	for (size_t s = 0; s < d->sequences; s++) {
		struct train_sequence q = d->sequence[s];

		assert_int_equal(q.first, rows);
		rows += q.length;
		if (q.length == 1)
			continue;
		longer++;
		assert_int_equal(q.length, STEPS);
		for (uint32_t t = 0; t < q.length; t++) {
			int bytes = bytes_of(d, q.first + t), host = bytes / 1000 - 1;

			assert_int_equal(bytes % 1000, t);
			assert_int_equal(host, bytes_of(d, q.first) / 1000 - 1);
			assert_int_equal(
				d->label[q.first + t], host % 2 ? CLASS_DOS : CLASS_NORMAL);
			assert_true(d->weight[q.first + t] == 2);
		}
	}
	assert_int_equal(rows, d->rows);
	assert_int_equal(longer, HOSTS);
	assert_int_equal(d->sequences, HOSTS + SINGLES + COMMON);
}

static void test_sequences(void **state)
{
	struct dataset d;

	(void)state;
	load(&d);
	check_sequences(&d);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(d.description, 0), "rows")),
		HOSTS * STEPS + SINGLES + COMMON);
	dataset_free(&d);
}

/* Each row with an actor once more, in the sequence of its target, which all have in common here.
 */
static void load_views(struct dataset *d)
{
	struct error e = {""};

	memset(d, 0, sizeof(*d));
	d->views = true;
	assert_int_equal(dataset_add(d, path, 2, false, &e), 0);
	assert_int_equal(dataset_add(d, path, 3, false, &e), 0);
}

static void test_views(void **state)
{
	struct dataset d;
	size_t targets = 0;

	(void)state;
	load_views(&d);
	assert_int_equal(d.records, 2 * (HOSTS * STEPS + SINGLES + COMMON));
	assert_int_equal(d.rows, d.records + 2 * HOSTS * STEPS);
	assert_int_equal(d.sequences, 2 * (HOSTS + SINGLES + COMMON + 1));
	for (size_t s = 0; s < d.sequences; s++) {
		struct train_sequence q = d.sequence[s];
		enum host_view view = d.row[q.first].view;

		targets += view == VIEW_TARGET;
		assert_true(q.length == (q.length == 1                ? 1
						: view == VIEW_TARGET ? HOSTS * STEPS
								      : STEPS));
		for (uint32_t t = 0; t < q.length; t++) {
			assert_int_equal(d.row[q.first + t].view, view);
			assert_true(d.weight[q.first + t] ==
				    (d.record[q.first] < d.records / 2 ? 2 : 3));
			assert_true(
				t == 0 || d.row[q.first + t].at_ns > d.row[q.first + t - 1].at_ns);
		}
	}
	assert_int_equal(targets, 2);
	dataset_free(&d);
}

static void test_views_are_joined(void **state)
{
	struct dataset d;
	struct error e;
	float *logits;

	(void)state;
	load_views(&d);
	logits = lstm_floats(2 * d.rows);
	for (size_t r = 0; r < d.rows; r++) {
		logits[2 * r] = (float)d.record[r] + (d.row[r].view == VIEW_TARGET ? 4 : 0);
		logits[2 * r + 1] = -logits[2 * r];
	}
	assert_int_equal(dataset_join_views(&d, 2, logits, &e), 0);
	for (size_t r = 0; r < d.rows; r++) {
		bool alone = d.row[r].port[SRC] == 1 && d.row[r].actor[15] == 0;

		if (d.row[r].view == VIEW_TARGET)
			continue;
		assert_true(logits[2 * r] == (float)d.record[r] + (alone ? 0 : 2));
		assert_true(logits[2 * r + 1] == -logits[2 * r]);
	}
	free(logits);
	dataset_free(&d);
}

/* By the seven rows of a host; one without an actor as in training. */
static void test_hosts_weigh_by_their_rows(void **state)
{
	struct dataset d;
	float *weight;

	(void)state;
	load(&d);
	weight = lstm_floats(d.rows);
	weigh_hosts(&d, 0, weight);
	for (size_t r = 0; r < d.rows; r++)
		assert_float_equal(
			weight[r], row_has_actor(&d.row[r]) ? sqrtf(16.0F / STEPS) : 2, 1e-5);
	free(weight);
	dataset_free(&d);
}

/* In a file that validates the actors' view alone is scored; what it is joined with stands before.
 */
static void test_a_file_validates_in_both_views(void **state)
{
	struct dataset d = {.views = true};
	struct error e;

	(void)state;
	assert_int_equal(dataset_add(&d, path, 2, false, &e), 0);
	assert_int_equal(dataset_add_validation(&d, path, false, &e), 0);
	assert_int_equal(
		d.training_rows, d.records + HOSTS * STEPS - d.records / 2 + HOSTS * STEPS);
	for (size_t r = 0; r < d.rows; r++) {
		bool validates = d.record[r] >= d.records / 2;

		assert_int_equal(r >= d.training_rows, validates && d.row[r].view == VIEW_ACTOR);
		assert_true((d.weight[r] > 0) == (!validates || r >= d.training_rows));
	}
	dataset_free(&d);
}

static void test_lonely_rows_have_one_view(void **state)
{
	struct dataset d;

	(void)state;
	memset(&d, 0, sizeof(d));
	d.views = d.single = true;
	assert_int_equal(dataset_add(&d, path, 2, false, &(struct error){""}), 0);
	assert_true(d.rows > d.records);
	dataset_drop_target_view(&d);
	assert_int_equal(d.rows, d.records);
	assert_int_equal(d.sequences, d.records);
	for (size_t r = 0; r < d.rows; r++) {
		assert_int_equal(d.row[r].view, VIEW_ACTOR);
		assert_int_equal(d.sequence[r].first, r);
		assert_int_equal(d.sequence[r].length, 1);
	}
	dataset_free(&d);
}

static void test_nothing_is_learnt_of_what_validates(void **state)
{
	static bool validates[2 * (HOSTS * STEPS + SINGLES + COMMON)];
	struct dataset d;
	struct encoder enc;
	struct error e;
	size_t blind = 0;

	(void)state;
	encoder_init(&enc, SET_LIVE);
	load_views(&d);
	assert_int_equal(dataset_split(&d, &enc, 0.2, 5, &e), 0);
	for (size_t r = d.training_rows; r < d.rows; r++)
		validates[d.record[r]] = true;
	for (size_t r = 0; r < d.rows; r++) {
		bool learns = r < d.training_rows && !validates[d.record[r]];

		assert_true((d.weight[r] > 0) == (learns || r >= d.training_rows));
		blind += r < d.training_rows && !learns;
	}
	assert_true(blind > 0);
	dataset_free(&d);
}

static void test_split(void **state)
{
	struct dataset d, again;
	struct encoder enc;
	struct error e;
	int side[5001] = {0}; /* of each group: 1 learns, 2 validates */
	size_t hosts = 0, singles = 0;

	(void)state;
	encoder_init(&enc, SET_LIVE);
	load(&d);
	assert_int_equal(dataset_split(&d, &enc, 0.2, 5, &e), 0);
	check_sequences(&d);
	for (size_t s = 0; s < d.sequences; s++) {
		bool validates = s >= d.training;
		int bytes = bytes_of(&d, d.sequence[s].first);

		assert_int_equal(validates, d.sequence[s].first >= d.training_rows);
		hosts += validates && d.sequence[s].length > 1;
		if (d.sequence[s].length > 1)
			continue;
		singles += validates;
		if (side[bytes] == 0)
			side[bytes] = validates ? 2 : 1;
		assert_int_equal(side[bytes], validates ? 2 : 1);
	}
	assert_int_equal(hosts, 8); /* a fifth of 20 and of 20 */
	assert_true(singles > 100 && singles < 300);
	assert_int_equal(side[5000], 1); /* too common to validate with */

	load(&again);
	assert_int_equal(dataset_split(&again, &enc, 0.2, 5, &e), 0);
	assert_int_equal(again.training_rows, d.training_rows);
	for (size_t r = 0; r < d.rows; r++)
		assert_int_equal(d.row[r].flow_id, again.row[r].flow_id);
	dataset_free(&again);
	dataset_free(&d);
}

enum { GUESSED = 200 };

/* Soft rows: single ones, and one within a host's sequence. */
static const char *write_soft(void)
{
	static char name[] = "/tmp/karma-test-soft.XXXXXX";
	FILE *f;
	int fd;

	strcpy(name + sizeof(name) - 7, "XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	f = fdopen(fd, "w");
	fputs("srcip,dstip,proto,state,dur,sbytes,attack_cat,flow_id,event,at,actor,p_Normal,p_"
	      "DoS\n",
		f);
	for (int i = 0; i < GUESSED; i++)
		fprintf(f, "10.0.0.1,10.1.0.1,tcp,FIN,0.5,%d,,%d,final,%d,,0.25,0.75\n", i, i, i);
	fputs("10.0.0.1,10.1.0.1,tcp,FIN,0.5,1,Normal,1,final,900,10.9.0.1,,\n"
	      "10.0.0.1,10.1.0.1,tcp,FIN,0.5,1,,2,final,901,10.9.0.1,1,0\n",
		f);
	fclose(f);
	return name;
}

/* They are learnt from and never validate. */
static void test_soft_rows(void **state)
{
	const char *soft = write_soft();
	struct dataset d;
	struct encoder enc;
	struct error e = {""};
	size_t extras = 0;

	(void)state;
	load(&d);
	assert_int_equal(dataset_add(&d, soft, 3, false, &e), 0);
	assert_int_equal(d.soft, GUESSED + 1);
	assert_int_equal(d.unlabelled, GUESSED + 1);
	assert_int_equal(
		json_integer_value(json_object_get(json_array_get(d.description, 1), "soft")),
		GUESSED + 1);
	assert_null(json_object_get(json_array_get(d.description, 0), "soft"));
	encoder_init(&enc, SET_LIVE);
	for (uint64_t seed = 1; seed < 20; seed++)
		assert_int_equal(dataset_split(&d, &enc, 0.5, seed, &e), 0);
	for (size_t s = 0; s < d.sequences; s++) {
		extras += d.sequence[s].extra;
		for (uint32_t i = 0; i < d.sequence[s].length; i++) {
			size_t row = d.sequence[s].first + i;

			assert_false(d.row[row].soft && row >= d.training_rows);
			assert_true(d.weight[row] == 3 || !d.row[row].soft);
		}
	}
	assert_int_equal(extras, GUESSED);
	assert_int_equal(dataset_check(&d, true, &e), 0);
	dataset_free(&d);
	unlink(soft);
}

static void test_a_file_that_validates(void **state)
{
	const char *soft = write_soft();
	struct dataset d;
	struct error e = {""};
	size_t rows;

	(void)state;
	load(&d);
	rows = d.rows;
	assert_true(dataset_check(&d, true, &e) < 0); /* nothing validates */
	assert_non_null(strstr(e.text, "too few"));
	assert_int_equal(dataset_check(&d, false, &e), 0);
	assert_int_equal(dataset_add_validation(&d, path, false, &e), 0);
	assert_int_equal(d.rows, 2 * rows);
	assert_int_equal(d.training_rows, rows);
	assert_int_equal(d.sequence[d.training].first, rows);
	assert_true(json_is_true(json_object_get(json_array_get(d.description, 1), "validates")));
	assert_int_equal(dataset_check(&d, true, &e), 0);
	dataset_free(&d);
	load(&d);
	assert_true(dataset_add_validation(&d, soft, false, &e) < 0);
	assert_non_null(strstr(e.text, "without a label"));
	dataset_free(&d);
	unlink(soft);
}

static void check_judge(unsigned bins)
{
	struct dataset d;
	struct encoder enc;
	struct lstm net;
	struct error e;
	struct lstm_entry entry[ENCODER_ENTRIES];
	float *logits, *x, *memory, *work, z[CLASSES];

	load(&d);
	encoder_init(&enc, SET_LIVE);
	assert_int_equal(encoder_fit(&enc, d.row, d.rows, bins), 0);
	assert_int_equal(lstm_init(&net, (struct lstm_shape){(int)enc.inputs, (int)enc.dense, 2, 8,
						 CLASSES}),
		0);
	train_init_weights(&net, 3);
	logits = lstm_floats(d.rows * CLASSES);
	x = lstm_floats(enc.dense);
	memory = lstm_floats(lstm_state_size(&net));
	work = lstm_floats(lstm_work_size(&net));
	assert_int_equal(dataset_judge(&d, &enc, &net, NULL, 0, d.sequences, logits, &e), 0);
	for (size_t s = 0; s < d.sequences; s++) {
		memset(memory, 0, lstm_state_size(&net) * sizeof(*memory));
		for (uint32_t t = 0; t < d.sequence[s].length; t++) {
			size_t row = d.sequence[s].first + t;
			struct lstm_input in = {x, entry, 0};

			in.entries = encoder_apply(&enc, &d.row[row], NULL, x, entry);
			lstm_step(&net, &in, memory, z, work);
			for (int c = 0; c < CLASSES; c++)
				assert_true(
					fabsf(z[c] - logits[row * CLASSES + (size_t)c]) < 1e-5f);
		}
	}
	free(logits);
	free(x);
	free(memory);
	free(work);
	lstm_free(&net);
	dataset_free(&d);
}

static void test_judge_is_the_step(void **state)
{
	(void)state;
	check_judge(0);
	check_judge(16);
}

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	write_rows();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void test_weights(void **state)
{
	struct dataset d = {.by_attack = true};
	struct error e = {""};

	(void)state;
	assert_int_equal(dataset_add(&d, path, 2, false, &e), 0);
	for (size_t r = 0; r < d.rows; r++) {
		/* Half of the hosts attack one target, STEPS rows each. */
		double want = d.label[r] == CLASS_DOS ? 2 * sqrt(16. / (HOSTS / 2 * STEPS)) : 2;

		assert_true(fabs((double)d.weight[r] - want) < 1e-6);
	}
	dataset_free(&d);
}

static void test_single_rows(void **state)
{
	struct dataset d = {.single = true};
	struct error e = {""};

	(void)state;
	assert_int_equal(dataset_add(&d, path, 2, false, &e), 0);
	assert_int_equal(d.sequences, d.rows);
	assert_int_equal(d.sequence[d.rows - 1].length, 1);
	dataset_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_single_rows),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_views_are_joined),
		cmocka_unit_test(test_hosts_weigh_by_their_rows),
		cmocka_unit_test(test_a_file_validates_in_both_views),
		cmocka_unit_test(test_lonely_rows_have_one_view),
		cmocka_unit_test(test_nothing_is_learnt_of_what_validates),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_soft_rows),
		cmocka_unit_test(test_a_file_that_validates),
		cmocka_unit_test(test_judge_is_the_step),
	};

	return cmocka_run_group_tests_name("dataset", tests, setup, teardown);
}
