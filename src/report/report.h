/* The report of 'karma eval --report': one page that needs nothing but itself, and its pictures as
 * files of their own. What it shows is given by the caller; nothing is computed here. The same
 * values give the same bytes. */
#ifndef KARMA_REPORT_REPORT_H
#define KARMA_REPORT_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "lstm/curves.h"
#include "lstm/metrics.h"
#include "util/error.h"

/* What the network loses when the values of one feature are dealt out anew among the rows. */
struct importance {
	const char *name;
	double loss;   /* rise of the cross-entropy, nats a row; mean of the rounds */
	double spread; /* half of what lies between the rounds' least and greatest */
	double auc;    /* fall of the area under ROC; NAN where there is none */
};

enum { REPORT_THRESHOLDS = 3 };

struct report_threshold {
	const char *name; /* "even odds" */
	struct curve_point at;
	bool known;
};

struct report {
	const char *model;        /* the file's name */
	const json_t *header;     /* the model file's: data, settings, epochs */
	const json_t *data;       /* the scored files, as dataset.h describes them */
	const char *const *names; /* of the classes */
	const struct metrics *metrics;
	const struct curves *curves;
	struct report_threshold threshold[REPORT_THRESHOLDS];
	const struct importance *importance; /* (features), greatest loss first */
	size_t features, importance_rows;
	int importance_rounds;
};

/* Make DIR where there is none, and write index.html and the pictures there. 0, or a negative errno
 * with the line in `e`. */
int report_write(const char *directory, const struct report *r, struct error *e);

/* ---- within the room ---- */

/* A picture: `id` names its file and its element, `note` says on the page how to read it. NULL of
 * `lacks`: it can be drawn; else why not. */
struct chart {
	const char *id, *title, *note;
	void (*draw)(FILE *out, const struct report *r, bool alone);
	const char *(*lacks)(const struct report *r);
};

enum chart_name {
	CHART_ROC,
	CHART_ROC_LOG,
	CHART_PRECISION,
	CHART_SCORES,
	CHART_CONFUSION,
	CHART_RELIABILITY,
	CHART_IMPORTANCE,
	CHART_TRAINING,
	CHARTS
};
extern const struct chart charts[CHARTS];

void chart_roc(FILE *out, const struct report *r, bool alone);
void chart_roc_log(FILE *out, const struct report *r, bool alone);
void chart_precision(FILE *out, const struct report *r, bool alone);
void chart_scores(FILE *out, const struct report *r, bool alone);
void chart_confusion(FILE *out, const struct report *r, bool alone);
void chart_reliability(FILE *out, const struct report *r, bool alone);
void chart_importance(FILE *out, const struct report *r, bool alone);
void chart_training(FILE *out, const struct report *r, bool alone);

/* The page, with all pictures in it. */
void page_write(FILE *out, const struct report *r);

#endif
