/* The packets of alerts: whose, since when, and every bound; by who calls and by a thread; and that
 * nobody waits for a disk that is stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/keeper.h"
#include "util/clock.h"

static const int64_t start = 1700000000LL * 1000000000LL;
static const int64_t second = 1000000000;

static const struct keeper_limits limits = {.recent_bytes = 1 << 20,
	.packet_bytes = 100,
	.file_bytes = 20000,
	.folder_bytes = 100000,
	.files = 1000,
	.open = 4,
	.before_ns = 5000000000LL,
	.queue_bytes = 1 << 20,
	.end_ns = 10000000000LL};

static char folder[64];
static bool live; /* by a thread */

/* A disk that is stuck as long as a test has the lock: libpcap's call waits for it. */
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;

int pcap_dump_flush(pcap_dumper_t *d)
{
	int (*flush)(pcap_dumper_t *);

	*(void **)&flush = dlsym(RTLD_NEXT, "pcap_dump_flush");
	pthread_mutex_lock(&disk);
	pthread_mutex_unlock(&disk);
	return flush(d);
}

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

	if (keeper_open(&k, folder, l, live, &e))
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
	keeper_settle(k);
	read_capture(1); /* whole while it is written */
	assert_int_equal(got.count, 2 * 70);
	keeper_end(k, &a);
	assert_null(keeper_path(k, &a));
	packet(k, 9, 2, start + 20 * second, 60, DLT_EN10MB, 100);
	keeper_settle(k);
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
	keeper_settle(k);
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
		keeper_settle(k);
		assert_true(folder_size(&files) <= limits.folder_bytes);
		usleep(2000); /* so that the files' times tell which is older */
	}
	keeper_settle(k);
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
	keeper_settle(k);
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

/* More than are known at a time: the oldest go until no more than the limit are left, those of an
 * alert that is open among them; what is put there later is seen the next time. */
static void files_are_bounded(void **state)
{
	struct keeper_limits few = limits;
	struct alert a = an_alert(1000, 9, false, start);
	struct keeper_stats s = {0};
	struct keeper *k;
	char path[128];
	unsigned files;

	(void)state;
	few.files = 10;
	for (uint64_t id = 1; id <= 64; id++) {
		const struct timespec at[2] = {
			{(time_t)(id * 7 % 64), 0}, {(time_t)(id * 7 % 64), 0}};
		int fd = open(path_of(id, path), O_WRONLY | O_CREAT, 0600);

		assert_int_equal(futimens(fd, at), 0);
		close(fd);
	}
	k = open_keeper(&few);
	for (a.id = 1000; a.id < 1003; a.id++) {
		keeper_begin(k, &a);
		packet(k, 9, 2, start, 60, DLT_EN10MB, 1);
		keeper_settle(k);
		folder_size(&files);
		assert_int_equal(files, few.files);
		keeper_end(k, &a);
	}
	keeper_settle(k);
	keeper_stats(k, &s);
	keeper_close(k);
	folder_size(&files);
	assert_int_equal(files, few.files);
	assert_int_equal(s.removed, 64 + 3 - 10);
	for (uint64_t id = 1; id <= 64; id++)
		assert_int_equal(unlink(path_of(id, path)) == 0, id * 7 % 64 >= 64 - 7);
	for (uint64_t id = 1000; id < 1003; id++)
		assert_int_equal(unlink(path_of(id, path)), 0);
}

/* Of two hosts in turn, of whom 9 has an alert. The longest that a call took, in ns. */
static uint64_t put_packets(struct keeper *k, unsigned count)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t began_ns = clock_now(CLOCK_MONOTONIC), took;

		packet(k, i % 2 ? 8 : 9, 2, start, 100, DLT_EN10MB, i);
		keeper_flush(k);
		took = clock_now(CLOCK_MONOTONIC) - began_ns;
		longest = took > longest ? took : longest;
	}
	return longest;
}

static void nobody_waits_for_a_stuck_disk(void **state)
{
	struct keeper_limits small = limits;
	struct alert a = an_alert(1, 9, false, start);
	struct keeper_stats s = {0}, stuck = {0};
	struct keeper *k;
	char path[128];

	(void)state;
	small.queue_bytes = 10000;
	k = open_keeper(&small);
	pthread_mutex_lock(&disk);
	keeper_begin(k, &a);
	assert_true(put_packets(k, 200) < (uint64_t)second);
	keeper_stats(k, &stuck);
	assert_in_range(stuck.queue_full, 30, 80); /* of 100; 10,000 bytes have room for 58 */
	assert_int_equal(stuck.packets, 0);
	/* Alerts begin and end all the same, as many at a time as may. */
	keeper_end(k, &a);
	assert_null(keeper_path(k, &a));
	for (a.id = 2; a.id <= 6; a.id++) {
		keeper_begin(k, &a);
		assert_int_equal(keeper_path(k, &a) != NULL, a.id <= 4);
		keeper_end(k, &a);
	}
	pthread_mutex_unlock(&disk);
	keeper_settle(k);
	keeper_stats(k, &s);
	assert_int_equal(s.alerts_without, 2);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.packets + s.queue_full, 4 * 100); /* 2 to 4 had the recent ones, too */
	/* And it goes on as if nothing had been. */
	for (a.id = 7; a.id <= 10; a.id++) {
		keeper_begin(k, &a);
		assert_non_null(keeper_path(k, &a));
		keeper_settle(k);
		keeper_end(k, &a);
	}
	keeper_close(k);
	read_capture(1);
	assert_int_equal(got.count, 100 - stuck.queue_full);
	for (unsigned i = 0; i < got.count; i++)
		assert_int_equal(got.number[i], 2 * i);
	for (uint64_t id = 1; id <= 10; id++)
		unlink(path_of(id, path));
}

static void a_stuck_disk_does_not_hold_up_the_end(void **state)
{
	struct keeper_limits hasty = limits;
	struct alert a = an_alert(1, 9, false, start);
	struct keeper_stats s = {0};
	uint64_t began_ns = clock_now(CLOCK_MONOTONIC);
	struct keeper *k;
	char path[128];

	(void)state;
	hasty.end_ns = second / 10;
	k = open_keeper(&hasty);
	pthread_mutex_lock(&disk);
	keeper_begin(k, &a);
	put_packets(k, 200);
	keeper_settle(k);
	keeper_settle(k);
	keeper_stats(k, &s);
	assert_int_equal(s.queue_full, 100);
	assert_int_equal(s.packets + s.failed, 0);
	packet(k, 9, 2, start, 60, DLT_EN10MB, 1); /* too late */
	keeper_stats(k, &s);
	assert_int_equal(s.queue_full, 101);
	assert_in_range(clock_now(CLOCK_MONOTONIC) - began_ns, second / 10, 5 * second);
	pthread_mutex_unlock(&disk);
	keeper_close(k);
	unlink(path_of(1, path));
}

static void no_folder_is_an_error(void **state)
{
	struct keeper *k = NULL;
	struct error e = {""};

	(void)state;
	assert_true(keeper_open(&k, "/nonexistent/deep", &limits, live, &e) < 0);
	assert_non_null(strstr(e.text, "/nonexistent/deep"));
	assert_null(k);
	assert_true(keeper_open(&k, "/dev/null", &limits, live, &e) < 0);
	assert_non_null(strstr(e.text, "/dev/null"));
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/karma-keeper-%d", (int)getpid());
	return 0;
}

static int use_thread(void **state)
{
	live = true;
	return make_folder(state);
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

#define BOTH_WAYS                                                                                  \
	cmocka_unit_test(another_timeline_has_packets_of_its_own),                                 \
		cmocka_unit_test(packets_before_and_after_are_kept),                               \
		cmocka_unit_test(of_many_attackers_the_targets_packets_are_kept),                  \
		cmocka_unit_test(packets_and_captures_are_bounded),                                \
		cmocka_unit_test(memory_is_bounded), cmocka_unit_test(the_folder_is_bounded),      \
		cmocka_unit_test(files_are_bounded),                                               \
		cmocka_unit_test(too_many_alerts_are_counted),                                     \
		cmocka_unit_test(no_folder_is_an_error)

int main(void)
{
	const struct CMUnitTest patient[] = {BOTH_WAYS};
	const struct CMUnitTest threaded[] = {
		BOTH_WAYS,
		cmocka_unit_test(nobody_waits_for_a_stuck_disk),
		cmocka_unit_test(a_stuck_disk_does_not_hold_up_the_end),
	};
	int failed = cmocka_run_group_tests_name("keeper", patient, make_folder, remove_folder);

	return failed +
	       cmocka_run_group_tests_name("keeper, live", threaded, use_thread, remove_folder);
}
