/* EVE JSON: the fields of design and of Suricata, their types, and the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output/eve.h"

static const int64_t start = 1700000000123456789LL; /* 2023-11-14T22:13:20.123456 UTC */

static struct alert an_alert(void)
{
	struct alert a = {.id = 7,
		.first_ns = start - 5000000000LL,
		.last_ns = start,
		.class = CLASS_RECONNAISSANCE,
		.confidence = 0.97F,
		.flows = 994,
		.attackers = 1,
		.targets = 1,
		.ports = 990,
		.reasons = 2,
		.app = "ssh",
		.reason = {"994 connections refused in 10 s", "990 ports tried \"in\" 10 s"},
		.actor = SRC};

	a.first = (struct alert_flow){.flow_id = 11,
		.start_ns = start - 5000000000LL,
		.port = {39999, 21},
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.state = STATE_RST,
		.class = CLASS_RECONNAISSANCE};
	addr_parse("10.0.0.9", a.first.addr[SRC]);
	addr_parse("10.0.0.2", a.first.addr[DST]);
	a.last = a.first;
	a.last.flow_id = 1234567890123;
	a.probability[CLASS_RECONNAISSANCE] = 0.97F;
	a.probability[CLASS_NORMAL] = 0.03F;
	a.record = (struct record){.flow_id = 1234567890123,
		.port = {40000, 22},
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.start_ns = start,
		.at_ns = start};
	addr_parse("10.0.0.9", a.record.addr[SRC]);
	addr_parse("10.0.0.2", a.record.addr[DST]);
	memcpy(a.attacker, a.record.addr[SRC], 16);
	memcpy(a.target, a.record.addr[DST], 16);
	a.record.side[SRC].packets = 2;
	a.record.side[SRC].bytes = 100;
	a.record.side[DST].packets = 1;
	a.record.side[DST].bytes = 40;
	return a;
}

static const char *text_at(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	assert_true(json_is_string(v));
	return json_string_value(v);
}

static long long number_at(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	assert_true(json_is_integer(v));
	return json_integer_value(v);
}

static void an_alert_has_suricatas_fields(void **state)
{
	struct alert a = an_alert();
	struct origin from = {.interface = "eth0"};
	json_t *e = eve_alert_json(&a, ALERT_NEW, &from), *alert, *meta, *karma, *flow;

	(void)state;
	assert_string_equal(text_at(e, "event_type"), "alert");
	assert_string_equal(text_at(e, "timestamp"), "2023-11-14T22:13:20.123456+0000");
	assert_int_equal(number_at(e, "flow_id"), 1234567890123);
	assert_string_equal(text_at(e, "in_iface"), "eth0");
	assert_string_equal(text_at(e, "src_ip"), "10.0.0.9");
	assert_int_equal(number_at(e, "src_port"), 40000);
	assert_string_equal(text_at(e, "dest_ip"), "10.0.0.2");
	assert_int_equal(number_at(e, "dest_port"), 22);
	assert_string_equal(text_at(e, "proto"), "TCP");
	assert_string_equal(text_at(e, "app_proto"), "ssh");
	assert_int_equal(strncmp(text_at(e, "community_id"), "1:", 2), 0);
	alert = json_object_get(e, "alert");
	assert_string_equal(text_at(alert, "action"), "allowed");
	assert_int_equal(number_at(alert, "signature_id"), EVE_SIGNATURES + CLASS_RECONNAISSANCE);
	assert_int_equal(number_at(alert, "gid"), 1);
	assert_string_equal(text_at(alert, "category"), "Reconnaissance");
	assert_int_equal(number_at(alert, "severity"), 3);
	assert_non_null(strstr(text_at(alert, "signature"), "Reconnaissance"));
	meta = json_object_get(alert, "metadata");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(meta, "mitre_technique_id"), 0)),
		"T1046");
	assert_int_equal(json_array_size(json_object_get(meta, "mitre_technique_id")), 1);
	assert_int_equal(json_array_size(json_object_get(meta, "reasons")), 2);
	assert_float_equal(json_real_value(json_object_get(
				   json_object_get(meta, "class_probabilities"), "Reconnaissance")),
		0.97, 1e-9);
	flow = json_object_get(e, "flow");
	assert_int_equal(number_at(flow, "pkts_toserver"), 2);
	assert_int_equal(number_at(flow, "bytes_toclient"), 40);
	karma = json_object_get(e, "karma");
	assert_string_equal(text_at(karma, "stage"), "new");
	assert_int_equal(number_at(karma, "flows"), 994);
	assert_string_equal(text_at(karma, "alert_id"), "00000007");
	flow = json_object_get(karma, "first_flow");
	assert_int_equal(number_at(flow, "flow_id"), 11);
	assert_string_equal(text_at(flow, "src_ip"), "10.0.0.9");
	assert_int_equal(number_at(flow, "src_port"), 39999);
	assert_string_equal(text_at(flow, "dest_ip"), "10.0.0.2");
	assert_int_equal(number_at(flow, "dest_port"), 21);
	assert_string_equal(text_at(flow, "proto"), "TCP");
	assert_string_equal(text_at(flow, "start"), "2023-11-14T22:13:15.123456+0000");
	assert_string_equal(text_at(flow, "state"), "RST");
	assert_string_equal(text_at(flow, "category"), "Reconnaissance");
	assert_int_equal(number_at(json_object_get(karma, "last_flow"), "flow_id"), 1234567890123);
	json_decref(e);
}

static void an_unknown_attacker_is_left_out(void **state)
{
	struct alert a = an_alert();
	json_t *e;

	(void)state;
	a.many = true;
	a.app = NULL;
	a.attackers = 10000;
	memset(a.attacker, 0, 16);
	e = eve_alert_json(&a, ALERT_UPDATE, NULL);
	assert_null(json_object_get(e, "src_ip"));
	assert_null(json_object_get(e, "src_port"));
	assert_null(json_object_get(e, "app_proto"));
	assert_string_equal(text_at(e, "dest_ip"), "10.0.0.2");
	assert_int_equal(number_at(json_object_get(e, "karma"), "attackers"), 10000);
	assert_null(json_object_get(e, "in_iface"));
	json_decref(e);
}

/* An ICMP error is sent to the attacker: still it is the source of the event. */
static void the_attacker_is_the_source(void **state)
{
	struct alert a = an_alert();
	json_t *e;

	(void)state;
	addr_parse("2001:db8::2", a.record.addr[SRC]);
	addr_parse("2001:db8::9", a.record.addr[DST]);
	memcpy(a.attacker, a.record.addr[DST], 16);
	a.actor = DST;
	a.record.net = NET_IPV6;
	a.record.proto = IPPROTO_ICMPV6;
	a.record.icmp_type = 1;
	a.record.icmp_code = 4;
	e = eve_alert_json(&a, ALERT_END, NULL);
	assert_string_equal(text_at(e, "src_ip"), "2001:db8::9");
	assert_string_equal(text_at(e, "dest_ip"), "2001:db8::2");
	assert_string_equal(text_at(e, "proto"), "IPv6-ICMP");
	assert_int_equal(number_at(e, "icmp_type"), 1);
	assert_int_equal(number_at(e, "icmp_code"), 4);
	assert_null(json_object_get(e, "dest_port"));
	assert_int_equal(number_at(json_object_get(e, "flow"), "pkts_toserver"), 1);
	json_decref(e);
}

static void statistics_have_every_counter(void **state)
{
	struct summary s = {.seconds = 12.5, .now_ns = start};
	json_t *e, *stats, *lost, *counted;

	(void)state;
	for (int c = 0; c < METER_COUNTERS; c++)
		s.meter.count[c] = (uint64_t)c + 100;
	s.judge.judged = 42;
	s.judge.events_forgotten = 7;
	s.judge.hosts_forgotten = 8;
	s.detect.alerts.raised[CLASS_DOS] = 3;
	e = eve_stats_json(&s);
	assert_string_equal(text_at(e, "event_type"), "stats");
	stats = json_object_get(e, "stats");
	lost = json_object_get(stats, "lost");
	counted = json_object_get(stats, "counted");
	assert_int_equal(number_at(stats, "uptime"), 12);
	assert_int_equal(number_at(stats, "judged"), 42);
	assert_int_equal(number_at(stats, "alerts"), 3);
	assert_int_equal(number_at(json_object_get(stats, "alerts_by_class"), "DoS"), 3);
	for (int c = 0; c < METER_COUNTERS; c++) {
		bool only_counted = c == LOST_RING_FULL || c == LOST_NOT_IP || c == LOST_ENCRYPTED;

		assert_int_equal(number_at(c < LOST_MAP_FULL ? stats
					   : only_counted    ? counted
							     : lost,
					 meter_counter_name((enum meter_counter)c)),
			c + 100);
	}
	assert_int_equal(number_at(lost, "events_forgotten"), 7);
	assert_int_equal(number_at(counted, "hosts_forgotten"), 8);
	assert_null(json_object_get(lost, "hosts_forgotten"));
	json_decref(e);
}

/* Opened twice, the log goes on where it was; each line is whole when it is there. */
static void the_file_is_appended_to(void **state)
{
	char path[] = "/tmp/karma-eve-XXXXXX"; /* a template of mkstemp */
	struct alert a = an_alert();
	struct error e;
	char line[8192];
	unsigned lines = 0;
	FILE *f;

	(void)state;
	close(mkstemp(path));
	for (int i = 0; i < 2; i++) {
		struct output o = {.kind = &output_eve};

		struct output_stats ended;

		assert_int_equal(output_open(&o, path, &e), 0);
		o.kind->alert(&o, &a, ALERT_NEW, NULL);
		f = fopen(path, "r"); /* before it is closed */
		for (lines = 0; fgets(line, sizeof(line), f); lines++) {
			json_t *event = json_loads(line, 0, NULL);

			assert_non_null(event);
			json_decref(event);
		}
		fclose(f);
		assert_int_equal(lines, i + 1);
		outputs_close(&o, 1, &ended);
		assert_int_equal(ended.of.lost, 0);
		assert_int_equal(ended.of.told, 1);
	}
	unlink(path);
}

static void a_full_disk_is_counted(void **state)
{
	struct output o = {.kind = &output_eve};
	struct alert a = an_alert();
	struct output_stats ended;
	struct error e;

	(void)state;
	assert_int_equal(output_open(&o, "/dev/full", &e), 0);
	o.kind->alert(&o, &a, ALERT_NEW, NULL);
	o.kind->alert(&o, &a, ALERT_END, NULL);
	assert_int_equal(output_code(&o), ENOSPC);
	outputs_close(&o, 1, &ended);
	assert_int_equal(ended.of.lost, 2);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	struct output o = {.kind = &output_eve};
	struct error e = {""};

	(void)state;
	assert_true(output_open(&o, "/nonexistent/eve.json", &e) < 0);
	assert_non_null(strstr(e.text, "/nonexistent/eve.json"));
}

static int use_utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_has_suricatas_fields),
		cmocka_unit_test(an_unknown_attacker_is_left_out),
		cmocka_unit_test(the_attacker_is_the_source),
		cmocka_unit_test(statistics_have_every_counter),
		cmocka_unit_test(the_file_is_appended_to),
		cmocka_unit_test(a_full_disk_is_counted),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests_name("eve", tests, use_utc, NULL);
}
