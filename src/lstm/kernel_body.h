/* What the kernels have in common. The file that includes it has said by vec256.h or vec512.h what
 * a vector is, and for int8 how bytes are multiplied: DOT and OFFSET.
 *
 * TILE lanes go through a panel together. Their sums, TILE * 4 vectors, fill the registers; each
 * vector of weights is read once for all of them. A lane alone would wait for its own sums: it has
 * them KERNEL_ROWS times over, for rows that follow each other, and adds them up at the end. */
#include <string.h>

#include "lstm/kernel.h"

/* Loops that must not remain: what they run over stands in registers. */
#define EACH(i, n) _Pragma("GCC unroll 8") for (int i = 0; i < (n); i++)

enum { GATES = 4, WIDTH = GATES * V, LANES_OUT = 3 };

/* e ** -x of the gates' sums, which come as powers of two. Their products stay below the largest
 * number: beyond 40 a sigmoid is 0 to within 1e-12. A NAN stays one. */
FN vec decay(vec y)
{
	return exp2_fast(vec_min(vec_set(40.0f), y));
}

/* c' = sigmoid(f) c + sigmoid(i) tanh(g); h = sigmoid(o) tanh(c'). A division each. */
FN void cell(const vec *sum, vec *c, vec *h)
{
	const vec one = vec_set(1.0f), twice = vec_set(-2.8853900817779268f);
	vec i = one + decay(sum[0]), f = one + decay(sum[1]), o = one + decay(sum[3]);
	vec g = decay(sum[2]), ig = i * (one + g), t;

	*c = (*c * ig + (one - g) * f) / (ig * f);
	t = decay(*c * twice);
	*h = (one - t) / (o * (one + t));
}

/* Up to V floats; the vector is full where count >= V. */
FN vec take(const float *from, int count)
{
	float part[V] = {0};

	if (count >= V)
		return vec_load(from);
	memcpy(part, from, (size_t)count * sizeof(*part));
	return vec_load(part);
}

FN void put(float *to, vec v, int count)
{
	float part[V];

	if (count >= V) {
		vec_store(to, v);
		return;
	}
	vec_store(part, v);
	memcpy(to, part, (size_t)count * sizeof(*part));
}

#ifdef DOT
FN void put_bytes(uint8_t *to, vec h, int count)
{
	uint8_t part[V];

	vec_to_bytes(part, h * vec_set(127.0f), OFFSET);
	if (count >= V)
		memcpy(to, part, V);
	else
		memcpy(to, part, (size_t)count);
}

/* sum (rows, GATES) = the bias and what the bytes of h give. */
FN void begin(const struct kernel_layer *w, const struct kernel_step *s, int panel, int first,
	int rows, vec (*sum)[GATES])
{
	const int8_t *q = w->q + (size_t)panel * (size_t)w->quads * WIDTH * 4;
	const uint8_t *a = s->aq + (size_t)first * (size_t)s->aq_width;
	const float *scale = w->scale + (size_t)panel * WIDTH;
	const float *bias = w->bias + (size_t)panel * WIDTH;
	const int chains = rows == 1 ? KERNEL_ROWS : 1;
	ints have[TILE][GATES], more[KERNEL_ROWS][GATES];

	EACH (v, GATES) {
		EACH (r, rows)
			have[r][v] = ints_load(w->base + (size_t)panel * WIDTH + v * V);
		EACH (i, KERNEL_ROWS)
			more[i][v] = (ints){0};
	}
	for (int k = 0; k < w->quads; k += chains)
		EACH (i, chains) {
			ints x[TILE];

			EACH (r, rows)
				x[r] = ints_repeat(
					a + (size_t)r * (size_t)s->aq_width + 4 * (size_t)(k + i));
			EACH (v, GATES) {
				ints b = ints_load(q + (size_t)v * V * 4);

				EACH (r, rows)
					if (chains > 1)
						more[i][v] = DOT(more[i][v], x[r], b);
					else
						have[r][v] = DOT(have[r][v], x[r], b);
			}
			q += (ptrdiff_t)WIDTH * 4;
		}
	EACH (v, GATES) {
		EACH (i, KERNEL_ROWS)
			have[0][v] += more[i][v];
		EACH (r, rows)
			sum[r][v] = ints_to_vec(have[r][v]) * vec_load(scale + v * V) +
				    vec_load(bias + v * V);
	}
}
#else
/* sum (rows, GATES) = the bias. */
FN void begin(const struct kernel_layer *w, const struct kernel_step *s, int panel, int first,
	int rows, vec (*sum)[GATES])
{
	(void)s;
	(void)first;
	EACH (r, rows)
		EACH (v, GATES)
			sum[r][v] = vec_load(w->bias + (size_t)panel * WIDTH + v * V);
}
#endif

/* sum (rows, GATES) += value * row, over a lane's entries. */
FN void sum_entries(const struct kernel_layer *w, const struct lstm_input *x, int panel, vec *sum)
{
	for (int i = 0; i < x->entries; i++) {
		size_t at = (size_t)x->entry[i].row * (size_t)w->panels + (size_t)panel;
		const float *row = w->entry + at * WIDTH;
		vec value = vec_set(x->entry[i].value);

		EACH (v, GATES)
			sum[v] += value * vec_load(row + v * V);
	}
}

/* sum (rows, GATES) += a w. */
FN void sum_floats(const struct kernel_layer *w, const struct kernel_step *s, int panel, int first,
	int rows, vec (*sum)[GATES])
{
	const float *b = w->w + (size_t)panel * (size_t)w->rows * WIDTH;
	const float *a = s->a + (size_t)first * (size_t)s->a_width;
	vec more[KERNEL_ROWS][GATES];

	if (rows > 1) {
		for (int k = 0; k < w->rows; k++, b += WIDTH) {
			vec x[TILE];

			EACH (r, rows)
				x[r] = vec_set(a[(size_t)r * (size_t)s->a_width + (size_t)k]);
			EACH (v, GATES) {
				vec y = vec_load(b + v * V);

				EACH (r, rows)
					sum[r][v] += x[r] * y;
			}
		}
		return;
	}
	EACH (i, KERNEL_ROWS)
		EACH (v, GATES)
			more[i][v] = vec_set(0);
	for (int k = 0; k < w->rows; k += KERNEL_ROWS, b += (ptrdiff_t)KERNEL_ROWS * WIDTH) {
		if (a[k] == 0 && a[k + 1] == 0 && a[k + 2] == 0 && a[k + 3] == 0)
			continue; /* one-hots, a new host's memory */
		EACH (i, KERNEL_ROWS)
			EACH (v, GATES)
				more[i][v] += vec_set(a[k + i]) *
					      vec_load(b + (ptrdiff_t)i * WIDTH + v * V);
	}
	EACH (v, GATES)
		sum[0][v] += (more[0][v] + more[1][v]) + (more[2][v] + more[3][v]);
}

/* sum (rows, GATES) of a panel. `rows` is a constant where this is called. */
FN void sums(const struct kernel_layer *w, const struct kernel_step *s, int panel, int first,
	int rows, vec (*sum)[GATES])
{
	begin(w, s, panel, first, rows, sum);
	if (s->input)
		EACH (r, rows)
			sum_entries(w, &s->input[first + r], panel, sum[r]);
	sum_floats(w, s, panel, first, rows, sum);
}

/* From a lane's sums to its new h and c. */
FN void finish(const struct kernel_layer *w, const struct kernel_step *s, int panel, int lane,
	const vec *sum)
{
	int from = panel * V, count = w->cells - from;
	float *h_at = s->state[lane] + s->at + from, *c_at = h_at + w->cells;
	vec c = take(c_at, count), h;

	cell(sum, &c, &h);
	put(h_at, h, count);
	put(c_at, c, count);
	if (s->out)
		put(s->out + (ptrdiff_t)lane * s->out_width + from, h, count);
#ifdef DOT
	if (s->outq)
		put_bytes(s->outq + (ptrdiff_t)lane * s->outq_width + from, h, count);
#endif
}

FN void tile(
	const struct kernel_layer *w, const struct kernel_step *s, int panel, int first, int rows)
{
	vec sum[TILE][GATES];

	sums(w, s, panel, first, rows, sum);
	EACH (r, rows)
		finish(w, s, panel, first + r, sum[r]);
}

/* A lane that no other goes with: all sums, then all cells, so that these do not wait for each
 * other's divisions. The weights hardly fit the second cache; a step that begins where the last one
 * ended finds more of them there. */
FN void alone(const struct kernel_layer *w, const struct kernel_step *s, int lane)
{
	float all[GATES * (LSTM_MAX_HIDDEN + V)];
	vec sum[1][GATES];

	for (int i = 0; i < w->panels; i++) {
		int panel = s->backward ? w->panels - 1 - i : i;

		sums(w, s, panel, lane, 1, sum);
		EACH (v, GATES)
			vec_store(all + (ptrdiff_t)panel * WIDTH + v * V, sum[0][v]);
	}
	for (int panel = 0; panel < w->panels; panel++) {
		EACH (v, GATES)
			sum[0][v] = vec_load(all + (ptrdiff_t)panel * WIDTH + v * V);
		finish(w, s, panel, lane, sum[0]);
	}
}

__attribute__((target(ISA))) static void layer(
	const struct kernel_layer *w, const struct kernel_step *s)
{
	int i = 0;

	for (int panel = 0; panel < w->panels; panel++) {
		for (i = 0; i + TILE <= s->n; i += TILE)
			tile(w, s, panel, i, TILE);
		for (; i + 2 <= s->n; i += 2)
			tile(w, s, panel, i, 2);
	}
	if (i < s->n)
		alone(w, s, i);
}

/* Logits of `lanes` lanes, a constant; as a lane alone's sums, each is had KERNEL_ROWS times over.
 */
FN void columns(
	const struct kernel_output *w, int lanes, const float *h, int h_width, float *logits)
{
	for (int j = 0; j < w->columns; j += V) {
		const float *b = w->w + j;
		vec sum[LANES_OUT][KERNEL_ROWS];

		EACH (r, lanes)
			EACH (c, KERNEL_ROWS)
				sum[r][c] = vec_set(0);
		for (int k = 0; k < w->rows; k += KERNEL_ROWS)
			EACH (c, KERNEL_ROWS) {
				vec y = vec_load(b);

				EACH (r, lanes)
					sum[r][c] += vec_set(h[(ptrdiff_t)r * h_width + k + c]) * y;
				b += w->columns;
			}
		EACH (r, lanes)
			put(logits + (ptrdiff_t)r * w->classes + j,
				(sum[r][0] + sum[r][1]) + (sum[r][2] + sum[r][3]) +
					vec_load(w->bias + j),
				w->classes - j);
	}
}

__attribute__((target(ISA))) static void output(
	const struct kernel_output *w, int n, const float *h, int h_width, float *logits)
{
	int i = 0;

	for (; i + LANES_OUT <= n; i += LANES_OUT)
		columns(w, LANES_OUT, h + (ptrdiff_t)i * h_width, h_width,
			logits + (ptrdiff_t)i * w->classes);
	for (; i < n; i++)
		columns(w, 1, h + (ptrdiff_t)i * h_width, h_width,
			logits + (ptrdiff_t)i * w->classes);
}

#ifdef DOT
__attribute__((target(ISA))) static void bytes(const float *h, int count, uint8_t *to)
{
	for (int i = 0; i < count; i += V)
		put_bytes(to + i, take(h + i, count - i), count - i);
}
#endif
