/* Prefixes of addresses, as people write them: IPv4 ones have 96 bits more inside. */
#ifndef KARMA_RESPOND_PREFIX_H
#define KARMA_RESPOND_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

enum { PREFIX_TEXT = 64 };

struct prefix {
	uint8_t addr[16]; /* bits behind the prefix are 0 */
	uint8_t bits;     /* 128: one address */
};

/* "10.0.0.1", "10.0.0.0/8", "2001:db8::/32"; false: it is none. Bits behind the prefix are set to
 * 0, as they are by whoever takes 10.0.0.1/8 for the net. */
bool prefix_parse(const char *text, struct prefix *p);

/* The inverse: without a length where it is one address. Returns `text`. */
const char *prefix_text(const uint8_t addr[16], unsigned bits, char text[PREFIX_TEXT]);

bool prefix_is_ipv4(const uint8_t addr[16]);

/* Set the bits behind a prefix to 0. */
void prefix_trim(uint8_t addr[16], unsigned bits);

/* Have the two an address in common? */
bool prefix_overlaps(const uint8_t a[16], unsigned a_bits, const uint8_t b[16], unsigned b_bits);

#endif
