/* The desk from within: for the files of this room. */
#ifndef KARMA_DESK_INSIDE_H
#define KARMA_DESK_INSIDE_H

#include "desk/desk.h"
#include "desk/shares.h"
#include "desk/suspects.h"

/* A second; counts are what it had more than the one before. */
struct desk_point {
	uint64_t seq;
	int64_t at_ns;
	uint64_t packets, bytes, flows, records, alerts, lost, dropped;
	uint64_t open, hosts; /* as they were */
};

struct desk_kept {
	uint64_t seq; /* 0: free */
	uint64_t id;
	json_t *event;
};

/* Counters as they were some while ago: what they have more now is what is going on. */
struct desk_before {
	int64_t steady_ns;
	uint64_t packets, records;
	uint64_t lost[LOSSES];
	struct {
		unsigned number; /* of struct output_stats */
		uint64_t lost;
	} output[OUTPUTS];
};

enum { DESK_BEFORE = 7, DESK_BEFORE_S = 10 }; /* of each ten seconds, a minute back */

/* A histogram, and as it was when the present minute and the one before it began. */
struct desk_latency {
	struct latency all, minute, before;
	uint64_t max_ns, max_before_ns; /* of these two minutes */
};

struct desk {
	const struct evidence_settings *settings;
	uint64_t seq;
	uint64_t ticks;
	struct desk_facts facts;
	uint64_t lost[LOSSES];

	struct desk_point point[DESK_POINTS]; /* a ring */
	uint64_t points;                      /* so far */
	struct desk_kept alert[DESK_ALERTS];
	struct suspects *suspects;
	struct shares *shares;

	struct desk_latency stage[DESK_STAGES];
	int64_t minute_ns;                      /* when the present minute began, steady */
	int64_t turn_ns, batch_ns;              /* steady, since when; 0: none is under way */
	int64_t wall_ns;                        /* of the batch's beginning, since 1970 */
	bool weighed;                           /* something of the batch was */
	struct desk_before before[DESK_BEFORE]; /* a ring */
	unsigned befores;
	int64_t jumped_ns, jump_ns; /* the clock was set: when (steady), by how much */

	struct desk_wrong wrong[DESK_WRONG];
	unsigned wrongs;
};

/* Seconds that an output has been failing; 0: it is not. */
static inline double desk_failing_s(const struct desk_facts *f, const struct output_stats *o)
{
	return o->of.failing ? (double)counter_rise(o->of.failing_ns, (uint64_t)f->steady_ns) / 1e9
			     : 0;
}

/* Look for what is wrong: d->wrong. */
void desk_look(struct desk *d);

/* "wait", "judge", ... */
const char *desk_stage_name(enum desk_stage s);

#endif
