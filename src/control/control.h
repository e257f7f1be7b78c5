/* The socket by which people and programs reach a running karma: a unix socket, on which a line is
 * a request and is answered by a line, both JSON objects:
 *
 *   {"command": "block.add", "address": "192.0.2.7", "for": 600}
 *   {"ok": true, ...}     {"ok": false, "error": "why not"}
 *
 * It is root's and, if one is named, a group's: who may open it may use it, and the kernel says who
 * that is. Nothing here waits for a client. Bounded: clients (the one that was silent longest gives
 * way), a request's length, and what a client leaves unread (it is let go of). */
#ifndef KARMA_CONTROL_H
#define KARMA_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

enum { CONTROL_CLIENTS = 16, CONTROL_REQUEST = 4096, CONTROL_UNREAD = 1 << 20 };

/* Where it is unless told otherwise. */
#define CONTROL_PATH "/run/karma/karma.sock"

enum { CONTROL_PATH_ROOM = 108 };

struct control_peer {
	uint32_t uid;
	int32_t pid;
};

/* Answer a request with a new object, in which "ok" is set. NULL: memory is short. */
typedef json_t *(*control_handler)(
	void *context, const struct control_peer *from, const json_t *request);

struct control_command {
	const char *name;
	control_handler handle;
};

/* Commands that belong together. */
struct control_part {
	const struct control_command *commands;
	size_t count;
	void *context;   /* of their handlers */
	const char *off; /* NULL: they are served; else they are refused, and why */
};

/* ---- the daemon's end ---- */

struct control;

/* Make the socket, and its folder if that is not there. `group`: NULL, or who else may use it. What
 * is left of a karma that is no more is replaced; -EADDRINUSE: one is running. 0, or a negative
 * errno and the line. `parts` are kept. */
int control_open(struct control **c, const char *path, const char *group,
	const struct control_part *parts, size_t count, struct error *e);

/* Readable when there is something to do for control_serve(). */
int control_fd(const struct control *c);

/* Take what has come and answer it. */
void control_serve(struct control *c);

/* Remove the socket. NULL is fine. */
void control_close(struct control *c);

/* An answer that says no. */
json_t *control_refusal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- the other end ---- */

/* Connect. A descriptor, or a negative errno and the line. */
int control_connect(const char *path, struct error *e);

/* The same for who never waits: the descriptor is not blocking; -EAGAIN: the daemon is busy. */
int control_connect_now(const char *path, struct error *e);

/* Ask, and wait for the answer up to 10 s. `request` is released. The answer, or NULL and the line:
 * also where it says no. */
json_t *control_ask(int fd, json_t *request, struct error *e);

#endif
