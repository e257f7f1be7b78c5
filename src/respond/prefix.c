#include "respond/prefix.h"

#include <stdio.h>
#include <string.h>

#include "flow/record.h"
#include "util/number.h"

void prefix_trim(uint8_t addr[16], unsigned bits)
{
	for (unsigned bit = bits; bit < 128; bit = (bit | 7) + 1)
		addr[bit / 8] &= (uint8_t)(0xff00 >> (bit & 7));
}

bool prefix_is_ipv4(const uint8_t addr[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr, mapped, sizeof(mapped)) == 0;
}

bool prefix_parse(const char *text, struct prefix *p)
{
	size_t length = strcspn(text, "/");
	char addr[ADDR_TEXT];
	bool ipv4;
	uint64_t bits;

	if (length >= sizeof(addr))
		return false;
	memcpy(addr, text, length);
	addr[length] = '\0';
	if (!addr_parse(addr, p->addr))
		return false;
	ipv4 = !strchr(addr, ':');
	p->bits = 128;
	if (text[length]) {
		if (!number_parse(text + length + 1, 0, ipv4 ? 32 : 128, &bits))
			return false;
		p->bits = (uint8_t)(ipv4 ? 96 + bits : bits);
	}
	prefix_trim(p->addr, p->bits);
	return true;
}

const char *prefix_text(const uint8_t addr[16], unsigned bits, char text[PREFIX_TEXT])
{
	bool ipv4 = prefix_is_ipv4(addr) && bits >= 96;
	char host[ADDR_TEXT];

	addr_text(addr, host);
	if (bits == 128)
		snprintf(text, PREFIX_TEXT, "%s", host);
	else
		snprintf(text, PREFIX_TEXT, "%s/%u", host, ipv4 ? bits - 96 : bits);
	return text;
}

bool prefix_overlaps(const uint8_t a[16], unsigned a_bits, const uint8_t b[16], unsigned b_bits)
{
	unsigned bits = a_bits < b_bits ? a_bits : b_bits;
	uint8_t x[16], y[16];

	memcpy(x, a, 16);
	memcpy(y, b, 16);
	prefix_trim(x, bits);
	prefix_trim(y, bits);
	return memcmp(x, y, 16) == 0;
}
