/* The figures of 'karma eval' against cases worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "lstm/metrics.h"

static void near(double got, double want)
{
	if (!(fabs(got - want) < 1e-6))
		fail_msg("got %.9f, want %.9f", got, want);
}

/* Two classes: p(Normal) is 1 - score. */
static struct metrics of_scores(const float *score, const int *label, size_t rows)
{
	struct metrics m;
	struct error e;
	float p[2 * 1200];

	for (size_t r = 0; r < rows; r++) {
		p[2 * r] = 1 - score[r];
		p[2 * r + 1] = score[r];
	}
	assert_int_equal(metrics_compute(&m, p, label, rows, 2, &e), 0);
	return m;
}

static void test_binary(void **state)
{
	/*      attack ranks: 1st, 3rd, 4th, 7th of 8 */
	const float score[] = {0.9375f, 0.875f, 0.75f, 0.625f, 0.4375f, 0.375f, 0.25f, 0.125f};
	const int label[] = {1, 0, 1, 1, 0, 0, 1, 0};
	struct metrics m = of_scores(score, label, 8);

	(void)state;
	near(m.binary.accuracy, 6.0 / 8);
	near(m.binary.precision, 3.0 / 4);
	near(m.binary.recall, 3.0 / 4);
	near(m.binary.f1, 3.0 / 4);
	near(m.binary.fpr, 1.0 / 4);
	/* Pairs (attack above normal): 4 + 3 + 3 + 1 of 16. */
	near(m.binary.roc_auc, 11.0 / 16);
	near(m.binary.pr_auc, (1.0 / 1 + 2.0 / 3 + 3.0 / 4 + 4.0 / 7) / 4);
	near(m.binary.tpr[0], 1.0 / 4); /* no false positive is allowed */
	near(m.binary.threshold[0], 0.9375);
}

static void test_ties(void **state)
{
	const float score[] = {0.75f, 0.75f, 0.75f, 0.25f, 0.25f};
	const int label[] = {1, 0, 1, 1, 0};
	struct metrics m = of_scores(score, label, 5);

	(void)state;
	/* Attacks at .75: half a point for the tie, one for the normal below; at .25: half. */
	near(m.binary.roc_auc, (1.5 + 1.5 + 0.5) / 6);
	near(m.binary.pr_auc, 2.0 / 3 * (2.0 / 3) + 1.0 / 3 * (3.0 / 5));
	near(m.binary.tpr[0], 0); /* the top score has a normal row in it */
	assert_true(m.binary.threshold[0] > 0.75);
	/* All in one tie: no order at all. */
	m = of_scores((const float[]){0.5f, 0.5f, 0.5f}, (const int[]){0, 1, 1}, 3);
	near(m.binary.roc_auc, 0.5);
	near(m.binary.pr_auc, 2.0 / 3);
}

static void test_rates_at_points(void **state)
{
	float score[1200];
	int label[1200];
	struct metrics m;

	(void)state;
	/* 1000 normal rows at i / 2000; 200 attacks: 100 above all, 50 between the 3rd and the
	 * 2nd highest normal, 50 between the 15th and the 14th. */
	for (int i = 0; i < 1000; i++) {
		score[i] = (float)i / 2000;
		label[i] = 0;
	}
	for (int i = 0; i < 200; i++) {
		score[1000 + i] = i < 100 ? 0.9f : i < 150 ? 997.5f / 2000 : 985.5f / 2000;
		label[1000 + i] = 1;
	}
	m = of_scores(score, label, 1200);
	near(m.binary.tpr[0], 150.0 / 200); /* 10 of 1000 may be wrong */
	near(m.binary.tpr[1], 100.0 / 200); /* 1 of 1000 */
	near(m.binary.threshold[0], 990.0 / 2000);
	near(m.binary.threshold[1], 999.0 / 2000);
}

static void test_one_kind_only(void **state)
{
	struct metrics m = of_scores((const float[]){0.1f, 0.7f}, (const int[]){0, 0}, 2);
	struct error e;
	json_t *j;

	(void)state;
	near(m.binary.accuracy, 0.5);
	near(m.binary.fpr, 0.5);
	near(m.binary.precision, 0);
	assert_true(isnan(m.binary.recall) && isnan(m.binary.roc_auc));
	assert_true(isnan(m.binary.pr_auc) && isnan(m.binary.tpr[0]));
	j = metrics_to_json(&m, (const char *const[]){"Normal", "DoS"});
	assert_true(json_is_null(json_object_get(json_object_get(j, "binary"), "roc_auc")));
	json_decref(j);
	assert_true(metrics_compute(&m, NULL, NULL, 0, 2, &e) < 0);
}

static void test_classes(void **state)
{
	/* True:      0    0    0    1    1    2     predicted: 0 0 1 1 0 1 */
	const float p[] = {
		0.75f, 0.25f, 0, 0,     /* */
		0.50f, 0.25f, 0.25f, 0, /* */
		0.25f, 0.75f, 0, 0,     /* */
		0.00f, 1.00f, 0, 0,     /* */
		0.75f, 0.25f, 0, 0,     /* */
		0.25f, 0.50f, 0.25f, 0, /* */
	};
	const int label[] = {0, 0, 0, 1, 1, 2};
	const char *names[] = {"Normal", "DoS", "Worms", "Absent"};
	const char *binary_keys[] = {"accuracy", "precision", "recall", "f1", "fpr", "roc_auc",
		"pr_auc", "tpr_at_fpr_1e-2", "tpr_at_fpr_1e-3"};
	const char *keys[] = {"rows", "binary", "accuracy", "macro_f1", "weighted_f1", "ece",
		"classes", "confusion"};
	struct metrics m;
	struct error e;
	json_t *j;

	(void)state;
	assert_int_equal(metrics_compute(&m, p, label, 6, 4, &e), 0);
	near(m.accuracy, 3.0 / 6);
	near(m.per_class[0].precision, 2.0 / 3);
	near(m.per_class[0].recall, 2.0 / 3);
	near(m.per_class[1].precision, 1.0 / 3);
	near(m.per_class[1].recall, 1.0 / 2);
	near(m.per_class[1].f1, 2.0 / 5);
	assert_true(isnan(m.per_class[2].precision));
	near(m.per_class[2].f1, 0);
	assert_true(isnan(m.per_class[3].f1));
	near(m.macro_f1, (2.0 / 3 + 2.0 / 5 + 0) / 3); /* the absent class does not count */
	near(m.weighted_f1, (3 * 2.0 / 3 + 2 * 2.0 / 5) / 6);
	/* Sure at .75 thrice, right once; at .5 twice, right once; at 1 once, right. */
	near(m.ece, (fabs(3 * 0.75 - 1) + fabs(2 * 0.5 - 1) + 0) / 6);
	assert_int_equal(m.confusion[2][1], 1);
	assert_int_equal(m.confusion[0][0], 2);

	j = metrics_to_json(&m, names);
	assert_int_equal(json_object_size(j), sizeof(keys) / sizeof(keys[0]));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_object_get(j, keys[i]));
	assert_int_equal(json_object_size(json_object_get(j, "binary")),
		sizeof(binary_keys) / sizeof(binary_keys[0]));
	for (size_t i = 0; i < sizeof(binary_keys) / sizeof(binary_keys[0]); i++)
		assert_non_null(json_object_get(json_object_get(j, "binary"), binary_keys[i]));
	assert_int_equal(json_array_size(json_object_get(j, "classes")), 4);
	assert_string_equal("Worms",
		json_string_value(
			json_object_get(json_array_get(json_object_get(j, "classes"), 2), "name")));
	assert_int_equal(1, json_integer_value(json_array_get(
				    json_array_get(json_object_get(j, "confusion"), 2), 1)));
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_binary),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_rates_at_points),
		cmocka_unit_test(test_one_kind_only),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
