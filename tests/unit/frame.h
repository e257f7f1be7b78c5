/* Frames made by hand for the tests of decoding and metering: say what is in one, get its bytes. */
#ifndef KARMA_TESTS_FRAME_H
#define KARMA_TESTS_FRAME_H

#include <stdint.h>
#include <string.h>

#include "flow/decode.h"

enum { FRAME_MAX = 2048 };

/* Zero is a good default for everything but src, dst and proto. */
struct spec {
	int tags;         /* VLAN tags; the outer of two is QinQ */
	int net;          /* NET_IPV4 (also 0), NET_IPV6, NET_ARP */
	int raw;          /* no Ethernet header */
	uint8_t src, dst; /* last byte of the address */
	uint8_t proto, ttl;
	uint8_t type, code; /* ICMP */
	uint8_t flags;      /* TCP */
	uint8_t wscale;     /* TCP option of a SYN; 0: none (say WSCALE_ZERO for 0) */
	uint8_t options;    /* IPv4 options, words */
	uint16_t sport, dport, window, id;
	uint32_t seq, ack;
	const uint8_t *extension; /* IPv6 extension headers: their numbers, `extensions` of them */
	int extensions;
	uint16_t fragment; /* offset in 8 bytes */
	int more;          /* more fragments follow */
	uint32_t payload;  /* bytes; `data`, or counting from `fill` */
	const char *data;
	uint8_t fill;
	int pad; /* Ethernet padding to 60 bytes */
};

enum { WSCALE_ZERO = 254 };

static inline uint8_t *put8(uint8_t *p, unsigned v)
{
	*p = (uint8_t)v;
	return p + 1;
}

static inline uint8_t *put16(uint8_t *p, unsigned v)
{
	return put8(put8(p, v >> 8), v);
}

static inline uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v);
}

static inline uint8_t *put_fill(uint8_t *p, uint8_t v, size_t n)
{
	memset(p, v, n);
	return p + n;
}

static inline uint8_t *put_v6(uint8_t *p, uint8_t host)
{
	return put8(put_fill(put32(p, 0x20010db8), 0, 11), host);
}

static inline uint8_t *put_v4(uint8_t *p, uint8_t host)
{
	return put32(p, 0x0a000000u | host);
}

static inline uint8_t *put_transport(uint8_t *p, const struct spec *s)
{
	unsigned options = s->proto == PROTO_TCP && s->wscale ? 2 : 0;

	switch (s->proto) {
	case PROTO_TCP:
		p = put16(put16(p, s->sport), s->dport);
		p = put32(put32(p, s->seq), s->ack);
		p = put8(put8(p, (5 + options) << 4), s->flags);
		p = put16(put32(p, (uint32_t)s->window << 16), 0);
		if (options) /* MSS would be usual: here NOP, window scale, end */
			p = put32(
				put32(p, 0x01030300u | (s->wscale == WSCALE_ZERO ? 0 : s->wscale)),
				0);
		return p;
	case PROTO_UDP:
	case PROTO_UDPLITE:
		p = put16(put16(p, s->sport), s->dport);
		return put16(put16(p, 8 + s->payload), 0);
	case PROTO_SCTP:
		p = put16(put16(p, s->sport), s->dport);
		return put32(put32(p, 1), 0);
	case PROTO_ICMP:
	case PROTO_ICMP6:
		p = put16(put8(put8(p, s->type), s->code), 0);
		return put16(put16(p, s->id), 1);
	default:
		return p;
	}
}

/* The IPv6 extension headers, each naming the next, the last naming the transport. */
static inline uint8_t *put_extensions(uint8_t *p, const struct spec *s)
{
	for (int i = 0; i < s->extensions; i++) {
		unsigned next = i + 1 < s->extensions ? s->extension[i + 1] : s->proto;

		if (s->extension[i] == 44)
			p = put32(put16(put16(p, next << 8),
					  (unsigned)s->fragment << 3 | (s->more ? 1 : 0)),
				s->id);
		else
			p = put_fill(put16(p, next << 8 | 1), 0, 14);
	}
	return p;
}

static inline uint8_t *put_ip(uint8_t *p, const struct spec *s)
{
	uint8_t *start = p;
	unsigned size;

	if (s->net == NET_IPV6) {
		p = put32(p, 0x60000000);
		p = put16(p, 0); /* the length: below */
		p = put8(put8(p, s->extensions ? s->extension[0] : s->proto), s->ttl ? s->ttl : 64);
		p = put_extensions(put_v6(put_v6(p, s->src), s->dst), s);
	} else {
		p = put16(put16(p, 0x4500 + (s->options << 8)), 0);
		p = put16(p, s->id);
		p = put16(p, s->fragment | (s->more ? 0x2000 : 0));
		p = put16(put8(put8(p, s->ttl ? s->ttl : 64), s->proto), 0);
		p = put_v4(put_v4(p, s->src), s->dst);
		p = put_fill(p, 1, 4u * s->options);
	}
	if (!s->fragment)
		p = put_transport(p, s);
	for (uint32_t i = 0; i < s->payload; i++)
		p = put8(p, s->data ? (uint8_t)s->data[i] : s->fill + i);
	size = (unsigned)(p - start);
	if (s->net == NET_IPV6)
		put16(start + 4, size - 40);
	else
		put16(start + 2, size);
	return p;
}

static inline uint8_t *put_arp(uint8_t *p, const struct spec *s)
{
	p = put16(put32(put32(p, 0x00010800), 0x06040000 | (s->code ? s->code : 1)), 0);
	p = put_v4(put32(p, s->src), s->src);
	return put_v4(put_fill(p, 0, 6), s->dst);
}

/* Into `out` (FRAME_MAX bytes). Returns the frame's length. */
static inline uint32_t frame_make(uint8_t *out, const struct spec *s)
{
	uint8_t *p = out;

	if (!s->raw) {
		p = put_fill(p, 2, 12);
		for (int i = s->tags; i > 0; i--)
			p = put16(put16(p, i > 1 ? LAYER_QINQ : LAYER_VLAN), 10u + i);
		p = put16(p, s->net == NET_IPV6  ? ETHERTYPE_IPV6
			     : s->net == NET_ARP ? ETHERTYPE_ARP
						 : ETHERTYPE_IPV4);
	}
	p = s->net == NET_ARP ? put_arp(p, s) : put_ip(p, s);
	if (s->pad && p - out < 60)
		p = put_fill(p, 0, 60 - (size_t)(p - out));
	return (uint32_t)(p - out);
}

/* ---- tunnels ---- */

enum tunnel {
	WRAP_IPV4, /* IP in IP */
	WRAP_IPV6,
	WRAP_GRE,     /* the inner packet is IP; the type is told by its version */
	WRAP_GRE_ALL, /* with checksum, key and sequence number */
	WRAP_GRE_PPP, /* PPTP's */
	/* from here on the inner packet is an Ethernet frame */
	WRAP_GRE_ETHERNET,
	WRAP_ERSPAN1,
	WRAP_ERSPAN2,
	WRAP_ERSPAN3,
	WRAP_VXLAN,
	WRAP_GENEVE,
	WRAPS,
};

static inline int wraps_ethernet(enum tunnel t)
{
	return t >= WRAP_GRE_ETHERNET;
}

static inline uint8_t *put_tunnel(uint8_t *p, enum tunnel t, const uint8_t *inner)
{
	unsigned type = inner[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;

	switch (t) {
	case WRAP_GRE:
		return put16(put16(p, 0), type);
	case WRAP_GRE_ALL:
		return put_fill(put16(put16(p, 0xb000), type), 7, 12);
	case WRAP_GRE_PPP: /* key, sequence number and acknowledgement */
		p = put_fill(put16(put16(p, 0x3081), LAYER_PPP), 7, 12);
		return put32(p, type == ETHERTYPE_IPV4 ? 0xff030021 : 0xff030057);
	case WRAP_GRE_ETHERNET:
		return put16(put16(p, 0), LAYER_ETHERNET);
	case WRAP_ERSPAN1:
		return put16(put16(p, 0), LAYER_ERSPAN2);
	case WRAP_ERSPAN2:
		p = put32(put16(put16(p, 0x1000), LAYER_ERSPAN2), 1);
		return put32(put32(p, 0x10010000), 0);
	case WRAP_ERSPAN3: /* with the platform's part */
		p = put32(put16(put16(p, 0x1000), LAYER_ERSPAN3), 1);
		return put_fill(put32(put32(put32(p, 0x20010000), 0), 1), 9, 8);
	case WRAP_VXLAN:
		return put32(put32(p, 0x08000000), 0x00001700);
	case WRAP_GENEVE: /* with an option */
		p = put32(put16(put16(p, 0x0200), LAYER_ETHERNET), 0x00001700);
		return put32(put32(p, 0x01020301), 0);
	default:
		return p;
	}
}

/* A frame that carries `n` bytes of `inner` in tunnel `t` between the ends of `outer`. Returns its
 * length. */
static inline uint32_t frame_wrap(
	uint8_t *out, const struct spec *outer, enum tunnel t, const uint8_t *inner, uint32_t n)
{
	uint8_t data[FRAME_MAX], *p = put_tunnel(data, t, inner);
	struct spec s = *outer;

	memcpy(p, inner, n);
	s.data = (const char *)data;
	s.payload = (uint32_t)(p - data) + n;
	s.proto = t == WRAP_IPV4 ? PROTO_IPV4 : t == WRAP_IPV6 ? PROTO_IPV6 : PROTO_GRE;
	if (t == WRAP_VXLAN || t == WRAP_GENEVE) {
		s.proto = PROTO_UDP;
		s.dport = t == WRAP_GENEVE ? PORT_GENEVE : s.dport ? s.dport : PORT_VXLAN;
	}
	return frame_make(out, &s);
}

/* The frame around `n` bytes, at a time. */
static inline struct frame frame_of_bytes(const uint8_t *bytes, uint32_t n, uint64_t ns)
{
	return (struct frame){.data = bytes,
		.end = bytes + n,
		.length = n,
		.segments = 1,
		.hook = FLOW_HOOK(1, 0),
		.ns = ns};
}

#endif
