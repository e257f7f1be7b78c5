/* A packet that is seen at several hooks is counted once: which hook a direction of a flow belongs
 * to, what is a copy there and what is not, and when the direction moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "flow/table.h"

#define SECOND 1000000000ULL
#define START (1700000000 * SECOND)

/* A gateway with three interfaces: what one brings in, another sends out. */
enum {
	A_IN = FLOW_HOOK(2, 0),
	A_OUT = FLOW_HOOK(2, 1),
	B_IN = FLOW_HOOK(3, 0),
	B_OUT = FLOW_HOOK(3, 1),
	C_IN = FLOW_HOOK(4, 0),
	C_OUT = FLOW_HOOK(4, 1),
	SYN = TCP_SYN,
	ACK = TCP_ACK,
	FIN = TCP_FIN,
	RST = TCP_RST
};

static struct flow_report last;
static unsigned reports, closed, finals;
static struct meter_stats stats;

static int collect(void *context, const struct flow_report *r)
{
	(void)context;
	last = *r;
	reports++;
	closed += r->event == RECORD_CLOSED;
	finals += r->event == RECORD_FINAL;
	return 0;
}

static struct flow_table *fresh(void)
{
	struct flow_table *t;

	reports = closed = finals = 0;
	memset(&stats, 0, sizeof(stats));
	t = flow_table_new(64, collect, NULL, &stats);
	assert_non_null(t);
	return t;
}

static struct packet packet_at(uint64_t us, uint32_t hook, uint8_t proto, uint8_t from)
{
	struct packet p = {.wscale = WSCALE_NONE};

	p.ns = START + us * 1000;
	p.key.addr[0].word[1] = 0x0100000a0000ffffULL;
	p.key.addr[1].word[1] = 0x0200000a0000ffffULL;
	p.key.port[0] = 40000;
	p.key.port[1] = 80;
	p.key.proto = proto;
	p.key.net = NET_IPV4;
	p.hook = hook;
	p.from = from;
	p.length = 60;
	p.segments = 1;
	return p;
}

static void udp(struct flow_table *t, uint64_t us, uint32_t hook, uint8_t from)
{
	struct packet p = packet_at(us, hook, PROTO_UDP, from);

	assert_int_equal(flow_table_packet(t, &p), 0);
}

/* A TCP segment of end `from`: what it sends, and at which hooks it is seen, one after the other.
 */
static void tcp(struct flow_table *t, uint64_t us, const uint32_t hook[2], uint8_t from,
	uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload)
{
	for (int i = 0; i < 2 && hook[i]; i++) {
		struct packet p = packet_at(us + (unsigned)i * 10, hook[i], PROTO_TCP, from);

		p.flags = flags;
		p.seq = seq;
		p.ack = ack;
		p.payload = payload;
		assert_int_equal(flow_table_packet(t, &p), 0);
	}
}

static const uint32_t there[2] = {A_IN, B_OUT}, back[2] = {B_IN, A_OUT};

static void a_forwarded_connection_is_counted_once(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	tcp(t, 0, there, 0, SYN, 100, 0, 0);
	tcp(t, 100, back, 1, SYN | ACK, 500, 101, 0);
	tcp(t, 200, there, 0, ACK, 101, 501, 0);
	tcp(t, 300, there, 0, ACK, 101, 501, 50);
	tcp(t, 400, back, 1, ACK, 501, 151, 900);
	tcp(t, 500, there, 0, FIN | ACK, 151, 1401, 0);
	tcp(t, 600, back, 1, FIN | ACK, 1401, 152, 0);
	tcp(t, 700, there, 0, ACK, 152, 1402, 0);
	assert_int_equal(closed, 1);
	assert_int_equal(last.flow.side[0].packets, 5);
	assert_int_equal(last.flow.side[1].packets, 3);
	assert_int_equal(last.flow.side[0].lost + last.flow.side[1].lost, 0);
	assert_int_equal(last.flow.ifindex, 2);
	assert_int_equal(stats.count[COUNT_PACKETS], 8);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 8);
	assert_int_equal(stats.count[COUNT_FLOWS], 1);
	assert_int_equal(stats.count[LOST_TIME], 0);
	flow_table_free(t);
}

static void ways_there_and_back_may_differ(void **unused)
{
	const uint32_t in_a[2] = {A_IN, 0}, in_c[2] = {C_IN, 0};
	struct flow_table *t = fresh();

	(void)unused;
	tcp(t, 0, in_a, 0, SYN, 100, 0, 0);
	tcp(t, 100, in_c, 1, SYN | ACK, 500, 101, 0);
	tcp(t, 200, in_a, 0, ACK, 101, 501, 20);
	tcp(t, 300, in_c, 1, ACK, 501, 121, 20);
	assert_int_equal(flow_table_close(t), 0);
	assert_int_equal(last.flow.side[0].packets, 2);
	assert_int_equal(last.flow.side[1].packets, 2);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 0);
	flow_table_free(t);
}

static void a_packet_that_leaves_where_it_came_is_counted_once(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	udp(t, 0, A_IN, 0);
	udp(t, 10, A_OUT, 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 1);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 1);
	flow_table_free(t);
}

static void a_direction_moves_when_its_hook_is_silent(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	for (uint64_t us = 0; us < 1000000; us += 100000) {
		udp(t, us, A_IN, 0);
		udp(t, us + 10, C_OUT, 0);
	}
	assert_int_equal(stats.count[COUNT_PACKETS], 10);
	/* The route changes: it now comes in by B. The last at A was at 900 ms. */
	for (uint64_t us = 1000000; us < 3000000; us += 100000) {
		udp(t, us, B_IN, 0);
		udp(t, us + 10, C_OUT, 0);
	}
	assert_int_equal(stats.count[COUNT_PACKETS], 10 + 11);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 10 + 9 + 20);
	flow_table_free(t);
}

static void seldom_packets_are_counted_once(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	for (uint64_t s = 0; s < 20; s += 2) {
		udp(t, s * 1000000, A_IN, 0);
		udp(t, s * 1000000 + 50, B_OUT, 0);
	}
	assert_int_equal(stats.count[COUNT_PACKETS], 10);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 10);
	flow_table_free(t);
}

static void a_copy_that_was_first_gives_way(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	/* A was not watched yet when the first packet came in, or it waited 1.5 s for an address.
	 */
	udp(t, 0, B_OUT, 0);
	udp(t, 1500000, A_IN, 0);
	udp(t, 1500010, B_OUT, 0);
	udp(t, 1600000, A_IN, 0);
	udp(t, 1600010, B_OUT, 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 3);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 2);
	flow_table_free(t);
}

static void new_data_moves_a_direction_at_once(void **unused)
{
	const uint32_t other[2] = {C_IN, B_OUT};
	struct flow_table *t = fresh();

	(void)unused;
	tcp(t, 0, there, 0, ACK, 1000, 1, 100);
	tcp(t, 1000, there, 0, ACK, 1100, 1, 100);
	tcp(t, 2000, other, 0, ACK, 1200, 1, 100);
	assert_int_equal(stats.count[COUNT_PACKETS], 3);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 3);
	/* What repeats old data is no new data, wherever it comes from. */
	tcp(t, 3000, there, 0, ACK, 1200, 1, 100);
	assert_int_equal(stats.count[COUNT_PACKETS], 3);
	tcp(t, 4000, other, 0, ACK, 1250, 1, 100);
	assert_int_equal(stats.count[COUNT_PACKETS], 4);
	assert_int_equal(flow_table_close(t), 0);
	assert_int_equal(last.flow.side[0].lost, 1);
	flow_table_free(t);
}

static void a_syn_opens_closed_ports_anew_anywhere(void **unused)
{
	const uint32_t other[2] = {C_IN, B_OUT};
	struct flow_table *t = fresh();

	(void)unused;
	tcp(t, 0, there, 0, SYN, 100, 0, 0);
	tcp(t, 100, back, 1, RST | ACK, 0, 101, 0);
	assert_int_equal(closed, 1);
	tcp(t, 2000, other, 0, SYN, 900, 0, 0);
	assert_int_equal(finals, 1);
	assert_int_equal(stats.count[COUNT_FLOWS], 2);
	assert_int_equal(stats.count[COUNT_PACKETS], 3);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 3);
	/* The new flow is its own: the answer may come another way than the last one's. */
	tcp(t, 2100, other, 1, SYN | ACK, 500, 901, 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 4);
	flow_table_free(t);
}

static void a_copy_ends_no_record(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	for (uint64_t us = 0; us < 59999995; us += 500000)
		udp(t, us, A_IN, 0);
	udp(t, 59999995, A_IN, 0);
	finals = 0;
	udp(t, 60000005, B_OUT, 0);
	assert_int_equal(finals, 0);
	udp(t, 60100000, A_IN, 0);
	assert_int_equal(finals, 1);
	udp(t, 60100010, B_OUT, 0);
	assert_int_equal(last.flow.side[0].packets, 121);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 2);
	flow_table_free(t);
}

static void an_earlier_stamp_is_no_silence(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	udp(t, 5000000, A_IN, 0);
	udp(t, 4999990, B_OUT, 0); /* taken on another CPU */
	assert_int_equal(stats.count[COUNT_PACKETS], 1);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 1);
	flow_table_free(t);
}

static void super_packets_count_as_their_segments(void **unused)
{
	struct flow_table *t = fresh();
	struct packet p = packet_at(0, A_IN, PROTO_UDP, 0);

	(void)unused;
	p.segments = 7;
	assert_int_equal(flow_table_packet(t, &p), 0);
	p.hook = B_OUT;
	assert_int_equal(flow_table_packet(t, &p), 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 7);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 7);
	flow_table_free(t);
}

static void interfaces_may_have_flows_of_their_own(void **unused)
{
	struct flow_table *t = fresh();

	(void)unused;
	for (uint32_t i = 0; i < 4; i++) {
		struct packet p = packet_at(i * 100, i % 2 ? B_OUT : A_IN, PROTO_UDP, 0);

		p.key.at = i % 2 + 1;
		assert_int_equal(flow_table_packet(t, &p), 0);
	}
	assert_int_equal(stats.count[COUNT_FLOWS], 2);
	assert_int_equal(stats.count[COUNT_PACKETS], 4);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 0);
	flow_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_forwarded_connection_is_counted_once),
		cmocka_unit_test(ways_there_and_back_may_differ),
		cmocka_unit_test(a_packet_that_leaves_where_it_came_is_counted_once),
		cmocka_unit_test(a_direction_moves_when_its_hook_is_silent),
		cmocka_unit_test(seldom_packets_are_counted_once),
		cmocka_unit_test(a_copy_that_was_first_gives_way),
		cmocka_unit_test(new_data_moves_a_direction_at_once),
		cmocka_unit_test(a_syn_opens_closed_ports_anew_anywhere),
		cmocka_unit_test(a_copy_ends_no_record),
		cmocka_unit_test(an_earlier_stamp_is_no_silence),
		cmocka_unit_test(super_packets_count_as_their_segments),
		cmocka_unit_test(interfaces_may_have_flows_of_their_own),
	};

	return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
