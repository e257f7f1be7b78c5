/* Limits: what comes to a port faster than it may is dropped, and nothing else. */
#include "filter.h"

#include <time.h>

#include "util/clock.h"

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

/* A flood of SYNs over many ports is limited as one; what belongs to connections is not. */
static void what_opens_connections_is_limited(void **state)
{
	struct filter *f = filter_new();
	struct filter_limit opens = limit_of(NET_IPV4, PROTO_TCP, 0, 1, 5), out,
			    ssh = limit_of(NET_IPV4, PROTO_TCP, 22, 1, 1);
	struct spec syn = {
		.net = NET_IPV4, .proto = PROTO_TCP, .src = 1, .dst = 200, .flags = TCP_SYN};
	struct spec other = syn, udp_too = udp(NET_IPV4, 1);
	uint64_t passed = 0;

	(void)state;
	opens.opens = true;
	assert_int_equal(filter_limit(f, &opens), 0);
	for (uint16_t port = 1; port <= 1000; port++) {
		syn.dport = port;
		passed += flood(f, &syn, 1);
	}
	assert_true(passed >= 5 && passed < 20);
	assert_int_equal(filter_each_limit(f, keep_limit, &out), 0);
	assert_true(out.opens);
	assert_int_equal(out.counts.packets, 1000 - passed);
	syn.flags = TCP_SYN | TCP_ACK;
	assert_int_equal(flood(f, &syn, 1000), 1000);
	syn.flags = TCP_ACK;
	assert_int_equal(flood(f, &syn, 1000), 1000);
	assert_int_equal(flood(f, &udp_too, 1000), 1000);
	other.dst = 201;
	assert_int_equal(flood(f, &other, 1000), 1000);
	/* A port's own limit goes before it, and the two are apart. */
	syn.flags = TCP_SYN;
	syn.dport = 22;
	assert_int_equal(filter_limit(f, &ssh), 0);
	assert_true(flood(f, &syn, 1000) < 10);
	assert_int_equal(filter_unlimit(f, &opens), 0);
	assert_true(flood(f, &syn, 1000) < 10);
	syn.dport = 23;
	assert_int_equal(flood(f, &syn, 1000), 1000);
	filter_close(f, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_lets_its_rate_pass),
		cmocka_unit_test(limits_by_what_comes_to_them),
		cmocka_unit_test(what_opens_connections_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
