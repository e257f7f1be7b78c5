/* Attack or not: the ROC and precision-recall curves, and how the scores are spread. */
#include <math.h>

#include "report/axis.h"
#include "report/report.h"
#include "report/svg.h"

enum { WIDTH = 360, LEFT = 52, TOP = 34, PLOT_WIDTH = 284, PLOT_HEIGHT = 236 };

static const struct {
	enum svg_mark mark;
	const char *class;
} marks[REPORT_THRESHOLDS] = {
	{MARK_CIRCLE, "fill-orange"}, {MARK_SQUARE, "fill-green"}, {MARK_TRIANGLE, "fill-pink"}};

static const char *percent(char text[32], double share)
{
	if (isnan(share))
		return "-";
	snprintf(text, 32, "%.2f %%", share * 100);
	return text;
}

/* Under the plot: what each mark on the curve is, and what it gives. */
static void legend(FILE *out, const struct report *r, double top, const char *second,
	double (*value)(const struct curve_point *))
{
	char text[32];
	double y = top;

	svg_text(out, 26, y, "soft", "threshold");
	svg_text(out, 196, y, "soft e", "score from");
	svg_text(out, 272, y, "soft e", "detected");
	svg_text(out, 350, y, "soft e", "%s", second);
	for (int i = 0; i < REPORT_THRESHOLDS; i++) {
		const struct report_threshold *t = &r->threshold[i];

		if (!t->known)
			continue;
		y += 17;
		svg_mark(out, marks[i].mark, 14, y - 4, 4.5, marks[i].class);
		svg_text(out, 26, y, "", "%s", t->name);
		svg_text(out, 196, y, "e", "%.4f", t->at.score);
		svg_text(out, 272, y, "e", "%s", percent(text, t->at.tpr));
		svg_text(out, 350, y, "e", "%s", percent(text, value(&t->at)));
	}
}

static double false_alarms(const struct curve_point *p)
{
	return p->fpr;
}

static double precision(const struct curve_point *p)
{
	return p->precision;
}

static void roc(FILE *out, const struct report *r, bool log_scale, const char *id,
	const char *title, bool alone)
{
	const struct curves *c = r->curves;
	struct plot p = {LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT,
		{.low = 0, .high = 1, .format = AXIS_PERCENT},
		{.low = 0, .high = 1, .format = AXIS_PERCENT}};
	double bottom = TOP + PLOT_HEIGHT;
	struct svg_path path;
	char text[200];

	if (log_scale) {
		p.x.log = true;
		p.x.low = fmax(1e-5, fmin(1e-2, pow(10, floor(-log10((double)c->normals)))));
	}
	snprintf(text, sizeof(text),
		"Share of %zu attack rows detected over the share of %zu normal rows taken for "
		"attacks; area under ROC %.4f.",
		c->attacks, c->normals, r->metrics->binary.roc_auc);
	svg_begin(out, id, WIDTH, bottom + 110, title, text, alone);
	plot_frame(out, &p, "normal rows taken for attacks", "attacks detected", 5, 5);
	path = svg_path_begin(out, "guide");
	for (int i = 0; i <= 100; i++) {
		double v = log_scale ? p.x.low * pow(p.x.high / p.x.low, i / 100.0) : i / 100.0;

		svg_path_to(&path, scale_at(&p.x, v), scale_at(&p.y, v));
	}
	svg_path_end(&path);
	path = svg_path_begin(out, "blue");
	svg_path_to(&path, p.x.from, p.y.from);
	for (size_t i = 0; i < c->points; i++)
		svg_path_to(
			&path, scale_at(&p.x, c->point[i].fpr), scale_at(&p.y, c->point[i].tpr));
	svg_path_end(&path);
	for (int i = 0; i < REPORT_THRESHOLDS; i++)
		if (r->threshold[i].known)
			svg_mark(out, marks[i].mark, scale_at(&p.x, r->threshold[i].at.fpr),
				scale_at(&p.y, r->threshold[i].at.tpr), 4.5, marks[i].class);
	legend(out, r, bottom + 51, "false alarms", false_alarms);
	svg_end(out);
}

void chart_roc(FILE *out, const struct report *r, bool alone)
{
	roc(out, r, false, "roc", charts[CHART_ROC].title, alone);
}

void chart_roc_log(FILE *out, const struct report *r, bool alone)
{
	roc(out, r, true, "roc-log", charts[CHART_ROC_LOG].title, alone);
}

void chart_precision(FILE *out, const struct report *r, bool alone)
{
	const struct curves *c = r->curves;
	struct plot p = {LEFT, TOP, PLOT_WIDTH, PLOT_HEIGHT,
		{.low = 0, .high = 1, .format = AXIS_PERCENT},
		{.low = 0, .high = 1, .format = AXIS_PERCENT}};
	double bottom = TOP + PLOT_HEIGHT;
	double share = (double)c->attacks / (double)(c->attacks + c->normals);
	struct svg_path path;
	char text[200];

	snprintf(text, sizeof(text),
		"Precision over the share of %zu attack rows detected; area %.4f. %.1f %% of the "
		"rows are attacks.",
		c->attacks, r->metrics->binary.pr_auc, share * 100);
	svg_begin(out, "precision-recall", WIDTH, bottom + 110, charts[CHART_PRECISION].title, text,
		alone);
	plot_frame(out, &p, "attacks detected", "alarms that are right", 5, 5);
	svg_line(out, p.left, scale_at(&p.y, share), p.left + p.width, scale_at(&p.y, share),
		"guide");
	path = svg_path_begin(out, "blue");
	for (size_t i = 0; i < c->points; i++) {
		double x = scale_at(&p.x, i ? c->point[i - 1].tpr : 0);

		svg_path_to(&path, x, scale_at(&p.y, c->point[i].precision));
		svg_path_to(&path, scale_at(&p.x, c->point[i].tpr),
			scale_at(&p.y, c->point[i].precision));
	}
	svg_path_end(&path);
	for (int i = 0; i < REPORT_THRESHOLDS; i++)
		if (r->threshold[i].known && !isnan(r->threshold[i].at.precision))
			svg_mark(out, marks[i].mark, scale_at(&p.x, r->threshold[i].at.tpr),
				scale_at(&p.y, r->threshold[i].at.precision), 4.5, marks[i].class);
	legend(out, r, bottom + 51, "precision", precision);
	svg_end(out);
}

/* ---- how the scores are spread ---- */

static void score_panel(FILE *out, const struct report *r, int attack, double top, double most)
{
	struct plot p = {LEFT, top, PLOT_WIDTH, 112, {.low = 0, .high = 1},
		{.low = 0.5, .high = most, .log = true, .format = AXIS_COUNT}};
	char count[32];

	axis_count(count, attack ? r->curves->attacks : r->curves->normals);
	svg_mark(out, attack ? MARK_SQUARE : MARK_CIRCLE, LEFT + 6, top - 11, 4.5,
		attack ? "fill-orange" : "fill-blue");
	svg_text(out, LEFT + 16, top - 7, "", "%s %s rows", count, attack ? "attack" : "normal");
	plot_frame(out, &p, attack ? "score: probability of an attack" : NULL, "rows", 5, 5);
	for (int b = 0; b < CURVES_SCORE_BINS; b++) {
		size_t rows = r->curves->scores[attack][b];
		double wide = p.width / CURVES_SCORE_BINS;
		double y = scale_at(&p.y, (double)rows);

		if (rows)
			svg_rect(out, p.left + b * wide + 0.75, y, wide - 1.5, p.y.from - y,
				attack ? "fill-orange" : "fill-blue", 1);
	}
	for (int i = 0; i < REPORT_THRESHOLDS; i++) {
		double x = scale_at(&p.x, r->threshold[i].at.score);

		if (r->threshold[i].known)
			svg_line(out, x, top, x, top + p.height, "guide");
	}
}

void chart_scores(FILE *out, const struct report *r, bool alone)
{
	const struct curves *c = r->curves;
	char text[200];
	double most = 10;

	for (int b = 0; b < CURVES_SCORE_BINS; b++)
		while ((double)c->scores[0][b] > most || (double)c->scores[1][b] > most)
			most *= 10;
	snprintf(text, sizeof(text),
		"How many of %zu normal and %zu attack rows have which score, in %d bins, on a "
		"logarithmic scale; dashed lines at the thresholds.",
		c->normals, c->attacks, CURVES_SCORE_BINS);
	svg_begin(out, "scores", WIDTH, 374, charts[CHART_SCORES].title, text, alone);
	score_panel(out, r, 0, 52, most);
	score_panel(out, r, 1, 222, most);
	svg_end(out);
}
