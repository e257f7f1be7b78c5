/* karma eval --report: from judged rows to what the page shows. */
#ifndef KARMA_CMD_EVAL_REPORT_H
#define KARMA_CMD_EVAL_REPORT_H

#include "cmd/dataset.h"
#include "lstm/metrics.h"

/* Write the report on model `m` (of file `path`) into `directory`. `probability` (rows, C) and
 * `label` (rows) are the scored rows that `figures` were computed from. 0, or a negative errno with
 * the line in `e`. */
int eval_report(const char *directory, const struct model *m, const char *path,
	const struct encoder *enc, const struct dataset *d, const float *probability,
	const int *label, const struct metrics *figures, struct error *e);

#endif
