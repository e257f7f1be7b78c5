#include "feature/encode.h"

#include <errno.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

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

void encoder_init(struct encoder *enc, unsigned set)
{
	memset(enc, 0, sizeof(*enc));
	for (unsigned i = 0; i < feature_count; i++) {
		if (!(features[i].sets & set))
			continue;
		enc->feature[enc->features] = (uint16_t)i;
		enc->scale[enc->features] = 1;
		enc->features++;
		enc->inputs += inputs_of(&features[i]);
	}
}

static void fit_one(struct encoder *enc, unsigned k, const struct row *rows, size_t count)
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

void encoder_fit(struct encoder *enc, const struct row *rows, size_t count)
{
	for (unsigned k = 0; k < enc->features; k++)
		if (features[enc->feature[k]].kind != KIND_CATEGORY)
			fit_one(enc, k, rows, count);
}

/* The inputs of feature k; returns what follows them. */
static float *apply_one(const struct encoder *enc, unsigned k, double value, float *x)
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

void encoder_apply(const struct encoder *enc, const struct row *row, float *x)
{
	for (unsigned k = 0; k < enc->features; k++)
		x = apply_one(enc, k, row->value[enc->feature[k]], x);
}

void encoder_apply_without(
	const struct encoder *enc, const struct row *row, unsigned blank, float *x)
{
	for (unsigned k = 0; k < enc->features; k++)
		x = apply_one(enc, k, k == blank ? NAN : row->value[enc->feature[k]], x);
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

json_t *encoder_to_json(const struct encoder *enc)
{
	char hash[HASH_TEXT];
	json_t *list = json_array();

	for (unsigned k = 0; k < enc->features; k++) {
		const struct feature *f = &features[enc->feature[k]];
		json_t *one =
			f->kind == KIND_CATEGORY
				? json_pack("{s:s}", "name", f->name)
				: json_pack("{s:s, s:f, s:f}", "name", f->name, "mean",
					  (double)enc->mean[k], "scale", (double)enc->scale[k]);

		json_array_append_new(list, one);
	}
	hash_table(enc, hash);
	return json_pack("{s:s, s:o}", "table", hash, "features", list);
}

static int other_table(struct error *e, const char *why)
{
	return error_set(e, -EPROTO,
		"the model was trained with another feature table (%s); train it again with 'karma "
		"train', or use the karma that made it",
		why);
}

static int take_feature(struct encoder *enc, const json_t *one, struct error *e)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	int i = name ? feature_find(name) : -1;
	double mean = json_number_value(json_object_get(one, "mean"));
	double scale = json_number_value(json_object_get(one, "scale"));
	char why[96];

	if (!name)
		return error_set(e, -EINVAL,
			"the model's input description lacks a feature's name;"
			" the file is damaged");
	snprintf(why, sizeof(why), "%s '%.60s'", i < 0 ? "no feature" : "twice", name);
	if (i < 0 || !features[i].sets)
		return other_table(e, why);
	for (unsigned k = 0; k < enc->features; k++)
		if (enc->feature[k] == i)
			return other_table(e, why);
	if (!isfinite((float)mean) || !isfinite((float)scale))
		return error_set(e, -EINVAL,
			"the model's input description scales '%s' beyond all numbers; the file is "
			"damaged",
			name);
	enc->feature[enc->features] = (uint16_t)i;
	enc->mean[enc->features] = (float)mean;
	enc->scale[enc->features] = (float)scale;
	enc->features++;
	enc->inputs += inputs_of(&features[i]);
	return 0;
}

int encoder_from_json(struct encoder *enc, const json_t *description, struct error *e)
{
	const char *stored = json_string_value(json_object_get(description, "table"));
	const json_t *list = json_object_get(description, "features");
	char hash[HASH_TEXT], why[64];
	int code = 0;

	memset(enc, 0, sizeof(*enc));
	if (!stored || !json_is_array(list) || json_array_size(list) == 0)
		return error_set(e, -EINVAL,
			"the model has no input description; it is not one that 'karma train' "
			"made");
	for (size_t k = 0; k < json_array_size(list) && code == 0; k++)
		code = take_feature(enc, json_array_get(list, k), e);
	if (code)
		return code;
	hash_table(enc, hash);
	if (strcmp(hash, stored) == 0)
		return 0;
	snprintf(why, sizeof(why), "hash %.20s, here %s", stored, hash);
	return other_table(e, why);
}
