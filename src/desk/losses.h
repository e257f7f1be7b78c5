/* Everything that can be lost, by cause: one table of names for whoever shows them, and of what to
 * do about it. */
#ifndef KARMA_DESK_LOSSES_H
#define KARMA_DESK_LOSSES_H

#include <stdbool.h>

#include "output/output.h"

enum { LOSSES = METER_COUNTERS - LOST_MAP_FULL + 15 };

enum loss_kind {
	LOSS_ROOM,    /* of the traffic: there was no room, or no time */
	LOSS_UNKNOWN, /* of the traffic: packets that could not be decoded */
	LOSS_OTHER,   /* frames that Karma does not judge */
	LOSS_KEPT,    /* of what is kept or done about it */
};

struct loss {
	const char *name;   /* "flow table full" */
	const char *remedy; /* one line */
	enum loss_kind kind;
};

/* `i` from 0 to LOSSES - 1. */
const struct loss *loss_of(unsigned i);

/* How much of each there was. */
void losses_of(const struct summary *s, uint64_t lost[LOSSES]);

/* What of it is lost to detection: LOSS_ROOM and LOSS_UNKNOWN. */
uint64_t losses_sum(const uint64_t lost[LOSSES]);

#endif
