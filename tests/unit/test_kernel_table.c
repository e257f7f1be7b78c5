/* The kernel's flow table: what it holds, what gives way when it is full, that two processors lose
 * no count. Frames go through the TC program by BPF_PROG_TEST_RUN; needs CAP_BPF. */
#include <stdio.h>

#include "kernel.h"

#include <pthread.h>

#include "frame.h"

/* Run the meter on a UDP frame of source `host` `repeat` times, without keeping user space's. */
static void run_frames(struct kernel *k, uint32_t host, int repeat, uint64_t ns)
{
	struct spec s = {.proto = PROTO_UDP, .src = 1, .dst = 2, .sport = 1000, .dport = 2000};
	struct __sk_buff skb = {.tstamp = ns};
	uint8_t bytes[FRAME_MAX];
	struct bpf_test_run_opts opts = {.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = frame_make(bytes, &s),
		.ctx_in = &skb,
		.ctx_size_in = sizeof(skb),
		.repeat = repeat};

	memcpy(bytes + 26, &host, sizeof(host));
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.karma_in), &opts), 0);
}

enum { HAMMER = 300000 };

static void *hammer(void *kernel)
{
	run_frames(kernel, 1, HAMMER, 1000000000);
	return NULL;
}

static void two_cpus_lose_no_count_of_one_flow(void **state)
{
	struct kernel *k = kernel_new(1000, false);
	uint64_t sum[METER_COUNTERS];
	pthread_t thread[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, k), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	kernel_sweep(k, 2000000000, true);
	assert_int_equal(k->reports.count, 1);
	kernel_counts(k, sum);
	assert_int_equal(sum[COUNT_FLOWS], 1);
	assert_int_equal(sum[COUNT_OPEN], 0);
	assert_int_equal(sum[COUNT_PACKETS] + sum[LOST_BUSY], 2 * HAMMER);
	/* Who waits in vain is counted: a virtual processor may be taken away with a lock held. */
	assert_true(sum[LOST_BUSY] < HAMMER / 100);
	assert_int_equal(k->reports.at[0].flow.side[0].packets, sum[COUNT_PACKETS]);
	kernel_free(k);
}

/* As many flows as were asked for find room, but for one or two in a thousand. */
static void a_table_holds_what_was_asked_for(void **state)
{
	enum { ROOM = 15000 };
	struct kernel *k = kernel_new(ROOM, false);
	uint64_t sum[METER_COUNTERS];

	(void)state;
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(k, i * 2654435769u, 1, 1000000000);
	kernel_counts(k, sum);
	assert_true(sum[COUNT_TOTAL] <= ROOM / 500);
	assert_int_equal(sum[COUNT_PACKETS], ROOM);
	kernel_free(k);
}

/* The reports of totals: how many packets they show. */
static uint64_t packets_of_totals(const struct reports *r)
{
	uint64_t packets = 0;

	for (size_t i = 0; i < r->count; i++)
		if (r->at[i].event == RECORD_FINAL && (r->at[i].flow.bits & FLOW_TOTAL))
			packets += r->at[i].flow.side[0].packets;
	return packets;
}

/* What finds no room in a full table is metered by its destination. When the flows in it have been
 * shown and nobody has answered them, they give way. No packet is lost. */
static void a_full_table_gives_way_in_order(void **state)
{
	enum { ROOM = 1500 };
	struct kernel *k = kernel_new(ROOM, false);
	uint64_t before[METER_COUNTERS], after[METER_COUNTERS], packets = 0;

	(void)state;
	for (uint32_t i = 0; i < 4 * ROOM; i++)
		run_frames(k, i * 2654435769u, 1, 1000000000 + i);
	kernel_counts(k, before);
	assert_true(before[COUNT_OPEN] > ROOM && before[COUNT_OPEN] <= ROOM * 9 / 8 + 15);
	assert_true(before[COUNT_EVICTED] <= 1); /* for the total */
	assert_int_equal(before[COUNT_FLOWS] - 1 + before[COUNT_TOTAL], 4 * ROOM);
	kernel_sweep(k, 2100000000, false); /* shows them all */
	assert_int_equal(k->reports.count, before[COUNT_OPEN] + before[COUNT_EVICTED]);
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(k, 77 + i * 2246822519u, 1, 2200000000 + i * 1000);
	kernel_counts(k, after);
	assert_true(after[COUNT_EVICTED] > ROOM / 2);
	kernel_sweep(k, 3000000000, true);
	kernel_counts(k, after);
	assert_int_equal(after[COUNT_OPEN], 0);
	assert_int_equal(after[LOST_MAP_FULL] + after[LOST_BUSY], 0);
	assert_int_equal(packets_of_totals(&k->reports), after[COUNT_TOTAL]);
	for (size_t i = 0; i < k->reports.count; i++)
		if (k->reports.at[i].event == RECORD_FINAL)
			packets += k->reports.at[i].flow.side[0].packets;
	assert_int_equal(packets, 5 * ROOM);
	kernel_free(k);
}

/* A flow that has just been cut has nothing to report when it gives way. */
static void what_gives_way_reports_what_it_has(void **state)
{
	enum { ROOM = 1500 };
	struct kernel *k = kernel_new(ROOM, false);
	uint64_t before[METER_COUNTERS], after[METER_COUNTERS];

	(void)state;
	for (uint32_t i = 0; i < ROOM * 9 / 8 + 15; i++)
		run_frames(k, i * 2654435769u, 1, 1000000000 + i);
	kernel_sweep(k, 2100000000, false);
	kernel_sweep(k, 62000000000, false);
	kernel_counts(k, before);
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(k, 77 + i * 2246822519u, 1, 62100000000 + i * 1000);
	kernel_sweep(k, 62200000000, true);
	kernel_counts(k, after);
	assert_true(after[COUNT_EVICTED] > before[COUNT_EVICTED] + ROOM / 2);
	assert_int_equal(k->reports.count, after[COUNT_RECORDS]);
	for (size_t i = 0; i < k->reports.count; i++) {
		const struct flow_report *r = &k->reports.at[i];

		assert_true(r->event == RECORD_LOOK || r->event == RECORD_FINAL);
		assert_int_equal(r->key.proto, PROTO_UDP);
		assert_true(r->flow.side[0].packets > 0);
	}
	kernel_free(k);
}

/* A TCP packet of flow `n`, to the server or from it. */
static void run_tcp(struct kernel *k, uint16_t n, bool answer, uint8_t flags, uint64_t ns)
{
	struct spec s = {.proto = PROTO_TCP,
		.src = answer ? 2 : 1,
		.dst = answer ? 1 : 2,
		.sport = answer ? 80 : n,
		.dport = answer ? n : 80,
		.flags = flags,
		.window = 1000};
	struct __sk_buff skb = {.tstamp = ns};
	uint8_t bytes[FRAME_MAX];
	struct bpf_test_run_opts opts = {.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = frame_make(bytes, &s),
		.ctx_in = &skb,
		.ctx_size_in = sizeof(skb)};

	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.karma_in), &opts), 0);
}

/* A table full of connections in one state, all of them shown: how many give way to new flows. */
static uint64_t evicted_of(bool refused, bool completed)
{
	enum { ROOM = 1500 };
	struct kernel *k = kernel_new(ROOM, false);
	uint64_t before[METER_COUNTERS], after[METER_COUNTERS];

	for (uint16_t i = 1; i < ROOM * 9 / 8; i++) {
		uint64_t ns = 1000000000 + i * 100000ull;

		run_tcp(k, 1000 + i, false, TCP_SYN, ns);
		run_tcp(k, 1000 + i, true, TCP_ACK | (refused ? TCP_RST : TCP_SYN), ns + 1000);
		if (completed)
			run_tcp(k, 1000 + i, false, TCP_ACK, ns + 2000);
	}
	kernel_sweep(k, 2500000000, false);
	kernel_counts(k, before);
	/* What answers only is not let in for others. */
	for (uint16_t i = 0; i < ROOM; i++)
		run_tcp(k, 20000 + i, true, TCP_SYN | TCP_ACK, 2600000000 + i);
	kernel_counts(k, after);
	assert_true(after[COUNT_EVICTED] <= before[COUNT_EVICTED] + 1); /* for the total */
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(k, 77 + i * 2246822519u, 1, 2700000000 + i * 1000);
	kernel_counts(k, after);
	assert_int_equal(after[LOST_BUSY], 0);
	kernel_free(k);
	return after[COUNT_EVICTED] - before[COUNT_EVICTED];
}

static void only_open_connections_stay(void **state)
{
	(void)state;
	assert_true(evicted_of(true, false) > 500);  /* refused */
	assert_true(evicted_of(false, false) > 500); /* half open */
	assert_true(evicted_of(false, true) <= 2);   /* for the totals alone */
}

/* A virtual machine's super-packets come without the number of their segments. */
static void segments_are_counted_by_their_size(void **state)
{
	struct kernel *k = kernel_new(1000, false);
	struct spec s = {.proto = PROTO_UDP,
		.src = 1,
		.dst = 2,
		.sport = 1000,
		.dport = 2000,
		.payload = 1000};
	struct __sk_buff skb = {.tstamp = 1000000000, .gso_size = 300};
	uint8_t bytes[FRAME_MAX];
	struct bpf_test_run_opts opts = {.sz = sizeof(opts),
		.data_in = bytes,
		.data_size_in = frame_make(bytes, &s),
		.ctx_in = &skb,
		.ctx_size_in = sizeof(skb)};
	uint64_t sum[METER_COUNTERS];

	(void)state;
	assert_int_equal(
		bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.karma_in), &opts), 0);
	kernel_counts(k, sum);
	assert_int_equal(sum[COUNT_PACKETS], 4);
	assert_int_equal(sum[COUNT_BYTES], 1000 + 4 * 28);
	kernel_free(k);
}

static int count_final(void *context, void *data, size_t size)
{
	const struct flow_report *r = data;

	assert_true(size >= sizeof(*r));
	*(uint64_t *)context += r->flow.side[0].packets;
	return 0;
}

/* A million flows at a time: each is there, and ends with its packet. */
static void a_million_flows(void **state)
{
	enum { MILLION = 1 << 20 };
	uint64_t sum[METER_COUNTERS], packets = 0;
	struct kernel *k;

	(void)state;
	if (sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) < 4L << 30)
		skip(); /* the table takes 0.7 GB */
	k = kernel_new(MILLION, false);
	ring_buffer__free(k->ring);
	k->ring = ring_buffer__new(bpf_map__fd(k->skel->maps.reports), count_final, &packets, NULL);
	assert_non_null(k->ring);
	for (uint32_t i = 0; i < MILLION; i++)
		run_frames(k, i * 2654435769u, 1, 1000000000 + i);
	kernel_counts(k, sum);
	assert_true(sum[COUNT_TOTAL] <= MILLION / 500);
	assert_true(sum[COUNT_OPEN] >= MILLION - sum[COUNT_TOTAL]);
	assert_int_equal(sum[LOST_MAP_FULL] + sum[LOST_BUSY] + sum[LOST_RING_FULL], 0);
	kernel_sweep(k, 1500000000, true);
	kernel_counts(k, sum);
	assert_int_equal(sum[COUNT_OPEN], 0);
	assert_int_equal(packets, MILLION);
	kernel_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_cpus_lose_no_count_of_one_flow),
		cmocka_unit_test(a_table_holds_what_was_asked_for),
		cmocka_unit_test(a_full_table_gives_way_in_order),
		cmocka_unit_test(what_gives_way_reports_what_it_has),
		cmocka_unit_test(only_open_connections_stay),
		cmocka_unit_test(segments_are_counted_by_their_size),
		cmocka_unit_test(a_million_flows),
	};

	return cmocka_run_group_tests_name("kernel table", tests, NULL, NULL);
}
