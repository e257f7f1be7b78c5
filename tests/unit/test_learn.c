/* Learning margins: against traffic whose false alerts are known by how it is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "detect/learn.h"
#include "util/rng.h"

static const int64_t start = 1700000000LL * 1000000000LL;
static const double day = 86400;

static const struct evidence_settings settings = {
	.margin = 1, .share = 0.5F, .clip = 3, .threshold = 6, .half_life_s = 60};

/* A site: a detector that judges its traffic, and a learner that looks on; one may be missing. */
struct site {
	struct detector *detector;
	struct learner *learner;
	bool leaves_out; /* who raises alerts */
	unsigned alerts;
	struct rng rng;
	uint64_t flow_id;
};

static void count_alerts(void *context, const struct alert *a, enum alert_stage stage)
{
	struct site *s = context;

	if (stage != ALERT_NEW)
		return;
	s->alerts++;
	if (s->learner && s->leaves_out)
		assert_true(learner_leave_out(s->learner, a));
}

static void site_open(struct site *s, const struct evidence_settings *with, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->rng.state = seed;
	s->detector = detector_new(with, NULL, count_alerts, s);
	assert_non_null(s->detector);
}

static void site_close(struct site *s)
{
	detector_free(s->detector);
	learner_free(s->learner);
}

/* A record of log-odds `odds`. false: the learner has no room. */
static bool see(struct site *s, double at, uint32_t actor, uint32_t target, enum traffic traffic,
	double odds)
{
	struct record r = {.flow_id = ++s->flow_id, .news = true};
	struct verdict v = {.traffic = traffic};
	struct weight w;

	memcpy(r.addr[SRC], &actor, sizeof(actor));
	memcpy(r.addr[DST], &target, sizeof(target));
	memcpy(v.actor, r.addr[SRC], sizeof(v.actor));
	r.at_ns = start + (int64_t)(at * 1e9);
	v.probability[CLASS_NORMAL] = (float)(1 / (1 + exp(odds)));
	v.probability[CLASS_RECONNAISSANCE] = 1 - v.probability[CLASS_NORMAL];
	detector_tick(s->detector, r.at_ns);
	w = detector_weigh(s->detector, &r, &v);
	return !s->learner || learner_take(s->learner, &r, &v, &w, NULL);
}

static double normal(struct rng *r)
{
	return sqrt(-2 * log(1 - rng_uniform(r))) * cos(2 * M_PI * rng_uniform(r));
}

/* Some 300 times a day a host does something odd over HTTP: a geometric number of records, four on
 * average, whose log-odds are about 3. So the evidence has an exponential tail. Between them there
 * is work that says nothing, and some look-ups that say a little. */
static void live_days(struct site *s, double days)
{
	double at = 1;

	while (at < days * day) {
		uint32_t host = 1 + (uint32_t)rng_below(&s->rng, 100000);

		at += -log(1 - rng_uniform(&s->rng)) * day / 300;
		do {
			see(s, at, host, 900000 + host % 7, TRAFFIC_TCP, -6);
			see(s, at, host, 900000 + host, (enum traffic)SERVICE_HTTP,
				3 + normal(&s->rng));
			at += rng_uniform(&s->rng);
		} while (rng_uniform(&s->rng) < 0.75);
		see(s, at, host + 200000, 910000, (enum traffic)SERVICE_DNS, 1.2);
	}
}

static double fresh_rate(const float shift[TRAFFICS], uint64_t seed, double days)
{
	struct evidence_settings with = settings;
	struct site s;
	double rate;

	memcpy(with.shift, shift, sizeof(with.shift));
	site_open(&s, &with, seed);
	live_days(&s, days);
	rate = s.alerts / days;
	site_close(&s);
	return rate;
}

static struct learnt learn_days(double days, double per_day, uint64_t seed)
{
	struct learnt out;
	struct site s;

	site_open(&s, &settings, seed);
	s.learner = learner_new(&settings);
	live_days(&s, days);
	assert_int_equal(learner_margins(s.learner, per_day, &out), 0);
	site_close(&s);
	return out;
}

/* ---- rates ---- */

static void counted_rate_holds_on_fresh_draws(void **state)
{
	static const double asked = 4;
	const float none[TRAFFICS] = {0};
	struct learnt out = learn_days(8, asked, 1);
	double without = fresh_rate(none, 2, 10), with = fresh_rate(out.shift, 3, 10);

	(void)state;
	print_message("asked %.1f a day: before %.1f (fresh %.1f), after %.1f (fresh %.1f)\n",
		asked, out.before, without, out.after, with);
	assert_true(out.measured);
	assert_true(without > 3 * asked);
	assert_float_equal(out.before, without, without / 4);
	assert_true(out.after <= asked);
	/* three standard deviations of both counts */
	assert_true(with <= asked + 3 * sqrt(asked / 8 + asked / 10));
	assert_true(with >= asked / 20); /* no quieter than the steps call for */
}

/* A third of a day, and one alert in two days is asked for: less than is to be counted in it. */
static void followed_rate_holds_on_fresh_draws(void **state)
{
	static const double asked = 0.5;
	double sum = 0;

	(void)state;
	for (uint64_t seed = 10; seed < 15; seed++) {
		struct learnt out = learn_days(0.34, asked, seed);

		assert_true(out.measured);
		assert_true(out.before > 4 * asked);
		assert_true(out.after <= asked);
		sum += fresh_rate(out.shift, seed + 100, 10);
	}
	print_message("asked %.1f a day: fresh %.2f\n", asked, sum / 5);
	assert_true(sum / 5 <= 3 * asked); /* a tail that is followed so far may be off as much */
}

static void only_what_alarms_is_moved(void **state)
{
	struct learnt out = learn_days(3, 1, 4);

	(void)state;
	for (int t = 0; t < TRAFFICS; t++) {
		if (t == SERVICE_HTTP)
			assert_true(out.shift[t] > 0);
		else
			assert_float_equal(out.shift[t], 0, 0);
	}
}

static void rarer_alerts_need_wider_margins(void **state)
{
	float before = learn_most;

	(void)state;
	for (double asked = 0.5; asked < 200; asked *= 6) {
		struct learnt out = learn_days(2, asked, 5);

		assert_true(out.shift[SERVICE_HTTP] <= before);
		before = out.shift[SERVICE_HTTP];
	}
	assert_float_equal(before, 0, 0); /* the site has no more than that */
}

static void without_evidence_nothing_is_moved(void **state)
{
	struct learnt out;
	struct site s;

	(void)state;
	site_open(&s, &settings, 1);
	s.learner = learner_new(&settings);
	for (unsigned i = 0; i < 5000; i++)
		see(&s, i, i % 40, 900, TRAFFIC_TCP, i % 1000 ? -5 : 2);
	assert_int_equal(learner_margins(s.learner, 0.01, &out), 0);
	assert_false(out.measured);
	assert_int_equal(out.records, 5000);
	assert_true(out.kept > 0 && out.kept < 50);
	assert_float_equal(out.seconds, 4999, 0.01);
	for (int t = 0; t < TRAFFICS; t++)
		assert_float_equal(out.shift[t], 0, 0);
	site_close(&s);
}

/* ---- attacks while learning, and after ---- */

static void scan(struct site *s, double at, unsigned records, double odds)
{
	for (unsigned i = 0; i < records; i++)
		see(s, at + i * 0.01, 7, 1000 + i, TRAFFIC_TCP, odds);
}

static void an_attack_is_left_out_unless_trusted(void **state)
{
	(void)state;
	for (int trusted = 0; trusted < 2; trusted++) {
		struct learnt out;
		struct site s;

		site_open(&s, &settings, 1);
		s.learner = learner_new(&settings);
		s.leaves_out = !trusted;
		scan(&s, 100, 300, 6);
		scan(&s, 5000, 300, 6);
		assert_int_equal(learner_margins(s.learner, 1, &out), 0);
		assert_int_equal(out.left_out, !trusted);
		assert_int_equal(out.kept, trusted ? 600 : 0);
		assert_float_equal(out.shift[TRAFFIC_TCP], trusted ? learn_most : 0, 0);
		assert_true(!trusted || out.after > 1); /* it says that it did not succeed */
		site_close(&s);
	}
}

/* However far ordinary work has moved a margin. */
static void a_scan_is_found_beyond_the_bound(void **state)
{
	struct evidence_settings with = settings;
	struct site s;

	(void)state;
	for (int t = 0; t < TRAFFICS; t++)
		with.shift[t] = learn_most;
	site_open(&s, &with, 1);
	scan(&s, 1, 20, 6);
	assert_int_equal(s.alerts, 1);
	site_close(&s);
}

/* What many do to one target is left out by the target. */
static void many_attackers_are_left_out(void **state)
{
	struct learnt out;
	struct site s;

	(void)state;
	site_open(&s, &settings, 1);
	s.learner = learner_new(&settings);
	s.leaves_out = true;
	for (uint32_t i = 0; i < 500; i++)
		see(&s, i * 0.01, 1000 + i, 7, TRAFFIC_TCP, 4);
	assert_true(s.alerts > 0);
	assert_int_equal(learner_margins(s.learner, 1, &out), 0);
	assert_int_equal(out.kept, 0);
	assert_true(learner_leaves_out(s.learner, (uint8_t[16]){99}, (uint8_t[16]){7}));
	assert_false(learner_leaves_out(s.learner, (uint8_t[16]){7}, (uint8_t[16]){99}));
	site_close(&s);
}

/* ---- bounds ---- */

static void room_is_bounded(void **state)
{
	struct site s;
	unsigned taken = 0;

	(void)state;
	site_open(&s, &settings, 1);
	s.learner = learner_new(&settings);
	while (see(&s, taken * 0.001, taken % 30000, 900000 + taken, TRAFFIC_TCP, 1.5))
		taken++;
	assert_int_equal(taken, LEARN_RECORDS);
	learner_begin(s.learner);
	assert_false(see(&s, 0, 1, 2, TRAFFIC_TCP, 1.5));
	site_close(&s);
}

static void too_many_parties_are_told(void **state)
{
	struct learner *l = learner_new(&settings);
	struct alert a = {.many = false};

	(void)state;
	for (uint32_t i = 0; i < LEARN_PARTIES; i++) {
		memcpy(a.attacker, &i, sizeof(i));
		assert_true(learner_leave_out(l, &a));
	}
	assert_true(learner_leave_out(l, &a)); /* known */
	a.attacker[15] = 1;
	assert_false(learner_leave_out(l, &a));
	learner_free(l);
}

/* Captures of other times: evidence does not reach from one into the next, and no time passes. */
static void timelines_are_apart(void **state)
{
	struct learnt out;
	struct site s;

	(void)state;
	site_open(&s, &settings, 1);
	s.learner = learner_new(&settings);
	for (unsigned i = 0; i < 30; i++) {
		learner_begin(s.learner);
		for (unsigned k = 0; k < 3; k++) /* each half an alert */
			see(&s, 1000.0 * i + k, 1, 2, TRAFFIC_TCP, 3);
	}
	assert_int_equal(learner_margins(s.learner, 1e5, &out), 0);
	assert_float_equal(out.seconds, 60, 1e-6);
	assert_int_equal(out.alerts, 0);
	site_close(&s);
}

static void a_silence_is_no_more_than_an_hour(void **state)
{
	struct learnt out;
	struct site s;

	(void)state;
	site_open(&s, &settings, 1);
	s.learner = learner_new(&settings);
	see(&s, 0, 1, 2, TRAFFIC_TCP, -3);
	see(&s, 1e9, 1, 2, TRAFFIC_TCP, -3);
	see(&s, 1e9 - 5, 1, 2, TRAFFIC_TCP, -3); /* a clock that goes backwards */
	assert_int_equal(learner_margins(s.learner, 1, &out), 0);
	assert_float_equal(out.seconds, 3600, 1e-6);
	site_close(&s);
}

static void kinds_of_traffic_have_names(void **state)
{
	struct record r = {.proto = 6};

	(void)state;
	for (int t = 0; t < TRAFFICS; t++)
		assert_int_equal(traffic_find(traffic_name((enum traffic)t)), t);
	assert_int_equal(traffic_find("-"), -1);
	assert_int_equal(traffic_of(&r, SERVICE_NONE), TRAFFIC_TCP);
	assert_int_equal(traffic_of(&r, SERVICE_SSH), SERVICE_SSH);
	r.proto = 47;
	assert_int_equal(traffic_of(&r, SERVICE_NONE), TRAFFIC_OTHER);
}

static void a_shift_moves_the_margin_of_its_kind(void **state)
{
	struct evidence_settings with = settings, wide = settings;

	(void)state;
	with.shift[SERVICE_SSH] = 1.5F;
	wide.margin += 1.5F;
	assert_float_equal(evidence_score(&with, 0.1F, (enum traffic)SERVICE_SSH),
		evidence_score(&wide, 0.1F, TRAFFIC_TCP), 1e-6);
	assert_float_equal(evidence_score(&with, 0.1F, TRAFFIC_TCP),
		evidence_score(&settings, 0.1F, TRAFFIC_TCP), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted_rate_holds_on_fresh_draws),
		cmocka_unit_test(followed_rate_holds_on_fresh_draws),
		cmocka_unit_test(only_what_alarms_is_moved),
		cmocka_unit_test(rarer_alerts_need_wider_margins),
		cmocka_unit_test(without_evidence_nothing_is_moved),
		cmocka_unit_test(an_attack_is_left_out_unless_trusted),
		cmocka_unit_test(a_scan_is_found_beyond_the_bound),
		cmocka_unit_test(many_attackers_are_left_out),
		cmocka_unit_test(room_is_bounded),
		cmocka_unit_test(too_many_parties_are_told),
		cmocka_unit_test(timelines_are_apart),
		cmocka_unit_test(a_silence_is_no_more_than_an_hour),
		cmocka_unit_test(kinds_of_traffic_have_names),
		cmocka_unit_test(a_shift_moves_the_margin_of_its_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
