/* A packet decoded into what the meter needs, from its network header on. One source for two
 * compilers: clang for BPF, where the bytes are a packet in the kernel and every access must be
 * proved, and gcc for captures.
 *
 * Layers are functions that hand on (offset, what follows): packet_network() -> packet_ipv4() or
 * packet_ipv6() -> packet_transport(). decode.h finds the network header: it comes in from the
 * link layer, and goes on into tunnels.
 *
 * Every function returns 0 or the meter_counter under which the frame is lost.
 *
 * Sizes count from the IP header on and take the length that the IP header states: the padding of
 * short Ethernet frames does not count. It is there on ingress only, so that a flow would else
 * have other bytes at its two ends; the Argus tables that Karma is held against have none, and
 * UNSW-NB15's rows are corrected for theirs. */
#ifndef KARMA_FLOW_PACKET_H
#define KARMA_FLOW_PACKET_H

#include "flow/types.h"

#ifdef __bpf__
#define KARMA_INLINE static __attribute__((always_inline)) inline
/* Keeps clang from proving a bound away that the verifier wants to see checked. */
#define OPAQUE(x) asm volatile("" : "+r"(x))
/* Read from memory once more. The verifier follows every combination of what tests have taught it
 * about the bits of a register, but knows nothing about memory: with each test on a fresh read the
 * paths meet again. */
#define FRESH(x) (*(volatile __typeof__(x) *)&(x))
#else
#include <string.h>
#define KARMA_INLINE static inline
#define OPAQUE(x) ((void)0)
#define FRESH(x) (x)
#endif

enum {
	TCP_FIN = 1 << FLAG_FIN,
	TCP_SYN = 1 << FLAG_SYN,
	TCP_RST = 1 << FLAG_RST,
	TCP_PSH = 1 << FLAG_PSH,
	TCP_ACK = 1 << FLAG_ACK,
	TCP_URG = 1 << FLAG_URG,
};

enum {
	PROTO_ICMP = 1,
	PROTO_IGMP = 2,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

enum { PORT_DNS = 53, ARP_ANSWER = 2 };

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IPV6 = 0x86dd,
};

enum {
	PACKET_EXTENSIONS = 4,   /* IPv6 extension headers followed; the verifier pays for each */
	PACKET_TCP_OPTIONS = 12, /* looked through for the window scale */
};

/* Only the first fragment has a transport header; the later ones are a flow without ports. */
enum { FRAGMENT_FIRST = 1, FRAGMENT_LATER = 2 };

/* A frame as it was caught. */
struct frame {
	const __u8 *data;
	const __u8 *end; /* behind the last byte caught */
	__u32 length;    /* bytes on the wire, from data on; more than caught where snapped */
	__u32 segments;  /* packets that it is on the wire: more than 1 for GSO and GRO; never 0 */
	__u32 segment_size; /* payload bytes of each of them but the last; 0: not a super-packet */
	__u32 hook;         /* FLOW_HOOK() */
	__u64 ns;
#ifdef __bpf__
	struct __sk_buff *skb;
#else
	int outer;  /* do not look into tunnels */
	__u32 next; /* where in the frame another packet begins; 0: no more */
#endif
};

struct packet {
	struct flow_key key;
	__u64 ns;
	__u32 hook;
	__u32 length;         /* from the IP header on, with the headers of every segment */
	__u32 segments;       /* packets on the wire */
	__u32 segment_size;   /* payload of each of them but the last; 0: all in one */
	__u32 payload;        /* behind the transport header, of all segments */
	__u32 payload_offset; /* of the payload in the frame */
	__u32 seq, ack;       /* TCP only, as window, flags and wscale */
	__u16 window;         /* not scaled */
	__u8 flags;           /* TCP_FIN and so on */
	__u8 wscale;          /* of a SYN; WSCALE_NONE: none given */
	__u8 from;            /* key end that sent it */
	__u8 ttl;
	__u8 icmp_type, icmp_code;
	__u8 fragment;           /* 0, FRAGMENT_FIRST or FRAGMENT_LATER */
	__u8 total;              /* it goes by its destination alone: packet_total() */
	__u8 data_len;           /* payload bytes in data; where it is 0 the rest means nothing */
	__u8 zero[FLOW_PAYLOAD]; /* zeros that stand before data: see side_data() */
	__u8 data[FLOW_PAYLOAD]; /* zeros behind the payload bytes */
};

/* ---- reading ---- */

/* The n bytes at `offset`, or NULL when the frame was cut before their end. In BPF the pointer is
 * kept whole in one register from its making to its check (OPAQUE): else clang checks one copy
 * and reads through another, which the verifier refuses. */
KARMA_INLINE const __u8 *frame_at(const struct frame *f, __u32 offset, __u32 n)
{
#ifdef __bpf__
	const __u8 *p = f->data + offset;

	OPAQUE(p);
	if (p + n > f->end)
		return 0;
	return p;
#else
	__u64 caught = (__u64)(f->end - f->data);

	return (__u64)offset + n <= caught ? f->data + offset : 0;
#endif
}

#ifdef __bpf__
#define LOAD(type, p) (*(const type *)(p))
#else
#define LOAD(type, p)                                                                              \
	({                                                                                         \
		type value_;                                                                       \
		memcpy(&value_, (p), sizeof(value_));                                              \
		value_;                                                                            \
	})
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NET16(x) __builtin_bswap16(x)
#define NET32(x) __builtin_bswap32(x)
#define V4_MAPPED(raw) ((__u64)(raw) << 32 | 0xffff0000u)
#else
#define NET16(x) (x)
#define NET32(x) (x)
#define V4_MAPPED(raw) ((__u64)0xffff << 32 | (raw))
#endif

KARMA_INLINE __u16 load16(const __u8 *p)
{
	return NET16(LOAD(__u16, p));
}

KARMA_INLINE __u32 load32(const __u8 *p)
{
	return NET32(LOAD(__u32, p));
}

KARMA_INLINE struct flow_addr load_v4(const __u8 *p)
{
	return (struct flow_addr){{0, V4_MAPPED(LOAD(__u32, p))}};
}

KARMA_INLINE struct flow_addr load_v6(const __u8 *p)
{
	return (struct flow_addr){{LOAD(__u64, p), LOAD(__u64, p + 8)}};
}

/* ---- the key ---- */

/* <0, 0, >0, by the words. */
KARMA_INLINE int addr_order(const struct flow_addr *a, const struct flow_addr *b)
{
	if (a->word[0] != b->word[0])
		return a->word[0] < b->word[0] ? -1 : 1;
	if (a->word[1] != b->word[1])
		return a->word[1] < b->word[1] ? -1 : 1;
	return 0;
}

/* Order the key's ends, which so far are the source and the destination. `from_if_equal`: the
 * sender's end where a host speaks to itself. */
KARMA_INLINE void key_order(struct packet *p, __u8 from_if_equal)
{
	int order = addr_order(&p->key.addr[0], &p->key.addr[1]);

	p->from = order ? order > 0 : from_if_equal;
	if (order > 0) {
		struct flow_addr src = p->key.addr[0];

		p->key.addr[0] = p->key.addr[1];
		p->key.addr[1] = src;
	}
}

/* ---- transport ---- */

/* What the network layer hands on, beside the addresses in the key. */
struct network {
	__u32 offset;  /* of the transport header in the frame */
	__u32 rest;    /* bytes from there to the end of the IP packet */
	__u32 headers; /* bytes from the IP header to there */
	__u16 id;      /* of the packet; IPv4 only */
	__u8 proto;
};

/* The window scale among the TCP options from `offset` to `end` (RFC 7323), or WSCALE_NONE. */
KARMA_INLINE __u8 tcp_options(const struct frame *f, __u32 offset, __u32 end)
{
	for (int i = 0; i < PACKET_TCP_OPTIONS; i++) {
		const __u8 *o;
		__u32 size;

		if (offset + 2 > end)
			break;
		o = frame_at(f, offset, 2);
		if (!o || o[0] == 0)
			break;
		if (o[0] == 1) {
			offset++;
			continue;
		}
		if (o[0] == 3) {
			o = frame_at(f, offset, 3);
			if (!o || offset + 3 > end || o[1] != 3)
				break;
			return o[2] < WSCALE_MAX ? o[2] : WSCALE_MAX;
		}
		size = o[1];
		if (size < 2 || size > 40)
			break;
		offset += size;
	}
	return WSCALE_NONE;
}

#ifdef __bpf__
/* The same in a function that the verifier looks at once, not for every way to a TCP header. */
__u32 karma_tcp_options(struct __sk_buff *skb, __u32 offset, __u32 end);
#define TCP_OPTIONS(f, offset, end) karma_tcp_options((f)->skb, offset, end)
#else
#define TCP_OPTIONS(f, offset, end) tcp_options(f, offset, end)
#endif

/* A first fragment that ends within TCP's header, as a scanner sends that wants not to be seen:
 * whose it is, and no more. What comes back would be taken for the beginning of its flow,
 * otherwise. */
KARMA_INLINE int packet_tcp_tiny(
	struct packet *p, const struct frame *f, struct network *n, __u16 *port)
{
	const __u8 *h = frame_at(f, n->offset, 8);

	if (!h)
		return LOST_TRUNCATED;
	port[0] = load16(h);
	port[1] = load16(h + 2);
	p->seq = load32(h + 4);
	n->headers += n->rest;
	n->offset += n->rest;
	n->rest = 0;
	return 0;
}

KARMA_INLINE int packet_tcp(struct packet *p, const struct frame *f, struct network *n, __u16 *port)
{
	const __u8 *h;
	__u32 size;

	if (p->fragment && n->rest >= 8 && n->rest < 20)
		return packet_tcp_tiny(p, f, n, port);
	if (n->rest < 20)
		return LOST_BAD_LENGTH;
	h = frame_at(f, n->offset, 20);
	if (!h)
		return LOST_TRUNCATED;
	size = (h[12] >> 4) * 4;
	if (size < 20 || size > n->rest)
		return LOST_BAD_LENGTH;
	port[0] = load16(h);
	port[1] = load16(h + 2);
	p->seq = load32(h + 4);
	p->ack = load32(h + 8);
	p->flags = h[13] & (TCP_FIN | TCP_SYN | TCP_RST | TCP_PSH | TCP_ACK | TCP_URG);
	p->window = load16(h + 14);
	if ((p->flags & TCP_SYN) && size > 20)
		p->wscale = TCP_OPTIONS(f, n->offset + 20, n->offset + size);
	n->headers += size;
	n->offset += size;
	n->rest -= size;
	return 0;
}

/* UDP, UDP-Lite and SCTP: ports, and a header of a fixed size. */
KARMA_INLINE int packet_ports(
	const struct frame *f, struct network *n, __u16 *port, __u32 size, __u8 fragment)
{
	const __u8 *h;
	__u16 stated;

	if (n->rest < size)
		return LOST_BAD_LENGTH;
	h = frame_at(f, n->offset, 8);
	if (!h)
		return LOST_TRUNCATED;
	port[0] = load16(h);
	port[1] = load16(h + 2);
	stated = load16(h + 4);
	/* 0: a jumbogram (RFC 2675). A first fragment states the whole datagram's length. */
	if (n->proto == PROTO_UDP && stated && (stated < size || (stated > n->rest && !fragment)))
		return LOST_BAD_LENGTH;
	n->headers += size;
	n->offset += size;
	n->rest -= size;
	return 0;
}

/* The id of a DNS message over UDP, or 0. Other traffic on the port, of which each packet would
 * else be a flow of its own, has hardly an ordinary query with one question in its header. */
KARMA_INLINE __u16 dns_id(const struct frame *f, const struct network *n, const __u16 *port)
{
	const __u8 *h;

	if ((port[0] != PORT_DNS && port[1] != PORT_DNS) || n->rest < 12)
		return 0;
	h = frame_at(f, n->offset, 12);
	if (!h || (h[2] & 0x78) || load16(h + 4) != 1)
		return 0;
	return load16(h);
}

/* The type of the request that a type answers or is, and whether it is the answer: requests and
 * answers are one flow. -1: neither. */
KARMA_INLINE int icmp_request(__u8 proto, __u8 type, __u8 *answer)
{
	*answer = 0;
	if (proto == PROTO_ICMP6) {
		switch (type) {
		case 129: /* echo */
		case 134: /* router advertisement */
		case 136: /* neighbour advertisement */
			*answer = 1;
			return type - 1;
		case 128:
		case 133:
		case 135:
			return type;
		default:
			return -1;
		}
	}
	switch (type) {
	case 0: /* echo */
		*answer = 1;
		return 8;
	case 14: /* time stamp */
	case 16: /* information */
	case 18: /* address mask */
		*answer = 1;
		return type - 1;
	case 8:
	case 13:
	case 15:
	case 17:
		return type;
	default:
		return -1;
	}
}

KARMA_INLINE int packet_icmp(struct packet *p, const struct frame *f, struct network *n)
{
	const __u8 *h;
	__u8 answer;
	int request;

	if (n->rest < 8)
		return LOST_BAD_LENGTH;
	h = frame_at(f, n->offset, 8);
	if (!h)
		return LOST_TRUNCATED;
	p->icmp_type = h[0];
	p->icmp_code = h[1];
	request = icmp_request(n->proto, h[0], &answer);
	key_order(p, answer);
	p->key.port[0] = request < 0 ? h[0] : request;
	/* Neighbour discovery has no id. */
	p->key.port[1] = request < 0 || request > 128 ? h[1] : load16(h + 4);
	n->headers += 8;
	n->offset += 8;
	n->rest -= 8;
	return 0;
}

/* Virtual machines' and taps' super-packets come without the number of their segments. */
KARMA_INLINE __u32 frame_segments(const struct frame *f, __u32 payload)
{
	if (f->segments > 1 || !f->segment_size || payload <= f->segment_size)
		return f->segments;
	return (payload + f->segment_size - 1) / f->segment_size;
}

KARMA_INLINE int packet_transport(struct packet *p, const struct frame *f, struct network *n)
{
	__u16 port[2] = {0, 0};
	int lost = 0;

	p->key.proto = n->proto;
	if (p->fragment == FRAGMENT_LATER) {
		key_order(p, 0);
	} else if (n->proto == (p->key.net == NET_IPV4 ? PROTO_ICMP : PROTO_ICMP6)) {
		lost = packet_icmp(p, f, n);
	} else {
		if (n->proto == PROTO_TCP)
			lost = packet_tcp(p, f, n, port);
		else if (n->proto == PROTO_UDP || n->proto == PROTO_UDPLITE)
			lost = packet_ports(f, n, port, 8, p->fragment);
		else if (n->proto == PROTO_SCTP)
			lost = packet_ports(f, n, port, 12, p->fragment);
		else if (n->proto == PROTO_IGMP)
			p->key.id = n->id;
		if (n->proto == PROTO_UDP && !lost)
			p->key.id = dns_id(f, n, port);
		key_order(p, port[0] > port[1]);
		p->key.port[0] = p->from ? port[1] : port[0];
		p->key.port[1] = p->from ? port[0] : port[1];
	}
	if (lost)
		return lost;
	p->payload = n->rest;
	p->payload_offset = n->offset;
	p->segments = frame_segments(f, n->rest);
	p->segment_size = p->segments > 1 ? f->segment_size : 0;
	p->length = n->headers * p->segments + n->rest;
	return 0;
}

/* ---- network ---- */

/* How many bytes an IP packet has: what its header states; 0 stands for a super-packet too large
 * for the field, or a jumbogram: the frame says how much there is. 0: contradiction. */
KARMA_INLINE __u32 ip_length(const struct frame *f, __u32 offset, __u32 stated)
{
	__u32 there = f->length - offset;

	if (offset > f->length || stated > there)
		return 0;
	return stated ? stated : there;
}

KARMA_INLINE int packet_ipv4(struct packet *p, const struct frame *f, __u32 offset)
{
	const __u8 *h = frame_at(f, offset, 20);
	struct network n = {0};
	__u32 size, length;
	__u16 fragment;

	if (!h)
		return LOST_TRUNCATED;
	if (h[0] >> 4 != 4)
		return LOST_BAD_VERSION;
	size = (h[0] & 15) * 4;
	length = ip_length(f, offset, load16(h + 2));
	if (size < 20 || length < size)
		return LOST_BAD_LENGTH;
	fragment = load16(h + 6) & 0x3fff;
	if (fragment)
		p->fragment = fragment & 0x1fff ? FRAGMENT_LATER : FRAGMENT_FIRST;
	p->ttl = h[8];
	p->key.net = NET_IPV4;
	p->key.addr[0] = load_v4(h + 12);
	p->key.addr[1] = load_v4(h + 16);
	n.proto = h[9];
	n.id = load16(h + 4);
	n.offset = offset + size;
	n.headers = size;
	n.rest = length - size;
	return packet_transport(p, f, &n);
}

/* Hop-by-hop, routing, fragment and destination options; all others are payload. */
KARMA_INLINE int ipv6_is_extension(__u8 proto)
{
	return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

KARMA_INLINE int ipv6_extensions(struct packet *p, const struct frame *f, struct network *n)
{
	for (int i = 0; i < PACKET_EXTENSIONS; i++) {
		const __u8 *h;
		__u32 size;

		if (!ipv6_is_extension(n->proto) || p->fragment == FRAGMENT_LATER)
			return 0;
		if (n->rest < 8)
			return LOST_BAD_LENGTH;
		h = frame_at(f, n->offset, 8);
		if (!h)
			return LOST_TRUNCATED;
		size = 8;
		if (n->proto == 44) {
			__u16 fragment = load16(h + 2);

			/* An atomic fragment (offset 0, no more to come) is a whole packet. */
			if (fragment & 0xfff9)
				p->fragment = fragment & 0xfff8 ? FRAGMENT_LATER : FRAGMENT_FIRST;
		} else {
			size += h[1] * 8;
		}
		if (n->rest < size)
			return LOST_BAD_LENGTH;
		n->proto = h[0];
		n->offset += size;
		n->headers += size;
		n->rest -= size;
	}
	if (ipv6_is_extension(n->proto) && p->fragment != FRAGMENT_LATER)
		return LOST_EXTENSIONS;
	return 0;
}

KARMA_INLINE int packet_ipv6(struct packet *p, const struct frame *f, __u32 offset)
{
	const __u8 *h = frame_at(f, offset, 40);
	struct network n = {0};
	__u32 length, stated;
	int lost;

	if (!h)
		return LOST_TRUNCATED;
	if (h[0] >> 4 != 6)
		return LOST_BAD_VERSION;
	stated = load16(h + 4);
	/* No payload and nothing said to follow is an empty packet, not a jumbogram. */
	length = ip_length(f, offset, stated || h[6] == 59 ? stated + 40 : 0);
	if (length < 40)
		return LOST_BAD_LENGTH;
	p->ttl = h[7];
	p->key.net = NET_IPV6;
	p->key.addr[0] = load_v6(h + 8);
	p->key.addr[1] = load_v6(h + 24);
	n.proto = h[6];
	n.offset = offset + 40;
	n.headers = 40;
	n.rest = length - 40;
	lost = ipv6_extensions(p, f, &n);
	return lost ? lost : packet_transport(p, f, &n);
}

/* ARP for IPv4 over Ethernet: request and answer are one flow; who asks whom the other way round is
 * another. */
KARMA_INLINE int packet_arp(struct packet *p, const struct frame *f, __u32 offset)
{
	const __u8 *h = frame_at(f, offset, 28);
	int answer;

	if (!h)
		return LOST_TRUNCATED;
	if (load32(h) != (1 << 16 | ETHERTYPE_IPV4) || load16(h + 4) != 0x0604)
		return LOST_NOT_IP;
	answer = load16(h + 6) == ARP_ANSWER;
	p->key.addr[0] = load_v4(h + 14);
	p->key.addr[1] = load_v4(h + 24);
	key_order(p, answer);
	p->key.net = NET_ARP;
	p->key.id = p->from ^ answer;
	p->segments = 1;
	p->length = 28;
	p->payload_offset = offset + 28;
	return 0;
}

KARMA_INLINE void packet_clear(struct packet *p, const struct frame *f)
{
	__builtin_memset(p, 0, __builtin_offsetof(struct packet, zero));
	p->wscale = WSCALE_NONE;
	p->ns = f->ns;
	p->hook = f->hook;
}

/* From the network header on, of which the layer below says what it is. */
KARMA_INLINE int packet_network(
	struct packet *p, const struct frame *f, __u16 ethertype, __u32 offset)
{
	packet_clear(p, f);
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		return packet_ipv4(p, f, offset);
	case ETHERTYPE_IPV6:
		return packet_ipv6(p, f, offset);
	case ETHERTYPE_ARP:
		return packet_arp(p, f, offset);
	default:
		return LOST_NOT_IP;
	}
}

/* Does the packet go to the end that was there to be reached, and not come from it? So far as a
 * packet alone can tell: an answer to a SYN comes from there, and of other TCP packets what has the
 * lower port. */
KARMA_INLINE int packet_to_server(const struct packet *p)
{
	__u8 flags = p->flags & (TCP_SYN | TCP_ACK | TCP_RST);

	if (p->key.proto != PROTO_TCP || flags == TCP_SYN)
		return 1;
	if (flags & (TCP_SYN | TCP_RST))
		return 0;
	return p->key.port[p->from & 1] >= p->key.port[~p->from & 1];
}

/* Has it a TCP header, and is it of one connection? */
KARMA_INLINE int packet_is_tcp(const struct packet *p)
{
	return p->key.proto == PROTO_TCP && p->fragment != FRAGMENT_LATER && !p->total;
}

/* Where there is no room for the packet's flow: make it one of the flow that stands for all that
 * goes to its destination by this protocol, whoever takes part and at whatever ports, so that a
 * flood is seen in full where its flows cannot be told apart. Its other end is the address 0. It is
 * no connection: what one packet opens or resets is not what the next belongs to. */
KARMA_INLINE void packet_total(struct packet *p)
{
	int to_server = packet_to_server(p);
	struct flow_addr any = p->key.net == NET_IPV6 ? (struct flow_addr){{0, 0}}
						      : (struct flow_addr){{0, V4_MAPPED(0)}};
	struct flow_addr server = p->key.addr[(to_server ? ~p->from : p->from) & 1];

	p->key.addr[0] = to_server ? any : server;
	p->key.addr[1] = to_server ? server : any;
	key_order(p, 0);
	p->key.port[0] = 0;
	p->key.port[1] = 0;
	p->key.id = 0;
	p->flags = 0;
	p->total = 1;
}

#ifndef __bpf__
/* Copy the first payload bytes; the kernel has a helper for it. */
static inline void packet_copy_data(struct packet *p, const struct frame *f)
{
	__u64 caught = (__u64)(f->end - f->data);
	__u64 n = caught > p->payload_offset ? caught - p->payload_offset : 0;

	if (n > p->payload)
		n = p->payload;
	if (n > FLOW_PAYLOAD)
		n = FLOW_PAYLOAD;
	p->data_len = n;
	if (!n)
		return;
	memset(p->zero, 0, sizeof(p->zero) + sizeof(p->data));
	memcpy(p->data, f->data + p->payload_offset, n);
}
#endif

#endif
