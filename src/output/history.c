#include "output/history.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detect/detect.h"
#include "detect/lru.h"
#include "output/eve.h"
#include "output/history_schema.h"
#include "util/clock.h"

const struct history_limits history_limits = {.alerts = 10000, .bytes = 256 << 20};

static const uint64_t second = 1000000000;

enum {
	FLOWS = HISTORY_FIRST + HISTORY_LAST,
	WAIT_MS = 100,         /* for another program that writes; what is new stays for later */
	WAIT_AT_END_MS = 5000, /* then there is no later */
};

/* An alert that has not ended, or has not been written since. */
struct kept {
	char id[ALERT_ID_TEXT];
	char *event; /* NULL: not shown yet */
	int64_t first_ns, last_ns;
	enum karma_class class;
	char attacker[ADDR_TEXT], target[ADDR_TEXT];
	uint64_t flows;
	uint64_t told; /* flows that were told of */
	bool begun;    /* is in the file */
	bool changed, ended;
	uint64_t records;       /* that were told of */
	bool new[FLOWS];        /* is not in the file, or otherwise */
	uint64_t latest[FLOWS]; /* which of the records was a flow's last */
	struct alert_flow flow[FLOWS];
};

struct history {
	sqlite3 *db;
	char path[HISTORY_PATH];
	struct history_limits limits;
	struct lru *kept; /* by id */
	sqlite3_stmt *put_alert, *put_flow, *drop_flows;
	uint64_t written_ns; /* monotonic */
	struct history_stats stats;
};

/* ---- opening ---- */

static int make_folder(const char *path, struct error *e)
{
	char copy[HISTORY_PATH];
	const char *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (mkdir(folder, 0750) == 0 || errno == EEXIST)
		return 0;
	return error_set(e, -errno,
		"%s: cannot be made: %s; name a history elsewhere with --history, or --no-history",
		folder, strerror(errno));
}

/* SQLite would make it readable to everybody. */
static int make_file(const char *path, struct error *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return error_set(e, -errno,
			"%s: cannot be written: %s; name a file that can with --history", path,
			strerror(errno));
	close(fd);
	return 0;
}

static int execute(struct history *h, const char *sql)
{
	return sqlite3_exec(h->db, sql, NULL, NULL, NULL);
}

static int make_tables(struct history *h)
{
	char sql[2048];

	snprintf(sql, sizeof(sql),
		"BEGIN IMMEDIATE; " HISTORY_SCHEMA
		" PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		HISTORY_APPLICATION, HISTORY_VERSION);
	return execute(h, sql);
}

static int prepare(struct history *h)
{
	static const char alert[] =
		"INSERT INTO alerts (id, first_ns, last_ns, class, attacker, target, flows, "
		"left_out,"
		" event) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO UPDATE SET"
		" first_ns = ?2, last_ns = ?3, class = ?4, attacker = ?5, target = ?6, flows = ?7,"
		" left_out = ?8, event = ?9";
	static const char flow[] = "INSERT OR REPLACE INTO flows VALUES ((SELECT number FROM "
				   "alerts WHERE id = ?1), ?2,"
				   " ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, "
				   "?16, ?17, ?18, ?19, ?20,"
				   " ?21, ?22)";
	static const char drop[] =
		"DELETE FROM flows WHERE alert = (SELECT number FROM alerts WHERE id = ?1)";
	int err = sqlite3_prepare_v2(h->db, alert, -1, &h->put_alert, NULL);

	if (!err)
		err = sqlite3_prepare_v2(h->db, drop, -1, &h->drop_flows, NULL);
	return err ? err : sqlite3_prepare_v2(h->db, flow, -1, &h->put_flow, NULL);
}

/* Readers never wait for the writer (write-ahead log); what a loss of power costs is the latest. */
static int open_database(struct history *h, struct error *e)
{
	int err = sqlite3_open_v2(h->path, &h->db, SQLITE_OPEN_READWRITE, NULL);
	int empty;

	if (err != SQLITE_OK)
		return history_error(e, h->path, h->db, err);
	sqlite3_busy_timeout(h->db, WAIT_AT_END_MS);
	empty = history_check(h->db, h->path, e);
	if (empty < 0)
		return empty;
	err = execute(h, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
			 "PRAGMA journal_size_limit = 4194304");
	if (!err && empty)
		err = make_tables(h);
	if (!err)
		err = prepare(h);
	sqlite3_busy_timeout(h->db, WAIT_MS);
	return err ? history_error(e, h->path, h->db, err) : 0;
}

int history_open(struct history **result, const char *path, bool folder,
	const struct history_limits *limits, struct error *e)
{
	struct history *h = calloc(1, sizeof(*h));
	int err;

	*result = NULL;
	if (!h)
		return error_set(e, -ENOMEM, "not enough memory for the history");
	h->limits = *limits;
	snprintf(h->path, sizeof(h->path), "%s", path);
	h->kept = lru_new(DETECT_ALERTS, sizeof(uint64_t), sizeof(struct kept));
	err = h->kept ? 0 : error_set(e, -ENOMEM, "not enough memory for the history");
	if (!err && folder)
		err = make_folder(path, e);
	if (!err)
		err = make_file(path, e);
	if (!err)
		err = open_database(h, e);
	if (err)
		history_close(h, NULL);
	else
		*result = h;
	return err;
}

/* ---- writing ---- */

static void failed(struct history *h)
{
	if (!h->stats.failed++)
		snprintf(h->stats.why, sizeof(h->stats.why), "%.160s: %.80s", h->path,
			sqlite3_errmsg(h->db));
}

static int step(sqlite3_stmt *s)
{
	int err = sqlite3_step(s);

	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

static int put_alert(struct history *h, const struct kept *k)
{
	uint64_t kept = k->told < FLOWS ? k->told : FLOWS;
	sqlite3_stmt *s = h->put_alert;

	sqlite3_bind_text(s, 1, k->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, k->first_ns);
	sqlite3_bind_int64(s, 3, k->last_ns);
	sqlite3_bind_text(s, 4, class_name(k->class), -1, SQLITE_STATIC);
	if (k->attacker[0]) /* else NULL: not known */
		sqlite3_bind_text(s, 5, k->attacker, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 6, k->target, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 7, (sqlite3_int64)k->flows);
	sqlite3_bind_int64(s, 8, k->flows > kept ? (sqlite3_int64)(k->flows - kept) : 0);
	sqlite3_bind_text(s, 9, k->event, -1, SQLITE_STATIC);
	return step(s);
}

static int put_flow(struct history *h, const struct kept *k, int slot)
{
	const struct alert_flow *f = &k->flow[slot];
	char src[ADDR_TEXT], dst[ADDR_TEXT];
	sqlite3_stmt *s = h->put_flow;

	sqlite3_bind_text(s, 1, k->id, -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 2, slot);
	sqlite3_bind_int64(s, 3, (sqlite3_int64)f->flow_id);
	sqlite3_bind_int64(s, 4, f->at_ns);
	sqlite3_bind_int64(s, 5, f->start_ns);
	sqlite3_bind_int64(s, 6, f->last_ns);
	sqlite3_bind_text(s, 7, addr_text(f->addr[SRC], src), -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 8, f->port[SRC]);
	sqlite3_bind_text(s, 9, addr_text(f->addr[DST], dst), -1, SQLITE_STATIC);
	sqlite3_bind_int(s, 10, f->port[DST]);
	sqlite3_bind_text(s, 11, record_proto_name(f->net, f->proto), -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 12, record_state_name((enum record_state)f->state), -1, SQLITE_STATIC);
	if (f->app)
		sqlite3_bind_text(s, 13, f->app, -1, SQLITE_STATIC);
	for (int i = 0; i < 2; i++) {
		sqlite3_bind_int64(s, 14 + i, (sqlite3_int64)f->packets[i]);
		sqlite3_bind_int64(s, 16 + i, (sqlite3_int64)f->bytes[i]);
	}
	sqlite3_bind_double(s, 18, (double)f->score);
	sqlite3_bind_text(s, 19, class_name(f->class), -1, SQLITE_STATIC);
	sqlite3_bind_double(s, 20, (double)f->probability);
	sqlite3_bind_int(s, 21, f->actor);
	sqlite3_bind_int64(s, 22, (sqlite3_int64)k->latest[slot]);
	return step(s);
}

/* Those of the same alert of an earlier run over the same capture. */
static int drop_flows(struct history *h, const struct kept *k)
{
	sqlite3_bind_text(h->drop_flows, 1, k->id, -1, SQLITE_STATIC);
	return step(h->drop_flows);
}

static int put_changes(struct history *h)
{
	int err = SQLITE_OK;

	for (struct kept *k = lru_oldest(h->kept); k && !err; k = lru_newer(h->kept, k)) {
		if (!k->changed || !k->event)
			continue;
		err = put_alert(h, k);
		if (!err && !k->begun)
			err = drop_flows(h, k);
		for (int i = 0; i < FLOWS && !err; i++)
			if (k->new[i])
				err = put_flow(h, k, i);
	}
	return err;
}

static bool is_over(struct history *h)
{
	int64_t pages = history_number(h->db, "PRAGMA page_count", 0) -
			history_number(h->db, "PRAGMA freelist_count", 0);
	int64_t size = history_number(h->db, "PRAGMA page_size", 0);

	return history_number(h->db, "SELECT count(*) FROM alerts", 0) > h->limits.alerts ||
	       (uint64_t)(pages * size) > h->limits.bytes;
}

/* Those that have not ended, as far as they are this history's, in temp.going_on. */
static int list_going_on(struct history *h)
{
	sqlite3_stmt *s = NULL;
	int err = execute(h, "CREATE TEMP TABLE IF NOT EXISTS going_on (id TEXT PRIMARY KEY);"
			     "DELETE FROM going_on");

	if (!err)
		err = sqlite3_prepare_v2(
			h->db, "INSERT OR IGNORE INTO going_on VALUES (?1)", -1, &s, NULL);
	for (struct kept *k = lru_oldest(h->kept); k && !err; k = lru_newer(h->kept, k)) {
		if (k->ended)
			continue;
		sqlite3_bind_text(s, 1, k->id, -1, SQLITE_STATIC);
		err = step(s);
	}
	sqlite3_finalize(s);
	return err;
}

/* The oldest alerts that have ended give way, some at a time, until the limits are kept. The latest
 * one stays. */
static int prune(struct history *h)
{
	static const char sql[] =
		"CREATE TEMP TABLE IF NOT EXISTS going (number INTEGER PRIMARY KEY);"
		"INSERT INTO going SELECT number FROM alerts WHERE number <"
		" (SELECT max(number) FROM alerts) AND id NOT IN going_on ORDER BY number"
		" LIMIT (SELECT count(*) / 100 + 1 FROM alerts);"
		"DELETE FROM flows WHERE alert IN going;"
		"DELETE FROM alerts WHERE number IN going;"
		"UPDATE totals SET value = value + (SELECT count(*) FROM going)"
		" WHERE name = 'removed';"
		"DELETE FROM going";
	int64_t gone = 1;
	int err;

	if (!is_over(h))
		return SQLITE_OK;
	err = list_going_on(h);
	while (!err && gone > 0 && is_over(h)) {
		gone = history_number(h->db, "SELECT count(*) FROM alerts", 0);
		err = execute(h, sql);
		gone -= history_number(h->db, "SELECT count(*) FROM alerts", 0);
		h->stats.removed += (uint64_t)gone;
	}
	return err;
}

/* What was written is new no more; alerts that have ended need not be remembered. */
static void settle(struct history *h)
{
	struct kept *k, *newer;

	for (k = lru_oldest(h->kept); k; k = newer) {
		newer = lru_newer(h->kept, k);
		if (!k->event)
			continue;
		k->changed = false;
		k->begun = true;
		memset(k->new, 0, sizeof(k->new));
		if (k->ended) {
			free(k->event);
			lru_remove(h->kept, k);
		}
	}
}

static bool has_changed(const struct history *h)
{
	for (struct kept *k = lru_oldest(h->kept); k; k = lru_newer(h->kept, k))
		if (k->changed && k->event)
			return true;
	return false;
}

/* SQLite's status; nothing is lost of what could not be written. */
static int write_changes(struct history *h)
{
	int err;

	if (!has_changed(h))
		return SQLITE_OK;
	err = execute(h, "BEGIN IMMEDIATE");
	if (!err)
		err = put_changes(h);
	if (!err)
		err = prune(h);
	if (!err)
		err = execute(h, "COMMIT");
	if (!err)
		settle(h);
	else if (err != SQLITE_BUSY)
		failed(h);
	if (!sqlite3_get_autocommit(h->db))
		execute(h, "ROLLBACK");
	return err;
}

void history_write(struct history *h, bool now)
{
	uint64_t at = clock_now(CLOCK_MONOTONIC);

	if (!now && at - h->written_ns < second)
		return;
	h->written_ns = at;
	write_changes(h); /* busy: another's turn */
}

/* ---- what is new ---- */

static void forget(struct history *h, struct kept *k)
{
	h->stats.lost += k->changed;
	free(k->event);
	lru_remove(h->kept, k);
}

static struct kept *kept_of(struct history *h, const struct alert *a)
{
	struct kept *k = lru_find(h->kept, &a->id);
	bool fresh;

	if (k)
		return k;
	if (lru_count(h->kept) == lru_capacity(h->kept)) {
		history_write(h, true);
		if (lru_count(h->kept) == lru_capacity(h->kept))
			forget(h, lru_oldest(h->kept));
	}
	k = lru_use(h->kept, &a->id, &fresh);
	alert_id_text(a->id, k->id);
	return k;
}

/* Its place, if it is kept already. */
static int slot_of(const struct kept *k, uint64_t flow_id)
{
	int n = k->told < FLOWS ? (int)k->told : FLOWS;

	for (int i = n - 1; i >= 0; i--)
		if (k->flow[i].flow_id == flow_id)
			return i;
	return -1;
}

void history_flow(struct history *h, const struct alert *a, const struct alert_flow *f)
{
	struct kept *k = kept_of(h, a);
	int slot = f->again ? slot_of(k, f->flow_id) : -1;

	if (slot < 0) {
		slot = k->told < HISTORY_FIRST
			       ? (int)k->told
			       : HISTORY_FIRST + (int)((k->told - HISTORY_FIRST) % HISTORY_LAST);
		k->told++;
	}
	k->flow[slot] = *f;
	k->new[slot] = true;
	k->latest[slot] = ++k->records;
	k->changed = true;
}

void history_alert(
	struct history *h, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	struct kept *k = kept_of(h, a);
	json_t *event = eve_alert_json(a, stage, from);
	char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(6));

	json_decref(event);
	if (!text) {
		h->stats.lost++;
		return;
	}
	free(k->event);
	k->event = text;
	k->first_ns = a->first_ns;
	k->last_ns = a->last_ns;
	k->class = a->class;
	k->flows = a->flows;
	k->attacker[0] = '\0';
	if (!a->many)
		addr_text(a->attacker, k->attacker);
	addr_text(a->target, k->target);
	k->changed = true;
	k->ended = stage == ALERT_END;
}

void history_stats(const struct history *h, struct history_stats *s)
{
	*s = h->stats;
}

/* A file that no program writes any more is left in a form that can be read by whoever may read it,
 * without writing beside it. */
void history_close(struct history *h, struct history_stats *s)
{
	struct kept *k;

	if (!h)
		return;
	if (h->put_flow) {
		sqlite3_busy_timeout(h->db, WAIT_AT_END_MS);
		if (write_changes(h) == SQLITE_BUSY)
			failed(h);
	}
	if (s)
		*s = h->stats;
	while (h->kept && (k = lru_oldest(h->kept))) {
		free(k->event);
		lru_remove(h->kept, k);
	}
	lru_free(h->kept);
	sqlite3_finalize(h->put_alert);
	sqlite3_finalize(h->put_flow);
	sqlite3_finalize(h->drop_flows);
	if (h->db) {
		sqlite3_busy_timeout(h->db, 0);
		execute(h, "PRAGMA journal_mode = DELETE");
	}
	sqlite3_close(h->db);
	free(h);
}
