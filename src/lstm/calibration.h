/* From logits to probabilities that mean what they say. Two questions are calibrated apart, so that
 * what tempers one does not shift the other: is it an attack, and which. Class 0 is Normal. */
#ifndef KARMA_LSTM_CALIBRATION_H
#define KARMA_LSTM_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

struct calibration {
	float temperature; /* logits are divided by it; 1: as they are */
	/* Attack or not, by the log-odds z of the logits as they are: its probability is that of
	 * slope * z + offset (Platt 1999), and `temperature` shares it out among the attacks.
	 * False: `temperature` is behind all probabilities. */
	bool attack_apart;
	float slope, offset;
};

/* Logits as they are. */
extern const struct calibration calibration_none;

/* Probabilities (C) of logits (C); they may be the same array. */
void calibration_apply(
	const struct calibration *c, const float *logits, int classes, float *probability);

/* What a calibration is fitted to. */
struct calibration_rows {
	const float *logits; /* (rows, C) */
	const int *label;    /* (rows): 0 .. C-1 */
	const float *weight; /* (rows): for how many each counts; NULL: one */
	size_t rows;
	int classes;
};

/* What makes the labels most likely for the logits: of attack or not with Platt's
 * prior, of the kind of attack over the attacks' rows (Guo et al. 2017). Without `shifted` the
 * offset is 0, so that the even odds stay where they are: a network that learnt its classes as
 * often as they come has no reason to be moved; one that learnt some of them for more has. All
 * figures stay within limits, whatever the rows; what no row tells of is left as it is. */
struct calibration calibration_fit(const struct calibration_rows *q, bool shifted);

#endif
