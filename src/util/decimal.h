/* Numbers as decimal text, in the way of CSV files; printf() takes ten times as long. Each is
 * written at `at` without an end; what is returned points behind it. */
#ifndef KARMA_UTIL_DECIMAL_H
#define KARMA_UTIL_DECIMAL_H

#include <stdint.h>

enum { DECIMAL_TEXT = 24 /* the longest */ };

char *decimal_whole(char *at, uint64_t value);

/* Exactly `digits` digits, zeros before; of a larger number the last ones. */
char *decimal_padded(char *at, uint64_t value, int digits);

/* Up to 6 decimals, rounded, zeros at the end left out. From 9e12 on as printf("%.9g") has it.
 * NAN: nothing. */
char *decimal_number(char *at, double value);

#endif
