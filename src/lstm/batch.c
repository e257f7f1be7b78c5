/* Many hosts' states stepped together: gathered, one matrix product per layer and side, scattered.
 */
#include "lstm/model.h"

#include <stdlib.h>
#include <string.h>

#include "lstm/bptt.h"
#include "lstm/gemm.h"

struct lstm_batch {
	const struct lstm *net;
	struct packed packed;
	int max;
	float *block;
	float *gates; /* (max, 4*H) */
	float *h;     /* (max, H) */
	float *c;     /* (max, H) */
	float *x;     /* (max, D) */
};

struct lstm_batch *lstm_batch_new(const struct lstm *net, int max)
{
	struct lstm_batch *b = calloc(1, sizeof(*b));
	size_t hidden = (size_t)net->shape.hidden;

	if (!b)
		return NULL;
	b->net = net;
	b->max = max;
	b->block = lstm_floats((size_t)max * (6 * hidden + (size_t)net->shape.dense));
	if (!b->block || packed_init(&b->packed, net->shape) != 0) {
		lstm_batch_free(b);
		return NULL;
	}
	b->gates = b->block;
	b->h = b->gates + (size_t)max * 4 * hidden;
	b->c = b->h + (size_t)max * hidden;
	b->x = b->c + (size_t)max * hidden;
	packed_fill(&b->packed, net);
	return b;
}

void lstm_batch_free(struct lstm_batch *b)
{
	if (!b)
		return;
	packed_free(&b->packed);
	free(b->block);
	free(b);
}

static void gather(float *to, int n, float *const *state, size_t at, size_t hidden)
{
	for (int i = 0; i < n; i++)
		memcpy(to + (size_t)i * hidden, state[i] + at, hidden * sizeof(*to));
}

static void scatter(const float *from, int n, float *const *state, size_t at, size_t hidden)
{
	for (int i = 0; i < n; i++)
		memcpy(state[i] + at, from + (size_t)i * hidden, hidden * sizeof(*from));
}

static void spread(float *to, int n, const float *row, int width)
{
	for (int i = 0; i < n; i++)
		memcpy(to + (size_t)i * (size_t)width, row, (size_t)width * sizeof(*to));
}

void lstm_batch_step(
	struct lstm_batch *b, int n, const struct lstm_input *x, float *const *state, float *logits)
{
	const struct lstm *net = b->net;
	int hidden = net->shape.hidden, width = net->shape.dense, classes = net->shape.classes;
	const float *in = b->x;

	for (int i = 0; width > 0 && i < n; i++)
		memcpy(b->x + i * width, x[i].dense, (size_t)width * sizeof(*b->x));
	for (int l = 0; l < net->shape.layers; l++) {
		size_t at = (size_t)l * 2 * (size_t)hidden;

		spread(b->gates, n, net->b[l], 4 * hidden);
		gemm(n, 4 * hidden, width, in, width, b->packed.wx[l], b->gates, 4 * hidden);
		for (int i = 0; l == 0 && i < n; i++)
			lstm_entries(net, &x[i], b->gates + (size_t)i * 4 * (size_t)hidden);
		gather(b->h, n, state, at, (size_t)hidden);
		gather(b->c, n, state, at + (size_t)hidden, (size_t)hidden);
		gemm(n, 4 * hidden, hidden, b->h, hidden, b->packed.wh[l], b->gates, 4 * hidden);
		for (int i = 0; i < n; i++)
			lstm_cell(b->gates + (size_t)i * 4 * (size_t)hidden, hidden,
				b->h + i * hidden, b->c + i * hidden);
		scatter(b->h, n, state, at, (size_t)hidden);
		scatter(b->c, n, state, at + (size_t)hidden, (size_t)hidden);
		in = b->h;
		width = hidden;
	}
	spread(logits, n, net->bo, classes);
	gemm(n, classes, hidden, b->h, hidden, b->packed.wo, logits, classes);
}
