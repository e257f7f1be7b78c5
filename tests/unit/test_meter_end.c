/* Metering: when a flow ends, and when it is reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "one_flow.h"

static struct flow_report report;

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

	return cmocka_run_group_tests_name("meter_end", tests, NULL, NULL);
}
