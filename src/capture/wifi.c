/* 802.11 data frames, as a card in monitor mode catches them: from the radio's header to the
 * network header behind LLC. An aggregate (A-MSDU) holds several packets. What is encrypted or was
 * received with errors is counted as such; frames without data (beacons, acknowledgements) are no
 * packets. */
#include "capture/link.h"

#include <stdbool.h>

enum { /* the first two bytes of a frame */
	TYPE = 0x0c00,
	TYPE_DATA = 0x0800,
	WITHOUT_DATA = 0x4000,
	QOS = 0x8000,
	TO_DS = 0x01,
	FROM_DS = 0x02,
	PROTECTED = 0x40,
	ORDER = 0x80, /* of a QoS frame: the HT control field follows */
};

enum {
	HEADER = 24,
	ADDRESS = 6,
	SEQUENCE_AT = 22,
	AGGREGATE = 0x80,   /* in the first byte of the QoS field */
	SUBFRAME = 14,      /* two addresses and the length */
	FLAG_PADDED = 0x20, /* radiotap: the header is padded to four bytes */
	FLAG_BAD_FCS = 0x40,
};

static __u32 little16(const __u8 *p)
{
	return p[0] | p[1] << 8;
}

static __u32 little32(const __u8 *p)
{
	return little16(p) | little16(p + 2) << 16;
}

/* One packet of an aggregate; subframes begin at multiples of four from the first on. */
static int decode_subframe(struct packet *p, struct frame *f, __u32 at)
{
	const __u8 *h = frame_at(f, at, SUBFRAME);
	struct frame within = *f;
	__u32 end;

	f->next = 0;
	if (!h)
		return LOST_TRUNCATED;
	end = at + SUBFRAME + load16(h + 12);
	if (end > f->length)
		return LOST_BAD_LENGTH;
	within.length = end;
	end += -(SUBFRAME + load16(h + 12)) & 3;
	if (end + SUBFRAME < f->length)
		f->next = end;
	return packet_from(p, &within, LAYER_LLC, at + SUBFRAME);
}

static int decode_data(struct packet *p, struct frame *f, bool padded)
{
	const __u8 *h = frame_at(f, 0, HEADER);
	__u32 control, size = HEADER;

	if (f->next)
		return decode_subframe(p, f, f->next);
	if (!h)
		return f->length < HEADER ? LOST_NOT_IP : LOST_TRUNCATED;
	control = load16(h);
	if ((control & TYPE) != TYPE_DATA || (control & WITHOUT_DATA))
		return LOST_NOT_IP;
	if (control & PROTECTED)
		return LOST_ENCRYPTED;
	if (h[SEQUENCE_AT] & 15) /* a later fragment: the LLC header is in the first */
		return LOST_NOT_IP;
	if ((control & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS))
		size += ADDRESS;
	if (control & QOS) {
		h = frame_at(f, size, 2);
		if (!h)
			return LOST_TRUNCATED;
		size += control & ORDER ? 6 : 2;
	}
	if (padded)
		size = (size + 3) & ~3u;
	if ((control & QOS) && (h[0] & AGGREGATE))
		return decode_subframe(p, f, size);
	return packet_from(p, f, LAYER_LLC, size);
}

int wifi_decode(struct packet *p, struct frame *f)
{
	return decode_data(p, f, false);
}

/* The flags of a radiotap header of `size` bytes, or 0: the second field there may be, behind a
 * time stamp of eight bytes. */
static __u8 radiotap_flags(const struct frame *f, __u32 size)
{
	const __u32 more = 1u << 31;
	const __u8 *h = frame_at(f, 0, size);
	__u32 present, at = 4;

	if (!h || size < 8)
		return 0;
	present = little32(h + 4);
	do {
		at += 4;
	} while (at <= size && (little32(h + at - 4) & more));
	if (present & 1)
		at = ((at + 7) & ~7u) + 8;
	return (present & 2) && at < size ? h[at] : 0;
}

int wifi_decode_radiotap(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 4);
	__u32 size;
	__u8 flags;

	if (f->next)
		return decode_subframe(p, f, f->next);
	if (!h)
		return LOST_TRUNCATED;
	size = little16(h + 2);
	if (h[0] != 0 || size < 8 || size > f->length)
		return LOST_BAD_LENGTH;
	if (!frame_at(f, 0, size))
		return LOST_TRUNCATED;
	flags = radiotap_flags(f, size);
	if (flags & FLAG_BAD_FCS)
		return LOST_DAMAGED;
	frame_strip(f, size);
	return decode_data(p, f, flags & FLAG_PADDED);
}

/* A header that says its size, in front of an 802.11 frame. */
static int decode_behind(struct packet *p, struct frame *f, __u32 size)
{
	if (size < 8 || size > f->length)
		return LOST_BAD_LENGTH;
	if (!frame_at(f, 0, size))
		return LOST_TRUNCATED;
	frame_strip(f, size);
	return decode_data(p, f, false);
}

int wifi_decode_avs(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 8);

	if (f->next)
		return decode_subframe(p, f, f->next);
	return h ? decode_behind(p, f, load32(h + 4)) : LOST_TRUNCATED;
}

/* Drivers that were set to Prism headers may write AVS headers, which begin with a magic number. */
int wifi_decode_prism(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 8);

	if (f->next)
		return decode_subframe(p, f, f->next);
	if (!h)
		return LOST_TRUNCATED;
	return decode_behind(p, f, load32(h) >> 12 == 0x80211 ? load32(h + 4) : little32(h + 4));
}
