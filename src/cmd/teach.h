/* Teachers: what networks that have not seen a row say of it, for another network to learn from. */
#ifndef KARMA_CMD_TEACH_H
#define KARMA_CMD_TEACH_H

#include "cmd/dataset.h"
#include "lstm/train.h"
#include "util/error.h"

/* Cut the training part of `d` into `teachers` parts, equal rows on one side, and for each train a
 * network of `shape` on all others; soft (rows of d, CLASSES) receives its probabilities for the
 * rows of the part it has not seen. `data` and `settings` are those of the network that is to learn
 * from them; `stop` ends it early, the rows that are left with equal probabilities. -ENOMEM, and
 * what train() returns. */
int teach(struct dataset *d, const struct encoder *enc, struct lstm_shape shape,
	const struct train_data *data, const struct train_settings *settings, int teachers,
	const volatile sig_atomic_t *stop, float *soft, struct error *e);

#endif
