/* The packets of interfaces themselves, through packet sockets: only for who keeps them. Metering
 * does without. */
#ifndef KARMA_CAPTURE_PACKETS_H
#define KARMA_CAPTURE_PACKETS_H

#include "capture/caught.h"
#include "capture/interface.h"
#include "util/error.h"

struct packets;

/* Of each packet no more than `snap` bytes. An interface that is down is waited for. `outer`: the
 * ends are those of a tunnel, not of what is in it. 0, or a negative errno and the line. */
int packets_open(struct packets **p, const struct interface_list *interfaces, uint32_t snap,
	bool outer, struct error *e);

/* Hand on what has come, without waiting. */
void packets_poll(struct packets *p, caught_sink sink, void *context);

/* How many came faster than they were taken. */
uint64_t packets_dropped(struct packets *p);

/* NULL is fine. */
void packets_close(struct packets *p);

#endif
