/* What the file of history.h holds; who writes and who reads it includes this. */
#ifndef KARMA_OUTPUT_HISTORY_SCHEMA_H
#define KARMA_OUTPUT_HISTORY_SCHEMA_H

#include <sqlite3.h>

#include "output/history.h"
#include "util/error.h"

enum {
	HISTORY_APPLICATION = 0x4b524d41, /* "KRMA" */
	HISTORY_VERSION = 3,
};

enum history_state {
	HISTORY_WHOLE, /* of this version */
	HISTORY_EMPTY, /* nothing is in it yet */
	HISTORY_OLDER, /* history_upgrade() makes it this version's */
};

/* The line for what SQLite says of a file. Returns a negative errno. */
int history_error(struct error *e, const char *path, sqlite3 *db, int code);

/* Is it a history, and of which version? An enum history_state, or a negative errno and the line:
 * no history, damaged, of a later version. */
int history_check(sqlite3 *db, const char *path, struct error *e);

/* Make the tables of an empty file, or those of an older one this version's: whole or not at all.
 * SQLite's code. */
int history_make(sqlite3 *db);
int history_upgrade(sqlite3 *db);

/* The number that a statement gives; `otherwise` where it gives none. */
int64_t history_number(sqlite3 *db, const char *sql, int64_t otherwise);

/* All the statements of `sql`, in one transaction that is undone when one of them fails. */
int history_together(sqlite3 *db, const char *sql);

/* What history_read.h opens. */
struct history_reader {
	sqlite3 *db;
	char path[HISTORY_PATH];
};

/* Mutes that are not over, up to `most`. SQLite's code. */
int history_read_mutes(sqlite3 *db, struct mute *mute, unsigned most, unsigned *count);

#endif
