/* The judge, with a network made by hand: it calls a record Reconnaissance when the actor was
 * refused often in the last 10 s, and remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "detect/detect.h"
#include "detect/judge.h"
#include "refusals.h"
#include "util/number.h"

static const int64_t second = 1000000000LL;
static const int64_t start = 1700000000LL * 1000000000LL;

static struct record refused(uint8_t src, uint8_t dst, uint16_t port, int64_t at_ns)
{
	static uint64_t id = 1000;
	struct record r = {.flow_id = ++id,
		.port = {40000, port},
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.event = RECORD_CLOSED,
		.state = STATE_RST,
		.news = true,
		.at_ns = at_ns,
		.start_ns = at_ns - 1000,
		.first_ns = at_ns - 1000,
		.last_ns = at_ns};

	for (int i = 0; i < 2; i++) {
		r.addr[i][10] = r.addr[i][11] = 0xff;
		r.addr[i][12] = 10;
		r.addr[i][15] = i == SRC ? src : dst;
		r.side[i].packets = 1;
		r.side[i].bytes = 40;
		r.side[i].first_ns = r.side[i].last_ns = (uint64_t)at_ns;
	}
	r.side[SRC].flags[FLAG_SYN] = 1;
	r.side[DST].flags[FLAG_RST] = 1;
	r.side[DST].flags[FLAG_ACK] = 1;
	return r;
}

static struct judge *new_judge(const struct model *m, uint32_t hosts)
{
	struct judge *j = NULL;
	struct error e = {""};

	assert_int_equal(judge_new(&j, m, "test.karma", NULL, hosts, 0, &e), 0);
	return j;
}

struct heard {
	struct verdict last;
	int count;
};

static void hear(void *context, const struct record *r, const struct verdict *v)
{
	struct heard *h = context;

	(void)r;
	h->last = *v;
	h->count++;
}

/* A record and its verdict; false: it has none. */
static bool judge_now(struct judge *j, const struct record *r, struct verdict *v)
{
	struct heard h = {.count = 0};

	judge_record(j, r, hear, &h);
	judge_flush(j, hear, &h);
	assert_true(h.count <= 1);
	if (h.count)
		*v = h.last;
	return h.count;
}

/* Verdicts in the order of the records, the same as of each alone, whatever waits for whom. */
struct order {
	float probability[400];
	uint16_t port[400];
	int count;
};

static void note_order(void *context, const struct record *r, const struct verdict *v)
{
	struct order *o = context;

	assert_int_equal(v->actor[15], r->addr[SRC][15]);
	o->port[o->count] = r->port[DST];
	o->probability[o->count++] = v->probability[CLASS_RECONNAISSANCE];
}

static void each_host_is_judged_by_what_it_did(void **state)
{
	struct model m = refusals_model(-20);
	struct judge *j = new_judge(&m, 0);
	struct verdict first = {.app = NULL}, last = first, other;
	struct judge_stats s;

	(void)state;
	for (uint16_t i = 0; i < 30; i++) {
		struct record r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 100);

		assert_true(judge_now(j, &r, &last));
		if (i == 0)
			first = last;
	}
	{
		struct record r = refused(3, 2, 80, start + second);

		assert_true(judge_now(j, &r, &other));
	}
	assert_true(first.probability[CLASS_NORMAL] > 0.9F);
	assert_true(last.probability[CLASS_RECONNAISSANCE] > 0.9F);
	assert_true(other.probability[CLASS_NORMAL] > 0.9F);
	assert_int_equal(last.actor[15], 1);
	judge_stats(j, &s);
	assert_int_equal(s.judged, 31);
	assert_int_equal(s.hosts, 2);
	judge_free(j);
	model_free(&m);
}

/* With a cell that forgets nothing: what says little of a host that does its first odd thing says
 * more where another did many. */
static void what_is_done_to_a_host_is_remembered_too(void **state)
{
	struct model m = refusals_model_in(20, true), one = refusals_model(20);
	struct judge *j = new_judge(&m, 0), *k = new_judge(&one, 0);
	struct verdict v = {.app = NULL}, there, elsewhere;
	struct judge_stats s;
	struct record r;

	(void)state;
	for (uint16_t i = 0; i < 30; i++) {
		r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 100);
		assert_true(judge_now(j, &r, &v));
		assert_true(judge_now(k, &r, &v));
	}
	r = refused(3, 2, 80, start + second);
	assert_true(judge_now(j, &r, &there));
	assert_true(judge_now(k, &r, &v));
	assert_true(there.probability[CLASS_RECONNAISSANCE] > 0.5F);
	assert_true(v.probability[CLASS_NORMAL] > 0.9F); /* of one view */
	r = refused(4, 5, 80, start + second);
	assert_true(judge_now(j, &r, &elsewhere));
	assert_true(elsewhere.probability[CLASS_NORMAL] > 0.9F);
	/* What was attacked is no attacker for it. */
	r = refused(2, 6, 80, start + second);
	assert_true(judge_now(j, &r, &v));
	assert_true(v.probability[CLASS_NORMAL] > 0.9F);
	judge_stats(j, &s);
	assert_int_equal(s.hosts, 4);
	judge_free(j);
	judge_free(k);
	model_free(&m);
	model_free(&one);
}

/* Who gives way after ten idle minutes would have started anew: nothing is forgotten. */
static void only_who_is_not_idle_is_forgotten(void **state)
{
	struct model m = refusals_model_in(20, true);
	struct judge *j = new_judge(&m, 4);
	struct verdict v;
	struct judge_stats s;
	struct record r;

	(void)state;
	for (uint8_t i = 0; i < 8; i++) {
		r = refused(1, (uint8_t)(2 + i), 80, start + i * 700 * second);
		assert_true(judge_now(j, &r, &v));
	}
	judge_stats(j, &s);
	assert_int_equal(s.hosts, 1);
	assert_int_equal(s.hosts_forgotten, 0);
	for (uint8_t i = 0; i < 8; i++) {
		r = refused(1, (uint8_t)(100 + i), 80, start + 6000 * second + i * second);
		assert_true(judge_now(j, &r, &v));
	}
	judge_stats(j, &s);
	assert_int_equal(s.hosts_forgotten, 4);
	judge_free(j);
	model_free(&m);
}

/* More records of one host than wait at a time, a pause among them, and two views: as one by one.
 */
static void turns_are_as_one_by_one(void **state)
{
	struct model m = refusals_model_in(20, true);
	struct judge *a = new_judge(&m, 0), *b = new_judge(&m, 0);
	struct order alone = {.count = 0}, together = {.count = 0};

	(void)state;
	for (uint16_t i = 0; i < 100; i++) {
		int64_t at = start + i * second / 10 + (i >= 45 ? 601 * second : 0);
		struct record r = refused(1, 2, (uint16_t)(i + 1), at);

		judge_record(a, &r, note_order, &alone);
		judge_flush(a, note_order, &alone);
		judge_record(b, &r, note_order, &together);
	}
	judge_flush(b, note_order, &together);
	assert_int_equal(together.count, 100);
	for (int i = 0; i < 100; i++)
		assert_float_equal(together.probability[i], alone.probability[i], 1e-5);
	assert_true(alone.probability[44] > 0.9F && alone.probability[45] < 0.5F);
	judge_free(a);
	judge_free(b);
	model_free(&m);
}

/* The last layer makes of `hidden` what is told, whatever it is tuned by (tune.h). */
static void what_is_told_is_made_of_hidden(void **state)
{
	struct model m = refusals_model_in(20, true);
	struct judge *j = new_judge(&m, 0);
	struct verdict v;
	float p[2];

	(void)state;
	for (uint16_t i = 0; i < 20; i++) {
		struct record r = refused(
			(uint8_t)(1 + i % 2), 3, (uint16_t)(i + 1), start + i * second / 10);
		struct heard h = {.count = 0};

		judge_record(j, &r, hear, &h);
		judge_flush(j, hear, &h);
		v = h.last;
		for (int c = 0; c < 2; c++)
			p[c] = v.hidden[0] * m.net.wo[c] + m.net.bo[c];
		calibration_apply(&m.calibration, p, 2, p);
		assert_float_equal(p[0], v.probability[CLASS_NORMAL], 1e-5);
	}
	judge_free(j);
	model_free(&m);
}

/* With a cell that forgets nothing, one refusal after many is judged by the many. */
static void memory_lasts_ten_minutes(void **state)
{
	struct model m = refusals_model(20);
	struct judge *j = new_judge(&m, 0);
	struct verdict v;
	struct record r;

	(void)state;
	for (uint16_t i = 0; i < 30; i++) {
		r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 100);
		judge_now(j, &r, &v);
	}
	r = refused(1, 2, 99, start + 590 * second);
	judge_now(j, &r, &v);
	assert_true(v.probability[CLASS_RECONNAISSANCE] > 0.9F);
	r = refused(1, 2, 99, start + 590 * second + 601 * second);
	judge_now(j, &r, &v);
	assert_true(v.probability[CLASS_NORMAL] > 0.9F);
	judge_free(j);
	model_free(&m);
}

static void together_is_as_alone(void **state)
{
	struct model m = refusals_model_in(20, true);
	struct order alone = {.count = 0}, together = {.count = 0};

	(void)state;
	for (uint32_t hosts = 3; hosts <= 300; hosts += 297) {
		struct judge *a = new_judge(&m, hosts), *b = new_judge(&m, hosts);

		alone.count = together.count = 0;
		for (uint16_t i = 0; i < 400; i++) {
			uint8_t host = (uint8_t)(1 + (i * 7 + i / 50) % 60);
			struct record r = refused(host, (uint8_t)(200 + i % 7), (uint16_t)(i + 1),
				start + i * second / 50);

			judge_record(a, &r, note_order, &alone);
			judge_flush(a, note_order, &alone);
			judge_record(b, &r, note_order, &together);
			assert_true(together.count <= alone.count);
		}
		judge_flush(b, note_order, &together);
		assert_int_equal(together.count, 400);
		for (int i = 0; i < 400; i++) {
			assert_int_equal(together.port[i], i + 1);
			assert_float_equal(together.probability[i], alone.probability[i], 1e-5);
		}
		judge_free(a);
		judge_free(b);
	}
	model_free(&m);
}

static void no_news_is_no_step(void **state)
{
	struct model m = refusals_model(-20);
	struct judge *j = new_judge(&m, 0);
	struct verdict v;
	struct record r = refused(1, 2, 80, start);
	struct judge_stats s;

	(void)state;
	assert_true(judge_now(j, &r, &v));
	r.news = false;
	r.again = true;
	assert_false(judge_now(j, &r, &v));
	judge_stats(j, &s);
	assert_int_equal(s.records, 2);
	assert_int_equal(s.judged, 1);
	judge_free(j);
	model_free(&m);
}

static void hosts_are_bounded(void **state)
{
	struct model m = refusals_model(-20);
	struct judge *j = new_judge(&m, 8);
	struct verdict v;
	struct judge_stats s;

	(void)state;
	for (uint8_t i = 0; i < 20; i++) {
		struct record r = refused(i + 1, 200, 80, start + i * second);

		judge_now(j, &r, &v);
	}
	judge_stats(j, &s);
	assert_int_equal(s.hosts, 8);
	assert_int_equal(s.hosts_forgotten, 12);
	judge_free(j);
	model_free(&m);
}

static struct alert shown;

static void remember(void *context, const struct alert *a, enum alert_stage stage)
{
	(void)context;
	if (stage != ALERT_END)
		shown = *a;
}

static void an_alert_gives_its_reason(void **state)
{
	static const struct evidence_settings settings = {
		.margin = 2, .share = 0.25F, .clip = 3, .threshold = 10, .half_life_s = 60};
	struct model m = refusals_model(-20);
	struct judge *j = new_judge(&m, 0);
	struct detector *d = detector_new(&settings, j, remember, NULL);

	(void)state;
	for (uint16_t i = 0; i < 2000; i++) {
		struct record r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 400);
		struct verdict v;

		judge_now(j, &r, &v);
		detector_weigh(d, &r, &v);
	}
	assert_int_equal(shown.class, CLASS_RECONNAISSANCE);
	assert_int_equal(shown.attacker[15], 1);
	assert_int_equal(shown.reasons, 1); /* the only input that the network looks at */
	assert_non_null(strstr(shown.reason[0], "refused"));
	assert_null(strstr(shown.reason[0], "%"));
	detector_free(d);
	judge_free(j);
	model_free(&m);
}

static void explaining_changes_nothing(void **state)
{
	struct model m = refusals_model_in(20, true);
	struct judge *j = new_judge(&m, 0), *k = new_judge(&m, 0);
	char reason[4][64];
	struct verdict a, b;

	(void)state;
	for (uint16_t i = 0; i < 20; i++) {
		struct record r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 100);

		judge_now(j, &r, &a);
		judge_now(k, &r, &b);
		judge_explain(k, 4, sizeof(reason[0]), reason);
		assert_memory_equal(a.probability, b.probability, sizeof(a.probability));
	}
	judge_free(j);
	judge_free(k);
	model_free(&m);
}

static void foreign_models_are_refused(void **state)
{
	struct model m = refusals_model(0);
	struct judge *j = NULL;
	struct error e = {""};
	json_t *classes = json_object_get(m.header, "classes");

	(void)state;
	json_array_set_new(classes, 1, json_string("Weather"));
	assert_int_equal(judge_new(&j, &m, "test.karma", NULL, 0, 0, &e), -EINVAL);
	assert_non_null(strstr(e.text, "test.karma"));
	assert_non_null(strstr(e.text, "Weather"));
	assert_null(j);
	json_array_set_new(classes, 1, json_string("DoS"));
	json_array_set_new(classes, 0, json_string("Worms"));
	assert_int_equal(judge_new(&j, &m, "test.karma", NULL, 0, 0, &e), -EINVAL);
	json_array_set_new(classes, 0, json_string("Normal"));
	json_object_del(m.header, "input");
	assert_true(judge_new(&j, &m, "test.karma", NULL, 0, 0, &e) < 0);
	assert_non_null(strstr(e.text, "test.karma"));
	model_free(&m);
}

static void numbers_are_written_for_people(void **state)
{
	char text[NUMBER_TEXT];

	(void)state;
	assert_string_equal(number_text(0, text), "0");
	assert_string_equal(number_text(999, text), "999");
	assert_string_equal(number_text(1000, text), "1,000");
	assert_string_equal(number_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
	assert_string_equal(duration_text(0.0341, text), "34 ms");
	assert_string_equal(duration_text(0.0999, text), "0.1 s");
	assert_string_equal(duration_text(-1, text), "0 ms");
	assert_string_equal(duration_text(3.21, text), "3.2 s");
	assert_string_equal(duration_text(125, text), "2 min 5 s");
	assert_string_equal(duration_text(3600 * 5 + 60 * 7, text), "5 h 7 min");
}

/* As at a reload: the counters over time stay, memories where the network is the same. */
static void a_judge_goes_on_where_another_was(void **state)
{
	struct model m = refusals_model_in(20, true);

	(void)state;
	for (int memories = 0; memories <= 1; memories++) {
		struct judge *before = new_judge(&m, 0), *after = new_judge(&m, 0);
		struct verdict v = {.app = NULL};
		struct judge_stats s;
		struct record r;

		for (uint16_t i = 0; i < 30; i++) {
			r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 100);
			assert_true(judge_now(before, &r, &v));
		}
		judge_inherit(after, before, memories);
		judge_free(before);
		judge_stats(after, &s);
		assert_int_equal(s.judged, 30);
		assert_int_equal(s.hosts, memories);
		assert_int_equal(s.hosts_forgotten, 0);
		/* By the memory alone: the counters have let go of it all. */
		r = refused(1, 2, 99, start + 100 * second);
		assert_true(judge_now(after, &r, &v));
		assert_int_equal(v.probability[CLASS_RECONNAISSANCE] > 0.5F, memories);
		judge_free(after);
	}
	model_free(&m);
}

static void counters_over_time_stay(void **state)
{
	struct model m = refusals_model(-20);
	struct judge *before = new_judge(&m, 0), *after = new_judge(&m, 0);
	struct verdict v = {.app = NULL};
	struct record r;

	(void)state;
	for (uint16_t i = 0; i < 30; i++) {
		r = refused(1, 2, (uint16_t)(i + 1), start + i * second / 100);
		assert_true(judge_now(before, &r, &v));
	}
	judge_inherit(after, before, false);
	judge_free(before);
	r = refused(1, 2, 99, start + second);
	assert_true(judge_now(after, &r, &v));
	assert_true(v.probability[CLASS_RECONNAISSANCE] > 0.5F);
	judge_free(after);
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_host_is_judged_by_what_it_did),
		cmocka_unit_test(what_is_done_to_a_host_is_remembered_too),
		cmocka_unit_test(only_who_is_not_idle_is_forgotten),
		cmocka_unit_test(turns_are_as_one_by_one),
		cmocka_unit_test(what_is_told_is_made_of_hidden),
		cmocka_unit_test(memory_lasts_ten_minutes),
		cmocka_unit_test(together_is_as_alone),
		cmocka_unit_test(no_news_is_no_step),
		cmocka_unit_test(hosts_are_bounded),
		cmocka_unit_test(an_alert_gives_its_reason),
		cmocka_unit_test(explaining_changes_nothing),
		cmocka_unit_test(foreign_models_are_refused),
		cmocka_unit_test(a_judge_goes_on_where_another_was),
		cmocka_unit_test(counters_over_time_stay),
		cmocka_unit_test(numbers_are_written_for_people),
	};

	return cmocka_run_group_tests_name("judge", tests, NULL, NULL);
}
