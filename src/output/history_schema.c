#include "output/history_schema.h"

#include <errno.h>
#include <string.h>

#include "flow/record.h"

/* Version 1. `number` counts in the order of writing: the lowest is the oldest. `event` is the EVE
 * line. A flow's `slot` is its place among the first or the last; `latest`, which of the alert's
 * records was its last. */
static const char first_tables[] =
	"CREATE TABLE alerts (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
	" first_ns INTEGER, last_ns INTEGER, class TEXT, attacker TEXT, target TEXT,"
	" flows INTEGER, left_out INTEGER, event TEXT NOT NULL);"
	"CREATE INDEX alerts_first ON alerts (first_ns);"
	"CREATE TABLE flows (alert INTEGER NOT NULL, slot INTEGER NOT NULL, flow_id INTEGER,"
	" at_ns INTEGER, start_ns INTEGER, last_ns INTEGER, src TEXT, sport INTEGER, dst TEXT,"
	" dport INTEGER, proto TEXT, state TEXT, app TEXT, spkts INTEGER, dpkts INTEGER,"
	" sbytes INTEGER, dbytes INTEGER, score REAL, class TEXT, probability REAL,"
	" actor INTEGER, latest INTEGER,"
	" PRIMARY KEY (alert, slot)) WITHOUT ROWID;"
	"CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
	"INSERT INTO totals VALUES ('removed', 0);";

/* What version 2 adds.
 * alerts: `put_ns`, when it was first written; `mark`, what a person says of it, 'ack' or 'false'.
 * flows: the start of its latest record; its features as floats, deflated, in a form (pack.h).
 * parties: who is concerned by an alert; addresses of 16 bytes, so that a prefix is a range.
 * mutes: alerts of an attacker, or of many against a target, that nobody wants to be told.
 * cards: alerts that are gone, and their marks. */
static const char second_tables[] =
	"ALTER TABLE alerts ADD COLUMN confidence REAL;"
	"ALTER TABLE alerts ADD COLUMN model TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE alerts ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE alerts ADD COLUMN put_ns INTEGER;"
	"ALTER TABLE alerts ADD COLUMN mark TEXT;"
	"ALTER TABLE alerts ADD COLUMN marked_ns INTEGER;"
	"CREATE INDEX alerts_last ON alerts (last_ns);"
	"CREATE INDEX alerts_marked ON alerts (mark) WHERE mark IS NOT NULL;"
	"CREATE INDEX alerts_going ON alerts (mark IS NOT NULL, number) WHERE ended;"
	"ALTER TABLE flows ADD COLUMN first_ns INTEGER;"
	"ALTER TABLE flows ADD COLUMN form INTEGER;"
	"ALTER TABLE flows ADD COLUMN features BLOB;"
	"CREATE TABLE forms (number INTEGER PRIMARY KEY, form TEXT NOT NULL UNIQUE);"
	"CREATE TABLE parties (alert INTEGER NOT NULL, addr BLOB NOT NULL, attacks INTEGER NOT "
	"NULL,"
	" PRIMARY KEY (alert, addr)) WITHOUT ROWID;"
	"CREATE INDEX parties_addr ON parties (addr);"
	"CREATE TABLE hosts (addr BLOB PRIMARY KEY, first_ns INTEGER, last_ns INTEGER,"
	" flows_from INTEGER, flows_to INTEGER, bytes_from INTEGER, bytes_to INTEGER,"
	" suspicion REAL, suspect_ns INTEGER) WITHOUT ROWID;"
	"CREATE INDEX hosts_last ON hosts (last_ns);"
	"CREATE TABLE minutes (minute INTEGER PRIMARY KEY, seconds REAL, packets INTEGER,"
	" bytes INTEGER, flows INTEGER, records INTEGER, alerts INTEGER, lost INTEGER,"
	" hosts INTEGER, open INTEGER);"
	"CREATE TABLE mutes (number INTEGER PRIMARY KEY, low BLOB NOT NULL, high BLOB NOT NULL,"
	" attacks INTEGER NOT NULL, class TEXT, made_ns INTEGER, until_ns INTEGER);"
	"CREATE TABLE cards (model TEXT NOT NULL, class TEXT NOT NULL, alerts INTEGER NOT NULL,"
	" attacks INTEGER NOT NULL, mistakes INTEGER NOT NULL, PRIMARY KEY (model, class)) WITHOUT "
	"ROWID;"
	"CREATE TABLE watched (model TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;";

/* What an old file knows of it already. */
static const char second_values[] =
	"UPDATE alerts SET ended = 1, put_ns = CAST(strftime('%s', 'now') AS INTEGER) * 1000000000,"
	" confidence = CASE WHEN json_valid(event) THEN json_extract(event, '$.karma.confidence') "
	"END;"
	"INSERT OR IGNORE INTO parties SELECT number, address(attacker), 1 FROM alerts"
	" WHERE address(attacker) IS NOT NULL;"
	"INSERT OR IGNORE INTO parties SELECT number, address(target), 0 FROM alerts"
	" WHERE address(target) IS NOT NULL;"
	"INSERT OR IGNORE INTO parties SELECT alert, address(iif(actor = 0, src, dst)), 1 FROM "
	"flows"
	" WHERE address(iif(actor = 0, src, dst)) IS NOT NULL;"
	"INSERT OR IGNORE INTO parties SELECT alert, address(iif(actor = 0, dst, src)), 0 FROM "
	"flows"
	" WHERE address(iif(actor = 0, dst, src)) IS NOT NULL;";

/* What version 3 adds: changes of the block list; from `low` to `high`, the addresses that one is
 * about; `event` is the EVE line. An index of hosts goes: thousands of them are written each
 * second, and they are looked at seldom. */
static const char third_tables[] =
	"CREATE TABLE blocks (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL,"
	" low BLOB NOT NULL, high BLOB NOT NULL, event TEXT NOT NULL);"
	"CREATE INDEX blocks_at ON blocks (at_ns);"
	"DROP INDEX hosts_last;";

static const char stamp[] = "PRAGMA application_id = 1263684929; PRAGMA user_version = 3;";

_Static_assert(HISTORY_APPLICATION == 1263684929 && HISTORY_VERSION == 3, "what `stamp` writes");

int history_error(struct error *e, const char *path, sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return error_set(e, -EINVAL,
			"%s: not a history of Karma, or damaged; name another file with --history, "
			"or move it away",
			path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return error_set(e, -EBUSY, "%s: another program holds it; try again", path);
	case SQLITE_FULL:
		return error_set(e, -ENOSPC, "%s: no space left on the disk", path);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return error_set(e, -EACCES,
			"%s: cannot be written; run with sudo, or name another file with "
			"--history",
			path);
	case SQLITE_NOMEM:
		return error_set(e, -ENOMEM, "%s: not enough memory", path);
	default:
		return error_set(e, -EIO, "%s: %s; name another file with --history", path,
			db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
	}
}

int64_t history_number(sqlite3 *db, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		otherwise = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return otherwise;
}

int history_check(sqlite3 *db, const char *path, struct error *e)
{
	int64_t tables = history_number(db, "SELECT count(*) FROM sqlite_master", -1);
	int64_t version = history_number(db, "PRAGMA user_version", -1);

	if (tables < 0)
		return history_error(e, path, db, sqlite3_errcode(db));
	if (tables == 0)
		return HISTORY_EMPTY;
	if (history_number(db, "PRAGMA application_id", -1) != HISTORY_APPLICATION)
		return history_error(e, path, db, SQLITE_NOTADB);
	if (version > HISTORY_VERSION)
		return error_set(e, -EINVAL,
			"%s: a history of a later version of karma (%d, not %d); move it away, or "
			"name another file with --history",
			path, (int)version, HISTORY_VERSION);
	return version == HISTORY_VERSION ? HISTORY_WHOLE : HISTORY_OLDER;
}

int history_together(sqlite3 *db, const char *sql)
{
	int err = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (!err)
		err = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (!err)
		err = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (err && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

/* In SQL: address('10.0.0.1'), its 16 bytes; NULL where it is none. */
static void address(sqlite3_context *c, int count, sqlite3_value **value)
{
	const unsigned char *text = sqlite3_value_text(value[0]);
	uint8_t addr[16];

	(void)count;
	if (text && addr_parse((const char *)text, addr))
		sqlite3_result_blob(c, addr, sizeof(addr), SQLITE_TRANSIENT);
}

/* The steps up to this version, of a file that has the tables of `version` (0: none). */
static int step_up(sqlite3 *db, int64_t version)
{
	int err = SQLITE_OK;

	if (version < 1)
		err = sqlite3_exec(db, first_tables, NULL, NULL, NULL);
	if (!err && version < 2)
		err = sqlite3_exec(db, second_tables, NULL, NULL, NULL);
	if (!err && version < 2)
		err = sqlite3_exec(db, second_values, NULL, NULL, NULL);
	if (!err && version < 3)
		err = sqlite3_exec(db, third_tables, NULL, NULL, NULL);
	return err ? err : sqlite3_exec(db, stamp, NULL, NULL, NULL);
}

/* Another program may have done it meanwhile: only who holds the file knows. */
static int make_current(sqlite3 *db)
{
	int err = sqlite3_create_function(
		db, "address", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, address, NULL, NULL);
	int64_t version;

	if (!err)
		err = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (err)
		return err;
	version = history_number(db, "PRAGMA user_version", 0);
	if (version < HISTORY_VERSION)
		err = step_up(db, version);
	if (!err)
		err = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (err && !sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

/* Pages that are not needed any more can be given back later. */
int history_make(sqlite3 *db)
{
	int err = sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL", NULL, NULL, NULL);

	return err ? err : make_current(db);
}

/* Version 1 could not give back pages; where there is no room for the copy that this takes, its
 * file stays as large as it was. */
int history_upgrade(sqlite3 *db)
{
	int err = make_current(db);

	if (!err && history_number(db, "PRAGMA auto_vacuum", 0) != 2)
		sqlite3_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM", NULL, NULL, NULL);
	return err;
}

/* ---- mutes ---- */

static bool mute_of(sqlite3_stmt *s, struct mute *m)
{
	const unsigned char *class = sqlite3_column_text(s, 4);

	if (sqlite3_column_bytes(s, 1) != 16 || sqlite3_column_bytes(s, 2) != 16)
		return false;
	m->number = sqlite3_column_int64(s, 0);
	memcpy(m->low, sqlite3_column_blob(s, 1), 16);
	memcpy(m->high, sqlite3_column_blob(s, 2), 16);
	m->attacks = sqlite3_column_int(s, 3) != 0;
	m->class = class ? class_of((const char *)class) : -1;
	m->made_ns = sqlite3_column_int64(s, 5);
	m->until_ns = sqlite3_column_int64(s, 6);
	return true;
}

int history_read_mutes(sqlite3 *db, struct mute *mute, unsigned most, unsigned *count)
{
	sqlite3_stmt *s = NULL;
	int err = sqlite3_prepare_v2(db,
		"SELECT number, low, high, attacks, class, made_ns, until_ns FROM mutes"
		" WHERE until_ns > CAST(strftime('%s', 'now') AS INTEGER) * 1000000000"
		" ORDER BY number",
		-1, &s, NULL);

	*count = 0;
	while (!err && *count < most && (err = sqlite3_step(s)) == SQLITE_ROW) {
		err = SQLITE_OK;
		*count += mute_of(s, &mute[*count]);
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

bool mute_is_for(const struct mute *m, const uint8_t party[16], bool attacks, enum karma_class c,
	int64_t at_ns)
{
	return m->attacks == attacks && (m->class < 0 || m->class == (int)c) &&
	       at_ns < m->until_ns && memcmp(party, m->low, 16) >= 0 &&
	       memcmp(party, m->high, 16) <= 0;
}
