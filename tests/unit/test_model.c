/* The model file: what is written comes back; the same model gives the same bytes; whatever is
 * damaged, cut, foreign or self-contradicting is refused with a line, and nothing leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "lstm/model.h"

static char folder[] = "/tmp/karma-test-model.XXXXXX";
static char path[64];

static void make_model(struct model *m)
{
	memset(m, 0, sizeof(*m));
	assert_int_equal(lstm_init(&m->net, (struct lstm_shape){3, 2, 2, 4, 2}), 0);
	for (size_t i = 0; i < m->net.count; i++)
		m->net.data[i] = (float)i * 0.25f - 3;
	m->calibration = (struct calibration){1.25f, true, 0.75f, -0.5f};
	m->header = json_pack("{s[ss] s{si} ss}", "classes", "Normal", "DoS", "input", "features",
		3, "rows", "corrected");
	assert_non_null(m->header);
}

static unsigned char *slurp(const char *name, size_t *size)
{
	FILE *f = fopen(name, "rb");
	unsigned char *p = malloc(1 << 16);

	assert_non_null(f);
	*size = fread(p, 1, 1 << 16, f);
	fclose(f);
	return p;
}

/* With a right check sum, so that what lies behind it is reached. */
static unsigned char *compose(
	uint32_t version, const char *header, const float *weights, size_t count, size_t *size)
{
	uint32_t length = (uint32_t)strlen(header), crc;
	unsigned char *p;

	*size = 16 + length + 4 * count + 4;
	p = calloc(1, *size);
	memcpy(p, "KARMALSM", 8);
	memcpy(p + 8, &version, 4);
	memcpy(p + 12, &length, 4);
	memcpy(p + 16, header, length);
	if (count)
		memcpy(p + 16 + length, weights, 4 * count);
	crc = (uint32_t)crc32(0, p, (uInt)(*size - 4));
	memcpy(p + *size - 4, &crc, 4);
	return p;
}

static void expect_refusal(const unsigned char *p, size_t size, const char *words)
{
	struct error e = {""};
	struct model m;
	/* A copy of just that size lets the sanitizer see a read past its end. */
	unsigned char *copy = malloc(size ? size : 1);

	memcpy(copy, p, size);
	assert_true(model_decode(&m, copy, size, "x.karma", &e) < 0);
	free(copy);
	assert_null(m.header);
	assert_null(m.net.data);
	assert_non_null(strstr(e.text, "x.karma: "));
	assert_null(strchr(e.text, '\n'));
	if (words && !strstr(e.text, words))
		fail_msg("expected '%s' in: %s", words, e.text);
}

static void test_round_trip(void **state)
{
	struct model a, b;
	struct error e;

	(void)state;
	make_model(&a);
	assert_int_equal(model_save(&a, path, &e), 0);
	assert_int_equal(model_load(&b, path, &e), 0);
	assert_memory_equal(&a.net.shape, &b.net.shape, sizeof(a.net.shape));
	assert_memory_equal(a.net.data, b.net.data, a.net.count * sizeof(float));
	assert_true(b.calibration.temperature == 1.25f);
	assert_true(b.calibration.attack_apart && b.calibration.slope == 0.75f &&
		    b.calibration.offset == -0.5f);
	assert_string_equal(json_string_value(json_object_get(b.header, "rows")), "corrected");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(b.header, "shape"), "hidden")),
		4);
	model_free(&a);
	model_free(&b);
}

static void test_same_bytes(void **state)
{
	struct model a, b;
	struct error e;
	size_t n, k;
	unsigned char *p, *q;

	(void)state;
	make_model(&a);
	assert_int_equal(model_save(&a, path, &e), 0);
	p = slurp(path, &n);
	assert_int_equal(model_load(&b, path, &e), 0);
	assert_int_equal(model_save(&b, path, &e), 0);
	q = slurp(path, &k);
	assert_int_equal(n, k);
	assert_memory_equal(p, q, n);
	/* The order in which the header was put together does not show. */
	json_decref(a.header);
	a.header = json_pack("{ss s{si} s[ss]}", "rows", "corrected", "input", "features", 3,
		"classes", "Normal", "DoS");
	assert_int_equal(model_save(&a, path, &e), 0);
	free(q);
	q = slurp(path, &k);
	assert_int_equal(n, k);
	assert_memory_equal(p, q, n);
	free(p);
	free(q);
	model_free(&a);
	model_free(&b);
}

static void test_truncated_at_every_length(void **state)
{
	struct model a;
	struct error e;
	size_t n;
	unsigned char *p;

	(void)state;
	make_model(&a);
	assert_int_equal(model_save(&a, path, &e), 0);
	p = slurp(path, &n);
	for (size_t cut = 0; cut < n; cut++)
		expect_refusal(p, cut, NULL);
	free(p);
	model_free(&a);
}

static void test_damaged_at_every_byte(void **state)
{
	struct model a;
	struct error e;
	size_t n;
	unsigned char *p;

	(void)state;
	make_model(&a);
	assert_int_equal(model_save(&a, path, &e), 0);
	p = slurp(path, &n);
	for (size_t i = 0; i < n; i++) {
		p[i] ^= 0x10;
		expect_refusal(p, n, i < 8 ? "not a Karma model" : NULL);
		p[i] ^= 0x10;
	}
	expect_refusal(p, n - 1, "check sum");
	free(p);
	model_free(&a);
}

#define SHAPE "\"shape\":{\"inputs\":1,\"layers\":1,\"hidden\":1,\"classes\":2}"
#define REST ",\"classes\":[\"a\",\"b\"],\"temperature\":1}"
#define NORMAL ",\"classes\":[\"Normal\",\"b\"],\"temperature\":1}"
enum { SMALL = 4 + 4 + 4 + 2 + 2 }; /* floats of that shape */

static void test_foreign(void **state)
{
	static const struct {
		uint32_t version;
		const char *header, *words;
	} bad[] = {
		{2, "{" SHAPE REST, "version 2"},
		{1, "", "not JSON"},
		{1, "[]", "not JSON"},
		{1, "{" SHAPE, "not JSON"},
		{1, "{\"classes\":[]}", "no shape"},
		{1, "{\"shape\":{\"inputs\":8192,\"layers\":4,\"hidden\":1024,\"classes\":2}" REST,
			"bytes, but"},
		{1,
			"{\"shape\":{\"inputs\":1,\"layers\":1,\"hidden\":2000000000,\"classes\":"
			"2}" REST,
			"no shape"},
		{1,
			"{\"shape\":{\"inputs\":4294967297,\"layers\":1,\"hidden\":1,\"classes\":"
			"2}" REST,
			"no shape"},
		{1, "{\"shape\":{\"inputs\":1,\"layers\":0,\"hidden\":1,\"classes\":2}" REST,
			"no shape"},
		{1,
			"{\"shape\":{\"inputs\":1,\"dense\":2,\"layers\":1,\"hidden\":1,"
			"\"classes\":2}" REST,
			"no shape"},
		{1,
			"{\"shape\":{\"inputs\":1,\"dense\":\"all\",\"layers\":1,\"hidden\":1,"
			"\"classes\":2}" REST,
			"no shape"},
		{1, "{" SHAPE ",\"classes\":[\"a\"],\"temperature\":1}", "1 class names"},
		{1, "{" SHAPE ",\"classes\":[\"a\",7],\"temperature\":1}", "class 1 has no name"},
		{1, "{" SHAPE ",\"classes\":[\"a\",\"b\"]}", "temperature"},
		{1, "{" SHAPE ",\"classes\":[\"a\",\"b\"],\"temperature\":0}", "temperature"},
		{1, "{" SHAPE ",\"classes\":[\"a\",\"b\"],\"temperature\":\"1\"}", "temperature"},
		{1, "{" SHAPE ",\"attack\":{\"slope\":1,\"offset\":0}" REST, "not 'Normal'"},
		{1, "{" SHAPE ",\"attack\":1" NORMAL, "slope and offset"},
		{1, "{" SHAPE ",\"attack\":null" NORMAL, "slope and offset"},
		{1, "{" SHAPE ",\"attack\":{\"slope\":1}" NORMAL, "slope and offset"},
		{1, "{" SHAPE ",\"attack\":{\"slope\":\"1\",\"offset\":0}" NORMAL,
			"slope and offset"},
		{1, "{" SHAPE ",\"attack\":{\"slope\":0,\"offset\":0}" NORMAL, "slope and offset"},
		{1, "{" SHAPE ",\"attack\":{\"slope\":-1,\"offset\":0}" NORMAL, "slope and offset"},
		{1, "{" SHAPE ",\"attack\":{\"slope\":1,\"offset\":1e300}" NORMAL,
			"slope and offset"},
	};
	float weights[SMALL + 1] = {0};
	struct model m;
	struct error e;
	size_t n;
	unsigned char *p = compose(1, "{" SHAPE REST, weights, SMALL, &n);

	(void)state;
	assert_int_equal(model_decode(&m, p, n, "x", &e), 0); /* the good one is good */
	assert_int_equal(m.net.shape.dense, 1);               /* all, where it is not said */
	assert_false(m.calibration.attack_apart);             /* a file of before */
	assert_true(m.calibration.temperature == 1);
	model_free(&m);
	free(p);
	p = compose(1, "{" SHAPE ",\"attack\":{\"slope\":0.5,\"offset\":-2}" NORMAL, weights, SMALL,
		&n);
	assert_int_equal(model_decode(&m, p, n, "x", &e), 0);
	assert_true(m.calibration.attack_apart && m.calibration.slope == 0.5f &&
		    m.calibration.offset == -2);
	model_free(&m);
	free(p);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = compose(bad[i].version, bad[i].header, weights, SMALL, &n);
		expect_refusal(p, n, bad[i].words);
		free(p);
	}
	p = compose(1, "{" SHAPE REST, weights, SMALL + 1, &n);
	expect_refusal(p, n, "bytes, but");
	free(p);
	weights[3] = NAN;
	p = compose(1, "{" SHAPE REST, weights, SMALL, &n);
	expect_refusal(p, n, "weight 3");
	free(p);
}

static void test_absent_and_other_files(void **state)
{
	struct model m;
	struct error e;
	FILE *f;

	(void)state;
	assert_true(model_load(&m, "/nonexistent/x.karma", &e) < 0);
	assert_non_null(strstr(e.text, "/nonexistent/x.karma"));
	assert_true(model_load(&m, "/dev/null", &e) < 0);
	assert_non_null(strstr(e.text, "not a Karma model"));
	assert_true(model_load(&m, "/dev/zero", &e) < 0); /* endless, and refused at its start */
	assert_non_null(strstr(e.text, "not a Karma model"));
	f = fopen(path, "wb");
	fputs("srcip,sport\n", f);
	fclose(f);
	assert_true(model_load(&m, path, &e) < 0);
	assert_non_null(strstr(e.text, "not a Karma model"));
	make_model(&m);
	assert_true(model_save(&m, "/nonexistent/x.karma", &e) < 0);
	model_free(&m);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/m.karma", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_truncated_at_every_length),
		cmocka_unit_test(test_damaged_at_every_byte),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_absent_and_other_files),
	};

	return cmocka_run_group_tests_name("model", tests, setup, teardown);
}
