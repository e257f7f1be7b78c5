/* A rate over time as a row of little bars. */
#ifndef KARMA_TOP_SPARK_H
#define KARMA_TOP_SPARK_H

#include "top/state.h"

enum { SPARK_COLUMNS = 512 };

/* The seconds that a point tells of. */
double spark_span(const struct state *s, uint64_t back);

/* The mean of a rate in a second over each of `width` columns of `seconds`, the last of which ends
 * with the latest point; one of which nothing is known is negative. Returns the highest. */
double spark_columns(
	const struct state *s, enum rate rate, double seconds, double *column, int width);

/* The bar of a value where `highest` is a full one; of a negative one a blank, and of 0 the lowest,
 * which is of nothing else. */
const char *spark_bar(double value, double highest, bool utf8);

#endif
