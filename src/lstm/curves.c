#include "lstm/curves.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scored {
	float score;
	bool attack;
};

static int by_falling_score(const void *a, const void *b)
{
	float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;

	return (x < y) - (x > y);
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : NAN;
}

static struct curve_point point_of(const struct curves *c, double score, double hits, double alarms)
{
	return (struct curve_point){score, ratio(alarms, (double)c->normals),
		ratio(hits, (double)c->attacks), ratio(hits, hits + alarms)};
}

static void sweep(struct curves *c, struct scored *s, size_t rows)
{
	double hits = 0, alarms = 0;

	qsort(s, rows, sizeof(*s), by_falling_score);
	for (size_t r = 0; r < rows; r++) {
		hits += s[r].attack;
		alarms += !s[r].attack;
		if (r + 1 == rows || s[r + 1].score != s[r].score)
			c->point[c->points++] = point_of(c, (double)s[r].score, hits, alarms);
	}
}

/* The bins of the expected calibration error in metrics.c. */
static void count_sure(struct curves *c, const float *p, int classes, int label)
{
	int best = 0, b;

	for (int k = 1; k < classes; k++)
		if (p[k] > p[best])
			best = k;
	b = (int)(p[best] * CURVES_SURE_BINS);
	b = b >= CURVES_SURE_BINS ? CURVES_SURE_BINS - 1 : b;
	c->bin[b].rows++;
	c->bin[b].sure += (double)p[best];
	c->bin[b].right += best == label;
}

int curves_compute(struct curves *c, const float *probability, const int *label, size_t rows,
	int classes, struct error *e)
{
	struct scored *s = malloc((rows + 1) * sizeof(*s));

	memset(c, 0, sizeof(*c));
	c->point = calloc(rows + 1, sizeof(*c->point));
	if (!s || !c->point) {
		free(s);
		curves_free(c);
		return error_set(e, -ENOMEM, "not enough memory for the curves of %zu rows", rows);
	}
	for (size_t r = 0; r < rows; r++) {
		const float *p = probability + r * (size_t)classes;
		int b;

		s[r] = (struct scored){1.0f - p[0], label[r] != 0};
		b = (int)(s[r].score * CURVES_SCORE_BINS);
		b = b < 0 ? 0 : b >= CURVES_SCORE_BINS ? CURVES_SCORE_BINS - 1 : b;
		c->scores[s[r].attack][b]++;
		c->attacks += s[r].attack;
		c->normals += !s[r].attack;
		count_sure(c, p, classes, label[r]);
	}
	for (int b = 0; b < CURVES_SURE_BINS; b++) {
		c->bin[b].sure = ratio(c->bin[b].sure, (double)c->bin[b].rows);
		c->bin[b].right = ratio(c->bin[b].right, (double)c->bin[b].rows);
	}
	sweep(c, s, rows);
	free(s);
	return 0;
}

void curves_free(struct curves *c)
{
	free(c->point);
	memset(c, 0, sizeof(*c));
}

struct curve_point curves_at(const struct curves *c, double threshold)
{
	size_t low = 0, high = c->points;

	threshold = (double)(float)threshold; /* scores are floats; a file's digits are not all */
	/* The last point whose score is not below. */
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->point[middle].score >= threshold)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return point_of(c, threshold, 0, 0);
	return (struct curve_point){threshold, c->point[low - 1].fpr, c->point[low - 1].tpr,
		c->point[low - 1].precision};
}
