/* Verdicts of another model: a file as --scores writes it, with other probabilities in it. So a
 * model that Karma cannot run (trees, a network of another make) is weighed, and compared, by the
 * same evidence and alerts. */
#ifndef KARMA_CMD_VERDICTS_H
#define KARMA_CMD_VERDICTS_H

#include <stdint.h>

#include "feature/feature.h"
#include "util/error.h"

struct verdicts;

/* 0, or a negative errno and the line. verdicts_close() it. */
int verdicts_open(struct verdicts **v, const char *path, struct error *e);
void verdicts_close(struct verdicts *v); /* NULL is fine */

/* The columns that --scores writes. */
void verdicts_write_header(FILE *out);

/* The next line's probabilities. -EINVAL where it is not of this flow, or the file is at its end.
 */
int verdicts_next(
	struct verdicts *v, uint64_t flow_id, float probability[CLASSES], struct error *e);

#endif
