/* Metering: what packets do to a flow, and when it is reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow/meter.h"
#include "frame.h"

#define MS 1000000ull
#define START (1000 * METER_SECOND)

/* One flow under test, and what the last packet led to. */
static struct flow f;
static struct flow_key key;
static struct flow_report ended, closed, report;
static unsigned done;

static int fresh(void **state)
{
	(void)state;
	memset(&f, 0, sizeof(f));
	return 0;
}

static void packet_at(struct packet *p, const struct spec *s, uint64_t ns)
{
	uint8_t bytes[FRAME_MAX];
	struct frame frame = frame_of_bytes(bytes, frame_make(bytes, s), ns);

	assert_int_equal(packet_ethernet(p, &frame), 0);
	packet_copy_data(p, &frame);
}

/* Meter what `s` says at `ns` after START. */
static unsigned meter(const struct spec *s, uint64_t ns)
{
	struct packet p;
	unsigned expected;

	packet_at(&p, s, START + ns);
	key = p.key;
	expected = flow_expect(&f, &p);
	done = flow_meter(&f, &p, &ended, &closed);
	/* What the kernel makes room for must be enough. */
	assert_int_equal(done & (METER_ENDED | METER_CLOSED) & ~expected, 0);
	assert_int_equal(f.bits >> FLOW_DONE, 0);
	return done;
}

/* A TCP packet of the client (host 2) or the server (host 1). */
static unsigned tcp(
	bool server, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload, uint64_t ns)
{
	struct spec s = {.proto = PROTO_TCP,
		.src = 2,
		.dst = 1,
		.sport = 40000,
		.dport = 80,
		.window = 1000,
		.ttl = 60};

	if (server) {
		s.src = 1;
		s.dst = 2;
		s.sport = 80;
		s.dport = 40000;
		s.ttl = 50;
	}
	s.flags = flags;
	s.seq = seq;
	s.ack = ack;
	s.payload = payload;
	return meter(&s, ns);
}

static unsigned udp(bool answer, const char *data, uint64_t ns)
{
	struct spec s = {.proto = PROTO_UDP,
		.src = answer ? 1 : 2,
		.dst = answer ? 2 : 1,
		.sport = answer ? 9 : 5000,
		.dport = answer ? 5000 : 9,
		.data = data};

	s.payload = data ? (uint32_t)strlen(data) : 0;
	return meter(&s, ns);
}

static void handshake(void)
{
	assert_int_equal(tcp(false, TCP_SYN, 100, 0, 0, 0), METER_BEGUN);
	assert_int_equal(tcp(true, TCP_SYN | TCP_ACK, 900, 101, 0, 10 * MS), 0);
	assert_int_equal(tcp(false, TCP_ACK, 101, 901, 0, 13 * MS), 0);
}

static uint64_t flow_packets(const struct flow *flow)
{
	return flow->side[0].packets + flow->side[1].packets;
}

/* What the sweep would do at `ns` after START. */
static enum flow_due due_at(uint64_t ns)
{
	return flow_due(&f, &key, START + ns);
}

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

/* ---- the end of a flow ---- */

static void rst_closes_at_once(void **state)
{
	(void)state;
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	assert_int_equal(tcp(true, TCP_RST | TCP_ACK, 0, 101, 0, MS), METER_CLOSED);
	assert_int_equal(closed.event, RECORD_CLOSED);
	assert_int_equal(closed.at_ns, START + MS);
	assert_false(closed.flow.bits & FLOW_SHOWN);
	assert_memory_equal(&closed.key, &key, sizeof(key));
	assert_int_equal(flow_packets(&closed.flow), 2);
	assert_false(flow_news(&f));
	/* Reported closed once, and late packets are its own. */
	assert_int_equal(tcp(true, TCP_RST, 0, 0, 0, 2 * MS), 0);
	assert_true(flow_news(&f));
	assert_int_equal(due_at(2001 * MS), DUE_NOTHING);
	assert_int_equal(due_at(2002 * MS), DUE_LEAVE);
}

static void a_lone_rst_begins_and_closes(void **state)
{
	(void)state;
	assert_int_equal(tcp(true, TCP_RST, 5, 0, 0, 0), METER_BEGUN | METER_CLOSED);
}

static void both_fins_acknowledged_close(void **state)
{
	(void)state;
	handshake();
	assert_int_equal(tcp(false, TCP_FIN | TCP_ACK, 101, 901, 0, 20 * MS), 0);
	assert_int_equal(tcp(true, TCP_ACK, 901, 102, 0, 21 * MS), 0);
	assert_int_equal(tcp(true, TCP_ACK, 901, 102, 50, 22 * MS), 0); /* half-closed */
	assert_int_equal(tcp(true, TCP_FIN | TCP_ACK, 951, 102, 0, 23 * MS), 0);
	assert_int_equal(tcp(false, TCP_ACK, 102, 951, 0, 24 * MS), 0); /* not the FIN's */
	assert_int_equal(tcp(false, TCP_ACK, 102, 952, 0, 25 * MS), METER_CLOSED);
	assert_int_equal(tcp(false, TCP_ACK, 102, 952, 0, 26 * MS), 0);
}

static void fins_that_cross_close(void **state)
{
	(void)state;
	handshake();
	tcp(false, TCP_FIN | TCP_ACK, 101, 901, 0, 20 * MS);
	tcp(true, TCP_FIN | TCP_ACK, 901, 101, 0, 20 * MS);
	assert_int_equal(tcp(true, TCP_ACK, 902, 102, 0, 21 * MS), 0);
	assert_int_equal(tcp(false, TCP_ACK, 102, 902, 0, 21 * MS), METER_CLOSED);
}

static void a_syn_after_the_end_begins_anew(void **state)
{
	(void)state;
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	assert_int_equal(tcp(false, TCP_SYN, 100, 0, 0, MS), 0); /* unfinished: a repeat */
	tcp(true, TCP_RST | TCP_ACK, 0, 101, 0, 2 * MS);
	assert_int_equal(tcp(false, TCP_SYN, 700, 0, 0, 3 * MS), METER_ENDED | METER_BEGUN);
	assert_int_equal(ended.event, RECORD_FINAL);
	assert_int_equal(ended.at_ns, START + 3 * MS);
	assert_int_equal(flow_packets(&ended.flow), 3);
	assert_int_equal(ended.flow.bits & (FLOW_SHOWN | FLOW_NEWS), FLOW_SHOWN);
	assert_int_equal(flow_packets(&f), 1);
	assert_int_equal(f.side[0].seq, 700);
	assert_int_equal(f.side[0].lost, 0);
	assert_int_equal(f.side[0].gaps, 0); /* no gap is carried over */
	assert_int_equal(f.start_ns, START + 3 * MS);
	assert_int_equal(f.bits & ~FLOW_FROM1, FLOW_BEGUN | FLOW_SYN | FLOW_SEQ0 | FLOW_NEWS);
}

static void a_late_packet_finds_the_flow_ended(void **state)
{
	(void)state;
	udp(false, "a", 0);
	assert_int_equal(udp(false, "a", 59999 * MS), 0);
	assert_int_equal(udp(true, "b", 89999 * MS), METER_ENDED);
	assert_int_equal(f.part, 1);
	/* 90 s after the record began: as if the sweep had come before it. */
	assert_int_equal(udp(true, "b", 179999 * MS), METER_ENDED | METER_BEGUN);
	assert_int_equal(f.part, 0);
	assert_int_equal(f.bits & FLOW_FROM1,
		key.port[0] == 9 ? 0 : FLOW_FROM1); /* the answerer speaks first now */
}

/* The seconds after its first packet at which a flow is forgotten. */
static void assert_forgotten_after(unsigned seconds)
{
	assert_int_equal(due_at(seconds * 1000 * MS - 1), DUE_CUT);
	assert_int_equal(due_at(seconds * 1000 * MS), DUE_LEAVE);
	flow_do(&f, &key, DUE_CUT, START + 60000 * MS, &report);
	assert_int_equal(due_at(seconds * 1000 * MS - 1), DUE_NOTHING);
	assert_int_equal(due_at(seconds * 1000 * MS), DUE_LEAVE);
	fresh(NULL);
}

static void flows_rest_by_protocol(void **state)
{
	struct spec ping = {.proto = PROTO_ICMP, .src = 1, .dst = 2, .type = 8};
	struct spec arp = {.net = NET_ARP, .src = 1, .dst = 2};

	(void)state;
	udp(false, "a", 0);
	assert_forgotten_after(90);
	meter(&ping, 0);
	assert_forgotten_after(65);
	meter(&arp, 0);
	assert_forgotten_after(65);
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	assert_forgotten_after(120);
	handshake();
	assert_forgotten_after(360);
}

static void a_report_without_room_stays_due(void **state)
{
	struct spec rst = {.proto = PROTO_TCP,
		.src = 1,
		.dst = 2,
		.sport = 80,
		.dport = 40000,
		.flags = TCP_RST};
	struct packet p;

	(void)state;
	tcp(false, TCP_SYN, 100, 0, 0, 0);
	packet_at(&p, &rst, START + MS);
	assert_int_equal(flow_meter(&f, &p, NULL, NULL), METER_NO_ROOM);
	assert_true(f.bits & FLOW_CLOSED);
	assert_true(flow_news(&f));
	assert_int_equal(due_at(2001 * MS), DUE_LEAVE);
	assert_int_equal(flow_do(&f, &key, DUE_LEAVE, START + 2001 * MS, NULL), 0);
	assert_false(f.bits & FLOW_GONE); /* no room again: still there */
	assert_int_equal(flow_do(&f, &key, DUE_LEAVE, START + 2001 * MS, &report), 1);
	assert_true(f.bits & FLOW_GONE);
	assert_int_equal(flow_packets(&report.flow), 2);
	/* A cut without room: the record grows, nothing is lost. */
	fresh(NULL);
	udp(false, "a", 0);
	udp(false, "a", 40000 * MS);
	rst = (struct spec){.proto = PROTO_UDP, .src = 2, .dst = 1, .sport = 5000, .dport = 9};
	packet_at(&p, &rst, START + 70000 * MS);
	assert_int_equal(flow_meter(&f, &p, NULL, NULL), METER_NO_ROOM);
	assert_int_equal(f.part, 0);
	assert_int_equal(f.side[0].packets, 3);
	assert_int_equal(due_at(70001 * MS), DUE_CUT);
}

/* ---- the sweep ---- */

static void open_flows_are_looked_at(void **state)
{
	(void)state;
	udp(false, "a", 0);
	assert_int_equal(flow_deadline(&f, &key), START + 1000 * MS);
	assert_int_equal(due_at(999 * MS), DUE_NOTHING);
	assert_int_equal(due_at(1000 * MS), DUE_LOOK);
	assert_int_equal(flow_do(&f, &key, DUE_LOOK, START + 1000 * MS, &report), 1);
	assert_int_equal(report.event, RECORD_LOOK);
	assert_int_equal(report.flow.bits & (FLOW_SHOWN | FLOW_NEWS), FLOW_NEWS);
	assert_int_equal(due_at(20000 * MS), DUE_NOTHING); /* nothing new */
	udp(false, "a", 2000 * MS);
	assert_int_equal(due_at(5999 * MS), DUE_NOTHING);
	assert_int_equal(due_at(6000 * MS), DUE_LOOK);
	assert_int_equal(flow_deadline(&f, &key), START + 6000 * MS);
	flow_do(&f, &key, DUE_LOOK, START + 6000 * MS, &report);
	assert_true(report.flow.bits & FLOW_SHOWN);
	assert_int_equal(flow_packets(&report.flow), 2);
}

/* By packet or by sweep: the FINAL record and the flow after it are the same. */
static void cuts_by_packet_and_by_sweep_are_equal(void **state)
{
	struct flow before, by_packet;
	struct flow_report final;

	(void)state;
	handshake();
	tcp(false, TCP_ACK, 101, 901, 700, 30000 * MS);
	before = f;
	assert_int_equal(tcp(true, TCP_ACK, 901, 801, 9, 61000 * MS), METER_ENDED);
	by_packet = f;
	final = ended;
	f = before;
	assert_int_equal(due_at(59999 * MS), DUE_LOOK);
	assert_int_equal(due_at(60000 * MS), DUE_CUT);
	assert_int_equal(flow_do(&f, &key, DUE_CUT, START + 60000 * MS, &report), 1);
	assert_int_equal(tcp(true, TCP_ACK, 901, 801, 9, 61000 * MS), 0);
	assert_memory_equal(&f, &by_packet, sizeof(f));
	assert_int_equal(report.event, RECORD_FINAL);
	assert_memory_equal(&report.flow, &final.flow, sizeof(final.flow));
	/* What is known of the connection stays. */
	assert_int_equal(f.part, 1);
	assert_int_equal(f.first_ns, START + 61000 * MS);
	assert_int_equal(f.start_ns, START);
	assert_int_equal(f.synack_gap, 10 * MS);
	assert_true(f.bits & FLOW_ESTABLISHED);
	assert_int_equal(f.side[0].packets, 0);
	assert_int_equal(f.side[0].data_len, 0);
	assert_int_equal(f.side[0].seq, 801); /* where this record begins */
	assert_int_equal(f.side[1].payload, 9);
}

static void a_flow_without_packets_leaves_silently(void **state)
{
	(void)state;
	udp(false, "a", 0);
	udp(false, "a", 30000 * MS);
	flow_do(&f, &key, DUE_CUT, START + 60000 * MS, &report);
	assert_int_equal(due_at(89999 * MS), DUE_NOTHING);
	assert_int_equal(flow_deadline(&f, &key), START + 90000 * MS);
	assert_int_equal(due_at(90000 * MS), DUE_LEAVE);
	assert_false(flow_due_reports(&f, DUE_LEAVE));
	assert_int_equal(flow_do(&f, &key, DUE_LEAVE, START + 90000 * MS, NULL), 0);
	assert_true(f.bits & FLOW_GONE);
}

static void room_that_nothing_filled_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(flow_due(&f, &key, UINT64_MAX), DUE_NOTHING);
}

/* Before the deadline nothing is due, at it something is: what a timer queue relies on. */
static void deadlines_hold(void **state)
{
	static const uint64_t steps[] = {0, 300, 900, 4000, 59000, 61000, 125000};

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		fresh(NULL);
		handshake();
		tcp(i % 2, TCP_ACK, 101, 901, 1, (20 + steps[i]) * MS);
		for (int n = 0; n < 6; n++) {
			uint64_t at = flow_deadline(&f, &key);
			enum flow_due due;

			assert_int_equal(flow_due(&f, &key, at - 1), DUE_NOTHING);
			due = flow_due(&f, &key, at);
			assert_int_not_equal(due, DUE_NOTHING);
			flow_do(&f, &key, due, at, &report);
			if (due == DUE_LEAVE)
				break;
			assert_in_range(n, 0, 4);
		}
	}
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
		TEST(rst_closes_at_once),
		TEST(a_lone_rst_begins_and_closes),
		TEST(both_fins_acknowledged_close),
		TEST(fins_that_cross_close),
		TEST(a_syn_after_the_end_begins_anew),
		TEST(a_late_packet_finds_the_flow_ended),
		TEST(flows_rest_by_protocol),
		TEST(a_report_without_room_stays_due),
		TEST(open_flows_are_looked_at),
		TEST(cuts_by_packet_and_by_sweep_are_equal),
		TEST(a_flow_without_packets_leaves_silently),
		TEST(room_that_nothing_filled_is_left_alone),
		TEST(deadlines_hold),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
