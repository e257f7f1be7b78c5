/* pcap: both byte orders, both units of time, old and odd headers; what is broken is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "capture/pcapfile.h"
#include "streams.h"

enum { HEADER = 24, MICRO = (int)0xa1b2c3d4, NANO = (int)0xa1b23c4d };

static uint8_t bytes[4096];
static size_t end;
static bool big; /* its numbers' byte order */

static struct stream in;
static struct pcapfile file;
static struct pcap_packet got;

/* ---- a capture being written ---- */

static void put(uint64_t v, unsigned size)
{
	assert_true(end + size <= sizeof(bytes));
	for (unsigned i = 0; i < size; i++)
		bytes[end++] = (uint8_t)(v >> 8 * (big ? size - 1 - i : i));
}

static void header(bool is_big, uint32_t magic, uint32_t version, uint32_t snap, uint32_t link)
{
	big = is_big;
	end = 0;
	put(magic, 4);
	put(version >> 16, 2);
	put(version & 0xffff, 2);
	put(0, 8);
	put(snap, 4);
	put(link, 4);
}

static void packet(
	uint32_t second, uint32_t part, const char *data, uint32_t caught, uint32_t length)
{
	put(second, 4);
	put(part, 4);
	put(caught, 4);
	put(length, 4);
	for (; *data; data++)
		put((uint8_t)*data, 1);
}

/* ---- read back ---- */

static void assert_open(size_t size)
{
	stream_of_bytes(&in, bytes, size);
	assert_true(pcapfile_open(&file, &in));
}

static void assert_refused(size_t size, const char *why)
{
	stream_of_bytes(&in, bytes, size);
	assert_false(pcapfile_open(&file, &in));
	assert_non_null(strstr(file.wrong, why));
	stream_close(&in);
}

static void assert_next(uint64_t ns, const char *data, uint32_t length)
{
	assert_int_equal(pcapfile_next(&file, &got), 1);
	assert_int_equal(got.ns, ns);
	assert_int_equal(got.caught, strlen(data));
	assert_int_equal(got.length, length);
	assert_memory_equal(got.data, data, strlen(data));
}

static void assert_end(void)
{
	assert_int_equal(pcapfile_next(&file, &got), 0);
	stream_close(&in);
}

static void assert_broken(const char *why)
{
	assert_int_equal(pcapfile_next(&file, &got), -1);
	assert_non_null(strstr(file.wrong, why));
	stream_close(&in);
}

static void byte_orders_and_units(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		header(order, (uint32_t)MICRO, 0x20004, 65535, 1);
		packet(7, 500000, "half", 4, 99);
		packet(0xffffffff, 999999, "late", 4, 4);
		assert_open(end);
		assert_int_equal(file.link, 1);
		assert_next(7500000000, "half", 99);
		assert_next(4294967295999999000, "late", 4);
		assert_end();

		header(order, (uint32_t)NANO, 0x20004, 65535, 101);
		packet(7, 999999999, "", 0, 0);
		assert_open(end);
		assert_int_equal(file.link, 101);
		assert_next(7999999999, "", 0);
		assert_end();
	}
}

static void what_is_no_time(void **state)
{
	(void)state;
	header(false, (uint32_t)MICRO, 0x20004, 65535, 1);
	packet(7, 1000000, "x", 1, 1);
	assert_open(end);
	assert_next(UINT64_MAX, "x", 1);
	assert_end();
}

/* Above the link type: how long a checksum stands behind each frame. */
static void odd_headers(void **state)
{
	(void)state;
	header(false, (uint32_t)MICRO, 0x20004, 3, 0x14000001);
	packet(1, 0, "longer", 6, 60);
	packet(2, 0, "y", 1, 60);
	assert_open(end);
	assert_int_equal(file.link, 1);
	assert_next(1000000000, "lon", 60);
	assert_next(2000000000, "y", 60);
	assert_end();

	header(false, (uint32_t)MICRO, 0x20004, 0, 1); /* no limit */
	packet(1, 0, "longer", 6, 60);
	assert_open(end);
	assert_next(1000000000, "longer", 60);
	assert_end();

	header(false, (uint32_t)MICRO, 0x20003, 65535, 1); /* lengths in either order */
	packet(1, 0, "xyz", 60, 3);
	packet(2, 0, "xyz", 3, 60);
	assert_open(end);
	assert_next(1000000000, "xyz", 60);
	assert_next(2000000000, "xyz", 60);
	assert_end();
}

static void what_is_none(void **state)
{
	(void)state;
	header(false, 0xdeadbeef, 0x20004, 65535, 1);
	assert_refused(end, "unknown file format");
	header(false, (uint32_t)MICRO, 0x30000, 65535, 1);
	assert_refused(end, "version");
	for (size_t size = 0; size < HEADER; size++)
		assert_refused(size, "no header");
}

static void impossible_lengths(void **state)
{
	(void)state;
	header(false, (uint32_t)MICRO, 0x20004, 65535, 1);
	packet(1, 0, "x", 1, 1);
	packet(2, 0, "x", PCAP_PACKET_MAX + 1, 1);
	assert_open(end);
	assert_next(1000000000, "x", 1);
	assert_broken("impossible length");
}

static void every_cut(void **state)
{
	size_t second, last;

	(void)state;
	header(true, (uint32_t)MICRO, 0x20004, 65535, 1);
	second = end;
	packet(1, 0, "one", 3, 3);
	last = end;
	packet(2, 0, "two", 3, 3);
	for (size_t cut = HEADER; cut < end; cut++) {
		assert_open(cut);
		if (cut >= last)
			assert_next(1000000000, "one", 3);
		if (cut == second || cut == last)
			assert_end();
		else
			assert_broken("truncated");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_orders_and_units),
		cmocka_unit_test(what_is_no_time),
		cmocka_unit_test(odd_headers),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(impossible_lengths),
		cmocka_unit_test(every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
