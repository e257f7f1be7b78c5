/* The command line of karma train. */
#ifndef KARMA_CMD_TRAIN_OPTIONS_H
#define KARMA_CMD_TRAIN_OPTIONS_H

#include <stdbool.h>

#include "lstm/train.h"

enum alpha { ALPHA_NONE, ALPHA_ROOT, ALPHA_BALANCED };
extern const char *const train_alpha_names[];

struct train_options {
	const char *out;
	struct train_settings settings;
	int layers, hidden;
	enum alpha alpha;
	float gamma; /* of the focal loss */
	unsigned bins;
	bool share_given;
	double validation;       /* share of the data; 0 with one of the next two */
	const char *validate;    /* a file of the rows that validate; NULL: none */
	const char *calibration; /* a model whose calibration is taken; no rows validate */
	double blank;            /* share of the features that a row is shown without */
	const char *features;    /* NULL: those of the rows' form */
	bool cross_entropy, by_attack, one_view, as_published, json, resume;
	const char *log;
};

/* Is `text` a number from `low` to `high`, and which? */
bool train_read_number(const char *text, double low, double high, double *value);

/* EXIT_DONE, or what usage_error() gives; getopt's optind is then at the first file. */
int train_options_read(struct train_options *o, int argc, char **argv);

#endif
