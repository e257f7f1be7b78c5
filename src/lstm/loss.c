#include "lstm/loss.h"

#include <math.h>
#include <string.h>

/* Softmax into p (C); returns log sum exp(logits). */
static double log_softmax(const float *logits, int classes, double *p)
{
	double top = logits[0], sum;

	for (int c = 1; c < classes; c++)
		top = logits[c] > top ? logits[c] : top;
	sum = p[0] = exp(logits[0] - top);
	for (int c = 1; c < classes; c++)
		sum += p[c] = exp(logits[c] - top);
	for (int c = 0; c < classes; c++)
		p[c] /= sum;
	return top + log(sum);
}

/* Of one class, times `weight`, the gradient added to g (C). */
static double loss_class(const struct loss *loss, int classes, const double *p, double log_p,
	int label, double weight, double *g)
{
	double rest = 0, focus, slope;

	for (int c = 0; c < classes; c++)
		if (c != label) /* 1 - p[label] without cancellation */
			rest += p[c];

	/* dL/dz_c = slope (delta_cy - p_c) with slope = p_y dL/dp_y
	 *         = alpha ((gamma (1-p)^(gamma-1) p log p) - (1-p)^gamma)          (p = p_y) */
	focus = loss->gamma == 0.0f ? 1 : pow(rest, loss->gamma);
	slope = -focus;
	if (loss->gamma != 0.0f && rest > 0)
		slope += loss->gamma * focus / rest * p[label] * log_p;
	weight *= (double)loss->alpha[label];
	slope *= weight;
	for (int c = 0; c < classes; c++)
		g[c] += slope * (c == label ? rest : -p[c]);
	return -weight * focus * log_p;
}

double loss_row(const struct loss *loss, int classes, const float *logits, int label,
	const float *target, float weight, float *d)
{
	double p[LSTM_MAX_CLASSES], g[LSTM_MAX_CLASSES] = {0}, norm, total = 0;

	if (weight == 0.0f) {
		memset(d, 0, (size_t)classes * sizeof(*d));
		return 0;
	}
	norm = log_softmax(logits, classes, p);
	if (!target)
		total = loss_class(loss, classes, p, logits[label] - norm, label, weight, g);
	for (int c = 0; target && c < classes; c++)
		if (target[c] > 0)
			total += loss_class(loss, classes, p, logits[c] - norm, c,
				(double)weight * target[c], g);
	for (int c = 0; c < classes; c++)
		d[c] = (float)g[c];
	return total;
}
