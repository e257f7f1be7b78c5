/* Metering: what packets do to a flow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "one_flow.h"

/* ---- counting ---- */

static void directions_are_counted_apart(void **state)
{
	(void)state;
	handshake();
	tcp(false, TCP_ACK | TCP_PSH, 101, 901, 10, 20 * MS);
	tcp(true, TCP_ACK, 901, 111, 500, 30 * MS);
	assert_int_equal(f.side[0].packets, 3);
	assert_int_equal(f.side[1].packets, 2);
	assert_int_equal(f.side[0].bytes, 3 * 40 + 10);
	assert_int_equal(f.side[1].bytes, 2 * 40 + 500);
	assert_int_equal(f.side[0].payload, 10);
	assert_int_equal(f.side[1].payload, 500);
	assert_int_equal(f.side[0].ttl, 60);
	assert_int_equal(f.side[1].ttl, 50);
	assert_int_equal(f.side[0].first_ns, START);
	assert_int_equal(f.side[1].last_ns, START + 30 * MS);
	assert_int_equal(f.first_ns, START);
	assert_int_equal(f.last_ns, START + 30 * MS);
	assert_int_equal(f.side[0].flags[FLAG_SYN], 1);
	assert_int_equal(f.side[0].flags[FLAG_ACK], 2);
	assert_int_equal(f.side[0].flags[FLAG_PSH], 1);
	assert_int_equal(f.side[1].flags[FLAG_SYN], 1);
	assert_int_equal(f.side[1].flags[FLAG_FIN], 0);
	assert_int_equal(f.ifindex, 1);
	assert_true(f.bits & FLOW_ANSWERED);
}

static void handshake_is_timed(void **state)
{
	(void)state;
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	tcp(false, TCP_SYN, 100, 0, 0, 1000 * MS); /* the last SYN counts */
	tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 1010 * MS);
	tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 1020 * MS); /* the first SYN-ACK to it ... */
	tcp(false, TCP_ACK, 101, 901, 0, 1023 * MS);          /* ... and the last before this */
	assert_int_equal(f.synack_gap, 10 * MS);
	assert_int_equal(f.ackdat_gap, 3 * MS);
	assert_true(f.bits & FLOW_ESTABLISHED);
	assert_int_equal(f.side[0].lost, 1);
	assert_int_equal(f.side[1].lost, 1);
	assert_int_equal(f.side[0].seq, 100);
	assert_int_equal(f.side[1].seq, 900);
	tcp(false, TCP_ACK, 101, 901, 0, 1100 * MS);
	assert_int_equal(f.ackdat_gap, 3 * MS);
}

static void an_ack_of_the_wrong_side_completes_nothing(void **state)
{
	(void)state;
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, MS);
	tcp(true, TCP_ACK, 901, 101, 0, 2 * MS);
	assert_false(f.bits & FLOW_ESTABLISHED);
	tcp(false, TCP_RST | TCP_ACK, 101, 901, 0, 3 * MS); /* a SYN scan's answer */
	assert_false(f.bits & FLOW_ESTABLISHED);
}

static void who_opened_is_kept(void **state)
{
	(void)state;
	tcp(true, TCP_ACK, 1, 1, 0, 0); /* left over from before */
	tcp(false, TCP_SYN, 100, 0, 0, MS);
	assert_true(f.bits & FLOW_SYN);
	assert_true(f.bits & FLOW_SYN1);
	fresh(NULL);
	tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 0);
	assert_true(f.bits & FLOW_LEAD_SYNACK);
	assert_false(f.bits & FLOW_SYN);
	assert_int_equal(f.synack_gap, 0);
}

static void gaps(void **state)
{
	(void)state;
	udp(false, "a", 0);
	udp(false, "a", 0);             /* equal stamps are no gap */
	udp(false, "a", 400);           /* nor are those equal in microseconds */
	udp(true, "b", 5 * MS);         /* the first of its direction */
	udp(false, "a", 10 * MS + 999); /* 10,000 us */
	udp(false, "a", 40 * MS);
	assert_int_equal(f.side[0].gaps, 2);
	assert_int_equal(f.side[0].gap_us, 40 * 1000);
	assert_int_equal(f.side[0].gap_us2, 10000ull * 10000 + 30000ull * 30000);
	assert_int_equal(f.side[1].gaps, 0);
}

static void gaps_cross_cuts_but_not_120_s(void **state)
{
	(void)state;
	handshake();
	tcp(false, TCP_ACK, 101, 901, 1, 59000 * MS);
	assert_int_equal(tcp(false, TCP_ACK, 102, 901, 1, 61000 * MS), METER_ENDED);
	assert_int_equal(f.side[0].gaps, 1);
	assert_int_equal(f.side[0].gap_us, 2000 * 1000);
	tcp(true, TCP_ACK, 901, 103, 1, 62000 * MS); /* silent since 10 ms */
	assert_int_equal(f.side[1].gap_us, 61990 * 1000);
	tcp(false, TCP_ACK, 103, 902, 1, 110000 * MS);
	tcp(true, TCP_ACK, 902, 104, 1, 182000 * MS); /* 120 s: no gap */
	assert_int_equal(f.side[1].gaps, 0);
}

static void repeated_data_is_loss(void **state)
{
	(void)state;
	handshake();
	tcp(false, TCP_ACK, 101, 901, 100, 20 * MS);
	tcp(false, TCP_ACK, 201, 901, 100, 30 * MS);
	assert_int_equal(f.side[0].lost, 0);
	tcp(false, TCP_ACK, 101, 901, 100, 40 * MS);
	tcp(false, TCP_ACK, 250, 901, 100, 50 * MS); /* in part */
	assert_int_equal(f.side[0].lost, 2);
	tcp(false, TCP_ACK, 101, 901, 0, 60 * MS);  /* a bare ACK is none */
	tcp(false, TCP_ACK, 450, 901, 10, 70 * MS); /* nor is a gap */
	tcp(false, TCP_FIN | TCP_ACK, 460, 901, 0, 80 * MS);
	tcp(false, TCP_FIN | TCP_ACK, 460, 901, 0, 90 * MS); /* nor a FIN */
	assert_int_equal(f.side[0].lost, 2);
	assert_int_equal(f.side[0].next_seq, 461);
}

static void sequence_numbers_wrap(void **state)
{
	(void)state;
	tcp(false, TCP_ACK, 0xffffff00, 1, 0x80, 0);
	tcp(false, TCP_ACK, 0xffffff80, 1, 0x100, MS);
	assert_int_equal(f.side[0].next_seq, 0x80);
	assert_int_equal(f.side[0].lost, 0);
	tcp(false, TCP_ACK, 0xffffff80, 1, 0x100, 2 * MS);
	assert_int_equal(f.side[0].lost, 1);
	assert_int_equal(f.side[0].seq, 0xffffff00);
}

static void the_last_window_is_kept(void **state)
{
	struct spec client = {.proto = PROTO_TCP,
		.src = 2,
		.dst = 1,
		.sport = 40000,
		.dport = 80,
		.flags = TCP_SYN,
		.window = 500,
		.wscale = 7};

	(void)state;
	meter(&client, 0);
	assert_int_equal(f.side[0].window, 500);
	assert_int_equal(f.side[0].wscale, 7);
	client.flags = TCP_ACK;
	client.window = 0; /* closed: the last that was not 0 stands */
	meter(&client, 3 * MS);
	client.window = 9;
	client.flags = TCP_FIN | TCP_ACK;
	meter(&client, 4 * MS);
	assert_int_equal(f.side[0].window, 500);
	client.flags = TCP_ACK;
	meter(&client, 5 * MS);
	assert_int_equal(f.side[0].window, 9);
	flow_cut(&f); /* over a cut too */
	assert_int_equal(f.side[0].window, 9);
	fresh(NULL);
	client.flags = TCP_FIN | TCP_ACK; /* a flow's first packet may be any but a RST */
	meter(&client, 0);
	assert_int_equal(f.side[0].window, 9);
	fresh(NULL);
	client.flags = TCP_RST;
	meter(&client, 0);
	assert_int_equal(f.side[0].window, 0);
}

/* The handshake has no time to its end that may be a client's, nor half of one. */
static void data_and_half_handshakes_are_not_timed(void **state)
{
	(void)state;
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 10 * MS);
	tcp(false, TCP_ACK, 101, 901, 5, 500 * MS);
	assert_true(f.bits & FLOW_ESTABLISHED);
	assert_int_equal(f.synack_gap, 10 * MS);
	assert_int_equal(f.ackdat_gap, 0);
	fresh(NULL);
	tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 0);
	tcp(false, TCP_ACK, 101, 901, 0, 3 * MS);
	assert_true(f.bits & FLOW_ESTABLISHED);
	assert_int_equal(f.ackdat_gap, 0);
}

static void a_later_record_begins_behind_the_data(void **state)
{
	(void)state;
	handshake();
	tcp(false, TCP_ACK, 101, 901, 20, 20 * MS);
	tcp(false, TCP_ACK, 125, 901, 0, 30 * MS); /* a bare ACK moves nothing */
	tcp(true, TCP_FIN | TCP_ACK, 901, 121, 0, 40 * MS);
	flow_cut(&f);
	assert_int_equal(f.side[0].seq, 121);
	assert_int_equal(f.side[1].seq, 900); /* sent nothing but its SYN and its FIN */
	tcp(true, TCP_SYN | TCP_ACK, 7000, 121, 0, 70000 * MS); /* whatever it says now */
	assert_int_equal(f.side[1].seq, 900);
}

static void first_sizes_and_bytes(void **state)
{
	char text[FLOW_PAYLOAD];

	(void)state;
	udp(false, "hello ", 0);
	udp(false, NULL, MS);
	udp(false, "world", 2 * MS);
	udp(true, "x", 3 * MS);
	assert_int_equal(f.side[0].sizes, 2);
	assert_int_equal(f.side[0].size[0], 6);
	assert_int_equal(f.side[0].size[1], 5);
	assert_int_equal(f.side[0].data_len, 11);
	assert_memory_equal(f.side[0].data, "hello world\0\0", 13);
	assert_int_equal(f.side[1].data_len, 1);
	memset(text, 'z', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	udp(false, text, 4 * MS); /* more than there is room for */
	assert_int_equal(f.side[0].data_len, FLOW_PAYLOAD);
	assert_memory_equal(f.side[0].data, "hello worldzzz", 14);
	assert_int_equal(f.side[0].data[FLOW_PAYLOAD - 1], 'z');
	udp(false, "no more", 5 * MS);
	udp(false, "fifth", 6 * MS);
	assert_int_equal(f.side[0].sizes, FLOW_SIZES);
	assert_int_equal(f.side[0].size[3], 7);
	assert_int_equal(f.side[0].data[FLOW_PAYLOAD - 1], 'z');
}

/* Wherever the bytes are cut into packets, the stream is the same. */
static void payload_may_come_in_any_pieces(void **state)
{
	char stream[101];

	(void)state;
	for (int i = 0; i < 100; i++)
		stream[i] = (char)('0' + i % 75);
	stream[100] = 0;
	for (size_t first = 1; first < 100; first++) {
		char head[101], tail[101];

		memcpy(head, stream, first);
		head[first] = 0;
		strcpy(tail, stream + first);
		fresh(NULL);
		udp(false, head, 0);
		udp(false, tail, MS);
		assert_int_equal(f.side[0].data_len, FLOW_PAYLOAD);
		assert_memory_equal(f.side[0].data, stream, FLOW_PAYLOAD);
	}
}

static void repeated_data_is_not_kept_twice(void **state)
{
	(void)state;
	handshake();
	tcp(false, TCP_ACK, 101, 901, 5, 20 * MS);
	tcp(false, TCP_ACK, 101, 901, 5, 30 * MS);
	assert_int_equal(f.side[0].data_len, 5);
	assert_int_equal(f.side[0].sizes, 1);
}

static void super_packets_are_their_segments(void **state)
{
	struct spec s = {.proto = PROTO_TCP,
		.src = 2,
		.dst = 1,
		.sport = 40000,
		.dport = 80,
		.flags = TCP_ACK | TCP_PSH,
		.payload = 1000};
	struct packet p;

	(void)state;
	packet_at(&p, &s, START);
	p.segments = 3;
	p.segment_size = 400;
	p.length = 3 * 40 + 1000;
	flow_meter(&f, &p, &ended, &closed);
	assert_int_equal(f.side[0].packets, 3);
	assert_int_equal(f.side[0].bytes, 1120);
	assert_int_equal(f.side[0].sizes, 3);
	assert_int_equal(f.side[0].size[1], 400);
	assert_int_equal(f.side[0].size[2], 200);
	assert_int_equal(f.side[0].flags[FLAG_ACK], 3);
	assert_int_equal(f.side[0].flags[FLAG_PSH], 1);
	assert_int_equal(f.side[0].gaps, 0);
	flow_meter(&f, &p, &ended, &closed);
	assert_int_equal(f.side[0].lost, 3);
}

static void flag_counts_stay_at_the_top(void **state)
{
	(void)state;
	tcp(false, TCP_ACK, 1, 1, 0, 0);
	f.side[0].flags[FLAG_ACK] = 65534;
	tcp(false, TCP_ACK, 1, 1, 0, 1);
	tcp(false, TCP_ACK, 1, 1, 0, 2);
	assert_int_equal(f.side[0].flags[FLAG_ACK], 65535);
}

static void later_fragments_are_no_tcp(void **state)
{
	struct spec s = {.proto = PROTO_TCP, .src = 2, .dst = 1, .fragment = 3, .payload = 50};

	(void)state;
	meter(&s, 0);
	meter(&s, MS);
	assert_int_equal(f.side[0].packets, 2);
	assert_int_equal(f.side[0].lost, 0);
	assert_int_equal(f.side[0].seq, 0);
	assert_true(f.bits & FLOW_FRAGMENT);
	assert_false(f.bits & (FLOW_SEQ0 | FLOW_SEQ1));
}

static void time_does_not_go_back(void **state)
{
	(void)state;
	udp(false, "a", 10 * MS);
	assert_int_equal(udp(false, "a", 5 * MS), METER_TIME);
	assert_int_equal(f.last_ns, START + 10 * MS);
	assert_int_equal(f.side[0].gaps, 0);
	assert_int_equal(f.side[0].packets, 2);
	assert_int_equal(due_at(0), DUE_NOTHING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fresh)
	const struct CMUnitTest tests[] = {
		TEST(directions_are_counted_apart),
		TEST(handshake_is_timed),
		TEST(an_ack_of_the_wrong_side_completes_nothing),
		TEST(who_opened_is_kept),
		TEST(gaps),
		TEST(gaps_cross_cuts_but_not_120_s),
		TEST(repeated_data_is_loss),
		TEST(sequence_numbers_wrap),
		TEST(the_last_window_is_kept),
		TEST(data_and_half_handshakes_are_not_timed),
		TEST(a_later_record_begins_behind_the_data),
		TEST(first_sizes_and_bytes),
		TEST(payload_may_come_in_any_pieces),
		TEST(repeated_data_is_not_kept_twice),
		TEST(super_packets_are_their_segments),
		TEST(flag_counts_stay_at_the_top),
		TEST(later_fragments_are_no_tcp),
		TEST(time_does_not_go_back),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
