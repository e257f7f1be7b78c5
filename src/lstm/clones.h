/* Kernels built several times over, the best one chosen at load time by what the processor can do.
 *
 * CLONES stands before the definition of a function whose inner loops gcc vectorises. Sums are
 * never reordered, so the copies differ only by fused multiply-adds (about 1e-7, relative). The
 * sanitizer build sets KARMA_NO_CLONES: the resolvers run before the sanitizers' own set-up. */
#ifndef KARMA_LSTM_CLONES_H
#define KARMA_LSTM_CLONES_H

#if defined(__x86_64__) && !defined(__clang__) && !defined(KARMA_NO_CLONES)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CLONES
#endif

#define INLINE static inline __attribute__((always_inline))

#endif
