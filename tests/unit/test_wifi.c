/* 802.11: from the radio's header to the packets of a frame, and what is no packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pcap/dlt.h>

#include "capture/link.h"
#include "frame.h"

enum { AIR_MAX = 4096, PACKETS = 8 };

static uint8_t bytes[AIR_MAX];

/* What a frame gave. */
static struct {
	struct packet packet[PACKETS];
	int lost[PACKETS];
	int count;
} seen;

static void decode_cut(int type, uint32_t caught, uint32_t length)
{
	uint8_t *exact = malloc(caught ? caught : 1);
	struct frame f;

	assert_non_null(exact);
	memcpy(exact, bytes, caught);
	f = frame_of_bytes(exact, caught, 5);
	f.length = length;
	memset(&seen, 0, sizeof(seen));
	do {
		struct packet *p = &seen.packet[seen.count];

		assert_true(seen.count < PACKETS);
		seen.lost[seen.count] = link_of(type)(p, &f);
		if (!seen.lost[seen.count])
			packet_copy_data(p, &f);
		seen.count++;
	} while (f.next);
	free(exact);
}

static void decode(int type, uint32_t n)
{
	decode_cut(type, n, n);
}

static void assert_packet(int i, uint8_t src, uint32_t payload)
{
	const struct packet *p = &seen.packet[i];

	assert_true(i < seen.count);
	assert_int_equal(seen.lost[i], 0);
	assert_int_equal(((const uint8_t *)&p->key.addr[p->from])[15], src);
	assert_int_equal(p->key.port[p->from], 5000);
	assert_int_equal(p->payload, payload);
	assert_int_equal(p->data_len, payload < FLOW_PAYLOAD ? payload : FLOW_PAYLOAD);
	assert_int_equal(p->data[0], src);
}

static void assert_lost(int lost)
{
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.lost[0], lost);
}

/* LLC and a packet from a host. */
static uint8_t *put_llc(uint8_t *p, uint8_t src, uint32_t payload)
{
	const struct spec s = {.raw = 1,
		.src = src,
		.dst = 200,
		.proto = PROTO_UDP,
		.sport = 5000,
		.dport = 6000,
		.payload = payload,
		.fill = src};

	p = put32(put32(p, 0xaaaa0300), ETHERTYPE_IPV4);
	return p + frame_make(p, &s);
}

/* A header: frame control as it stands there, address 4 or not, QoS control or not. */
static uint8_t *put_header(uint8_t *p, uint8_t type, uint8_t flags, uint8_t qos)
{
	p = put_fill(put8(put8(p, type), flags), 0, 22);
	if ((flags & 3) == 3)
		p = put_fill(p, 7, 6);
	if (type & 0x80)
		p = put8(put8(p, qos), 0);
	if ((type & 0x80) && (flags & 0x80))
		p = put_fill(p, 9, 4);
	return p;
}

static uint32_t since(const uint8_t *p)
{
	return (uint32_t)(p - bytes);
}

static void data_frames_of_every_kind(void **state)
{
	static const uint8_t types[] = {0x08, 0x88}, flags[] = {0, 1, 2, 3, 0x09, 0x83};

	(void)state;
	for (size_t t = 0; t < sizeof(types); t++)
		for (size_t f = 0; f < sizeof(flags); f++) {
			uint32_t n =
				since(put_llc(put_header(bytes, types[t], flags[f], 0), 1, 30));

			decode(DLT_IEEE802_11, n);
			assert_int_equal(seen.count, 1);
			assert_packet(0, 1, 30);
			put_fill(bytes + n, 0xee, 4); /* and with its checksum */
			decode(DLT_IEEE802_11, n + 4);
			assert_int_equal(seen.count, 1);
			assert_packet(0, 1, 30);
		}
}

static void what_is_no_packet_is_counted_by_cause(void **state)
{
	uint32_t n;

	(void)state;
	n = since(put_fill(put_header(bytes, 0x80, 0, 0), 0, 60));
	decode(DLT_IEEE802_11, n); /* a beacon */
	assert_lost(LOST_NOT_IP);
	n = since(put_fill(put8(put8(bytes, 0xd4), 0), 0, 8));
	decode(DLT_IEEE802_11, n); /* an acknowledgement: shorter than a data frame's header */
	assert_lost(LOST_NOT_IP);
	n = since(put_header(bytes, 0x48, 1, 0));
	decode(DLT_IEEE802_11, n); /* without data */
	assert_lost(LOST_NOT_IP);
	n = since(put_llc(put_header(bytes, 0x88, 0x41, 0), 1, 30));
	decode(DLT_IEEE802_11, n);
	assert_lost(LOST_ENCRYPTED);
	n = since(put_llc(put_header(bytes, 0x08, 1, 0), 1, 30));
	bytes[22] = 1; /* a later fragment */
	decode(DLT_IEEE802_11, n);
	assert_lost(LOST_NOT_IP);
	n = since(put_llc(put_header(bytes, 0x08, 1, 0), 1, 30));
	bytes[24] = 0x42; /* spanning tree */
	decode(DLT_IEEE802_11, n);
	assert_lost(LOST_NOT_IP);
}

/* A subframe of an aggregate, padded. */
static uint8_t *put_subframe(uint8_t *p, uint8_t src, uint32_t payload)
{
	uint8_t *start = p, *end = put_llc(put_fill(p, 3, 14), src, payload);

	put16(start + 12, (unsigned)(end - start) - 14);
	return put_fill(end, 0, -(end - start) & 3);
}

static void aggregates_hold_several_packets(void **state)
{
	uint8_t *at = put_header(bytes, 0x88, 3, 0x80), *first = at;
	uint32_t n;

	(void)state;
	for (int i = 1; i <= 3; i++)
		at = put_subframe(at, (uint8_t)i, 20 + (uint32_t)i);
	n = since(at);
	decode(DLT_IEEE802_11, n);
	assert_int_equal(seen.count, 3);
	for (int i = 0; i < 3; i++)
		assert_packet(i, (uint8_t)(1 + i), 21 + (uint32_t)i);
	put_fill(at, 0xee, 4);
	decode(DLT_IEEE802_11, n + 4);
	assert_int_equal(seen.count, 3);
	/* Behind every kind of radio header, which is taken off once. */
	memmove(bytes + 8, bytes, n);
	memcpy(bytes, (uint8_t[]){0, 0, 8, 0, 0, 0, 0, 0}, 8);
	decode(DLT_IEEE802_11_RADIO, 8 + n);
	assert_int_equal(seen.count, 3);
	assert_packet(2, 3, 23);
	memcpy(bytes, (uint8_t[]){0, 0, 8, 0, DLT_IEEE802_11, 0, 0, 0}, 8);
	decode(DLT_PPI, 8 + n);
	assert_int_equal(seen.count, 3);
	assert_packet(2, 3, 23);
	memcpy(bytes, (uint8_t[]){0x80, 0x21, 0x10, 1, 0, 0, 0, 8}, 8);
	decode(DLT_IEEE802_11_RADIO_AVS, 8 + n);
	assert_int_equal(seen.count, 3);
	decode(DLT_PRISM_HEADER, 8 + n);
	assert_int_equal(seen.count, 3);
	memmove(bytes, bytes + 8, n);
	/* The second says that it is longer than what there is. */
	put16(first + 14 + 8 + 28 + 21 + 1 + 12, 2000);
	decode(DLT_IEEE802_11, n);
	assert_int_equal(seen.count, 2);
	assert_packet(0, 1, 21);
	assert_int_equal(seen.lost[1], LOST_BAD_LENGTH);
}

/* A radiotap header with these fields present (the words), then the fields. */
static uint8_t *put_radiotap(const uint32_t *present, unsigned words, unsigned size)
{
	uint8_t *p = put_fill(bytes, 0, size);

	bytes[2] = (uint8_t)size;
	for (unsigned i = 0; i < words; i++)
		for (unsigned b = 0; b < 4; b++)
			bytes[4 + 4 * i + b] = (uint8_t)(present[i] >> 8 * b);
	return p;
}

static void radiotap_flags_are_found(void **state)
{
	static const uint32_t flags[] = {2}, time_flags[] = {3}, more[] = {0x80000003, 1},
			      most[] = {0x80000003, 0x80000000, 1}, none[] = {4};
	static const struct {
		const uint32_t *present;
		unsigned words, size, at;
	} cases[] = {{flags, 1, 9, 8}, {time_flags, 1, 17, 16}, {more, 2, 25, 24},
		{most, 3, 25, 24}, {none, 1, 9, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *at = put_radiotap(cases[i].present, cases[i].words, cases[i].size);
		uint32_t n = since(put_llc(put_header(at, 0x88, 1, 0), 1, 9));

		decode(DLT_IEEE802_11_RADIO, n);
		assert_packet(0, 1, 9);
		bytes[cases[i].at ? cases[i].at : 8] = 0x50; /* with a checksum, which is wrong */
		decode(DLT_IEEE802_11_RADIO, n);
		if (cases[i].at)
			assert_lost(LOST_DAMAGED);
		else
			assert_packet(0, 1, 9);
	}
}

/* Some cards pad the header, so that what follows is aligned. */
static void padding_is_skipped(void **state)
{
	static const uint32_t flags[] = {2};
	uint8_t *at = put_radiotap(flags, 1, 9);

	(void)state;
	bytes[8] = 0x20;
	at = put_fill(put_header(at, 0x88, 1, 0), 0, 2);
	decode(DLT_IEEE802_11_RADIO, since(put_llc(at, 1, 9)));
	assert_packet(0, 1, 9);
}

static void radio_headers_that_are_wrong(void **state)
{
	static const uint32_t none[] = {0}, endless[] = {~0u, ~0u, ~0u};
	uint32_t n;

	(void)state;
	n = since(put_llc(put_header(put_radiotap(none, 1, 8), 0x88, 1, 0), 1, 9));
	bytes[0] = 1; /* version */
	decode(DLT_IEEE802_11_RADIO, n);
	assert_lost(LOST_BAD_LENGTH);
	bytes[0] = 0;
	bytes[2] = 7;
	decode(DLT_IEEE802_11_RADIO, n);
	assert_lost(LOST_BAD_LENGTH);
	bytes[3] = 80;
	decode(DLT_IEEE802_11_RADIO, n);
	assert_lost(LOST_BAD_LENGTH);
	n = since(put_llc(put_header(put_radiotap(endless, 3, 16), 0x88, 1, 0), 1, 9));
	decode(DLT_IEEE802_11_RADIO, n);
	assert_packet(0, 1, 9);
	put32(bytes + 4, 0x80211001);
	put32(bytes, 0x80211001);
	decode(DLT_IEEE802_11_RADIO_AVS, n);
	assert_lost(LOST_BAD_LENGTH);
	memcpy(bytes, (uint8_t[]){0, 0, 8, 0, DLT_PPI, 0, 0, 0}, 8);
	decode(DLT_PPI, n); /* a header within a header of its kind, and so on */
	assert_lost(LOST_LINK);
	bytes[6] = 1;
	decode(DLT_PPI, n);
	assert_lost(LOST_LINK);
}

static void every_cut_of_an_aggregate(void **state)
{
	static const uint32_t flags[] = {3};
	uint8_t *at = put_header(put_radiotap(flags, 1, 17), 0x88, 3, 0x80);
	uint32_t n;
	int whole = 0;

	(void)state;
	at = put_subframe(put_subframe(at, 1, 40), 2, 50);
	n = since(at);
	for (uint32_t cut = 0; cut <= n; cut++) {
		int good = 0;

		decode_cut(DLT_IEEE802_11_RADIO, cut, n);
		for (int i = 0; i < seen.count; i++) {
			assert_true(seen.lost[i] == 0 || seen.lost[i] == LOST_TRUNCATED);
			good += seen.lost[i] == 0;
		}
		assert_true(good >= whole);
		whole = good;
	}
	assert_int_equal(whole, 2);
	for (uint32_t cut = 0; cut < n; cut++)
		decode(DLT_IEEE802_11_RADIO, cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_frames_of_every_kind),
		cmocka_unit_test(what_is_no_packet_is_counted_by_cause),
		cmocka_unit_test(aggregates_hold_several_packets),
		cmocka_unit_test(radiotap_flags_are_found),
		cmocka_unit_test(padding_is_skipped),
		cmocka_unit_test(radio_headers_that_are_wrong),
		cmocka_unit_test(every_cut_of_an_aggregate),
	};

	return cmocka_run_group_tests_name("wifi", tests, NULL, NULL);
}
