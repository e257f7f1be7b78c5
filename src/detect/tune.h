/* Tuning the last layer to a site: the logit of Normal gets a linear term of its own, d . h, with h
 * the memory in the last layer, so that what the site does every day looks more normal.
 *
 * Nobody attacks a site to have it learnt, so there is nothing to say what must go on looking like
 * an attack but the model itself. Therefore d is orthogonal to every direction by which the model
 * tells an attack from Normal (the differences of their columns in the last layer): however far a
 * memory lies in such a direction, d does not see it. It is orthogonal to the mean memory of the
 * records that do not look odd, too: else it would be a bias towards Normal for whatever comes. And
 * d is short: its length is held to a quarter of the mean length of these differences, and it is
 * pulled to 0 while it is fitted (a few dozen steps of gradient descent on the cross-entropy of the
 * site's records as Normal, L2). */
#ifndef KARMA_DETECT_TUNE_H
#define KARMA_DETECT_TUNE_H

#include <stdbool.h>

#include "detect/judge.h"
#include "lstm/model.h"

struct tuning {
	int hidden;
	float term[LSTM_MAX_HIDDEN]; /* d */
};

struct tuner;

/* NULL when memory is short. */
struct tuner *tuner_new(const struct model *m);
void tuner_free(struct tuner *t);

/* Take in the memory behind a verdict as one of the site's. A bounded sample is kept, half of it of
 * those that look at all like an attack. `target`: the other end of the record. */
void tuner_take(struct tuner *t, const struct verdict *v, const uint8_t target[16]);

struct tuned {
	uint32_t records;     /* in the sample */
	double before, after; /* mean cross-entropy of the sample as Normal */
	double length;        /* of d, as a share of the mean length of the differences */
};

/* Fit to all but records that `left_out` knows. false: there are none. */
bool tuner_fit(struct tuner *t,
	bool (*left_out)(const void *context, const uint8_t actor[16], const uint8_t target[16]),
	const void *context, struct tuning *out, struct tuned *how);

/* Add it to a model's last layer. false: it is for another shape. */
bool tuning_apply(const struct tuning *t, struct model *m);

json_t *tuning_json(const struct tuning *t);
/* -EINVAL: not what tuning_json() makes. */
int tuning_read(struct tuning *t, const json_t *j);

#endif
