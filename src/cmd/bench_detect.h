/* How fast records are judged: features, counters, a step of the network, evidence, alerts, on one
 * core, with a network of the default size and the tables at theirs. */
#ifndef KARMA_CMD_BENCH_DETECT_H
#define KARMA_CMD_BENCH_DETECT_H

#include <stdint.h>

#include "flow/record.h"
#include "lstm/kernel.h"
#include "util/error.h"

struct bench_detect {
	uint64_t records;
	double records_per_s;
	uint32_t hosts;     /* remembered at the end */
	uint64_t rss_bytes; /* most memory that the process has had */
};

/* The n-th record of many made-up hosts, of the time that it has among 20,000 a second. */
void bench_detect_record(struct record *r, uint64_t n, uint64_t *seed);

/* Judge `records` made-up records of many hosts. 0, or a negative errno and the line. */
int bench_detect(struct bench_detect *result, uint64_t records, const struct lstm_kernel *kernel,
	struct error *e);

#endif
