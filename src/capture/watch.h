/* The interfaces that are watched: programs are put on each, and interfaces that go down, vanish,
 * come back or are replaced by others of their names are followed. */
#ifndef KARMA_CAPTURE_WATCH_H
#define KARMA_CAPTURE_WATCH_H

#include <stdint.h>

#include "capture/interface.h"

struct watch;

struct watch_calls {
	/* Asked before programs are put on the `place`-th interface (from 0 on): which ones, at its
	 * ingress and egress (-1: none there). 0, or a negative errno and the line. */
	int (*programs)(void *context, unsigned place, const struct interface *i, int prog[2],
		struct error *e);
	void *context;
	/* Told what becomes of an interface: "eth0 is down; waiting for it". */
	void (*tell)(void *context, const char *line);
	void *tell_context;
};

/* Put programs on all of them. 0, or a negative errno and the line: one that is not there, that
 * cannot be watched, that has two names in the list. One that is down is told of and waited for. */
int watch_open(struct watch **watch, const struct interface_list *interfaces,
	const struct watch_calls *calls, struct error *e);

/* Becomes readable when watch_follow() may have something to do. */
int watch_fd(const struct watch *w);

/* Take notice of what has become of the interfaces; does not wait. */
void watch_follow(struct watch *w);

/* The name under which the interface of that number is or was watched, or NULL: those of the last
 * 64 that were are known. */
const char *watch_name(const struct watch *w, unsigned ifindex);

/* How often one went down or away, and came up. */
void watch_counts(const struct watch *w, uint64_t *down, uint64_t *up);

/* How each does. Returns how many. */
unsigned watch_states(const struct watch *w, struct live_interface out[INTERFACES_MAX]);

/* "tcx" or "clsact": how the programs are attached. */
const char *watch_attachment(const struct watch *w);

/* Take the programs away, for good. */
void watch_detach(struct watch *w);

/* NULL is fine. */
void watch_close(struct watch *w);

#endif
