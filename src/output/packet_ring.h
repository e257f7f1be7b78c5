/* Packets in a piece of memory of one size: they go out in the order in which they came in. */
#ifndef KARMA_OUTPUT_PACKET_RING_H
#define KARMA_OUTPUT_PACKET_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "capture/caught.h"

/* A packet: this, then its bytes, filled up to a multiple of 8. */
struct held {
	struct caught packet; /* its data are behind it */
	uint32_t size;        /* of all of it; what is too long for the end begins the ring anew */
	uint32_t mark;        /* whoever put it in knows what it means */
};

struct packet_ring {
	uint8_t *data;
	size_t room;
	size_t oldest, next, end; /* `end`: where it was left for its beginning */
	uint64_t count;
	size_t bytes; /* of all that are in it */
};

/* False: memory is short. */
bool ring_open(struct packet_ring *r, size_t room);

/* A copy of a packet, of no more than so many of its bytes. False: there is no room. What was put
 * in stays where it is until it is dropped. */
bool ring_put(struct packet_ring *r, const struct caught *c, uint32_t bytes, uint32_t mark);

/* The oldest, and the one behind another; NULL: there is none. */
const struct held *ring_oldest(const struct packet_ring *r);
const struct held *ring_newer(const struct packet_ring *r, const struct held *h);

/* The oldest goes; there is one. */
void ring_drop(struct packet_ring *r);

/* All go. */
void ring_clear(struct packet_ring *r);

void ring_close(struct packet_ring *r);

#endif
