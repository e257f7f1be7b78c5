/* Training: epochs of truncated back-propagation through time over sequences, Adam, and the best
 * weights by a validation metric. The rows are the caller's; this room knows neither features nor
 * files. */
#ifndef KARMA_LSTM_TRAIN_H
#define KARMA_LSTM_TRAIN_H

#include <signal.h>

#include "lstm/loss.h"
#include "lstm/model.h"
#include "lstm/plan.h"
#include "util/error.h"

struct train_data {
	size_t rows;         /* of the sequences */
	const int *label;    /* (rows): 0 .. C-1; any where the weight is 0 */
	const float *weight; /* (rows): 0: the row only advances the memory */
	/* Probabilities (C) of the classes to learn in place of the label, or NULL: the label. No
	 * function: labels alone. */
	const float *(*target)(void *context, size_t row);
	const struct train_sequence *sequence;
	size_t sequences;
	int entries; /* most of a row */
	/* Write row `row` into x (D) and `entry` and return how many entries it has. `draw` is
	 * random and the same for all rows of a sequence in an epoch: what varies the data takes it
	 * from there. Called from several threads. */
	int (*input)(void *context, size_t row, uint64_t draw, float *x, struct lstm_entry *entry);
	void *context; /* of both */
};

struct train_settings {
	struct loss loss;
	int epochs;
	int batch;     /* rows of an update */
	int length;    /* T: steps through which the gradient flows back */
	int memory;    /* most rows of a sequence before it is cut and the memory starts anew; 1:
			  no row remembers another */
	float splice;  /* share of the sequences' pieces that begin with another's memory */
	float rate;    /* learning rate at its height */
	float warmup;  /* epochs, at most a quarter, in which it rises to there; then it falls
			  (cosine) */
	float decay;   /* weight decay */
	float clip;    /* global norm of the gradient */
	float dropout; /* behind each layer */
	int patience;  /* epochs without a better metric before it stops and the best weights are
			  kept; 0: all epochs are run and the last ones' weights kept */
	int threads;   /* 1 or 2; the result does not depend on it */
	uint64_t seed;
};

/* The defaults of 'karma train'. Cross-entropy, alpha 1. */
extern const struct train_settings train_defaults;

struct train_progress {
	int epoch, epochs; /* from 1 */
	size_t done, rows; /* of this epoch */
	double loss;       /* mean of this epoch so far */
	double metric;     /* of the last validation; NAN before the first */
	double best;
	int best_epoch;
	bool epoch_over; /* `metric` is new */
};

enum {
	TRAIN_SHARDS = 2, /* a batch is always halved, however many threads there are: sums stay
			     in the same order */
	TRAIN_BLOCKS = 5,
};

/* What the rest of a training depends on, but for its data and settings. The blocks are the
 * trainer's own memory: weights, best weights, Adam's two means, the lanes' memory. */
struct train_state {
	struct train_progress progress; /* its epoch is the one to go on with */
	uint64_t updates;               /* done of that epoch */
	double loss, weight;            /* sums over them */
	uint64_t adam_steps;            /* done */
	uint64_t dropout[TRAIN_SHARDS]; /* states of the generators */
	struct {
		float *data;
		size_t count;
	} block[TRAIN_BLOCKS];
};

struct train_hooks {
	/* How good is `net`? Higher is better. Called after each epoch. NULL: nobody knows, which
	 * wants a patience of 0. */
	double (*validate)(void *context, const struct lstm *net);
	void (*progress)(void *context, const struct train_progress *p); /* after each update */
	/* The state after each epoch, and where it was stopped; NULL: nobody keeps it. */
	void (*keep)(void *context, const struct train_state *state);
	/* Fill in a state that was kept of a training with the same data and settings, blocks
	 * too; NULL: begin anew. 0, or a negative errno with the line in `e`. */
	int (*restore)(void *context, struct train_state *state, struct error *e);
	void *context;
	const volatile sig_atomic_t *stop; /* not 0: end with the best so far */
};

/* Uniform within 1/sqrt(H), as PyTorch has it; the forget gates' biases 1 higher, so that memory is
 * the default (Jozefowicz et al. 2015). */
void train_init_weights(struct lstm *net, uint64_t seed);

/* Train `net` from its present weights and leave the best in it. `last` receives the final
 * progress. 0, or a negative errno: -ENOMEM, -EDOM (the loss or the metric is no number any more).
 * Stopped early is 0. What was stopped and restored ends with the same weights, byte for byte, as
 * what was not. */
int train(struct lstm *net, const struct train_data *data, const struct train_settings *settings,
	const struct train_hooks *hooks, struct train_progress *last, struct error *e);

#endif
