#include "top/safe.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* The character that text begins with, and its length; a byte that begins none is a character 0 of
 * length 1. */
static uint32_t character(const char *text, size_t *length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)*text;
	size_t n = first < 0x80   ? 1
		   : first < 0xc0 ? 0
		   : first < 0xe0 ? 2
		   : first < 0xf0 ? 3
		   : first < 0xf8 ? 4
				  : 0;
	uint32_t c = n == 1 ? first : first & (0x7fU >> n);

	*length = 1;
	if (n == 0)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*length = n;
	return c;
}

/* Signs that order the direction of what follows. Some C libraries give them a column. */
static bool turns(uint32_t c)
{
	return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* The columns that a character takes up; 0: it is not to be shown. */
static int columns(uint32_t c, bool utf8)
{
	int n;

	if (c < 0x80)
		return c >= 0x20 && c < 0x7f;
	if (!utf8 || turns(c))
		return 0;
	n = wcwidth((wchar_t)c);
	return n > 0 ? n : 0;
}

int safe_text(char *to, size_t room, const char *from, int cells, bool utf8)
{
	size_t at = 0;
	int used = 0;

	while (*from && used < cells) {
		size_t length;
		int n = columns(character(from, &length), utf8);
		size_t takes = n ? length : 1;

		if (used + (n ? n : 1) > cells || at + takes >= room)
			break;
		if (n)
			memcpy(to + at, from, length);
		else
			to[at] = '?';
		at += takes;
		used += n ? n : 1;
		from += length;
	}
	to[at] = '\0';
	return used;
}
