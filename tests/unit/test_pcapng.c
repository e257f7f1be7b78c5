/* pcapng: blocks of both byte orders, interfaces that differ, clocks of every resolution; what is
 * broken is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"
#include "capture/pcapng.h"
#include "streams.h"

enum { ROOM = 4096 };

/* ---- a capture being written ---- */

static uint8_t bytes[ROOM];
static uint32_t end, begun; /* of the present block */
static bool big;            /* its numbers' byte order */

static void put(uint64_t v, unsigned size)
{
	assert_true(end + size <= ROOM);
	for (unsigned i = 0; i < size; i++)
		bytes[end++] = (uint8_t)(v >> 8 * (big ? size - 1 - i : i));
}

static void patch(uint32_t at, uint32_t v)
{
	uint32_t saved = end;

	end = at;
	put(v, 4);
	end = saved;
}

static void begin(uint32_t type)
{
	begun = end;
	put(type, 4);
	put(0, 4);
}

static void finish(void)
{
	while (end % 4)
		put(0, 1);
	put(end + 4 - begun, 4);
	patch(begun + 4, end - begun);
}

static void section(bool is_big)
{
	big = is_big;
	begin(0x0a0d0d0a);
	put(0x1a2b3c4d, 4);
	put(1, 2);
	put(0, 2);
	put(UINT64_MAX, 8);
	finish();
}

static void new_capture(bool is_big)
{
	end = 0;
	section(is_big);
}

static void interface(uint16_t link, uint32_t snap)
{
	begin(1);
	put(link, 2);
	put(0, 2);
	put(snap, 4);
}

static void option(uint16_t code, uint64_t value, uint16_t size)
{
	put(code, 2);
	put(size, 2);
	put(value, size);
	while (end % 4)
		put(0, 1);
}

static void plain_interface(uint16_t link, uint32_t snap)
{
	interface(link, snap);
	finish();
}

static void packet(uint32_t interface_id, uint64_t ticks, const char *data, uint32_t length)
{
	begin(6);
	put(interface_id, 4);
	put(ticks >> 32, 4);
	put((uint32_t)ticks, 4);
	put(strlen(data), 4);
	put(length, 4);
	for (; *data; data++)
		put((uint8_t)*data, 1);
	finish();
}

/* ---- read back ---- */

static struct pcapng ng;
static struct pcapng_packet got;
static struct stream in;

static void read_begin(uint32_t size)
{
	stream_of_bytes(&in, bytes, size);
	pcapng_open(&ng, &in);
}

static void read_end(void)
{
	pcapng_close(&ng);
	stream_close(&in);
}

static void assert_next(uint32_t interface_id, uint16_t link, const char *data, uint64_t ns)
{
	assert_int_equal(pcapng_next(&ng, &got), 1);
	assert_int_equal(got.interface, interface_id);
	assert_int_equal(got.link, link);
	assert_int_equal(got.caught, strlen(data));
	assert_memory_equal(got.data, data, strlen(data));
	assert_int_equal(got.ns, ns);
}

static void assert_end(void)
{
	assert_int_equal(pcapng_next(&ng, &got), 0);
	read_end();
}

static void assert_broken(const char *why)
{
	assert_int_equal(pcapng_next(&ng, &got), -1);
	assert_non_null(strstr(ng.wrong, why));
	read_end();
}

static void interfaces_may_differ(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		new_capture(order);
		plain_interface(1, 65535);
		packet(0, 5000001, "ethernet", 99);
		interface(101, 96);
		option(2, 'e' << 8 | 't', 2); /* a name */
		option(9, 9, 1);
		option(0, 0, 0);
		finish();
		packet(1, 1700000000123456789, "raw", 3);
		packet(0, 6000000, "", 0);
		read_begin(end);
		assert_next(0, 1, "ethernet", 5000001000);
		assert_int_equal(got.length, 99);
		assert_next(1, 101, "raw", 1700000000123456789);
		assert_next(0, 1, "", 6000000000);
		assert_end();
	}
}

static void clocks_of_every_resolution(void **state)
{
	static const struct {
		uint8_t code;
		uint64_t ticks, ns;
	} cases[] = {
		{0, 7, 7000000000},
		{3, 7001, 7001000000},
		{6, 1, 1000},
		{9, 1, 1},
		{12, 123456, 123},
		{18, 5000000000000000000, 5000000000},
		{0x80, 3, 3000000000},
		{0x80 | 10, 1536, 1500000000},
		{0x80 | 32, 0x280000000, 2500000000},
		{0x80 | 63, 1ull << 62, 500000000},
		{0, UINT64_MAX, UINT64_MAX}, /* beyond what there is room for */
		{20, 1, UINT64_MAX},         /* more ticks a second than can be counted */
		{0xff, 1, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		new_capture(false);
		interface(1, 0);
		option(9, cases[i].code, 1);
		finish();
		packet(0, cases[i].ticks, "x", 1);
		read_begin(end);
		assert_next(0, 1, "x", cases[i].ns);
		assert_end();
	}
	/* Seconds to be added, also negative ones. */
	new_capture(true);
	interface(1, 0);
	option(14, 1700000000, 8);
	finish();
	interface(1, 0);
	option(14, (uint64_t)-5, 8);
	option(9, 0, 1);
	finish();
	packet(0, 250000, "a", 1);
	packet(1, 7, "b", 1);
	packet(1, 3, "c", 1);
	read_begin(end);
	assert_next(0, 1, "a", 1700000000250000000);
	assert_next(1, 1, "b", 2000000000);
	assert_next(1, 1, "c", 0);
	assert_end();
}

static void sections_start_anew(void **state)
{
	(void)state;
	new_capture(false);
	plain_interface(1, 0);
	packet(0, 1, "little", 6);
	section(true);
	plain_interface(113, 0);
	packet(0, 2, "big", 3);
	section(false);
	packet(0, 3, "?", 1); /* no interface yet */
	read_begin(end);
	assert_next(0, 1, "little", 1000);
	assert_next(0, 113, "big", 2000);
	assert_broken("not described");
}

static void other_packet_blocks(void **state)
{
	(void)state;
	new_capture(false);
	plain_interface(1, 4);
	begin(2); /* as pcapng once had them: the interface in 16 bits, then drops */
	put(0, 2);
	put(7, 2);
	put(0, 4);
	put(9, 4);
	put(3, 4);
	put(60, 4);
	put('o' | 'l' << 8 | 'd' << 16, 3);
	finish();
	begin(3); /* simple: of the first interface, cut at its snap length, without a time */
	put(60, 4);
	put('c' | 'u' << 8 | 't' << 16 | '!' << 24, 4);
	put(0, 4);
	finish();
	begin(3);
	put(2, 4);
	put('o' | 'k' << 8, 2);
	finish();
	read_begin(end);
	assert_next(0, 1, "old", 9000);
	assert_int_equal(got.length, 60);
	assert_next(0, 1, "cut!", 0);
	assert_int_equal(got.length, 60);
	assert_next(0, 1, "ok", 0);
	assert_end();
}

static void what_is_not_known_is_skipped(void **state)
{
	(void)state;
	new_capture(false);
	begin(0x80000001);
	put(1, 4);
	finish();
	plain_interface(1, 0);
	begin(5); /* counters */
	finish();
	packet(0, 1, "x", 1);
	begin(4); /* names */
	put(0, 8);
	finish();
	read_begin(end);
	assert_next(0, 1, "x", 1000);
	assert_end();
}

/* An interface's options may be cut, longer than their block, or end early. */
static void options_that_are_wrong(void **state)
{
	(void)state;
	new_capture(false);
	interface(1, 0);
	option(9, 9, 1);
	put(14, 2);
	put(4000, 2);
	finish();
	interface(1, 0);
	option(0, 0, 0);
	option(9, 9, 1); /* behind the end */
	finish();
	packet(0, 1, "x", 1);
	packet(1, 1, "x", 1);
	read_begin(end);
	assert_next(0, 1, "x", 1);
	assert_next(1, 1, "x", 1000);
	assert_end();
}

static void broken_blocks_are_named(void **state)
{
	static const uint32_t lengths[] = {0, 8, 13, 0x7ffffffc};
	uint32_t at;

	(void)state;
	new_capture(false);
	plain_interface(1, 0);
	packet(0, 1, "x", 1);
	at = end;
	packet(0, 2, "y", 1);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		patch(at + 4, lengths[i]);
		read_begin(end);
		assert_next(0, 1, "x", 1000);
		assert_broken("impossible length");
	}
	patch(at + 4, end - at);
	patch(end - 4, 12);
	read_begin(end);
	assert_next(0, 1, "x", 1000);
	assert_broken("lengths differ");
	patch(end - 4, end - at);
	patch(at + 20, 5); /* more than its block has */
	read_begin(end);
	assert_next(0, 1, "x", 1000);
	assert_broken("longer than its block");
	patch(at + 20, UINT32_MAX);
	read_begin(end);
	assert_next(0, 1, "x", 1000);
	assert_broken("longer than its block");
	patch(at + 20, 1);
	patch(at + 8, 1);
	read_begin(end);
	assert_next(0, 1, "x", 1000);
	assert_broken("not described");

	new_capture(false);
	patch(8, 0x12345678);
	read_begin(end);
	assert_broken("byte order");
	new_capture(false);
	patch(12, 2);
	read_begin(end);
	assert_broken("version");
	new_capture(false);
	begin(1);
	put(1, 4);
	finish();
	read_begin(end);
	assert_broken("too short");
	new_capture(false);
	plain_interface(1, 0);
	begin(6);
	put(0, 8);
	finish();
	read_begin(end);
	assert_broken("too short");
}

/* Cut anywhere: the whole packets before it, then the reason; never an access behind the end. */
static void every_cut(void **state)
{
	uint32_t first, last;

	(void)state;
	new_capture(true);
	plain_interface(1, 0);
	first = end;
	packet(0, 1, "one", 3);
	last = end;
	packet(0, 2, "two", 3);
	for (uint32_t cut = 1; cut < end; cut++) {
		int n = 0, result;

		read_begin(cut);
		while ((result = pcapng_next(&ng, &got)) == 1)
			n++;
		assert_int_equal(n, cut >= last);
		assert_int_equal(result, cut == 28 || cut == first || cut == last ? 0 : -1);
		if (result)
			assert_non_null(strstr(ng.wrong, "truncated"));
		read_end();
	}
}

/* ---- through the meter ---- */

static struct {
	struct record record[4];
	int count;
} seen;

static int collect(void *context, const struct record *r)
{
	(void)context;
	assert_true(seen.count < 4);
	seen.record[seen.count++] = *r;
	return 0;
}

/* A UDP packet of eight bytes from a port, behind `link`; in that direction, if not 0. */
static void udp(uint32_t interface_id, uint64_t ticks, const uint8_t *link, uint32_t size,
	uint16_t port, uint32_t direction)
{
	static const uint8_t ip[] = {0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,
		0, 2, 0, 0, 0, 99, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};

	begin(6);
	put(interface_id, 4);
	put(ticks >> 32, 4);
	put((uint32_t)ticks, 4);
	put(size + sizeof(ip), 4);
	put(size + sizeof(ip), 4);
	for (uint32_t i = 0; i < size; i++)
		put(link[i], 1);
	for (uint32_t i = 0; i < sizeof(ip); i++)
		put(i == 20 ? port >> 8 : i == 21 ? port & 255 : ip[i], 1);
	while (end % 4)
		put(0, 1);
	if (direction)
		option(2, direction, 4);
	finish();
}

static int meter(const struct meter_settings *settings, struct meter_stats *stats, struct error *e)
{
	char name[] = "/tmp/karma-pcapng-XXXXXX";
	int fd = mkstemp(name), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, end), end);
	memset(&seen, 0, sizeof(seen));
	memset(stats, 0, sizeof(*stats));
	e->text[0] = '\0';
	err = capture_read(name, settings, collect, NULL, stats, e);
	close(fd);
	unlink(name);
	return err;
}

static void each_interface_is_decoded_as_what_it_is(void **state)
{
	static const uint8_t ethernet[14] = {[12] = 8}, cooked[16] = {[14] = 8};
	struct meter_stats stats;
	struct error e;

	(void)state;
	new_capture(false);
	plain_interface(220, 0); /* USB: understood by nobody here */
	plain_interface(1, 65535);
	interface(113, 96);
	option(9, 9, 1);
	finish();
	plain_interface(101, 0);
	udp(0, 1700000000000000, ethernet, 14, 1, 0);
	udp(1, 1700000000000001, ethernet, 14, 2, 0);
	udp(2, 1700000000000002000, cooked, 16, 3, 0);
	udp(3, 1700000000000003, NULL, 0, 4, 0);
	assert_int_equal(meter(NULL, &stats, &e), 0);
	assert_int_equal(seen.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(seen.record[i].port[SRC], 2 + i);
		assert_int_equal(seen.record[i].ifindex, 2 + i);
		assert_int_equal(seen.record[i].side[SRC].payload, 8);
		assert_int_equal(seen.record[i].first_ns, 1700000000000001000 + 1000 * i);
	}
	assert_int_equal(stats.count[COUNT_PACKETS], 3);
	assert_int_equal(stats.count[LOST_LINK], 1);
}

/* What two interfaces show of one flow counts once, and so does what comes in and goes out. */
static void a_packet_of_two_interfaces_counts_once(void **state)
{
	const struct meter_settings each = {.each_interface = true};
	struct meter_stats stats;
	struct error e;

	(void)state;
	new_capture(false);
	plain_interface(101, 0);
	plain_interface(101, 0);
	udp(0, 1700000000000000, NULL, 0, 1, 0);
	udp(1, 1700000000000001, NULL, 0, 1, 0);
	udp(0, 1700000000000100, NULL, 0, 2, 1);
	udp(0, 1700000000000101, NULL, 0, 2, 2);
	assert_int_equal(meter(NULL, &stats, &e), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.record[0].side[SRC].packets, 1);
	assert_int_equal(seen.record[1].side[SRC].packets, 1);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 2);
	assert_int_equal(meter(&each, &stats, &e), 0);
	assert_int_equal(seen.count, 3);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 1);
}

static void a_capture_without_an_understood_interface(void **state)
{
	struct meter_stats stats;
	struct error e;

	(void)state;
	new_capture(false);
	plain_interface(220, 0);
	assert_int_equal(meter(NULL, &stats, &e), 0); /* nor a packet */
	udp(0, 1, NULL, 0, 1, 0);
	assert_int_equal(meter(NULL, &stats, &e), -EPROTONOSUPPORT);
	assert_non_null(strstr(e.text, "USB_LINUX"));
	assert_int_equal(stats.count[LOST_LINK], 1);
}

static void a_broken_capture_gives_its_whole_packets(void **state)
{
	struct meter_stats stats;
	struct error e;

	(void)state;
	new_capture(false);
	plain_interface(101, 0);
	udp(0, 1, NULL, 0, 1, 0);
	udp(0, 2, NULL, 0, 1, 0);
	end -= 7;
	assert_int_equal(meter(NULL, &stats, &e), -EIO);
	assert_non_null(strstr(e.text, "the packets before it were read"));
	assert_int_equal(seen.count, 1);
	assert_int_equal(stats.count[COUNT_PACKETS], 1);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(interfaces_may_differ),
		cmocka_unit_test(clocks_of_every_resolution),
		cmocka_unit_test(sections_start_anew),
		cmocka_unit_test(other_packet_blocks),
		cmocka_unit_test(what_is_not_known_is_skipped),
		cmocka_unit_test(options_that_are_wrong),
		cmocka_unit_test(broken_blocks_are_named),
		cmocka_unit_test(every_cut),
		cmocka_unit_test(each_interface_is_decoded_as_what_it_is),
		cmocka_unit_test(a_packet_of_two_interfaces_counts_once),
		cmocka_unit_test(a_capture_without_an_understood_interface),
		cmocka_unit_test(a_broken_capture_gives_its_whole_packets),
	};

	return cmocka_run_group_tests_name("pcapng", tests, NULL, NULL);
}
