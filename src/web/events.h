/* What is new, each second, for all views that are open: one question to the daemon, however many
 * they are, and none in most seconds while there is no view. Server-sent events (WHATWG HTML):
 * "live" has the answer to `live`, "down" says why there is none, "missed" that a view was too slow
 * and has to look anew. */
#ifndef KARMA_WEB_EVENTS_H
#define KARMA_WEB_EVENTS_H

#include <stddef.h>
#include <sys/types.h>

#include "web/wire.h"

enum { EVENTS_VIEWS = 16, EVENTS_KEPT = 16 };

struct events;
struct view;

/* Begin to ask. 0, or a negative errno and the line. */
int events_open(struct events **events, struct wire *wire, struct error *e);

/* Ask no more; views that wait are told to end. */
void events_end(struct events *s);
void events_close(struct events *s);

/* What was held against a host ("trail.h"). */
json_t *events_trail(struct events *s, const char *ip);

/* A view, from the next event on. NULL: there are EVENTS_VIEWS already. */
struct view *view_open(struct events *s);
void view_close(struct view *v);

/* Wait for what is next and copy up to `room` bytes of it; -1: it ends. */
ssize_t view_read(struct view *v, char *to, size_t room);

#endif
