/* The most that one core can compute, in float32. */
#ifndef KARMA_CMD_BENCH_PEAK_H
#define KARMA_CMD_BENCH_PEAK_H

/* Thousand millions of multiplications and additions a second, by fused multiply-adds that touch
 * registers only, over about a millisecond, with the widest vectors that run here. 0: the processor
 * has no such instruction that karma knows. */
double bench_peak(void);

#endif
