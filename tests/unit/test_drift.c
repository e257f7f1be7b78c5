/* Drift: the index against its definition, and traffic that is drawn from what was learnt or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "detect/drift.h"
#include "util/rng.h"

static const int64_t second = 1000000000LL;

/* Traffic of two kinds with the share `dns`, of answers about 4^size bytes. */
struct mix {
	double dns, size;
	struct rng rng;
	int64_t at_ns;
};

static void draw(struct mix *m, struct record *r, struct verdict *v)
{
	bool dns = rng_uniform(&m->rng) < m->dns;

	m->at_ns += second / 5;
	*r = (struct record){.at_ns = m->at_ns, .state = dns ? STATE_CON : STATE_FIN};
	r->side[DST].bytes = (uint64_t)pow(4, m->size + rng_uniform(&m->rng));
	*v = (struct verdict){.traffic = (enum traffic)(dns ? SERVICE_DNS : SERVICE_HTTP)};
	v->probability[CLASS_NORMAL] = (float)(0.9 + 0.0999 * rng_uniform(&m->rng));
}

static bool learn(struct mix *m, unsigned records, struct drift_site *site)
{
	struct drift_learner *d = drift_learner_new();
	struct record r;
	struct verdict v;
	bool enough;

	assert_non_null(d);
	while (records--) {
		draw(m, &r, &v);
		drift_learner_take(d, &r, &v);
	}
	enough = drift_learner_site(d, site);
	drift_learner_free(d);
	return enough;
}

/* One kind of records joins the baseline at the end only: nothing comes out otherwise. */
static void what_joins_at_the_end_is_part_of_it(void **state)
{
	static struct drift_mark mark[6000];
	struct mix m = {.dns = 0.5, .size = 4, .rng.state = 6};
	struct drift_learner *d = drift_learner_new();
	struct drift_counts all = {.records = 0};
	struct drift_site site;
	unsigned marks = 0;

	(void)state;
	assert_non_null(d);
	for (int i = 0; i < 6000; i++) {
		struct record r;
		struct verdict v;

		draw(&m, &r, &v);
		drift_count(&all, &r, &v);
		if (r.state == STATE_CON)
			mark[marks++] = drift_learner_mark(d, &r, &v);
		else
			drift_learner_take(d, &r, &v);
	}
	for (unsigned i = 0; i < marks; i++)
		drift_learner_add(d, &mark[i]);
	assert_true(drift_learner_site(d, &site));
	assert_memory_equal(&site.counts, &all, sizeof(all));
	for (int k = 0; k < DRIFT_MEASURES; k++)
		assert_float_equal(site.limit[k], 0.25, 1e-9);
	drift_learner_free(d);
}

/* How many pieces of news there were; the last is in `news`. */
static unsigned watch(struct drift *d, struct mix *m, unsigned records, struct drift_news *news)
{
	struct drift_news n;
	struct record r;
	struct verdict v;
	unsigned count = 0;

	while (records--) {
		draw(m, &r, &v);
		if (drift_take(d, &r, &v, &n)) {
			*news = n;
			count++;
		}
	}
	return count;
}

static void index_is_the_sum_over_bins(void **state)
{
	const double half = 0.5 / 1000;
	struct drift_counts a = {.records = 1000}, b = {.records = 500};
	double p = 0.7 + half, q = 0.2 + half,
	       other = (0.3 - 0.8) * log((0.3 + half) / (0.8 + half));

	(void)state;
	a.bin[DRIFT_STATE][3] = 700;
	a.bin[DRIFT_STATE][5] = 300;
	b.bin[DRIFT_STATE][3] = 100;
	b.bin[DRIFT_STATE][5] = 400;
	assert_float_equal(drift_index(&a, &b, DRIFT_STATE), (p - q) * log(p / q) + other, 1e-6);
	assert_float_equal(
		drift_index(&a, &b, DRIFT_STATE), drift_index(&b, &a, DRIFT_STATE), 1e-9);
	assert_float_equal(drift_index(&a, &a, DRIFT_STATE), 0, 0);
	b.records = 0;
	memset(b.bin, 0, sizeof(b.bin));
	assert_true(isfinite((float)drift_index(&a, &b, DRIFT_STATE)));
}

static void the_same_traffic_does_not_drift(void **state)
{
	struct mix m = {.dns = 0.4, .size = 3};
	struct drift_site site;
	struct drift_news news;
	struct drift *d;

	(void)state;
	assert_true(learn(&m, 10000, &site));
	assert_int_equal(site.counts.records, 10000);
	for (int i = 0; i < DRIFT_MEASURES; i++)
		assert_float_equal(site.limit[i], 0.25, 0); /* steady: no more than by custom */
	d = drift_new(&site);
	assert_int_equal(watch(d, &m, 300000, &news), 0);
	assert_false(drift_end(d, &news));
	assert_false(drift_is_on(d));
	drift_free(d);
}

static void other_traffic_is_told_once_and_its_end(void **state)
{
	struct mix m = {.dns = 0.4, .size = 3}, other = {.dns = 0.95, .size = 3};
	struct drift_site site;
	struct drift_news news;
	char text[DRIFT_TEXT];
	struct drift *d;

	(void)state;
	assert_true(learn(&m, 10000, &site));
	d = drift_new(&site);
	other.at_ns = m.at_ns;
	assert_int_equal(watch(d, &other, 20000, &news), 1);
	assert_true(news.drifted && drift_is_on(d));
	assert_int_equal(news.measure, DRIFT_TRAFFIC);
	assert_true(news.index > news.limit);
	assert_non_null(strstr(drift_text(&news, text), "service"));
	assert_true(news.bin == SERVICE_DNS || news.bin == SERVICE_HTTP);
	m.at_ns = other.at_ns;
	assert_int_equal(watch(d, &m, 20000, &news), 1);
	assert_false(news.drifted || drift_is_on(d));
	m.size = 6;
	assert_int_equal(watch(d, &m, 2000, &news), 1);
	assert_int_equal(news.measure, DRIFT_BYTES);
	assert_non_null(strstr(drift_text(&news, text), "bytes"));
	drift_free(d);
}

/* A site that goes back and forth by nature: that is usual, more than that is not. */
static void what_varies_may_go_on_varying(void **state)
{
	struct mix m = {.dns = 0.3, .size = 3};
	struct drift_learner *l = drift_learner_new();
	struct drift_site site;
	struct drift_news news;
	struct record r;
	struct verdict v;
	struct drift *d;

	(void)state;
	for (unsigned i = 0; i < 40000; i++) {
		m.dns = i / 2000 % 2 ? 0.3 : 0.75;
		draw(&m, &r, &v);
		drift_learner_take(l, &r, &v);
	}
	assert_true(drift_learner_site(l, &site));
	assert_true(site.limit[DRIFT_TRAFFIC] > 0.25);
	d = drift_new(&site);
	for (unsigned i = 0; i < 40; i++) {
		m.dns = i % 2 ? 0.3 : 0.75;
		assert_int_equal(watch(d, &m, 2000, &news), 0);
	}
	m.dns = 0.001;
	assert_int_equal(watch(d, &m, 4000, &news), 1);
	drift_free(d);
	drift_learner_free(l);
}

static void little_traffic_is_told(void **state)
{
	struct mix m = {.dns = 0.4, .size = 3};
	struct drift_site site;

	(void)state;
	assert_false(learn(&m, 3 * DRIFT_BLOCK, &site));
	assert_true(learn(&m, 4 * DRIFT_BLOCK + 10, &site));
}

/* A block takes a minute: a burst of thousands of records is no window by itself. */
static void a_burst_is_no_window(void **state)
{
	struct mix m = {.dns = 0.4, .size = 3}, burst = {.dns = 1, .size = 9};
	struct drift_site site;
	struct drift_news news;
	struct record r;
	struct verdict v;
	struct drift *d;

	(void)state;
	assert_true(learn(&m, 10000, &site));
	d = drift_new(&site);
	assert_int_equal(watch(d, &m, 5000, &news), 0);
	for (unsigned i = 0; i < 100; i++) { /* a clock of its own, which stands still */
		drift_begin(d);
		burst.at_ns = 0;
		draw(&burst, &r, &v);
		assert_false(drift_take(d, &r, &v, &news));
	}
	drift_free(d);
}

/* More windows than are kept. */
static void learning_is_bounded(void **state)
{
	struct mix m = {.dns = 0.4, .size = 3};
	struct drift_site site;

	(void)state;
	assert_true(learn(&m, 400000, &site));
	assert_int_equal(site.counts.records, 400000);
	assert_float_equal(site.limit[DRIFT_TRAFFIC], 0.25, 0);
}

static void what_is_written_is_read(void **state)
{
	struct mix m = {.dns = 0.4, .size = 3};
	struct drift_site site, again;
	json_t *j, *service;

	(void)state;
	assert_true(learn(&m, 5000, &site));
	j = drift_site_json(&site);
	memset(&again, 0, sizeof(again));
	assert_int_equal(drift_site_read(&again, j), 0);
	assert_memory_equal(&again.counts, &site.counts, sizeof(site.counts));
	service = json_object_get(j, "service");
	json_object_set_new(service, "limit", json_real(0.1));
	assert_int_equal(drift_site_read(&again, j), -EINVAL);
	json_object_set_new(service, "limit", json_real(0.5));
	json_array_set_new(json_object_get(service, "counts"), 0, json_integer(7));
	assert_int_equal(drift_site_read(&again, j), -EINVAL); /* no sum */
	json_array_set_new(json_object_get(service, "counts"), 0, json_integer(-1));
	assert_int_equal(drift_site_read(&again, j), -EINVAL);
	json_object_del(j, "service");
	assert_int_equal(drift_site_read(&again, j), -EINVAL);
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(index_is_the_sum_over_bins),
		cmocka_unit_test(what_joins_at_the_end_is_part_of_it),
		cmocka_unit_test(the_same_traffic_does_not_drift),
		cmocka_unit_test(other_traffic_is_told_once_and_its_end),
		cmocka_unit_test(what_varies_may_go_on_varying),
		cmocka_unit_test(little_traffic_is_told),
		cmocka_unit_test(a_burst_is_no_window),
		cmocka_unit_test(learning_is_bounded),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
