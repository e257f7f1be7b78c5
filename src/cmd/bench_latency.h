/* From a flow's last packet to its record in user space. */
#ifndef KARMA_CMD_BENCH_LATENCY_H
#define KARMA_CMD_BENCH_LATENCY_H

#include "cmd/bench.h"
#include <jansson.h>

#include "util/error.h"

/* An object of figures, a new reference, or NULL with the line in `e`. Needs root. */
json_t *bench_latency(const struct bench_options *o, struct error *e);

#endif
