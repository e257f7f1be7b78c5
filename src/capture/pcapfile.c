#include "capture/pcapfile.h"

#include <string.h>

enum {
	MAGIC_MICRO = (int)0xa1b2c3d4,
	MAGIC_NANO = (int)0xa1b23c4d,
	HEADER = 24,
	RECORD = 16,
	VERSION = 2,
	VERSION_MINOR = 4,
};

static uint32_t get32(const struct pcapfile *f, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return f->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct pcapfile *f, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return f->swapped ? __builtin_bswap16(v) : v;
}

static bool refuse(struct pcapfile *f, const char *why)
{
	f->wrong = why;
	return false;
}

/* The first four bytes tell the byte order and the unit of time. */
static bool take_magic(struct pcapfile *f, const uint8_t *bytes)
{
	for (int swapped = 0; swapped < 2; swapped++) {
		uint32_t magic;

		f->swapped = swapped;
		magic = get32(f, bytes);
		f->nano = magic == (uint32_t)MAGIC_NANO;
		if (f->nano || magic == (uint32_t)MAGIC_MICRO)
			return true;
	}
	return false;
}

bool pcapfile_open(struct pcapfile *f, struct stream *in)
{
	const uint8_t *h = stream_peek(in, sizeof(uint32_t));

	*f = (struct pcapfile){.in = in};
	if (h && !take_magic(f, h))
		return refuse(f, "unknown file format");
	h = stream_take(in, HEADER);
	if (!h)
		return refuse(f, in->failed ? "it cannot be read" : "truncated: it has no header");
	if (get16(f, h + 4) != VERSION)
		return refuse(f, "a pcap of an unknown version");
	f->old = get16(f, h + 6) < VERSION_MINOR;
	f->snap = get32(f, h + 16);
	if (!f->snap || f->snap > PCAP_PACKET_MAX)
		f->snap = PCAP_PACKET_MAX;
	f->link = get32(f, h + 20) & 0x3ffffff; /* above: about checksums behind the frames */
	return true;
}

static uint64_t time_of(const struct pcapfile *f, const uint8_t *record)
{
	uint64_t second = get32(f, record), part = get32(f, record + 4);

	if (!f->nano)
		part *= 1000;
	return part < 1000000000 ? second * 1000000000 + part : UINT64_MAX;
}

static int broken(struct pcapfile *f, const char *why)
{
	f->wrong = why;
	return -1;
}

static int cut_short(struct pcapfile *f)
{
	return broken(
		f, f->in->failed ? "it cannot be read" : "truncated: its last packet is cut short");
}

int pcapfile_next(struct pcapfile *f, struct pcap_packet *p)
{
	const uint8_t *record = stream_peek(f->in, RECORD);
	uint32_t caught;

	if (!record)
		return stream_rest(f->in) || f->in->failed ? cut_short(f) : 0;
	caught = get32(f, record + 8);
	p->length = get32(f, record + 12);
	if (f->old && caught > p->length) {
		caught = p->length;
		p->length = get32(f, record + 8);
	}
	if (caught > PCAP_PACKET_MAX)
		return broken(f, "a packet has an impossible length");
	p->ns = time_of(f, record);
	record = stream_take(f->in, RECORD + (size_t)caught);
	if (!record)
		return cut_short(f);
	p->data = record + RECORD;
	p->caught = caught < f->snap ? caught : f->snap;
	return 1;
}
