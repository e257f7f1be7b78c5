/* The kernel's meter against the user-space build of the same headers: the same frames, the same
 * times, byte for byte the same reports. Needs CAP_BPF; a stored capture or made frames go through
 * the TC program by BPF_PROG_TEST_RUN, nothing is attached to any interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* its struct bpf_insn is another than the kernel's */
#include <pcap/pcap.h>
#include <pthread.h>

#include "capture/kernel_table.h"
#include "flow/meter.h"
#include "frame.h"
#include "karma.skel.h"
#include "util/rng.h"

enum {
	FLOWS = 65536,       /* in the kernel's table and in ours */
	TEST_RUN_MAX = 3400, /* bytes */
	FILE_MAX_PACKETS = 20000,
	ETHERNET = 1, /* DLT_EN10MB */
	SWEEP_NS = 1000000000,
};

/* ---- the two meters ---- */

struct reports {
	struct flow_report *at;
	size_t count, room;
};

struct meters {
	struct karma_bpf *skel;
	struct ring_buffer *ring;
	uint32_t buckets;
	bool outer; /* tunnels are metered as what they are outside */
	struct reports kernel, user;
	uint64_t count[METER_COUNTERS]; /* user space's */
	uint64_t frames, next_sweep;
	/* User space's flows: open addressing, never shrunk but emptied whole at each drain. */
	struct flow_key key[FLOWS];
	struct flow flow[FLOWS];
	bool used[FLOWS];
};

static void keep(struct reports *r, const struct flow_report *report)
{
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->at = realloc(r->at, r->room * sizeof(*r->at));
		assert_non_null(r->at);
	}
	r->at[r->count++] = *report;
}

static int keep_kernel(void *context, void *data, size_t size)
{
	assert_true(size >= sizeof(struct flow_report));
	keep(context, data);
	return 0;
}

static struct flow *find(struct meters *m, const struct flow_key *key)
{
	const uint8_t *byte = (const uint8_t *)key;
	uint32_t h = 2166136261u, free_slot = FLOWS;

	for (size_t i = 0; i < sizeof(*key); i++)
		h = (h ^ byte[i]) * 16777619;
	for (uint32_t i = 0; i < FLOWS; i++) {
		uint32_t at = (h + i) % FLOWS;

		if (!m->used[at] && !(m->flow[at].bits & FLOW_GONE)) {
			free_slot = at;
			break;
		}
		if (m->used[at] && memcmp(&m->key[at], key, sizeof(*key)) == 0)
			return &m->flow[at];
	}
	assert_true(free_slot < FLOWS);
	m->used[free_slot] = true;
	m->key[free_slot] = *key;
	memset(&m->flow[free_slot], 0, sizeof(m->flow[0]));
	return &m->flow[free_slot];
}

static void user_frame(struct meters *m, const struct frame *caught)
{
	struct flow_report ended, closed;
	struct frame f = *caught;
	struct packet p;
	struct flow *flow;
	unsigned done;
	int lost;

	f.outer = m->outer;
	lost = packet_ethernet(&p, &f);

	if (lost) {
		m->count[lost] += f.segments;
		return;
	}
	packet_copy_data(&p, &f);
	flow = find(m, &p.key);
	if (flow_again(flow, &p)) {
		m->count[COUNT_SEEN_AGAIN] += p.segments;
		return;
	}
	done = flow_meter(flow, &p, &ended, &closed);
	m->count[COUNT_PACKETS] += p.segments;
	m->count[COUNT_BYTES] += p.length;
	m->count[COUNT_FLOWS] += !!(done & METER_BEGUN);
	m->count[LOST_TIME] += !!(done & METER_TIME);
	if (done & METER_ENDED)
		keep(&m->user, &ended);
	if (done & METER_CLOSED)
		keep(&m->user, &closed);
}

/* Test runs happen at the loopback, which is interface 1. */
static void kernel_frame(struct meters *m, const struct frame *f)
{
	const struct bpf_program *prog =
		f->hook & 1 ? m->skel->progs.karma_out : m->skel->progs.karma_in;
	struct __sk_buff skb = {.tstamp = f->ns};
	struct bpf_test_run_opts opts = {.sz = sizeof(opts),
		.data_in = f->data,
		.data_size_in = f->length,
		.ctx_in = &skb,
		.ctx_size_in = sizeof(skb)};

	if (f->segments > 1) {
		skb.gso_segs = f->segments;
		skb.gso_size = f->segment_size;
	}
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
	assert_int_equal((int)opts.retval, -1);
}

static void kernel_sweep(struct meters *m, uint64_t now, bool drain)
{
	unsigned char dummy[64] = {0};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = dummy, .data_size_in = sizeof(dummy)};

	m->skel->bss->sweep.now_ns = now;
	m->skel->bss->sweep.drain = drain;
	m->skel->bss->sweep.first = 0;
	m->skel->bss->sweep.count = m->buckets;
	do {
		assert_int_equal(
			bpf_prog_test_run_opts(bpf_program__fd(m->skel->progs.karma_sweep), &opts),
			0);
		assert_true(ring_buffer__consume(m->ring) >= 0);
	} while (m->skel->bss->sweep.count);
}

static void sweep(struct meters *m, uint64_t now, bool drain)
{
	struct flow_report report;

	kernel_sweep(m, now, drain);
	for (uint32_t i = 0; i < FLOWS; i++) {
		enum flow_due due;

		if (!m->used[i])
			continue;
		due = drain ? DUE_LEAVE : flow_due(&m->flow[i], &m->key[i], now);
		if (flow_do(&m->flow[i], &m->key[i], due, now, &report))
			keep(&m->user, &report);
		m->used[i] = !(m->flow[i].bits & FLOW_GONE);
	}
	if (drain)
		memset(m->flow, 0, sizeof(m->flow));
}

/* BPF_PROG_TEST_RUN takes frames of one page, and refuses those that end before an IP header. */
static bool acceptable(const struct frame *f)
{
	uint32_t least = 15;

	if (f->length < least || f->ns == 0)
		return false;
	if (load16(f->data + 12) == ETHERTYPE_IPV4)
		least = 14 + 20;
	if (load16(f->data + 12) == ETHERTYPE_IPV6)
		least = 14 + 40;
	return f->length >= least && f->length <= TEST_RUN_MAX;
}

/* One frame through both; the sweeps of both when its time has passed them. */
static void both(struct meters *m, const struct frame *f)
{
	if (!acceptable(f))
		return;
	if (f->ns >= m->next_sweep) {
		sweep(m, f->ns, false);
		m->next_sweep = f->ns + SWEEP_NS;
	}
	kernel_frame(m, f);
	user_frame(m, f);
	m->frames++;
	if (m->frames % 4096 == 0)
		assert_true(ring_buffer__consume(m->ring) >= 0);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct flow_report));
}

/* Close all flows in both and compare everything that was reported. */
static void compare(struct meters *m, const char *what)
{
	sweep(m, m->next_sweep + SWEEP_NS, true);
	m->next_sweep = 0;
	if (m->kernel.count != m->user.count)
		fail_msg("%s: %zu reports from the kernel, %zu from user space", what,
			m->kernel.count, m->user.count);
	if (m->kernel.count) {
		qsort(m->kernel.at, m->kernel.count, sizeof(*m->kernel.at), by_bytes);
		qsort(m->user.at, m->user.count, sizeof(*m->user.at), by_bytes);
	}
	for (size_t i = 0; i < m->kernel.count; i++) {
		const uint8_t *a = (const uint8_t *)&m->kernel.at[i];
		const uint8_t *b = (const uint8_t *)&m->user.at[i];

		for (size_t j = 0; j < sizeof(struct flow_report); j++)
			if (a[j] != b[j])
				fail_msg("%s: report %zu differs at byte %zu: kernel %u, user %u",
					what, i, j, a[j], b[j]);
	}
	m->kernel.count = m->user.count = 0;
}

/* ---- set-up ---- */

/* Does this process load programs at all? Two instructions tell: return XDP_PASS. */
static bool may_load(void)
{
	const struct bpf_insn pass[] = {{.code = 0xb7, .imm = 2}, {.code = 0x95}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", pass, 2, NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static struct meters *meters_new(uint32_t flows, bool outer)
{
	struct meters *m;

	if (!may_load()) {
		print_message("skipped: needs CAP_BPF\n");
		skip();
	}
	m = calloc(1, sizeof(*m));
	assert_non_null(m);
	m->skel = karma_bpf__open();
	assert_non_null(m->skel);
	m->outer = outer;
	m->skel->rodata->time_is_tstamp = true;
	m->skel->rodata->meter_outer = outer;
	assert_int_equal(kernel_table_size(m->skel, flows, &m->buckets), 0);
	assert_int_equal(karma_bpf__load(m->skel), 0);
	m->ring =
		ring_buffer__new(bpf_map__fd(m->skel->maps.reports), keep_kernel, &m->kernel, NULL);
	assert_non_null(m->ring);
	return m;
}

static void kernel_counts(const struct meters *m, uint64_t sum[METER_COUNTERS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t(*each)[METER_COUNTERS] = calloc((size_t)cpus, sizeof(*each));
	const uint32_t zero = 0;

	assert_non_null(each);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(m->skel->maps.counters), &zero, each), 0);
	memset(sum, 0, METER_COUNTERS * sizeof(*sum));
	for (int c = 0; c < cpus; c++)
		for (int i = 0; i < METER_COUNTERS; i++)
			sum[i] += each[c][i];
	free(each);
}

static void meters_free(struct meters *m)
{
	uint64_t sum[METER_COUNTERS];

	kernel_counts(m, sum);
	for (int i = 0; i < METER_COUNTERS; i++)
		if (i != COUNT_RECORDS && i != COUNT_OPEN)
			assert_int_equal(sum[i], m->count[i]);
	assert_int_equal(sum[COUNT_OPEN], 0);
	ring_buffer__free(m->ring);
	karma_bpf__destroy(m->skel);
	free(m->kernel.at);
	free(m->user.at);
	free(m);
}

/* ---- made frames ---- */

static uint32_t pick(struct rng *r, uint32_t n)
{
	return (uint32_t)rng_below(r, n);
}

static uint8_t random_flags(struct rng *r)
{
	static const uint8_t usual[] = {TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH,
		TCP_FIN | TCP_ACK, TCP_ACK, TCP_ACK, TCP_RST, TCP_RST | TCP_ACK};
	uint32_t i = pick(r, 40);

	return i < 36 ? usual[i % 9] : (uint8_t)pick(r, 64);
}

/* Few hosts and ports, so that frames meet in flows; sequence numbers near each other. */
static void random_spec(struct rng *r, struct spec *s)
{
	static const uint8_t protos[] = {PROTO_TCP, PROTO_TCP, PROTO_TCP, PROTO_UDP, PROTO_ICMP,
		PROTO_ICMP6, PROTO_SCTP, PROTO_UDPLITE, 47, 6};
	static const uint8_t types[] = {0, 3, 5, 8, 8, 11, 13, 14, 128, 129, 135};
	static const uint8_t chains[][3] = {{0}, {0, 60}, {44}, {0, 43, 44}, {60, 60, 60}};
	static const int chain_size[] = {1, 2, 1, 3, 3};
	uint32_t chain = pick(r, 12);

	memset(s, 0, sizeof(*s));
	s->tags = pick(r, 8) ? 0 : (int)pick(r, pick(r, 4) ? 4 : 12);
	s->net = pick(r, 3) ? NET_IPV4 : pick(r, 5) ? NET_IPV6 : NET_ARP;
	s->src = (uint8_t)(1 + pick(r, 3));
	s->dst = (uint8_t)(1 + pick(r, 3));
	s->proto = protos[pick(r, sizeof(protos))];
	s->ttl = (uint8_t)(1 + pick(r, 255));
	s->type = types[pick(r, sizeof(types))];
	s->code = (uint8_t)pick(r, 3);
	s->flags = random_flags(r);
	s->wscale = (uint8_t)pick(r, 18);
	s->sport = (uint16_t)(pick(r, 3) ? 1000 + pick(r, 4) : 80);
	s->dport = (uint16_t)(pick(r, 3) ? 1000 + pick(r, 4) : 80);
	s->window = (uint16_t)pick(r, 65536);
	s->id = (uint16_t)pick(r, 3);
	s->seq = 0xfffffe00u + pick(r, 1024);
	s->ack = 0xfffffe00u + pick(r, 1024);
	s->payload = pick(r, 2) ? 0 : pick(r, 4) ? pick(r, 40) : pick(r, 1400);
	s->fill = (uint8_t)rng_next(r);
	s->options = pick(r, 10) ? 0 : (uint8_t)pick(r, 11);
	s->fragment = pick(r, 20) ? 0 : (uint16_t)pick(r, 100);
	s->more = pick(r, 20) == 0;
	s->pad = (int)pick(r, 2);
	if (s->net == NET_IPV6 && chain < 5) {
		s->extension = chains[chain];
		s->extensions = chain_size[chain];
	}
	if (s->net == NET_IPV6 && !s->extensions)
		s->fragment = 0;
}

/* Mostly some milliseconds on; now and then a pause that ends records, or a step back. */
static uint64_t random_step(struct rng *r, uint64_t ns)
{
	switch (pick(r, 400)) {
	case 0:
		return ns + 1000000000ull * pick(r, 130);
	case 1:
		return ns - pick(r, 2000000);
	case 2:
	case 3:
		return ns;
	default:
		return ns + pick(r, 20000000);
	}
}

/* Around the `n` bytes of a frame, a raw one for tunnels of IP: one more tunnel. */
static uint32_t random_wrap(struct rng *r, uint8_t *bytes, uint32_t n, enum tunnel t, int raw)
{
	uint8_t inner[FRAME_MAX];
	struct spec outer = {.net = pick(r, 3) ? NET_IPV4 : NET_IPV6,
		.src = (uint8_t)(1 + pick(r, 3)),
		.dst = (uint8_t)(1 + pick(r, 3)),
		.sport = (uint16_t)(1000 + pick(r, 2)),
		.dport = (uint16_t)(pick(r, 4) ? 0 : PORT_VXLAN_OLD),
		.more = pick(r, 20) == 0,
		.tags = raw || pick(r, 8) ? 0 : (int)pick(r, 4),
		.raw = raw};
	static const uint8_t limit[] = {60}; /* as Linux gives IPv6 tunnels */

	if (outer.net == NET_IPV6 && pick(r, 2)) {
		outer.extension = limit;
		outer.extensions = 1;
	}
	memcpy(inner, bytes, n);
	return frame_wrap(bytes, &outer, t, inner, n);
}

/* A random frame, in up to six tunnels. */
static uint32_t random_frame(struct rng *r, uint8_t *bytes, struct spec *s)
{
	enum tunnel t[6];
	int levels = pick(r, 3) ? 0 : 1 + (int)pick(r, pick(r, 8) ? 1 : 6);
	uint32_t n;

	for (int i = 0; i < levels; i++)
		t[i] = (enum tunnel)pick(r, WRAPS);
	random_spec(r, s);
	if (levels > 1 && s->payload > 600)
		s->payload = 600;
	s->raw = levels && !wraps_ethernet(t[0]);
	if (s->raw && s->net == NET_ARP)
		s->net = NET_IPV4;
	n = frame_make(bytes, s);
	for (int i = 0; i < levels; i++)
		n = random_wrap(r, bytes, n, t[i], i + 1 < levels && !wraps_ethernet(t[i + 1]));
	return n;
}

/* `out_of`: one in so many frames comes at the egress; 0: none. */
static void made_frames(struct meters *m, uint64_t seed, uint32_t count, uint32_t out_of)
{
	struct rng r = {seed};
	uint64_t ns = 1000000000;
	uint8_t bytes[FRAME_MAX];
	struct spec s;

	for (uint32_t i = 0; i < count; i++) {
		struct frame f;
		uint32_t n;

		n = random_frame(&r, bytes, &s);
		if (pick(&r, 50) == 0) /* damaged */
			bytes[12 + pick(&r, n - 12 < 160 ? n - 12 : 160)] = (uint8_t)rng_next(&r);
		if (pick(&r, 50) == 0) /* cut short */
			n = 14 + pick(&r, n - 13);
		ns = random_step(&r, ns);
		f = frame_of_bytes(bytes, n, ns);
		if (out_of && pick(&r, out_of) == 0)
			f.hook = FLOW_HOOK(1, 1);
		if (pick(&r, 30) == 0 && s.payload > 100) {
			f.segment_size = 1 + pick(&r, s.payload);
			f.segments = (s.payload + f.segment_size - 1) / f.segment_size;
		}
		both(m, &f);
	}
}

static void made_frames_make_equal_reports(void **state)
{
	struct meters *m = meters_new(FLOWS, false);

	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		made_frames(m, seed, 15000, seed < 4 ? 0 : 3);
		compare(m, "made frames");
	}
	assert_true(m->count[COUNT_SEEN_AGAIN] > 100);
	meters_free(m);
}

/* ---- the table ---- */

/* Run the meter on a UDP frame of source `host` `repeat` times, without keeping user space's. */
static void run_frames(struct meters *m, uint32_t host, int repeat, uint64_t ns)
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
		bpf_prog_test_run_opts(bpf_program__fd(m->skel->progs.karma_in), &opts), 0);
}

static void meters_end(struct meters *m)
{
	ring_buffer__free(m->ring);
	karma_bpf__destroy(m->skel);
	free(m->kernel.at);
	free(m);
}

enum { HAMMER = 300000 };

static void *hammer(void *meters)
{
	run_frames(meters, 1, HAMMER, 1000000000);
	return NULL;
}

static void two_cpus_lose_no_count_of_one_flow(void **state)
{
	struct meters *m = meters_new(1000, false);
	uint64_t sum[METER_COUNTERS];
	pthread_t thread[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, m), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	kernel_sweep(m, 2000000000, true);
	assert_int_equal(m->kernel.count, 1);
	kernel_counts(m, sum);
	assert_int_equal(sum[COUNT_FLOWS], 1);
	assert_int_equal(sum[COUNT_OPEN], 0);
	assert_int_equal(sum[COUNT_PACKETS] + sum[LOST_BUSY], 2 * HAMMER);
	/* Who waits in vain is counted: a virtual processor may be taken away with a lock held. */
	assert_true(sum[LOST_BUSY] < HAMMER / 100);
	assert_int_equal(m->kernel.at[0].flow.side[0].packets, sum[COUNT_PACKETS]);
	meters_end(m);
}

/* As many flows as were asked for find room, but for one or two in a thousand. */
static void a_table_holds_what_was_asked_for(void **state)
{
	enum { ROOM = 15000 };
	struct meters *m = meters_new(ROOM, false);
	uint64_t sum[METER_COUNTERS];

	(void)state;
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(m, i * 2654435769u, 1, 1000000000);
	kernel_counts(m, sum);
	assert_true(sum[COUNT_TOTAL] <= ROOM / 500);
	assert_int_equal(sum[COUNT_PACKETS], ROOM);
	meters_end(m);
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
	struct meters *m = meters_new(ROOM, false);
	uint64_t before[METER_COUNTERS], after[METER_COUNTERS], packets = 0;

	(void)state;
	for (uint32_t i = 0; i < 4 * ROOM; i++)
		run_frames(m, i * 2654435769u, 1, 1000000000 + i);
	kernel_counts(m, before);
	assert_true(before[COUNT_OPEN] > ROOM && before[COUNT_OPEN] <= ROOM * 9 / 8 + 15);
	assert_true(before[COUNT_EVICTED] <= 1); /* for the total */
	assert_int_equal(before[COUNT_FLOWS] - 1 + before[COUNT_TOTAL], 4 * ROOM);
	kernel_sweep(m, 2100000000, false); /* shows them all */
	assert_int_equal(m->kernel.count, before[COUNT_OPEN] + before[COUNT_EVICTED]);
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(m, 77 + i * 2246822519u, 1, 2200000000 + i * 1000);
	kernel_counts(m, after);
	assert_true(after[COUNT_EVICTED] > ROOM / 2);
	kernel_sweep(m, 3000000000, true);
	kernel_counts(m, after);
	assert_int_equal(after[COUNT_OPEN], 0);
	assert_int_equal(after[LOST_MAP_FULL] + after[LOST_BUSY], 0);
	assert_int_equal(packets_of_totals(&m->kernel), after[COUNT_TOTAL]);
	for (size_t i = 0; i < m->kernel.count; i++)
		if (m->kernel.at[i].event == RECORD_FINAL)
			packets += m->kernel.at[i].flow.side[0].packets;
	assert_int_equal(packets, 5 * ROOM);
	meters_end(m);
}

/* A flow that has just been cut has nothing to report when it gives way. */
static void what_gives_way_reports_what_it_has(void **state)
{
	enum { ROOM = 1500 };
	struct meters *m = meters_new(ROOM, false);
	uint64_t before[METER_COUNTERS], after[METER_COUNTERS];

	(void)state;
	for (uint32_t i = 0; i < ROOM * 9 / 8 + 15; i++)
		run_frames(m, i * 2654435769u, 1, 1000000000 + i);
	kernel_sweep(m, 2100000000, false);
	kernel_sweep(m, 62000000000, false);
	kernel_counts(m, before);
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(m, 77 + i * 2246822519u, 1, 62100000000 + i * 1000);
	kernel_sweep(m, 62200000000, true);
	kernel_counts(m, after);
	assert_true(after[COUNT_EVICTED] > before[COUNT_EVICTED] + ROOM / 2);
	assert_int_equal(m->kernel.count, after[COUNT_RECORDS]);
	for (size_t i = 0; i < m->kernel.count; i++) {
		const struct flow_report *r = &m->kernel.at[i];

		assert_true(r->event == RECORD_LOOK || r->event == RECORD_FINAL);
		assert_int_equal(r->key.proto, PROTO_UDP);
		assert_true(r->flow.side[0].packets > 0);
	}
	meters_end(m);
}

/* A TCP packet of flow `n`, to the server or from it. */
static void run_tcp(struct meters *m, uint16_t n, bool answer, uint8_t flags, uint64_t ns)
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
		bpf_prog_test_run_opts(bpf_program__fd(m->skel->progs.karma_in), &opts), 0);
}

/* A table full of connections in one state, all of them shown: how many give way to new flows. */
static uint64_t evicted_of(bool refused, bool completed)
{
	enum { ROOM = 1500 };
	struct meters *m = meters_new(ROOM, false);
	uint64_t before[METER_COUNTERS], after[METER_COUNTERS];

	for (uint16_t i = 1; i < ROOM * 9 / 8; i++) {
		uint64_t ns = 1000000000 + i * 100000ull;

		run_tcp(m, 1000 + i, false, TCP_SYN, ns);
		run_tcp(m, 1000 + i, true, TCP_ACK | (refused ? TCP_RST : TCP_SYN), ns + 1000);
		if (completed)
			run_tcp(m, 1000 + i, false, TCP_ACK, ns + 2000);
	}
	kernel_sweep(m, 2500000000, false);
	kernel_counts(m, before);
	/* What answers only is not let in for others. */
	for (uint16_t i = 0; i < ROOM; i++)
		run_tcp(m, 20000 + i, true, TCP_SYN | TCP_ACK, 2600000000 + i);
	kernel_counts(m, after);
	assert_true(after[COUNT_EVICTED] <= before[COUNT_EVICTED] + 1); /* for the total */
	for (uint32_t i = 0; i < ROOM; i++)
		run_frames(m, 77 + i * 2246822519u, 1, 2700000000 + i * 1000);
	kernel_counts(m, after);
	assert_int_equal(after[LOST_BUSY], 0);
	meters_end(m);
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
	struct meters *m = meters_new(1000, false);
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
		bpf_prog_test_run_opts(bpf_program__fd(m->skel->progs.karma_in), &opts), 0);
	kernel_counts(m, sum);
	assert_int_equal(sum[COUNT_PACKETS], 4);
	assert_int_equal(sum[COUNT_BYTES], 1000 + 4 * 28);
	meters_end(m);
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
	struct meters *m;

	(void)state;
	if (sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) < 4L << 30)
		skip(); /* the table takes 0.7 GB */
	m = meters_new(MILLION, false);
	ring_buffer__free(m->ring);
	m->ring = ring_buffer__new(bpf_map__fd(m->skel->maps.reports), count_final, &packets, NULL);
	assert_non_null(m->ring);
	for (uint32_t i = 0; i < MILLION; i++)
		run_frames(m, i * 2654435769u, 1, 1000000000 + i);
	kernel_counts(m, sum);
	assert_true(sum[COUNT_TOTAL] <= MILLION / 500);
	assert_true(sum[COUNT_OPEN] >= MILLION - sum[COUNT_TOTAL]);
	assert_int_equal(sum[LOST_MAP_FULL] + sum[LOST_BUSY] + sum[LOST_RING_FULL], 0);
	kernel_sweep(m, 1500000000, true);
	kernel_counts(m, sum);
	assert_int_equal(sum[COUNT_OPEN], 0);
	assert_int_equal(packets, MILLION);
	meters_end(m);
}

static void the_outside_of_tunnels_is_equal(void **state)
{
	struct meters *m = meters_new(FLOWS, true);

	(void)state;
	made_frames(m, 8, 5000, 0);
	compare(m, "made frames, metered from outside");
	meters_free(m);
}

/* ---- captures ---- */

static struct meters *meters_of_walk;
static int captures;

static int meter_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct meters *m = meters_of_walk;
	char text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *pcap;

	(void)st;
	(void)ftw;
	if (type != FTW_F || !strstr(path, ".pcap"))
		return 0;
	pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!pcap)
		return 0;
	for (int i = 0; i < FILE_MAX_PACKETS && pcap_datalink(pcap) == ETHERNET; i++) {
		struct frame f;

		if (pcap_next_ex(pcap, &h, &data) != 1)
			break;
		f = frame_of_bytes(data, h->caplen,
			(uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec);
		if ((int64_t)f.ns > 0)
			both(m, &f);
	}
	pcap_close(pcap);
	compare(m, path);
	captures++;
	return 0;
}

static void captures_make_equal_reports(void **state)
{
	const char *shared = getenv("KARMA_SHARED");
	char corpus[4096];

	(void)state;
	meters_of_walk = meters_new(FLOWS, false);
	nftw("tests/captures", meter_file, 16, 0);
	snprintf(corpus, sizeof(corpus), "%s/corpus", shared ? shared : "../shared");
	if (access(corpus, R_OK) == 0)
		nftw(corpus, meter_file, 16, 0);
	else
		print_message("skipped: no corpus of captures at %s\n", corpus);
	print_message("%d captures, %llu packets\n", captures,
		(unsigned long long)meters_of_walk->frames);
	assert_true(captures > 0);
	meters_free(meters_of_walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_frames_make_equal_reports),
		cmocka_unit_test(the_outside_of_tunnels_is_equal),
		cmocka_unit_test(two_cpus_lose_no_count_of_one_flow),
		cmocka_unit_test(a_table_holds_what_was_asked_for),
		cmocka_unit_test(a_full_table_gives_way_in_order),
		cmocka_unit_test(what_gives_way_reports_what_it_has),
		cmocka_unit_test(only_open_connections_stay),
		cmocka_unit_test(segments_are_counted_by_their_size),
		cmocka_unit_test(a_million_flows),
		cmocka_unit_test(captures_make_equal_reports),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
