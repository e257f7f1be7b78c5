/* How a step is computed: one interface, one kernel for each set of instructions.
 *
 * A kernel works on panels: V neighbouring cells, V floats being one vector of its processor, with
 * all four gates of them. Weights are packed once, panel by panel in the order in which they are
 * read. A panel's sums stay in registers until the cells are done: gates are never stored.
 *
 * Gates are packed times -log2(e), the third times -2 log2(e), so that a power of two of the sum is
 * what sigmoid and tanh are made of.
 *
 * The int8 kernels hold the weights of h (the recurrent ones, and the inputs of all layers but the
 * first) as bytes, with a scale for each gate of each cell, and h as bytes: h * 127. Sums of
 * products are whole numbers, so that all int8 kernels agree on them. What enters the first layer
 * and what leaves the last stays float32. */
#ifndef KARMA_LSTM_KERNEL_H
#define KARMA_LSTM_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "lstm/model.h"
#include "util/error.h"

/* A layer as a kernel reads it; P panels. */
struct kernel_layer {
	int cells, panels;
	int rows;          /* of w: padded with zeros to a multiple of KERNEL_ROWS */
	int quads;         /* rows of q, by fours: padded with zeros to a multiple of KERNEL_ROWS */
	const float *bias; /* (P, 4, V) */
	const float *w;    /* (P, rows, 4, V): of the inputs, then of h; int8: of the numbers */
	const float *entry;  /* (I, P, 4, V): wx[0], for the entries */
	const float *scale;  /* (P, 4, V): of a sum of bytes' products */
	const int32_t *base; /* (P, 4, V): where such a sum begins */
	const int8_t *q;     /* (P, quads, 4, V, 4): int8: of what is h */
};

/* The last layer's h to logits. */
struct kernel_output {
	int rows, columns; /* padded to a multiple of KERNEL_ROWS, and of V */
	int classes;
	const float *bias; /* (columns) */
	const float *w;    /* (rows, columns) */
};

/* One step of a layer, for n lanes. */
struct kernel_step {
	int n;
	const float *a; /* (n, a_width): what w is multiplied by */
	int a_width;
	const uint8_t *aq; /* (n, aq_width): what q is */
	int aq_width;
	const struct lstm_input *input; /* (n): the entries; NULL behind the first layer */
	float *const *state;            /* (n); h of this layer at [at], c behind it */
	size_t at;
	float *out; /* (n, out_width): h once more, for what comes next; NULL: nobody asks */
	int out_width;
	uint8_t *outq; /* the same as bytes */
	int outq_width;
	bool backward; /* the panels from the last to the first, where only one lane goes */
};

enum { KERNEL_ROWS = 4 };

struct lstm_kernel {
	const char *name;
	bool (*runs_here)(void);
	int cells; /* V */
	bool int8;
	bool offset; /* bytes of h have 128 added: the instruction wants them without a sign */
	/* NULL: lstm_step(). */
	void (*layer)(const struct kernel_layer *w, const struct kernel_step *s);
	void (*output)(
		const struct kernel_output *w, int n, const float *h, int h_width, float *logits);
	void (*bytes)(const float *h, int count, uint8_t *to);
};

/* All of them, the slowest first; NULL behind the last. Not all run here. */
extern const struct lstm_kernel *const lstm_kernels[];

/* The kernel of that name; "fp32" and "int8": the fastest of these that the processor and the
 * system support. NULL with the line: no such kernel, or it does not run here. */
const struct lstm_kernel *lstm_kernel_find(const char *name, struct error *e);

/* The weights packed for a kernel that has a layer(). */
struct kernel_net {
	struct kernel_layer layer[LSTM_MAX_LAYERS];
	struct kernel_output output;
	void *block;
};

/* 0 or -ENOMEM. */
int kernel_net_init(struct kernel_net *k, const struct lstm_kernel *kernel, const struct lstm *net);
void kernel_net_free(struct kernel_net *k);

extern const struct lstm_kernel kernel_avx2, kernel_avx512, kernel_int8_avx2, kernel_int8_avx_vnni,
	kernel_int8_avx512_vnni;

#endif
