/* What was: alerts and the flows behind them, what hosts did, changes of the block list, counters
 * for each minute, in a file of SQLite's (sqlite.org): written by karma run and karma read, read by
 * karma history (history_read.h), also at the same time.
 *
 * Bounded: of an alert the first and the last flows are kept, and as many alerts and hosts as the
 * limits allow; the oldest go. Nobody waits for the file: what is new is handed to a thread of its
 * own once a second, which writes it; while that cannot, what is new is gathered, as much as there
 * is room for, and what finds none is counted. */
#ifndef KARMA_OUTPUT_HISTORY_H
#define KARMA_OUTPUT_HISTORY_H

#include "detect/alert.h"
#include "output/output.h"
#include "util/error.h"
#include "util/latency.h"

enum {
	HISTORY_FIRST = 100,
	HISTORY_LAST = 100,
	HISTORY_FEATURED = 64, /* the first so many flows are kept with their features, to train on
				*/
	HISTORY_MUTES = 256,
	HISTORY_PATH = 4096,
	HISTORY_MODEL = 16, /* of a model's id */
};

struct history_limits {
	uint32_t alerts;
	uint32_t hosts;
	uint64_t bytes;   /* of the file */
	uint64_t seconds; /* since an alert or a minute was written */
};

/* 100,000 alerts, 10,000 hosts, 256 MiB, 90 days. */
extern const struct history_limits history_limits;

/* history.db in the state directory: $STATE_DIRECTORY, as systemd sets it, else /var/lib/karma.
 * Returns `path`. */
const char *history_default_path(char path[HISTORY_PATH]);

struct history_settings {
	const char *path;
	const char *model; /* the id of the model that judges */
	bool folder;       /* make the folder that the file is in, too */
	bool patient; /* records wait for the file rather than that something is lost: captures */
	bool persist; /* a file that cannot be opened is tried again later, by the thread */
	struct history_limits limits;
};

struct history;

/* Open the file, or make it. 0, or a negative errno and the line; with `persist`, and for who is
 * not patient where it is the disk that fails (full, read-only), 0 also where the file cannot be
 * opened yet: history_stats() says that it fails, and why. */
int history_open(struct history **h, const struct history_settings *settings, struct error *e);

/* A record; flows are counted for both ends when they are complete. */
void history_record(struct history *h, const struct record *r);

/* So much is held against a host (struct weight). It is remembered of one that was seen this
 * second, and, where it is `grave`, of any: a flood's forged sources are not worth a place. */
void history_suspect(
	struct history *h, const uint8_t host[16], int64_t at_ns, float sum, bool grave);

/* A flow is behind an alert: the same one may come again, as it goes on. */
void history_flow(struct history *h, const struct alert *a, const struct alert_flow *f);

/* An alert as it was shown. */
void history_alert(struct history *h, const struct alert *a, enum alert_stage stage,
	const struct origin *from);

/* Another model judges from now on. */
void history_model(struct history *h, const char *model);
/* A change of the block list. */
void history_block(struct history *h, const struct block_change *c);

/* All figures up to now, of which the minute's are made. The first ones are the beginning. */
void history_figures(struct history *h, const struct summary *s);

/* Does a person not want to be told of it? As of a second ago. */
bool history_is_muted(struct history *h, const struct alert *a);

/* Hand on what is new, if the last time was a second ago. `now`: at once, and wait until it is in
 * the file or cannot be written. */
void history_write(struct history *h, bool now);

void history_stats(struct history *h, struct history_stats *s);

/* How long its batches took to be written. */
void history_latency(struct history *h, struct latency *l);

/* Write the rest and close. `s`: how it ended; may be NULL. NULL for `h` is fine. */
void history_close(struct history *h, struct history_stats *s);

/* ---- mutes ---- */

/* Alerts of attackers in a range of addresses, or of many against targets in it, are not told of
 * until then. */
struct mute {
	int64_t number;
	uint8_t low[16], high[16];
	bool attacks; /* the range is the attackers'; else the targets' of many */
	int class;    /* enum karma_class, or -1: any */
	int64_t made_ns, until_ns;
};

bool mute_is_for(const struct mute *m, const uint8_t party[16], bool attacks, enum karma_class c,
	int64_t at_ns);

#endif
