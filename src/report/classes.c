/* Which attack, and how sure: the confusion matrix and the reliability diagram. */
#include <math.h>
#include <string.h>

#include "report/axis.h"
#include "report/report.h"
#include "report/svg.h"

enum { WIDTH = 360 };

/* Classes that are there or that something was taken for. */
static int shown_classes(const struct metrics *m, int shown[LSTM_MAX_CLASSES])
{
	int n = 0;

	for (int c = 0; c < m->classes; c++) {
		bool any = m->per_class[c].support > 0;

		for (int o = 0; o < m->classes; o++)
			any = any || m->confusion[o][c] > 0;
		if (any)
			shown[n++] = c;
	}
	return n;
}

static void confusion_cell(FILE *out, double x, double y, double side, double share, bool small)
{
	char text[16];

	if (share > 0) {
		svg_rect(out, x, y, side, side, "heat", 0.06 + 0.94 * share);
		if (share < 0.005)
			strcpy(text, "<1");
		else
			snprintf(text, sizeof(text), "%.0f", share * 100);
		svg_text(out, x + side / 2, y + side / 2 + (small ? 3.3 : 3.9),
			small ? "m small" : "m", "%s", text);
	}
	svg_rect(out, x, y, side, side, "cell", 1);
}

void chart_confusion(FILE *out, const struct report *r, bool alone)
{
	const struct metrics *m = r->metrics;
	int shown[LSTM_MAX_CLASSES], n = shown_classes(m, shown);
	double left = 108, top = 124, side = (WIDTH - 10 - left) / (n > 4 ? n : 4);
	char text[200];

	snprintf(text, sizeof(text),
		"A row for each true class, a column for each class that its rows were taken for, "
		"in percent of the row; accuracy %.4f. The counts are in the page's table.",
		m->accuracy);
	svg_begin(out, "confusion", WIDTH, top + n * side + 12, charts[CHART_CONFUSION].title, text,
		alone);
	svg_text(out, left - 8, top - 8, "soft e", "true class");
	svg_text(out, left - 8, 36, "soft e", "taken for");
	for (int i = 0; i < n; i++) {
		double y = top + i * side;
		size_t support = m->per_class[shown[i]].support;

		svg_text_up(out, left + (i + 0.5) * side + 3.8, top - 6, "", r->names[shown[i]]);
		svg_text(out, left - 8, y + side / 2 + 3.8, "e", "%s", r->names[shown[i]]);
		for (int k = 0; k < n; k++)
			confusion_cell(out, left + k * side, y, side,
				support ? (double)m->confusion[shown[i]][shown[k]] / (double)support
					: 0,
				n > 8);
	}
	svg_end(out);
}

void chart_reliability(FILE *out, const struct report *r, bool alone)
{
	const struct curves *c = r->curves;
	struct plot p = {52, 34, 284, 236, {.low = 0, .high = 1, .format = AXIS_PERCENT},
		{.low = 0, .high = 1, .format = AXIS_PERCENT}};
	double rows = (double)(c->attacks + c->normals);
	struct svg_path path;
	char text[200];

	snprintf(text, sizeof(text),
		"How often the likeliest class was right over how probable the network held it, in "
		"%d bins; expected calibration error %.4f.",
		CURVES_SURE_BINS, r->metrics->ece);
	svg_begin(out, "reliability", WIDTH, 340, charts[CHART_RELIABILITY].title, text, alone);
	plot_frame(out, &p, "probability of the likeliest class", "rows where it was right", 5, 5);
	svg_line(out, p.x.from, p.y.from, p.x.to, p.y.to, "guide");
	path = svg_path_begin(out, "blue");
	for (int b = 0; b < CURVES_SURE_BINS; b++)
		if (c->bin[b].rows)
			svg_path_to(&path, scale_at(&p.x, c->bin[b].sure),
				scale_at(&p.y, c->bin[b].right));
	svg_path_end(&path);
	for (int b = 0; b < CURVES_SURE_BINS; b++)
		if (c->bin[b].rows)
			svg_mark(out, MARK_CIRCLE, scale_at(&p.x, c->bin[b].sure),
				scale_at(&p.y, c->bin[b].right),
				2.5 + 6 * sqrt((double)c->bin[b].rows / rows), "fill-blue");
	svg_mark(out, MARK_CIRCLE, 14, 320, 4.5, "fill-blue");
	svg_text(out, 26, 324, "soft", "rows of this probability: the more, the larger");
	svg_end(out);
}
