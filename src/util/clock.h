/* What time it is. */
#ifndef KARMA_UTIL_CLOCK_H
#define KARMA_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds by one of the system's clocks: CLOCK_REALTIME since 1970, CLOCK_MONOTONIC since some
 * time. */
static inline uint64_t clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

#endif
