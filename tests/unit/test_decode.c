/* From the link to the flow that counts: what stands before the network header, and tunnels. */
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

/* In memory that ends with the frame: an access behind it is found by ASan. */
static int decode_cut(uint32_t n, uint32_t length, bool outer)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct frame f;
	int lost;

	assert_non_null(exact);
	memcpy(exact, bytes, n);
	f = frame_of_bytes(exact, n, 5);
	f.length = length;
	f.outer = outer;
	lost = packet_ethernet(&p, &f);
	if (!lost)
		packet_copy_data(&p, &f);
	free(exact);
	return lost;
}

static int decode(uint32_t n)
{
	return decode_cut(n, n, false);
}

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
	.flags = TCP_ACK,
	.payload = 30,
	.fill = 'a'};

/* The ends of tunnels: other hosts than those that speak. */
static const struct spec outer4 = {.src = 101, .dst = 102, .sport = 5555};
static const struct spec outer6 = {.net = NET_IPV6, .src = 101, .dst = 102, .sport = 5555};

static void assert_inner(void)
{
	assert_ends(1, 40000, 2, 80);
	assert_int_equal(p.key.proto, PROTO_TCP);
	assert_int_equal(p.length, 20 + 20 + 30);
	assert_int_equal(p.payload, 30);
	assert_int_equal(p.data_len, 30);
	assert_int_equal(p.data[29], 'a' + 29);
	assert_int_equal(p.ns, 5);
}

static uint32_t wrap(const struct spec *outer, enum tunnel t, const struct spec *inner)
{
	uint8_t data[FRAME_MAX];
	struct spec s = *inner;

	s.raw = !wraps_ethernet(t);
	return frame_wrap(bytes, outer, t, data, frame_make(data, &s));
}

static void every_tunnel_shows_its_inner_flow(void **state)
{
	(void)state;
	for (enum tunnel t = 0; t < WRAPS; t++) {
		struct spec inner = tcp;

		if (t == WRAP_IPV6)
			continue;
		assert_int_equal(decode(wrap(&outer4, t, &inner)), 0);
		assert_inner();
		assert_int_equal(decode(wrap(&outer6, t, &inner)), 0);
		assert_inner();
		inner.tags = wraps_ethernet(t) ? PACKET_LAYERS - 2 : 0;
		assert_int_equal(decode(wrap(&outer6, t, &inner)), 0);
		assert_inner();
	}
	for (enum tunnel t = 0; t < WRAPS; t++) {
		struct spec inner = tcp;

		if (t == WRAP_IPV4)
			continue;
		inner.net = NET_IPV6;
		assert_int_equal(decode(wrap(&outer4, t, &inner)), 0);
		assert_int_equal(p.key.net, NET_IPV6);
		assert_ends(1, 40000, 2, 80);
		assert_int_equal(p.length, 40 + 20 + 30);
	}
}

static void outer_is_what_was_asked_for(void **state)
{
	(void)state;
	for (enum tunnel t = 0; t < WRAPS; t++) {
		uint32_t n = wrap(&outer4, t, &tcp);

		assert_int_equal(decode_cut(n, n, true), 0);
		assert_int_equal(host(p.from), 101);
		assert_int_equal(host(!p.from), 102);
		assert_int_not_equal(p.key.proto, PROTO_TCP);
		assert_int_equal(p.length, n - 14);
	}
	/* A tag is no tunnel: behind it is the only flow there is. */
	struct spec s = tcp;
	uint32_t n;

	s.tags = 2;
	n = frame_make(bytes, &s);
	assert_int_equal(decode_cut(n, n, true), 0);
	assert_inner();
}

static void the_old_port_of_vxlan_counts(void **state)
{
	struct spec outer = outer4;

	(void)state;
	outer.dport = PORT_VXLAN_OLD;
	assert_int_equal(decode(wrap(&outer, WRAP_VXLAN, &tcp)), 0);
	assert_inner();
	outer.dport = 4790;
	assert_int_equal(decode(wrap(&outer, WRAP_VXLAN, &tcp)), 0);
	assert_ends(101, 5555, 102, 4790);
	/* By its destination: what comes from the port is an answer to somebody. */
	outer.sport = PORT_VXLAN;
	assert_int_equal(decode(wrap(&outer, WRAP_VXLAN, &tcp)), 0);
	assert_ends(101, PORT_VXLAN, 102, 4790);
}

/* As many tags as on the wire itself; with more it is the tunnel. */
static void tags_in_a_tunnel(void **state)
{
	struct spec inner = tcp;

	(void)state;
	inner.tags = PACKET_LAYERS;
	assert_int_equal(decode(wrap(&outer4, WRAP_VXLAN, &inner)), 0);
	assert_inner();
	inner.tags = PACKET_LAYERS + 1;
	assert_int_equal(decode(wrap(&outer4, WRAP_VXLAN, &inner)), 0);
	assert_ends(101, 5555, 102, PORT_VXLAN);
}

static void arp_and_errors_are_flows_inside_too(void **state)
{
	const struct spec arp = {.net = NET_ARP, .src = 1, .dst = 2};
	const struct spec error = {
		.src = 1, .dst = 2, .proto = PROTO_ICMP, .type = 3, .code = 1, .payload = 28};

	(void)state;
	assert_int_equal(decode(wrap(&outer4, WRAP_VXLAN, &arp)), 0);
	assert_int_equal(p.key.net, NET_ARP);
	assert_ends(1, 0, 2, 0);
	assert_int_equal(p.length, 28);
	assert_int_equal(decode(wrap(&outer4, WRAP_IPV4, &error)), 0);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.length, 20 + 8 + 28);
}

/* Within `levels` tunnels of IP in IP; the outermost is between hosts 101 and 102, the next between
 * 103 and 104, and so on inwards. */
static uint32_t nest(int levels)
{
	uint8_t data[FRAME_MAX];
	struct spec s = tcp;
	uint32_t n;

	s.raw = 1;
	n = frame_make(data, &s);
	for (int i = levels; i > 0; i--) {
		struct spec outer = outer4;

		outer.raw = i > 1;
		outer.src = (uint8_t)(99 + 2 * i);
		outer.dst = (uint8_t)(100 + 2 * i);
		n = frame_wrap(bytes, &outer, WRAP_IPV4, data, n);
		memcpy(data, bytes, n);
	}
	return n;
}

static void tunnels_in_tunnels(void **state)
{
	(void)state;
	assert_int_equal(decode(nest(PACKET_TUNNELS)), 0);
	assert_inner();
	/* One more: the last that is followed counts. */
	assert_int_equal(decode(nest(PACKET_TUNNELS + 1)), 0);
	assert_ends(99 + 2 * (PACKET_TUNNELS + 1), 0, 100 + 2 * (PACKET_TUNNELS + 1), 0);
	assert_int_equal(p.key.proto, PROTO_IPV4);
}

static void what_makes_no_sense_inside_is_the_tunnel_itself(void **state)
{
	static const struct {
		enum tunnel t;
		uint16_t at; /* behind the outer IP header */
		uint8_t value;
	} damage[] = {
		{WRAP_IPV4, 0, 0x65},                           /* another version */
		{WRAP_IPV4, 3, 200},                            /* longer than what carries it */
		{WRAP_GRE, 0, 0x40},                            /* routing */
		{WRAP_GRE, 1, 2},                               /* an unknown version */
		{WRAP_GRE, 1, 1},                               /* PPTP's version without PPP */
		{WRAP_GRE, 2, 0x12},                            /* an unknown type */
		{WRAP_GRE_PPP, 1, 0x82},                        /* a version later than PPTP's */
		{WRAP_GRE_PPP, 19, 0xfd},                       /* encrypted */
		{WRAP_ERSPAN2, 8, 0x20},                        /* another version */
		{WRAP_ERSPAN3, 8, 0x10}, {WRAP_VXLAN, 8, 0xf7}, /* no network id */
		{WRAP_VXLAN, 8 + 8 + 12, 0x88},                 /* LLDP */
		{WRAP_GENEVE, 8, 0x42},                         /* an unknown version */
		{WRAP_GENEVE, 9, 0x80},                         /* a control message */
		{WRAP_GENEVE, 8, 0x3f}, /* options that end behind the packet */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		uint32_t n = wrap(&outer4, damage[i].t, &tcp);
		struct packet expected;

		assert_int_equal(decode_cut(n, n, true), 0);
		expected = p;
		assert_int_equal(decode(n), 0);
		assert_inner();
		bytes[14 + 20 + damage[i].at] = damage[i].value;
		assert_int_equal(decode(n), 0);
		memcpy(p.data, expected.data, sizeof(p.data)); /* but for the damage */
		assert_memory_equal(&p, &expected, sizeof(p));
	}
}

/* An inner packet that reaches into the padding of its frame states more than the tunnel carries.
 */
static void the_inner_packet_ends_with_the_outer(void **state)
{
	struct spec outer = outer4, small = tcp;
	uint32_t n;

	(void)state;
	outer.pad = 1;
	small.payload = 0;
	n = wrap(&outer, WRAP_IPV4, &small);
	assert_int_equal(n, 14 + 20 + 40);
	n = put_fill(bytes + n, 0, 20) - bytes;
	assert_int_equal(decode(n), 0);
	assert_ends(1, 40000, 2, 80);
	put16(bytes + 14 + 20 + 2, 45);
	assert_int_equal(decode(n), 0);
	assert_ends(101, 0, 102, 0);
}

static void fragments_of_a_tunnel_are_the_tunnel(void **state)
{
	struct spec outer = outer4;

	(void)state;
	outer.more = 1;
	assert_int_equal(decode(wrap(&outer, WRAP_GRE, &tcp)), 0);
	assert_int_equal(p.fragment, FRAGMENT_FIRST);
	assert_ends(101, 0, 102, 0);
	outer.fragment = 100;
	assert_int_equal(decode(wrap(&outer, WRAP_GRE, &tcp)), 0);
	assert_int_equal(p.fragment, FRAGMENT_LATER);
	assert_ends(101, 0, 102, 0);
	/* A whole tunnel packet with a fragment inside is a fragment of the inner flow. */
	outer = tcp;
	outer.fragment = 3;
	assert_int_equal(decode(wrap(&outer4, WRAP_GRE, &outer)), 0);
	assert_int_equal(p.fragment, FRAGMENT_LATER);
	assert_ends(1, 0, 2, 0);
}

/* Each segment of a super-packet has the inner headers, which count, and the outer, which do not.
 */
static void super_packets_in_tunnels(void **state)
{
	struct spec inner = tcp;
	struct frame f;
	uint32_t n;

	(void)state;
	inner.payload = 1000;
	for (enum tunnel t = 0; t < WRAPS; t++) {
		if (t == WRAP_IPV6)
			continue;
		n = wrap(&outer4, t, &inner);
		f = frame_of_bytes(bytes, n, 5);
		f.segments = 3;
		f.segment_size = 400;
		assert_int_equal(packet_ethernet(&p, &f), 0);
		assert_ends(1, 40000, 2, 80);
		assert_int_equal(p.segments, 3);
		assert_int_equal(p.segment_size, 400);
		assert_int_equal(p.length, 3 * 40 + 1000);
	}
}

/* ---- without addresses of their own ---- */

/* A frame of this type, with `size` bytes of header before the IP packet that `s` says. */
static uint32_t behind(unsigned type, const uint8_t *header, uint32_t size, const struct spec *s)
{
	uint8_t *at = put16(put_fill(bytes, 2, 12), type);
	struct spec inner = *s;

	memcpy(at, header, size);
	inner.raw = 1;
	return 14 + size + frame_make(at + size, &inner);
}

static void mpls_labels_are_followed(void **state)
{
	static const uint8_t one[] = {0, 1, 0x01, 64};
	static const uint8_t three[] = {0, 1, 0, 64, 0, 2, 0, 64, 0, 3, 1, 64};
	/* a frame behind a control word, and without one */
	static const uint8_t wire[] = {
		0, 1, 1, 64, 0, 0, 0, 9, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 0};
	static const uint8_t plain[] = {0, 1, 1, 64, 0x92, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 0};
	struct spec six = tcp;

	(void)state;
	assert_int_equal(decode(behind(LAYER_MPLS, one, sizeof(one), &tcp)), 0);
	assert_inner();
	assert_int_equal(decode(behind(LAYER_MPLS_MULTICAST, three, sizeof(three), &tcp)), 0);
	assert_inner();
	assert_int_equal(decode(behind(LAYER_MPLS, wire, sizeof(wire), &tcp)), 0);
	assert_inner();
	assert_int_equal(decode(behind(LAYER_MPLS, plain, sizeof(plain), &tcp)), 0);
	assert_inner();
	six.net = NET_IPV6;
	assert_int_equal(decode(behind(LAYER_MPLS, three, sizeof(three), &six)), 0);
	assert_int_equal(p.key.net, NET_IPV6);
}

static void labels_have_an_end(void **state)
{
	uint8_t labels[4 * (PACKET_LAYERS + 1)] = {0};

	(void)state;
	/* the type of what the last one labels is a layer, too */
	labels[4 * (PACKET_LAYERS - 2) + 2] = 1;
	assert_int_equal(decode(behind(LAYER_MPLS, labels, 4 * (PACKET_LAYERS - 1), &tcp)), 0);
	assert_inner();
	labels[4 * (PACKET_LAYERS - 2) + 2] = 0;
	labels[4 * (PACKET_LAYERS - 1) + 2] = 1;
	assert_int_equal(
		decode(behind(LAYER_MPLS, labels, 4 * PACKET_LAYERS, &tcp)), LOST_EXTENSIONS);
}

static void pppoe_sessions_are_followed(void **state)
{
	uint8_t session[] = {0x11, 0, 0, 7, 0, 72, 0, 0x21};
	const uint8_t discovery[] = {0x11, 9, 0, 0, 0, 4, 1, 1, 0, 0};
	struct spec six = tcp;
	uint32_t n;

	(void)state;
	assert_int_equal(decode(behind(LAYER_PPPOE, session, sizeof(session), &tcp)), 0);
	assert_inner();
	six.net = NET_IPV6;
	session[7] = 0x57;
	assert_int_equal(decode(behind(LAYER_PPPOE, session, sizeof(session), &six)), 0);
	assert_int_equal(p.key.net, NET_IPV6);
	session[7] = 0x21;
	session[0] = 0x12;
	n = behind(LAYER_PPPOE, session, sizeof(session), &tcp);
	assert_int_equal(decode(n), LOST_NOT_IP);
	session[0] = 0x11;
	session[6] = 0xc0; /* link control */
	assert_int_equal(decode(behind(LAYER_PPPOE, session, sizeof(session), &tcp)), LOST_NOT_IP);
	assert_int_equal(decode(behind(0x8863, discovery, sizeof(discovery), &tcp)), LOST_NOT_IP);
	/* A protocol in one byte (RFC 1661). */
	assert_int_equal(
		decode(behind(LAYER_PPPOE, (uint8_t[]){0x11, 0, 0, 7, 0, 71, 0x21}, 7, &tcp)), 0);
	assert_inner();
}

static void llc_with_an_ethernet_type(void **state)
{
	uint8_t snap[] = {0xaa, 0xaa, 3, 0, 0, 0, 8, 0};

	(void)state;
	assert_int_equal(decode(behind(78, snap, sizeof(snap), &tcp)), 0);
	assert_inner();
	snap[5] = 0xf8;
	assert_int_equal(decode(behind(78, snap, sizeof(snap), &tcp)), 0);
	assert_inner();
	snap[3] = 8; /* somebody's own protocol */
	assert_int_equal(decode(behind(78, snap, sizeof(snap), &tcp)), LOST_NOT_IP);
	snap[3] = 0;
	snap[6] = 1; /* a length again */
	assert_int_equal(decode(behind(78, snap, sizeof(snap), &tcp)), LOST_NOT_IP);
	assert_int_equal(decode(behind(78, (uint8_t[]){0x42, 0x42, 3}, 3, &tcp)), LOST_NOT_IP);
}

/* ---- cut and damaged ---- */

/* Cut at every length: first truncated, then the tunnel, then the inner flow; never an access
 * behind the end. */
static void every_cut_of_every_tunnel(void **state)
{
	(void)state;
	for (enum tunnel t = 0; t < WRAPS; t++) {
		uint32_t n = wrap(&outer6, t, &tcp);
		int stage = 0;

		for (uint32_t cut = 0; cut <= n; cut++) {
			int lost = decode_cut(cut, n, false);
			int now = lost ? 0 : host(p.from) == 101 ? 1 : 2;

			assert_true(!lost || lost == LOST_TRUNCATED);
			assert_true(now >= stage);
			stage = now;
		}
		assert_int_equal(stage, t == WRAP_IPV6 ? 1 : 2);
		for (uint32_t cut = 0; cut < n; cut++) {
			int lost = decode_cut(cut, cut, false);

			assert_true(lost == LOST_TRUNCATED || lost == LOST_BAD_LENGTH);
		}
	}
}

/* Any damage is a packet or a cause; a frame that is one from the outside is never lost by what is
 * in it. */
static void any_byte_may_be_wrong(void **state)
{
	(void)state;
	for (enum tunnel t = 0; t < WRAPS; t++) {
		uint32_t n = wrap(&outer4, t, &tcp);

		for (uint32_t at = 12; at < n; at++) {
			uint8_t was = bytes[at];

			for (unsigned v = 0; v < 256; v++) {
				int lost;

				bytes[at] = (uint8_t)v;
				lost = decode(n);
				assert_in_range(lost, 0, METER_COUNTERS - 1);
				assert_true(lost == 0 || at < 14 + 28);
				assert_true(lost || (p.length > 0 && p.length <= n));
				assert_true(lost || p.payload <= p.length);
			}
			bytes[at] = was;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tunnel_shows_its_inner_flow),
		cmocka_unit_test(outer_is_what_was_asked_for),
		cmocka_unit_test(the_old_port_of_vxlan_counts),
		cmocka_unit_test(tags_in_a_tunnel),
		cmocka_unit_test(arp_and_errors_are_flows_inside_too),
		cmocka_unit_test(tunnels_in_tunnels),
		cmocka_unit_test(what_makes_no_sense_inside_is_the_tunnel_itself),
		cmocka_unit_test(the_inner_packet_ends_with_the_outer),
		cmocka_unit_test(fragments_of_a_tunnel_are_the_tunnel),
		cmocka_unit_test(super_packets_in_tunnels),
		cmocka_unit_test(mpls_labels_are_followed),
		cmocka_unit_test(labels_have_an_end),
		cmocka_unit_test(pppoe_sessions_are_followed),
		cmocka_unit_test(llc_with_an_ethernet_type),
		cmocka_unit_test(every_cut_of_every_tunnel),
		cmocka_unit_test(any_byte_may_be_wrong),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
