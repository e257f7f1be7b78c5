/* The user-space flow table: when flows are shown, closed and forgotten, and what it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "flow/table.h"

#define SECOND 1000000000ULL
#define START (1700000000 * SECOND)
#define LATE (4ULL << 24) /* a look may be late by a tick, and so may each look after it */

enum { REPORTS = 4096, SYN = TCP_SYN, ACK = TCP_ACK, FIN = TCP_FIN, RST = TCP_RST };

static struct {
	struct flow_report report[REPORTS];
	unsigned count;
	int stop_after; /* reports; 0: never */
} seen;

static int collect(void *context, const struct flow_report *r)
{
	assert_ptr_equal(context, &seen);
	if (seen.count)
		assert_true(r->at_ns >= seen.report[seen.count - 1].at_ns);
	assert_true(seen.count < REPORTS);
	seen.report[seen.count++] = *r;
	return seen.stop_after && (int)seen.count >= seen.stop_after ? -7 : 0;
}

static struct meter_stats stats;

static struct flow_table *fresh(uint32_t flows)
{
	struct flow_table *t;

	memset(&seen, 0, sizeof(seen));
	memset(&stats, 0, sizeof(stats));
	t = flow_table_new(flows, collect, &seen, &stats);
	assert_non_null(t);
	return t;
}

/* A packet of flow number `flow`, from end `from`, `ms` after the start. */
static struct packet packet_at(uint64_t ms, uint8_t proto, uint32_t flow, uint8_t from)
{
	struct packet p = {.wscale = WSCALE_NONE};

	p.ns = START + ms * 1000000;
	p.key.addr[0].word[1] = 0x0100000a0000ffffULL + ((uint64_t)flow << 40);
	p.key.addr[1].word[1] = 0x0200000a0000ffffULL;
	p.key.port[0] = (uint16_t)flow;
	p.key.port[1] = 80;
	p.key.proto = proto;
	p.key.net = NET_IPV4;
	p.from = from;
	p.length = 60;
	p.segments = 1;
	p.ttl = 64;
	return p;
}

static void udp(struct flow_table *t, uint64_t ms, uint32_t flow, uint8_t from)
{
	struct packet p = packet_at(ms, PROTO_UDP, flow, from);

	assert_int_equal(flow_table_packet(t, &p), 0);
}

static void tcp(
	struct flow_table *t, uint64_t ms, uint8_t from, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct packet p = packet_at(ms, PROTO_TCP, 1, from);

	p.flags = flags;
	p.seq = seq;
	p.ack = ack;
	assert_int_equal(flow_table_packet(t, &p), 0);
}

static void assert_report(unsigned i, enum record_event event, uint64_t ms)
{
	assert_true(i < seen.count);
	assert_int_equal(seen.report[i].event, event);
	assert_true(seen.report[i].at_ns >= START + ms * 1000000);
	assert_true(seen.report[i].at_ns <= START + ms * 1000000 + LATE);
}

static void a_flow_is_looked_at_then_left(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	udp(t, 0, 1, 0);
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	flow_table_advance(t, START + SECOND / 2);
	assert_int_equal(seen.count, 0);
	flow_table_advance(t, START + 2 * SECOND);
	assert_int_equal(seen.count, 1);
	assert_report(0, RECORD_LOOK, 1000);
	/* nothing new: not shown again until the record ends; then forgotten */
	flow_table_advance(t, START + 59 * SECOND);
	assert_int_equal(seen.count, 1);
	flow_table_advance(t, START + 62 * SECOND);
	assert_int_equal(seen.count, 2);
	assert_report(1, RECORD_FINAL, 60000);
	assert_int_equal(seen.report[1].flow.bits & (FLOW_SHOWN | FLOW_NEWS), FLOW_SHOWN);
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	flow_table_advance(t, START + 91 * SECOND);
	assert_int_equal(seen.count, 2);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	assert_int_equal(stats.count[COUNT_FLOWS], 1);
	assert_int_equal(stats.count[COUNT_RECORDS], 2);
	flow_table_free(t);
}

static void news_is_shown_every_five_seconds(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	for (uint64_t ms = 0; ms <= 12000; ms += 100)
		udp(t, ms, 1, 0);
	assert_int_equal(seen.count, 3);
	assert_report(0, RECORD_LOOK, 1000);
	assert_report(1, RECORD_LOOK, 6000);
	assert_report(2, RECORD_LOOK, 11000);
	assert_true(seen.report[1].flow.bits & FLOW_SHOWN);
	flow_table_free(t);
}

static void news_after_a_silence_is_shown_at_once(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	udp(t, 0, 1, 0);
	flow_table_advance(t, START + 20 * SECOND);
	udp(t, 20000, 1, 1);
	flow_table_advance(t, START + 21 * SECOND);
	assert_int_equal(seen.count, 2);
	assert_report(1, RECORD_LOOK, 20000);
	flow_table_free(t);
}

static void a_record_spans_less_than_a_minute(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	for (uint64_t ms = 0; ms < 130000; ms += 700)
		udp(t, ms, 1, 0);
	assert_int_equal(flow_table_close(t), 0);
	for (unsigned i = 0, part = 0; i < seen.count; i++) {
		const struct flow *f = &seen.report[i].flow;

		assert_int_equal(f->part, part);
		assert_true(f->last_ns - f->first_ns < 60 * SECOND);
		assert_int_equal(f->start_ns, START);
		if (seen.report[i].event == RECORD_FINAL)
			part++;
	}
	assert_int_equal(seen.report[seen.count - 1].flow.part, 2);
	assert_int_equal(stats.count[COUNT_FLOWS], 1);
	flow_table_free(t);
}

static void tcp_closes_by_fin_and_lingers(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	tcp(t, 0, 0, SYN, 100, 0);
	tcp(t, 1, 1, SYN | ACK, 500, 101);
	tcp(t, 2, 0, ACK, 101, 501);
	tcp(t, 3, 0, FIN | ACK, 101, 501);
	tcp(t, 4, 1, FIN | ACK, 501, 102);
	assert_int_equal(seen.count, 0);
	tcp(t, 5, 0, ACK, 102, 502);
	assert_int_equal(seen.count, 1);
	assert_report(0, RECORD_CLOSED, 5);
	assert_int_equal(seen.report[0].at_ns, START + 5000000);
	tcp(t, 900, 1, ACK, 502, 102); /* late */
	flow_table_advance(t, START + 2 * SECOND);
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	flow_table_advance(t, START + 10 * SECOND);
	assert_report(seen.count - 1, RECORD_FINAL, 2900);
	assert_int_equal(seen.report[seen.count - 1].flow.side[1].packets, 3);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	flow_table_free(t);
}

static void a_new_syn_ends_a_closed_flow(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	tcp(t, 0, 0, SYN, 100, 0);
	tcp(t, 1, 1, RST | ACK, 0, 101);
	assert_report(0, RECORD_CLOSED, 1);
	tcp(t, 2, 0, SYN, 900, 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.report[1].event, RECORD_FINAL);
	assert_int_equal(seen.report[1].at_ns, START + 2000000);
	assert_int_equal(stats.count[COUNT_FLOWS], 2);
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	flow_table_close(t);
	assert_int_equal(seen.report[2].flow.part, 0);
	assert_int_equal(seen.report[2].flow.start_ns, START + 2000000);
	flow_table_free(t);
}

static void a_full_table_meters_by_destination(void **unused)
{
	static const struct flow_addr any = {{0, V4_MAPPED(0)}};
	struct flow_table *t = fresh(8);

	int totals = 0;

	(void)unused;
	for (uint32_t flow = 0; flow < 12; flow++)
		udp(t, flow, flow, 0);
	udp(t, 20, 3, 0); /* flows that are in it go on */
	assert_int_equal(stats.count[COUNT_OPEN], 9);
	assert_int_equal(stats.count[COUNT_PACKETS], 13);
	assert_int_equal(stats.count[COUNT_TOTAL], 4);
	assert_int_equal(stats.count[LOST_MAP_FULL], 0);
	flow_table_advance(t, START + 200 * SECOND);
	for (size_t i = 0; i < seen.count; i++) {
		const struct flow_report *r = &seen.report[i];

		if (!(r->flow.bits & FLOW_TOTAL))
			continue;
		assert_int_equal(r->flow.side[0].packets, 4);
		assert_memory_equal(&r->key.addr[(r->flow.bits & FLOW_FROM1) != 0], &any, 16);
		assert_int_equal(r->key.port[0] | r->key.port[1], 0);
		totals++;
	}
	assert_int_equal(totals, 2); /* a look, and the end */
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	udp(t, 200001, 11, 0); /* and room is found again */
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	flow_table_free(t);
}

/* A total is no connection: what is refused in it does not end it. */
static void a_total_outlives_refusals(void **unused)
{
	struct flow_table *t = fresh(8);
	uint64_t final = 0;

	(void)unused;
	for (uint32_t flow = 0; flow < 8; flow++)
		udp(t, 0, flow, 0);
	for (uint32_t flow = 100; flow < 1100; flow++) {
		struct packet syn = packet_at(flow, PROTO_TCP, flow, 0);
		struct packet rst = packet_at(flow, PROTO_TCP, flow, 1);

		syn.flags = TCP_SYN;
		syn.seq = flow * 77777;
		rst.flags = TCP_RST | TCP_ACK;
		assert_int_equal(flow_table_packet(t, &syn), 0);
		assert_int_equal(flow_table_packet(t, &rst), 0);
	}
	assert_int_equal(stats.count[COUNT_TOTAL], 2000);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 0);
	assert_int_equal(flow_table_close(t), 0);
	for (size_t i = 0; i < seen.count; i++) {
		const struct flow *f = &seen.report[i].flow;

		if (!(f->bits & FLOW_TOTAL) || seen.report[i].event != RECORD_FINAL)
			continue;
		assert_int_equal(f->side[0].packets, 1000);
		assert_int_equal(f->side[1].packets, 1000);
		final++;
	}
	assert_int_equal(final, 1);
	flow_table_free(t);
}

/* One stamp of a far future neither ends what is open nor holds back what comes. */
static void a_leap_of_the_clock_is_doubted(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	udp(t, 0, 1, 0);
	udp(t, 1000000000, 2, 0); /* 11 days on */
	udp(t, 100, 1, 0);
	udp(t, 3000, 3, 0);
	assert_int_equal(stats.count[COUNT_FLOWS], 3);
	assert_int_equal(stats.count[LOST_TIME], 1);
	assert_report(0, RECORD_LOOK, 1000);
	assert_report(1, RECORD_LOOK, 1000);
	assert_int_equal(seen.count, 2);
	/* two together are believed; then what comes from before is counted */
	udp(t, 1000000000, 4, 0);
	udp(t, 1000000100, 4, 0);
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	udp(t, 5000, 5, 0);
	assert_int_equal(stats.count[LOST_TIME], 2);
	/* the last packet of all has none behind it, and is believed */
	udp(t, 2000000000, 6, 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 7);
	assert_int_equal(flow_table_close(t), 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 8);
	assert_int_equal(
		seen.report[seen.count - 1].flow.first_ns, START + 2000000000ull * 1000000);
	flow_table_free(t);
}

/* Full of flows, and of totals: what then finds no room is counted, and all are closed. */
static void a_table_may_be_full_to_the_brim(void **unused)
{
	enum { FLOWS = 16, PACKETS = 2000 };
	struct flow_table *t = fresh(FLOWS);
	struct packet p;

	(void)unused;
	for (uint32_t i = 0; i < PACKETS; i++) {
		p = packet_at(i / 100, PROTO_UDP, 1, 0);
		p.key.addr[1].word[1] += (uint64_t)i << 48;
		assert_int_equal(flow_table_packet(t, &p), 0);
	}
	assert_int_equal(stats.count[COUNT_PACKETS] + stats.count[LOST_MAP_FULL], PACKETS);
	assert_int_equal(stats.count[COUNT_OPEN], stats.count[COUNT_PACKETS]);
	assert_true(stats.count[COUNT_TOTAL] > 500 && stats.count[LOST_MAP_FULL] > 500);
	assert_int_equal(flow_table_close(t), 0);
	assert_int_equal(seen.count, stats.count[COUNT_PACKETS]);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	flow_table_free(t);
}

static void flows_come_and_go_without_mixing(void **unused)
{
	struct flow_table *t = fresh(512);
	uint64_t packets = 0;

	(void)unused;
	/* three generations through the same entries; flow n sends n % 3 + 1 packets */
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t flow = 0; flow < 512; flow++)
			for (uint32_t n = 0; n <= flow % 3; n++)
				udp(t, round * 100000 + flow + n, round * 512 + flow, 0);
		flow_table_advance(t, START + (round * 100 + 95) * SECOND);
		assert_int_equal(stats.count[COUNT_OPEN], 0);
	}
	assert_int_equal(stats.count[COUNT_FLOWS], 3 * 512);
	for (unsigned i = 0; i < seen.count; i++) {
		const struct flow_report *r = &seen.report[i];

		if (r->event != RECORD_FINAL)
			continue;
		assert_int_equal(r->flow.side[0].packets, (r->key.port[0] % 512) % 3 + 1);
		packets += r->flow.side[0].packets;
	}
	assert_int_equal(packets, stats.count[COUNT_PACKETS]);
	assert_int_equal(stats.count[LOST_MAP_FULL], 0);
	flow_table_free(t);
}

static void at_the_end_the_longest_silent_come_first(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	for (uint32_t flow = 0; flow < 5; flow++)
		udp(t, flow, flow, 0);
	udp(t, 10, 0, 1);
	flow_table_close(t);
	assert_int_equal(seen.count, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(seen.report[i].event, RECORD_FINAL);
		assert_int_equal(seen.report[i].key.port[0], (i + 1) % 5);
	}
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	flow_table_free(t);
}

static void time_that_goes_back_is_counted(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	udp(t, 1000, 1, 0);
	udp(t, 400, 1, 0);
	udp(t, 300, 2, 0);
	flow_table_close(t);
	assert_int_equal(stats.count[LOST_TIME], 1);
	assert_int_equal(stats.count[COUNT_PACKETS], 3);
	for (unsigned i = 0; i < seen.count; i++)
		assert_true(seen.report[i].flow.last_ns >= seen.report[i].flow.first_ns);
	flow_table_free(t);
}

static void a_leap_of_the_clock_closes_all(void **unused)
{
	struct flow_table *t = fresh(0);
	struct packet p = packet_at(0, PROTO_UDP, 2, 0);

	(void)unused;
	udp(t, 0, 1, 0);
	p.ns = UINT64_MAX / 2;
	assert_int_equal(flow_table_packet(t, &p), 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 1); /* is it true? */
	assert_int_equal(flow_table_packet(t, &p), 0);
	assert_int_equal(stats.count[COUNT_OPEN], 1);
	udp(t, 50, 3, 0); /* the past of a clock that has leapt is metered all the same */
	flow_table_close(t);
	assert_int_equal(stats.count[COUNT_FLOWS], 3);
	flow_table_free(t);
}

static void the_sink_can_end_it(void **unused)
{
	struct flow_table *t = fresh(0);

	(void)unused;
	for (uint32_t flow = 0; flow < 5; flow++)
		udp(t, flow, flow, 0);
	seen.stop_after = 2;
	assert_int_equal(flow_table_advance(t, START + 9 * SECOND), -7);
	assert_int_equal(seen.count, 2);
	flow_table_free(t);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flow_is_looked_at_then_left),
		cmocka_unit_test(news_is_shown_every_five_seconds),
		cmocka_unit_test(news_after_a_silence_is_shown_at_once),
		cmocka_unit_test(a_record_spans_less_than_a_minute),
		cmocka_unit_test(tcp_closes_by_fin_and_lingers),
		cmocka_unit_test(a_new_syn_ends_a_closed_flow),
		cmocka_unit_test(a_full_table_meters_by_destination),
		cmocka_unit_test(a_total_outlives_refusals),
		cmocka_unit_test(a_leap_of_the_clock_is_doubted),
		cmocka_unit_test(a_table_may_be_full_to_the_brim),
		cmocka_unit_test(flows_come_and_go_without_mixing),
		cmocka_unit_test(at_the_end_the_longest_silent_come_first),
		cmocka_unit_test(time_that_goes_back_is_counted),
		cmocka_unit_test(a_leap_of_the_clock_closes_all),
		cmocka_unit_test(the_sink_can_end_it),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
