/* What 'karma bench' measures: bench.c has the table. */
#ifndef KARMA_CMD_BENCH_H
#define KARMA_CMD_BENCH_H

#include <jansson.h>

#include "lstm/kernel.h"
#include "util/error.h"

/* A benchmark returns an object of figures (numbers, text or objects of them), named with their
 * units: "ns_per_packet". A new reference; NULL with the line in `e`. */
struct bench_options {
	const char *model; /* lstm: of this model's network; NULL: an untrained one */
	const struct lstm_kernel *kernel; /* lstm: by this one alone; NULL: each. detect: by it */
};

struct bench {
	const char *name;
	json_t *(*run)(const struct bench_options *o, struct error *e);
	const char *text;
};

json_t *bench_lstm(const struct bench_options *o, struct error *e);
json_t *bench_desk(const struct bench_options *o, struct error *e);
json_t *bench_train(const struct bench_options *o, struct error *e);

/* Seconds of a clock that only goes forward. */
double bench_clock(void);

#endif
