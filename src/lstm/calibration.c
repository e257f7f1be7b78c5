#include "lstm/calibration.h"

#include <math.h>

#include "lstm/model.h"

/* Within these, and the steps of the search for a slope and an offset. */
static const double coldest = 0.05, hottest = 20, steepest = 20, flattest = 0.05, furthest = 20;
enum { STEPS = 50, HALVINGS = 20 };

const struct calibration calibration_none = {.temperature = 1, .slope = 1};

/* log sum exp(z / t) over classes from .. to - 1. */
static double log_sum(const float *z, int from, int to, double t)
{
	double top = z[from], sum;

	for (int c = from + 1; c < to; c++)
		top = z[c] > top ? z[c] : top;
	sum = exp((z[from] - top) / t);
	for (int c = from + 1; c < to; c++)
		sum += exp((z[c] - top) / t);
	return top / t + log(sum);
}

static double log_odds(const float *z, int classes)
{
	return log_sum(z, 1, classes, 1) - z[0];
}

void calibration_apply(
	const struct calibration *c, const float *logits, int classes, float *probability)
{
	double attack;

	if (!c->attack_apart) {
		lstm_softmax(logits, classes, c->temperature, probability);
		return;
	}
	attack = 1 / (1 + exp(-(c->slope * log_odds(logits, classes) + c->offset)));
	lstm_softmax(logits + 1, classes - 1, c->temperature, probability + 1);
	for (int k = 1; k < classes; k++)
		probability[k] *= (float)attack;
	probability[0] = (float)(1 - attack);
}

static double weight_of(const struct calibration_rows *q, size_t row)
{
	return q->weight ? (double)q->weight[row] : 1;
}

/* ---- which attack ---- */

static double nll(const struct calibration_rows *q, double t)
{
	double total = 0;

	for (size_t r = 0; r < q->rows; r++) {
		const float *z = q->logits + r * (size_t)q->classes;

		if (q->label[r] > 0)
			total += weight_of(q, r) *
				 (log_sum(z, 1, q->classes, t) - z[q->label[r]] / t);
	}
	return total;
}

/* Golden section on log T: the loss is convex in 1/T, so it has one minimum. */
static float fit_temperature(const struct calibration_rows *q)
{
	const double g = 0.6180339887498949;
	double low = log(coldest), high = log(hottest), a = high - g * (high - low),
	       b = low + g * (high - low);
	double at_a = nll(q, exp(a));
	double at_b = nll(q, exp(b));

	for (int i = 0; i < 30; i++) {
		if (at_a < at_b) {
			high = b;
			b = a;
			at_b = at_a;
			a = high - g * (high - low);
			at_a = nll(q, exp(a));
		} else {
			low = a;
			a = b;
			at_a = at_b;
			b = low + g * (high - low);
			at_b = nll(q, exp(b));
		}
	}
	return (float)exp((low + high) / 2);
}

/* ---- attack or not ---- */

struct slopes {
	double loss, d_slope, d_offset;       /* and its first derivatives */
	double slope2, slope_offset, offset2; /* second ones */
};

/* `target`: of normal rows and of attacks. */
static struct slopes measure(
	const struct calibration_rows *q, const double target[2], double slope, double offset)
{
	struct slopes s = {.slope2 = 1e-9, .offset2 = 1e-9};

	for (size_t r = 0; r < q->rows; r++) {
		double z = log_odds(q->logits + r * (size_t)q->classes, q->classes),
		       t = target[q->label[r] > 0], w = weight_of(q, r);
		double v = slope * z + offset, p = 1 / (1 + exp(-v)), pq = w * p * (1 - p);

		s.loss += w * (fmax(v, 0) + log1p(exp(-fabs(v))) - t * v);
		s.d_slope += w * (p - t) * z;
		s.d_offset += w * (p - t);
		s.slope2 += pq * z * z;
		s.slope_offset += pq * z;
		s.offset2 += pq;
	}
	return s;
}

static double within(double low, double v, double high)
{
	return fmin(fmax(v, low), high);
}

/* Newton's steps, halved until they help (Lin, Lin & Weng 2007). */
static void fit_attack(
	struct calibration *c, const struct calibration_rows *q, const double sum[2], bool shifted)
{
	const double target[2] = {1 / (sum[0] + 2), (sum[1] + 1) / (sum[1] + 2)};
	double slope = 1, offset = 0;
	struct slopes s = measure(q, target, slope, offset);

	for (int i = 0; i < STEPS; i++) {
		double area = s.slope2 * s.offset2 - s.slope_offset * s.slope_offset;
		double a = -s.d_slope / s.slope2, b = 0;
		struct slopes next = s;
		double step = 1;

		if (shifted) {
			a = -(s.offset2 * s.d_slope - s.slope_offset * s.d_offset) / area;
			b = -(s.slope2 * s.d_offset - s.slope_offset * s.d_slope) / area;
		}
		for (int halved = 0; halved < HALVINGS; halved++, step /= 2) {
			next = measure(q, target, within(flattest, slope + step * a, steepest),
				within(-furthest, offset + step * b, furthest));
			if (next.loss < s.loss)
				break;
		}
		if (!(next.loss < s.loss))
			break;
		slope = within(flattest, slope + step * a, steepest);
		offset = within(-furthest, offset + step * b, furthest);
		s = next;
	}
	c->attack_apart = true;
	c->slope = (float)slope;
	c->offset = (float)offset;
}

struct calibration calibration_fit(const struct calibration_rows *q, bool shifted)
{
	struct calibration c = calibration_none;
	double sum[2] = {0}; /* of the weights of normal rows and of attacks */

	for (size_t r = 0; r < q->rows; r++)
		sum[q->label[r] > 0] += weight_of(q, r);
	if (sum[1] > 0)
		c.temperature = fit_temperature(q);
	if (sum[1] > 0 && sum[0] > 0)
		fit_attack(&c, q, sum, shifted);
	return c;
}
