/* The block list: what its XDP programs let through and drop, and what the list says of it. Needs
 * CAP_BPF; frames go through the programs by BPF_PROG_TEST_RUN, nothing is attached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "frame.h"
#include "respond/filter_inside.h"
#include "util/clock.h"
#include "util/rng.h"

static const struct filter_note no_note = {0};

/* ---- set-up ---- */

/* Does this process load programs at all? Two instructions tell: return XDP_PASS. */
static bool may_load(void)
{
	const struct bpf_insn pass[] = {{.code = 0xb7, .imm = XDP_PASS}, {.code = 0x95}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", pass, 2, NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static struct filter *filter_of(const struct filter_settings *s)
{
	struct error e = {""};
	struct filter *f;

	if (!may_load()) {
		print_message("skipped: needs CAP_BPF\n");
		skip();
	}
	if (filter_open(&f, s, &e) != 0)
		fail_msg("%s", e.text);
	return f;
}

static struct filter *filter_new(void)
{
	return filter_of(&(struct filter_settings){0});
}

/* ---- frames ---- */

static uint32_t run(
	const struct filter *f, bool is_ip, const uint8_t *bytes, uint32_t n, int repeat)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = bytes, .data_size_in = n, .repeat = repeat};

	assert_int_equal(bpf_prog_test_run_opts(filter_program(f, is_ip), &opts), 0);
	assert_true(opts.retval == XDP_PASS || opts.retval == XDP_DROP);
	return opts.retval;
}

/* Is it dropped? */
static bool drops(const struct filter *f, const struct spec *s)
{
	uint8_t bytes[FRAME_MAX];

	return run(f, s->raw, bytes, frame_make(bytes, s), 1) == XDP_DROP;
}

static struct spec udp(int net, uint8_t src)
{
	return (struct spec){
		.net = net, .proto = PROTO_UDP, .src = src, .dst = 200, .sport = 1, .dport = 53};
}

/* The host of frame.h's addresses, or a prefix of it. */
static struct filter_prefix v4(uint8_t host, uint8_t bits)
{
	struct filter_prefix p = {.bits = (uint8_t)(96 + bits), .addr = {[10] = 0xff, [11] = 0xff}};

	put_v4(p.addr + 12, host);
	return p;
}

static struct filter_prefix v6(uint8_t host, uint8_t bits)
{
	struct filter_prefix p = {.bits = bits};

	put_v6(p.addr, host);
	return p;
}

static void add(struct filter *f, struct filter_prefix p)
{
	assert_int_equal(filter_add(f, &p, &no_note), 0);
}

static void del(struct filter *f, struct filter_prefix p)
{
	assert_int_equal(filter_del(f, &p), 0);
}

static uint64_t packets(const struct filter *f, struct filter_prefix p)
{
	struct filter_entry e;

	assert_int_equal(filter_get(f, &p, &e), 0);
	return e.counts.packets;
}

/* ---- hosts and prefixes ---- */

static void a_host_is_dropped_and_counted(void **state)
{
	struct filter *f = filter_new();
	struct spec s = udp(NET_IPV4, 1), other = udp(NET_IPV4, 2), s6 = udp(NET_IPV6, 1);
	struct filter_prefix p = v4(1, 32);
	struct filter_entry e;
	uint8_t bytes[FRAME_MAX];
	uint32_t n = frame_make(bytes, &s);
	struct filter_stats stats;

	(void)state;
	assert_false(drops(f, &s));
	add(f, v4(1, 32));
	add(f, v6(1, 128));
	for (int i = 0; i < 10; i++)
		assert_true(drops(f, &s));
	assert_true(drops(f, &s6));
	assert_true(drops(f, &s));
	assert_false(drops(f, &other));
	assert_int_equal(filter_get(f, &p, &e), 0);
	assert_int_equal(e.counts.packets, 11);
	assert_int_equal(e.counts.bytes, 11 * n);
	assert_int_equal(packets(f, v6(1, 128)), 1);
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.dropped, 12);
	assert_int_equal(stats.passed, 2);
	assert_int_equal(stats.hosts, 2);
	del(f, v4(1, 32));
	assert_false(drops(f, &s));
	assert_int_equal(filter_del(f, &p), -ENOENT);
	assert_int_equal(filter_get(f, &p, &e), -ENOENT);
	/* Another entry of the same address counts from 0 on. */
	add(f, v4(1, 32));
	assert_int_equal(packets(f, v4(1, 32)), 0);
	assert_true(drops(f, &s));
	assert_int_equal(packets(f, v4(1, 32)), 1);
	filter_close(f, false);
}

static void prefixes_are_dropped(void **state)
{
	struct filter *f = filter_new();
	struct spec in = udp(NET_IPV4, 17), out = udp(NET_IPV4, 33), in6 = udp(NET_IPV6, 17);
	struct filter_prefix wider = v4(0, 24);
	struct filter_entry e;

	(void)state;
	add(f, v4(16 + 5, 28)); /* bits behind the prefix do not count */
	assert_true(drops(f, &in));
	assert_false(drops(f, &out));
	assert_false(drops(f, &in6));
	assert_int_equal(packets(f, v4(16, 28)), 1);
	assert_int_equal(filter_get(f, &wider, &e), -ENOENT);
	add(f, v4(17, 32)); /* the host comes first */
	assert_true(drops(f, &in));
	assert_int_equal(packets(f, v4(16, 28)), 1);
	assert_int_equal(packets(f, v4(17, 32)), 1);
	add(f, wider);
	assert_true(drops(f, &out));
	assert_int_equal(packets(f, wider), 1);
	del(f, v4(16, 28));
	assert_int_equal(filter_del(f, &(struct filter_prefix){.bits = 96 + 28}), -ENOENT);
	del(f, wider);
	assert_false(drops(f, &out));
	add(f, v6(0, 64));
	assert_true(drops(f, &in6));
	add(f, v6(0, 0)); /* everybody */
	assert_true(drops(f, &out));
	filter_close(f, false);
}

static void tags_and_links_without_headers(void **state)
{
	struct filter *f = filter_new();

	(void)state;
	add(f, v4(1, 32));
	add(f, v6(1, 128));
	for (int net = NET_IPV4; net <= NET_IPV6; net += 2)
		for (int tags = 0; tags < 6; tags++) {
			struct spec s = udp(net, 1), other = udp(net, 2);

			s.tags = other.tags = tags;
			assert_true(drops(f, &s));
			assert_false(drops(f, &other));
		}
	for (int net = NET_IPV4; net <= NET_IPV6; net += 2) {
		struct spec s = udp(net, 1), other = udp(net, 2);

		s.raw = other.raw = 1;
		assert_true(drops(f, &s));
		assert_false(drops(f, &other));
	}
	filter_close(f, false);
}

/* What stays of an entry when its note is changed, and what is loaded, comes back. */
static void notes_and_counts_are_kept(void **state)
{
	const struct filter_note note = {.since_ns = 1,
		.until_ns = 2,
		.alert = 3,
		.class = 4,
		.by = 5,
		.times = 6,
		.uid = 7};
	struct filter *f = filter_new();
	struct filter_entry in[2] = {{.what = v4(1, 32), .counts = {5, 500}, .note = note},
		{.what = v4(32, 27), .counts = {6, 600}, .note = note}},
			    e;
	struct spec s = udp(NET_IPV4, 1);

	(void)state;
	assert_int_equal(filter_load(f, in, 2), 2);
	assert_true(drops(f, &s));
	assert_true(drops(f, &s));
	assert_int_equal(filter_add(f, &in[0].what, &no_note), 0);
	assert_int_equal(filter_get(f, &in[0].what, &e), 0);
	assert_int_equal(e.counts.packets, 7);
	assert_memory_equal(&e.note, &no_note, sizeof(no_note));
	assert_int_equal(filter_get(f, &in[1].what, &e), 0);
	assert_int_equal(e.counts.packets, 6);
	assert_int_equal(e.counts.bytes, 600);
	assert_memory_equal(&e.note, &note, sizeof(note));
	assert_int_equal(filter_add(f, &in[1].what, &no_note), 0);
	assert_int_equal(packets(f, in[1].what), 6);
	filter_close(f, false);
}

/* ---- what is never dropped ---- */

static void the_allow_list_wins(void **state)
{
	struct filter *f = filter_new();
	const struct filter_prefix allowed[2] = {v4(16, 28), v6(1, 128)};
	struct spec in = udp(NET_IPV4, 17), out = udp(NET_IPV4, 33), in6 = udp(NET_IPV6, 1);
	struct filter_stats stats;

	(void)state;
	add(f, v4(17, 32));
	add(f, v4(0, 16));
	add(f, v6(1, 128));
	assert_true(drops(f, &in));
	assert_int_equal(filter_allow(f, allowed, 2), 0);
	assert_false(drops(f, &in));
	assert_false(drops(f, &in6));
	assert_true(drops(f, &out));
	assert_true(drops(f, &out));
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.allowed, 2);
	assert_int_equal(stats.allowed_packets, 2);
	assert_int_equal(filter_allow(f, allowed + 1, 1), 0);
	assert_true(drops(f, &in));
	assert_true(drops(f, &in));
	assert_false(drops(f, &in6));
	assert_int_equal(filter_allow(f, allowed, 1), 0);
	assert_false(drops(f, &in));
	assert_true(drops(f, &in6));
	assert_int_equal(filter_allow(f, NULL, 0), 0);
	assert_true(drops(f, &in));
	filter_close(f, false);
}

static void hardware_addresses_are_allowed(void **state)
{
	static const uint8_t mac[2][6] = {{2, 2, 2, 2, 2, 2}, {2, 2, 2, 2, 2, 3}};
	struct filter *f = filter_new();
	struct spec s = udp(NET_IPV4, 1), raw = udp(NET_IPV4, 1);

	(void)state;
	raw.raw = 1;
	add(f, v4(1, 32));
	assert_true(drops(f, &s));
	assert_int_equal(filter_allow_macs(f, mac, 1), 0);
	assert_false(drops(f, &s));
	assert_true(drops(f, &raw));
	assert_int_equal(filter_allow_macs(f, mac + 1, 1), 0);
	assert_true(drops(f, &s));
	assert_int_equal(filter_allow_macs(f, mac, 2), 0);
	assert_false(drops(f, &s));
	filter_close(f, false);
}

/* ---- room ---- */

static int count_entry(void *context, const struct filter_entry *e)
{
	(void)e;
	++*(uint32_t *)context;
	return 0;
}

static void what_has_no_room_is_counted(void **state)
{
	struct filter *f = filter_of(
		&(struct filter_settings){.hosts = 8, .prefixes = 2, .allowed = 2, .limits = 2});
	struct filter_entry many[20] = {{.note = {0}}};
	struct filter_limit limit = {.proto = PROTO_UDP, .rate = 1, .burst = 1};
	const struct filter_prefix allowed[3] = {v4(1, 32), v4(2, 32), v4(3, 32)};
	struct filter_prefix p = v4(200, 32), wide = v4(128, 26);
	struct spec s = udp(NET_IPV4, 1);
	struct filter_stats stats;
	uint32_t count = 0;

	(void)state;
	for (uint8_t i = 0; i < 20; i++)
		many[i].what = v4(i, 32);
	assert_int_equal(filter_load(f, many, 20), 8);
	assert_int_equal(filter_add(f, &p, &no_note), -ENOSPC);
	add(f, v4(0, 26));
	add(f, v4(64, 26));
	assert_int_equal(filter_add(f, &wide, &no_note), -ENOSPC);
	for (uint16_t i = 0; i < 3; i++) {
		limit.port = i;
		assert_int_equal(filter_limit(f, &limit), i < 2 ? 0 : -ENOSPC);
	}
	assert_int_equal(filter_allow(f, allowed, 2), 0);
	assert_int_equal(filter_allow(f, allowed, 3), -ENOSPC);
	assert_int_equal(filter_allow(f, allowed + 1, 2), 0);
	assert_true(drops(f, &s));
	assert_int_equal(filter_each(f, count_entry, &count), 0);
	assert_int_equal(count, 10);
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.hosts, 8);
	assert_int_equal(stats.prefixes, 2);
	assert_int_equal(stats.limits, 2);
	assert_int_equal(stats.allowed, 2);
	assert_int_equal(stats.full, 12 + 1 + 1 + 1 + 1);
	/* One that goes makes room for another. */
	del(f, v4(0, 32));
	add(f, v4(200, 32));
	filter_close(f, false);
}

/* ---- limits ---- */

static struct filter_limit limit_of(
	int net, uint8_t proto, uint16_t port, uint32_t rate, uint32_t burst)
{
	struct filter_limit l = {.proto = proto, .port = port, .rate = rate, .burst = burst};

	memcpy(l.addr, net == NET_IPV6 ? v6(200, 128).addr : v4(200, 32).addr, sizeof(l.addr));
	return l;
}

static int keep_limit(void *context, const struct filter_limit *l)
{
	*(struct filter_limit *)context = *l;
	return 0;
}

/* So many frames at once: how many pass. */
static uint64_t flood(const struct filter *f, const struct spec *s, int repeat)
{
	struct filter_stats before, after;
	uint8_t bytes[FRAME_MAX];

	assert_int_equal(filter_stats(f, &before), 0);
	run(f, s->raw, bytes, frame_make(bytes, s), repeat);
	assert_int_equal(filter_stats(f, &after), 0);
	assert_int_equal(after.passed - before.passed + after.limited - before.limited, repeat);
	return after.passed - before.passed;
}

/* What passes is the burst, and what time adds: by clocks read before and after. */
static void a_limit_lets_its_rate_pass(void **state)
{
	enum { RATE = 2000, BURST = 50, FLOOD = 20000 };
	const struct timespec wait = {.tv_nsec = 100000000};
	struct filter *f = filter_new();
	struct filter_limit l = limit_of(NET_IPV4, PROTO_UDP, 53, RATE, BURST), out;
	struct spec s = udp(NET_IPV4, 1), other = udp(NET_IPV4, 1);
	uint64_t start, passed = 0;
	double took;

	(void)state;
	assert_int_equal(filter_limit(f, &l), 0);
	start = clock_now(CLOCK_MONOTONIC);
	for (int i = 0; i < 5; i++)
		passed += flood(f, &s, FLOOD);
	took = (double)(clock_now(CLOCK_MONOTONIC) - start) * 1e-9;
	assert_true(passed >= BURST);
	assert_true((double)passed <= BURST + took * RATE + 1);
	assert_int_equal(filter_each_limit(f, keep_limit, &out), 0);
	assert_int_equal(out.counts.packets, 5 * FLOOD - passed);
	assert_int_equal(out.rate, RATE);
	assert_int_equal(out.burst, BURST);
	nanosleep(&wait, NULL);
	assert_true(flood(f, &s, FLOOD) >= BURST); /* full again, and no fuller */
	other.dport = 54;
	assert_int_equal(flood(f, &other, 1000), 1000);
	/* Changed, its counts go on. */
	l.rate = 1;
	l.burst = 1;
	assert_int_equal(filter_limit(f, &l), 0);
	assert_true(flood(f, &s, FLOOD) <= 3);
	passed = out.counts.packets;
	assert_int_equal(filter_each_limit(f, keep_limit, &out), 0);
	assert_true(out.counts.packets > passed + FLOOD);
	assert_int_equal(out.rate, 1);
	assert_int_equal(filter_unlimit(f, &l), 0);
	assert_int_equal(filter_unlimit(f, &l), -ENOENT);
	assert_int_equal(flood(f, &s, 1000), 1000);
	filter_close(f, false);
}

static void limits_by_what_comes_to_them(void **state)
{
	static const uint8_t chain[] = {0, 60}, fragment[] = {44};
	struct filter *f = filter_new();
	struct filter_limit l[] = {limit_of(NET_IPV6, PROTO_TCP, 80, 1, 1),
		limit_of(NET_IPV4, PROTO_ICMP, 0, 1, 1), limit_of(NET_IPV4, PROTO_UDP, 0, 1, 1),
		limit_of(NET_IPV6, PROTO_UDP, 0, 1, 1)};
	struct spec tcp = {.net = NET_IPV6, .proto = PROTO_TCP, .src = 1, .dst = 200, .dport = 80};
	struct spec ping = {.proto = PROTO_ICMP, .src = 1, .dst = 200, .type = 8};
	struct spec later = udp(NET_IPV4, 1), later6 = udp(NET_IPV6, 1), first = udp(NET_IPV4, 1);
	const struct filter_prefix allowed = v6(1, 128);

	(void)state;
	for (size_t i = 0; i < sizeof(l) / sizeof(l[0]); i++)
		assert_int_equal(filter_limit(f, &l[i]), 0);
	assert_true(flood(f, &tcp, 1000) < 10);
	tcp.extension = chain;
	tcp.extensions = 2;
	tcp.tags = 2;
	assert_true(flood(f, &tcp, 1000) < 10);
	tcp.dport = 81;
	assert_int_equal(flood(f, &tcp, 1000), 1000);
	assert_true(flood(f, &ping, 1000) < 10);
	later.fragment = 10;
	later.payload = 40;
	assert_true(flood(f, &later, 1000) < 10);
	first.more = 1;
	assert_int_equal(flood(f, &first, 1000), 1000);
	later6.extension = fragment;
	later6.extensions = 1;
	later6.fragment = 10;
	later6.payload = 40;
	assert_true(flood(f, &later6, 1000) < 10);
	tcp.dport = 80;
	assert_int_equal(filter_allow(f, &allowed, 1), 0);
	assert_int_equal(flood(f, &tcp, 1000), 1000);
	filter_close(f, false);
}

/* ---- what is no packet ---- */

static void garbage_passes(void **state)
{
	struct filter *f = filter_new();
	struct rng r = {7};
	struct filter_limit l = limit_of(NET_IPV4, PROTO_UDP, 53, 1, 1);
	struct filter_stats stats;
	uint64_t frames = 0;

	(void)state;
	add(f, v4(1, 32));
	add(f, v4(64, 26));
	add(f, v6(1, 128));
	assert_int_equal(filter_limit(f, &l), 0);
	for (int i = 0; i < 20000; i++) {
		static const uint8_t chains[][3] = {{0}, {0, 60, 44}, {44}, {43, 43, 60}};
		struct spec s = udp(rng_below(&r, 2) ? NET_IPV4 : NET_IPV6, (uint8_t)rng_next(&r));
		uint32_t chain = (uint32_t)rng_below(&r, 5);
		uint8_t bytes[FRAME_MAX];
		uint32_t n, cut;

		s.tags = (int)rng_below(&r, 10);
		s.raw = rng_below(&r, 4) == 0;
		s.proto = rng_below(&r, 3) ? PROTO_UDP : (uint8_t)rng_next(&r);
		s.options = (uint8_t)rng_below(&r, 11);
		if (s.net == NET_IPV6 && chain < 4) {
			s.extension = chains[chain];
			s.extensions = 1 + (int)rng_below(&r, 3);
		}
		n = frame_make(bytes, &s);
		for (uint64_t damage = rng_below(&r, 6); damage > 0; damage--)
			bytes[rng_below(&r, n)] = (uint8_t)rng_next(&r);
		cut = 14 + (uint32_t)rng_below(&r, n - 13); /* the kernel takes no less */
		run(f, s.raw, bytes, rng_below(&r, 2) ? cut : n, 1);
		frames++;
	}
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.passed + stats.dropped + stats.limited + stats.not_ip, frames);
	assert_true(stats.not_ip > frames / 20);
	assert_true(stats.passed > frames / 20);
	filter_close(f, false);
}

static void arp_and_short_frames_pass(void **state)
{
	struct filter *f = filter_new();
	struct spec arp = {.net = NET_ARP, .src = 1, .dst = 2};
	struct spec s = udp(NET_IPV4, 1);
	uint8_t bytes[FRAME_MAX];
	struct filter_stats stats;

	(void)state;
	add(f, v6(0, 0)); /* everybody */
	assert_false(drops(f, &arp));
	frame_make(bytes, &s);
	for (uint32_t n = 14; n < 34; n++)
		assert_int_equal(run(f, false, bytes, n, 1), XDP_PASS);
	assert_int_equal(run(f, false, bytes, 34, 1), XDP_DROP);
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.not_ip, 21);
	filter_close(f, false);
}

/* The unspecified address is no train that a CPU has not begun. */
static void nobody_is_not_listed(void **state)
{
	struct filter *f = filter_new();
	struct spec s = udp(NET_IPV6, 1);
	uint8_t bytes[FRAME_MAX];
	uint32_t n = frame_make(bytes, &s);

	(void)state;
	memset(bytes + 14 + 8, 0, 16);
	assert_int_equal(run(f, false, bytes, n, 1), XDP_PASS);
	add(f, (struct filter_prefix){.bits = 128});
	assert_int_equal(run(f, false, bytes, n, 1), XDP_DROP);
	filter_close(f, false);
}

/* ---- several CPUs ---- */

enum { HAMMER = 200000 };

static void *hammer(void *filter)
{
	struct spec s = udp(NET_IPV4, 1);
	uint8_t bytes[FRAME_MAX];

	run(filter, false, bytes, frame_make(bytes, &s), HAMMER);
	return NULL;
}

static void two_cpus_lose_no_count(void **state)
{
	struct filter *f = filter_new();
	pthread_t thread[2];

	(void)state;
	add(f, v4(1, 32));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, hammer, f), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(packets(f, v4(1, 32)), 2 * HAMMER);
	filter_close(f, false);
}

/* ---- against a model ---- */

/* Hosts and the prefixes that they are in: what is listed, and how much was dropped by it. */
enum { HOSTS = 64, NETS = 8, ENTRIES = HOSTS + 2 * NETS, STEPS = 30000 };

struct model {
	bool listed[ENTRIES], allowed[ENTRIES];
	uint64_t packets[ENTRIES], times[ENTRIES];
};

/* Entry i: a host, or a prefix of 8, or one of 16 of them. */
static struct filter_prefix entry(int i)
{
	if (i < HOSTS)
		return v4((uint8_t)i, 32);
	if (i < HOSTS + NETS)
		return v4((uint8_t)((i - HOSTS) * 8), 29);
	return v4((uint8_t)((i - HOSTS - NETS) * 16), 28);
}

static bool is_in(int host, int i)
{
	if (i < HOSTS)
		return host == i;
	return i < HOSTS + NETS ? host / 8 == i - HOSTS : host / 16 == i - HOSTS - NETS;
}

/* The most narrow entry of a set that a host is in, or -1. */
static int entry_of(const bool *set, int host)
{
	for (int i = 0; i < ENTRIES; i++)
		if (set[i] && is_in(host, i))
			return i;
	return -1;
}

static void model_allow(struct filter *f, struct model *m, struct rng *r)
{
	struct filter_prefix set[ENTRIES];
	uint32_t count = 0;

	for (int i = 0; i < ENTRIES; i++) {
		m->allowed[i] = rng_below(r, 30) == 0;
		if (m->allowed[i])
			set[count++] = entry(i);
	}
	assert_int_equal(filter_allow(f, set, count), 0);
}

static void model_packet(struct filter *f, struct model *m, int host)
{
	struct spec s = udp(NET_IPV4, (uint8_t)host);
	int i = entry_of(m->listed, host);

	if (i >= 0 && entry_of(m->allowed, host) >= 0)
		i = -1;
	assert_int_equal(drops(f, &s), i >= 0);
	if (i >= 0)
		m->packets[i]++;
}

static void model_change(struct filter *f, struct model *m, struct rng *r, uint64_t step)
{
	int i = (int)rng_below(r, ENTRIES);
	struct filter_prefix p = entry(i);
	struct filter_note note = {.alert = step};

	if (rng_below(r, 2)) {
		assert_int_equal(filter_add(f, &p, &note), 0);
		if (!m->listed[i])
			m->packets[i] = 0;
		m->listed[i] = true;
		m->times[i] = step;
	} else {
		assert_int_equal(filter_del(f, &p), m->listed[i] ? 0 : -ENOENT);
		m->listed[i] = false;
	}
}

static void model_check(const struct filter *f, const struct model *m, int i)
{
	struct filter_prefix p = entry(i);
	struct filter_entry e;

	assert_int_equal(filter_get(f, &p, &e), m->listed[i] ? 0 : -ENOENT);
	if (!m->listed[i])
		return;
	assert_int_equal(e.counts.packets, m->packets[i]);
	assert_int_equal(e.note.alert, m->times[i]);
	assert_memory_equal(&e.what, &p, sizeof(p));
}

struct listing {
	const struct model *m;
	struct filter *f;
	uint32_t count, deleted;
};

static int check_each(void *context, const struct filter_entry *e)
{
	struct listing *l = context;

	for (int i = 0; i < ENTRIES; i++) {
		struct filter_prefix p = entry(i);

		if (memcmp(&e->what, &p, sizeof(p)) != 0)
			continue;
		assert_true(l->m->listed[i]);
		assert_int_equal(e->counts.packets, l->m->packets[i]);
		l->count++;
		if (l->f && i % 2) { /* may go while all are gone through */
			assert_int_equal(filter_del(l->f, &p), 0);
			l->deleted++;
		}
		return 0;
	}
	fail_msg("an entry that nobody made");
	return 1;
}

static void random_changes_agree_with_a_model(void **state)
{
	struct filter *f = filter_new();
	struct model m = {.listed = {0}};
	struct rng r = {11};
	struct listing all = {.m = &m}, going = {.m = &m, .f = f};
	struct filter_stats stats;
	uint32_t listed = 0, left = 0;

	(void)state;
	for (uint64_t step = 1; step <= STEPS; step++) {
		int host = (int)rng_below(&r, HOSTS);

		switch (rng_below(&r, 40)) {
		case 0:
			model_allow(f, &m, &r);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
			model_change(f, &m, &r, step);
			break;
		case 5:
			model_check(f, &m, (int)rng_below(&r, ENTRIES));
			break;
		default: /* a train */
			for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--)
				model_packet(f, &m, host);
		}
	}
	for (int i = 0; i < ENTRIES; i++) {
		model_check(f, &m, i);
		listed += m.listed[i];
	}
	assert_int_equal(filter_each(f, check_each, &all), 0);
	assert_int_equal(all.count, listed);
	assert_int_equal(filter_each(f, check_each, &going), 0);
	assert_int_equal(going.count, listed);
	assert_int_equal(filter_each(f, count_entry, &left), 0);
	assert_int_equal(left, listed - going.deleted);
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.hosts + stats.prefixes, left);
	filter_close(f, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_dropped_and_counted),
		cmocka_unit_test(prefixes_are_dropped),
		cmocka_unit_test(tags_and_links_without_headers),
		cmocka_unit_test(notes_and_counts_are_kept),
		cmocka_unit_test(the_allow_list_wins),
		cmocka_unit_test(hardware_addresses_are_allowed),
		cmocka_unit_test(what_has_no_room_is_counted),
		cmocka_unit_test(a_limit_lets_its_rate_pass),
		cmocka_unit_test(limits_by_what_comes_to_them),
		cmocka_unit_test(garbage_passes),
		cmocka_unit_test(arp_and_short_frames_pass),
		cmocka_unit_test(nobody_is_not_listed),
		cmocka_unit_test(two_cpus_lose_no_count),
		cmocka_unit_test(random_changes_agree_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
