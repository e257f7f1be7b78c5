#include "cmd/eval_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/importance.h"
#include "lstm/curves.h"
#include "report/report.h"

/* Even odds, which the binary figures go by, and the two that the model's file chose. */
static void thresholds(struct report *r)
{
	static const struct {
		const char *name, *key;
	} chosen[REPORT_THRESHOLDS] = {{"even odds", NULL}, {"for 1 % false alarms", "fpr_1e-2"},
		{"for 0.1 % false alarms", "fpr_1e-3"}};
	const json_t *stored = json_object_get(r->header, "thresholds");

	for (int i = 0; i < REPORT_THRESHOLDS; i++) {
		const json_t *v = chosen[i].key ? json_object_get(stored, chosen[i].key) : NULL;

		r->threshold[i].name = chosen[i].name;
		r->threshold[i].known = !chosen[i].key || json_is_number(v);
		r->threshold[i].at = curves_at(r->curves, v ? json_number_value(v) : 0.5);
	}
}

int eval_report(const char *directory, const struct model *m, const char *path,
	const struct encoder *enc, const struct dataset *d, const float *probability,
	const int *label, const struct metrics *figures, struct error *e)
{
	struct importance *importance = calloc(enc->features + 1, sizeof(*importance));
	const char *names[CLASSES], *slash = strrchr(path, '/');
	struct curves curves = {0};
	struct report r = {
		.model = slash ? slash + 1 : path,
		.header = m->header,
		.data = d->description,
		.names = names,
		.metrics = figures,
		.curves = &curves,
		.importance = importance,
		.features = enc->features,
		.importance_rounds = IMPORTANCE_ROUNDS,
	};
	int err = importance ? 0 : error_set(e, -ENOMEM, "not enough memory for a report");

	for (int c = 0; c < CLASSES; c++)
		names[c] = class_name(c);
	if (!err)
		err = curves_compute(
			&curves, probability, label, figures->rows, figures->classes, e);
	if (!err)
		err = importance_measure(d, enc, m, importance, &r.importance_rows, e);
	if (!err) {
		thresholds(&r);
		err = report_write(directory, &r, e);
	}
	curves_free(&curves);
	free(importance);
	return err;
}
