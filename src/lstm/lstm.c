/* The network, one step at a time: the readable reference. train.c has the same forward pass over
 * batches, with its backward pass.
 *
 *   gates (4*H) = b + x Wx + h Wh                      i, f, g, o
 *   c' = sigmoid(f) c + sigmoid(i) tanh(g)
 *   h' = sigmoid(o) tanh(c')
 *
 * Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; layer l + 1 takes the h'
 * of layer l as its x; the logits are bo + h' wo of the last layer. */
#include "lstm/model.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/activation.h"
#include "lstm/clones.h"

static bool shape_is_sound(struct lstm_shape s)
{
	return s.inputs >= 1 && s.inputs <= LSTM_MAX_INPUTS && s.dense >= 0 &&
	       s.dense <= s.inputs && s.layers >= 1 && s.layers <= LSTM_MAX_LAYERS &&
	       s.hidden >= 1 && s.hidden <= LSTM_MAX_HIDDEN && s.classes >= 2 &&
	       s.classes <= LSTM_MAX_CLASSES;
}

size_t lstm_count(struct lstm_shape s)
{
	size_t n, h = (size_t)s.hidden;

	if (!shape_is_sound(s))
		return 0;
	n = (size_t)s.inputs * 4 * h + h * 4 * h + 4 * h;
	n += (size_t)(s.layers - 1) * (h * 4 * h + h * 4 * h + 4 * h);
	return n + h * (size_t)s.classes + (size_t)s.classes;
}

void lstm_point(struct lstm *net, struct lstm_shape s, float *data)
{
	size_t h = (size_t)s.hidden;
	float *p = data;

	memset(net, 0, sizeof(*net));
	net->shape = s;
	net->count = lstm_count(s);
	net->data = data;
	for (int l = 0; l < s.layers; l++) {
		net->wx[l] = p;
		p += (l ? h : (size_t)s.inputs) * 4 * h;
		net->wh[l] = p;
		p += h * 4 * h;
		net->b[l] = p;
		p += 4 * h;
	}
	net->wo = p;
	net->bo = p + h * (size_t)s.classes;
}

float *lstm_floats(size_t count)
{
	size_t bytes = (count * sizeof(float) + 63) & ~(size_t)63;
	float *p = aligned_alloc(64, bytes ? bytes : 64);

	if (p)
		memset(p, 0, bytes);
	return p;
}

int lstm_init(struct lstm *net, struct lstm_shape shape)
{
	float *data;

	memset(net, 0, sizeof(*net));
	if (!shape_is_sound(shape))
		return -EINVAL;
	data = lstm_floats(lstm_count(shape));
	if (!data)
		return -ENOMEM;
	lstm_point(net, shape, data);
	return 0;
}

void lstm_free(struct lstm *net)
{
	free(net->data);
	memset(net, 0, sizeof(*net));
}

/* y (n) += x (rows) w (rows, n). Inputs that are zero (one-hots, unknown values, the memory of a
 * new host) cost nothing. Four rows at a time spare loads and stores of y; each y[j] is still
 * summed in the order of the rows. */
static void accumulate(const float *w, int n, const float *x, int rows, float *y)
{
	const float *row[4];
	float a[4];
	int have = 0;

	for (int i = 0; i < rows; i++) {
		if (x[i] == 0.0f)
			continue;
		row[have] = w + (size_t)i * (size_t)n;
		a[have++] = x[i];
		if (have < 4)
			continue;
		for (int j = 0; j < n; j++)
			y[j] = y[j] + a[0] * row[0][j] + a[1] * row[1][j] + a[2] * row[2][j] +
			       a[3] * row[3][j];
		have = 0;
	}
	for (int k = 0; k < have; k++)
		for (int j = 0; j < n; j++)
			y[j] += a[k] * row[k][j];
}

/* c (H) and h (H) are renewed from gates (4*H), the sums before their activation. */
static void cell(const float *restrict gates, int hidden, float *restrict h, float *restrict c)
{
	const float *gi = gates, *gf = gates + hidden, *gg = gf + hidden, *go = gg + hidden;

	for (int j = 0; j < hidden; j++) {
		float next = sigmoidf_fast(gf[j]) * c[j] + sigmoidf_fast(gi[j]) * tanhf_fast(gg[j]);

		c[j] = next;
		h[j] = sigmoidf_fast(go[j]) * tanhf_fast(next);
	}
}

size_t lstm_state_size(const struct lstm *net)
{
	return (size_t)net->shape.layers * 2 * (size_t)net->shape.hidden;
}

size_t lstm_work_size(const struct lstm *net)
{
	return 4 * (size_t)net->shape.hidden;
}

/* Of training, too: hence the clones. */
CLONES void lstm_entries(const struct lstm *net, const struct lstm_input *x, float *restrict gates)
{
	size_t width = 4 * (size_t)net->shape.hidden;

	for (int i = 0; i < x->entries; i++) {
		const float *restrict row = net->wx[0] + x->entry[i].row * width;
		float value = x->entry[i].value;

		for (size_t j = 0; j < width; j++)
			gates[j] += value * row[j];
	}
}

void lstm_step(const struct lstm *net, const struct lstm_input *x, float *state, float *logits,
	float *work)
{
	int hidden = net->shape.hidden, width = net->shape.dense;
	float *gates = work; /* (4*H) */
	const float *in = x->dense;

	for (int l = 0; l < net->shape.layers; l++) {
		float *h = state + (size_t)l * 2 * (size_t)hidden, *c = h + hidden;

		memcpy(gates, net->b[l], 4 * (size_t)hidden * sizeof(*gates));
		accumulate(net->wx[l], 4 * hidden, in, width, gates);
		if (l == 0)
			lstm_entries(net, x, gates);
		accumulate(net->wh[l], 4 * hidden, h, hidden, gates);
		cell(gates, hidden, h, c);
		in = h;
		width = hidden;
	}
	memcpy(logits, net->bo, (size_t)net->shape.classes * sizeof(*logits));
	accumulate(net->wo, net->shape.classes, in, hidden, logits);
}

void lstm_softmax(const float *logits, int classes, float temperature, float *probability)
{
	float top = logits[0], sum = 0;

	for (int c = 1; c < classes; c++)
		if (logits[c] > top)
			top = logits[c];
	for (int c = 0; c < classes; c++) {
		probability[c] = expf((logits[c] - top) / temperature);
		sum += probability[c];
	}
	for (int c = 0; c < classes; c++)
		probability[c] /= sum;
}
