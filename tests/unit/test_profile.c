/* The profile file, and the tuned last layer that it may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detect/profile.h"
#include "util/rng.h"

enum { HIDDEN = 8, OUTPUTS = 3 };

static char path[] = "/tmp/karma-profile-XXXXXX";

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

static void fill(struct profile *p)
{
	memset(p, 0, sizeof(*p));
	p->shift[SERVICE_HTTP] = 1.5F;
	p->shift[TRAFFIC_UDP] = learn_most;
	p->has_site = p->has_tuning = true;
	p->site.counts.records = 10;
	for (int m = 0; m < DRIFT_MEASURES; m++) {
		p->site.counts.bin[m][m] = 10;
		p->site.limit[m] = 0.25 + m / 3.0;
	}
	p->tuning.hidden = HIDDEN;
	for (int i = 0; i < HIDDEN; i++)
		p->tuning.term[i] = 0.1F * (float)i;
}

static void write_it(const struct profile *p)
{
	struct learnt learnt = {.seconds = 3600, .records = 1000};
	struct error e = {""};

	assert_int_equal(profile_write(p, path, "0badcafe", "eth0", &learnt, 1, &e), 0);
}

static void write_text(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void what_is_written_is_read(void **state)
{
	struct profile *p = malloc(sizeof(*p)), *q = malloc(sizeof(*q));
	struct error e = {""};

	(void)state;
	fill(p);
	write_it(p);
	assert_int_equal(profile_read(q, path, "0badcafe", &e), 0);
	assert_memory_equal(q->shift, p->shift, sizeof(p->shift));
	assert_true(q->has_site && q->has_tuning);
	assert_memory_equal(&q->site.counts, &p->site.counts, sizeof(p->site.counts));
	for (int m = 0; m < DRIFT_MEASURES; m++)
		assert_float_equal(q->site.limit[m], p->site.limit[m], 1e-6);
	assert_memory_equal(q->tuning.term, p->tuning.term, sizeof(p->tuning.term));
	p->has_site = p->has_tuning = false;
	write_it(p);
	assert_int_equal(profile_read(q, path, "0badcafe", &e), 0);
	assert_false(q->has_site || q->has_tuning);
	free(p);
	free(q);
}

static void another_models_is_refused(void **state)
{
	struct profile *p = malloc(sizeof(*p));
	struct error e = {""};

	(void)state;
	fill(p);
	write_it(p);
	assert_int_equal(profile_read(p, path, "12345678", &e), -EINVAL);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "0badcafe"));
	assert_non_null(strstr(e.text, "karma learn"));
	free(p);
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"\xff\xfe",
		"{\"karma_profile\": \"1\"}",
		"{\"karma_profile\": 2, \"model\": \"m\", \"margins\": {}}",
		"{\"karma_profile\": 1, \"margins\": {}}",
		"{\"karma_profile\": 1, \"model\": 7, \"margins\": {}}",
		"{\"karma_profile\": 1, \"model\": \"m\"}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": [1]}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": NaN}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": 1e999}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": 3.5}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": -1}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": \"1\"}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"gopher\": 1}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": 1, \"http\": 2}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {}, \"traffic\": 1}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {}, \"traffic\": {}}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {}, \"last_layer\": []}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {}, \"last_layer\": [1e9]}",
		"{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {}, \"last_layer\": [null]}",
	};
	struct profile *p = malloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error e = {""};

		write_text(texts[i]);
		assert_int_equal(profile_read(p, path, "m", &e), -EINVAL);
		assert_non_null(strstr(e.text, "karma learn"));
		assert_null(strchr(e.text, '\n'));
	}
	write_text("{\"karma_profile\": 1, \"model\": \"m\", \"margins\": {\"http\": 3}}");
	assert_int_equal(profile_read(p, path, "m", &(struct error){""}), 0);
	free(p);
}

/* Cut off anywhere, or with any byte another: refused or read, never worse. */
static void damaged_files_do_no_harm(void **state)
{
	struct profile *p = malloc(sizeof(*p));
	char text[1 << 16];
	struct error e;
	size_t size;
	FILE *f;

	(void)state;
	fill(p);
	write_it(p);
	f = fopen(path, "r");
	assert_non_null(f);
	size = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[size] = '\0';
	for (size_t cut = 0; cut < size - 2; cut += 7) {
		char kept = text[cut];

		text[cut] = '\0';
		write_text(text);
		assert_int_not_equal(profile_read(p, path, "0badcafe", &e), 0);
		text[cut] = (char)(kept ^ 0x15);
		write_text(text);
		if (profile_read(p, path, "0badcafe", &e) == 0)
			for (int t = 0; t < TRAFFICS; t++)
				assert_true(p->shift[t] >= 0 && p->shift[t] <= learn_most);
		text[cut] = kept;
	}
	assert_int_equal(profile_read(p, "/nonexistent", "m", &e), -ENOENT);
	assert_int_not_equal(profile_read(p, "/tmp", "m", &e), 0);
	free(p);
}

/* ---- the last layer ---- */

/* Normal, DoS and Reconnaissance: read off the first two cells. */
static struct model a_model(void)
{
	struct model m = {.calibration = calibration_none};

	assert_int_equal(lstm_init(&m.net, (struct lstm_shape){4, 4, 1, HIDDEN, OUTPUTS}), 0);
	m.net.wo[0 * OUTPUTS + 0] = 4;
	m.net.wo[0 * OUTPUTS + 1] = -4;
	m.net.wo[1 * OUTPUTS + 2] = 5;
	m.header = json_pack("{s[sss]}", "classes", "Normal", "DoS", "Reconnaissance");
	return m;
}

static void judge_memory(const struct model *m, const float *h, struct verdict *v)
{
	static const enum karma_class class[] = {CLASS_NORMAL, CLASS_DOS, CLASS_RECONNAISSANCE};
	float logit[OUTPUTS] = {0};

	for (int i = 0; i < HIDDEN; i++)
		for (int c = 0; c < OUTPUTS; c++)
			logit[c] += h[i] * m->net.wo[i * OUTPUTS + c];
	calibration_apply(&m->calibration, logit, OUTPUTS, logit);
	memset(v, 0, sizeof(*v));
	for (int c = 0; c < OUTPUTS; c++)
		v->probability[class[c]] = logit[c];
	v->hidden = h;
}

/* The site's ordinary work is a bit odd to the model, and has a mark of its own in cell 5. */
static void ordinary(struct rng *r, float h[HIDDEN])
{
	for (int i = 0; i < HIDDEN; i++)
		h[i] = (float)(0.1 * (rng_uniform(r) - 0.5));
	h[0] = (float)(0.1 + 0.2 * rng_uniform(r));
	h[1] = 0.3F;
	h[5] = (float)(0.7 + 0.3 * rng_uniform(r));
}

static bool leaves_out(const void *context, const uint8_t actor[16], const uint8_t target[16])
{
	(void)target;
	return context && actor[0] == 1;
}

static void tuning_knows_the_site_and_forgets_no_attack(void **state)
{
	struct model m = a_model();
	struct tuner *t = tuner_new(&m);
	struct tuning tuning = {0};
	struct rng rng = {1};
	struct tuned how;
	struct verdict before, after, attack, still;
	float h[HIDDEN], far[HIDDEN] = {-0.9F, 0.9F};

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		ordinary(&rng, h);
		judge_memory(&m, h, &before);
		tuner_take(t, &before, (uint8_t[16]){9});
	}
	judge_memory(&m, far, &attack);
	assert_true(tuner_fit(t, leaves_out, NULL, &tuning, &how));
	print_message(
		"cross-entropy %.3f -> %.3f, length %.3f\n", how.before, how.after, how.length);
	assert_true(how.after < 0.9 * how.before);
	assert_true(how.length <= 0.2501);
	/* orthogonal to both directions in which an attack differs from Normal */
	assert_float_equal(tuning.term[0], 0, 1e-5);
	assert_float_equal(tuning.term[1], 0, 1e-5);
	assert_true(tuning_apply(&tuning, &m));
	judge_memory(&m, h, &after);
	assert_true(after.probability[CLASS_NORMAL] > before.probability[CLASS_NORMAL] + 0.05F);
	judge_memory(&m, far, &still);
	assert_float_equal(still.probability[CLASS_NORMAL], attack.probability[CLASS_NORMAL], 1e-6);
	tuning.hidden = HIDDEN + 1;
	assert_false(tuning_apply(&tuning, &m));
	tuner_free(t);
	model_free(&m);
}

/* What all of the site's records have in common is not learnt: it would be a bias for whatever
 * comes.
 */
static void what_all_memories_share_is_no_bias(void **state)
{
	struct model m = a_model();
	struct tuner *t = tuner_new(&m);
	struct tuning tuning = {0};
	struct rng rng = {1};
	struct tuned how;
	struct verdict v;
	float h[HIDDEN] = {0.9F, 0, 0.4F, 0, 0, 0.8F};
	double mean = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		h[6] = (float)(0.2 * (rng_uniform(&rng) - 0.5));
		judge_memory(&m, h, &v);
		tuner_take(t, &v, (uint8_t[16]){9});
	}
	assert_true(tuner_fit(t, leaves_out, NULL, &tuning, &how));
	h[6] = 0;
	for (int i = 0; i < HIDDEN; i++)
		mean += (double)tuning.term[i] * (double)h[i];
	assert_float_equal(mean, 0, 1e-3);
	tuner_free(t);
	model_free(&m);
}

static void who_is_left_out_teaches_nothing(void **state)
{
	struct model m = a_model();
	struct tuner *t = tuner_new(&m);
	struct tuning tuning;
	struct rng rng = {1};
	struct tuned how;
	struct verdict v;
	float h[HIDDEN];

	(void)state;
	assert_false(tuner_fit(t, leaves_out, NULL, &tuning, &how)); /* nothing was taken in */
	for (unsigned i = 0; i < 100; i++) {
		ordinary(&rng, h);
		judge_memory(&m, h, &v);
		v.actor[0] = 1;
		tuner_take(t, &v, (uint8_t[16]){9});
	}
	assert_false(tuner_fit(t, leaves_out, &m, &tuning, &how));
	assert_true(tuner_fit(t, leaves_out, NULL, &tuning, &how));
	assert_int_equal(how.records, 100);
	tuner_free(t);
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(another_models_is_refused),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(damaged_files_do_no_harm),
		cmocka_unit_test(tuning_knows_the_site_and_forgets_no_attack),
		cmocka_unit_test(what_all_memories_share_is_no_bias),
		cmocka_unit_test(who_is_left_out_teaches_nothing),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
