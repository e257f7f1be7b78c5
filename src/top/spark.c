#include "top/spark.h"

enum { LEVELS = 8 };

/* A longer pause between two points is one of which nothing is known. */
static const double pause_s = 5;

double spark_span(const struct state *s, uint64_t back)
{
	const struct point *p = state_point(s, back), *before = state_point(s, back + 1);
	double span = p && before ? p->at - before->at : s->step;

	return span > pause_s && span > 1.5 * s->step ? s->step : span;
}

double spark_columns(
	const struct state *s, enum rate rate, double seconds, double *column, int width)
{
	const struct point *p, *last = state_point(s, 0);
	double known[SPARK_COLUMNS] = {0}, highest = 0;

	width = width > SPARK_COLUMNS ? SPARK_COLUMNS : width;
	for (int i = 0; i < width; i++)
		column[i] = -1;
	/* What came in a span is spread over the columns that it reaches into. */
	for (uint64_t back = 0; width > 0 && (p = state_point(s, back)); back++) {
		double span = spark_span(s, back), to = (last->at - p->at) / seconds;
		double from = to + span / seconds;

		if (to >= width)
			break;
		for (int c = (int)to; c < from && c < width; c++) {
			double share = (from < c + 1 ? from : c + 1) - (to > c ? to : c);
			int at = width - 1 - c;

			column[at] =
				(column[at] < 0 ? 0 : column[at]) + p->rate[rate] / span * share;
			known[at] += share;
		}
	}
	for (int i = 0; i < width; i++) {
		column[i] = known[i] > 1e-6 ? column[i] / known[i] : -1;
		highest = column[i] > highest ? column[i] : highest;
	}
	return highest;
}

const char *spark_bar(double value, double highest, bool utf8)
{
	static const char *const bar[2][LEVELS] = {{"_", ".", ":", "-", "=", "+", "*", "#"},
		{"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"}};
	int level = 0;

	if (value < 0)
		return " ";
	if (value > 0 && highest > 0) {
		level = 1 + (int)(value / highest * (LEVELS - 1) - 0.001);
		level = level >= LEVELS ? LEVELS - 1 : level;
	}
	return bar[utf8][level];
}
