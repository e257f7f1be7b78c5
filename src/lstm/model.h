/* A trained network and its file.
 *
 * File: 8 bytes magic "KARMALSM", u32 version, u32 header length, the header (JSON), the weights
 * (little-endian float32, in the order of struct lstm), u32 CRC-32 of all before it. The header
 * carries everything that is not a weight: sizes, class names, the encoder's description
 * ("input", opaque here), thresholds, calibration, how and on what it was trained. */
#ifndef KARMA_LSTM_MODEL_H
#define KARMA_LSTM_MODEL_H

#include <jansson.h>
#include <stddef.h>

#include "util/error.h"

enum { LSTM_MAX_LAYERS = 4, LSTM_MAX_CLASSES = 32, MODEL_VERSION = 1 };

/* Sizes of a network: I inputs, L layers of H cells, C classes. */
struct lstm_shape {
	int inputs, layers, hidden, classes;
};

/* The weights, all in one block `data` of `count` floats. Gates stand in the order i, f, g, o, as
 * PyTorch has them. Matrices are stored input-major so that the inner loop runs over gates. */
struct lstm {
	struct lstm_shape shape;
	size_t count;
	float *data;
	float *wx[LSTM_MAX_LAYERS]; /* (I or H, 4*H) */
	float *wh[LSTM_MAX_LAYERS]; /* (H, 4*H) */
	float *b[LSTM_MAX_LAYERS];  /* (4*H) */
	float *wo;                  /* (H, C) */
	float *bo;                  /* (C) */
};

struct model {
	struct lstm net;
	json_t *header;    /* owned */
	float temperature; /* logits are divided by it; 1: not calibrated */
};

/* Allocate and point into the block; weights are zero. -ENOMEM, -EINVAL. */
int lstm_init(struct lstm *net, struct lstm_shape shape);
void lstm_free(struct lstm *net);

/* 0, or a negative errno and the line: not a model, other version, truncated, damaged (CRC),
 * shapes that contradict. */
int model_load(struct model *m, const char *path, struct error *e);
/* Written beside and renamed. */
int model_save(const struct model *m, const char *path, struct error *e);
void model_free(struct model *m);

/* ---- inference ---- */

/* Floats of state that a host has: layers * 2 * hidden, laid out (L, {h, c}, H). Zero: no memory.
 */
size_t lstm_state_size(const struct lstm *net);

/* One step: x (I), state is read and written, logits (C). `work` holds lstm_work_size() floats. */
void lstm_step(const struct lstm *net, const float *x, float *state, float *logits, float *work);
size_t lstm_work_size(const struct lstm *net);

/* Softmax of logits / temperature; may be in place. */
void lstm_softmax(const float *logits, int classes, float temperature, float *probability);

#endif
