/* The report's parts: the curves agree with the metrics, ticks are round and few, text is no
 * markup, a long line keeps its corners. The page as a whole: tests/cli/report.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/curves.h"
#include "lstm/metrics.h"
#include "report/axis.h"
#include "report/svg.h"
#include "util/rng.h"

enum { ROWS = 3000, CLASSES_HERE = 3 };

static void make_rows(float *p, int *label)
{
	struct rng rng = {3};

	for (int r = 0; r < ROWS; r++, p += CLASSES_HERE) {
		/* Coarse, so that many rows have the same score. */
		float normal = (float)(int)(rng_uniform(&rng) * 40) / 40;

		label[r] = rng_uniform(&rng) < (double)normal ? 0 : 1 + (int)rng_below(&rng, 2);
		p[0] = normal;
		p[1] = (1 - normal) * 0.7f;
		p[2] = 1 - p[0] - p[1];
	}
}

static void test_curves_agree_with_metrics(void **state)
{
	float *p = calloc(ROWS * CLASSES_HERE, sizeof(*p));
	int *label = calloc(ROWS, sizeof(*label));
	struct metrics *m = calloc(1, sizeof(*m));
	struct curves c;
	double area = 0, precision = 0, ece = 0;
	size_t rows = 0;
	struct curve_point at;

	(void)state;
	make_rows(p, label);
	assert_int_equal(metrics_compute(m, p, label, ROWS, CLASSES_HERE, NULL), 0);
	assert_int_equal(curves_compute(&c, p, label, ROWS, CLASSES_HERE, NULL), 0);
	assert_true(c.points <= 41);
	for (size_t i = 0; i < c.points; i++) {
		struct curve_point b = c.point[i], a = {0};

		if (i)
			a = c.point[i - 1];
		assert_true(i == 0 || b.score < a.score);
		area += (b.fpr - a.fpr) * (a.tpr + b.tpr) / 2;
		precision += (b.tpr - a.tpr) * b.precision;
	}
	assert_true(fabs(area - m->binary.roc_auc) < 1e-9);
	assert_true(fabs(precision - m->binary.pr_auc) < 1e-9);
	for (int i = 0; i < METRICS_FPR_POINTS; i++) {
		at = curves_at(&c, m->binary.threshold[i]);
		assert_true(fabs(at.tpr - m->binary.tpr[i]) < 1e-12);
		assert_true(at.fpr <= metrics_fpr[i]);
	}
	at = curves_at(&c, 0.5);
	assert_true(fabs(at.tpr - m->binary.recall) < 1e-12);
	assert_true(fabs(at.fpr - m->binary.fpr) < 1e-12);
	assert_true(fabs(at.precision - m->binary.precision) < 1e-12);
	at = curves_at(&c, 2);
	assert_true(at.tpr == 0 && at.fpr == 0 && isnan(at.precision));
	for (int b = 0; b < CURVES_SURE_BINS; b++) {
		rows += c.bin[b].rows;
		if (c.bin[b].rows)
			ece += fabs(c.bin[b].right - c.bin[b].sure) * (double)c.bin[b].rows / ROWS;
	}
	assert_int_equal(rows, ROWS);
	assert_true(fabs(ece - m->ece) < 1e-9);
	rows = 0;
	for (int b = 0; b < CURVES_SCORE_BINS; b++)
		rows += c.scores[0][b] + c.scores[1][b];
	assert_int_equal(rows, ROWS);
	curves_free(&c);
	free(m);
	free(p);
	free(label);
}

static void test_one_kind_of_rows(void **state)
{
	const float p[] = {0.2f, 0.8f, 0.4f, 0.6f};
	const int label[] = {1, 1};
	struct curves c;

	(void)state;
	assert_int_equal(curves_compute(&c, p, label, 2, 2, NULL), 0);
	assert_int_equal(c.normals, 0);
	assert_true(isnan(curves_at(&c, 0.5).fpr));
	assert_true(curves_at(&c, 0.7).tpr == 0.5);
	curves_free(&c);
}

static void test_ticks(void **state)
{
	const struct scale scales[] = {
		{.low = 0, .high = 1},
		{.low = 0.5, .high = 1, .format = AXIS_PERCENT},
		{.low = 1, .high = 30, .format = AXIS_COUNT},
		{.low = 1, .high = 2, .format = AXIS_COUNT},
		{.low = 1, .high = 10000, .format = AXIS_COUNT},
		{.low = 0, .high = 1e-7},
		{.low = 0, .high = 4e9},
		{.low = 1e-5, .high = 1, .log = true, .format = AXIS_PERCENT},
		{.low = 0.5, .high = 1e6, .log = true},
	};

	(void)state;
	for (size_t s = 0; s < sizeof(scales) / sizeof(scales[0]); s++) {
		double tick[AXIS_TICKS];
		int n = scale_ticks(&scales[s], 5, tick);

		assert_in_range(n, 2, AXIS_TICKS);
		for (int i = 0; i < n; i++) {
			char text[32], before[32] = "";

			assert_true(tick[i] >= scales[s].low * (1 - 1e-9));
			assert_true(tick[i] <= scales[s].high * (1 + 1e-5));
			axis_label(text, scales[s].format, tick[i]);
			assert_true(text[0] != '-' && strlen(text) <= 9);
			if (i)
				axis_label(before, scales[s].format, tick[i - 1]);
			assert_string_not_equal(text, before);
		}
	}
	assert_true(fabs(axis_round_up(0.031) - 0.05) < 1e-12);
	assert_true(fabs(axis_round_up(2) - 2) < 1e-12);
	assert_true(fabs(axis_round_up(712) - 1000) < 1e-9);
}

static void test_counts(void **state)
{
	char text[32];

	(void)state;
	axis_count(text, 0);
	assert_string_equal(text, "0");
	axis_count(text, 999);
	assert_string_equal(text, "999");
	axis_count(text, 1234567);
	assert_string_equal(text, "1,234,567");
	axis_count(text, SIZE_MAX);
	assert_string_equal(text, "18,446,744,073,709,551,615");
}

static void test_text_is_no_markup(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	svg_escape(f, "<b a=\"1\" c='2'>&\x1b[2J\n\xc3\xa9");
	fclose(f);
	assert_string_equal(text, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;?[2J?\xc3\xa9");
	free(text);
}

/* Ten thousand points on a step are drawn by a few, and the step stays where it is. */
static void test_path(void **state)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct svg_path p = svg_path_begin(f, "blue");

	(void)state;
	for (int i = 0; i <= 10000; i++)
		svg_path_to(&p, 10 + i * 1e-5, 200);
	svg_path_to(&p, 10.1, 50);
	svg_path_to(&p, 300, 50);
	svg_path_end(&p);
	fclose(f);
	assert_string_equal(text,
		"<path class=\"line blue\" d=\"M10.00 200.00 L10.10 200.00 L10.10 "
		"50.00 L300.00 50.00\"/>\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_curves_agree_with_metrics),
		cmocka_unit_test(test_one_kind_of_rows),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_text_is_no_markup),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
