/* Evidence and the detector: what adds up to an alert, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detect/detect.h"
#include "util/rng.h"

static const int64_t second = 1000000000LL;
static const int64_t start = 1700000000LL * 1000000000LL;

static const struct evidence_settings settings = {
	.margin = 2, .share = 0.25F, .clip = 3, .threshold = 10, .half_life_s = 60};

/* ---- arithmetic ---- */

static void add(struct evidence *e, int64_t at_ns, uint64_t flow_id, float score, const float *p,
	const uint8_t *peer)
{
	struct finding f = {at_ns, flow_id, score, p, peer, 80, false};

	evidence_add(&settings, e, &f);
}

static const uint8_t peer_a[16] = {1}, peer_b[16] = {2};

static void probabilities(float p[CLASSES], float normal, enum karma_class c)
{
	memset(p, 0, CLASSES * sizeof(*p));
	p[CLASS_NORMAL] = normal;
	p[c] += 1 - normal;
}

static void score_is_the_mixture_ratio(void **state)
{
	float at_margin = 1 / (1 + expf(settings.margin));
	float odds = 9; /* p = 0.1 */

	(void)state;
	assert_float_equal(evidence_score(&settings, at_margin, TRAFFIC_TCP), 0, 1e-6);
	assert_float_equal(evidence_score(&settings, 0.1F, TRAFFIC_TCP),
		logf(0.75F + 0.25F * odds * expf(-2)), 1e-5);
	assert_float_equal(evidence_score(&settings, 1, TRAFFIC_TCP), logf(0.75F), 1e-3);
	assert_float_equal(
		evidence_score(&settings, 0, TRAFFIC_TCP), settings.clip, 0); /* clipped */
	assert_true(isfinite(evidence_score(&settings, 0, TRAFFIC_TCP)));
}

static void evidence_adds_decays_and_stops_at_zero(void **state)
{
	struct evidence e = {0};
	float p[CLASSES];

	(void)state;
	probabilities(p, 0, CLASS_DOS);
	add(&e, start, 1, 3, p, peer_a);
	add(&e, start, 2, 2, p, peer_a);
	assert_float_equal(e.sum, 5, 1e-6);
	assert_int_equal(e.flows, 2);
	evidence_decay(&settings, &e, start + 60 * second);
	assert_float_equal(e.sum, 2.5, 1e-5);
	assert_float_equal(e.mass[CLASS_DOS], 2.5, 1e-5);
	for (int i = 0; i < 100; i++)
		add(&e, start + 60 * second, 3, -0.28F, p, peer_a);
	assert_float_equal(e.sum, 0, 0);
	assert_float_equal(e.mass[CLASS_DOS], 0, 0);
	assert_int_equal(e.flows, 0);
}

static void evidence_has_a_ceiling(void **state)
{
	struct evidence e = {0};
	float p[CLASSES];

	(void)state;
	probabilities(p, 0, CLASS_DOS);
	for (int i = 0; i < 1000; i++)
		add(&e, start, 1, 3, p, peer_a);
	assert_float_equal(e.sum, 2 * settings.threshold, 1e-4);
	evidence_decay(&settings, &e, start + 121 * second);
	assert_true(e.sum < settings.threshold);
}

static void evidence_knows_who_leads(void **state)
{
	struct evidence one = {0}, spread = {0};
	float p[CLASSES];

	(void)state;
	probabilities(p, 0, CLASS_DOS);
	for (int i = 0; i < 20; i++) {
		uint8_t other[16] = {9, (uint8_t)i};

		add(&one, start, 1, 1, p, i % 5 == 0 ? peer_b : peer_a);
		add(&spread, start, 1, 1, p, other);
	}
	assert_true(evidence_is_led(&one));
	assert_memory_equal(one.peer, peer_a, 16);
	assert_false(evidence_is_led(&spread));
}

static void class_is_that_of_most_mass(void **state)
{
	struct evidence e = {0};
	float p[CLASSES];

	(void)state;
	probabilities(p, 0.9F, CLASS_DOS); /* mostly normal, hardly speaks for DoS */
	p[CLASS_RECONNAISSANCE] = 0.05F;
	add(&e, start, 1, 1, p, peer_a);
	probabilities(p, 0.1F, CLASS_RECONNAISSANCE);
	add(&e, start, 2, 2, p, peer_a);
	assert_int_equal(evidence_class(&e), CLASS_RECONNAISSANCE);
}

static void class_is_that_of_the_latest(void **state)
{
	struct evidence e = {0};
	float p[CLASSES];

	(void)state;
	probabilities(p, 0.01F, CLASS_DOS);
	for (unsigned i = 0; i < 5000; i++)
		add(&e, start, i + 1, 3, p, peer_a);
	probabilities(p, 0.01F, CLASS_RECONNAISSANCE);
	for (unsigned i = 0; i < 20; i++)
		add(&e, start, 6000 + i, 1.5F, p, peer_b);
	assert_int_equal(evidence_class(&e), CLASS_RECONNAISSANCE);
	assert_true(evidence_is_led(&e));
	assert_memory_equal(e.peer, peer_b, 16);
}

static void settings_come_from_the_header(void **state)
{
	struct evidence_settings s, plain;
	struct error e;
	json_t *header = json_pack("{s{sfsi}}", "detection", "margin", 1.5, "threshold", 7);
	json_t *wrong = json_pack("{s{sf}}", "detection", "share", 1.5);
	json_t *none = json_object();

	(void)state;
	assert_int_equal(evidence_settings_read(&plain, none, "m", &e), 0);
	assert_int_equal(evidence_settings_read(&s, header, "m", &e), 0);
	assert_float_equal(s.margin, 1.5, 0);
	assert_float_equal(s.threshold, 7, 0);
	assert_float_equal(s.clip, plain.clip, 0);
	assert_int_equal(evidence_settings_read(&s, wrong, "m.karma", &e), -EINVAL);
	assert_non_null(strstr(e.text, "m.karma"));
	json_decref(header);
	json_decref(wrong);
	json_decref(none);
}

/* ---- the detector ---- */

struct shown {
	struct alert last, first;
	unsigned stage[3]; /* how many of each */
};

static struct shown shown;

static void remember(void *context, const struct alert *a, enum alert_stage stage)
{
	(void)context;
	if (stage == ALERT_NEW && shown.stage[ALERT_NEW] == 0)
		shown.first = *a;
	shown.last = *a;
	shown.stage[stage]++;
}

static struct detector *new_detector(void)
{
	memset(&shown, 0, sizeof(shown));
	return detector_new(&settings, NULL, remember, NULL);
}

static struct record flow(uint32_t src, uint32_t dst, uint16_t port, int64_t at_ns)
{
	static uint64_t id;
	struct record r = {.flow_id = ++id,
		.port = {40000, port},
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.news = true,
		.at_ns = at_ns,
		.first_ns = at_ns,
		.last_ns = at_ns};

	for (int i = 0; i < 2; i++) {
		uint32_t ip = htonl(i == SRC ? src : dst);

		r.addr[i][10] = r.addr[i][11] = 0xff;
		memcpy(r.addr[i] + 12, &ip, 4);
	}
	return r;
}

static struct weight weigh(
	struct detector *d, const struct record *r, float normal, enum karma_class c)
{
	struct verdict v = {.app = NULL};

	memcpy(v.actor, r->addr[SRC], 16);
	probabilities(v.probability, normal, c);
	detector_tick(d, r->at_ns);
	return detector_weigh(d, r, &v);
}

static uint32_t last_byte(const uint8_t addr[16])
{
	return addr[15];
}

static void fifty_sure_records_are_one_alert(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct record r =
			flow(0x0a000001, 0x0a000002, (uint16_t)(i + 1), start + i * second / 100);

		weigh(d, &r, 0.01F, CLASS_RECONNAISSANCE);
	}
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_int_equal(last_byte(shown.first.attacker), 1);
	assert_int_equal(last_byte(shown.first.target), 2);
	assert_true(shown.first.flows <= 10);
	assert_int_equal(shown.first.class, CLASS_RECONNAISSANCE);
	assert_float_equal(shown.first.confidence, 0.99, 1e-3);
	detector_finish(d);
	assert_int_equal(shown.stage[ALERT_END], 1);
	assert_int_equal(shown.last.flows, 50);
	assert_int_equal(shown.last.targets, 1);
	detector_free(d);
}

static void one_odd_record_is_no_alert(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct record r = flow(0x0a000001, 0x0a000002, 80, start + i * second);

		/* one in a hundred looks like the worst of attacks */
		weigh(d, &r, i % 100 == 50 ? 0 : 0.999F, CLASS_EXPLOITS);
	}
	assert_int_equal(shown.stage[ALERT_NEW], 0);
	detector_free(d);
}

static void an_attack_among_work_is_seen(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct record r = flow(
			0x0a000001, i % 4 ? 0x0a000003 : 0x0a000002, 22, start + i * second / 4);

		weigh(d, &r, i % 4 ? 0.99F : 0.001F, CLASS_BRUTE_FORCE);
	}
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_int_equal(last_byte(shown.last.target), 2);
	detector_free(d);
}

static void forged_sources_are_one_alert_about_their_target(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct record r =
			flow(0x14000000 + i * 7919, 0x0a000002, 80, start + i * second / 5000);

		weigh(d, &r, 0.05F, CLASS_DOS);
	}
	detector_finish(d);
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_int_equal(shown.stage[ALERT_END], 1);
	assert_true(shown.last.many);
	assert_int_equal(last_byte(shown.last.target), 2);
	assert_int_equal(shown.last.flows, 10000);
	assert_in_range(shown.last.attackers, 9900, 10100);
	assert_int_equal(shown.last.class, CLASS_DOS);
	detector_free(d);
}

/* Each passes the threshold alone, too; still it is one attack. */
static void a_few_attackers_of_one_target_are_one_alert(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		struct record r =
			flow(0x0a000100 + i % 20, 0x0a000002, 80, start + i * second / 100);

		weigh(d, &r, 0.01F, CLASS_DOS);
	}
	detector_finish(d);
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_true(shown.last.many);
	assert_int_equal(shown.last.attackers, 20);
	assert_int_equal(shown.last.flows, 2000);
	/* The last of them is known by itself. */
	assert_true(shown.last.sure);
	assert_int_equal(shown.last.own_class, CLASS_DOS);
	assert_true(shown.last.own_confidence > 0.9F);
	detector_free(d);
}

/* What the first was told of for is not the second one's as well. */
static void one_after_the_other_is_not_several(void **state)
{
	static const struct evidence_settings usual = {
		.margin = 1, .share = 0.5F, .clip = 3, .threshold = 6, .half_life_s = 60};
	struct detector *d = detector_new(&usual, NULL, remember, NULL);

	(void)state;
	memset(&shown, 0, sizeof(shown));
	for (uint32_t i = 0; i < 20; i++) {
		struct record r = flow(0x0a000010 + i / 10, 0x0a000002, (uint16_t)(i + 1),
			start + i * second / 100);

		weigh(d, &r, i % 10 ? 0.001F : 0.05F, CLASS_RECONNAISSANCE);
		assert_false(shown.last.many);
	}
	assert_int_equal(shown.stage[ALERT_NEW], 2);
	assert_int_equal(last_byte(shown.last.attacker), 0x11);
	detector_free(d);
}

static void one_flooding_host_is_not_told_of_twice(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct record r = flow(0x0a000001, 0x0a000002, 80, start + i * second / 100);

		weigh(d, &r, 0.001F, CLASS_DOS);
	}
	detector_finish(d);
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_false(shown.last.many);
	assert_int_equal(shown.last.ports, 1);
	detector_free(d);
}

static void a_sweep_counts_its_targets(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (uint32_t i = 0; i < 254; i++) {
		struct record r = flow(0x0a000001, 0x0a000100 + i, 445, start + i * second / 100);

		weigh(d, &r, 0.01F, CLASS_RECONNAISSANCE);
	}
	detector_finish(d);
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_in_range(shown.last.targets, 252, 256);
	assert_false(shown.last.many);
	detector_free(d);
}

static uint64_t put_behind; /* the flow that was put behind an alert last */

static void note_flow(void *context, const struct alert *a, const struct alert_flow *f)
{
	(void)context;
	(void)a;
	put_behind = f->flow_id;
}

/* The same random traffic, by few hosts that also work, with each sensitivity: what is behind an
 * alert with one is behind one with the next higher, record by record. */
static void sensitivity_moves_alerts_monotonically(void **state)
{
	static const enum sensitivity order[] = {
		SENSITIVITY_LOW, SENSITIVITY_NORMAL, SENSITIVITY_HIGH};
	enum { RECORDS = 20000 };
	static bool behind[3][RECORDS];
	unsigned total[3] = {0}, raised[3];

	(void)state;
	for (int k = 0; k < 3; k++) {
		struct evidence_settings s = settings;
		struct rng random = {7};
		struct detector *d;

		s.sensitivity = order[k];
		memset(&shown, 0, sizeof(shown));
		d = detector_new(&s, NULL, remember, NULL);
		detector_tell_flows(d, note_flow);
		for (int i = 0; i < RECORDS; i++) {
			uint32_t src = 0x0a000001 + (uint32_t)rng_below(&random, 12);
			uint32_t dst = 0x0a000065 + (uint32_t)rng_below(&random, 3);
			bool attacks = (i / 500 + (int)src) % 4 == 0;
			float normal = attacks ? 0.1F * (float)rng_uniform(&random)
					       : 0.95F + 0.05F * (float)rng_uniform(&random);
			struct record r = flow(src, dst, 80, start + i * second / 50);

			weigh(d, &r, normal, CLASS_DOS);
			behind[k][i] = put_behind == r.flow_id;
			total[k] += behind[k][i];
		}
		raised[k] = shown.stage[ALERT_NEW];
		detector_free(d);
	}
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < RECORDS; i++)
			assert_true(!behind[k][i] || behind[k + 1][i]);
	assert_true(raised[0] > 0);
	assert_true(total[0] < total[1] && total[1] < total[2]);
}

enum { TOLD = 4096 };
static struct {
	unsigned count;
	struct alert_flow flow[TOLD];
} told;

static void tell_flow(void *context, const struct alert *a, const struct alert_flow *f)
{
	(void)context;
	(void)a;
	assert_true(told.count < TOLD);
	told.flow[told.count++] = *f;
}

/* Also those that came before the threshold was reached; a bystander's, and what speaks against
 * nobody, are not among them. */
static void the_flows_behind_are_told_in_order(void **state)
{
	struct detector *d = new_detector();
	uint64_t attack[50];

	(void)state;
	told.count = 0;
	detector_tell_flows(d, tell_flow);
	for (int i = 0; i < 50; i++) {
		int64_t at = start + i * second / 10;
		struct record r = flow(0x0a000001, 0x0a000002, (uint16_t)(i + 1), at);
		struct record work = flow(0x0a000001, 0x0a000002, 80, at);
		r.side[DST].flags[FLAG_RST] = i % 2 == 0; /* every second port is closed */
		struct record other = flow(0x0a000009, 0x0a000002, 22, at);

		attack[i] = r.flow_id;
		weigh(d, &work, 0.9F, CLASS_DOS);
		weigh(d, &other, i == 3 ? 0.05F : 0.999F, CLASS_DOS);
		weigh(d, &r, 0.005F, CLASS_RECONNAISSANCE);
		if (i == 0)
			assert_int_equal(told.count, 0);
	}
	assert_int_equal(told.count, 50);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(told.flow[i].flow_id, attack[i]);
		assert_int_equal(told.flow[i].class, CLASS_RECONNAISSANCE);
		assert_float_equal(told.flow[i].probability, 0.995, 1e-4);
		assert_true(told.flow[i].score > 0);
	}
	detector_finish(d);
	assert_int_equal(shown.last.flows, 50);
	assert_int_equal(shown.last.refused, 25);
	assert_int_equal(shown.last.first.flow_id, attack[0]);
	assert_int_equal(shown.last.last.flow_id, attack[49]);
	assert_int_equal(shown.first.first.flow_id, attack[0]);
	assert_true(shown.first.id != 0 && shown.first.id == shown.last.id);
	detector_free(d);
}

/* Of forged sources, those before the threshold as well. */
static void the_flows_behind_many_are_told(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	told.count = 0;
	detector_tell_flows(d, tell_flow);
	for (uint32_t i = 0; i < 100; i++) {
		struct record r = flow(0x14000000 + i, 0x0a000002, 80, start + i * second / 100);

		weigh(d, &r, 0.05F, CLASS_DOS);
	}
	assert_int_equal(told.count, 100);
	assert_int_equal(told.flow[0].addr[SRC][15], 0);
	detector_free(d);
}

/* What the first alert's id was made of, with one thing changed each time. */
/* Looked at again and again, also before the threshold. */
static void a_flow_behind_counts_once(void **state)
{
	struct detector *d = new_detector();
	enum { FLOWS = 150 };
	static struct record r[FLOWS];

	(void)state;
	for (int f = 0; f < FLOWS; f++)
		r[f] = flow(0x0a000001, 0x0a000002, 22, start);
	for (int i = 0; i < 20; i++)
		for (int f = 0; f < FLOWS; f++) {
			r[f].again = i > 0;
			r[f].at_ns = start + i * second + f;
			weigh(d, &r[f], 0.02F, CLASS_BRUTE_FORCE);
		}
	detector_finish(d);
	assert_int_equal(shown.stage[ALERT_NEW], 1);
	assert_int_equal(shown.last.flows, FLOWS);
	detector_free(d);
}

static void ids_are_unlike_and_last(void **state)
{
	char text[4][ALERT_ID_TEXT];

	(void)state;
	for (uint32_t k = 0; k < 4; k++) {
		struct detector *d = new_detector();

		for (int i = 0; i < 20; i++) {
			struct record r = flow(0x0a000001 + (k == 1), 0x0a000002, 80,
				start + i + (k == 2 ? second : 0));

			r.flow_id = 1000 + (uint64_t)i;
			weigh(d, &r, 0.01F, CLASS_DOS);
		}
		alert_id_text(shown.first.id, text[k]);
		assert_int_equal(strlen(text[k]), 8);
		assert_int_equal(strspn(text[k], "0123456789abcdefghjkmnpqrstvwxyz"), 8);
		detector_free(d);
	}
	assert_string_equal(text[0], text[3]); /* the same traffic, the same alert */
	assert_string_not_equal(text[0], text[1]);
	assert_string_not_equal(text[0], text[2]);
	assert_string_not_equal(text[1], text[2]);
}

static void sensitivity_has_three_words(void **state)
{
	struct evidence_settings s = settings;
	float enough[3];
	static const char *const words[] = {"low", "normal", "high"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(sensitivity_parse(words[i], &s.sensitivity));
		enough[i] = evidence_enough(&s);
	}
	assert_true(enough[0] > enough[1] && enough[1] > enough[2]);
	assert_float_equal(enough[1], settings.threshold, 0);
	assert_true(enough[0] < 2 * settings.threshold); /* the most that a sum may be */
	assert_true(enough[2] > settings.clip);          /* one record is not enough */
	assert_false(sensitivity_parse("High", &s.sensitivity));
	assert_false(sensitivity_parse("", &s.sensitivity));
}

/* The other end of an ICMP error's record is its source. */
static void the_actor_may_be_the_destination(void **state)
{
	struct detector *d = new_detector();

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct record r = flow(0x0a000002, 0x0a000001, 0, start + i * second / 10);
		struct verdict v = {.app = "http"};

		r.proto = IPPROTO_ICMP;
		memcpy(v.actor, r.addr[DST], 16);
		probabilities(v.probability, 0.01F, CLASS_RECONNAISSANCE);
		detector_weigh(d, &r, &v);
	}
	assert_int_equal(last_byte(shown.first.attacker), 1);
	assert_int_equal(last_byte(shown.first.target), 2);
	assert_int_equal(shown.first.actor, DST);
	assert_string_equal(shown.first.app, "http");
	detector_free(d);
}

static void more_hosts_than_room_are_counted(void **state)
{
	struct detector *d = new_detector();
	struct detect_stats s;

	(void)state;
	for (uint32_t i = 0; i < DETECT_HOSTS + 1000; i++) {
		struct record r = flow(0x14000000 + i, 0x0a000002, 80, start + i * 1000);

		weigh(d, &r, 0.5F, CLASS_DOS); /* says nothing: nothing is kept */
	}
	detector_stats(d, &s);
	assert_int_equal(s.evidence_forgotten, 0);
	for (uint32_t i = 0; i < DETECT_HOSTS + 1000; i++) {
		struct record r = flow(0x14000000 + i, 0x0a000002, 80, start + second + i * 1000);

		weigh(d, &r, 0.01F, CLASS_DOS);
	}
	detector_stats(d, &s);
	assert_int_equal(s.evidence_forgotten, 1000);
	detector_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(score_is_the_mixture_ratio),
		cmocka_unit_test(evidence_adds_decays_and_stops_at_zero),
		cmocka_unit_test(evidence_has_a_ceiling),
		cmocka_unit_test(evidence_knows_who_leads),
		cmocka_unit_test(class_is_that_of_most_mass),
		cmocka_unit_test(class_is_that_of_the_latest),
		cmocka_unit_test(settings_come_from_the_header),
		cmocka_unit_test(fifty_sure_records_are_one_alert),
		cmocka_unit_test(one_odd_record_is_no_alert),
		cmocka_unit_test(an_attack_among_work_is_seen),
		cmocka_unit_test(forged_sources_are_one_alert_about_their_target),
		cmocka_unit_test(a_few_attackers_of_one_target_are_one_alert),
		cmocka_unit_test(one_after_the_other_is_not_several),
		cmocka_unit_test(one_flooding_host_is_not_told_of_twice),
		cmocka_unit_test(a_sweep_counts_its_targets),
		cmocka_unit_test(sensitivity_moves_alerts_monotonically),
		cmocka_unit_test(sensitivity_has_three_words),
		cmocka_unit_test(the_flows_behind_are_told_in_order),
		cmocka_unit_test(the_flows_behind_many_are_told),
		cmocka_unit_test(a_flow_behind_counts_once),
		cmocka_unit_test(ids_are_unlike_and_last),
		cmocka_unit_test(the_actor_may_be_the_destination),
		cmocka_unit_test(more_hosts_than_room_are_counted),
	};

	return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
