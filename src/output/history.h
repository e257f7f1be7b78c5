/* The alerts of the past and the flows behind them, in a file of SQLite's (sqlite.org): written by
 * karma run and karma read, read by karma explain, also at the same time.
 *
 * Bounded: of an alert the first and the last flows are kept, and as many alerts as the limits
 * allow; the oldest go, but for those that go on. Nothing waits for the file: what is new is kept
 * in memory and written once a second; a file that cannot be written is counted and told of, and
 * alerts go on. */
#ifndef KARMA_OUTPUT_HISTORY_H
#define KARMA_OUTPUT_HISTORY_H

#include <jansson.h>

#include "detect/alert.h"
#include "output/output.h"
#include "util/error.h"

enum { HISTORY_FIRST = 100, HISTORY_LAST = 100 };

struct history_limits {
	uint32_t alerts;
	uint64_t bytes; /* of the file */
};

/* 10,000 alerts, 256 MiB. */
extern const struct history_limits history_limits;

enum { HISTORY_PATH = 4096 };
/* history.db in the state directory: $STATE_DIRECTORY, as systemd sets it, else /var/lib/karma.
 * Returns `path`. */
const char *history_default_path(char path[HISTORY_PATH]);

/* ---- writing ---- */

struct history;

/* Open the file, or make it; with `folder` also the folder that it is in. 0, or a negative errno
 * and the line. */
int history_open(struct history **h, const char *path, bool folder,
	const struct history_limits *limits, struct error *e);

/* A flow is behind an alert: the same one may come again, as it goes on. */
void history_flow(struct history *h, const struct alert *a, const struct alert_flow *f);

/* An alert as it was shown. */
void history_alert(struct history *h, const struct alert *a, enum alert_stage stage,
	const struct origin *from);

/* Write what is new, if the last time was a second ago; `now`: at once. While another program
 * writes, it stays for the next time. */
void history_write(struct history *h, bool now);

void history_stats(const struct history *h, struct history_stats *s);

/* Write the rest and close; `s`, or NULL: its figures at the end. A history that is NULL is fine.
 */
void history_close(struct history *h, struct history_stats *s);

/* ---- reading ---- */

struct history_reader;

/* 0, or a negative errno and the line. */
int history_reader_open(struct history_reader **r, const char *path, struct error *e);
void history_reader_close(struct history_reader *r);

/* An alert of the history: as EVE has it when it was shown last. */
struct history_entry {
	json_t *event;
	uint64_t flows_left_out; /* that were told of and are not kept */
};

/* Each alert, in the order of their first records. 0, or a negative errno and the line. */
typedef void (*history_each_alert)(void *context, const struct history_entry *entry);
int history_list(struct history_reader *r, history_each_alert call, void *context, struct error *e);

/* One of them: to be released by json_decref(entry->event). -ENOENT: there is none of that id. */
int history_find(
	struct history_reader *r, const char *id, struct history_entry *entry, struct error *e);

/* The flows behind it that are kept, in the order of their latest records. */
typedef void (*history_each_flow)(void *context, const struct alert_flow *f);
int history_flows(struct history_reader *r, const char *id, history_each_flow call, void *context,
	struct error *e);

/* How many alerts gave way to later ones since the file was made. */
uint64_t history_removed(struct history_reader *r);

#endif
