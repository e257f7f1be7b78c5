/* What an output has to say, on its way: a bounded queue, and threads that deliver what is in it.
 * Whoever has something to say never waits for a disk, a socket or a program. What finds no room,
 * is more than the rate allows, or cannot be delivered is counted. */
#ifndef KARMA_OUTPUT_COURIER_H
#define KARMA_OUTPUT_COURIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct courier;

struct courier_settings {
	const char *name;    /* of the threads; up to 15 characters */
	unsigned threads;    /* 0: whoever sends delivers, and waits for it */
	unsigned messages;   /* that may wait */
	size_t bytes;        /* of all that wait */
	unsigned per_minute; /* messages; as many at once. 0: any number */
	unsigned tries;      /* of a message that is to be tried again; 0: any number */
	/* Deliver a message: 0; a negative errno and the line: it is lost; a positive one: it is
	 * to be tried again, after a pause that doubles from a second to a minute. In a thread of
	 * the courier; where there are several, at the same time. */
	int (*deliver)(
		void *own, struct courier *c, const char *text, size_t length, struct error *why);
	void (*nudge)(void *own);   /* courier_nudge() was called; in a thread; may be NULL */
	void (*release)(void *own); /* nobody uses `own` any more; may be NULL */
};

struct courier_stats {
	uint64_t told;    /* delivered */
	uint64_t lost;    /* found no room, or could not be delivered */
	uint64_t limited; /* kept back by the rate */
	uint64_t failed;  /* attempts; some were tried again */
	unsigned waiting;
	bool failing; /* the latest attempt failed, the queue is full, or nobody takes what is said
		       */
	uint64_t failing_ns; /* since when (CLOCK_MONOTONIC); 0: it is not */
	int code;            /* errno of the latest that failed; 0: none did */
	char why[160];
};

/* `own` is released by courier_close(), also where this fails. 0, or a negative errno and the line.
 */
int courier_open(
	struct courier **c, const struct courier_settings *settings, void *own, struct error *e);

/* A message, which is taken over: of malloc(). NULL: memory was short; it is counted as lost. */
void courier_send(struct courier *c, char *text, size_t length);

/* Let `nudge` be called before the next message is delivered, and soon. */
void courier_nudge(struct courier *c);

/* For `deliver`: wait until the file is ready for one of the events of poll(2). 1: it is; 0: so
 * many ms (-1: any number) are over; -ECANCELED: the end has come, let it be. */
int courier_wait(struct courier *c, int fd, short events, int ms);

/* Has the end come that nobody waits beyond? */
bool courier_is_over(const struct courier *c);

void courier_stats(struct courier *c, struct courier_stats *s);

/* The errno of the latest attempt that failed; 0: none has. */
int courier_code(const struct courier *c);

/* Wait until all that waits is delivered, or tried in vain, but no longer than until then
 * (CLOCK_MONOTONIC): what has no turn by then is lost. */
void courier_settle(struct courier *c, uint64_t until_ns);

/* Let it end by itself: what waits is delivered still, or tried in vain. Nothing is sent from now
 * on. Nobody waits; courier_close() it once courier_has_ended(), or when there is no more time. */
void courier_finish(struct courier *c);
bool courier_has_ended(struct courier *c);

/* Settle, and end it: what is not delivered by then is lost. A thread that a disk holds for ever
 * is left behind, with what it uses. `s`: how it ended; may be NULL. NULL for `c` is fine. */
void courier_close(struct courier *c, uint64_t until_ns, struct courier_stats *s);

#endif
