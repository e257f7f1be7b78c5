#include "lstm/adam.h"

#include <math.h>
#include <string.h>

#include "lstm/clones.h"

static const float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;

int adam_init(struct adam *a, struct lstm_shape shape, float decay)
{
	int err;

	memset(a, 0, sizeof(*a));
	a->decay = decay;
	err = lstm_init(&a->mean, shape);
	return err ? err : lstm_init(&a->square, shape);
}

void adam_free(struct adam *a)
{
	lstm_free(&a->mean);
	lstm_free(&a->square);
}

/* The corrections for the running means' start at zero are folded into rate and root. */
CLONES static void descend(size_t count, float *restrict w, const float *restrict g,
	float *restrict mean, float *restrict square, float rate, float root, float keep)
{
	for (size_t i = 0; i < count; i++) {
		mean[i] = beta1 * mean[i] + (1 - beta1) * g[i];
		square[i] = beta2 * square[i] + (1 - beta2) * g[i] * g[i];
		w[i] = keep * w[i] - rate * mean[i] / (sqrtf(square[i]) * root + epsilon);
	}
}

void adam_step(struct adam *a, struct lstm *net, const struct lstm *grad, float rate)
{
	double done = (double)++a->steps;
	float corrected = (float)(rate / (1 - pow((double)beta1, done)));
	float root = (float)(1 / sqrt(1 - pow((double)beta2, done)));
	size_t at = 0, hidden = (size_t)net->shape.hidden;

	/* The block is matrices and biases in turn: (wx, wh), b, ..., wo, bo. */
	for (int l = 0; l <= net->shape.layers; l++) {
		bool last = l == net->shape.layers;
		size_t biases = last ? (size_t)net->shape.classes : 4 * hidden;
		size_t matrices = (size_t)((last ? net->bo : net->b[l]) - net->data) - at;

		descend(matrices, net->data + at, grad->data + at, a->mean.data + at,
			a->square.data + at, corrected, root, 1 - rate * a->decay);
		at += matrices;
		descend(biases, net->data + at, grad->data + at, a->mean.data + at,
			a->square.data + at, corrected, root, 1);
		at += biases;
	}
}

double grad_clip(struct lstm *grad, double most)
{
	double sum = 0, norm;

	for (size_t i = 0; i < grad->count; i++)
		sum += (double)grad->data[i] * (double)grad->data[i];
	norm = sqrt(sum);
	if (norm > most) {
		float scale = (float)(most / norm);

		for (size_t i = 0; i < grad->count; i++)
			grad->data[i] *= scale;
	}
	return norm;
}
