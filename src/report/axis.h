/* A plot's frame: scales, their ticks, axes with labels. */
#ifndef KARMA_REPORT_AXIS_H
#define KARMA_REPORT_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum axis_format { AXIS_NUMBER, AXIS_PERCENT, AXIS_COUNT };

struct scale {
	double low, high; /* values; low > 0 where it is logarithmic */
	double from, to;  /* where they are on the picture */
	bool log;
	enum axis_format format;
};

struct plot {
	double left, top, width, height;
	struct scale x, y;
};

enum { AXIS_TICKS = 12 };

/* Where a value is; what is outside is put on the edge. */
double scale_at(const struct scale *s, double value);

/* Round values between low and high, at most AXIS_TICKS, about as many as `wanted`. */
int scale_ticks(const struct scale *s, int wanted, double tick[AXIS_TICKS]);

/* The least 1, 2 or 5 times a power of ten that is not below v. */
double axis_round_up(double v);

/* "0.25", "5 %", "1,200"; shortest for one of the ticks. */
void axis_label(char text[32], enum axis_format format, double value);

/* Grid, ticks, their labels and the names of both axes. The names go where 30 units below and 44
 * left of the plot are free. */
void plot_frame(FILE *out, struct plot *p, const char *x_name, const char *y_name, int x_ticks,
	int y_ticks);

/* "1,234,567" */
void axis_count(char text[32], size_t count);

#endif
