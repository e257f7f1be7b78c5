/* The packets of alerts: whose, since when, and every bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/keeper.h"

static const int64_t start = 1700000000LL * 1000000000LL;
static const int64_t second = 1000000000;

static const struct keeper_limits limits = {.recent_bytes = 1 << 20,
	.packet_bytes = 100,
	.file_bytes = 20000,
	.folder_bytes = 100000,
	.open = 4,
	.before_ns = 5000000000LL};

static char folder[64];

/* A packet of `length` bytes between two hosts, 10.0.0.x. Its first bytes say which it is. */
static void packet(struct keeper *k, uint8_t from, uint8_t to, int64_t ns, uint32_t length,
	int link, uint32_t number)
{
	uint8_t data[2000] = {0};
	struct caught c = {
		.data = data, .caught = length, .length = length + 7, .link = link, .ns = ns};
	uint8_t addr[16];

	addr_parse("10.0.0.0", addr);
	for (int i = 0; i < 2; i++)
		memcpy(c.addr[i], addr, 16);
	c.addr[0][15] = from;
	c.addr[1][15] = to;
	memcpy(data, &number, sizeof(number));
	data[4] = from;
	data[5] = to;
	keeper_packet(k, &c);
}

static struct alert an_alert(uint64_t id, uint8_t party, bool many, int64_t first_ns)
{
	struct alert a = {.id = id, .first_ns = first_ns, .many = many};

	addr_parse("10.0.0.0", many ? a.target : a.attacker);
	(many ? a.target : a.attacker)[15] = party;
	a.first.start_ns = first_ns;
	return a;
}

static struct keeper *open_keeper(const struct keeper_limits *l)
{
	struct keeper *k = NULL;
	struct error e = {""};

	if (keeper_open(&k, folder, l, &e))
		fail_msg("%s", e.text);
	return k;
}

static const char *path_of(uint64_t id, char path[128])
{
	char text[ALERT_ID_TEXT];

	snprintf(path, 128, "%s/%s.pcap", folder, alert_id_text(id, text));
	return path;
}

static struct {
	unsigned count;
	uint32_t number[4000];
	struct pcap_pkthdr header[4000];
	uint8_t ends[4000][2];
	int link;
} got;

/* The packets of an alert's capture into `got`; it must be whole. */
static void read_capture(uint64_t id)
{
	char path[128], text[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *p = pcap_open_offline_with_tstamp_precision(
		path_of(id, path), PCAP_TSTAMP_PRECISION_NANO, text);
	int more;

	got.count = 0;
	if (!p)
		fail_msg("%s", text);
	got.link = pcap_datalink(p);
	while ((more = pcap_next_ex(p, &h, &data)) == 1) {
		got.header[got.count] = *h;
		memcpy(&got.number[got.count], data, 4);
		memcpy(got.ends[got.count], data + 4, 2);
		got.count++;
	}
	assert_int_equal(more, PCAP_ERROR_BREAK); /* the end, not an error */
	pcap_close(p);
}

static void packets_before_and_after_are_kept(void **state)
{
	struct keeper *k = open_keeper(&limits);
	struct alert a = an_alert(1, 9, false, start);
	struct keeper_stats s = {0};
	char path[128];

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		int64_t at = start + ((int64_t)i - 80) * second / 10;

		if (i == 90) {
			keeper_begin(k, &a);
			assert_string_equal(keeper_path(k, &a), path_of(1, path));
		}
		packet(k, 9, 2, at, 60, DLT_EN10MB, i);
		packet(k, 3, 9, at, 60, DLT_EN10MB, 1000 + i); /* to the attacker */
		packet(k, 3, 2, at, 60, DLT_EN10MB, 2000 + i); /* of others */
	}
	keeper_flush(k);
	read_capture(1); /* whole while it is written */
	assert_int_equal(got.count, 2 * 70);
	keeper_end(k, &a);
	assert_null(keeper_path(k, &a));
	packet(k, 9, 2, start + 20 * second, 60, DLT_EN10MB, 100);
	keeper_stats(k, &s);
	keeper_close(k);
	read_capture(1);
	assert_int_equal(got.count, 2 * 70); /* from 5 s before on */
	assert_int_equal(s.packets, got.count);
	assert_int_equal(s.files, 1);
	assert_int_equal(got.link, DLT_EN10MB);
	for (unsigned i = 0; i < got.count; i++) {
		assert_true(got.ends[i][0] == 9 || got.ends[i][1] == 9);
		assert_int_equal(got.number[i], 30 + i / 2 + (i % 2 ? 1000 : 0));
		assert_int_equal(got.header[i].len, 67);
		assert_int_equal(got.header[i].ts.tv_sec * second + got.header[i].ts.tv_usec,
			start + ((int64_t)got.number[i] % 1000 - 80) * second / 10);
	}
	unlink(path);
}

static void another_timeline_has_packets_of_its_own(void **state)
{
	struct keeper *k = open_keeper(&limits);
	struct alert a = an_alert(7, 9, false, start);
	char path[128];

	(void)state;
	packet(k, 9, 2, start, 60, DLT_EN10MB, 1);
	keeper_reset(k);
	packet(k, 9, 2, start, 60, DLT_EN10MB, 2);
	keeper_begin(k, &a);
	keeper_end(k, &a);
	keeper_close(k);
	read_capture(7);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.number[0], 2);
	unlink(path_of(7, path));
}

static void of_many_attackers_the_targets_packets_are_kept(void **state)
{
	struct keeper *k = open_keeper(&limits);
	struct alert a = an_alert(2, 7, true, start);
	char path[128];

	(void)state;
	for (uint8_t i = 10; i < 110; i++)
		packet(k, i, i % 2 ? 7 : 8, start, 60, DLT_RAW, i);
	keeper_begin(k, &a);
	keeper_close(k);
	read_capture(2);
	assert_int_equal(got.count, 50);
	assert_int_equal(got.link, DLT_RAW);
	unlink(path_of(2, path));
}

static void packets_and_captures_are_bounded(void **state)
{
	struct keeper *k = open_keeper(&limits);
	struct alert a = an_alert(3, 9, false, start);
	struct keeper_stats s = {0};
	char path[128];
	struct stat st;

	(void)state;
	keeper_begin(k, &a);
	for (uint32_t i = 0; i < 1000; i++)
		packet(k, 9, 2, start, 1500, DLT_EN10MB, i);
	packet(k, 9, 2, start, 60, DLT_RAW, 1);
	keeper_stats(k, &s);
	keeper_close(k);
	assert_int_equal(stat(path_of(3, path), &st), 0);
	assert_in_range(st.st_size, 19000, 20000);
	read_capture(3);
	assert_int_equal(got.count + s.no_room, 1000);
	assert_int_equal(s.other_link, 1);
	assert_int_equal(got.header[0].caplen, 100);
	assert_int_equal(got.header[0].len, 1507);
	unlink(path);
}

/* The latest packets that find room, and only they, whatever their sizes. */
static void memory_is_bounded(void **state)
{
	struct keeper_limits small = limits;

	(void)state;
	small.recent_bytes = 5000;
	small.file_bytes = 1 << 20;
	small.folder_bytes = 1 << 23;
	for (uint32_t n = 1; n < 400; n += 7) {
		struct keeper *k = open_keeper(&small);
		struct alert a = an_alert(4, 9, false, start);
		char path[128];

		for (uint32_t i = 0; i < n; i++)
			packet(k, 9, 2, start, 10 + i * 37 % 120, DLT_EN10MB, i);
		keeper_begin(k, &a);
		keeper_close(k);
		read_capture(4);
		assert_in_range(got.count, n < 20 ? n : 20, n < 60 ? n : 60);
		for (unsigned i = 0; i < got.count; i++)
			assert_int_equal(got.number[i], n - got.count + i);
		unlink(path_of(4, path));
	}
}

static uint64_t folder_size(unsigned *files)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	uint64_t sum = 0;
	struct stat st;

	*files = 0;
	while ((e = readdir(d))) {
		if (!strstr(e->d_name, ".pcap") || fstatat(dirfd(d), e->d_name, &st, 0))
			continue;
		sum += (uint64_t)st.st_size;
		++*files;
	}
	closedir(d);
	return sum;
}

static void the_folder_is_bounded(void **state)
{
	struct keeper *k = open_keeper(&limits);
	struct keeper_stats s = {0};
	char foreign[96], path[128];
	unsigned files;
	FILE *f;

	(void)state;
	snprintf(foreign, sizeof(foreign), "%s/%s", folder, "somebody-elses.pcap");
	f = fopen(foreign, "w");
	fputs("not of an alert", f);
	fclose(f);
	for (uint64_t id = 100; id < 130; id++) {
		struct alert a = an_alert(id, 9, false, start);

		keeper_begin(k, &a);
		for (uint32_t i = 0; i < 120; i++)
			packet(k, 9, 2, start, 100, DLT_EN10MB, i);
		keeper_end(k, &a);
		assert_true(folder_size(&files) <= limits.folder_bytes);
		usleep(2000); /* so that the files' times tell which is older */
	}
	keeper_stats(k, &s);
	keeper_close(k);
	assert_int_equal(access(foreign, F_OK), 0);
	folder_size(&files);
	assert_int_equal(files - 1 + s.removed, 30);
	assert_in_range(files - 1, 4, 8);
	assert_int_equal(access(path_of(129, path), F_OK), 0);
	assert_int_not_equal(access(path_of(100, path), F_OK), 0);
	for (uint64_t id = 100; id < 130; id++)
		unlink(path_of(id, path));
	unlink(foreign);
}

static void too_many_alerts_are_counted(void **state)
{
	struct keeper *k = open_keeper(&limits);
	struct keeper_stats s = {0};
	char path[128];

	(void)state;
	for (uint64_t id = 1; id <= 6; id++) {
		struct alert a = an_alert(id, (uint8_t)id, false, start);

		keeper_begin(k, &a);
		assert_int_equal(keeper_path(k, &a) != NULL, id <= 4);
	}
	for (uint8_t i = 1; i <= 6; i++)
		packet(k, i, 200, start, 60, DLT_EN10MB, i);
	for (uint64_t id = 1; id <= 6; id++) {
		struct alert a = an_alert(id, (uint8_t)id, false, start);

		keeper_end(k, &a);
	}
	keeper_stats(k, &s);
	keeper_close(k);
	assert_int_equal(s.alerts_without, 2);
	assert_int_equal(s.packets, 4);
	for (uint64_t id = 1; id <= 4; id++) {
		read_capture(id);
		assert_int_equal(got.count, 1);
		assert_int_equal(got.number[0], id);
		unlink(path_of(id, path));
	}
}

static void no_folder_is_an_error(void **state)
{
	struct keeper *k = NULL;
	struct error e = {""};

	(void)state;
	assert_true(keeper_open(&k, "/nonexistent/deep", &limits, &e) < 0);
	assert_non_null(strstr(e.text, "/nonexistent/deep"));
	assert_null(k);
	assert_true(keeper_open(&k, "/dev/null", &limits, &e) < 0);
	assert_non_null(strstr(e.text, "/dev/null"));
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/karma-keeper-%d", (int)getpid());
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_timeline_has_packets_of_its_own),
		cmocka_unit_test(packets_before_and_after_are_kept),
		cmocka_unit_test(of_many_attackers_the_targets_packets_are_kept),
		cmocka_unit_test(packets_and_captures_are_bounded),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(the_folder_is_bounded),
		cmocka_unit_test(too_many_alerts_are_counted),
		cmocka_unit_test(no_folder_is_an_error),
	};

	return cmocka_run_group_tests_name("keeper", tests, make_folder, remove_folder);
}
