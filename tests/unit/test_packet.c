/* Decoding: every kind of frame that is understood, every way in which one is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frame.h"

static uint8_t bytes[FRAME_MAX];
static struct packet p;

/* Decode what `s` says, in memory that ends with the frame: an access behind it is found by ASan.
 */
static int decode_cut(const struct spec *s, uint32_t n, uint32_t length)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct frame f;
	int lost;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	f = frame_of_bytes(exact, n, 5);
	f.length = length;
	lost = s->raw ? packet_ip(&p, &f, 0) : packet_ethernet(&p, &f);
	if (!lost)
		packet_copy_data(&p, &f);
	free(exact);
	return lost;
}

static int decode(const struct spec *s)
{
	uint32_t n = frame_make(bytes, s);

	return decode_cut(s, n, n);
}

/* Key ends by sender: whose address and port they are. */
static uint8_t host(int end)
{
	return ((const uint8_t *)&p.key.addr[end])[15];
}

static void assert_ends(uint8_t src, uint16_t sport, uint8_t dst, uint16_t dport)
{
	assert_int_equal(host(p.from), src);
	assert_int_equal(host(!p.from), dst);
	assert_int_equal(p.key.port[p.from], sport);
	assert_int_equal(p.key.port[!p.from], dport);
}

static const struct spec tcp = {.src = 1,
	.dst = 2,
	.proto = PROTO_TCP,
	.sport = 40000,
	.dport = 80,
	.flags = TCP_SYN,
	.seq = 0x12345678,
	.ack = 0x9abcdef0,
	.window = 0xfaf0,
	.wscale = 7};

static void tcp_over_ipv4(void **state)
{
	(void)state;
	assert_int_equal(decode(&tcp), 0);
	assert_ends(1, 40000, 2, 80);
	assert_int_equal(p.key.net, NET_IPV4);
	assert_int_equal(p.key.proto, PROTO_TCP);
	assert_int_equal(p.seq, 0x12345678);
	assert_int_equal(p.ack, 0x9abcdef0);
	assert_int_equal(p.window, 0xfaf0);
	assert_int_equal(p.flags, TCP_SYN);
	assert_int_equal(p.wscale, 7);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.length, 20 + 28);
	assert_int_equal(p.payload, 0);
	assert_int_equal(p.segments, 1);
	assert_int_equal(p.ns, 5);
}

static void addresses_are_v4_mapped(void **state)
{
	const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};

	(void)state;
	assert_int_equal(decode(&tcp), 0);
	assert_memory_equal(&p.key.addr[p.from], mapped, 16);
}

static void both_directions_have_one_key(void **state)
{
	struct spec back = tcp;
	struct flow_key key;
	uint8_t from;

	(void)state;
	assert_int_equal(decode(&tcp), 0);
	key = p.key;
	from = p.from;
	back.src = tcp.dst;
	back.dst = tcp.src;
	back.sport = tcp.dport;
	back.dport = tcp.sport;
	assert_int_equal(decode(&back), 0);
	assert_memory_equal(&p.key, &key, sizeof(key));
	assert_int_equal(p.from, !from);
	/* A host that speaks to itself is told apart by its ports. */
	back.src = back.dst = 1;
	assert_int_equal(decode(&back), 0);
	assert_ends(1, 80, 1, 40000);
}

static void window_scale_is_found_among_options(void **state)
{
	struct spec s = tcp;

	(void)state;
	s.wscale = 0;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.wscale, WSCALE_NONE);
	s.wscale = WSCALE_ZERO;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.wscale, 0);
	s.wscale = 15; /* RFC 7323: 14 at the most */
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.wscale, WSCALE_MAX);
	s.flags = TCP_ACK; /* only a SYN's counts */
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.wscale, WSCALE_NONE);
	frame_make(bytes, &tcp);
	bytes[14 + 20 + 21] = 0; /* an end of options before it */
	assert_int_equal(decode_cut(&tcp, 62, 62), 0);
	frame_make(bytes, &tcp);
	bytes[14 + 20 + 20] = 0;
	assert_int_equal(decode_cut(&tcp, 62, 62), 0);
	assert_int_equal(p.wscale, WSCALE_NONE);
	frame_make(bytes, &tcp);
	bytes[14 + 20 + 20] = 8; /* an option of length 3 in its place: skipped over */
	assert_int_equal(decode_cut(&tcp, 62, 62), 0);
	assert_int_equal(p.wscale, WSCALE_NONE);
}

static void padding_does_not_count(void **state)
{
	struct spec s = tcp;

	(void)state;
	s.wscale = 0;
	s.flags = TCP_ACK;
	s.pad = 1;
	assert_int_equal(frame_make(bytes, &s), 60);
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.length, 40);
	assert_int_equal(p.payload, 0);
	assert_int_equal(p.data_len, 0);
}

static void payload_is_copied(void **state)
{
	struct spec s = {.src = 1, .dst = 2, .proto = PROTO_UDP, .sport = 5, .dport = 53};

	(void)state;
	s.payload = 3;
	s.data = "abc";
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.payload, 3);
	assert_int_equal(p.data_len, 3);
	assert_memory_equal(p.data, "abc\0\0\0\0", 7);
	s.payload = 100;
	s.data = NULL;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.payload, 100);
	assert_int_equal(p.data_len, FLOW_PAYLOAD);
	for (int i = 0; i < FLOW_PAYLOAD; i++) {
		assert_int_equal(p.data[i], i);
		assert_int_equal(p.zero[i], 0);
	}
	/* Snapped behind the headers: what there is. */
	frame_make(bytes, &s);
	assert_int_equal(decode_cut(&s, 14 + 28 + 5, 14 + 28 + 100), 0);
	assert_int_equal(p.payload, 100);
	assert_int_equal(p.data_len, 5);
}

static void ipv4_options_are_skipped(void **state)
{
	struct spec s = tcp;

	(void)state;
	s.options = 10;
	s.payload = 7;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 40000, 2, 80);
	assert_int_equal(p.length, 60 + 28 + 7);
	assert_int_equal(p.payload, 7);
}

static void vlan_tags_are_followed(void **state)
{
	struct spec s = tcp;

	(void)state;
	for (s.tags = 1; s.tags <= PACKET_LAYERS; s.tags++) {
		assert_int_equal(decode(&s), 0);
		assert_ends(1, 40000, 2, 80);
		assert_int_equal(p.length, 48);
	}
	assert_int_equal(decode(&s), LOST_EXTENSIONS);
}

static void ipv6_extensions_are_followed(void **state)
{
	const uint8_t chain[] = {0, 60, 43, 60, 60};
	struct spec s = tcp;

	(void)state;
	s.net = NET_IPV6;
	s.extension = chain;
	for (s.extensions = 0; s.extensions <= PACKET_EXTENSIONS; s.extensions++) {
		assert_int_equal(decode(&s), 0);
		assert_ends(1, 40000, 2, 80);
		assert_int_equal(p.key.net, NET_IPV6);
		assert_int_equal(p.length, 40 + 16 * s.extensions + 28);
		assert_int_equal(p.fragment, 0);
	}
	assert_int_equal(decode(&s), LOST_EXTENSIONS);
}

static void later_fragments_have_no_ports(void **state)
{
	const uint8_t fragment = 44;
	struct spec s = {.src = 1,
		.dst = 2,
		.proto = PROTO_UDP,
		.sport = 7,
		.dport = 9,
		.payload = 32,
		.more = 1};

	(void)state;
	for (int i = 0; i < 2; i++) {
		s.fragment = 0;
		assert_int_equal(decode(&s), 0);
		assert_int_equal(p.fragment, FRAGMENT_FIRST);
		assert_ends(1, 7, 2, 9);
		assert_int_equal(p.payload, 32);
		s.fragment = 5;
		assert_int_equal(decode(&s), 0);
		assert_int_equal(p.fragment, FRAGMENT_LATER);
		assert_ends(1, 0, 2, 0);
		assert_int_equal(p.payload, 32);
		assert_int_equal(p.key.proto, PROTO_UDP);
		s.net = NET_IPV6;
		s.extension = &fragment;
		s.extensions = 1;
	}
	/* An atomic fragment (RFC 6946) is a whole packet. */
	s.fragment = 0;
	s.more = 0;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.fragment, 0);
	assert_ends(1, 7, 2, 9);
}

/* A first fragment of UDP states the length of the whole. */
static void first_fragment_may_state_more_than_it_has(void **state)
{
	struct spec s = {.src = 1, .dst = 2, .proto = PROTO_UDP, .payload = 32, .more = 1};
	uint32_t n = frame_make(bytes, &s);

	(void)state;
	put16(bytes + 14 + 20 + 4, 3000);
	assert_int_equal(decode_cut(&s, n, n), 0);
	put16(bytes + 14 + 6, 0); /* no fragment */
	assert_int_equal(decode_cut(&s, n, n), LOST_BAD_LENGTH);
}

/* A scanner's: the rest of TCP's header is in the next fragment. */
static void a_first_fragment_may_end_within_its_header(void **state)
{
	struct spec s = {.src = 1,
		.dst = 2,
		.proto = PROTO_TCP,
		.sport = 40000,
		.dport = 80,
		.flags = TCP_SYN,
		.more = 1};

	(void)state;
	frame_make(bytes, &s);
	for (uint16_t rest = 0; rest < 20; rest += 4) {
		put16(bytes + 14 + 2, 20 + rest);
		if (rest < 8) { /* none does: fragments are of 8 bytes */
			assert_int_equal(decode_cut(&s, 34 + rest, 34 + rest), LOST_BAD_LENGTH);
			continue;
		}
		assert_int_equal(decode_cut(&s, 34 + rest, 34 + rest), 0);
		assert_ends(1, 40000, 2, 80);
		assert_int_equal(p.fragment, FRAGMENT_FIRST);
		assert_int_equal(p.flags, 0);
		assert_int_equal(p.payload, 0);
		assert_int_equal(p.length, 20 + rest);
		assert_int_equal(decode_cut(&s, 34 + 7, 34 + rest), LOST_TRUNCATED);
	}
	put16(bytes + 14 + 6, 0); /* no fragment */
	assert_int_equal(decode_cut(&s, 34 + 16, 34 + 16), LOST_BAD_LENGTH);
}

static void icmp_request_and_answer_are_one_flow(void **state)
{
	static const uint8_t pairs[][3] = {{PROTO_ICMP, 8, 0}, {PROTO_ICMP, 13, 14},
		{PROTO_ICMP, 15, 16}, {PROTO_ICMP, 17, 18}, {PROTO_ICMP6, 128, 129}};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct spec s = {.src = 2,
			.dst = 1,
			.proto = pairs[i][0],
			.type = pairs[i][1],
			.id = 77,
			.payload = 56};
		struct flow_key key;
		uint8_t from;

		s.net = s.proto == PROTO_ICMP ? NET_IPV4 : NET_IPV6;
		assert_int_equal(decode(&s), 0);
		assert_int_equal(p.key.port[0], pairs[i][1]);
		assert_int_equal(p.key.port[1], 77);
		assert_int_equal(p.payload, 56);
		assert_int_equal(host(p.from), 2);
		key = p.key;
		from = p.from;
		s.src = 1;
		s.dst = 2;
		s.type = pairs[i][2];
		assert_int_equal(decode(&s), 0);
		assert_memory_equal(&p.key, &key, sizeof(key));
		assert_int_equal(p.from, !from);
		assert_int_equal(p.icmp_type, pairs[i][2]);
		/* To oneself: the direction is in the type alone. */
		s.src = s.dst = 1;
		assert_int_equal(decode(&s), 0);
		assert_int_equal(p.from, 1);
	}
}

static void neighbour_discovery_has_no_id(void **state)
{
	struct spec s = {.net = NET_IPV6, .src = 1, .dst = 2, .proto = PROTO_ICMP6, .type = 135};
	struct flow_key key;

	(void)state;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.key.port[0], 135);
	key = p.key;
	s.src = 2;
	s.dst = 1;
	s.type = 136;
	s.id = 0x6000; /* its flags */
	assert_int_equal(decode(&s), 0);
	assert_memory_equal(&p.key, &key, sizeof(key));
}

static void igmp_messages_are_flows(void **state)
{
	struct spec s = {.src = 1, .dst = 2, .proto = PROTO_IGMP, .id = 5, .payload = 8};

	(void)state;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 0, 2, 0);
	assert_int_equal(p.key.id, 5);
}

static void icmp_errors_are_flows_of_their_own(void **state)
{
	struct spec s = {.src = 1,
		.dst = 2,
		.proto = PROTO_ICMP,
		.type = 3,
		.code = 3,
		.id = 9,
		.payload = 28};

	(void)state;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.key.port[0], 3);
	assert_int_equal(p.key.port[1], 3);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.icmp_code, 3);
	/* ICMPv6 in IPv4 is just another protocol. */
	s.proto = PROTO_ICMP6;
	s.type = 128;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 0, 2, 0);
	assert_int_equal(p.icmp_type, 0);
}

static void other_protocols(void **state)
{
	struct spec s = {.src = 1, .dst = 2, .proto = 47, .payload = 10};

	(void)state;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 0, 2, 0);
	assert_int_equal(p.key.proto, 47);
	assert_int_equal(p.payload, 10);
	s.sport = 2905;
	s.dport = 9;
	s.proto = PROTO_SCTP;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 2905, 2, 9);
	assert_int_equal(p.payload, 10);
	s.proto = PROTO_UDPLITE;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 2905, 2, 9);
}

static void arp_is_a_flow(void **state)
{
	struct spec s = {.net = NET_ARP, .src = 1, .dst = 2, .pad = 1};
	struct flow_key key;
	uint8_t from;

	(void)state;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 0, 2, 0);
	assert_int_equal(p.key.net, NET_ARP);
	assert_int_equal(p.key.proto, 0);
	assert_int_equal(p.length, 28);
	assert_int_equal(p.payload, 0);
	key = p.key;
	from = p.from;
	s.src = 2;
	s.dst = 1;
	s.code = 2; /* the answer */
	assert_int_equal(decode(&s), 0);
	assert_memory_equal(&p.key, &key, sizeof(key));
	assert_int_equal(p.from, !from);
	s.code = 1; /* asks in its turn */
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.key.id, !key.id);
	assert_int_equal(p.from, p.key.id);
	bytes[14] = 9; /* not Ethernet */
	assert_int_equal(decode_cut(&s, 60, 60), LOST_NOT_IP);
}

static void raw_ip(void **state)
{
	struct spec s = tcp;

	(void)state;
	s.raw = 1;
	assert_int_equal(decode(&s), 0);
	assert_ends(1, 40000, 2, 80);
	s.net = NET_IPV6;
	assert_int_equal(decode(&s), 0);
	assert_int_equal(p.key.net, NET_IPV6);
	bytes[0] = 0x50;
	assert_int_equal(decode_cut(&s, 60, 60), LOST_BAD_VERSION);
	assert_int_equal(decode_cut(&s, 0, 60), LOST_TRUNCATED);
}

static void super_packets_count_as_their_segments(void **state)
{
	struct spec s = tcp;
	struct frame f;
	uint32_t n;

	(void)state;
	s.flags = TCP_ACK;
	s.wscale = 0;
	s.payload = 1000;
	n = frame_make(bytes, &s);
	f = frame_of_bytes(bytes, n, 5);
	f.segments = 3;
	f.segment_size = 400;
	assert_int_equal(packet_ethernet(&p, &f), 0);
	assert_int_equal(p.segments, 3);
	assert_int_equal(p.segment_size, 400);
	assert_int_equal(p.payload, 1000);
	assert_int_equal(p.length, 3 * 40 + 1000);
}

/* Too large for the length field: it is 0 and the frame says how much there is. */
static void length_zero_means_the_whole_frame(void **state)
{
	struct spec s = tcp;
	uint32_t n;

	(void)state;
	s.payload = 1000;
	n = frame_make(bytes, &s);
	put16(bytes + 14 + 2, 0);
	assert_int_equal(decode_cut(&s, n, n), 0);
	assert_int_equal(p.payload, 1000);
	s.net = NET_IPV6;
	n = frame_make(bytes, &s);
	put16(bytes + 14 + 4, 0);
	assert_int_equal(decode_cut(&s, n, n), 0);
	assert_int_equal(p.payload, 1000);
	/* Nothing follows (59), padded: not a jumbogram. */
	bytes[14 + 6] = 59;
	assert_int_equal(decode_cut(&s, n, n), 0);
	assert_int_equal(p.payload, 0);
	assert_int_equal(p.length, 40);
}

struct damage {
	uint16_t at; /* byte of the frame */
	uint8_t value;
	int lost;
};

static void contradictions_are_told_apart(void **state)
{
	static const struct damage v4[] = {
		{14, 0x55, LOST_BAD_VERSION},
		{14, 0x44, LOST_BAD_LENGTH},           /* header of 16 bytes */
		{14, 0x4f, LOST_BAD_LENGTH},           /* header longer than the packet */
		{17, 200, LOST_BAD_LENGTH},            /* packet longer than the frame */
		{17, 19, LOST_BAD_LENGTH},             /* packet shorter than its header */
		{17, 39, LOST_BAD_LENGTH},             /* no room for the TCP header */
		{14 + 20 + 12, 0x40, LOST_BAD_LENGTH}, /* TCP header of 16 bytes */
		{14 + 20 + 12, 0xf0, LOST_BAD_LENGTH}, /* longer than the packet */
		{12, 0x05, LOST_NOT_IP},               /* an 802.3 length or an unknown type */
		{13, 0x01, LOST_NOT_IP},
	};
	static const struct damage v6[] = {
		{14, 0x40, LOST_BAD_VERSION}, {19, 200, LOST_BAD_LENGTH}, {19, 19, LOST_BAD_LENGTH},
		{14 + 40 + 1, 200, LOST_BAD_LENGTH}, /* extension longer than the packet */
	};
	const uint8_t destination = 60;
	struct spec s = tcp;
	uint32_t n;

	(void)state;
	s.wscale = 0;
	for (size_t i = 0; i < sizeof(v4) / sizeof(v4[0]); i++) {
		n = frame_make(bytes, &s);
		bytes[v4[i].at] = v4[i].value;
		assert_int_equal(decode_cut(&s, n, n), v4[i].lost);
	}
	s.net = NET_IPV6;
	s.extension = &destination;
	s.extensions = 1;
	for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
		n = frame_make(bytes, &s);
		bytes[v6[i].at] = v6[i].value;
		assert_int_equal(decode_cut(&s, n, n), v6[i].lost);
	}
}

/* Cut at every length: truncated while headers are missing, understood from then on; never an
 * access behind the end. On the wire it was whole. */
static void every_cut_of_every_kind(void **state)
{
	static const uint8_t chain[] = {0, 43, 44};
	const struct spec kinds[] = {
		tcp,
		{.src = 1, .dst = 2, .proto = PROTO_UDP, .payload = 20, .tags = 2},
		{.src = 1, .dst = 2, .proto = PROTO_ICMP, .type = 8, .payload = 20, .options = 3},
		{.src = 1, .dst = 2, .proto = PROTO_SCTP, .payload = 4},
		{.net = NET_IPV6,
			.src = 1,
			.dst = 2,
			.proto = PROTO_TCP,
			.flags = TCP_SYN,
			.wscale = 3,
			.extension = chain,
			.extensions = 3},
		{.net = NET_IPV6, .src = 1, .dst = 2, .proto = PROTO_ICMP6, .type = 135},
		{.net = NET_ARP, .src = 1, .dst = 2, .tags = 1},
		{.raw = 1, .net = NET_IPV6, .src = 1, .dst = 2, .proto = PROTO_UDP, .payload = 9},
	};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint32_t n = frame_make(bytes, &kinds[k]);
		bool understood = false;

		for (uint32_t cut = 0; cut <= n; cut++) {
			int lost = decode_cut(&kinds[k], cut, n);

			assert_true(lost == 0 || (lost == LOST_TRUNCATED && !understood));
			understood |= lost == 0;
		}
		assert_true(understood);
		/* And where the frame really is so short. */
		for (uint32_t cut = 0; cut < n; cut++) {
			int lost = decode_cut(&kinds[k], cut, cut);

			assert_true(lost == LOST_TRUNCATED || lost == LOST_BAD_LENGTH);
		}
	}
}

/* Any damage to any byte is a packet or a cause, never a crash; the sizes stay within the frame. */
static void any_byte_may_be_wrong(void **state)
{
	static const uint8_t chain[] = {0, 44};
	const struct spec kinds[] = {tcp,
		{.net = NET_IPV6,
			.src = 1,
			.dst = 2,
			.proto = PROTO_TCP,
			.flags = TCP_SYN,
			.wscale = 3,
			.extension = chain,
			.extensions = 2,
			.payload = 11},
		{.src = 1, .dst = 2, .proto = PROTO_UDP, .payload = 20, .tags = 2}};

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		uint32_t n = frame_make(bytes, &kinds[k]);

		for (uint32_t at = 0; at < n; at++) {
			uint8_t was = bytes[at];

			for (unsigned v = 0; v < 256; v++) {
				int lost;

				bytes[at] = (uint8_t)v;
				lost = decode_cut(&kinds[k], n, n);
				assert_in_range(lost, 0, METER_COUNTERS - 1);
				if (!lost) {
					assert_in_range(p.length, 1, n);
					assert_in_range(p.payload, 0, p.length);
				}
			}
			bytes[at] = was;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_over_ipv4),
		cmocka_unit_test(addresses_are_v4_mapped),
		cmocka_unit_test(both_directions_have_one_key),
		cmocka_unit_test(window_scale_is_found_among_options),
		cmocka_unit_test(padding_does_not_count),
		cmocka_unit_test(payload_is_copied),
		cmocka_unit_test(ipv4_options_are_skipped),
		cmocka_unit_test(vlan_tags_are_followed),
		cmocka_unit_test(ipv6_extensions_are_followed),
		cmocka_unit_test(later_fragments_have_no_ports),
		cmocka_unit_test(first_fragment_may_state_more_than_it_has),
		cmocka_unit_test(a_first_fragment_may_end_within_its_header),
		cmocka_unit_test(icmp_request_and_answer_are_one_flow),
		cmocka_unit_test(neighbour_discovery_has_no_id),
		cmocka_unit_test(igmp_messages_are_flows),
		cmocka_unit_test(icmp_errors_are_flows_of_their_own),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(arp_is_a_flow),
		cmocka_unit_test(raw_ip),
		cmocka_unit_test(super_packets_count_as_their_segments),
		cmocka_unit_test(length_zero_means_the_whole_frame),
		cmocka_unit_test(contradictions_are_told_apart),
		cmocka_unit_test(every_cut_of_every_kind),
		cmocka_unit_test(any_byte_may_be_wrong),
	};

	return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
