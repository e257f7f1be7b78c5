#include "capture/pcapng.h"

#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE = 3,
	BLOCK_ENHANCED = 6,

	OPTION_END = 0,
	OPTION_FLAGS = 2, /* of an enhanced packet */
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
};

static const uint32_t byte_order = 0x1a2b3c4d;
static const uint64_t second = 1000000000;

void pcapng_open(struct pcapng *ng, struct stream *in)
{
	memset(ng, 0, sizeof(*ng));
	ng->in = in;
}

void pcapng_close(struct pcapng *ng)
{
	free(ng->interface);
}

/* ---- numbers of the section's byte order ---- */

static uint16_t get16(const struct pcapng *ng, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return ng->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t get32(const struct pcapng *ng, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ng->swapped ? __builtin_bswap32(v) : v;
}

static uint64_t get64(const struct pcapng *ng, const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return ng->swapped ? __builtin_bswap64(v) : v;
}

/* ---- blocks ---- */

static int broken(struct pcapng *ng, const char *why)
{
	ng->wrong = why;
	return -1;
}

static int cut_short(struct pcapng *ng)
{
	return broken(ng,
		ng->in->failed ? "it cannot be read" : "truncated: its last block is cut short");
}

/* What is behind the type of a section's block decides how its length is read. */
static int section_order(struct pcapng *ng, const uint8_t magic[4])
{
	uint32_t v;

	memcpy(&v, magic, sizeof(v));
	if (v != byte_order && v != __builtin_bswap32(byte_order))
		return broken(ng, "a section has no byte order");
	ng->swapped = v != byte_order;
	return 0;
}

/* The next block, without its type and lengths: 1, its type in `type`; 0 at the end, -1. */
static int next_block(struct pcapng *ng, uint32_t *type)
{
	const uint8_t *head = stream_peek(ng->in, 12); /* type, length, the first word */
	uint32_t length;

	if (!head)
		return stream_rest(ng->in) || ng->in->failed ? cut_short(ng) : 0;
	memcpy(type, head, sizeof(*type)); /* the section's reads alike in both orders */
	if (*type == BLOCK_SECTION) {
		if (section_order(ng, head + 8) < 0)
			return -1;
	} else {
		*type = get32(ng, head);
	}
	length = get32(ng, head + 4);
	if (length < 12 || length % 4 || length > PCAPNG_BLOCK_MAX)
		return broken(ng, "a block has an impossible length");
	head = stream_take(ng->in, length);
	if (!head)
		return cut_short(ng);
	ng->block = head + 8;
	ng->size = length - 12;
	if (get32(ng, ng->block + ng->size) != length)
		return broken(ng, "a block's two lengths differ");
	return 1;
}

struct option {
	uint16_t code, size;
	const uint8_t *value;
	uint32_t next; /* where the one behind it stands in the block */
};

/* The next option of the block, from o->next on. One that does not fit in is none. */
static bool next_option(const struct pcapng *ng, struct option *o)
{
	if (ng->size < 4 || o->next > ng->size - 4)
		return false;
	o->code = get16(ng, ng->block + o->next);
	o->size = get16(ng, ng->block + o->next + 2);
	o->value = ng->block + o->next + 4;
	if (o->code == OPTION_END || o->size > ng->size - 4 - o->next)
		return false;
	o->next += 4 + ((o->size + 3u) & ~3u);
	return true;
}

static int take_section(struct pcapng *ng)
{
	if (ng->size < 16)
		return broken(ng, "a section's block is too short");
	if (get16(ng, ng->block + 4) != 1)
		return broken(ng, "a section is of an unknown version");
	ng->interfaces = 0;
	return 0;
}

/* ---- interfaces ---- */

/* Ticks of a second: 10^n or, with the first bit set, 2^n. 0: more than can be counted. */
static uint64_t resolution(uint8_t code)
{
	uint64_t ticks = 1;

	if (code & 0x80)
		return (code & 0x7f) < 64 ? 1ull << (code & 0x7f) : 0;
	for (unsigned i = 0; i < code; i++)
		if (i >= 19)
			return 0;
		else
			ticks *= 10;
	return ticks;
}

static void interface_option(
	const struct pcapng *ng, struct pcapng_interface *i, const struct option *o)
{
	if (o->code == OPTION_RESOLUTION && o->size >= 1)
		i->ticks = resolution(o->value[0]);
	else if (o->code == OPTION_OFFSET && o->size >= 8)
		i->offset = (int64_t)get64(ng, o->value);
}

static int take_interface(struct pcapng *ng)
{
	struct pcapng_interface *i;

	if (ng->size < 8)
		return broken(ng, "an interface's block is too short");
	if (ng->interfaces == PCAPNG_INTERFACES_MAX)
		return broken(ng, "too many interfaces");
	if (ng->interfaces == ng->interfaces_room) {
		uint32_t room = ng->interfaces_room ? 2 * ng->interfaces_room : 8;

		i = reallocarray(ng->interface, room, sizeof(*i));
		if (!i)
			return broken(ng, "no memory for an interface");
		ng->interface = i;
		ng->interfaces_room = room;
	}
	i = &ng->interface[ng->interfaces++];
	i->link = get16(ng, ng->block);
	i->snap = get32(ng, ng->block + 4);
	i->ticks = 1000000;
	i->offset = 0;
	for (struct option o = {.next = 8}; next_option(ng, &o);)
		interface_option(ng, i, &o);
	return 0;
}

/* ---- packets ---- */

static uint64_t time_of(const struct pcapng_interface *i, uint64_t ticks)
{
	__int128 ns;

	if (!i->ticks)
		return UINT64_MAX;
	ns = (__int128)i->offset * second + (__int128)(ticks / i->ticks) * second +
	     (__int128)(ticks % i->ticks) * second / i->ticks;
	return ns < 0 ? 0 : ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

/* The packet of a block whose fixed part has `fixed` bytes. Ticks: none in a simple one. */
static int take_packet(struct pcapng *ng, struct pcapng_packet *p, uint32_t fixed, bool timed)
{
	const struct pcapng_interface *i;

	if (p->interface >= ng->interfaces)
		return broken(ng, "a packet is of an interface that is not described");
	i = &ng->interface[p->interface];
	if (!timed) {
		p->caught = p->length;
		if (i->snap && p->caught > i->snap)
			p->caught = i->snap;
		if (p->caught > ng->size - fixed)
			p->caught = ng->size - fixed;
	}
	if (p->caught > ng->size - fixed)
		return broken(ng, "a packet is longer than its block");
	p->data = ng->block + fixed;
	p->link = i->link;
	p->ns = timed ? time_of(i,
				(uint64_t)get32(ng, ng->block + 4) << 32 | get32(ng, ng->block + 8))
		      : 0;
	return 1;
}

/* Is it said that it went out? */
static bool is_outbound(const struct pcapng *ng, uint32_t options)
{
	for (struct option o = {.next = options}; next_option(ng, &o);)
		if (o.code == OPTION_FLAGS && o.size >= 4)
			return (get32(ng, o.value) & 3) == 2;
	return false;
}

static int enhanced_packet(struct pcapng *ng, struct pcapng_packet *p, bool obsolete)
{
	int got;

	if (ng->size < 20)
		return broken(ng, "a packet's block is too short");
	p->interface = obsolete ? get16(ng, ng->block) : get32(ng, ng->block);
	p->caught = get32(ng, ng->block + 12);
	p->length = get32(ng, ng->block + 16);
	got = take_packet(ng, p, 20, true);
	if (got == 1)
		p->outbound = is_outbound(ng, 20 + ((p->caught + 3) & ~3u));
	return got;
}

static int simple_packet(struct pcapng *ng, struct pcapng_packet *p)
{
	if (ng->size < 4)
		return broken(ng, "a packet's block is too short");
	p->interface = 0;
	p->outbound = false;
	p->length = get32(ng, ng->block);
	return take_packet(ng, p, 4, false);
}

int pcapng_next(struct pcapng *ng, struct pcapng_packet *p)
{
	uint32_t type;
	int got;

	while ((got = next_block(ng, &type)) > 0) {
		switch (type) {
		case BLOCK_SECTION:
			got = take_section(ng);
			break;
		case BLOCK_INTERFACE:
			got = take_interface(ng);
			break;
		case BLOCK_ENHANCED:
			return enhanced_packet(ng, p, false);
		case BLOCK_PACKET:
			return enhanced_packet(ng, p, true);
		case BLOCK_SIMPLE:
			return simple_packet(ng, p);
		default: /* names, counters, what others made up */
			break;
		}
		if (got < 0)
			break;
	}
	return got;
}
