/* Many hosts' states stepped together: what a layer is given is gathered, a kernel steps it and
 * leaves each state where it was. */
#include <stdlib.h>
#include <string.h>

#include "lstm/kernel.h"

/* Lanes that go through all layers before the next do: what they are given stays in the second
 * cache beside the weights. */
enum { CHUNK = 192 };

struct lstm_batch {
	const struct lstm *net;
	const struct lstm_kernel *kernel;
	struct kernel_net packed;
	int width, widthq; /* floats and bytes from one lane to the next */
	float *a[2];       /* (chunk, width): of a layer, and of the next */
	uint8_t *aq[2];    /* (chunk, widthq) */
	float *work;       /* of lstm_step() */
	bool backward;     /* how the next step goes through the weights */
};

/* The widest that any layer is given. */
static void measure(struct lstm_batch *b)
{
	b->width = b->packed.output.rows;
	for (int l = 0; l < b->net->shape.layers; l++) {
		const struct kernel_layer *k = &b->packed.layer[l];

		b->width = k->rows > b->width ? k->rows : b->width;
		b->widthq = 4 * k->quads > b->widthq ? 4 * k->quads : b->widthq;
	}
	b->width = (b->width + 15) & ~15;
	b->widthq = (b->widthq + 63) & ~63;
}

static bool prepare(struct lstm_batch *b, int max)
{
	size_t lanes = max < CHUNK ? (size_t)max : CHUNK;

	if (!b->kernel->layer) {
		b->work = lstm_floats(lstm_work_size(b->net));
		return b->work != NULL;
	}
	if (kernel_net_init(&b->packed, b->kernel, b->net) != 0)
		return false;
	measure(b);
	for (int i = 0; i < 2; i++) {
		b->a[i] = lstm_floats(lanes * (size_t)b->width);
		b->aq[i] = calloc(lanes, (size_t)b->widthq + 1);
		if (!b->a[i] || !b->aq[i])
			return false;
	}
	return true;
}

struct lstm_batch *lstm_batch_new(const struct lstm *net, const struct lstm_kernel *kernel, int max)
{
	struct lstm_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->net = net;
	b->kernel = kernel ? kernel : lstm_kernel_find("fp32", NULL);
	if (!prepare(b, max)) {
		lstm_batch_free(b);
		return NULL;
	}
	return b;
}

void lstm_batch_free(struct lstm_batch *b)
{
	if (!b)
		return;
	kernel_net_free(&b->packed);
	for (int i = 0; i < 2; i++) {
		free(b->a[i]);
		free(b->aq[i]);
	}
	free(b->work);
	free(b);
}

/* The numbers that enter the first layer. */
static void gather_dense(struct lstm_batch *b, int n, const struct lstm_input *x)
{
	size_t dense = (size_t)b->net->shape.dense;

	for (int i = 0; dense > 0 && i < n; i++)
		memcpy(b->a[0] + (size_t)i * (size_t)b->width, x[i].dense, dense * sizeof(float));
}

/* A layer's h behind what enters it, and zeros up to where the rows end: the next layer to use the
 * place may have left something there. */
static void gather_h(struct lstm_batch *b, int l, int n, float *const *state)
{
	int hidden = b->net->shape.hidden, before = l ? hidden : b->net->shape.dense;
	int rows = b->packed.layer[l].rows,
	    used = b->kernel->int8 ? (l ? 0 : before) : before + hidden;
	size_t at = (size_t)l * 2 * (size_t)hidden;

	for (int i = 0; i < n; i++) {
		float *a = b->a[l & 1] + (size_t)i * (size_t)b->width;
		uint8_t *q = b->aq[l & 1] + (size_t)i * (size_t)b->widthq;

		if (b->kernel->int8)
			b->kernel->bytes(state[i] + at, hidden, q + (l ? hidden : 0));
		else
			memcpy(a + before, state[i] + at, (size_t)hidden * sizeof(*a));
		for (int k = used; k < rows; k++)
			a[k] = 0;
	}
}

static void step_chunk(
	struct lstm_batch *b, int n, const struct lstm_input *x, float *const *state, float *logits)
{
	int layers = b->net->shape.layers, hidden = b->net->shape.hidden;
	float *top = b->a[layers & 1];

	b->backward = !b->backward;
	gather_dense(b, n, x);
	for (int l = 0; l < layers; l++) {
		bool last = l + 1 == layers, bytes = b->kernel->int8 && !last;
		struct kernel_step s = {
			.n = n,
			.a = b->a[l & 1],
			.a_width = b->width,
			.aq = b->aq[l & 1],
			.aq_width = b->widthq,
			.input = l ? NULL : x,
			.state = state,
			.at = (size_t)l * 2 * (size_t)hidden,
			.out = bytes ? NULL : b->a[(l + 1) & 1],
			.out_width = b->width,
			.outq = bytes ? b->aq[(l + 1) & 1] : NULL,
			.outq_width = b->widthq,
			.backward = b->backward,
		};

		gather_h(b, l, n, state);
		b->kernel->layer(&b->packed.layer[l], &s);
	}
	for (int i = 0; i < n; i++)
		for (int k = hidden; k < b->packed.output.rows; k++)
			top[(size_t)i * (size_t)b->width + (size_t)k] = 0;
	b->kernel->output(&b->packed.output, n, top, b->width, logits);
}

void lstm_batch_step(
	struct lstm_batch *b, int n, const struct lstm_input *x, float *const *state, float *logits)
{
	int classes = b->net->shape.classes, most = b->kernel->layer ? CHUNK : 1;

	for (int i = 0; i < n; i += most, logits += (ptrdiff_t)most * classes) {
		int chunk = n - i < most ? n - i : most;

		if (b->kernel->layer)
			step_chunk(b, chunk, x + i, state + i, logits);
		else
			lstm_step(b->net, x + i, state[i], logits, b->work);
	}
}
