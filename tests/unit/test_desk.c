/* The desk: seconds, alerts and their sequence numbers, pages, what is wrong, and the metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/desk.h"

static const int64_t epoch = 1700000000LL * 1000000000;
static const int64_t second = 1000000000;

static const struct evidence_settings settings = {
	.margin = 1, .share = 0.5F, .clip = 5, .threshold = 10, .half_life_s = 60};

/* A run of one interface, one output and a history, of which nothing is wrong. */
static struct desk_facts good_facts(void)
{
	struct desk_facts f = {.version = "1.2.3",
		.pid = 42,
		.started_ns = epoch,
		.steady_ns = 1000 * second,
		.figures.now_ns = epoch,
		.interface = {{"eth0", "tcx", true, true}},
		.interfaces = 1,
		.model = "/a/model",
		.model_id = "01234567",
		.kernel = "fp32",
		.sensitivity = "normal",
		.history = "/a/history.db",
		.figures.outputs = 1,
		.figures.output = {{.kind = "eve", .path = "eve \"1\"\\.json"}},
		.room = 1000,
		.block = "off",
		.block_attached = ""};

	return f;
}

static struct desk *a_desk(struct desk_facts *f)
{
	struct desk *d = desk_new(&settings);

	assert_non_null(d);
	*f = good_facts();
	desk_tick(d, f, NULL);
	return d;
}

static void tick(struct desk *d, struct desk_facts *f, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		f->steady_ns += second;
		f->figures.now_ns += second;
		desk_tick(d, f, NULL);
	}
}

static void an_alert(struct desk *d, uint64_t id, enum alert_stage stage)
{
	const struct origin from = {.interface = "eth0"};
	struct alert a = {.id = id,
		.first_ns = epoch,
		.last_ns = epoch,
		.class = CLASS_DOS,
		.flows = 3,
		.record = {.flow_id = 1, .net = NET_IPV4, .proto = 6, .last_ns = epoch}};

	assert_true(addr_parse("10.0.0.9", a.attacker));
	assert_true(addr_parse("10.0.0.2", a.target));
	memcpy(a.record.addr[SRC], a.attacker, 16);
	memcpy(a.record.addr[DST], a.target, 16);
	desk_alert(d, &a, stage, &from);
}

static uint64_t number_at(const json_t *o, const char *key)
{
	assert_true(json_is_integer(json_object_get(o, key)));
	return (uint64_t)json_integer_value(json_object_get(o, key));
}

static size_t size_at(const json_t *o, const char *key)
{
	assert_true(json_is_array(json_object_get(o, key)));
	return json_array_size(json_object_get(o, key));
}

static const char *id_at(const json_t *live, size_t i)
{
	const json_t *alert = json_array_get(json_object_get(live, "alerts"), i);

	return json_string_value(json_object_get(json_object_get(alert, "karma"), "alert_id"));
}

/* ---- seconds ---- */

static void seconds_are_told_once(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	json_t *live = desk_live_json(d, 0, DESK_POINTS), *p;
	uint64_t seq;

	(void)state;
	assert_int_equal(size_at(live, "points"), 0); /* the beginning is none */
	json_decref(live);
	f.figures.meter.count[COUNT_PACKETS] = 100;
	f.figures.meter.count[COUNT_OPEN] = 7;
	f.figures.meter.count[LOST_MAP_FULL] = 3;
	f.figures.meter.count[LOST_NOT_IP] = 9; /* nothing that Karma would judge */
	f.figures.judge.judged = 5;
	tick(d, &f, 1);
	f.figures.meter.count[COUNT_PACKETS] = 150;
	tick(d, &f, 1);
	live = desk_live_json(d, 0, DESK_POINTS);
	assert_int_equal(size_at(live, "points"), 2);
	p = json_array_get(json_object_get(live, "points"), 0);
	assert_int_equal(number_at(p, "packets"), 100);
	assert_int_equal(number_at(p, "records"), 5);
	assert_int_equal(number_at(p, "open"), 7);
	assert_int_equal(number_at(p, "lost"), 3);
	assert_true(json_real_value(json_object_get(p, "at")) == (double)(epoch / second + 1));
	p = json_array_get(json_object_get(live, "points"), 1);
	assert_int_equal(number_at(p, "packets"), 50);
	assert_int_equal(number_at(p, "lost"), 0);
	seq = number_at(live, "seq");
	json_decref(live);
	live = desk_live_json(d, seq, DESK_POINTS);
	assert_int_equal(size_at(live, "points"), 0);
	assert_int_equal(number_at(live, "seq"), seq);
	json_decref(live);
	tick(d, &f, 1);
	live = desk_live_json(d, seq, DESK_POINTS);
	assert_int_equal(size_at(live, "points"), 1);
	json_decref(live);
	desk_free(d);
}

/* All that is told, page by page, of the last `points` seconds: how many of each. */
static void read_pages(struct desk *d, unsigned points, size_t *seconds, size_t *alerts)
{
	uint64_t since = 0;
	bool more = true;

	*seconds = *alerts = 0;
	while (more) {
		json_t *live = desk_live_json(d, since, points);
		char *text = json_dumps(live, JSON_COMPACT);

		assert_non_null(text);
		assert_true(strlen(text) < 1 << 20);
		assert_true(number_at(live, "seq") > since);
		since = number_at(live, "seq");
		*seconds += size_at(live, "points");
		*alerts += size_at(live, "alerts");
		more = json_is_true(json_object_get(live, "more"));
		free(text);
		json_decref(live);
	}
}

static void an_hour_is_kept_and_told_in_pages(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	size_t seconds, alerts;

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		an_alert(d, i + 1, ALERT_NEW);
		tick(d, &f, 13);
	}
	read_pages(d, DESK_POINTS, &seconds, &alerts);
	assert_int_equal(seconds, DESK_POINTS);
	assert_int_equal(alerts, DESK_ALERTS);
	read_pages(d, 120, &seconds, &alerts);
	assert_int_equal(seconds, 120);
	assert_int_equal(alerts, DESK_ALERTS);
	desk_free(d);
}

/* ---- alerts ---- */

static void an_alert_that_goes_on_is_told_again(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	json_t *live, *host;
	uint64_t seq;

	(void)state;
	an_alert(d, 1, ALERT_NEW);
	an_alert(d, 2, ALERT_NEW);
	live = desk_live_json(d, 0, DESK_POINTS);
	assert_int_equal(size_at(live, "alerts"), 2);
	assert_string_equal(id_at(live, 0), "00000001");
	host = json_array_get(json_object_get(live, "hosts"), 0);
	assert_int_equal(number_at(host, "attacks") + number_at(host, "attacked"), 2);
	seq = number_at(live, "seq");
	json_decref(live);
	an_alert(d, 1, ALERT_END);
	live = desk_live_json(d, seq, DESK_POINTS);
	assert_int_equal(size_at(live, "alerts"), 1);
	assert_string_equal(id_at(live, 0), "00000001");
	json_decref(live);
	live = desk_live_json(d, 0, DESK_POINTS);
	assert_int_equal(size_at(live, "alerts"), 2);
	assert_string_equal(id_at(live, 1), "00000001"); /* the newest last */
	json_decref(live);
	desk_free(d);
}

/* ---- how long ---- */

static void stages_are_timed(void **state)
{
	static const uint8_t actor[16] = {0};
	const struct weight w = {1, 20, 0};
	struct record r = {.at_ns = epoch};
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	json_t *live, *latency, *host;

	(void)state;
	desk_turn_begins(d);
	for (int i = 0; i < 10; i++) {
		desk_record(d, &r);
		desk_judged(d); /* nothing was yet */
	}
	for (int i = 0; i < 10; i++)
		desk_weighed(d, &r, actor, &w);
	desk_judged(d);
	desk_turn_ends(d);
	desk_turn_ends(d); /* none was begun */
	live = desk_live_json(d, 0, DESK_POINTS);
	latency = json_object_get(live, "latency");
	assert_int_equal(number_at(json_object_get(latency, "wait"), "count"), 10);
	assert_int_equal(number_at(json_object_get(latency, "judge"), "count"), 1);
	assert_int_equal(number_at(json_object_get(latency, "loop"), "count"), 1);
	assert_int_equal(number_at(json_object_get(latency, "history"), "count"), 0);
	host = json_array_get(json_object_get(live, "hosts"), 0);
	assert_true(json_real_value(json_object_get(host, "suspicion")) == 2);
	assert_true(json_is_true(json_object_get(host, "enough")));
	json_decref(live);
	/* Two minutes on, only what came since counts. */
	tick(d, &f, 121);
	live = desk_live_json(d, 0, 1);
	latency = json_object_get(live, "latency");
	assert_int_equal(number_at(json_object_get(latency, "wait"), "count"), 0);
	json_decref(live);
	desk_free(d);
}

/* ---- what is wrong ---- */

/* How much is, and whether it says `words`. */
static bool says(struct desk *d, unsigned count, const char *words)
{
	const struct desk_wrong *w;
	unsigned n = desk_wrong(d, &w);
	bool found = false;

	for (unsigned i = 0; i < n; i++) {
		found |= strstr(w[i].what, words) != NULL;
		assert_true(w[i].remedy[0]);
	}
	if (n != count)
		for (unsigned i = 0; i < n; i++)
			printf("%s\n", w[i].what);
	return n == count && found;
}

static void all_is_well(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	const struct desk_wrong *w;
	json_t *status = desk_status_json(d);

	(void)state;
	assert_int_equal(desk_wrong(d, &w), 0);
	assert_int_equal(size_at(status, "wrong"), 0);
	assert_int_equal(size_at(status, "interfaces"), 1);
	assert_true(json_is_null(json_object_get(status, "web")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(status, "history"), "path")),
		"/a/history.db");
	json_decref(status);
	desk_free(d);
}

static void each_is_said(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);

	(void)state;
	f.interface[0].there = false;
	tick(d, &f, 1);
	assert_true(says(d, 1, "eth0 is gone"));
	f.interface[0].there = true;
	f.interface[0].up = false;
	tick(d, &f, 1);
	assert_true(says(d, 1, "eth0 is down"));
	f = good_facts();
	f.figures.history.failing = true;
	strcpy(f.figures.history.why, "/a/history.db: disk full");
	tick(d, &f, 1);
	assert_true(says(d, 1, "not written: /a/history.db: disk full"));
	f = good_facts();
	f.figures.meter.count[COUNT_OPEN] = 901;
	tick(d, &f, 1);
	assert_true(says(d, 1, "90 % full"));
	f = good_facts();
	f.figures.drifted = true;
	tick(d, &f, 1);
	assert_true(says(d, 1, "drifted"));
	f = good_facts();
	f.block = "on";
	tick(d, &f, 1);
	assert_true(says(d, 1, "nothing is blocked"));
	desk_free(d);
}

static void losses_are_wrong_for_a_minute(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	const struct desk_wrong *w;

	(void)state;
	tick(d, &f, 100);
	f.figures.meter.count[LOST_MAP_FULL] += 1234;
	tick(d, &f, 1);
	assert_true(says(d, 1, "flow table full: 1,234"));
	tick(d, &f, 50);
	assert_true(says(d, 1, "flow table full: 1,234"));
	tick(d, &f, 30);
	assert_int_equal(desk_wrong(d, &w), 0);
	f.figures.output[0].of.lost = 2;
	strcpy(f.figures.output[0].of.why, strerror(ENOSPC));
	tick(d, &f, 1);
	assert_true(says(d, 1, "2 lines lost in the last minute: No space left"));
	tick(d, &f, 100);
	assert_int_equal(desk_wrong(d, &w), 0);
	/* Some broken packets among many are not. */
	f.figures.meter.count[COUNT_PACKETS] += 100000;
	f.figures.meter.count[LOST_BAD_LENGTH] += 500;
	f.figures.meter.count[LOST_NOT_IP] += 100000;
	tick(d, &f, 1);
	assert_int_equal(desk_wrong(d, &w), 0);
	f.figures.meter.count[LOST_BAD_LENGTH] += 1000;
	tick(d, &f, 1);
	assert_true(says(d, 1, "lost in the last minute: contradicting lengths: 1,500"));
	desk_free(d);
}

/* Nothing is lost while it waits, and yet nobody has it. */
static void an_output_that_fails_is_wrong_as_long_as_it_does(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	struct courier_stats *of = &f.figures.output[0].of;
	const struct desk_wrong *w;
	json_t *status, *output;
	char *text;

	(void)state;
	of->failing = true;
	of->failing_ns = (uint64_t)f.steady_ns;
	of->waiting = 17;
	of->code = ENOSPC;
	strcpy(of->why, "No space left on device");
	tick(d, &f, 200);
	assert_true(
		says(d, 1, "not written for 3 min 20 s: No space left on device; 17 lines wait"));
	desk_wrong(d, &w);
	assert_true(w[0].grave);
	status = desk_status_json(d);
	output = json_array_get(json_object_get(status, "outputs"), 0);
	assert_true(json_is_true(json_object_get(output, "failing")));
	assert_true(json_real_value(json_object_get(output, "failing_s")) == 200);
	assert_int_equal(number_at(output, "waiting"), 17);
	json_decref(status);
	text = desk_metrics(d);
	assert_non_null(strstr(text, "karma_output_failing_seconds{output=\"eve\",path=\"eve "
				     "\\\"1\\\"\\\\.json\"} 200\n"));
	assert_non_null(strstr(text, ",error=\"No space left on device\"} 1\n"));
	assert_non_null(strstr(text, "\\.json\"} 17\n"));
	free(text);
	of->lost = 5; /* one cause, one line */
	tick(d, &f, 1);
	assert_true(says(d, 1, "17 lines wait, 5 lost in the last minute"));
	/* It was given up, and nothing has shown since that it works. */
	of->waiting = 0;
	tick(d, &f, 100);
	assert_true(says(d, 1, "the last line, 5 min 1 s ago, failed: No space left"));
	desk_wrong(d, &w);
	assert_false(w[0].grave);
	of->failing = false;
	tick(d, &f, 1);
	assert_int_equal(desk_wrong(d, &w), 0);
	desk_free(d);
}

/* What the rate keeps back is no illness, but nowhere unsaid; nor is what the history had no room
 * for. */
static void what_is_kept_back_is_said(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	const struct desk_wrong *w;
	json_t *status;
	char *text;

	(void)state;
	f.figures.output[0].of.limited = 12;
	tick(d, &f, 1);
	assert_int_equal(desk_wrong(d, &w), 0);
	status = desk_status_json(d);
	assert_int_equal(
		number_at(json_array_get(json_object_get(status, "outputs"), 0), "limited"), 12);
	json_decref(status);
	text = desk_metrics(d);
	assert_non_null(strstr(text, "\nkarma_output_limited_lines_total{output=\"eve\","));
	assert_non_null(strstr(text, "\\.json\"} 12\n"));
	free(text);
	f.figures.history.lost_blocks = 4;
	tick(d, &f, 1);
	assert_true(says(d, 1, "history: changes of the block list: 4"));
	desk_free(d);
}

/* One that a reload took away, and the same again. */
static void outputs_of_one_name_are_one_series(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	char *text, *first;

	(void)state;
	f.figures.outputs = 2;
	f.figures.output[0] = f.figures.output[1] =
		(struct output_stats){.kind = "eve", .path = "e", .of.lost = 3};
	tick(d, &f, 1);
	text = desk_metrics(d);
	first = strstr(text, "\nkarma_output_lost_lines_total{output=\"eve\",path=\"e\"} 6\n");
	assert_non_null(first);
	assert_null(strstr(first + 1, "\nkarma_output_lost_lines_total{"));
	free(text);
	desk_free(d);
}

static json_int_t last_lost(const struct desk *d)
{
	json_t *live = desk_live_json(d, 0, 1);
	json_t *point = json_array_get(json_object_get(live, "points"), 0);
	json_int_t lost = json_integer_value(json_object_get(point, "lost"));

	json_decref(live);
	return lost;
}

/* Spanning tree, a burst, a memory of hosts that is full: none of it is an illness. */
static void what_every_network_has_is_counted_only(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	const struct desk_wrong *w;
	json_t *status;

	(void)state;
	f.figures.judge.hosts = 32768;
	tick(d, &f, 100);
	f.figures.meter.count[COUNT_RECORDS] += 50000;
	f.figures.meter.count[LOST_NOT_IP] += 900;
	f.figures.meter.count[LOST_RING_FULL] += 300;
	f.figures.judge.hosts_forgotten += 500;
	f.figures.detect.evidence_forgotten += 500;
	tick(d, &f, 1);
	assert_int_equal(desk_wrong(d, &w), 0);
	assert_int_equal(last_lost(d), 0);
	status = desk_status_json(d);
	assert_null(json_object_get(json_object_get(status, "losses"), "not IP"));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(status, "counted"), "not IP")),
		900);
	json_decref(status);
	f.figures.meter.count[LOST_RING_FULL] += 300;
	tick(d, &f, 1);
	assert_true(says(d, 1, "many in the last minute: ring full: 600"));
	tick(d, &f, 100);
	f.figures.judge.hosts_forgotten += 600;
	tick(d, &f, 1);
	assert_true(says(d, 1, "many in the last minute: hosts forgotten: 600"));
	desk_free(d);
}

static void a_clock_that_is_set_is_wrong_for_a_minute(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	const struct desk_wrong *w;

	(void)state;
	f.figures.now_ns -= 3600 * second;
	tick(d, &f, 1);
	assert_true(says(d, 1, "the clock was set by -1 h"));
	tick(d, &f, 61);
	assert_int_equal(desk_wrong(d, &w), 0);
	desk_free(d);
}

/* ---- metrics ---- */

static void metrics_are_prometheus(void **state)
{
	struct desk_facts f;
	struct desk *d = a_desk(&f);
	char *text, *line, *rest;

	(void)state;
	f.figures.meter.count[COUNT_PACKETS] = 12345;
	f.figures.detect.alerts.raised[CLASS_DOS] = 3; /* what they were found to be */
	f.figures.detect.alerts.arose[CLASS_BRUTE_FORCE] = 3;
	f.model = "/a\n\xff";
	tick(d, &f, 1);
	an_alert(d, 1, ALERT_NEW);
	text = desk_metrics(d);
	assert_non_null(text);
	assert_non_null(strstr(text, "\nkarma_packets_total 12345\n"));
	assert_non_null(strstr(text, "\nkarma_alerts_total{class=\"Brute Force\"} 3\n"));
	assert_non_null(strstr(text, "karma_losses_total{cause=\"flow table full\"} 0\n"));
	assert_null(strstr(text, "karma_losses_total{cause=\"not IP\"}"));
	assert_non_null(strstr(text, "karma_counted_total{cause=\"not IP\"} 0\n"));
	assert_non_null(strstr(text, "path=\"/a\\n?\""));
	assert_non_null(strstr(text, "path=\"eve \\\"1\\\"\\\\.json\"} 0\n"));
	assert_non_null(strstr(
		text, "karma_stage_duration_seconds_bucket{stage=\"alert\",le=\"+Inf\"} 1\n"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(strncmp(line, "# HELP karma_", 13) == 0 ||
			    strncmp(line, "# TYPE karma_", 13) == 0 ||
			    strncmp(line, "karma_", 6) == 0);
	free(text);
	desk_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_are_told_once),
		cmocka_unit_test(an_hour_is_kept_and_told_in_pages),
		cmocka_unit_test(an_alert_that_goes_on_is_told_again),
		cmocka_unit_test(stages_are_timed),
		cmocka_unit_test(all_is_well),
		cmocka_unit_test(each_is_said),
		cmocka_unit_test(losses_are_wrong_for_a_minute),
		cmocka_unit_test(an_output_that_fails_is_wrong_as_long_as_it_does),
		cmocka_unit_test(what_is_kept_back_is_said),
		cmocka_unit_test(outputs_of_one_name_are_one_series),
		cmocka_unit_test(what_every_network_has_is_counted_only),
		cmocka_unit_test(a_clock_that_is_set_is_wrong_for_a_minute),
		cmocka_unit_test(metrics_are_prometheus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
