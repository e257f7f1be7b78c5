/* The history's own side of history.h: for history.c and history_gather.c. */
#ifndef KARMA_OUTPUT_HISTORY_INSIDE_H
#define KARMA_OUTPUT_HISTORY_INSIDE_H

#include <pthread.h>

#include "detect/lru.h"
#include "output/history.h"
#include "output/history_store.h"

enum { HISTORY_WAITING = 64 }; /* minutes that wait for a file that cannot be written */

struct history {
	char path[HISTORY_PATH], model[HISTORY_MODEL];
	struct history_settings settings;
	struct store *store;       /* the thread's, once there is one; NULL: not open yet */
	struct lru *kept;          /* by id */
	struct lru *hosts;         /* struct batch_host, by address */
	struct batch_block *block; /* (BLOCKS); NULL: none since the last batch */
	struct batch_minute minute[HISTORY_WAITING];
	struct summary figures; /* as they were */
	uint64_t written_ns;    /* monotonic */
	unsigned minutes, blocks;
	bool patient, has_figures, has_thread;

	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t wake;  /* the thread: a batch, or the end */
	pthread_cond_t idle;  /* the owner: a batch is written, or was tried */
	struct batch *batch;  /* handed over, not written yet; NULL: none */
	uint64_t tries;
	struct history_stats stats;
	struct latency latency;
	struct mute mute[HISTORY_MUTES];
	unsigned mutes;
	bool closing;
};

#endif
