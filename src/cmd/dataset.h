/* The rows of several CSV files as sequences for training and scoring: what is shared by karma
 * train and karma eval. */
#ifndef KARMA_CMD_DATASET_H
#define KARMA_CMD_DATASET_H

#include <jansson.h>

#include "feature/encode.h"
#include "feature/feature.h"
#include "lstm/model.h"
#include "lstm/plan.h"
#include "util/error.h"

/* What the heaviest rows of an attack weigh, where they weigh by attack. */
static const double dataset_heaviest = 3;

/* Rows of one actor in one file are a sequence, in their order; a row without an actor is one of
 * length one, as is every row for a model without memory, and an extra one (lstm/plan.h) where it
 * is soft. The rows of a sequence stand together. With both views a row with an actor is there
 * twice: rows with one target are a sequence, too. */
struct dataset {
	/* Set before files are read: */
	bool single;    /* rows are sequences of one */
	bool views;     /* rows are there in both views */
	bool by_attack; /* an attack's rows weigh by the root of their number */
	struct row *row;
	int *label;       /* (rows): enum karma_class, -1: not known */
	float *weight;    /* (rows): of its file; 0 where nothing is to be learnt from it */
	uint32_t *record; /* (rows): which of the records it is; two rows at most have the same */
	size_t rows, records;
	size_t unlabelled; /* of the records */
	size_t soft;       /* of the unlabelled: with probabilities of the classes in row[] */
	struct train_sequence *sequence;
	size_t sequences;
	size_t training; /* the first sequences, after dataset_split(); all others validate */
	size_t training_rows;
	size_t last_sequence, last_row; /* where the latest file's stand in their actors' view */
	uint32_t files;
	json_t *description; /* of each file: name, form, rows, sha256, weight, classes */
};

/* Read one more file. -EINVAL where it has no rows. dataset_free() it, also after an error. */
int dataset_add(
	struct dataset *d, const char *path, float weight, bool as_published, struct error *e);
void dataset_free(struct dataset *d);

/* Read one more file, all of whose rows validate; the last to be added. In their targets' view they
 * stand behind the training part, and nothing is learnt from them. */
int dataset_add_validation(struct dataset *d, const char *path, bool as_published, struct error *e);

/* Move about `share` of the data behind the training part. Whole sequences go, a like share of
 * each class's, rounded to the nearest; of the single rows those with equal features of `enc` stay
 * together; none with soft rows goes. A record goes in its actor's view; in its target's it stays,
 * and nothing is learnt from it (though it is among others of the same attack, which are: scores of
 * both views together flatter a little). The same data and seed give the same parts. -ENOMEM. */
int dataset_split(
	struct dataset *d, const struct encoder *enc, double share, uint64_t seed, struct error *e);

/* Can the split data be learnt from? Each class that has rows needs some to learn from; Normal and
 * attacks need some to validate with, too, if any are to. What is only worth knowing goes to
 * stderr. -EINVAL with the remedy. */
int dataset_check(const struct dataset *d, bool validates, struct error *e);

/* Of rows that all stand alone, keep those in their actors' view. Before a file that validates. */
void dataset_drop_target_view(struct dataset *d);

/* Records of each class that are learnt from. */
void dataset_count_learnt(const struct dataset *d, size_t per_class[CLASSES]);

/* Rows of each class among `count` rows; others are left out. */
void dataset_count(const int *label, size_t count, size_t per_class[CLASSES]);

/* Step a network through sequences `from` .. `to - 1`; logits (rows of the dataset, C) are filled
 * for their rows. `kernel`: as lstm_batch_new() takes it. -ENOMEM. */
int dataset_judge(const struct dataset *d, const struct encoder *enc, const struct lstm *net,
	const struct lstm_kernel *kernel, size_t from, size_t to, float *logits, struct error *e);

/* Give rows in their actors' view what a judge makes of both (detect/judge.h): the mean of the
 * logits. -ENOMEM. */
int dataset_join_views(const struct dataset *d, int classes, float *logits, struct error *e);

#endif
