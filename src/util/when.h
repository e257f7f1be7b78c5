/* Durations and moments as a person writes them. */
#ifndef KARMA_UTIL_WHEN_H
#define KARMA_UTIL_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "90s", "10m", "1h", "2d", "3w", 366 days at most, into seconds; false: something else. */
bool duration_parse(const char *text, uint64_t *seconds);

/* The shortest of these that says it: "90s", "10m". `text` has NUMBER_TEXT bytes; returns it. */
const char *duration_word(uint64_t seconds, char *text);

/* A moment: "2h" is so long from `now_ns`, back where `way` is -1, ahead where it is 1;
 * "2026-11-23", "2026-11-23T09:10", "2026-11-23 09:10:11.5" are local time, or with "Z" or
 * "+01:00" behind them that of their zone; "now". Nanoseconds since 1970; false: something else. */
bool moment_parse(const char *text, int64_t now_ns, int way, int64_t *ns);

#endif
