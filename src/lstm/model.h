/* A trained network and its file.
 *
 * File: 8 bytes magic "KARMALSM", u32 version, u32 header length, the header (JSON), the weights
 * (float32, in the order of struct lstm), u32 CRC-32 of all before it. Integers and floats are
 * little-endian. The header carries everything that is not a weight:
 * - "shape": {"inputs", "dense", "layers", "hidden", "classes"}: read and checked here; without
 *   "dense" all inputs are
 * - "temperature", and where attack or not is calibrated apart (lstm/calibration.h) "attack":
 *   {"slope", "offset"}: read and checked here
 * - "classes": names, as many as the shape says; checked here
 * - "input": the encoder's description (feature/encode.h); opaque here
 * and how and on what it was trained, its scores and thresholds (cmd/train.c). */
#ifndef KARMA_LSTM_MODEL_H
#define KARMA_LSTM_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lstm/calibration.h"
#include "util/error.h"

enum {
	LSTM_MAX_INPUTS = 8192,
	LSTM_MAX_LAYERS = 4,
	LSTM_MAX_HIDDEN = 1024,
	LSTM_MAX_CLASSES = 32,
	MODEL_VERSION = 1,
};

/* Sizes of a network: I inputs, the first D of them dense, L layers of H cells, C classes. */
struct lstm_shape {
	int inputs, dense, layers, hidden, classes;
};

/* What a step is given: D numbers, and of all inputs those that are named. Each adds value * its
 * row of wx[0]: a one-hot, or the two rows between which an encoded number stands, costs no more
 * however many inputs there are. */
struct lstm_entry {
	uint32_t row; /* < I; the caller sees to it */
	float value;
};

struct lstm_input {
	const float *dense; /* (D) */
	const struct lstm_entry *entry;
	int entries;
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
	json_t *header; /* owned */
	struct calibration calibration;
};

/* Floats in the block of a network of this shape; 0: not a shape within the limits above. */
size_t lstm_count(struct lstm_shape shape);

/* Allocate and point into the block; weights are zero. -ENOMEM, -EINVAL. */
int lstm_init(struct lstm *net, struct lstm_shape shape);
void lstm_free(struct lstm *net);

/* Point into a block of lstm_count() floats that stays the caller's: gradients, averages. */
void lstm_point(struct lstm *net, struct lstm_shape shape, float *data);

/* Zeroed floats, aligned for vectors; free() them. NULL when memory is short. */
float *lstm_floats(size_t count);

/* 0, or a negative errno and the line: not a model, other version, truncated, damaged (CRC),
 * shapes that contradict. On failure `m` is as after model_free(). "-": standard input. */
int model_load(struct model *m, const char *path, struct error *e);
/* The same from memory; `name` is for the error's line. */
int model_decode(struct model *m, const void *data, size_t size, const char *name, struct error *e);

/* Does the network carry a host's memory from record to record? One that was trained on single
 * rows does not: its state is zero at each step. */
bool model_remembers(const struct model *m);

/* Written beside and renamed. Shape and calibration are put into the header; its keys are sorted,
 * so the same model gives the same bytes. */
int model_save(const struct model *m, const char *path, struct error *e);
void model_free(struct model *m);

/* ---- inference ---- */

/* Floats of state that a host has: layers * 2 * hidden, laid out (L, {h, c}, H). Zero: no memory.
 */
size_t lstm_state_size(const struct lstm *net);

/* One step: state is read and written, logits (C). `work` holds lstm_work_size() floats. */
void lstm_step(const struct lstm *net, const struct lstm_input *x, float *state, float *logits,
	float *work);
size_t lstm_work_size(const struct lstm *net);

/* gates (4*H) += value * row of wx[0], over the entries of x. */
void lstm_entries(const struct lstm *net, const struct lstm_input *x, float *gates);

/* One state or many at a time, by a kernel (lstm/kernel.h; NULL: the fastest of float32
 * that runs here). Keeps a packed copy of the weights, and
 * `net`, which must outlive it. NULL when memory is short. */
struct lstm_batch;
struct lstm_kernel;
struct lstm_batch *lstm_batch_new(
	const struct lstm *net, const struct lstm_kernel *kernel, int max);
void lstm_batch_free(struct lstm_batch *b);
/* n <= max: x (n), n different states, logits (n, C). What lstm_step() gives, within 1e-5; an int8
 * kernel's probabilities within 0.02. */
void lstm_batch_step(struct lstm_batch *b, int n, const struct lstm_input *x, float *const *state,
	float *logits);

/* Softmax of logits / temperature; may be in place. */
void lstm_softmax(const float *logits, int classes, float temperature, float *probability);

#endif
