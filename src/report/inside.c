/* What the network goes by, and how it learnt: the importance of the features, the training. */
#include <math.h>
#include <string.h>

#include "report/axis.h"
#include "report/report.h"
#include "report/svg.h"

enum { WIDTH = 360, MOST_FEATURES = 20 };

/* A bar that nobody could see is left out; the page's table has them all. */
static int features_worth_a_bar(const struct report *r)
{
	int n = 1;

	while (n < MOST_FEATURES && n < (int)r->features &&
		r->importance[n].loss >= r->importance[0].loss / 1000)
		n++;
	return n;
}

void chart_importance(FILE *out, const struct report *r, bool alone)
{
	int n = features_worth_a_bar(r);
	double top = 30, left = 144, most = fmax(r->importance[0].loss, 1e-4);
	char text[240];

	snprintf(text, sizeof(text),
		"By how much the loss of a row rises when one feature's values are dealt out anew "
		"among %zu rows, %d times; the first %d of %zu features. The first is %s.",
		r->importance_rows, r->importance_rounds, n, r->features, r->importance[0].name);
	svg_begin(out, "importance", WIDTH, top + 17.0 * n + 36, charts[CHART_IMPORTANCE].title,
		text, alone);
	for (int i = 0; i < n; i++) {
		const struct importance *f = &r->importance[i];
		double y = top + 17.0 * i, width = 160 * fmax(f->loss, 0) / most;

		svg_text(out, left - 6, y + 12.5, "e", "%s", f->name);
		if (f->loss > 0)
			svg_rect(out, left, y + 3, fmax(width, 0.5), 11, "fill-blue", 1);
		svg_text(out, left + width + 5, y + 12.5, "soft", "%.4f", f->loss);
	}
	svg_line(out, left, top, left, top + 17.0 * n, "edge");
	svg_text(out, WIDTH / 2.0, top + 17.0 * n + 22, "m", "rise of the loss (nats a row)");
	svg_end(out);
}

/* ---- training ---- */

static double figure(const json_t *epoch, const char *key)
{
	const json_t *v = json_object_get(epoch, key);

	return json_is_number(v) ? json_number_value(v) : NAN;
}

static void epoch_line(
	FILE *out, struct plot *p, const json_t *epochs, const char *key, const char *class)
{
	struct svg_path path = svg_path_begin(out, class);
	const json_t *epoch;
	size_t i;

	json_array_foreach (epochs, i, epoch) {
		double v = figure(epoch, key);

		if (!isnan(v))
			svg_path_to(&path, scale_at(&p->x, (double)i + 1), scale_at(&p->y, v));
	}
	svg_path_end(&path);
	if (json_array_size(epochs) == 1 && !isnan(figure(json_array_get(epochs, 0), key)))
		svg_mark(out, MARK_CIRCLE, scale_at(&p->x, 1),
			scale_at(&p->y, figure(json_array_get(epochs, 0), key)), 3, "fill-blue");
}

static const struct {
	const char *key, *name, *class;
} lines[] = {
	{"score", "score (best is kept)", "blue"},
	{"tpr_at_fpr_1e-2", "detected at 1 %", "orange dash"},
	{"macro_f1", "macro-F1", "green mixed"},
	{"accuracy", "accuracy", "pink dots"},
};
enum { LINES = sizeof(lines) / sizeof(lines[0]) };

/* The least and the greatest figure of the lines, or of the loss. */
static void limits(const json_t *epochs, bool loss, double *low, double *high)
{
	const json_t *epoch;
	size_t i;

	*low = 1e9;
	*high = 0;
	json_array_foreach (epochs, i, epoch) {
		for (int k = 0; k < (loss ? 1 : LINES); k++) {
			double v = figure(epoch, loss ? "loss" : lines[k].key);

			*low = fmin(*low, v);
			*high = fmax(*high, v);
		}
	}
}

void chart_training(FILE *out, const struct report *r, bool alone)
{
	const json_t *epochs = json_object_get(r->header, "epochs");
	double n = (double)json_array_size(epochs), low, high, best;
	struct plot loss = {52, 52, 284, 96, {.low = 1, .high = fmax(n, 2), .format = AXIS_COUNT},
		{.low = 0, .high = 1}};
	struct plot score = {
		52, 194, 284, 140, loss.x, {.low = 0, .high = 1, .format = AXIS_PERCENT}};
	char text[200];

	best = figure(json_object_get(r->header, "settings"), "best_epoch");
	limits(epochs, true, &low, &high);
	loss.y.high = high > 0 ? axis_round_up(high) : 1;
	limits(epochs, false, &low, &high);
	score.y.low = low > 0.9 ? 0.9 : low > 0.5 ? 0.5 : 0;
	snprintf(text, sizeof(text),
		"Loss of the rows learnt from and scores of the rows that validate, over %.0f "
		"epochs; epoch %.0f was kept.",
		n, best);
	svg_begin(out, "training", WIDTH, 412, charts[CHART_TRAINING].title, text, alone);
	svg_text(out, 52, 44, "", "loss of the rows learnt from");
	plot_frame(out, &loss, NULL, "loss", 8, 4);
	svg_text(out, 52, 185, "", "scores of the rows that validate");
	plot_frame(out, &score, "epoch", NULL, 8, 5);
	if (best >= 1 && best <= n) {
		double x = scale_at(&loss.x, best);

		svg_line(out, x, loss.top, x, loss.top + loss.height, "guide");
		svg_line(out, x, score.top, x, score.top + score.height, "guide");
	}
	epoch_line(out, &loss, epochs, "loss", "blue");
	for (int k = 0; k < LINES; k++) {
		double x = 14 + 180.0 * (k % 2), y = k < 2 ? 385 : 402;

		epoch_line(out, &score, epochs, lines[k].key, lines[k].class);
		snprintf(text, sizeof(text), "line %s", lines[k].class);
		svg_line(out, x, y - 4, x + 24, y - 4, text);
		svg_text(out, x + 30, y, "", "%s", lines[k].name);
	}
	svg_end(out);
}
