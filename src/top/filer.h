/* Work on the history file, done by a thread of its own: a disk that is slow, or a file that
 * another program holds, keeps nobody from the keyboard. */
#ifndef KARMA_TOP_FILER_H
#define KARMA_TOP_FILER_H

#include <jansson.h>
#include <pthread.h>

#include "output/history_read.h"

enum filer_kind {
	FILER_PAST,   /* all that was, as an answer to `live`: docs in past.h */
	FILER_MARKS,  /* "ack" and "false" by id, of the latest alerts */
	FILER_STORY,  /* of the alert `id`: its event, its "flows" and "flows_left_out" */
	FILER_MARK,   /* mark the alert `id` */
	FILER_MUTE,   /* add `mute` */
	FILER_UNMUTE, /* end the mutes of its range; the answer's "ended" says how many */
};

struct filer_job {
	enum filer_kind kind;
	char path[HISTORY_PATH];
	char id[16];
	enum history_mark mark;
	struct mute mute;
	/* when it is done: an object that is the taker's, or NULL and the line */
	json_t *answer;
	struct error e;
	struct filer_job *next;
};

enum { FILER_WAITING = 8 };

struct filer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t news;
	struct filer_job *first, *done; /* to be done; in the order in which they were */
	unsigned waiting;               /* and being done */
	bool end, running;
	int tell[2]; /* a pipe: readable when something is done */
};

/* 0, or a negative errno and the line. */
int filer_begin(struct filer *f, struct error *e);

/* End it; a job that hangs is left behind. */
void filer_end(struct filer *f);

/* Put a copy of a job in the line. False: too many are waiting. */
bool filer_ask(struct filer *f, const struct filer_job *job);

/* How many are waiting or being done. */
unsigned filer_waiting(struct filer *f);

int filer_fd(const struct filer *f);

/* A job that is done, to be released by filer_free(); NULL: none is. */
struct filer_job *filer_take(struct filer *f);
void filer_free(struct filer_job *job);

#endif
