/* The encoder: fitting, unknown values, clipping, and the description in a model file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "feature/encode.h"
#include "sample.h"

enum { MANY = 1000, MAX_INPUTS = 1024 };

static struct row unknown_row(void)
{
	struct row row = {.label = -1};

	for (int i = 0; i < FEATURE_MAX; i++)
		row.value[i] = NAN;
	return row;
}

/* Where in x the inputs of a feature start, and which place it has in the encoder. */
static unsigned place(const struct encoder *enc, int feature, unsigned *k)
{
	unsigned at = 0;

	for (*k = 0; enc->feature[*k] != feature; (*k)++) {
		const struct feature *f = &features[enc->feature[*k]];
		unsigned n = 1;

		assert_true(*k < enc->features);
		if (f->kind == KIND_CATEGORY)
			for (n = 0; f->values[n]; n++)
				;
		at += n;
	}
	return at;
}

static void inputs_are_counted(void **unused)
{
	struct encoder live, published;
	unsigned k, last;

	(void)unused;
	encoder_init(&live, SET_LIVE);
	encoder_init(&published, SET_PUBLISHED);
	assert_int_equal(published.features, 37);
	last = place(&live, live.feature[live.features - 1], &k);
	assert_int_equal(live.inputs, last + 1);
	assert_true(live.inputs < MAX_INPUTS);
}

static void numbers_are_standardised(void **unused)
{
	struct encoder enc;
	static struct row rows[MANY];
	static float x[MAX_INPUTS];
	double sum = 0, squares = 0;
	unsigned k, at;

	(void)unused;
	for (int i = 0; i < MANY; i++) {
		rows[i] = unknown_row();
		rows[i].value[COL_DUR] = i % 10 ? 0.001 * i : NAN;
		rows[i].value[COL_SBYTES] = 1000;
	}
	encoder_init(&enc, SET_LIVE);
	assert_int_equal(encoder_fit(&enc, rows, MANY, 0), 0);
	at = place(&enc, COL_DUR, &k);
	for (int i = 0; i < MANY; i++) {
		encoder_apply(&enc, &rows[i], NULL, x, NULL);
		if (i % 10 == 0) {
			assert_close(x[at], 0, 0);
			continue;
		}
		sum += x[at];
		squares += x[at] * x[at];
	}
	assert_close(sum / 900, 0, 1e-4);
	assert_close(squares / 900, 1, 1e-4);

	/* What never varied says nothing, whatever it is later; what was never known as well. */
	rows[0].value[COL_SBYTES] = 5e9;
	rows[0].value[COL_RATE] = 5e9;
	encoder_apply(&enc, &rows[0], NULL, x, NULL);
	assert_close(x[place(&enc, COL_SBYTES, &k)], 0, 0);
	assert_close(x[place(&enc, COL_RATE, &k)], 0, 0);
}

static void outliers_are_clipped(void **unused)
{
	struct encoder enc;
	struct row row = unknown_row();
	static float x[MAX_INPUTS];
	unsigned k;

	(void)unused;
	encoder_init(&enc, SET_LIVE);
	row.value[COL_DUR] = 1e12;
	row.value[COL_SPKTS] = INFINITY;
	row.value[COL_NEWS] = -1e12;
	encoder_apply(&enc, &row, NULL, x, NULL);
	assert_close(x[place(&enc, COL_DUR, &k)], 8, 0);
	assert_close(x[place(&enc, COL_SPKTS, &k)], 8, 0);
	assert_close(x[place(&enc, COL_NEWS, &k)], -8, 0);
}

static void categories_are_one_hot(void **unused)
{
	struct encoder enc;
	struct row row = unknown_row();
	static float x[MAX_INPUTS], without[MAX_INPUTS];
	bool blank[FEATURE_MAX] = {false};
	unsigned k, at;
	int udp = feature_category(&features[COL_PROTO], "udp");

	(void)unused;
	encoder_init(&enc, SET_LIVE);
	at = place(&enc, COL_PROTO, &k);
	encoder_apply(&enc, &row, NULL, x, NULL);
	for (unsigned i = 0; i < enc.inputs; i++)
		assert_close(x[i], 0, 0);
	row.value[COL_PROTO] = udp;
	row.value[COL_DUR] = 3;
	encoder_apply(&enc, &row, NULL, x, NULL);
	for (int i = 0; features[COL_PROTO].values[i]; i++)
		assert_close(x[at + (unsigned)i], i == udp, 0);
	blank[k] = true;
	encoder_apply(&enc, &row, blank, without, NULL);
	for (unsigned i = 0; i < enc.inputs; i++)
		assert_close(without[i], i == at + (unsigned)udp ? 0 : x[i], 0);
}

/* ---- in bins ---- */

/* sbytes i for i < 1000; spkts 1, 2, 3; rate never varies, dur is never known. */
static struct row *varied_rows(void)
{
	static struct row rows[MANY];

	for (int i = 0; i < MANY; i++) {
		rows[i] = unknown_row();
		rows[i].value[COL_SBYTES] = i;
		rows[i].value[COL_SPKTS] = i < 700 ? 1 : i < 999 ? 2 : 3;
		rows[i].value[COL_RATE] = 5;
	}
	return rows;
}

static void a_number_stands_between_two_knots(void **unused)
{
	static struct encoder enc;
	struct lstm_entry entry[ENCODER_ENTRIES];
	struct error e;
	struct row row = unknown_row();
	double step = features[COL_SBYTES].step;

	(void)unused;
	assert_int_equal(encoder_choose(&enc, "sbytes,spkts,rate,dur,proto", &e), 0);
	assert_int_equal(encoder_fit(&enc, varied_rows(), MANY, 10), 0);
	/* In the table's order: proto, dur, sbytes, spkts, rate. */
	assert_int_equal(enc.features, 5);
	assert_int_equal(enc.knots[1], 0);
	assert_int_equal(enc.knots[2], 11);
	assert_int_equal(enc.knots[3], 3);
	assert_int_equal(enc.knots[4], 0);
	assert_int_equal(enc.inputs, 10 + 11 + 3);
	assert_int_equal(enc.dense, 0);

	assert_int_equal(encoder_apply(&enc, &row, NULL, NULL, entry), 0);
	row.value[COL_DUR] = row.value[COL_RATE] = 7;
	assert_int_equal(encoder_apply(&enc, &row, NULL, NULL, entry), 0);
	row.value[COL_PROTO] = feature_category(&features[COL_PROTO], "udp");
	row.value[COL_SPKTS] = 2;
	for (double bytes = 0; bytes < 1200; bytes += 7.3) {
		double x = fmin(log1p(bytes / step), log1p(999 / step)), sum = 0;
		struct lstm_entry *at = entry + 1;

		row.value[COL_SBYTES] = bytes;
		assert_int_equal(encoder_apply(&enc, &row, NULL, NULL, entry), 5);
		assert_int_equal(entry[0].row, 1);
		assert_close(entry[0].value, 1, 0);
		assert_int_equal(at[1].row, at[0].row + 1);
		assert_true(at[0].row >= 10 && at[1].row < 21);
		assert_close(at[0].value + at[1].value, 1, 1e-6);
		for (int i = 0; i < 2; i++)
			sum += (double)at[i].value * (double)enc.knot[2][at[i].row - 10];
		assert_close(sum, x, 1e-4); /* the mean of its knots is the number */
		sum = 0;
		for (int i = 2; i < 4; i++)
			sum += (double)at[i].value * (at[i].row - 21);
		assert_close(sum, 1, 1e-6); /* 2 packets: on the second of the three knots */
	}
	row.value[COL_SBYTES] = -5;
	encoder_apply(&enc, &row, NULL, NULL, entry);
	assert_close(entry[1].value, 1, 0);
	row.value[COL_SBYTES] = INFINITY;
	encoder_apply(&enc, &row, NULL, NULL, entry);
	assert_close(entry[2].value, 1, 0);
	assert_int_equal(entry[2].row, 20);
}

static void blank_numbers_have_no_entries(void **unused)
{
	static struct encoder enc;
	struct lstm_entry entry[ENCODER_ENTRIES];
	struct error e;
	struct row row = unknown_row();
	bool blank[FEATURE_MAX] = {true};

	(void)unused;
	assert_int_equal(encoder_choose(&enc, "sbytes,spkts", &e), 0);
	assert_int_equal(encoder_fit(&enc, varied_rows(), MANY, 4), 0);
	row.value[COL_SBYTES] = 3;
	row.value[COL_SPKTS] = 3;
	assert_int_equal(encoder_apply(&enc, &row, NULL, NULL, entry), 4);
	assert_int_equal(encoder_apply(&enc, &row, blank, NULL, entry), 2);
	assert_int_equal(entry[1].row, enc.inputs - 1);
}

static void the_last_input_tells_the_view(void **unused)
{
	static struct encoder enc, back;
	struct lstm_entry entry[ENCODER_ENTRIES];
	struct row row = unknown_row();
	struct error e;
	float x[8];
	json_t *json;

	(void)unused;
	for (unsigned bins = 0; bins <= 4; bins += 4) {
		assert_int_equal(encoder_choose(&enc, "sbytes,spkts", &e), 0);
		encoder_show_views(&enc);
		assert_int_equal(encoder_fit(&enc, varied_rows(), MANY, bins), 0);
		json = encoder_to_json(&enc);
		assert_int_equal(encoder_from_json(&back, json, &e), 0);
		json_decref(json);
		assert_true(back.views);
		assert_int_equal(back.inputs, enc.inputs);
		assert_int_equal(back.dense, bins ? 0 : 3);
		row.view = VIEW_ACTOR;
		assert_int_equal(encoder_apply(&back, &row, NULL, x, entry), 0);
		assert_true(bins || x[2] == 0);
		row.view = VIEW_TARGET;
		assert_int_equal(encoder_apply(&back, &row, NULL, x, entry), bins ? 1 : 0);
		assert_true(bins || x[2] == 1);
		assert_true(!bins || (entry[0].row == back.inputs - 1 && entry[0].value == 1));
	}
}

static void features_are_chosen_by_a_list(void **unused)
{
	static struct encoder enc, set;
	struct error e = {""};

	(void)unused;
	encoder_init(&set, SET_PUBLISHED);
	assert_int_equal(encoder_choose(&enc, "published", &e), 0);
	assert_memory_equal(enc.feature, set.feature, sizeof(set.feature));
	assert_int_equal(enc.inputs, set.inputs);
	assert_int_equal(encoder_choose(&enc, "published,-ct_*", &e), 0);
	assert_int_equal(enc.features, 37 - 9);
	assert_int_equal(encoder_choose(&enc, "published,sttl,DTTL,ct_state_ttl", &e), 0);
	assert_int_equal(enc.features, 40);
	assert_int_equal(encoder_choose(&enc, "moon_phase,dur", &e), -EINVAL);
	assert_non_null(strstr(e.text, "moon_phase"));
	assert_int_equal(encoder_choose(&enc, "dur,srcip", &e), -EINVAL);
	assert_int_equal(encoder_choose(&enc, "*", &e), -EINVAL);
	assert_int_equal(encoder_choose(&enc, "", &e), -EINVAL);
	assert_int_equal(encoder_choose(&enc, "dur,-dur", &e), -EINVAL);
}

static json_t *knots(json_t *list)
{
	static struct encoder enc;
	struct error e;
	json_t *json;

	assert_int_equal(encoder_choose(&enc, "sbytes", &e), 0);
	assert_int_equal(encoder_fit(&enc, varied_rows(), MANY, 10), 0);
	json = encoder_to_json(&enc);
	json_object_set_new(json_array_get(json_object_get(json, "features"), 0), "knots", list);
	return json;
}

static void knots_come_back(void **unused)
{
	static struct encoder enc, back;
	struct error e;
	json_t *json, *read;
	char *text;

	(void)unused;
	encoder_init(&enc, SET_LIVE);
	assert_int_equal(encoder_fit(&enc, varied_rows(), MANY, 64), 0);
	json = encoder_to_json(&enc);
	text = json_dumps(json, JSON_REAL_PRECISION(9)); /* as model_save() does */
	read = json_loads(text, 0, NULL);
	assert_int_equal(encoder_from_json(&back, read, &e), 0);
	assert_true(back.binned);
	assert_int_equal(back.inputs, enc.inputs);
	assert_int_equal(back.dense, 0);
	assert_memory_equal(back.knots, enc.knots, sizeof(enc.knots));
	for (unsigned k = 0; k < enc.features; k++)
		assert_memory_equal(back.knot[k], enc.knot[k], enc.knots[k] * sizeof(float));
	free(text);
	json_decref(json);
	json_decref(read);
}

/* ---- in a model file ---- */

static void a_description_comes_back(void **unused)
{
	struct encoder enc, back;
	json_t *json, *read;
	char *text;
	struct error e;

	(void)unused;
	encoder_init(&enc, SET_PUBLISHED);
	for (unsigned k = 0; k < enc.features; k++) {
		if (features[enc.feature[k]].kind == KIND_CATEGORY)
			continue;
		enc.mean[k] = 0.1F * (float)k;
		enc.scale[k] = 1 / (1 + enc.mean[k]);
	}
	json = encoder_to_json(&enc);
	text = json_dumps(json, 0);
	read = json_loads(text, 0, NULL);
	assert_int_equal(encoder_from_json(&back, read, &e), 0);
	assert_int_equal(back.features, enc.features);
	assert_int_equal(back.inputs, enc.inputs);
	assert_memory_equal(back.feature, enc.feature, sizeof(enc.feature));
	assert_memory_equal(back.mean, enc.mean, sizeof(enc.mean));
	for (unsigned k = 0; k < enc.features; k++)
		if (features[enc.feature[k]].kind != KIND_CATEGORY)
			assert_close(back.scale[k], enc.scale[k], 0);
	free(text);
	json_decref(json);
	json_decref(read);
}

static void assert_refused(json_t *json, int code, const char *words)
{
	struct encoder enc;
	struct error e = {""};
	int got = encoder_from_json(&enc, json, &e);

	if (got != code || !strstr(e.text, words))
		fail_msg("%d instead of %d: '%s' lacks '%s'", got, code, e.text, words);
	json_decref(json);
}

static json_t *changed(const char *key, json_t *value)
{
	struct encoder enc;
	json_t *json;

	encoder_init(&enc, SET_LIVE);
	json = encoder_to_json(&enc);
	json_object_set_new(json, key, value);
	return json;
}

static json_t *changed_feature(const char *key, json_t *value)
{
	json_t *json = changed("unused", json_null());

	json_object_set_new(json_array_get(json_object_get(json, "features"), 2), key, value);
	return json;
}

static void foreign_descriptions_are_refused(void **unused)
{
	(void)unused;
	assert_refused(json_null(), -EINVAL, "no input description");
	assert_refused(json_object(), -EINVAL, "no input description");
	assert_refused(changed("features", json_array()), -EINVAL, "no input description");
	assert_refused(changed("features", json_pack("[i]", 3)), -EINVAL, "lacks a feature's name");
	assert_refused(changed("table", json_string("0123456789abcdef")), -EPROTO,
		"another feature table (hash 0123456789abcdef");
	assert_refused(changed_feature("name", json_string("moon_phase")), -EPROTO,
		"no feature 'moon_phase'");
	assert_refused(changed_feature("name", json_string("proto")), -EPROTO, "twice 'proto'");
	assert_refused(changed_feature("name", json_string("srcip")), -EPROTO, "srcip");
	assert_refused(changed_feature("name", json_string("sload")), -EPROTO, "feature table");
	assert_refused(changed_feature("mean", json_real(1e300)), -EINVAL, "beyond all numbers");
	assert_refused(knots(json_null()), -EINVAL, "no knots");
	assert_refused(knots(json_pack("[f]", 1.0)), -EINVAL, "no knots");
	assert_refused(knots(json_pack("[ff]", 1.0, 1.0)), -EINVAL, "no knots");
	assert_refused(knots(json_pack("[fs]", 1.0, "2")), -EINVAL, "no knots");
	assert_refused(knots(json_pack("[ff]", 1.0, 1e300)), -EINVAL, "no knots");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inputs_are_counted),
		cmocka_unit_test(numbers_are_standardised),
		cmocka_unit_test(outliers_are_clipped),
		cmocka_unit_test(categories_are_one_hot),
		cmocka_unit_test(a_number_stands_between_two_knots),
		cmocka_unit_test(blank_numbers_have_no_entries),
		cmocka_unit_test(the_last_input_tells_the_view),
		cmocka_unit_test(features_are_chosen_by_a_list),
		cmocka_unit_test(knots_come_back),
		cmocka_unit_test(a_description_comes_back),
		cmocka_unit_test(foreign_descriptions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
