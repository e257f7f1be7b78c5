#include "lstm/kernel.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool always(void)
{
	return true;
}

static const struct lstm_kernel kernel_scalar = {.name = "scalar", .runs_here = always};

const struct lstm_kernel *const lstm_kernels[] = {
	&kernel_scalar,
#ifdef __x86_64__
	&kernel_avx2,
	&kernel_avx512,
	&kernel_int8_avx2,
	&kernel_int8_avx_vnni,
	&kernel_int8_avx512_vnni,
#endif
	NULL,
};

/* ---- choice ---- */

static const struct lstm_kernel *fastest(bool int8)
{
	const struct lstm_kernel *best = NULL;

	for (int i = 0; lstm_kernels[i]; i++)
		if (lstm_kernels[i]->int8 == int8 && lstm_kernels[i]->runs_here())
			best = lstm_kernels[i];
	return best;
}

const struct lstm_kernel *lstm_kernel_find(const char *name, struct error *e)
{
	const struct lstm_kernel *found = NULL;
	char names[160] = "fp32, int8";
	bool known = true;

	if (strcmp(name, "fp32") == 0 || strcmp(name, "int8") == 0) {
		found = fastest(name[0] == 'i');
	} else {
		known = false;
		for (int i = 0; lstm_kernels[i]; i++) {
			const struct lstm_kernel *k = lstm_kernels[i];
			size_t used = strlen(names);

			snprintf(names + used, sizeof(names) - used, ", %s", k->name);
			if (strcmp(k->name, name) != 0)
				continue;
			known = true;
			found = k->runs_here() ? k : NULL;
		}
	}
	if (!known)
		error_set(e, -EINVAL, "no kernel '%s'; there are %s", name, names);
	else if (!found)
		error_set(e, -EOPNOTSUPP,
			"this processor cannot run the kernel '%s'; take fp32, the fastest that it "
			"can",
			name);
	return found;
}

/* ---- packing ---- */

enum { LINE = 64 };

/* A block that is cut up; without one it is only measured. */
struct block {
	char *start;
	size_t used;
};

static void *cut(struct block *b, size_t bytes)
{
	void *p = b->start ? b->start + b->used : NULL;

	b->used += (bytes + LINE - 1) & ~(size_t)(LINE - 1);
	return p;
}

static int rounded(int n, int to)
{
	return (n + to - 1) / to * to;
}

/* What the gates' sums are packed times: see kernel.h. */
static const float gate_scale[4] = {
	-1.4426950408889634f, -1.4426950408889634f, -2.8853900817779268f, -1.4426950408889634f};

/* Which rows of a layer are packed, one behind the other: of wx, then of wh. */
struct source {
	const float *wx, *wh;
	int from_x, from_h; /* how many of each */
	int hidden;
};

static float source_at(const struct source *s, int row, int gate, int cell)
{
	const float *w = row < s->from_x ? s->wx : s->wh;
	int r = row < s->from_x ? row : row - s->from_x;

	if (r >= s->from_h && w == s->wh)
		return 0;
	return w[(size_t)r * 4 * (size_t)s->hidden + (size_t)(gate * s->hidden + cell)];
}

/* to (panels, rows, 4, V) */
static void pack_floats(const struct source *s, int V, int panels, int rows, float *to)
{
	for (int p = 0; p < panels; p++)
		for (int r = 0; r < rows; r++)
			for (int g = 0; g < 4; g++)
				for (int j = 0; j < V; j++, to++)
					*to = p * V + j < s->hidden
						      ? source_at(s, r, g, p * V + j) *
								gate_scale[g]
						      : 0;
}

/* to (from_x, panels, 4, V) */
static void pack_rows(const struct source *s, int V, int panels, float *to)
{
	struct source one = *s;

	one.from_x = 1;
	for (int r = 0; r < s->from_x; r++, to += (ptrdiff_t)panels * 4 * V) {
		pack_floats(&one, V, panels, 1, to);
		one.wx += 4 * (ptrdiff_t)s->hidden;
	}
}

/* One gate of one cell: q takes every 4 * V * 4th group of four. */
static void pack_column(const struct source *s, int V, int quads, int gate, int cell, bool offset,
	int8_t *q, float *scale, int32_t *base)
{
	float most = 0, step;
	int sum = 0;

	for (int r = 0; r < s->from_x + s->from_h; r++)
		most = fmaxf(most, fabsf(source_at(s, r, gate, cell)));
	step = most > 0 ? most / 127 : 1;
	for (int r = 0; r < 4 * quads; r++) {
		int v = (int)lrintf(source_at(s, r, gate, cell) / step);

		q[(size_t)(r / 4) * 4 * (size_t)V * 4 + (size_t)(r % 4)] = (int8_t)v;
		sum += v;
	}
	*scale = step / 127 * gate_scale[gate];
	*base = offset ? -128 * sum : 0;
}

static void pack_bytes(const struct source *s, int V, bool offset, struct kernel_layer *k,
	int8_t *q, float *scale, int32_t *base)
{
	for (int p = 0; p < k->panels; p++)
		for (int g = 0; g < 4; g++)
			for (int j = 0; j < V && p * V + j < s->hidden; j++) {
				size_t at = ((size_t)p * 4 + (size_t)g) * (size_t)V + (size_t)j;
				size_t row = ((size_t)g * (size_t)V + (size_t)j) * 4;

				pack_column(s, V, k->quads, g, p * V + j, offset,
					q + (size_t)p * (size_t)k->quads * 16 * (size_t)V + row,
					scale + at, base + at);
			}
}

static void layer_pack(struct kernel_layer *k, const struct lstm_kernel *kernel,
	const struct lstm *net, int l, struct block *block)
{
	const struct lstm_shape shape = net->shape;
	const int V = kernel->cells, hidden = shape.hidden, width = l ? hidden : shape.dense;
	/* What enters the first layer is not h: its weights are not bytes. */
	const int bytes_x = kernel->int8 && l ? width : 0, bytes_h = kernel->int8 ? hidden : 0;
	const struct source bias = {net->b[l], NULL, 1, 0, hidden};
	const struct source floats = {
		net->wx[l], net->wh[l], width - bytes_x, hidden - bytes_h, hidden};
	const struct source bytes = {net->wx[l], net->wh[l], bytes_x, bytes_h, hidden};
	const struct source entries = {net->wx[l], NULL, l ? 0 : shape.inputs, 0, hidden};
	float *b, *w, *entry, *scale;
	int32_t *base;
	int8_t *q;
	size_t panel;

	k->cells = hidden;
	k->panels = rounded(hidden, V) / V;
	k->rows = rounded(floats.from_x + floats.from_h, KERNEL_ROWS);
	k->quads = rounded(bytes_x + bytes_h, 4 * KERNEL_ROWS) / 4;
	panel = (size_t)k->panels * 4 * (size_t)V;
	k->bias = b = cut(block, panel * sizeof(float));
	k->w = w = cut(block, panel * (size_t)k->rows * sizeof(float));
	k->entry = entry = cut(block, panel * (size_t)entries.from_x * sizeof(float));
	k->scale = scale = cut(block, panel * sizeof(float));
	k->base = base = cut(block, panel * sizeof(int32_t));
	k->q = q = cut(block, panel * (size_t)k->quads * 4);
	if (!block->start)
		return;
	pack_floats(&bias, V, k->panels, 1, b);
	pack_floats(&floats, V, k->panels, k->rows, w);
	pack_rows(&entries, V, k->panels, entry);
	if (kernel->int8)
		pack_bytes(&bytes, V, kernel->offset, k, q, scale, base);
}

static void output_pack(struct kernel_output *k, const struct lstm_kernel *kernel,
	const struct lstm *net, struct block *block)
{
	size_t classes = (size_t)net->shape.classes;
	float *w, *b;

	k->rows = rounded(net->shape.hidden, KERNEL_ROWS);
	k->columns = rounded(net->shape.classes, kernel->cells);
	k->classes = net->shape.classes;
	k->bias = b = cut(block, (size_t)k->columns * sizeof(float));
	k->w = w = cut(block, (size_t)k->columns * (size_t)k->rows * sizeof(float));
	if (!block->start)
		return;
	memcpy(b, net->bo, classes * sizeof(*b));
	for (size_t r = 0; r < (size_t)net->shape.hidden; r++)
		memcpy(w + r * (size_t)k->columns, net->wo + r * classes, classes * sizeof(*w));
}

static void net_pack(struct kernel_net *k, const struct lstm_kernel *kernel, const struct lstm *net,
	struct block *block)
{
	for (int l = 0; l < net->shape.layers; l++)
		layer_pack(&k->layer[l], kernel, net, l, block);
	output_pack(&k->output, kernel, net, block);
}

int kernel_net_init(struct kernel_net *k, const struct lstm_kernel *kernel, const struct lstm *net)
{
	struct block block = {NULL, 0};

	net_pack(k, kernel, net, &block);
	k->block = lstm_floats(block.used / sizeof(float)); /* zeroed */
	block = (struct block){k->block, 0};
	if (!k->block)
		return -ENOMEM;
	net_pack(k, kernel, net, &block);
	return 0;
}

void kernel_net_free(struct kernel_net *k)
{
	free(k->block);
	memset(k, 0, sizeof(*k));
}
