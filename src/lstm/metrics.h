/* How good predictions are: the figures of 'karma eval'. Class 0 is Normal; every other class is an
 * attack. A figure that has no meaning for the rows at hand (a rate without rows) is NAN. */
#ifndef KARMA_LSTM_METRICS_H
#define KARMA_LSTM_METRICS_H

#include <jansson.h>
#include <stddef.h>

#include "lstm/model.h"
#include "util/error.h"

enum { METRICS_FPR_POINTS = 2 };
extern const double metrics_fpr[METRICS_FPR_POINTS]; /* 0.01, 0.001 */

struct metrics_class {
	size_t support; /* rows of the class */
	double precision, recall, f1;
};

struct metrics {
	size_t rows;
	int classes;
	struct { /* attack: 1 - p(Normal) >= 1/2 */
		double accuracy, precision, recall, f1, fpr;
		double roc_auc; /* a tie of an attack and a normal row counts one half */
		double pr_auc;  /* average precision: sum of precision * step of recall */
		/* The highest recall with a false positive rate of at most metrics_fpr[i], and the
		 * least score that still counts as an attack there. */
		double tpr[METRICS_FPR_POINTS], threshold[METRICS_FPR_POINTS];
	} binary;
	double accuracy;              /* of the most likely class */
	double macro_f1, weighted_f1; /* over the classes that have rows */
	double ece; /* expected calibration error of the most likely class, 15 equal bins */
	struct metrics_class per_class[LSTM_MAX_CLASSES];
	size_t confusion[LSTM_MAX_CLASSES][LSTM_MAX_CLASSES]; /* [true][predicted] */
};

/* From probability (rows, C) and label (rows), each 0 .. C-1. 0; -EINVAL when there are no rows;
 * -ENOMEM. */
int metrics_compute(struct metrics *m, const float *probability, const int *label, size_t rows,
	int classes, struct error *e);

/* The object of 'karma eval --json', a new reference; NAN becomes null. `names` (C). */
json_t *metrics_to_json(const struct metrics *m, const char *const *names);

#endif
