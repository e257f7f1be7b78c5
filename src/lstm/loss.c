#include "lstm/loss.h"

#include <math.h>
#include <string.h>

double loss_row(const struct loss *loss, int classes, const float *logits, int label, float weight,
	float *d)
{
	double p[LSTM_MAX_CLASSES], top = logits[0], sum = 0, rest = 0, log_p, focus, slope;

	if (weight == 0.0f) {
		memset(d, 0, (size_t)classes * sizeof(*d));
		return 0;
	}
	for (int c = 1; c < classes; c++)
		top = logits[c] > top ? logits[c] : top;
	for (int c = 0; c < classes; c++)
		sum += p[c] = exp(logits[c] - top);
	log_p = logits[label] - top - log(sum);
	for (int c = 0; c < classes; c++) {
		p[c] /= sum;
		if (c != label) /* 1 - p[label] without cancellation */
			rest += p[c];
	}

	/* dL/dz_c = slope (delta_cy - p_c) with slope = p_y dL/dp_y
	 *         = alpha ((gamma (1-p)^(gamma-1) p log p) - (1-p)^gamma)          (p = p_y) */
	focus = loss->gamma == 0.0f ? 1 : pow(rest, loss->gamma);
	slope = -focus;
	if (loss->gamma != 0.0f && rest > 0)
		slope += loss->gamma * focus / rest * p[label] * log_p;
	slope *= (double)loss->alpha[label] * weight;
	for (int c = 0; c < classes; c++)
		d[c] = (float)(slope * (c == label ? rest : -p[c]));
	return -(double)loss->alpha[label] * weight * focus * log_p;
}

static double mean_nll(const float *logits, const int *label, size_t rows, int classes, double t)
{
	double total = 0;

	for (size_t r = 0; r < rows; r++) {
		const float *z = logits + r * (size_t)classes;
		double top = z[0], sum;

		for (int c = 1; c < classes; c++)
			top = z[c] > top ? z[c] : top;
		sum = exp((z[0] - top) / t);
		for (int c = 1; c < classes; c++)
			sum += exp((z[c] - top) / t);
		total += log(sum) - (z[label[r]] - top) / t;
	}
	return rows ? total / (double)rows : 0;
}

float loss_temperature(const float *logits, const int *label, size_t rows, int classes)
{
	/* Golden section on log T: the loss is convex in 1/T, so it has one minimum. */
	const double g = 0.6180339887498949;
	double low = log(0.05), high = log(20), a = high - g * (high - low),
	       b = low + g * (high - low);
	double at_a = mean_nll(logits, label, rows, classes, exp(a));
	double at_b = mean_nll(logits, label, rows, classes, exp(b));

	for (int i = 0; i < 30; i++) {
		if (at_a < at_b) {
			high = b;
			b = a;
			at_b = at_a;
			a = high - g * (high - low);
			at_a = mean_nll(logits, label, rows, classes, exp(a));
		} else {
			low = a;
			a = b;
			at_a = at_b;
			b = low + g * (high - low);
			at_b = mean_nll(logits, label, rows, classes, exp(b));
		}
	}
	return rows ? (float)exp((low + high) / 2) : 1.0f;
}
