/* The kernel's meter against the user-space build of the same headers: the same frames, the same
 * times, byte for byte the same reports. Needs CAP_BPF; a stored capture or made frames go through
 * the TC program by BPF_PROG_TEST_RUN, nothing is attached to any interface. */
#include <stdio.h>

#include "kernel.h"

#include <errno.h>
#include <ftw.h>
#define PCAP_DONT_INCLUDE_PCAP_BPF_H /* its struct bpf_insn is another than the kernel's */
#include <pcap/pcap.h>

#include "frame.h"
#include "util/rng.h"

enum {
	FLOWS = 65536,       /* in the kernel's table and in ours */
	TEST_RUN_MAX = 3400, /* bytes */
	FILE_MAX_PACKETS = 20000,
	ETHERNET = 1, /* DLT_EN10MB */
	SWEEP_NS = 1000000000,
};

/* ---- the two meters ---- */

struct meters {
	struct kernel *kernel;
	struct reports user;
	bool outer;                     /* tunnels are metered as what they are outside */
	uint64_t count[METER_COUNTERS]; /* user space's */
	uint64_t frames, next_sweep;
	/* User space's flows: open addressing, never shrunk but emptied whole at each drain. */
	struct flow_key key[FLOWS];
	struct flow flow[FLOWS];
	bool used[FLOWS];
};

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
		f->hook & 1 ? m->kernel->skel->progs.karma_out : m->kernel->skel->progs.karma_in;
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

static void sweep(struct meters *m, uint64_t now, bool drain)
{
	struct flow_report report;

	kernel_sweep(m->kernel, now, drain);
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
		assert_true(ring_buffer__consume(m->kernel->ring) >= 0);
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
	if (m->kernel->reports.count != m->user.count)
		fail_msg("%s: %zu reports from the kernel, %zu from user space", what,
			m->kernel->reports.count, m->user.count);
	if (m->kernel->reports.count) {
		qsort(m->kernel->reports.at, m->kernel->reports.count,
			sizeof(*m->kernel->reports.at), by_bytes);
		qsort(m->user.at, m->user.count, sizeof(*m->user.at), by_bytes);
	}
	for (size_t i = 0; i < m->kernel->reports.count; i++) {
		const uint8_t *a = (const uint8_t *)&m->kernel->reports.at[i];
		const uint8_t *b = (const uint8_t *)&m->user.at[i];

		for (size_t j = 0; j < sizeof(struct flow_report); j++)
			if (a[j] != b[j])
				fail_msg("%s: report %zu differs at byte %zu: kernel %u, user %u",
					what, i, j, a[j], b[j]);
	}
	m->kernel->reports.count = m->user.count = 0;
}

/* ---- set-up ---- */

static struct meters *meters_new(uint32_t flows, bool outer)
{
	struct kernel *kernel = kernel_new(flows, outer); /* or the test is skipped */
	struct meters *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->kernel = kernel;
	m->outer = outer;
	return m;
}

static void meters_free(struct meters *m)
{
	uint64_t sum[METER_COUNTERS];

	kernel_counts(m->kernel, sum);
	for (int i = 0; i < METER_COUNTERS; i++)
		if (i != COUNT_RECORDS && i != COUNT_OPEN)
			assert_int_equal(sum[i], m->count[i]);
	assert_int_equal(sum[COUNT_OPEN], 0);
	kernel_free(m->kernel);
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
		cmocka_unit_test(captures_make_equal_reports),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
