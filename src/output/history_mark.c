/* What a person says of alerts, written beside the daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/history_read.h"
#include "output/history_schema.h"
#include "util/clock.h"

enum { WAIT_MS = 5000 };

static int open_to_write(sqlite3 **db, const char *path, struct error *e)
{
	int err, state;

	*db = NULL;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return error_set(
			e, -ENOENT, "%s: there is no history yet; 'karma run' keeps one", path);
	if (access(path, W_OK) != 0)
		return error_set(e, -errno,
			"%s: cannot be written: %s; run with sudo, or name another file with "
			"--history",
			path, strerror(errno));
	err = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE, NULL);
	if (err)
		return history_error(e, path, *db, err);
	sqlite3_busy_timeout(*db, WAIT_MS);
	state = history_check(*db, path, e);
	if (state < 0)
		return state;
	if (state == HISTORY_EMPTY)
		return error_set(e, -ENOENT, "%s: the history is empty yet", path);
	err = state == HISTORY_OLDER ? history_upgrade(*db) : SQLITE_OK;
	return err ? history_error(e, path, *db, err) : 0;
}

/* Run a statement to its end. SQLite's code. */
static int finish(sqlite3_stmt *s)
{
	int err = sqlite3_step(s);

	sqlite3_finalize(s);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int history_mark(const char *path, const char *id, enum history_mark mark, struct error *e)
{
	sqlite3_stmt *s = NULL;
	sqlite3 *db;
	int err = open_to_write(&db, path, e), code;

	if (err)
		goto out;
	code = sqlite3_prepare_v2(db,
		"UPDATE alerts SET mark = ?1, marked_ns = iif(?1 IS NULL, NULL, ?2) WHERE id = ?3",
		-1, &s, NULL);
	if (!code) {
		if (mark != MARK_NONE)
			sqlite3_bind_text(s, 1, history_mark_name(mark), -1, SQLITE_STATIC);
		sqlite3_bind_int64(s, 2, (sqlite3_int64)clock_now(CLOCK_REALTIME));
		sqlite3_bind_text(s, 3, id, -1, SQLITE_STATIC);
		code = finish(s);
	}
	if (code)
		err = history_error(e, path, db, code);
	else if (sqlite3_changes(db) == 0)
		err = error_set(
			e, -ENOENT, "no alert '%s' in %s; 'karma history' lists them", id, path);
out:
	sqlite3_close(db);
	return err;
}

int history_mute_of(const char *path, const char *id, struct mute *m, struct error *e)
{
	struct history_entry entry = {.event = NULL};
	struct history_reader *r = NULL;
	int err = history_reader_open(&r, path, e);
	const char *class;

	if (!err)
		err = history_find(r, id, &entry, e);
	if (!err && !history_party(&entry, m->low, &m->attacks))
		err = error_set(e, -EINVAL, "%s: the alert '%s' names nobody", path, id);
	if (!err) {
		memcpy(m->high, m->low, 16);
		class = json_string_value(
			json_object_get(json_object_get(entry.event, "alert"), "category"));
		m->class = class_of(class ? class : "");
	}
	json_decref(entry.event);
	history_reader_close(r);
	return err;
}

static int delete_mutes(sqlite3 *db, const uint8_t low[16], const uint8_t high[16])
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(
		db, "DELETE FROM mutes WHERE low = ?1 AND high = ?2", -1, &s, NULL);

	if (code)
		return code;
	sqlite3_bind_blob(s, 1, low, 16, SQLITE_STATIC);
	sqlite3_bind_blob(s, 2, high, 16, SQLITE_STATIC);
	return finish(s);
}

static int insert_mute(sqlite3 *db, const struct mute *m)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(db,
		"INSERT INTO mutes (low, high, attacks, class, made_ns, until_ns)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		-1, &s, NULL);

	if (code)
		return code;
	sqlite3_bind_blob(s, 1, m->low, 16, SQLITE_STATIC);
	sqlite3_bind_blob(s, 2, m->high, 16, SQLITE_STATIC);
	sqlite3_bind_int(s, 3, m->attacks);
	if (m->class >= 0)
		sqlite3_bind_text(s, 4, class_name((enum karma_class)m->class), -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 5, m->made_ns);
	sqlite3_bind_int64(s, 6, m->until_ns);
	return finish(s);
}

/* Those that are over go, and those that are for the same as this one. */
static int make_way(sqlite3 *db, const struct mute *m)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(db,
		"DELETE FROM mutes WHERE until_ns <= ?1 OR (low = ?2 AND high = ?3"
		" AND attacks = ?4 AND class IS ?5)",
		-1, &s, NULL);

	if (code)
		return code;
	sqlite3_bind_int64(s, 1, m->made_ns);
	sqlite3_bind_blob(s, 2, m->low, 16, SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, m->high, 16, SQLITE_STATIC);
	sqlite3_bind_int(s, 4, m->attacks);
	if (m->class >= 0)
		sqlite3_bind_text(s, 5, class_name((enum karma_class)m->class), -1, SQLITE_STATIC);
	return finish(s);
}

int history_mute(const char *path, const struct mute *m, struct error *e)
{
	sqlite3 *db;
	int err = open_to_write(&db, path, e), code;

	if (err)
		goto out;
	code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (!code)
		code = make_way(db, m);
	if (!code && history_number(db, "SELECT count(*) FROM mutes", 0) >= HISTORY_MUTES) {
		err = error_set(e, -ENOSPC,
			"%s: there are %d mutes already; end some with 'karma history unmark'",
			path, HISTORY_MUTES);
		goto out;
	}
	if (!code)
		code = insert_mute(db, m);
	if (!code)
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (code)
		err = history_error(e, path, db, code);
out:
	sqlite3_close(db); /* which undoes what was not committed */
	return err;
}

int history_unmute(const char *path, const uint8_t low[16], const uint8_t high[16], unsigned *count,
	struct error *e)
{
	sqlite3 *db;
	int err = open_to_write(&db, path, e), code;

	*count = 0;
	if (err)
		goto out;
	code = delete_mutes(db, low, high);
	if (code)
		err = history_error(e, path, db, code);
	else
		*count = (unsigned)sqlite3_changes(db);
out:
	sqlite3_close(db);
	return err;
}
