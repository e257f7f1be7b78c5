/* From the link layer to the network header whose flow is metered: what stands between the two
 * (VLAN tags, PPPoE, MPLS labels, an LLC header), and tunnels, whose inner flow counts.
 *
 * A layer is (offset, what stands there, where the packet that carries it ends). layer_follow()
 * goes from one to the next up to a network header. A packet that is decoded (packet.h) and may be
 * a tunnel by its protocol or port is looked into by tunnel_header(), and so on: as far in as
 * there are headers that make sense, PACKET_TUNNELS deep. What cannot be decoded inside, be it
 * unknown, damaged, cut off or encrypted, is metered as the tunnel that carries it; so is a
 * fragment of a tunnel's packet. */
#ifndef KARMA_FLOW_DECODE_H
#define KARMA_FLOW_DECODE_H

#include "flow/packet.h"

/* What may stand at an offset, beside IPv4, IPv6 and ARP: types of Ethernet, and some of our own
 * where Ethernet has none. */
enum {
	LAYER_LLC = 0,      /* and all below 1536, which are the length of what follows */
	LAYER_IP = 0x10000, /* IP of either version */
	LAYER_ETHERNET = 0x6558,
	LAYER_VLAN = 0x8100, /* behind the type, as all of these: the tag, then the next type */
	LAYER_QINQ = 0x88a8,
	LAYER_QINQ_OLD = 0x9100,
	LAYER_MPLS = 0x8847,
	LAYER_MPLS_MULTICAST = 0x8848,
	LAYER_PPPOE = 0x8864,
	LAYER_PPP = 0x880b,
	LAYER_ERSPAN2 = 0x88be, /* types I and II */
	LAYER_ERSPAN3 = 0x22eb,
};

enum {
	PROTO_IPV4 = 4,
	PROTO_IPV6 = 41,
	PROTO_GRE = 47,
};

enum {
	PORT_VXLAN = 4789,
	PORT_VXLAN_OLD = 8472, /* Linux without a port given */
	PORT_GENEVE = 6081,
};

enum {
	PACKET_LAYERS = 8,    /* followed from an Ethernet header, or else, to a network header */
	PACKET_TUNNELS = 4,   /* followed, one within the other */
	PACKET_DEEPEST = 512, /* no header is looked for that begins behind this byte */
};

struct layer {
	__u32 offset;
	__u32 end; /* of the packet that carries it */
	__u32 type;
};

KARMA_INLINE int layer_is_network(__u32 type)
{
	return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6 || type == ETHERTYPE_ARP;
}

/* ---- between link and network ---- */

/* The label at the layer, or the last label and what it labels: IP by its version, else Ethernet,
 * which may have a control word before it, that begins with zeros (RFC 4385). */
KARMA_INLINE int layer_mpls(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 5);

	if (!h)
		return LOST_TRUNCATED;
	at->offset += 4;
	if (!(h[2] & 1))
		return 0;
	if (h[4] >> 4 == 4 || h[4] >> 4 == 6) {
		at->type = LAYER_IP;
	} else {
		at->type = LAYER_ETHERNET;
		at->offset += h[4] >> 4 ? 0 : 4;
	}
	return 0;
}

KARMA_INLINE int layer_pppoe(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 6);

	if (!h)
		return LOST_TRUNCATED;
	if (h[0] != 0x11 || h[1] != 0)
		return LOST_NOT_IP;
	at->offset += 6;
	at->type = LAYER_PPP;
	return 0;
}

/* The protocol behind address and control, each of which may be compressed (RFC 1661). */
KARMA_INLINE int layer_ppp(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 4);
	__u32 protocol, size = 0;

	if (!h)
		return LOST_TRUNCATED;
	protocol = load16(h);
	if (protocol == 0xff03) {
		size = 2;
		protocol = load16(h + 2);
	}
	if (protocol & 0x100) {
		size += 1;
		protocol >>= 8;
	} else {
		size += 2;
	}
	at->offset += size;
	switch (protocol) {
	case 0x21:
		at->type = ETHERTYPE_IPV4;
		return 0;
	case 0x57:
		at->type = ETHERTYPE_IPV6;
		return 0;
	case 0x281:
		at->type = LAYER_MPLS;
		return 0;
	default:
		return LOST_NOT_IP;
	}
}

/* ERSPAN's own header behind GRE's; type I has none and comes as LAYER_ETHERNET. */
KARMA_INLINE int layer_erspan(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 12);
	__u32 version;

	if (!h)
		return LOST_TRUNCATED;
	version = h[0] >> 4;
	if (version != (at->type == LAYER_ERSPAN2 ? 1 : 2))
		return LOST_NOT_IP;
	if (version == 1)
		at->offset += 8;
	else
		at->offset += h[11] & 1 ? 20 : 12; /* with the platform's part */
	at->type = LAYER_ETHERNET;
	return 0;
}

/* An Ethernet type behind LLC and SNAP (RFC 1042, or 802.1H for bridges). */
KARMA_INLINE int layer_llc(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 8);

	if (!h)
		return LOST_TRUNCATED;
	if (load32(h) != 0xaaaa0300 || h[4] != 0 || (h[5] != 0 && h[5] != 0xf8))
		return LOST_NOT_IP;
	at->type = load16(h + 6);
	at->offset += 8;
	return at->type < 1536 ? LOST_NOT_IP : 0;
}

/* From a layer that is no network header to the next one. */
KARMA_INLINE int layer_next(const struct frame *f, struct layer *at)
{
	const __u8 *h;

	if (at->offset > PACKET_DEEPEST)
		return LOST_EXTENSIONS;
	switch (at->type) {
	case LAYER_ETHERNET:
		h = frame_at(f, at->offset, 14);
		if (!h)
			return LOST_TRUNCATED;
		at->type = load16(h + 12);
		at->offset += 14;
		return 0;
	case LAYER_VLAN:
	case LAYER_QINQ:
	case LAYER_QINQ_OLD:
		h = frame_at(f, at->offset, 4);
		if (!h)
			return LOST_TRUNCATED;
		at->type = load16(h + 2);
		at->offset += 4;
		return 0;
	case LAYER_IP:
		h = frame_at(f, at->offset, 1);
		if (!h)
			return LOST_TRUNCATED;
		if (h[0] >> 4 != 4 && h[0] >> 4 != 6)
			return LOST_BAD_VERSION;
		at->type = h[0] >> 4 == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
		return 0;
	case LAYER_MPLS:
	case LAYER_MPLS_MULTICAST:
		return layer_mpls(f, at);
	case LAYER_PPPOE:
		return layer_pppoe(f, at);
	case LAYER_PPP:
		return layer_ppp(f, at);
	case LAYER_ERSPAN2:
	case LAYER_ERSPAN3:
		return layer_erspan(f, at);
	default:
		return at->type < 1536 ? layer_llc(f, at) : LOST_NOT_IP;
	}
}

/* To the network header. */
KARMA_INLINE int layer_follow(const struct frame *f, struct layer *at)
{
	for (int i = 0; i < PACKET_LAYERS && !layer_is_network(at->type); i++) {
		int lost = layer_next(f, at);

		if (lost)
			return lost;
	}
	return layer_is_network(at->type) && at->offset <= PACKET_DEEPEST ? 0 : LOST_EXTENSIONS;
}

#ifdef __bpf__
/* As functions that the verifier looks at once, which find the bytes of the skb themselves. */
int karma_decode(struct __sk_buff *skb, struct packet *p, __u32 offset, __u32 type, __u32 end);
int karma_tunnel(struct __sk_buff *skb, const struct packet *p, struct layer *inner);
typedef struct __sk_buff packet_source;
#define PACKET_LAYER(p, skb, at) karma_decode(skb, p, (at)->offset, (at)->type, (at)->end)
#define TUNNEL_HEADER(p, skb, inner) karma_tunnel(skb, p, inner)
#else
typedef const struct frame packet_source;
#define PACKET_LAYER(p, f, at) packet_layer(p, f, at)
#define TUNNEL_HEADER(p, f, inner) tunnel_header(p, f, inner)

/* The packet whose first layer stands at `from`. */
static inline int packet_layer(struct packet *p, const struct frame *f, const struct layer *from)
{
	struct frame within = *f;
	struct layer at = *from;
	int lost = at.type == LAYER_ETHERNET ? layer_next(f, &at) : 0;

	if (!lost)
		lost = layer_follow(f, &at);
	within.length = at.end;
	return lost ? lost : packet_network(p, &within, at.type, at.offset);
}
#endif

/* ---- tunnels ---- */

/* May another packet be in this one, by its protocol or port? */
KARMA_INLINE int packet_may_carry(const struct packet *p)
{
	__u16 port;

	if (p->key.proto == PROTO_TCP || p->fragment)
		return 0;
	if (p->key.proto == PROTO_UDP) {
		port = p->from ? p->key.port[0] : p->key.port[1];
		return port == PORT_VXLAN || port == PORT_VXLAN_OLD || port == PORT_GENEVE;
	}
	return p->key.proto == PROTO_GRE || p->key.proto == PROTO_IPV4 ||
	       p->key.proto == PROTO_IPV6;
}

/* GRE (RFC 2784, 2890), and the version that carries PPP (RFC 2637). With routing, or of an unknown
 * version: not followed. */
KARMA_INLINE int tunnel_gre(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 4);
	__u32 bits;

	if (!h)
		return LOST_TRUNCATED;
	bits = load16(h);
	at->type = load16(h + 2);
	at->offset += 4;
	if ((bits & 0x4000) || (bits & 7) > (at->type == LAYER_PPP))
		return LOST_NOT_IP;
	if (at->type == LAYER_ERSPAN2 && !(bits & 0x1000))
		at->type = LAYER_ETHERNET;
	at->offset += (bits & 0x8000 ? 4 : 0) + (bits & 0x2000 ? 4 : 0) + (bits & 0x1000 ? 4 : 0) +
		      ((bits & 0x81) == 0x81 ? 4 : 0);
	return at->type < 1536 ? LOST_NOT_IP : 0;
}

/* RFC 7348: what it reserves does not count. */
KARMA_INLINE int tunnel_vxlan(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 8);

	if (!h)
		return LOST_TRUNCATED;
	if (!(h[0] & 0x08))
		return LOST_NOT_IP;
	at->offset += 8;
	at->type = LAYER_ETHERNET;
	return 0;
}

/* RFC 8926; a control message carries nobody's packet. */
KARMA_INLINE int tunnel_geneve(const struct frame *f, struct layer *at)
{
	const __u8 *h = frame_at(f, at->offset, 8);

	if (!h)
		return LOST_TRUNCATED;
	if (h[0] >> 6 != 0 || (h[1] & 0x80))
		return LOST_NOT_IP;
	at->type = load16(h + 2);
	at->offset += 8 + (h[0] & 0x3f) * 4;
	return at->type < 1536 ? LOST_NOT_IP : 0;
}

/* The layer that a decoded packet carries, or that it carries none. */
KARMA_INLINE int tunnel_header(const struct packet *p, const struct frame *f, struct layer *at)
{
	at->offset = p->payload_offset;
	at->end = p->payload_offset + p->payload;
	if (at->offset > PACKET_DEEPEST)
		return LOST_EXTENSIONS;
	switch (p->key.proto) {
	case PROTO_IPV4:
		at->type = ETHERTYPE_IPV4;
		return 0;
	case PROTO_IPV6:
		at->type = ETHERTYPE_IPV6;
		return 0;
	case PROTO_GRE:
		return tunnel_gre(f, at);
	default:
		if ((p->from ? p->key.port[0] : p->key.port[1]) == PORT_GENEVE)
			return tunnel_geneve(f, at);
		return tunnel_vxlan(f, at);
	}
}

/* Go on from a decoded packet, whose first layer stands at `at`, to the innermost one. */
KARMA_INLINE int packet_inner(struct packet *p, packet_source *source, struct layer at)
{
	for (int i = 0; i < PACKET_TUNNELS && packet_may_carry(p); i++) {
		struct layer inner = at;

		if (TUNNEL_HEADER(p, source, &inner))
			break;
		if (PACKET_LAYER(p, source, &inner))
			return PACKET_LAYER(p, source, &at);
		at = inner;
	}
	return 0;
}

#ifndef __bpf__
/* ---- entries; the kernel's are karma_in() and karma_out() ---- */

/* From any layer on. */
static inline int packet_from(struct packet *p, const struct frame *f, __u32 type, __u32 offset)
{
	const struct layer at = {.offset = offset, .end = f->length, .type = type};
	int lost;

	if (layer_is_network(type))
		lost = packet_network(p, f, type, offset);
	else
		lost = packet_layer(p, f, &at);
	if (lost || f->outer || !packet_may_carry(p))
		return lost;
	return packet_inner(p, f, at);
}

static inline int packet_ethernet(struct packet *p, const struct frame *f)
{
	const __u8 *h = frame_at(f, 0, 14);

	return h ? packet_from(p, f, load16(h + 12), 14) : LOST_TRUNCATED;
}

/* From an IP header of either version on. */
static inline int packet_ip(struct packet *p, const struct frame *f, __u32 offset)
{
	return packet_from(p, f, LAYER_IP, offset);
}
#endif

#endif
