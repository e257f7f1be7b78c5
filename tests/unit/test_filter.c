/* The block list: what its XDP programs let through and drop, and what the list says of it.
 * test_filter_limit.c has limits, test_filter_model.c holds it against a model. */
#include "filter.h"

#include <pthread.h>
#include <time.h>

#include "util/clock.h"
#include "util/rng.h"

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
		cmocka_unit_test(garbage_passes),
		cmocka_unit_test(arp_and_short_frames_pass),
		cmocka_unit_test(nobody_is_not_listed),
		cmocka_unit_test(two_cpus_lose_no_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
