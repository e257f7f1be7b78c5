/* Numbers as a person reads them. */
#ifndef KARMA_UTIL_NUMBER_H
#define KARMA_UTIL_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_TEXT = 40 };

/* "1,234,567". Returns `text`. */
const char *number_text(uint64_t value, char text[NUMBER_TEXT]);

/* A whole number in digits alone, from `least` to `most`; false: something else. */
bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *value);

/* "256M", "2G": bytes, of 1024 times; false: something else. */
bool size_parse(const char *text, uint64_t *bytes);

/* "34 ms", "3.2 s", "2 min 5 s", "1 h 12 min". Returns `text`. */
const char *duration_text(double seconds, char text[NUMBER_TEXT]);

#endif
