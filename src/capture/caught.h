/* A frame as it was caught, for who keeps packets. */
#ifndef KARMA_CAPTURE_CAUGHT_H
#define KARMA_CAPTURE_CAUGHT_H

#include <stdint.h>
#include <string.h>

#include "flow/packet.h"

struct caught {
	const uint8_t *data; /* only during the call */
	uint32_t caught, length;
	int link;            /* DLT_... or LINKTYPE_... */
	int64_t ns;          /* since 1970 */
	uint8_t addr[2][16]; /* the ends of its packet; of several in a frame, of the first */
};

typedef void (*caught_sink)(void *context, const struct caught *c);

static inline void caught_ends(struct caught *c, const struct packet *p)
{
	for (int i = 0; i < 2; i++)
		memcpy(c->addr[i], &p->key.addr[i], sizeof(c->addr[i]));
}

#endif
