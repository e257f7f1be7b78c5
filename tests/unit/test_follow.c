/* Captures that are still being written: whatever has come is metered at once, however it was cut;
 * the clock goes on while nothing comes; stopping is a good end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"

/* ---- a capture in memory: five packets of five flows ---- */

enum { HEAD = 24, PACKET = 16 + 36, PACKETS = 5, SIZE = HEAD + PACKETS * PACKET };

static const uint64_t start_ns = 1700000000000000000;

static uint8_t bytes[SIZE];

static int make_capture(void **state)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 101};
	static const uint8_t ip[36] = {0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0,
		0, 2, 0, 0, 0, 99, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	memcpy(bytes, head, HEAD);
	for (uint32_t i = 0; i < PACKETS; i++) {
		const uint32_t packet[4] = {1700000000, 1000 * i, sizeof(ip), sizeof(ip)};
		uint8_t *at = bytes + HEAD + i * PACKET;

		memcpy(at, packet, sizeof(packet));
		memcpy(at + sizeof(packet), ip, sizeof(ip));
		at[16 + 21] = (uint8_t)(1 + i);
	}
	return 0;
}

/* ---- who writes it: the reader's own waiting ---- */

static struct {
	int fd;
	unsigned written, piece; /* bytes; how many at a time */
	unsigned stop_at;        /* written: then stop */
	unsigned shrink_at;
	unsigned waits;
	int64_t now_ns; /* as of the last waiting */
	int records, looks;
	int64_t look_ns;
	int sink_returns;
} w;

static volatile sig_atomic_t stop;
static struct meter_stats stats;

static int collect(void *context, const struct record *r)
{
	assert_ptr_equal(context, &w);
	w.records++;
	if (r->event == RECORD_LOOK) {
		w.looks++;
		w.look_ns = r->at_ns;
	}
	return w.sink_returns;
}

static void put_piece(void)
{
	unsigned n = w.piece < SIZE - w.written ? w.piece : SIZE - w.written;

	assert_int_equal(write(w.fd, bytes + w.written, n), n);
	w.written += n;
}

static void waiting(void *context, int64_t now_ns)
{
	unsigned whole = w.written > HEAD ? (w.written - HEAD) / PACKET : 0;

	assert_ptr_equal(context, &w);
	assert_true(now_ns >= w.now_ns);
	w.now_ns = now_ns;
	w.waits++;
	/* Nothing that has come is held back. */
	assert_int_equal(stats.count[COUNT_PACKETS], whole);
	if (w.shrink_at && w.written >= w.shrink_at) {
		assert_int_equal(ftruncate(w.fd, 10), 0);
		return;
	}
	if (w.stop_at && w.written >= w.stop_at) {
		stop = 1;
		return;
	}
	if (w.written < SIZE)
		put_piece();
}

static int read_it(const char *path, bool follow, struct error *e)
{
	const struct meter_settings settings = {
		.flows = 16, .follow = follow, .stop = &stop, .waiting = waiting};

	memset(&stats, 0, sizeof(stats));
	stop = 0;
	e->text[0] = '\0';
	return capture_read(path, &settings, collect, &w, &stats, e);
}

static int read_file(bool follow, struct error *e)
{
	char path[] = "/tmp/karma-follow-XXXXXX";
	int err;

	w.fd = mkstemp(path);
	assert_true(w.fd >= 0);
	err = read_it(path, follow, e);
	close(w.fd);
	unlink(path);
	return err;
}

static void a_pipe_is_metered_as_it_comes(void **state)
{
	(void)state;
	for (unsigned piece = 1; piece <= SIZE; piece += piece < 3 ? 1 : 20) {
		char path[32];
		struct error e;
		int end[2];

		assert_int_equal(pipe(end), 0);
		memset(&w, 0, sizeof(w));
		w.fd = end[1];
		w.piece = piece;
		w.stop_at = SIZE;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", end[0]);
		assert_int_equal(read_it(path, true, &e), 0);
		assert_int_equal(w.records, PACKETS);
		assert_int_equal(stats.count[COUNT_PACKETS], PACKETS);
		assert_true(w.waits >= SIZE / piece);
		close(end[0]);
		close(end[1]);
	}
}

static void a_pipe_ends_with_its_writer(void **state)
{
	char path[32];
	struct error e;
	int end[2], reader;

	(void)state;
	for (int follow = 0; follow < 2; follow++) {
		assert_int_equal(pipe(end), 0);
		assert_int_equal(write(end[1], bytes, SIZE), SIZE);
		memset(&w, 0, sizeof(w));
		w.written = SIZE;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", end[0]);
		reader = open(path, O_RDONLY);
		close(end[1]);
		assert_int_equal(read_it(path, follow, &e), 0);
		assert_int_equal(w.records, PACKETS);
		close(reader);
		close(end[0]);
	}
}

static void a_file_is_read_as_it_grows(void **state)
{
	struct error e;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.piece = SIZE / 4 + 5;
	w.stop_at = SIZE;
	assert_int_equal(read_file(true, &e), 0);
	assert_int_equal(w.records, PACKETS);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	assert_true(w.waits >= 4);
}

static void stopping_is_a_good_end_of_what_is_followed(void **state)
{
	static const unsigned at[] = {1, HEAD - 3, HEAD + PACKET + 9};
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		memset(&w, 0, sizeof(w));
		w.piece = w.stop_at = at[i];
		assert_int_equal(read_file(true, &e), 0);
		assert_string_equal(e.text, "");
		assert_int_equal(w.records, at[i] > HEAD);
		assert_int_equal(stats.count[COUNT_OPEN], 0);
	}
}

static void stopping_ends_what_is_not_followed(void **state)
{
	char path[32];
	struct error e;
	int end[2];

	(void)state;
	assert_int_equal(pipe(end), 0);
	memset(&w, 0, sizeof(w));
	w.fd = end[1];
	w.piece = w.stop_at = HEAD + PACKET;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", end[0]);
	assert_int_equal(read_it(path, false, &e), -EINTR);
	assert_int_equal(w.records, 0);
	assert_int_equal(w.now_ns, start_ns); /* the capture's own clock */
	close(end[0]);
	close(end[1]);
}

/* A flow is looked at a second after its first packet, packets or not. */
static void the_clock_goes_on_while_nothing_comes(void **state)
{
	struct error e;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.piece = HEAD + PACKET;
	w.sink_returns = -ECANCELED;
	assert_int_equal(read_file(true, &e), -ECANCELED);
	assert_int_equal(w.looks, 1);
	assert_in_range(w.look_ns - (int64_t)start_ns, 1000000000, 3000000000);
}

static void a_followed_file_may_not_shrink(void **state)
{
	struct error e;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.piece = w.shrink_at = HEAD + 2 * PACKET;
	assert_int_equal(read_file(true, &e), -EIO);
	assert_non_null(strstr(e.text, "shorter"));
	assert_int_equal(w.records, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_is_metered_as_it_comes),
		cmocka_unit_test(a_pipe_ends_with_its_writer),
		cmocka_unit_test(a_file_is_read_as_it_grows),
		cmocka_unit_test(stopping_is_a_good_end_of_what_is_followed),
		cmocka_unit_test(stopping_ends_what_is_not_followed),
		cmocka_unit_test(the_clock_goes_on_while_nothing_comes),
		cmocka_unit_test(a_followed_file_may_not_shrink),
	};

	return cmocka_run_group_tests_name("follow", tests, make_capture, NULL);
}
