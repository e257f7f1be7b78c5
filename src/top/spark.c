#include "top/spark.h"

enum { LEVELS = 8 };

double spark_columns(
	const struct state *s, enum rate rate, double seconds, double *column, int width)
{
	const struct point *p, *last = state_point(s, 0);
	double highest = 0, sum = 0;
	int at = width - 1, n = 0;

	for (int i = 0; i < width; i++)
		column[i] = -1;
	/* From the latest back: a column is whole when a point of one before it comes. */
	for (uint64_t back = 0; width > 0 && (p = state_point(s, back)); back++) {
		double ago = (last->at - p->at) / seconds;
		int here = ago < width ? width - 1 - (int)ago : -1;

		if (here != at && n) {
			column[at] = sum / n / s->step;
			sum = 0, n = 0;
		}
		if (here < 0)
			break;
		at = here;
		sum += p->rate[rate];
		n++;
	}
	if (n)
		column[at] = sum / n / s->step;
	for (int i = 0; i < width; i++)
		highest = column[i] > highest ? column[i] : highest;
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
