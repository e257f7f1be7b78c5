/* How much a network goes by each feature: its values are dealt out anew among the rows, and what
 * the network loses by that is measured (Breiman 2001). */
#ifndef KARMA_CMD_IMPORTANCE_H
#define KARMA_CMD_IMPORTANCE_H

#include "cmd/dataset.h"
#include "report/report.h"

enum { IMPORTANCE_ROWS = 10000, IMPORTANCE_ROUNDS = 3 };

/* Over the labelled rows of at most IMPORTANCE_ROWS rows, whole sequences where they fit, drawn the
 * same way each time. Fills in `list` (enc->features), greatest loss first, and `rows`. The rows of
 * `d` are changed on the way and are what they were afterwards. -ENOMEM. */
int importance_measure(const struct dataset *d, const struct encoder *enc, const struct model *m,
	struct importance *list, size_t *rows, struct error *e);

#endif
