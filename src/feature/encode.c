#include "feature/encode.h"

#include <errno.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const float CLIP = 8;

enum { HASH_TEXT = 17 }; /* 64 bits in hex */

static unsigned inputs_of(const struct feature *f)
{
	unsigned n = 0;

	if (f->kind != KIND_CATEGORY)
		return 1;
	while (f->values[n])
		n++;
	return n;
}

static double scaled(const struct feature *f, double value)
{
	if (f->scale != SCALE_LOG)
		return value;
	return value > 0 ? log1p(value / f->step) : 0;
}

/* ---- which features ---- */

static bool is_input(const struct feature *f)
{
	return f->kind == KIND_NUMBER || f->kind == KIND_CATEGORY;
}

static void add_feature(struct encoder *enc, unsigned i)
{
	enc->feature[enc->features] = (uint16_t)i;
	enc->scale[enc->features] = 1;
	enc->features++;
	enc->inputs += inputs_of(&features[i]);
	enc->dense = enc->inputs;
}

void encoder_init(struct encoder *enc, unsigned set)
{
	memset(enc, 0, sizeof(*enc));
	for (unsigned i = 0; i < feature_count; i++)
		if (features[i].sets & set)
			add_feature(enc, i);
}

void encoder_show_views(struct encoder *enc)
{
	enc->views = true;
	enc->inputs++;
	enc->dense++;
}

/* One item of a list. How many features it names. */
static unsigned mark(const char *item, bool wanted[FEATURE_MAX])
{
	bool want = *item != '-';
	const char *name = item + !want;
	size_t length = strlen(name);
	unsigned set = strcmp(name, "live") == 0        ? SET_LIVE
		       : strcmp(name, "published") == 0 ? SET_PUBLISHED
							: 0;
	bool begins = length > 1 && name[length - 1] == '*';
	int one = feature_find(name);
	unsigned named = 0;

	for (unsigned i = 0; i < feature_count; i++) {
		const struct feature *f = &features[i];

		if (!is_input(f) || (set             ? !(f->sets & set)
					    : begins ? strncasecmp(name, f->name, length - 1) != 0
						     : (int)i != one))
			continue;
		wanted[i] = want;
		named++;
	}
	return named;
}

int encoder_choose(struct encoder *enc, const char *list, struct error *e)
{
	bool wanted[FEATURE_MAX] = {false};
	char *copy = strdup(list), *next = copy, *item;
	int err = copy ? 0 : error_set(e, -ENOMEM, "not enough memory");

	while (!err && (item = strsep(&next, ",")))
		if (mark(item, wanted) == 0)
			err = error_set(e, -EINVAL,
				"'%.60s' names no number or category of the feature table; 'karma "
				"help features' prints it",
				item);
	free(copy);
	if (err)
		return err;
	memset(enc, 0, sizeof(*enc));
	for (unsigned i = 0; i < feature_count; i++)
		if (wanted[i])
			add_feature(enc, i);
	return enc->features ? 0 : error_set(e, -EINVAL, "the list leaves no feature at all");
}

/* ---- learning the scaling ---- */

static void fit_plain(struct encoder *enc, unsigned k, const struct row *rows, size_t count)
{
	unsigned i = enc->feature[k];
	double n = 0, mean = 0, squares = 0;

	for (size_t r = 0; r < count; r++) {
		double value = rows[r].value[i], x, delta;

		if (isnan(value))
			continue;
		x = scaled(&features[i], value);
		delta = x - mean;
		n++;
		mean += delta / n;
		squares += delta * (x - mean);
	}
	enc->mean[k] = (float)mean;
	enc->scale[k] = n && squares / n > 1e-10 ? (float)(1 / sqrt(squares / n)) : 0;
}

static int rising(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* Knots at the quantiles; equal ones are one. `value` holds `count` numbers for a while. */
static void fit_bins(struct encoder *enc, unsigned k, const struct row *rows, size_t count,
	unsigned bins, float *value)
{
	unsigned i = enc->feature[k], knots = 0;
	size_t n = 0;

	for (size_t r = 0; r < count; r++) {
		float x = (float)scaled(&features[i], rows[r].value[i]);

		if (isfinite(x))
			value[n++] = x;
	}
	qsort(value, n, sizeof(*value), rising);
	for (unsigned b = 0; n && b <= bins; b++) {
		float x = value[(n - 1) * b / bins];

		if (knots == 0 || x > enc->knot[k][knots - 1])
			enc->knot[k][knots++] = x;
	}
	enc->knots[k] = knots > 1 ? knots : 0;
}

/* The inputs of the form in bins, from the knots. */
static void count_bins(struct encoder *enc)
{
	enc->binned = true;
	enc->dense = enc->inputs = 0;
	for (unsigned k = 0; k < enc->features; k++) {
		const struct feature *f = &features[enc->feature[k]];

		enc->inputs += f->kind == KIND_CATEGORY ? inputs_of(f) : enc->knots[k];
	}
	enc->inputs += enc->views;
}

int encoder_fit(struct encoder *enc, const struct row *rows, size_t count, unsigned bins)
{
	float *value = bins ? calloc(count + 1, sizeof(*value)) : NULL;

	if (bins && !value)
		return -ENOMEM;
	for (unsigned k = 0; k < enc->features; k++) {
		if (features[enc->feature[k]].kind == KIND_CATEGORY)
			continue;
		if (bins)
			fit_bins(enc, k, rows, count, bins, value);
		else
			fit_plain(enc, k, rows, count);
	}
	free(value);
	if (bins)
		count_bins(enc);
	return 0;
}

/* ---- encoding ---- */

/* The dense inputs of feature k; returns what follows them. */
static float *apply_plain(const struct encoder *enc, unsigned k, double value, float *x)
{
	const struct feature *f = &features[enc->feature[k]];
	float y;

	if (f->kind == KIND_CATEGORY) {
		unsigned n = inputs_of(f);

		memset(x, 0, n * sizeof(*x));
		if (!isnan(value))
			x[(unsigned)value] = 1;
		return x + n;
	}
	y = isnan(value) ? 0 : ((float)scaled(f, value) - enc->mean[k]) * enc->scale[k];
	*x = y > CLIP ? CLIP : y < -CLIP ? -CLIP : y;
	return x + 1;
}

/* The bin of x: knot[bin] <= x < knot[bin + 1], or the nearest one. */
static unsigned find_bin(const float *knot, unsigned knots, float x)
{
	unsigned low = 0, high = knots - 1;

	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (x >= knot[middle])
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The entries of a feature whose rows begin at `row`: how many. */
static int apply_bins(
	const struct encoder *enc, unsigned k, double value, uint32_t row, struct lstm_entry *entry)
{
	const struct feature *f = &features[enc->feature[k]];
	const float *knot = enc->knot[k];
	float x, part;
	unsigned bin;

	if (isnan(value))
		return 0;
	if (f->kind == KIND_CATEGORY) {
		entry[0] = (struct lstm_entry){row + (uint32_t)value, 1};
		return 1;
	}
	if (enc->knots[k] == 0)
		return 0;
	x = (float)scaled(f, value);
	bin = find_bin(knot, enc->knots[k], x);
	part = (x - knot[bin]) / (knot[bin + 1] - knot[bin]);
	part = part > 1 ? 1 : part > 0 ? part : 0;
	entry[0] = (struct lstm_entry){row + bin, 1 - part};
	entry[1] = (struct lstm_entry){row + bin + 1, part};
	return 2;
}

int encoder_apply(const struct encoder *enc, const struct row *row, const bool *blank, float *x,
	struct lstm_entry *entry)
{
	uint32_t first = 0;
	int entries = 0;

	for (unsigned k = 0; k < enc->features; k++) {
		const struct feature *f = &features[enc->feature[k]];
		double value = blank && blank[k] ? (double)NAN : row->value[enc->feature[k]];

		if (!enc->binned) {
			x = apply_plain(enc, k, value, x);
			continue;
		}
		entries += apply_bins(enc, k, value, first, entry + entries);
		first += f->kind == KIND_CATEGORY ? inputs_of(f) : enc->knots[k];
	}
	if (enc->views && !enc->binned)
		*x = row->view == VIEW_TARGET;
	else if (enc->views && row->view == VIEW_TARGET)
		entry[entries++] = (struct lstm_entry){first, 1};
	return entries;
}

/* ---- in the model file ---- */

static void hash_text(struct sha256_ctx *sha, const char *text)
{
	sha256_update(sha, strlen(text) + 1, (const uint8_t *)text);
}

/* Over all that decides what an input means: names, units, scales, steps, values. */
static void hash_table(const struct encoder *enc, char text[HASH_TEXT])
{
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_init(&sha);
	for (unsigned k = 0; k < enc->features; k++) {
		const struct feature *f = &features[enc->feature[k]];
		char number[64];

		hash_text(&sha, f->name);
		hash_text(&sha, f->unit);
		snprintf(number, sizeof(number), "%d %d %.9g", f->kind, f->scale, f->step);
		hash_text(&sha, number);
		for (int i = 0; f->kind == KIND_CATEGORY && f->values[i]; i++)
			hash_text(&sha, f->values[i]);
	}
	sha256_digest(&sha, sizeof(digest), digest);
	for (int i = 0; i < HASH_TEXT / 2; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
}

static json_t *describe(const struct encoder *enc, unsigned k)
{
	const struct feature *f = &features[enc->feature[k]];
	json_t *one = json_pack("{s:s}", "name", f->name), *knots;

	if (f->kind == KIND_CATEGORY)
		return one;
	if (!enc->binned) {
		json_object_set_new(one, "mean", json_real((double)enc->mean[k]));
		json_object_set_new(one, "scale", json_real((double)enc->scale[k]));
		return one;
	}
	knots = json_array();
	for (unsigned i = 0; i < enc->knots[k]; i++)
		json_array_append_new(knots, json_real((double)enc->knot[k][i]));
	json_object_set_new(one, "knots", knots);
	return one;
}

json_t *encoder_to_json(const struct encoder *enc)
{
	char hash[HASH_TEXT];
	json_t *list = json_array();

	for (unsigned k = 0; k < enc->features; k++)
		json_array_append_new(list, describe(enc, k));
	hash_table(enc, hash);
	return json_pack("{s:s, s:b, s:b, s:o}", "table", hash, "bins", enc->binned, "views",
		enc->views, "features", list);
}

static int other_table(struct error *e, const char *why)
{
	return error_set(e, -EPROTO,
		"the model was trained with another feature table (%s); train it again with 'karma "
		"train', or use the karma that made it",
		why);
}

static int take_scale(struct encoder *enc, unsigned k, const json_t *one, struct error *e)
{
	double mean = json_number_value(json_object_get(one, "mean"));
	double scale = json_number_value(json_object_get(one, "scale"));

	enc->mean[k] = (float)mean;
	enc->scale[k] = (float)scale;
	if (isfinite(enc->mean[k]) && isfinite(enc->scale[k]))
		return 0;
	return error_set(e, -EINVAL,
		"the model's input description scales '%s' beyond all numbers; the file is damaged",
		features[enc->feature[k]].name);
}

static int take_knots(struct encoder *enc, unsigned k, const json_t *one, struct error *e)
{
	const json_t *knots = json_object_get(one, "knots");
	size_t count = json_array_size(knots);
	bool good = json_is_array(knots) && count != 1 && count <= ENCODER_BINS + 1;

	for (size_t i = 0; good && i < count; i++) {
		const json_t *knot = json_array_get(knots, i);
		float x = (float)json_number_value(knot);

		good = json_is_number(knot) && isfinite(x) && (i == 0 || x > enc->knot[k][i - 1]);
		enc->knot[k][i] = x;
	}
	enc->knots[k] = (unsigned)count;
	if (good)
		return 0;
	return error_set(e, -EINVAL,
		"the model's input description gives '%s' no knots, up to %d rising numbers; the "
		"file is damaged",
		features[enc->feature[k]].name, ENCODER_BINS + 1);
}

static int take_feature(struct encoder *enc, const json_t *one, bool binned, struct error *e)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	int i = name ? feature_find(name) : -1;
	unsigned k = enc->features;
	char why[96];

	if (!name)
		return error_set(e, -EINVAL,
			"the model's input description lacks a feature's name;"
			" the file is damaged");
	snprintf(why, sizeof(why), "%s '%.60s'", i < 0 ? "no feature" : "twice", name);
	if (i < 0 || !is_input(&features[i]))
		return other_table(e, why);
	for (unsigned before = 0; before < k; before++)
		if (enc->feature[before] == i)
			return other_table(e, why);
	add_feature(enc, (unsigned)i);
	if (features[i].kind == KIND_CATEGORY)
		return 0;
	return binned ? take_knots(enc, k, one, e) : take_scale(enc, k, one, e);
}

int encoder_from_json(struct encoder *enc, const json_t *description, struct error *e)
{
	const char *stored = json_string_value(json_object_get(description, "table"));
	const json_t *list = json_object_get(description, "features");
	bool binned = json_is_true(json_object_get(description, "bins"));
	char hash[HASH_TEXT], why[64];
	int code = 0;

	memset(enc, 0, sizeof(*enc));
	if (!stored || !json_is_array(list) || json_array_size(list) == 0)
		return error_set(e, -EINVAL,
			"the model has no input description; it is not one that 'karma train' "
			"made");
	for (size_t k = 0; k < json_array_size(list) && code == 0; k++)
		code = take_feature(enc, json_array_get(list, k), binned, e);
	if (code)
		return code;
	if (json_is_true(json_object_get(description, "views")))
		encoder_show_views(enc);
	if (binned)
		count_bins(enc);
	hash_table(enc, hash);
	if (strcmp(hash, stored) == 0)
		return 0;
	snprintf(why, sizeof(why), "hash %.20s, here %s", stored, hash);
	return other_table(e, why);
}
