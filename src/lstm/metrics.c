#include "lstm/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const double metrics_fpr[METRICS_FPR_POINTS] = {0.01, 0.001};

enum { ECE_BINS = 15 };

struct scored {
	float score; /* 1 - p(Normal) */
	bool attack;
};

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

/* 2PR / (P + R) from the counts, which is defined wherever one of them is. */
static double f1(double hits, double predicted, double actual)
{
	return ratio(2 * hits, predicted + actual);
}

static int by_falling_score(const void *a, const void *b)
{
	float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;

	return (x < y) - (x > y);
}

/* Areas and operating points: one pass down the scores, rows of one score taken together. */
static void sweep(struct metrics *m, struct scored *s, size_t rows, double attacks, double normals)
{
	double hits = 0, alarms = 0, roc = 0, pr = 0;

	qsort(s, rows, sizeof(*s), by_falling_score);
	for (int i = 0; i < METRICS_FPR_POINTS; i++) {
		m->binary.tpr[i] = attacks > 0 && normals > 0 ? 0 : NAN;
		m->binary.threshold[i] = (double)nextafterf(s[0].score, 2.0f);
	}
	for (size_t from = 0, to; from < rows; from = to) {
		double more_hits = 0, more_alarms = 0;

		for (to = from; to < rows && s[to].score == s[from].score; to++) {
			more_hits += s[to].attack;
			more_alarms += !s[to].attack;
		}
		roc += more_alarms * (hits + more_hits / 2);
		hits += more_hits;
		alarms += more_alarms;
		pr += more_hits * hits / (hits + alarms);
		for (int i = 0; i < METRICS_FPR_POINTS; i++) {
			if (attacks == 0 || normals == 0 || alarms > metrics_fpr[i] * normals)
				continue;
			m->binary.tpr[i] = hits / attacks;
			m->binary.threshold[i] = (double)s[from].score;
		}
	}
	m->binary.roc_auc = ratio(roc, attacks * normals);
	m->binary.pr_auc = ratio(pr, attacks);
}

static int binary(struct metrics *m, const float *p, const int *label, size_t rows, struct error *e)
{
	struct scored *s = malloc(rows * sizeof(*s));
	double hits = 0, alarms = 0, attacks = 0, normals;

	if (!s)
		return error_set(e, -ENOMEM, "not enough memory to score %zu rows", rows);
	for (size_t r = 0; r < rows; r++) {
		s[r].score = 1.0f - p[r * (size_t)m->classes];
		s[r].attack = label[r] != 0;
		attacks += s[r].attack;
		if (s[r].score >= 0.5f) {
			hits += s[r].attack;
			alarms += !s[r].attack;
		}
	}
	normals = (double)rows - attacks;
	m->binary.accuracy = (hits + normals - alarms) / (double)rows;
	m->binary.precision = ratio(hits, hits + alarms);
	m->binary.recall = ratio(hits, attacks);
	m->binary.f1 = f1(hits, hits + alarms, attacks);
	m->binary.fpr = ratio(alarms, normals);
	sweep(m, s, rows, attacks, normals);
	free(s);
	return 0;
}

static void count(struct metrics *m, const float *p, const int *label, size_t rows)
{
	double bin_rows[ECE_BINS] = {0}, bin_right[ECE_BINS] = {0}, bin_sure[ECE_BINS] = {0};

	for (size_t r = 0; r < rows; r++, p += m->classes) {
		int best = 0, bin;

		for (int c = 1; c < m->classes; c++)
			if (p[c] > p[best])
				best = c;
		m->confusion[label[r]][best]++;
		bin = (int)(p[best] * ECE_BINS);
		bin = bin >= ECE_BINS ? ECE_BINS - 1 : bin;
		bin_rows[bin]++;
		bin_right[bin] += best == label[r];
		bin_sure[bin] += (double)p[best];
	}
	for (int b = 0; b < ECE_BINS; b++)
		if (bin_rows[b] > 0)
			m->ece += fabs(bin_right[b] - bin_sure[b]) / (double)rows;
}

static void per_class(struct metrics *m)
{
	double right = 0, present = 0;

	for (int c = 0; c < m->classes; c++) {
		struct metrics_class *k = &m->per_class[c];
		double hits = (double)m->confusion[c][c], predicted = 0;

		for (int o = 0; o < m->classes; o++) {
			k->support += m->confusion[c][o];
			predicted += (double)m->confusion[o][c];
		}
		k->precision = ratio(hits, predicted);
		k->recall = ratio(hits, (double)k->support);
		k->f1 = f1(hits, predicted, (double)k->support);
		right += hits;
		if (k->support == 0)
			continue;
		present++;
		m->macro_f1 += k->f1;
		m->weighted_f1 += k->f1 * (double)k->support / (double)m->rows;
	}
	m->macro_f1 /= present;
	m->accuracy = right / (double)m->rows;
}

int metrics_compute(struct metrics *m, const float *probability, const int *label, size_t rows,
	int classes, struct error *e)
{
	memset(m, 0, sizeof(*m));
	m->rows = rows;
	m->classes = classes;
	if (rows == 0)
		return error_set(e, -EINVAL, "there are no labelled rows to score");
	count(m, probability, label, rows);
	per_class(m);
	return binary(m, probability, label, rows, e);
}

static json_t *figure(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

json_t *metrics_to_json(const struct metrics *m, const char *const *names)
{
	json_t *classes = json_array(), *confusion = json_array();

	for (int c = 0; c < m->classes; c++) {
		const struct metrics_class *k = &m->per_class[c];
		json_t *row = json_array();

		json_array_append_new(
			classes, json_pack("{ss sI so so so}", "name", names[c], "support",
					 (json_int_t)k->support, "precision", figure(k->precision),
					 "recall", figure(k->recall), "f1", figure(k->f1)));
		for (int o = 0; o < m->classes; o++)
			json_array_append_new(row, json_integer((json_int_t)m->confusion[c][o]));
		json_array_append_new(confusion, row);
	}
	return json_pack("{sI s{so so so so so so so so so} so so so so so so}", "rows",
		(json_int_t)m->rows, "binary", "accuracy", figure(m->binary.accuracy), "precision",
		figure(m->binary.precision), "recall", figure(m->binary.recall), "f1",
		figure(m->binary.f1), "fpr", figure(m->binary.fpr), "roc_auc",
		figure(m->binary.roc_auc), "pr_auc", figure(m->binary.pr_auc), "tpr_at_fpr_1e-2",
		figure(m->binary.tpr[0]), "tpr_at_fpr_1e-3", figure(m->binary.tpr[1]), "accuracy",
		figure(m->accuracy), "macro_f1", figure(m->macro_f1), "weighted_f1",
		figure(m->weighted_f1), "ece", figure(m->ece), "classes", classes, "confusion",
		confusion);
}
