/* Adam with decoupled weight decay (Kingma & Ba 2015; Loshchilov & Hutter 2019), as
 * torch.optim.AdamW computes it. */
#ifndef KARMA_LSTM_ADAM_H
#define KARMA_LSTM_ADAM_H

#include "lstm/model.h"

struct adam {
	struct lstm mean;    /* running mean of the gradient */
	struct lstm square;  /* and of its square */
	unsigned long steps; /* done */
	float decay;         /* weight decay, of the matrices and not of the biases */
};

int adam_init(struct adam *a, struct lstm_shape shape, float decay);
void adam_free(struct adam *a);

/* One step down `grad`, which has the shape of `net`. */
void adam_step(struct adam *a, struct lstm *net, const struct lstm *grad, float rate);

/* Scale the gradient down to a global (L2) norm of `most`; returns the norm that it had. */
double grad_clip(struct lstm *grad, double most);

#endif
