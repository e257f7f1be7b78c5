/* The network over B lanes of T steps, forward and backward: truncated back-propagation through
 * time (Werbos 1990; Williams & Peng 1990). The forward pass gives what lstm_step() gives.
 *
 * Arrays over a chunk are (T, B, ...): all lanes of a step stand together, so that a step is one
 * matrix product and all steps are another. */
#ifndef KARMA_LSTM_BPTT_H
#define KARMA_LSTM_BPTT_H

#include <stdint.h>

#include "lstm/model.h"
#include "util/rng.h"

/* The weights packed for gemm(), as they are and transposed; read by all threads. Of wx[0]
 * the dense rows. */
struct packed {
	float *block;
	float *wx[LSTM_MAX_LAYERS], *wh[LSTM_MAX_LAYERS], *wo;
	float *wx_t[LSTM_MAX_LAYERS], *wh_t[LSTM_MAX_LAYERS], *wo_t; /* wx_t[0] is NULL */
};

/* 0 or -ENOMEM; packed_fill() after each change of the weights. */
int packed_init(struct packed *p, struct lstm_shape shape);
void packed_fill(struct packed *p, const struct lstm *net);
void packed_free(struct packed *p);

/* What the forward pass leaves for the backward pass; N = T * B rows. */
struct bptt {
	struct lstm_shape shape;
	int steps, lanes; /* of the last forward pass */
	bool memory;      /* some row took a state from the row before it */
	float *block;
	float *in[LSTM_MAX_LAYERS];     /* (N, D or H): of layer 0 a copy of x */
	float *gates[LSTM_MAX_LAYERS];  /* (N, 4*H), after their activation: i, f, g, o */
	float *c[LSTM_MAX_LAYERS];      /* (N, H) */
	float *tanh_c[LSTM_MAX_LAYERS]; /* (N, H) */
	float *h[LSTM_MAX_LAYERS];      /* (N, H) */
	float *h_prev[LSTM_MAX_LAYERS]; /* (N, H): h of the step before, 0 at a start */
	float *c_prev[LSTM_MAX_LAYERS]; /* (N, H) */
	float *mask[LSTM_MAX_LAYERS];   /* (N, H): dropout behind the layer, 0 or 1 / (1 - p) */
	float *top;                     /* (N, H): h of the last layer behind its dropout */
	float *dh, *dgates, *dh_next, *dc_next; /* (N, H), (N, 4*H), (B, H), (B, H) */
	float *pack;                            /* a matrix of N rows, packed */
	const struct lstm_input *x;             /* the caller's, N of them */
	const uint8_t *start;                   /* the caller's */
	bool dropout;
};

/* Buffers for chunks of up to `rows` = T * B rows. 0 or -ENOMEM. */
int bptt_init(struct bptt *b, struct lstm_shape shape, int rows);
void bptt_free(struct bptt *b);

/* x (T, B); start (T, B): 1 where a sequence starts and the memory before it is none; state
 * (B, lstm_state_size()): before the first step, and on return behind the last; logits (T, B, C).
 * `rng` draws the dropout of probability `p`; it may be NULL where p is 0. x and `start`
 * are needed until the backward pass. */
void bptt_forward(struct bptt *b, const struct lstm *net, const struct packed *w, int steps,
	int lanes, const struct lstm_input *x, const uint8_t *start, float *state, float *logits,
	struct rng *rng, float p);

/* Of the last forward pass: dlogits (T, B, C), the loss's gradient. Adds to `grad`. The state that
 * the chunk began with is taken as given: that is where the back-propagation is truncated. */
void bptt_backward(struct bptt *b, const struct packed *w, const float *dlogits, struct lstm *grad);

#endif
