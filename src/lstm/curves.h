/* What the report draws of predictions: the points of the ROC and precision-recall curves, how the
 * scores are spread, and how often the network is right when it is so sure. The figures to these
 * are struct metrics'. */
#ifndef KARMA_LSTM_CURVES_H
#define KARMA_LSTM_CURVES_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

enum { CURVES_SCORE_BINS = 25, CURVES_SURE_BINS = 15 };

/* With every row an attack whose score (1 - p(Normal)) is at least this. */
struct curve_point {
	double score, fpr, tpr, precision;
};

struct curves {
	size_t attacks, normals;
	struct curve_point *point; /* falling scores; each different score once */
	size_t points;
	size_t scores[2][CURVES_SCORE_BINS]; /* rows with scores from 0 to 1: normal, attacks */
	struct {
		size_t rows;
		double sure, right; /* mean probability of the likeliest class; share that it was */
	} bin[CURVES_SURE_BINS];
};

/* From probability (rows, C) and label (rows). curves_free() it. -ENOMEM. */
int curves_compute(struct curves *c, const float *probability, const int *label, size_t rows,
	int classes, struct error *e);
void curves_free(struct curves *c);

/* The point at a threshold. Rates that have no rows are NAN. */
struct curve_point curves_at(const struct curves *c, double threshold);

#endif
