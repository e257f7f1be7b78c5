#include "capture/link.h"

#include <pcap/dlt.h>

enum { SLL_OUTGOING = 4 };

/* Address families of BSD loopback: IPv6's differs between the systems that write it. */
enum { BSD_INET = 2, LINUX_INET6 = 10, NETBSD_INET6 = 24, FREEBSD_INET6 = 28, DARWIN_INET6 = 30 };

static int decode_ethernet(struct packet *p, struct frame *f)
{
	return packet_ethernet(p, f);
}

static int decode_raw(struct packet *p, struct frame *f)
{
	return packet_ip(p, f, 0);
}

/* The family in the byte order of the machine that wrote the capture (NULL) or of the net (LOOP):
 * all families are small, so that the bytes tell the order. */
static int decode_loopback(struct packet *p, struct frame *f)
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
static int decode_cooked(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 16);

	return h ? packet_from(p, f, load16(h + 14), 16) : LOST_TRUNCATED;
}

/* Linux cooked v2: the Ethernet type at 0, the interface at 4, at 10 whether the packet left there,
 * what the type names at 20. */
static int decode_cooked2(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 20);
	int lost = h ? packet_from(p, f, load16(h), 20) : LOST_TRUNCATED;

	if (!lost)
		p->hook = FLOW_HOOK(load32(h + 4), h[10] == SLL_OUTGOING);
	return lost;
}

static int decode_ppp(struct packet *p, struct frame *f)
{
	return packet_from(p, f, LAYER_PPP, 0);
}

/* HDLC as Cisco has it: address, control, Ethernet type. */
static int decode_hdlc(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 4);

	return h ? packet_from(p, f, load16(h + 2), 4) : LOST_TRUNCATED;
}

/* PPP or Cisco's HDLC: the address tells. */
static int decode_serial(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 1);

	return h && (h[0] == 0x0f || h[0] == 0x8f) ? decode_hdlc(p, f) : decode_ppp(p, f);
}

/* PPP whose address, or what stands before it, is the direction. */
static int decode_directed(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 2);

	return h ? packet_from(p, f, LAYER_PPP, h[1] == 3 ? 2 : 1) : LOST_TRUNCATED;
}

static int decode_pppoe(struct packet *p, struct frame *f)
{
	return packet_from(p, f, LAYER_PPPOE, 0);
}

static int decode_mpls(struct packet *p, struct frame *f)
{
	return packet_from(p, f, LAYER_MPLS, 0);
}

/* Any of the others behind a header that says which. */
static int decode_ppi(struct packet *p, struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 8);
	link_decode decode;
	__u32 size;

	if (f->next) /* only 802.11 has more than one packet in a frame */
		return wifi_decode(p, f);
	if (!h)
		return LOST_TRUNCATED;
	size = h[2] | h[3] << 8;
	if (h[0] != 0 || size < 8 || size > f->length)
		return LOST_BAD_LENGTH;
	if (!frame_at(f, 0, size))
		return LOST_TRUNCATED;
	decode = h[6] || h[7] ? NULL : link_of(h[4] | h[5] << 8);
	if (!decode || decode == decode_ppi)
		return LOST_LINK;
	frame_strip(f, size);
	return decode(p, f);
}

/* Raw IP: libpcap's number of it differs between systems, LINKTYPE_RAW's does not. */
enum { RAW_BSD = 12, RAW_OPENBSD = 14, RAW_LINKTYPE = 101 };

link_decode link_of(int type)
{
	switch (type) {
	case DLT_EN10MB:
		return decode_ethernet;
	case RAW_BSD:
	case RAW_OPENBSD:
	case RAW_LINKTYPE:
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
	case DLT_IEEE802_11:
		return wifi_decode;
	case DLT_IEEE802_11_RADIO:
		return wifi_decode_radiotap;
	case DLT_IEEE802_11_RADIO_AVS:
		return wifi_decode_avs;
	case DLT_PRISM_HEADER:
		return wifi_decode_prism;
	case DLT_PPP:
		return decode_ppp;
	case DLT_PPP_SERIAL:
		return decode_serial;
	case DLT_PPP_PPPD:
	case DLT_PPP_WITH_DIR:
		return decode_directed;
	case DLT_PPP_ETHER:
		return decode_pppoe;
	case DLT_C_HDLC:
		return decode_hdlc;
	case DLT_MPLS:
		return decode_mpls;
	case DLT_PPI:
		return decode_ppi;
	default:
		return NULL;
	}
}
