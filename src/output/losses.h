/* Everything that can be lost, by cause: one table of names for whoever shows them, and of what to
 * do about it. */
#ifndef KARMA_OUTPUT_LOSSES_H
#define KARMA_OUTPUT_LOSSES_H

#include <stdbool.h>

#include "output/output.h"

enum { LOSSES = METER_COUNTERS - LOST_MAP_FULL + 17 };

enum loss_kind {
	LOSS_ROOM,    /* of the traffic: there was no room, or no time */
	LOSS_UNKNOWN, /* of the traffic: packets that could not be decoded */
	LOSS_KEPT,    /* of what is kept or done about it */
	/* No losses, as long as they are few; counted all the same: */
	LOSS_OTHER, /* what Karma does not judge or keep */
	LOSS_LATE,  /* reports that come later than they might */
	LOSS_AGED,  /* what was not seen for longest gave way in a full memory */
};

struct loss {
	const char *name;   /* "flow table full" */
	const char *remedy; /* one line */
	enum loss_kind kind;
	/* NULL where a counter of the meter has them: loss_key(), loss_text() */
	const char *key, *one, *more;
};

/* `i` from 0 to LOSSES - 1. */
const struct loss *loss_of(unsigned i);

/* Its name in JSON, "history_lost"; and in words, "host forgotten for others", of one or of more.
 */
const char *loss_key(unsigned i);
const char *loss_text(unsigned i, uint64_t count);

/* Is it lost, or only counted? */
bool loss_is_real(const struct loss *l);

/* How much of each there was. */
void losses_of(const struct summary *s, uint64_t lost[LOSSES]);

/* What of it is lost to detection: LOSS_ROOM and LOSS_UNKNOWN. */
uint64_t losses_sum(const uint64_t lost[LOSSES]);

/* Is anything lost that is not only counted? */
bool losses_any(const uint64_t lost[LOSSES]);

#endif
