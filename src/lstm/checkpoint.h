/* The file from which an interrupted training goes on: the state of a train() and of what it was.
 *
 * File: 8 bytes magic "KARMACKP", u32 version, u32 header length, the header (JSON), the state's
 * blocks (float32), u32 CRC-32 of all before it, all in the order of bytes of the machine that goes
 * on. It is no model and not meant to be passed on. */
#ifndef KARMA_LSTM_CHECKPOINT_H
#define KARMA_LSTM_CHECKPOINT_H

#include <jansson.h>

#include "lstm/train.h"

/* Written beside and renamed. `run` says which data and settings the state belongs to, `epochs` is
 * the caller's log. 0, or a negative errno with the line in `e`. */
int checkpoint_save(const char *path, const struct train_state *state, const json_t *run,
	const json_t *epochs, struct error *e);

/* Fill in `state` and its blocks, whose sizes must be the file's; `epochs` receives a new
 * reference. -ENOENT: there is none; -EINVAL: damaged; -EPROTO: of another run than `run`: the line
 * says what is other. */
int checkpoint_load(const char *path, struct train_state *state, const json_t *run, json_t **epochs,
	struct error *e);

#endif
