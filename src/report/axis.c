#include "report/axis.h"

#include <math.h>
#include <string.h>

#include "report/svg.h"

double scale_at(const struct scale *s, double value)
{
	double part;

	if (s->log)
		part = value > 0 ? log(value / s->low) / log(s->high / s->low) : 0;
	else
		part = (value - s->low) / (s->high - s->low);
	part = fmin(fmax(part, 0), 1);
	return s->from + part * (s->to - s->from);
}

double axis_round_up(double v)
{
	double power = pow(10, floor(log10(v)));
	double m = v / power;

	return power * (m <= 1 + 1e-9 ? 1 : m <= 2 + 1e-9 ? 2 : m <= 5 + 1e-9 ? 5 : 10);
}

int scale_ticks(const struct scale *s, int wanted, double tick[AXIS_TICKS])
{
	int n = 0;

	if (s->log) {
		for (double e = ceil(log10(s->low) - 1e-9); n < AXIS_TICKS; e++) {
			if (e > log10(s->high) + 1e-9)
				break;
			tick[n++] = pow(10, e);
		}
	} else {
		double step = axis_round_up((s->high - s->low) / wanted);

		if (s->format == AXIS_COUNT && step < 1)
			step = 1;
		for (double k = ceil(s->low / step - 1e-9); n < AXIS_TICKS; k++) {
			if (k * step > s->high + step * 1e-6)
				break;
			tick[n++] = k * step;
		}
	}
	return n;
}

void axis_count(char text[32], size_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%zu", count), to = 0;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
}

void axis_label(char text[32], enum axis_format format, double value)
{
	if (fabs(value) < 1e-12)
		value = 0; /* and not -0 */
	if (format == AXIS_PERCENT)
		snprintf(text, 32, "%.4g %%", round(value * 1e8) / 1e6);
	else if (format == AXIS_COUNT && value >= 1e3)
		snprintf(text, 32, "%.4g%s", value / (value >= 1e6 ? 1e6 : 1e3),
			value >= 1e6 ? "M" : "k");
	else
		snprintf(text, 32, "%.4g", value);
}

void plot_frame(
	FILE *out, struct plot *p, const char *x_name, const char *y_name, int x_ticks, int y_ticks)
{
	double tick[AXIS_TICKS];
	double bottom = p->top + p->height;
	char text[32];
	int n;

	p->x.from = p->left;
	p->x.to = p->left + p->width;
	p->y.from = bottom;
	p->y.to = p->top;
	n = scale_ticks(&p->x, x_ticks, tick);
	for (int i = 0; i < n; i++) {
		double x = scale_at(&p->x, tick[i]);

		svg_line(out, x, p->top, x, bottom, "grid");
		axis_label(text, p->x.format, tick[i]);
		svg_text(out, x, bottom + 17, "soft m", "%s", text);
	}
	n = scale_ticks(&p->y, y_ticks, tick);
	for (int i = 0; i < n; i++) {
		double y = scale_at(&p->y, tick[i]);

		svg_line(out, p->left, y, p->left + p->width, y, "grid");
		axis_label(text, p->y.format, tick[i]);
		svg_text(out, p->left - 5, y + 3.8, "soft e", "%s", text);
	}
	svg_line(out, p->left, bottom, p->left + p->width, bottom, "edge");
	svg_line(out, p->left, p->top, p->left, bottom, "edge");
	if (x_name)
		svg_text(out, p->left + p->width / 2, bottom + 31, "m", "%s", x_name);
	if (y_name)
		svg_text_up(out, 11, p->top + p->height / 2, "m", y_name);
}
