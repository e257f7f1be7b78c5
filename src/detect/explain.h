/* From features that made the model sure of an attack to words. */
#ifndef KARMA_DETECT_EXPLAIN_H
#define KARMA_DETECT_EXPLAIN_H

#include "feature/encode.h"
#include "feature/feature.h"

/* By how much the log-odds of attack fall without a feature (or a group of them). */
struct telling {
	unsigned feature; /* index into the table: the one to name */
	double weight;
};

/* Features with the same words (a counter over several windows, the share of it) are left out
 * together: without one of them alone the others would still tell. True when feature `first` of
 * the encoder begins such a group (a feature alone is one) that could be a reason: it has words for
 * its value. `in_group` (enc->features): who belongs to it; `named`: the one to name, the largest
 * value, in the shortest window that has it (one: in the longest). */
bool explain_group(const struct encoder *enc, const struct row *row, unsigned first, bool *in_group,
	unsigned *named);

/* The most telling in words: what was tried comes with what became of it, "1,000 ports of 10.0.0.2
 * in 2 s, 994 refused". At most `most`; what hardly tells is left out. Changes `t`. Returns how
 * many reasons of at most `size` bytes were written. */
unsigned explain_words(struct telling *t, unsigned count, const struct row *row, unsigned most,
	size_t size, char (*reason)[size]);

#endif
