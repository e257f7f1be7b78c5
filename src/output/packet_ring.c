#include "output/packet_ring.h"

#include <stdlib.h>
#include <string.h>

bool ring_open(struct packet_ring *r, size_t room)
{
	*r = (struct packet_ring){.data = malloc(room), .room = room};
	return r->data != NULL;
}

static const struct held *held_at(const struct packet_ring *r, size_t at)
{
	return (const struct held *)(const void *)(r->data + at);
}

/* Is there room for so many bytes at `next`? The packets are between `oldest` and `next`, or, when
 * it went round, from `oldest` to `end` and from the beginning to `next`. */
static bool has_room(const struct packet_ring *r, size_t size)
{
	bool round = r->count && r->next <= r->oldest;

	return r->next + size <= (round ? r->oldest : r->room);
}

bool ring_put(struct packet_ring *r, const struct caught *c, uint32_t bytes, uint32_t mark)
{
	uint32_t caught = c->caught < bytes ? c->caught : bytes;
	size_t size = (sizeof(struct held) + caught + 7) / 8 * 8;
	struct held *h;

	if (!has_room(r, size) && r->count && r->next > r->oldest) { /* not round yet: now it is */
		r->end = r->next;
		r->next = 0;
	}
	if (!has_room(r, size))
		return false;
	h = (struct held *)(void *)(r->data + r->next);
	h->packet = *c;
	h->packet.caught = caught;
	h->packet.data = (const uint8_t *)(h + 1);
	h->size = (uint32_t)size;
	h->mark = mark;
	memcpy(h + 1, c->data, caught);
	r->next += size;
	r->bytes += size;
	if (r->next > r->oldest)
		r->end = r->next;
	r->count++;
	return true;
}

const struct held *ring_oldest(const struct packet_ring *r)
{
	return r->count ? held_at(r, r->oldest) : NULL;
}

const struct held *ring_newer(const struct packet_ring *r, const struct held *h)
{
	size_t at = (size_t)((const uint8_t *)h - r->data) + h->size;

	if (at == r->next)
		return NULL;
	return held_at(r, at == r->end ? 0 : at);
}

void ring_drop(struct packet_ring *r)
{
	size_t size = held_at(r, r->oldest)->size;

	r->oldest += size;
	r->bytes -= size;
	r->count--;
	if (!r->count) {
		ring_clear(r);
	} else if (r->oldest == r->end) {
		r->oldest = 0;
		r->end = r->next;
	}
}

void ring_clear(struct packet_ring *r)
{
	r->oldest = r->next = r->end = r->bytes = 0;
	r->count = 0;
}

void ring_close(struct packet_ring *r)
{
	free(r->data);
	r->data = NULL;
}
