#include "output/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/history_schema.h"

const char *history_default_path(char path[HISTORY_PATH])
{
	const char *folder = getenv("STATE_DIRECTORY");
	/* systemd separates several by colons; the first is for this. */
	int length = folder ? (int)strcspn(folder, ":") : 0;

	if (!length) {
		folder = "/var/lib/karma";
		length = (int)strlen(folder);
	}
	snprintf(path, HISTORY_PATH, "%.*s/history.db", length, folder);
	return path;
}

/* ---- errors ---- */

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
		return 1;
	if (history_number(db, "PRAGMA application_id", -1) != HISTORY_APPLICATION)
		return history_error(e, path, db, SQLITE_NOTADB);
	if (version != HISTORY_VERSION)
		return error_set(e, -EINVAL,
			"%s: a history of another version of karma (%d, not %d); move it away, or "
			"name another file with --history",
			path, (int)version, HISTORY_VERSION);
	return 0;
}

/* ---- reading ---- */

struct history_reader {
	sqlite3 *db;
	char path[HISTORY_PATH];
};

static int cannot_open(const char *path, struct error *e)
{
	if (access(path, F_OK) != 0 && errno == ENOENT)
		return error_set(e, -ENOENT,
			"%s: there is no history yet; 'karma run' keeps one, 'karma read' with "
			"--history; or name another with --history",
			path);
	return error_set(e, -errno, "%s: %s; run with sudo, or name another file with --history",
		path, strerror(errno));
}

int history_reader_open(struct history_reader **result, const char *path, struct error *e)
{
	struct history_reader *r = calloc(1, sizeof(*r));
	int err;

	*result = NULL;
	if (!r)
		return error_set(e, -ENOMEM, "not enough memory");
	snprintf(r->path, sizeof(r->path), "%s", path);
	if (access(path, R_OK) != 0) {
		err = cannot_open(path, e);
		goto out;
	}
	err = sqlite3_open_v2(path, &r->db, SQLITE_OPEN_READONLY, NULL);
	if (err != SQLITE_OK) {
		err = history_error(e, path, r->db, err);
		goto out;
	}
	sqlite3_busy_timeout(r->db, 2000);
	err = history_check(r->db, path, e);
	if (err > 0)
		err = error_set(e, -ENOENT, "%s: the history is empty yet", path);
	if (!err) {
		*result = r;
		return 0;
	}
out:
	history_reader_close(r);
	return err;
}

void history_reader_close(struct history_reader *r)
{
	if (!r)
		return;
	sqlite3_close(r->db);
	free(r);
}

static const char *text_of(sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	return text ? (const char *)text : "";
}

/* A file that others may have changed is not trusted: an event that is none is left out. */
static bool entry_of(sqlite3_stmt *s, struct history_entry *entry)
{
	entry->event = json_loads(text_of(s, 0), 0, NULL);
	entry->flows_left_out = (uint64_t)sqlite3_column_int64(s, 1);
	if (json_is_object(entry->event))
		return true;
	json_decref(entry->event);
	entry->event = NULL;
	return false;
}

int history_list(struct history_reader *r, history_each_alert call, void *context, struct error *e)
{
	struct history_entry entry;
	sqlite3_stmt *s = NULL;
	int err = sqlite3_prepare_v2(r->db,
		"SELECT event, left_out FROM alerts ORDER BY first_ns, number", -1, &s, NULL);

	while (err == SQLITE_OK && (err = sqlite3_step(s)) == SQLITE_ROW) {
		err = SQLITE_OK;
		if (!entry_of(s, &entry))
			continue;
		call(context, &entry);
		json_decref(entry.event);
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? 0 : history_error(e, r->path, r->db, err);
}

int history_find(
	struct history_reader *r, const char *id, struct history_entry *entry, struct error *e)
{
	sqlite3_stmt *s = NULL;
	int err = sqlite3_prepare_v2(
		r->db, "SELECT event, left_out FROM alerts WHERE id = ?", -1, &s, NULL);

	if (err == SQLITE_OK) {
		sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
		err = sqlite3_step(s);
	}
	if (err == SQLITE_ROW)
		err = entry_of(s, entry) ? 0 : history_error(e, r->path, r->db, SQLITE_CORRUPT);
	else if (err == SQLITE_DONE)
		err = error_set(e, -ENOENT,
			"no alert '%s' in %s; 'karma explain' lists those that are there", id,
			r->path);
	else
		err = history_error(e, r->path, r->db, err);
	sqlite3_finalize(s);
	return err;
}

static void flow_of(sqlite3_stmt *s, struct alert_flow *f, char app[32])
{
	int proto = record_proto_of(text_of(s, 8)), class = class_of(text_of(s, 16));
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*f = (struct alert_flow){.flow_id = (uint64_t)sqlite3_column_int64(s, 0),
		.at_ns = sqlite3_column_int64(s, 1),
		.start_ns = sqlite3_column_int64(s, 2),
		.last_ns = sqlite3_column_int64(s, 3),
		.port = {(uint16_t)sqlite3_column_int(s, 5), (uint16_t)sqlite3_column_int(s, 7)},
		.state = (uint8_t)record_state_of(text_of(s, 9)),
		.packets = {(uint64_t)sqlite3_column_int64(s, 11),
			(uint64_t)sqlite3_column_int64(s, 12)},
		.bytes = {(uint64_t)sqlite3_column_int64(s, 13),
			(uint64_t)sqlite3_column_int64(s, 14)},
		.score = (float)sqlite3_column_double(s, 15),
		.class = class > 0 ? (enum karma_class) class : CLASS_GENERIC,
		.probability = (float)sqlite3_column_double(s, 17),
		.actor = sqlite3_column_int(s, 18) == DST ? DST : SRC};
	addr_parse(text_of(s, 4), f->addr[SRC]);
	addr_parse(text_of(s, 6), f->addr[DST]);
	f->net = proto == PROTO_ARP                                  ? NET_ARP
		 : memcmp(f->addr[SRC], mapped, sizeof(mapped)) == 0 ? NET_IPV4
								     : NET_IPV6;
	f->proto = (uint8_t)(proto == PROTO_ARP || proto < 0 ? 0 : proto);
	snprintf(app, 32, "%s", text_of(s, 10));
	f->app = *app ? app : NULL;
}

int history_flows(struct history_reader *r, const char *id, history_each_flow call, void *context,
	struct error *e)
{
	static const char sql[] =
		"SELECT f.flow_id, f.at_ns, f.start_ns, f.last_ns, f.src, f.sport, f.dst, f.dport,"
		" f.proto, f.state, f.app, f.spkts, f.dpkts, f.sbytes, f.dbytes, f.score, f.class,"
		" f.probability, f.actor FROM flows f JOIN alerts a ON f.alert = a.number"
		" WHERE a.id = ? ORDER BY f.latest";
	struct alert_flow f;
	sqlite3_stmt *s = NULL;
	char app[32];
	int err = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);

	if (err == SQLITE_OK)
		sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	while (err == SQLITE_OK && (err = sqlite3_step(s)) == SQLITE_ROW) {
		err = SQLITE_OK;
		flow_of(s, &f, app);
		call(context, &f);
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? 0 : history_error(e, r->path, r->db, err);
}

uint64_t history_removed(struct history_reader *r)
{
	return (uint64_t)history_number(
		r->db, "SELECT value FROM totals WHERE name = 'removed'", 0);
}
