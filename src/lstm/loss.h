/* Loss of one row: -alpha[y] (1 - p[y])^gamma log p[y]. gamma 0 is cross-entropy; above it is the
 * focal loss of Lin et al. 2017, which turns the weight from rows that are right already to those
 * that are not. */
#ifndef KARMA_LSTM_LOSS_H
#define KARMA_LSTM_LOSS_H

#include "lstm/model.h"

struct loss {
	float gamma;
	float alpha[LSTM_MAX_CLASSES];
};

/* Loss of one row, times `weight`; d (C) becomes its gradient with respect to the logits (C). The
 * two may be the same array. With `target` (C), probabilities of the classes, it is the mean over
 * them in place of that of the label. A weight of 0 gives 0 and zeros, whatever the label. */
double loss_row(const struct loss *loss, int classes, const float *logits, int label,
	const float *target, float weight, float *d);

#endif
