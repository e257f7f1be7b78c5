/* From a row to the network's inputs: which features, how scaled. The description is kept in the
 * model file, with a hash of the feature table's rows it uses, so that a model and a table that do
 * not match are told apart. */
#ifndef KARMA_FEATURE_ENCODE_H
#define KARMA_FEATURE_ENCODE_H

#include <jansson.h>

#include "feature/feature.h"
#include "util/error.h"

struct encoder {
	unsigned features;
	uint16_t feature[FEATURE_MAX]; /* index into the table */
	unsigned inputs;               /* numbers give one, categories one per value */
	float mean[FEATURE_MAX];       /* of the scaled number; 0 for categories */
	float scale[FEATURE_MAX];      /* 1 / standard deviation; 0: it never varied in training */
};

/* All features of a set (SET_LIVE or SET_PUBLISHED), not yet fitted: mean 0, scale 1. */
void encoder_init(struct encoder *enc, unsigned set);

/* Mean and standard deviation of each number over the rows, unknown values left out. A number that
 * never varied, or was never known, teaches nothing: its input is held at 0. */
void encoder_fit(struct encoder *enc, const struct row *rows, size_t count);

/* x (inputs). Unknown numbers become 0, the mean; scaled values are clipped to +-8. A category is
 * 1 in the place of its value; all 0 where it is unknown. */
void encoder_apply(const struct encoder *enc, const struct row *row, float *x);

/* The same with feature `blank` (an index into enc->feature) unknown: what would the network say
 * without it? */
void encoder_apply_without(
	const struct encoder *enc, const struct row *row, unsigned blank, float *x);

/* A new reference; NULL when memory is short. */
json_t *encoder_to_json(const struct encoder *enc);

/* 0; -EINVAL where it is no such description, -EPROTO where the model was trained with another
 * feature table, with the line in `e`. */
int encoder_from_json(struct encoder *enc, const json_t *description, struct error *e);

#endif
