/* What a person who attaches to `karma run` sees: the last hour second by second, the hosts by
 * suspicion, the latest alerts, how long each stage takes, what is lost and what is wrong. Belongs
 * to the thread that detects; whoever looks from elsewhere asks over the control socket.
 *
 * Bounded throughout: what is older gives way. A record costs some nanoseconds and, once for those
 * that are judged together, two looks at the clock. */
#ifndef KARMA_DESK_H
#define KARMA_DESK_H

#include <jansson.h>

#include "capture/capture.h"
#include "output/losses.h"
#include "detect/detect.h"
#include "output/output.h"
#include "util/latency.h"

enum {
	DESK_POINTS = 3600, /* seconds */
	DESK_ALERTS = 256,
	DESK_HOSTS_SHOWN = 50,
	DESK_WRONG = 32,
	/* Of an answer, so that it stays below what a client may leave unread: */
	DESK_POINTS_PAGE = 600,
	DESK_ALERTS_PAGE = 32,
};

enum desk_stage {
	DESK_WAIT,    /* from a record's making in the kernel to its being taken up */
	DESK_JUDGE,   /* features, network and evidence of records that are judged together */
	DESK_ALERT,   /* from the last packet that made an alert to its being told */
	DESK_HISTORY, /* a batch is written to the history */
	DESK_LOOP,    /* a turn of the loop, without its waiting */
	DESK_STAGES,
};

/* How things are, as `karma run` says once a second. What is pointed to stays until the next time,
 * or for ever. */
struct desk_facts {
	const char *version;
	int pid;
	int64_t started_ns; /* since 1970 */
	int64_t steady_ns;  /* now, by a clock that nobody sets; `figures.now_ns` is since 1970 */
	struct summary figures;
	struct live_interface interface[INTERFACES_MAX];
	unsigned interfaces;
	const char *model, *model_id, *kernel, *sensitivity;
	const char *profile;        /* NULL: none */
	const char *history;        /* NULL: none is wanted */
	uint32_t room;              /* of the flow table */
	const char *block;          /* "off", "dry-run", "on" */
	const char *block_attached; /* "native", "generic"; "": on no interface */
	const char *web, *token;    /* address, and the file of its token; NULL: none */
	int64_t reloaded_ns;        /* 0: never */
};

struct desk;

/* `settings`: by which evidence is reckoned; kept, and looked at anew each time. NULL when memory
 * is short. */
struct desk *desk_new(const struct evidence_settings *settings);
void desk_free(struct desk *d);

/* ---- the way of a record ---- */

/* live_poll() has returned, or hands on a first record: a turn of the loop begins. */
void desk_turn_begins(struct desk *d);

/* A record is about to be judged. */
void desk_record(struct desk *d, const struct record *r);

/* It has been weighed; which may be later, together with others. */
void desk_weighed(
	struct desk *d, const struct record *r, const uint8_t actor[16], const struct weight *w);

/* And its application protocol, NULL where that is not known. */
void desk_service(struct desk *d, const struct record *r, const char *app);

/* What can be weighed at present has been. */
void desk_judged(struct desk *d);

/* An alert has been told. */
void desk_alert(
	struct desk *d, const struct alert *a, enum alert_stage stage, const struct origin *from);

/* The turn ends. */
void desk_turn_ends(struct desk *d);

/* Once a second. `history`: how long its batches took so far; NULL: there is none. The first time
 * is the beginning and makes no point. */
void desk_tick(struct desk *d, const struct desk_facts *f, const struct latency *history);

/* ---- what is wrong ---- */

struct desk_wrong {
	bool grave; /* an error: else a warning */
	char what[192];
	char remedy[192];
};

/* As of the last tick. Returns how many; 0: all is well. */
unsigned desk_wrong(const struct desk *d, const struct desk_wrong **wrong);

/* ---- answers: new objects, NULL when memory is short ---- */

/* All of these are objects of the control socket (docs/man/karma-status.1), with "ok". */
json_t *desk_status_json(const struct desk *d);

/* What changed after sequence number `since` (0: everything), of the seconds the last `points`
 * only. "more": there is more than one answer takes; ask again from its "seq" on. */
json_t *desk_live_json(const struct desk *d, uint64_t since, unsigned points);

/* Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats), the caller's. */
char *desk_metrics(const struct desk *d);

#endif
