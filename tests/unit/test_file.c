/* Captures: the same packets make the same records whatever the link layer and the format; what is
 * broken is counted or named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/capture.h"

enum { RECORDS = 64, LINK_MAX = 192 };

static struct {
	struct record record[RECORDS];
	unsigned count;
	int stop_after;
} seen;

static struct meter_stats stats;

static int collect(void *context, const struct record *r)
{
	assert_ptr_equal(context, &seen);
	assert_true(seen.count < RECORDS);
	seen.record[seen.count++] = *r;
	return seen.stop_after && (int)seen.count >= seen.stop_after ? -ECANCELED : 0;
}

static int read_with(const char *path, const struct meter_settings *settings, struct error *e)
{
	memset(&seen, 0, sizeof(seen));
	memset(&stats, 0, sizeof(stats));
	e->text[0] = '\0';
	return capture_read(path, settings, collect, &seen, &stats, e);
}

static int read_capture(const char *path, struct error *e)
{
	return read_with(path, NULL, e);
}

/* ---- captures written here ---- */

static char path[] = "/tmp/karma-file-XXXXXX";

static int make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(path);
}

/* An IPv4 UDP packet with 8 bytes of payload. */
enum { UDP_SIZE = 36 };

static void udp_packet(uint8_t *p, uint16_t sport, uint16_t dport)
{
	static const uint8_t head[UDP_SIZE] = {0x45, 0, 0, UDP_SIZE, 0, 0, 0, 0, 64, 17, 0, 0, 10,
		0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 16, 0, 0, 'k', 'a', 'r', 'm', 'a', '0', '1',
		'2'};

	memcpy(p, head, sizeof(head));
	p[20] = (uint8_t)(sport >> 8);
	p[21] = (uint8_t)sport;
	p[22] = (uint8_t)(dport >> 8);
	p[23] = (uint8_t)dport;
}

struct capture {
	pcap_t *pcap;
	pcap_dumper_t *out;
};

static struct capture capture_new(int dlt, u_int precision)
{
	struct capture c;

	c.pcap = pcap_open_dead_with_tstamp_precision(dlt, 65535, precision);
	assert_non_null(c.pcap);
	c.out = pcap_dump_open(c.pcap, path);
	assert_non_null(c.out);
	return c;
}

static void capture_frame(
	struct capture *c, long usec, const uint8_t *data, uint32_t caught, uint32_t length)
{
	struct pcap_pkthdr h = {.caplen = caught, .len = length};

	h.ts.tv_sec = 1700000000;
	h.ts.tv_usec = usec;
	pcap_dump((u_char *)c->out, &h, data);
}

static void capture_done(struct capture *c)
{
	pcap_dump_close(c->out);
	pcap_close(c->pcap);
}

/* Two packets of one flow, each behind the given link header. */
static void write_two(int dlt, const uint8_t *link, uint32_t link_size, u_int precision)
{
	struct capture c = capture_new(dlt, precision);
	uint8_t frame[LINK_MAX + UDP_SIZE];
	long unit = precision == PCAP_TSTAMP_PRECISION_NANO ? 1000 : 1;

	memcpy(frame, link, link_size);
	for (int i = 0; i < 2; i++) {
		udp_packet(frame + link_size, 5000, 53);
		capture_frame(&c, (100 + 50 * i) * unit, frame, link_size + UDP_SIZE,
			link_size + UDP_SIZE);
	}
	capture_done(&c);
}

static void assert_two(void)
{
	const struct record *r = &seen.record[0];
	char text[ADDR_TEXT];

	assert_int_equal(seen.count, 1);
	assert_int_equal(r->event, RECORD_FINAL);
	assert_string_equal(addr_text(r->addr[SRC], text), "10.0.0.1");
	assert_string_equal(addr_text(r->addr[DST], text), "10.0.0.2");
	assert_int_equal(r->port[SRC], 5000);
	assert_int_equal(r->port[DST], 53);
	assert_int_equal(r->proto, 17);
	assert_int_equal(r->side[SRC].packets, 2);
	assert_int_equal(r->side[SRC].bytes, 2 * UDP_SIZE);
	assert_int_equal(r->side[SRC].payload, 16);
	assert_memory_equal(r->side[SRC].data, "karma012karma012", 16);
	assert_int_equal(r->first_ns, 1700000000000100000);
	assert_int_equal(r->last_ns, 1700000000000150000);
	assert_int_equal(stats.count[COUNT_PACKETS], 2);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
}

static void every_link_layer_gives_the_same_record(void **unused)
{
	static const struct {
		int dlt;
		uint32_t size;
		uint8_t link[LINK_MAX];
	} cases[] = {
		{DLT_EN10MB, 14, {[12] = 8}},
		{DLT_EN10MB, 18, {[12] = 0x81, 0, 0, 7, 8}},
		{DLT_EN10MB, 22, {[12] = 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8}},
		{DLT_RAW, 0, {0}},
		{DLT_IPV4, 0, {0}},
		{DLT_NULL, 4, {2}},
		{DLT_NULL, 4, {0, 0, 0, 2}},
		{DLT_LOOP, 4, {0, 0, 0, 2}},
		{DLT_LINUX_SLL, 16, {[14] = 8}},
		{DLT_LINUX_SLL, 20, {[14] = 0x81, 0, 0, 7, 8}},
		{DLT_LINUX_SLL2, 20, {8}},
		{DLT_LINUX_SLL2, 24, {0x81, 0, [20] = 0, 7, 8}},
		{DLT_PPP, 4, {0xff, 3, 0, 0x21}},
		{DLT_PPP, 2, {0, 0x21}},
		{DLT_PPP, 1, {0x21}},
		{DLT_PPP_SERIAL, 4, {0xff, 3, 0, 0x21}},
		{DLT_PPP_SERIAL, 4, {0x0f, 0, 8, 0}},
		{DLT_PPP_PPPD, 4, {1, 3, 0, 0x21}},
		{DLT_PPP_WITH_DIR, 5, {0, 0xff, 3, 0, 0x21}},
		{DLT_PPP_ETHER, 8, {0x11, 0, 0, 1, 0, 38, 0, 0x21}},
		{DLT_C_HDLC, 4, {0x8f, 0, 8, 0}},
		{DLT_MPLS, 8, {0, 1, 0, 64, 0, 2, 1, 64}},
		{DLT_IEEE802_11, 32, {8, 1, [24] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}},
		{DLT_IEEE802_11, 34, {0x88, 2, [26] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}},
		{DLT_IEEE802_11_RADIO, 40,
			{0, 0, 8, 0, 0, 0, 0, 0, 8, 1, [32] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}},
		{DLT_IEEE802_11_RADIO_AVS, 48,
			{0x80, 0x21, 0x10, 1, 0, 0, 0, 16, [16] = 8, 1, [40] = 0xaa, 0xaa, 3, 0, 0,
				0, 8, 0}},
		{DLT_PRISM_HEADER, 48,
			{0x80, 0x21, 0x10, 1, 0, 0, 0, 16, [16] = 8, 1, [40] = 0xaa, 0xaa, 3, 0, 0,
				0, 8, 0}},
		{DLT_PRISM_HEADER, 176,
			{0x44, 0, 0, 0, 144, [144] = 8, 1, [168] = 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}},
		{DLT_PPI, 40,
			{0, 0, 8, 0, DLT_IEEE802_11, 0, 0, 0, 8, 1, [32] = 0xaa, 0xaa, 3, 0, 0, 0,
				8, 0}},
		{DLT_PPI, 22, {0, 0, 8, 0, DLT_EN10MB, 0, 0, 0, [20] = 8, 0}},
	};
	struct error e;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_two(cases[i].dlt, cases[i].link, cases[i].size, PCAP_TSTAMP_PRECISION_MICRO);
		assert_int_equal(read_capture(path, &e), 0);
		assert_two();
	}
}

/* As "tcpdump -i any" on a gateway: in at interface 3, out at 5. */
static void a_packet_seen_on_two_interfaces_is_counted_once(void **unused)
{
	const struct meter_settings each = {.each_interface = true};
	struct capture c = capture_new(DLT_LINUX_SLL2, PCAP_TSTAMP_PRECISION_MICRO);
	uint8_t frame[20 + UDP_SIZE] = {8};
	struct error e;

	(void)unused;
	udp_packet(frame + 20, 5000, 53);
	for (int i = 0; i < 6; i++) {
		frame[7] = i % 2 ? 5 : 3;
		frame[10] = i % 2 ? 4 : 0;
		capture_frame(&c, 100 * i, frame, sizeof(frame), sizeof(frame));
	}
	capture_done(&c);
	assert_int_equal(read_capture(path, &e), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.record[0].side[SRC].packets, 3);
	assert_int_equal(seen.record[0].ifindex, 3);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 3);
	assert_int_equal(read_with(path, &each, &e), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.record[0].side[SRC].packets, 3);
	assert_int_equal(seen.record[1].side[SRC].packets, 3);
	assert_int_equal(seen.record[0].ifindex + seen.record[1].ifindex, 8);
	assert_int_not_equal(seen.record[0].flow_id, seen.record[1].flow_id);
	assert_int_equal(stats.count[COUNT_SEEN_AGAIN], 0);
}

static void more_interfaces_than_places_share_one(void **unused)
{
	const struct meter_settings each = {.each_interface = true};
	struct capture c = capture_new(DLT_LINUX_SLL2, PCAP_TSTAMP_PRECISION_MICRO);
	uint8_t frame[20 + UDP_SIZE] = {8};
	struct error e;

	(void)unused;
	udp_packet(frame + 20, 5000, 53);
	for (int i = 1; i <= 40; i++) {
		frame[7] = (uint8_t)i;
		capture_frame(&c, 100 * i, frame, sizeof(frame), sizeof(frame));
	}
	capture_done(&c);
	assert_int_equal(read_with(path, &each, &e), 0);
	assert_int_equal(stats.count[COUNT_FLOWS], FLOW_PLACES);
	assert_int_equal(stats.count[COUNT_PACKETS] + stats.count[COUNT_SEEN_AGAIN], 40);
}

static void nanoseconds_are_kept(void **unused)
{
	struct capture c = capture_new(DLT_RAW, PCAP_TSTAMP_PRECISION_NANO);
	uint8_t packet[UDP_SIZE];
	struct error e;

	(void)unused;
	udp_packet(packet, 5000, 53);
	capture_frame(&c, 100001, packet, UDP_SIZE, UDP_SIZE);
	capture_frame(&c, 100009, packet, UDP_SIZE, UDP_SIZE);
	capture_done(&c);
	assert_int_equal(read_capture(path, &e), 0);
	assert_int_equal(seen.record[0].last_ns - seen.record[0].first_ns, 8);
	write_two(DLT_RAW, packet, 0, PCAP_TSTAMP_PRECISION_NANO);
	assert_int_equal(read_capture(path, &e), 0);
	assert_two();
}

static void standard_input_is_a_file(void **unused)
{
	int saved = dup(STDIN_FILENO);
	struct error e;

	(void)unused;
	write_two(DLT_RAW, (const uint8_t *)"", 0, PCAP_TSTAMP_PRECISION_MICRO);
	assert_non_null(freopen(path, "rb", stdin));
	assert_int_equal(read_capture("-", &e), 0);
	assert_two();
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void bad_packets_are_counted_by_cause(void **unused)
{
	struct capture c = capture_new(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO);
	uint8_t packet[UDP_SIZE];
	struct error e;

	(void)unused;
	udp_packet(packet, 5000, 53);
	capture_frame(&c, 0, packet, UDP_SIZE, UDP_SIZE);
	capture_frame(&c, 1, packet, 30, UDP_SIZE); /* snapped behind its headers: metered */
	capture_frame(&c, 2, packet, 24, UDP_SIZE); /* in its headers */
	packet[0] = 0x55;
	capture_frame(&c, 3, packet, UDP_SIZE, UDP_SIZE);
	packet[0] = 0x45;
	packet[3] = UDP_SIZE + 1; /* says more than there is */
	capture_frame(&c, 4, packet, UDP_SIZE, UDP_SIZE);
	capture_done(&c);
	assert_int_equal(read_capture(path, &e), 0);
	assert_int_equal(stats.count[COUNT_PACKETS], 2);
	assert_int_equal(seen.record[0].side[SRC].bytes, 2 * UDP_SIZE);
	assert_int_equal(stats.count[LOST_TRUNCATED], 1);
	assert_int_equal(stats.count[LOST_BAD_VERSION], 1);
	assert_int_equal(stats.count[LOST_BAD_LENGTH], 1);
}

static void a_truncated_capture_gives_its_whole_packets(void **unused)
{
	static const uint8_t link[LINK_MAX] = {[12] = 8};
	struct error e;

	(void)unused;
	write_two(DLT_EN10MB, link, 14, PCAP_TSTAMP_PRECISION_MICRO);
	assert_int_equal(truncate(path, 24 + 16 + 50 + 16 + 20), 0);
	assert_int_equal(read_capture(path, &e), -EIO);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "the packets before it were read"));
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.record[0].side[SRC].packets, 1);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
}

static void what_is_no_capture_is_said(void **unused)
{
	struct capture c = capture_new(DLT_USB_LINUX, PCAP_TSTAMP_PRECISION_MICRO);
	struct error e;
	FILE *f;

	(void)unused;
	capture_done(&c);
	assert_int_equal(read_capture(path, &e), -EPROTONOSUPPORT);
	assert_non_null(strstr(e.text, "USB_LINUX"));
	assert_non_null(strstr(e.text, "Ethernet"));

	f = fopen(path, "w");
	assert_non_null(f);
	fputs("this is not a capture, it is a text", f);
	fclose(f);
	assert_true(read_capture(path, &e) < 0);
	assert_non_null(strstr(e.text, path));

	assert_int_equal(truncate(path, 0), 0);
	assert_true(read_capture(path, &e) < 0);
	assert_true(read_capture("/nowhere/there.pcap", &e) < 0);
	assert_non_null(strstr(e.text, "/nowhere/there.pcap"));
	assert_int_equal(seen.count, 0);
}

/* A DNS message between ports 5000 and 53. */
static void dns_packet(uint8_t packet[40], uint16_t id, bool answer, uint8_t questions)
{
	static const uint8_t swapped[8] = {10, 0, 0, 2, 10, 0, 0, 1};

	memset(packet, 0, 40);
	udp_packet(packet, answer ? 53 : 5000, answer ? 5000 : 53);
	if (answer)
		memcpy(packet + 12, swapped, 8);
	packet[3] = 40;
	packet[25] = 20;
	memset(packet + 28, 0, 12);
	packet[28] = (uint8_t)(id >> 8);
	packet[29] = (uint8_t)id;
	packet[30] = answer ? 0x81 : 1;
	packet[33] = questions;
}

static void a_dns_question_and_its_answer_are_a_flow(void **unused)
{
	static const struct {
		uint16_t id;
		bool answer;
	} order[] = {{7, false}, {8, false}, {7, true}, {8, true}};
	struct capture c = capture_new(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO);
	uint8_t packet[40];
	struct error e;

	(void)unused;
	for (int i = 0; i < 4; i++) {
		dns_packet(packet, order[i].id, order[i].answer, 1);
		capture_frame(&c, i, packet, 40, 40);
	}
	/* no questions in it: other traffic on the port, one flow */
	for (int i = 4; i < 8; i++) {
		dns_packet(packet, (uint16_t)(i * 1000), false, 0);
		capture_frame(&c, i, packet, 40, 40);
	}
	capture_done(&c);
	assert_int_equal(read_capture(path, &e), 0);
	assert_int_equal(stats.count[COUNT_FLOWS], 3);
	assert_int_equal(seen.record[0].state, STATE_CON);
	assert_int_equal(seen.record[1].state, STATE_CON);
	assert_int_not_equal(seen.record[0].flow_id, seen.record[1].flow_id);
	assert_int_equal(seen.record[2].side[SRC].packets, 4);
}

static void the_epoch_is_a_time_too(void **unused)
{
	struct capture c = capture_new(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO);
	struct pcap_pkthdr h = {.caplen = UDP_SIZE, .len = UDP_SIZE};
	uint8_t packet[UDP_SIZE];
	struct error e;

	(void)unused;
	udp_packet(packet, 5000, 53);
	pcap_dump((u_char *)c.out, &h, packet);
	h.ts.tv_sec = 2;
	pcap_dump((u_char *)c.out, &h, packet);
	capture_done(&c);
	assert_int_equal(read_capture(path, &e), 0);
	assert_int_equal(seen.record[seen.count - 1].side[SRC].packets, 2);
	assert_int_equal(seen.record[seen.count - 1].last_ns, 2000000000);
}

static void the_sink_ends_the_reading(void **unused)
{
	struct capture c = capture_new(DLT_RAW, PCAP_TSTAMP_PRECISION_MICRO);
	uint8_t packet[UDP_SIZE];
	struct error e;

	(void)unused;
	for (uint16_t port = 1; port < 10; port++) {
		udp_packet(packet, port, 53);
		capture_frame(&c, port, packet, UDP_SIZE, UDP_SIZE);
	}
	capture_done(&c);
	memset(&seen, 0, sizeof(seen));
	seen.stop_after = 3;
	assert_int_equal(capture_read(path, NULL, collect, &seen, &stats, &e), -ECANCELED);
	assert_int_equal(seen.count, 3);
}

/* ---- every frame is metered, or lost by a cause ---- */

static int drop(void *context, const struct record *r)
{
	(void)context;
	(void)r;
	return 0;
}

/* How many whole frames libpcap finds; -1: it does not read this capture, or refuses an interface
 * of it. */
static int64_t count_frames(const char *name, int *dlt)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(name, why);
	struct pcap_pkthdr *h;
	const u_char *data;
	int64_t frames = 0;
	int got;

	if (!pcap)
		return -1;
	*dlt = pcap_datalink(pcap);
	while ((got = pcap_next_ex(pcap, &h, &data)) == 1)
		frames++;
	if (got == PCAP_ERROR && strstr(name, ".pcapng"))
		frames = -1;
	pcap_close(pcap);
	return frames;
}

static int captures;

static int account(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	struct error e = {""};
	int64_t frames, sum = 0;
	int dlt = -1;

	(void)st;
	(void)ftw;
	if (type != FTW_F || !strstr(name, ".pcap"))
		return 0;
	frames = count_frames(name, &dlt);
	memset(&stats, 0, sizeof(stats));
	capture_read(name, NULL, drop, NULL, &stats, &e);
	for (int c = LOST_MAP_FULL; c < METER_COUNTERS; c++)
		if (c != LOST_TIME && c != LOST_RING_FULL) /* metered all the same */
			sum += (int64_t)stats.count[c];
	sum += (int64_t)(stats.count[COUNT_PACKETS] + stats.count[COUNT_SEEN_AGAIN]);
	if (dlt == DLT_IEEE802_11_RADIO) /* a frame may hold several packets */
		assert_true(sum >= frames);
	else if (frames >= 0 && sum != frames)
		fail_msg("%s: %lld frames, %lld accounted for", name, (long long)frames,
			(long long)sum);
	assert_int_equal(stats.count[COUNT_OPEN], 0);
	captures++;
	return 0;
}

static void every_frame_is_accounted_for(void **unused)
{
	const char *shared = getenv("KARMA_SHARED");
	char corpus[4096];

	(void)unused;
	nftw("tests/captures", account, 16, 0);
	assert_true(captures > 10);
	snprintf(corpus, sizeof(corpus), "%s/corpus/malformed", shared ? shared : "../shared");
	if (access(corpus, R_OK) == 0)
		nftw(corpus, account, 16, 0);
	else
		print_message("skipped: no corpus of malformed captures at %s\n", corpus);
	print_message("%d captures\n", captures);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_link_layer_gives_the_same_record),
		cmocka_unit_test(a_packet_seen_on_two_interfaces_is_counted_once),
		cmocka_unit_test(more_interfaces_than_places_share_one),
		cmocka_unit_test(nanoseconds_are_kept),
		cmocka_unit_test(standard_input_is_a_file),
		cmocka_unit_test(bad_packets_are_counted_by_cause),
		cmocka_unit_test(a_truncated_capture_gives_its_whole_packets),
		cmocka_unit_test(what_is_no_capture_is_said),
		cmocka_unit_test(a_dns_question_and_its_answer_are_a_flow),
		cmocka_unit_test(the_epoch_is_a_time_too),
		cmocka_unit_test(every_frame_is_accounted_for),
		cmocka_unit_test(the_sink_ends_the_reading),
	};

	return cmocka_run_group_tests_name("file", tests, make_path, remove_path);
}
