/* How fast packets are metered, in the kernel and in user space. */
#ifndef KARMA_CMD_BENCH_METER_H
#define KARMA_CMD_BENCH_METER_H

#include "cmd/bench.h"
#include <jansson.h>
#include <stdint.h>

#include "util/error.h"

/* Each returns an object of figures, a new reference, or NULL with the line in `e`. */

/* User space, frames in memory: decoding, the flow table, the meter; by 1, 64k and 1M flows. */
json_t *bench_meter(const struct bench_options *o, struct error *e);

/* The TC program, by 1, 64k and 1M flows, the empty program beside it in the same run. */
json_t *bench_kernel(const struct bench_options *o, struct error *e);

/* The XDP program of the block list, dropping and letting pass, the empty program beside it in the
 * same run; how soon an addition acts; what changes cost. */
json_t *bench_block(const struct bench_options *o, struct error *e);

/* The frame of all: a UDP packet with 32 bytes of payload. */
enum { BENCH_FRAME = 74 };
void bench_frame(uint8_t bytes[BENCH_FRAME]);

#endif
