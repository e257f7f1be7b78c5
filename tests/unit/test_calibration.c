/* From logits to probabilities: what is fitted, that the two questions stay apart, and that nothing
 * odd in the rows gives an odd figure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "lstm/calibration.h"
#include "lstm/model.h"
#include "util/rng.h"

enum { C = 4, ROWS = 20000 };

static float z[ROWS][C];
static int label[ROWS];

/* Labels drawn by probabilities of which the logits are a distorted account: the odds of attack
 * `slope` times as steep and `offset` off, the kinds of attack at `temperature`. */
static void draw_rows(double slope, double offset, double temperature)
{
	struct rng rng = {7};

	for (int r = 0; r < ROWS; r++) {
		double odds = 6 * rng_uniform(&rng) - 3, told = (odds - offset) / slope;
		double kind[C - 1], sum = 0, top = 0, draw, attack = 1 / (1 + exp(-odds));

		for (int c = 0; c < C - 1; c++) {
			kind[c] = 3 * rng_uniform(&rng);
			sum += exp(kind[c]);
			top += exp(kind[c] * temperature);
		}
		z[r][0] = 1;
		for (int c = 0; c < C - 1; c++)
			z[r][c + 1] = (float)(1 + told + kind[c] * temperature - log(top));
		label[r] = 0;
		draw = rng_uniform(&rng) * sum;
		if (rng_uniform(&rng) >= attack)
			continue;
		for (label[r] = 1; label[r] < C - 1; label[r]++) {
			draw -= exp(kind[label[r] - 1]);
			if (draw < 0)
				break;
		}
	}
}

static void assert_near(float a, double b, double most)
{
	if (!(fabs((double)a - b) <= most))
		fail_msg("%g is not %g", (double)a, b);
}

static void what_was_distorted_is_found(void **unused)
{
	struct calibration c;

	(void)unused;
	draw_rows(0.7, 0.9, 1.6);
	c = calibration_fit(&(struct calibration_rows){&z[0][0], label, NULL, ROWS, C}, true);
	assert_true(c.attack_apart);
	assert_near(c.slope, 0.7, 0.03);
	assert_near(c.offset, 0.9, 0.06);
	assert_near(c.temperature, 1.6, 0.1);
	draw_rows(1.4, 0, 0.8);
	c = calibration_fit(&(struct calibration_rows){&z[0][0], label, NULL, ROWS, C}, false);
	assert_near(c.slope, 1.4, 0.05);
	assert_true(c.offset == 0);
	assert_near(c.temperature, 0.8, 0.05);
}

static void rows_count_by_their_weight(void **unused)
{
	static float weight[ROWS];
	struct calibration whole, part;

	(void)unused;
	draw_rows(0.7, 0, 1.6);
	whole = calibration_fit(
		&(struct calibration_rows){&z[0][0], label, NULL, ROWS / 2, C}, false);
	for (size_t r = 0; r < ROWS; r++)
		weight[r] = r < ROWS / 2 ? 3 : 0;
	for (size_t r = ROWS / 2; r < ROWS; r++)
		label[r] = 0; /* whatever the logits say */
	part = calibration_fit(&(struct calibration_rows){&z[0][0], label, weight, ROWS, C}, false);
	assert_near(part.slope, (double)whole.slope, 1e-3);
	assert_near(part.temperature, (double)whole.temperature, 1e-3);
	part = calibration_fit(&(struct calibration_rows){&z[0][0], label, NULL, ROWS, C}, false);
	assert_true(part.slope < 0.8F * whole.slope);
}

/* Without an offset, whether a row is called an attack is what the logits say, whatever else. */
static void even_odds_stay(void **unused)
{
	struct calibration c = {.temperature = 3, .attack_apart = true, .slope = 0.4f};
	float p[C], plain[C];
	int attacks = 0;

	(void)unused;
	draw_rows(1, 0, 1);
	for (int r = 0; r < ROWS; r++) {
		float sum = 0;

		calibration_apply(&c, z[r], C, p);
		calibration_apply(&calibration_none, z[r], C, plain);
		for (int k = 0; k < C; k++)
			sum += p[k];
		assert_near(sum, 1, 1e-5);
		if (fabsf(plain[0] - 0.5f) > 1e-6f)
			assert_true((p[0] < 0.5f) == (plain[0] < 0.5f));
		attacks += p[0] < 0.5f;
		/* The kinds of attack keep their order. */
		assert_true((p[1] > p[2]) == (plain[1] > plain[2]) || p[1] == p[2]);
	}
	assert_true(attacks > ROWS / 4 && attacks < 3 * ROWS / 4);
}

static void one_temperature_is_softmax(void **unused)
{
	struct calibration c = {.temperature = 1.5f};
	float p[C], q[C];

	(void)unused;
	draw_rows(1, 0, 1);
	for (int r = 0; r < 100; r++) {
		lstm_softmax(z[r], C, 1.5f, q);
		calibration_apply(&c, z[r], C, p);
		assert_memory_equal(p, q, sizeof(p));
		calibration_apply(&c, z[r], C, z[r]); /* in place */
		assert_memory_equal(z[r], q, sizeof(q));
	}
	c = (struct calibration){1, true, 1, 0};
	for (int r = 100; r < 200; r++) {
		lstm_softmax(z[r], C, 1, q);
		calibration_apply(&c, z[r], C, z[r]);
		for (int k = 0; k < C; k++)
			assert_near(z[r][k], (double)q[k], 1e-6);
	}
}

static bool usable(struct calibration c)
{
	return c.temperature >= 0.04f && c.temperature <= 21 && c.slope >= 0.04f && c.slope <= 21 &&
	       c.offset >= -21 && c.offset <= 21;
}

static void odd_rows_give_usable_figures(void **unused)
{
	static const float certain[4][C] = {
		{500, -500, 0, 0}, {500, -500, 0, 0}, {-500, 500, 0, 0}, {-500, 500, 0, 0}};
	float p[C];
	struct calibration c;

	(void)unused;
	c = calibration_fit(&(struct calibration_rows){NULL, NULL, NULL, 0, C}, true);
	assert_true(!c.attack_apart && c.temperature == 1);
	/* Normal rows alone, attacks alone. */
	c = calibration_fit(
		&(struct calibration_rows){&certain[0][0], (int[]){0, 0}, NULL, 2, C}, true);
	assert_true(!c.attack_apart && c.temperature == 1);
	c = calibration_fit(
		&(struct calibration_rows){&certain[2][0], (int[]){1, 2}, NULL, 2, C}, true);
	assert_true(!c.attack_apart && usable(c));
	for (int shifted = 0; shifted < 2; shifted++)
		for (int wrong = 0; wrong < 4; wrong++) {
			int of[4] = {wrong & 1, wrong & 1, !(wrong & 2), !(wrong & 2)};

			c = calibration_fit(
				&(struct calibration_rows){&certain[0][0], of, NULL, 4, C},
				shifted);
			assert_true(usable(c));
			for (int r = 0; r < 4; r++) {
				calibration_apply(&c, certain[r], C, p);
				for (int k = 0; k < C; k++)
					assert_true(p[k] >= 0 && p[k] <= 1);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_distorted_is_found),
		cmocka_unit_test(rows_count_by_their_weight),
		cmocka_unit_test(even_odds_stay),
		cmocka_unit_test(one_temperature_is_softmax),
		cmocka_unit_test(odd_rows_give_usable_figures),
	};

	return cmocka_run_group_tests_name("calibration", tests, NULL, NULL);
}
