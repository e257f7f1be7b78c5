#include "util/when.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "util/number.h"

static const int64_t second = 1000000000;

static const struct {
	char unit;
	uint64_t seconds;
} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};

bool duration_parse(const char *text, uint64_t *seconds)
{
	static const uint64_t longest = 366 * 86400;
	char digits[16];
	size_t n = strlen(text);
	uint64_t value;

	if (n < 2 || n > sizeof(digits))
		return false;
	memcpy(digits, text, n - 1);
	digits[n - 1] = '\0';
	if (!number_parse(digits, 1, longest, &value))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[n - 1] != units[i].unit)
			continue;
		*seconds = value * units[i].seconds;
		return *seconds <= longest;
	}
	return false;
}

const char *duration_word(uint64_t seconds, char *text)
{
	int i = 3; /* nobody counts days in weeks */

	while (i > 0 && (!seconds || seconds % units[i].seconds))
		i--;
	snprintf(text, NUMBER_TEXT, "%" PRIu64 "%c", seconds / units[i].seconds, units[i].unit);
	return text;
}

/* ".5" of a second, into nanoseconds; where it ends. */
static const char *fraction(const char *text, int64_t *ns)
{
	int64_t unit = second;

	*ns = 0;
	if (*text != '.')
		return text;
	for (text++; isdigit((unsigned char)*text); text++) {
		unit /= 10;
		*ns += unit * (*text - '0');
	}
	return text;
}

/* "Z", "+01:00", "-0500": seconds east; false: something else. */
static bool zone(const char *text, int64_t *east)
{
	int hours, minutes, length = 0;

	*east = 0;
	if (strcmp(text, "Z") == 0)
		return true;
	if ((*text != '+' && *text != '-') || !isdigit((unsigned char)text[1]))
		return false;
	if ((sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &length) < 2 &&
		    sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &length) < 2) ||
		text[1 + length] || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	*east = (*text == '-' ? -60 : 60) * (60 * (int64_t)hours + minutes);
	return true;
}

static bool date_parse(const char *text, int64_t *ns)
{
	static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
		"%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
	int64_t part = 0, east;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *rest = strptime(text, forms[i], &tm);

		if (!rest || tm.tm_year < 70 || tm.tm_year > 200)
			continue;
		if (i < 2)
			rest = fraction(rest, &part);
		if (!*rest)
			*ns = (int64_t)mktime(&tm) * second + part;
		else if (i < 4 && zone(rest, &east))
			*ns = ((int64_t)timegm(&tm) - east) * second + part;
		else
			continue;
		return true;
	}
	return false;
}

bool moment_parse(const char *text, int64_t now_ns, int way, int64_t *ns)
{
	uint64_t seconds;

	if (strcmp(text, "now") == 0) {
		*ns = now_ns;
		return true;
	}
	if (!duration_parse(text, &seconds))
		return date_parse(text, ns);
	*ns = now_ns + way * (int64_t)seconds * second;
	return true;
}
