/* What a training tells of its epochs: an object each, in the model's header, in the checkpoint
 * and, as JSON lines, in the file of --log. */
#ifndef KARMA_CMD_TRAIN_LOG_H
#define KARMA_CMD_TRAIN_LOG_H

#include <jansson.h>
#include <stdio.h>

#include "lstm/metrics.h"
#include "lstm/train.h"
#include "util/error.h"

struct train_log {
	json_t *epochs;   /* array of objects: epoch, loss, score, tpr_at_fpr_1e-2, macro_f1,
			     accuracy, seconds; owned */
	const char *path; /* of --log; NULL: none */
	FILE *file;
};

/* `path`: where the lines go, NULL: nowhere; "/dev/stderr" and pipes are fine. */
int train_log_open(struct train_log *l, const char *path, struct error *e);

/* The training begins: what the file had goes. `epochs`, taken over: of the run that goes on, they
 * are written first; NULL: none. */
void train_log_begin(struct train_log *l, json_t *epochs);

/* An epoch is over. `seconds`: since the training began. */
void train_log_add(struct train_log *l, const struct train_progress *p, const struct metrics *m,
	double seconds);

/* Of the epochs all that the same data, settings and seed give again: not the seconds. A new
 * reference. */
json_t *train_log_describe(const struct train_log *l);

/* 0, or a negative errno where lines were lost. Harmless when it was not opened. */
int train_log_close(struct train_log *l, struct error *e);

#endif
