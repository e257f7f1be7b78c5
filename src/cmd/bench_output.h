/* What the outputs cost: records 10,000 a second and alerts 10 a second through a session without
 * outputs, with all of them, and with all of them stuck. */
#ifndef KARMA_CMD_BENCH_OUTPUT_H
#define KARMA_CMD_BENCH_OUTPUT_H

#include "cmd/bench.h"

json_t *bench_output(const struct bench_options *o, struct error *e);

#endif
