#include "util/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *number_text(uint64_t value, char text[NUMBER_TEXT])
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *out = text;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

bool number_parse(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false; /* strtoull() would take blanks and signs */
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !*end && !errno && *value >= least && *value <= most;
}

bool size_parse(const char *text, uint64_t *bytes)
{
	char digits[16];
	size_t n = strlen(text);
	uint64_t value;

	if (n < 2 || n > sizeof(digits) || (text[n - 1] != 'M' && text[n - 1] != 'G'))
		return false;
	memcpy(digits, text, n - 1);
	digits[n - 1] = '\0';
	if (!number_parse(digits, 1, 1 << 20, &value))
		return false;
	*bytes = value << (text[n - 1] == 'M' ? 20 : 30);
	return true;
}

const char *duration_text(double seconds, char text[NUMBER_TEXT])
{
	uint64_t s = seconds > 0 && seconds < 1e15 ? (uint64_t)(seconds + 0.5) : 0;

	if (seconds < 0.0995)
		snprintf(text, NUMBER_TEXT, "%.0f ms", seconds < 0 ? 0 : 1000 * seconds);
	else if (seconds < 60)
		snprintf(text, NUMBER_TEXT, "%.1f s", seconds);
	else if (s < 3600)
		snprintf(text, NUMBER_TEXT, "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else
		snprintf(text, NUMBER_TEXT, "%" PRIu64 " h %" PRIu64 " min", s / 3600, s / 60 % 60);
	return text;
}
