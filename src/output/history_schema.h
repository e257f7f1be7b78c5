/* What the file of history.h holds; writing and reading include this. */
#ifndef KARMA_OUTPUT_HISTORY_SCHEMA_H
#define KARMA_OUTPUT_HISTORY_SCHEMA_H

#include <sqlite3.h>

#include "util/error.h"

enum {
	HISTORY_APPLICATION = 0x4b524d41, /* "KRMA" */
	HISTORY_VERSION = 1,
};

/* `number` counts in the order of writing: the lowest is the oldest. `event` is the EVE line. A
 * flow's `slot` is its place among the first or the last; `latest`, which of the alert's records
 * was its last. */
#define HISTORY_SCHEMA                                                                             \
	"CREATE TABLE alerts (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"                \
	" first_ns INTEGER, last_ns INTEGER, class TEXT, attacker TEXT, target TEXT,"              \
	" flows INTEGER, left_out INTEGER, event TEXT NOT NULL);"                                  \
	"CREATE INDEX alerts_first ON alerts (first_ns);"                                          \
	"CREATE TABLE flows (alert INTEGER NOT NULL, slot INTEGER NOT NULL, flow_id INTEGER,"      \
	" at_ns INTEGER, start_ns INTEGER, last_ns INTEGER, src TEXT, sport INTEGER, dst TEXT,"    \
	" dport INTEGER, proto TEXT, state TEXT, app TEXT, spkts INTEGER, dpkts INTEGER,"          \
	" sbytes INTEGER, dbytes INTEGER, score REAL, class TEXT, probability REAL,"               \
	" actor INTEGER, latest INTEGER,"                                                          \
	" PRIMARY KEY (alert, slot)) WITHOUT ROWID;"                                               \
	"CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"                     \
	"INSERT INTO totals VALUES ('removed', 0);"

/* The line for what SQLite says of a file. Returns a negative errno. */
int history_error(struct error *e, const char *path, sqlite3 *db, int code);

/* Is it a history, of this version? 0, 1: the file is empty, or a negative errno and the line. */
int history_check(sqlite3 *db, const char *path, struct error *e);

/* The number that a statement gives; `otherwise` where it gives none. */
int64_t history_number(sqlite3 *db, const char *sql, int64_t otherwise);

#endif
