/* What is known of a karma: the model that the views are drawn from. It takes the daemon's answers
 * (docs/man/karma-top.1, control/control.h) and knows neither socket nor terminal. Bounded: what is
 * beyond its rooms is left out, the oldest first. Nothing that an answer holds is trusted to be of
 * the type or the size that it should have. */
#ifndef KARMA_TOP_STATE_H
#define KARMA_TOP_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	STATE_POINTS = 3600,
	STATE_HOSTS = 50,
	STATE_ALERTS = 256,
	STATE_BLOCKS = 1000,
	STATE_ALLOWED = 256,
	STATE_LOSSES = 64,
	STATE_WRONG = 16,
	STATE_STAGES = 8,
	STATE_INTERFACES = 32,
	STATE_OUTPUTS = 16,
};

enum rate {
	RATE_PACKETS,
	RATE_BYTES,
	RATE_FLOWS,
	RATE_RECORDS,
	RATE_ALERTS,
	RATE_LOST,
	RATE_OPEN,
	RATE_HOSTS,
	RATE_DROPPED,
	RATES
};

struct point {
	double at; /* where its time ends, since 1970 */
	double rate[RATES];
};

struct top_host {
	char ip[48];
	double suspicion; /* 1: an alert arises */
	double first, last;
	uint64_t records, attacks, attacked;
};

enum top_mark { TOP_UNMARKED, TOP_ACK, TOP_FALSE };

struct top_alert {
	char id[16];
	char class[24];
	char who[48]; /* the attacker's address; "": many, or not known */
	char whom[48];
	double first, last, confidence;
	uint64_t flows, ports, attackers, targets;
	enum top_mark mark;
	bool ended, muted, blocked;
	json_t *event;
};

struct top_block {
	char what[64]; /* an address, a prefix or a port */
	char by[48];   /* "alert 7hq2x1m4", "uid 0" */
	char class[24];
	double until; /* 0: for ever */
	uint64_t packets;
	bool limit, dry;
};

struct top_allowed {
	char what[64];
	char by[32];
	double at;
	bool fixed; /* by the configuration: nothing to be taken off here */
};

struct top_count {
	char name[48];
	uint64_t count;
};

struct top_wrong {
	bool error;
	char what[192], remedy[192];
};

struct top_stage {
	char name[24];
	double p50, p99, max; /* microseconds */
	uint64_t count;
};

struct top_interface {
	char name[32], attached[16];
	bool there;
};

struct top_output {
	char kind[16], path[128], why[128];
	bool failing;
	double failing_s;
	uint64_t waiting, lost, limited;
};

/* Where blocking is: "" is not known yet. */
enum top_blocking { BLOCKING_UNKNOWN, BLOCKING_OFF, BLOCKING_DRY, BLOCKING_ON };

struct state {
	uint64_t seq; /* what was told of so far */
	double now, started;
	double step; /* seconds of a point */

	struct point point[STATE_POINTS]; /* a ring: the latest is at `points` - 1 */
	uint64_t points, kept;            /* ever; of them the latest are there */
	struct top_host host[STATE_HOSTS];
	unsigned hosts;
	struct top_alert alert[STATE_ALERTS]; /* in the order in which they came */
	unsigned alerts;
	uint64_t alerts_left_out;               /* that gave way to later ones */
	struct top_count loss[STATE_LOSSES];    /* those that are not 0 */
	struct top_count counted[STATE_LOSSES]; /* no losses, but counted: those that are not 0 */
	struct top_wrong wrong[STATE_WRONG];
	unsigned losses, counteds, wrongs;
	struct top_stage stage[STATE_STAGES];
	unsigned stages;
	enum top_blocking blocking;
	uint64_t table_open, table_room;
	uint64_t entries, dropped;

	/* of block.list and allow.list */
	struct top_block block[STATE_BLOCKS];
	unsigned blocks;
	uint64_t blocks_left_out;
	struct top_allowed allowed[STATE_ALLOWED];
	unsigned alloweds;

	/* of status */
	char version[24], model[24], kernel[24], sensitivity[16], profile[128], web[128];
	char history[512];     /* the file; "": none */
	char history_why[192]; /* why it is not written; "": it is */
	struct top_interface interface[STATE_INTERFACES];
	unsigned interfaces;
	struct top_output output[STATE_OUTPUTS];
	unsigned outputs;
	char block_attached[16];
	bool drifted;
};

/* Forget everything. `s` is all zero, or was here before. */
void state_forget(struct state *s);

/* Take an answer to `live`. False: it is of a karma that was started anew, of which all that is
 * known here is forgotten now; ask it again, from 0. */
bool state_take_live(struct state *s, const json_t *answer);

/* Answers to the others. Of block.list a page: the first has `more` false. */
void state_take_status(struct state *s, const json_t *answer);
void state_take_blocks(struct state *s, const json_t *answer, bool more);
void state_take_allowed(struct state *s, const json_t *answer);

/* Marks that the history has: an object of "ack" and "false" by id. Alerts that are not named there
 * have none. */
void state_take_marks(struct state *s, const json_t *marks);

struct top_alert *state_alert(struct state *s, const char *id);

/* Is an address on the block list, by itself? */
bool state_is_blocked(const struct state *s, const char *address);

/* The point before the latest by `back`; NULL: there is none. */
const struct point *state_point(const struct state *s, uint64_t back);

/* ---- JSON of whatever kind ---- */

/* "" or 0 where there is none. */
const char *json_text(const json_t *o, const char *key);
uint64_t json_count(const json_t *o, const char *key);
double json_value(const json_t *o, const char *key);

/* Seconds since 1970 of EVE's "2026-11-23T09:10:11.123456+0000"; 0: it is none. */
double json_time(const json_t *o, const char *key);

#endif
