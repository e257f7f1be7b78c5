#include "capture/link.h"

#include <pcap/dlt.h>

enum { SLL_OUTGOING = 4 };

/* Address families of BSD loopback: IPv6's differs between the systems that write it. */
enum { BSD_INET = 2, LINUX_INET6 = 10, NETBSD_INET6 = 24, FREEBSD_INET6 = 28, DARWIN_INET6 = 30 };

static int decode_ethernet(struct packet *p, const struct frame *f)
{
	return packet_ethernet(p, f);
}

static int decode_raw(struct packet *p, const struct frame *f)
{
	return packet_ip(p, f, 0);
}

/* The family in the byte order of the machine that wrote the capture (NULL) or of the net (LOOP):
 * all families are small, so that the bytes tell the order. */
static int decode_loopback(struct packet *p, const struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 4);
	__u32 family;

	if (!h)
		return LOST_TRUNCATED;
	family = load32(h);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	switch (family) {
	case BSD_INET:
		return packet_from(p, f, ETHERTYPE_IPV4, 4);
	case LINUX_INET6:
	case NETBSD_INET6:
	case FREEBSD_INET6:
	case DARWIN_INET6:
		return packet_from(p, f, ETHERTYPE_IPV6, 4);
	default:
		return LOST_NOT_IP;
	}
}

/* Linux cooked v1: the Ethernet type at 14. */
static int decode_cooked(struct packet *p, const struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 16);

	return h ? packet_from(p, f, load16(h + 14), 16) : LOST_TRUNCATED;
}

/* Linux cooked v2: the Ethernet type at 0, the interface at 4, at 10 whether the packet left there,
 * what the type names at 20. */
static int decode_cooked2(struct packet *p, const struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 20);

	int lost = h ? packet_from(p, f, load16(h), 20) : LOST_TRUNCATED;

	if (!lost)
		p->hook = FLOW_HOOK(load32(h + 4), h[10] == SLL_OUTGOING);
	return lost;
}

link_decode link_of(int dlt)
{
	switch (dlt) {
	case DLT_EN10MB:
		return decode_ethernet;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		return decode_raw;
	case DLT_NULL:
	case DLT_LOOP:
		return decode_loopback;
	case DLT_LINUX_SLL:
		return decode_cooked;
	case DLT_LINUX_SLL2:
		return decode_cooked2;
	default:
		return NULL;
	}
}
