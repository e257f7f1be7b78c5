/* From a row to the network's inputs: which features, how encoded. The description is kept in the
 * model file, with a hash of the feature table's rows it uses, so that a model and a table that do
 * not match are told apart.
 *
 * There are two forms. Plain: a number is scaled and standardised and is one dense input; a
 * category is as many, one-hot. In bins: a number stands between two of the knots that cut its
 * values in training into bins of about as many rows, and is two entries, shared as near as it is
 * to either (Gorishniy et al. 2022, piecewise-linear encoding, by prefix sums); a category is one
 * entry. The network so learns a weight for each place along a number, at the cost of two.
 *
 * A network that remembers hosts in both views has one input more, the last: 1 where a row is shown
 * in its target's. */
#ifndef KARMA_FEATURE_ENCODE_H
#define KARMA_FEATURE_ENCODE_H

#include <jansson.h>

#include "feature/feature.h"
#include "lstm/model.h"
#include "util/error.h"

enum { ENCODER_BINS = 64, ENCODER_ENTRIES = 2 * FEATURE_MAX + 1 };

struct encoder {
	unsigned features;
	uint16_t feature[FEATURE_MAX]; /* index into the table */
	bool binned;                   /* the form: in bins, or plain */
	bool views;                    /* the network is shown rows in both views */
	unsigned inputs;               /* rows of the network's first matrix */
	unsigned dense;                /* how many of them are given as numbers: all, or none */
	float mean[FEATURE_MAX];       /* plain: of the scaled number; 0 for categories */
	float scale[FEATURE_MAX];      /* plain: 1 / standard deviation; 0: it never varied */
	/* In bins: places on the scaled number, rising; a category has none, nor has a number that
	 * never varied. */
	unsigned knots[FEATURE_MAX];
	float knot[FEATURE_MAX][ENCODER_BINS + 1];
};

/* All features of a set (SET_LIVE or SET_PUBLISHED), plain and not yet fitted: mean 0, scale 1. */
void encoder_init(struct encoder *enc, unsigned set);

/* The features of a list instead: names apart by commas, with "live" and "published" for the two
 * sets; "ct_*" is all that begin so; "-NAME" takes out what stood before it. Any number or category
 * will do, those of no set as well. -EINVAL with the line in `e`: a name is unknown, is no number
 * or category, or nothing is left. */
int encoder_choose(struct encoder *enc, const char *list, struct error *e);

/* Show the network rows in both views; before encoder_fit(). */
void encoder_show_views(struct encoder *enc);

/* Learn the scaling from the rows, unknown values left out: plain with `bins` 0, else at most so
 * many bins (<= ENCODER_BINS) for a number. A number that never varied, or was never known, teaches
 * nothing: its dense input is held at 0, and it has no entries. -ENOMEM. */
int encoder_fit(struct encoder *enc, const struct row *rows, size_t count, unsigned bins);

/* The row as the network takes it: x (dense) and entry (at most ENCODER_ENTRIES) are filled; the
 * number of entries is returned. Features k with blank[k] are taken as unknown; NULL: none is.
 * Plain, an unknown number becomes 0, the mean, and scaled values are clipped to +-8; in bins it
 * has no entry, and what lies outside the knots is as the last one. An unknown category has none of
 * its values. */
int encoder_apply(const struct encoder *enc, const struct row *row, const bool *blank, float *x,
	struct lstm_entry *entry);

/* A new reference; NULL when memory is short. */
json_t *encoder_to_json(const struct encoder *enc);

/* 0; -EINVAL where it is no such description, -EPROTO where the model was trained with another
 * feature table, with the line in `e`. */
int encoder_from_json(struct encoder *enc, const json_t *description, struct error *e);

#endif
