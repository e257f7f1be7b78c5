/* The network that 'karma bench lstm' and 'train' measure, and its inputs: the same numbers as
 * scripts/bench-lstm.py gives to its peers. */
#ifndef KARMA_CMD_BENCH_NETWORK_H
#define KARMA_CMD_BENCH_NETWORK_H

#include "lstm/model.h"
#include "util/rng.h"

/* Two layers of 128 and 40 numbers, untrained: it costs what a trained one costs. 0 or -ENOMEM. */
int bench_network(struct lstm *net);

void bench_inputs(struct rng *rng, int count, float *x);

#endif
