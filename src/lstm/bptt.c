#include "lstm/bptt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/activation.h"
#include "lstm/clones.h"
#include "lstm/gemm.h"

/* ---- memory: one block, cut up ---- */

/* Each part begins at a cache line. */
static float *cut(float **next, size_t count)
{
	float *p = *next;

	*next += (count + 15) & ~(size_t)15;
	return p;
}

/* Lays the parts out from `block`; with NULL it only measures. */
static size_t packed_layout(struct packed *p, struct lstm_shape s, float *block)
{
	float *next = block;
	int h = s.hidden;

	for (int l = 0; l < s.layers; l++) {
		p->wx[l] = cut(&next, gemm_packed_size(l ? h : s.dense, 4 * h));
		p->wh[l] = cut(&next, gemm_packed_size(h, 4 * h));
		p->wx_t[l] = l ? cut(&next, gemm_packed_size(4 * h, h)) : NULL;
		p->wh_t[l] = cut(&next, gemm_packed_size(4 * h, h));
	}
	p->wo = cut(&next, gemm_packed_size(h, s.classes));
	p->wo_t = cut(&next, gemm_packed_size(s.classes, h));
	return (size_t)(next - block);
}

static size_t bptt_layout(struct bptt *b, struct lstm_shape s, size_t n, float *block)
{
	size_t h = (size_t)s.hidden;
	int widest = s.classes > 4 * s.hidden ? s.classes : 4 * s.hidden;
	float *next = block;

	for (int l = 0; l < s.layers; l++) {
		b->in[l] = cut(&next, n * (l ? h : (size_t)s.dense));
		b->gates[l] = cut(&next, n * 4 * h);
		b->c[l] = cut(&next, n * h);
		b->tanh_c[l] = cut(&next, n * h);
		b->h[l] = cut(&next, n * h);
		b->h_prev[l] = cut(&next, n * h);
		b->c_prev[l] = cut(&next, n * h);
		b->mask[l] = cut(&next, n * h);
	}
	b->top = cut(&next, n * h);
	b->dh = cut(&next, n * h);
	b->dgates = cut(&next, n * 4 * h);
	b->dh_next = cut(&next, n * h);
	b->dc_next = cut(&next, n * h);
	b->pack = cut(&next, gemm_packed_size((int)n, widest));
	return (size_t)(next - block);
}

int packed_init(struct packed *p, struct lstm_shape shape)
{
	/* Any aligned address will do to measure from; it is not read. */
	float *block = lstm_floats(packed_layout(p, shape, (float *)64));

	memset(p, 0, sizeof(*p));
	if (!block)
		return -ENOMEM;
	packed_layout(p, shape, block);
	p->block = block;
	return 0;
}

void packed_fill(struct packed *p, const struct lstm *net)
{
	int h = net->shape.hidden, classes = net->shape.classes;

	for (int l = 0; l < net->shape.layers; l++) {
		gemm_pack(l ? h : net->shape.dense, 4 * h, net->wx[l], 4 * h, p->wx[l]);
		gemm_pack(h, 4 * h, net->wh[l], 4 * h, p->wh[l]);
		if (l)
			gemm_pack_transposed(4 * h, h, net->wx[l], 4 * h, p->wx_t[l]);
		gemm_pack_transposed(4 * h, h, net->wh[l], 4 * h, p->wh_t[l]);
	}
	gemm_pack(h, classes, net->wo, classes, p->wo);
	gemm_pack_transposed(classes, h, net->wo, classes, p->wo_t);
}

void packed_free(struct packed *p)
{
	free(p->block);
	memset(p, 0, sizeof(*p));
}

int bptt_init(struct bptt *b, struct lstm_shape shape, int rows)
{
	float *block = lstm_floats(bptt_layout(b, shape, (size_t)rows, (float *)64));

	memset(b, 0, sizeof(*b));
	if (!block)
		return -ENOMEM;
	bptt_layout(b, shape, (size_t)rows, block);
	b->block = block;
	b->shape = shape;
	return 0;
}

void bptt_free(struct bptt *b)
{
	free(b->block);
	memset(b, 0, sizeof(*b));
}

/* ---- forward ---- */

/* h and c of the step before, for the rows of one step: 0 where a sequence starts, else from
 * `h_from` and `c_from` (lane i at i * stride). Returns whether any row has a memory. */
static bool recall(int lanes, size_t hidden, const uint8_t *start, const float *h_from,
	const float *c_from, size_t stride, float *h_prev, float *c_prev)
{
	bool any = false;

	for (int i = 0; i < lanes; i++, h_prev += hidden, c_prev += hidden) {
		if (start[i]) {
			memset(h_prev, 0, hidden * sizeof(*h_prev));
			memset(c_prev, 0, hidden * sizeof(*c_prev));
			continue;
		}
		memcpy(h_prev, h_from + (size_t)i * stride, hidden * sizeof(*h_prev));
		memcpy(c_prev, c_from + (size_t)i * stride, hidden * sizeof(*c_prev));
		any = true;
	}
	return any;
}

/* gates (n, 4*H): from sums to activations; c, tanh_c, h (n, H). */
CLONES static void cells_forward(int n, int hidden, float *restrict gates,
	const float *restrict c_prev, float *restrict c, float *restrict tanh_c, float *restrict h)
{
	for (int r = 0; r < n; r++) {
		float *gi = gates, *gf = gates + hidden, *gg = gf + hidden, *go = gg + hidden;

		for (int j = 0; j < hidden; j++) {
			gi[j] = sigmoidf_fast(gi[j]);
			gf[j] = sigmoidf_fast(gf[j]);
			gg[j] = tanhf_fast(gg[j]);
			go[j] = sigmoidf_fast(go[j]);
			c[j] = gf[j] * c_prev[j] + gi[j] * gg[j];
			tanh_c[j] = tanhf_fast(c[j]);
			h[j] = go[j] * tanh_c[j];
		}
		gates += 4 * hidden;
		c_prev += hidden;
		c += hidden;
		tanh_c += hidden;
		h += hidden;
	}
}

static void fill_rows(float *to, size_t rows, const float *row, size_t width)
{
	for (size_t r = 0; r < rows; r++)
		memcpy(to + r * width, row, width * sizeof(*row));
}

/* to (count) = from * mask with mask 0 (probability p) or 1 / (1 - p): inverted dropout. */
static void drop(struct rng *rng, float p, size_t count, const float *from, float *mask, float *to)
{
	uint64_t below = (uint64_t)(p * 65536.0f), bits = 0;
	float keep = 1.0f / (1.0f - (float)below / 65536.0f);

	for (size_t i = 0; i < count; i++, bits >>= 16) {
		if (i % 4 == 0)
			bits = rng_next(rng);
		mask[i] = (bits & 0xffff) < below ? 0 : keep;
		to[i] = from[i] * mask[i];
	}
}

/* One layer over all steps; `state` points at the layer's h of lane 0, lanes are `stride` apart. */
static void layer_forward(struct bptt *b, const struct lstm *net, const struct packed *w, int l,
	float *state, size_t stride)
{
	int hidden = b->shape.hidden, width = l ? hidden : b->shape.dense;
	int lanes = b->lanes, n = b->steps * lanes;
	size_t step = (size_t)lanes * (size_t)hidden; /* floats of an (H) array in a step */

	fill_rows(b->gates[l], (size_t)n, net->b[l], 4 * (size_t)hidden);
	gemm(n, 4 * hidden, width, b->in[l], width, w->wx[l], b->gates[l], 4 * hidden);
	for (int r = 0; l == 0 && r < n; r++)
		lstm_entries(net, &b->x[r], b->gates[0] + (size_t)r * 4 * (size_t)hidden);
	for (int t = 0; t < b->steps; t++) {
		size_t at = (size_t)t * step;
		const float *h_from = t ? b->h[l] + at - step : state;
		const float *c_from = t ? b->c[l] + at - step : state + hidden;

		if (recall(lanes, (size_t)hidden, b->start + t * lanes, h_from, c_from,
			    t ? (size_t)hidden : stride, b->h_prev[l] + at, b->c_prev[l] + at)) {
			gemm(lanes, 4 * hidden, hidden, b->h_prev[l] + at, hidden, w->wh[l],
				b->gates[l] + 4 * at, 4 * hidden);
			b->memory = true;
		}
		cells_forward(lanes, hidden, b->gates[l] + 4 * at, b->c_prev[l] + at, b->c[l] + at,
			b->tanh_c[l] + at, b->h[l] + at);
	}
	for (int i = 0; i < lanes; i++) {
		size_t last = (size_t)(n - lanes + i) * (size_t)hidden;

		memcpy(state + (size_t)i * stride, b->h[l] + last, (size_t)hidden * sizeof(*state));
		memcpy(state + (size_t)i * stride + hidden, b->c[l] + last,
			(size_t)hidden * sizeof(*state));
	}
}

void bptt_forward(struct bptt *b, const struct lstm *net, const struct packed *w, int steps,
	int lanes, const struct lstm_input *x, const uint8_t *start, float *state, float *logits,
	struct rng *rng, float p)
{
	int hidden = b->shape.hidden, classes = b->shape.classes, n = steps * lanes;
	size_t floats = (size_t)n * (size_t)hidden;

	b->steps = steps;
	b->lanes = lanes;
	b->start = start;
	b->memory = false;
	b->dropout = p > 0;
	b->x = x;
	for (size_t r = 0, d = (size_t)b->shape.dense; d > 0 && r < (size_t)n; r++)
		memcpy(b->in[0] + r * d, x[r].dense, d * sizeof(*b->in[0]));
	for (int l = 0; l < b->shape.layers; l++) {
		float *out = l + 1 < b->shape.layers ? b->in[l + 1] : b->top;

		layer_forward(
			b, net, w, l, state + (size_t)l * 2 * (size_t)hidden, lstm_state_size(net));
		if (rng && p > 0)
			drop(rng, p, floats, b->h[l], b->mask[l], out);
		else
			memcpy(out, b->h[l], floats * sizeof(*out));
	}
	fill_rows(logits, (size_t)n, net->bo, (size_t)classes);
	gemm(n, classes, hidden, b->top, hidden, w->wo, logits, classes);
}

/* ---- backward ---- */

/* dh, dc_next (n, H): the gradients that reach h from above and from the step behind, and c from
 * the step behind. dgates (n, 4*H): with respect to the sums. dc_next becomes the one for c_prev.
 */
CLONES static void cells_backward(int n, int hidden, const float *restrict gates,
	const float *restrict c_prev, const float *restrict tanh_c, const float *restrict dh,
	float *restrict dc_next, float *restrict dgates)
{
	for (int r = 0; r < n; r++) {
		const float *gi = gates, *gf = gates + hidden, *gg = gf + hidden, *go = gg + hidden;
		float *di = dgates, *df = dgates + hidden, *dg = df + hidden, *dout = dg + hidden;

		for (int j = 0; j < hidden; j++) {
			float dc = dc_next[j] + dh[j] * go[j] * (1 - tanh_c[j] * tanh_c[j]);

			dout[j] = dh[j] * tanh_c[j] * go[j] * (1 - go[j]);
			di[j] = dc * gg[j] * gi[j] * (1 - gi[j]);
			df[j] = dc * c_prev[j] * gf[j] * (1 - gf[j]);
			dg[j] = dc * gi[j] * (1 - gg[j] * gg[j]);
			dc_next[j] = dc * gf[j];
		}
		gates += 4 * hidden;
		c_prev += hidden;
		tanh_c += hidden;
		dh += hidden;
		dc_next += hidden;
		dgates += 4 * hidden;
	}
}

CLONES static void add(float *restrict to, const float *restrict from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] += from[i];
}

CLONES static void multiply(float *restrict to, const float *restrict from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] *= from[i];
}

/* sum (width) += the rows of m (rows, width). */
static void add_rows(float *sum, const float *m, size_t rows, size_t width)
{
	for (size_t r = 0; r < rows; r++)
		add(sum, m + r * width, width);
}

/* Nothing flows back over the start of a sequence. */
static void forget(int lanes, size_t hidden, const uint8_t *start, float *dh, float *dc)
{
	for (int i = 0; i < lanes; i++) {
		if (!start[i])
			continue;
		memset(dh + (size_t)i * hidden, 0, hidden * sizeof(*dh));
		memset(dc + (size_t)i * hidden, 0, hidden * sizeof(*dc));
	}
}

/* From b->dh to b->dgates, back through time. */
static void layer_backward(struct bptt *b, const struct packed *w, int l)
{
	int hidden = b->shape.hidden, lanes = b->lanes;
	size_t step = (size_t)lanes * (size_t)hidden;

	memset(b->dh_next, 0, step * sizeof(*b->dh_next));
	memset(b->dc_next, 0, step * sizeof(*b->dc_next));
	for (int t = b->steps - 1; t >= 0; t--) {
		size_t at = (size_t)t * step;

		add(b->dh + at, b->dh_next, step);
		cells_backward(lanes, hidden, b->gates[l] + 4 * at, b->c_prev[l] + at,
			b->tanh_c[l] + at, b->dh + at, b->dc_next, b->dgates + 4 * at);
		if (t == 0)
			break;
		memset(b->dh_next, 0, step * sizeof(*b->dh_next));
		if (b->memory)
			gemm(lanes, hidden, 4 * hidden, b->dgates + 4 * at, 4 * hidden, w->wh_t[l],
				b->dh_next, hidden);
		forget(lanes, (size_t)hidden, b->start + t * lanes, b->dh_next, b->dc_next);
	}
}

/* The rows of wx[0] that were named: each takes value * dgates. */
CLONES static void entries_backward(
	int n, int width, const struct lstm_input *x, const float *dgates, float *wx)
{
	for (int r = 0; r < n; r++, dgates += width)
		for (int i = 0; i < x[r].entries; i++) {
			float *restrict to = wx + (size_t)x[r].entry[i].row * (size_t)width;
			float value = x[r].entry[i].value;

			for (int j = 0; j < width; j++)
				to[j] += value * dgates[j];
		}
}

void bptt_backward(struct bptt *b, const struct packed *w, const float *dlogits, struct lstm *grad)
{
	int hidden = b->shape.hidden, classes = b->shape.classes, n = b->steps * b->lanes;
	size_t rows = (size_t)n, floats = rows * (size_t)hidden;

	gemm_pack(n, classes, dlogits, classes, b->pack);
	gemm_ta(hidden, classes, n, b->top, hidden, b->pack, grad->wo, classes);
	add_rows(grad->bo, dlogits, rows, (size_t)classes);
	memset(b->dh, 0, floats * sizeof(*b->dh));
	gemm(n, hidden, classes, dlogits, classes, w->wo_t, b->dh, hidden);

	for (int l = b->shape.layers - 1; l >= 0; l--) {
		int width = l ? hidden : b->shape.dense;

		if (b->dropout)
			multiply(b->dh, b->mask[l], floats);
		layer_backward(b, w, l);
		gemm_pack(n, 4 * hidden, b->dgates, 4 * hidden, b->pack);
		gemm_ta(width, 4 * hidden, n, b->in[l], width, b->pack, grad->wx[l], 4 * hidden);
		if (b->memory)
			gemm_ta(hidden, 4 * hidden, n, b->h_prev[l], hidden, b->pack, grad->wh[l],
				4 * hidden);
		add_rows(grad->b[l], b->dgates, rows, 4 * (size_t)hidden);
		if (l == 0) {
			entries_backward(n, 4 * hidden, b->x, b->dgates, grad->wx[0]);
			break;
		}
		memset(b->dh, 0, floats * sizeof(*b->dh));
		gemm(n, hidden, 4 * hidden, b->dgates, 4 * hidden, w->wx_t[l], b->dh, hidden);
	}
}
