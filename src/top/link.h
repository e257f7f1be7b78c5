/* A line to the daemon's control socket that never waits: requests go out one by one, each when the
 * one before it was answered; a daemon that is gone is looked for again each second. */
#ifndef KARMA_TOP_LINK_H
#define KARMA_TOP_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/control.h"
#include "util/error.h"

enum { LINK_WAITING = 16, LINK_ANSWER = 4 << 20 }; /* requests; the longest answer */

/* What a request was about, for whoever gets the answer. */
struct link_note {
	int kind;
	char text[64];
};

/* An answer, the callee's only during the call: an object. What is refused has "ok" false. */
typedef void (*link_answered)(void *context, const struct link_note *note, const json_t *answer);

struct link {
	char path[CONTROL_PATH_ROOM];
	int fd;                     /* -1: not connected */
	char why[384];              /* why not; "" while it is */
	int64_t tried_ns, asked_ns; /* when it was tried last; since when an answer is owed */
	struct {
		struct link_note note;
		char *line;
	} waiting[LINK_WAITING]; /* the first is the one that was sent, or is being sent */
	unsigned count;
	bool owed; /* the first was sent at least in part */
	size_t sent;
	char *answer; /* as far as it has come */
	size_t length, room;
	link_answered answered;
	void *context;
};

void link_begin(struct link *l, const char *path, link_answered answered, void *context);
void link_end(struct link *l);

/* Put a request in the line; it is released. False: too many are waiting, or there is nobody to
 * ask. */
bool link_ask(struct link *l, const struct link_note *note, json_t *request);

/* Are any of that kind waiting? */
bool link_has(const struct link *l, int kind);

/* The events to poll `l->fd` for. */
short link_events(const struct link *l);

/* Do what can be done at once: connect, send, take what has come. `now_ns` is any clock that goes
 * on. True: it has connected anew. */
bool link_serve(struct link *l, int64_t now_ns);

/* For how many seconds the daemon has owed an answer; 0: it owes none. */
double link_silent(const struct link *l, int64_t now_ns);

#endif
