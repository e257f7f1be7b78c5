#include "util/decimal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char two[] = "0001020304050607080910111213141516171819"
			  "2021222324252627282930313233343536373839"
			  "4041424344454647484950515253545556575859"
			  "6061626364656667686970717273747576777879"
			  "8081828384858687888990919293949596979899";

static int digits_of(uint64_t value)
{
	int n = 1;

	for (; value >= 10000; value /= 10000)
		n += 4;
	return n + (value >= 10) + (value >= 100) + (value >= 1000);
}

char *decimal_whole(char *at, uint64_t value)
{
	char *end = at + digits_of(value), *digit = end;

	for (; value >= 100; value /= 100) {
		digit -= 2;
		memcpy(digit, two + 2 * (value % 100), 2);
	}
	if (value >= 10)
		memcpy(at, two + 2 * value, 2);
	else
		*at = (char)('0' + value);
	return end;
}

char *decimal_padded(char *at, uint64_t value, int digits)
{
	for (int i = digits - 2; i >= 0; i -= 2) {
		memcpy(at + i, two + 2 * (value % 100), 2);
		value /= 100;
	}
	if (digits & 1)
		*at = (char)('0' + value % 10);
	return at + digits;
}

char *decimal_number(char *at, double value)
{
	static const double million = 1e6, exact = 549755813888; /* 2^39 */
	uint64_t fixed;

	if (isnan(value))
		return at;
	/* Most are whole; below 2^39 that is what all that follows would write. */
	if (value >= 0 && value < exact && value == (double)(int64_t)value)
		return decimal_whole(at, (uint64_t)value);
	if (!(fabs(value) < 9e12))
		return at + sprintf(at, "%.9g", value);
	fixed = (uint64_t)(fabs(value) * million + 0.5);
	if (value < 0 && fixed)
		*at++ = '-';
	at = decimal_whole(at, fixed / 1000000);
	fixed %= 1000000;
	if (!fixed)
		return at;
	*at++ = '.';
	at = decimal_padded(at, fixed, 6);
	while (at[-1] == '0')
		at--;
	return at;
}
