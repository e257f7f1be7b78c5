/* The features of a row that live judging uses (SET_LIVE), as floats: what is kept of a flow in the
 * history, so that rows to train on can be made of it later, also by a later version of karma. */
#ifndef KARMA_FEATURE_PACK_H
#define KARMA_FEATURE_PACK_H

#include "feature/feature.h"

/* How many there are, in the order of the table; no more than FEATURE_MAX. */
unsigned pack_count(void);

/* (pack_count()) of a row; NAN: not known. */
void pack_row(const struct row *row, float *packed);

/* What the places mean, for a reader that may have another table: names set apart by blanks, a
 * category's with its values: "dur proto=tcp|udp sbytes". The string stays. */
const char *pack_form(void);

/* How to read what was packed in a form. */
struct unpacking {
	unsigned count; /* of floats */
	struct {
		int feature;      /* of this program's table; -1: it has none of that name */
		int8_t value[64]; /* of a category: the place in this program's list; -1: none */
	} place[FEATURE_MAX];
};

/* False: it is no form. */
bool unpacking_of(struct unpacking *u, const char *form);

/* Put the features into the row's values; all others become NAN. */
void unpack_row(const struct unpacking *u, const float *packed, struct row *row);

#endif
