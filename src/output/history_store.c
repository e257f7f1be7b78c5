#include "output/history_store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "feature/pack.h"
#include "output/history_schema.h"
#include "util/clock.h"

enum {
	WAIT_TO_OPEN_MS = 5000,
	PARTIES = 256,     /* of an alert, by which it is found */
	MINUTES = 131072,  /* three months */
	BLOCKS = 20000,    /* changes of the block list */
	ROW_BYTES = 256,   /* of these and of a host: rather less */
	SPARE_PAGES = 256, /* that are not given back */
	FEATURES_ROOM = 1024,
};

enum statement {
	PUT_ALERT,
	PUT_FLOW,
	PUT_PARTY,
	PUT_HOST,
	PUT_MINUTE,
	PUT_WATCHED,
	PUT_BLOCK,
	PUT_FORM,
	DROP_FLOWS,
	DROP_PARTIES,
	STATEMENTS,
};

static const char *const statements[STATEMENTS] = {
	[PUT_ALERT] = "INSERT INTO alerts (id, first_ns, last_ns, class, attacker, target, flows,"
		      " left_out, event, confidence, model, ended, put_ns)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
		      " ON CONFLICT (id) DO UPDATE SET first_ns = ?2, last_ns = ?3, class = ?4,"
		      " attacker = ?5, target = ?6, flows = ?7, left_out = ?8, event = ?9,"
		      " confidence = ?10, model = ?11, ended = ?12 RETURNING number",
	[PUT_FLOW] = "INSERT OR REPLACE INTO flows (alert, slot, flow_id, at_ns, start_ns, last_ns,"
		     " src, sport, dst, dport, proto, state, app, spkts, dpkts, sbytes, dbytes,"
		     " score, class, probability, actor, latest, first_ns, form, features) VALUES"
		     " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
		     " ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
	[PUT_PARTY] = "INSERT OR IGNORE INTO parties SELECT ?1, ?2, ?3 WHERE"
		      " (SELECT count(*) FROM parties WHERE alert = ?1) < ?4",
	[PUT_HOST] = "INSERT INTO hosts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
		     " ON CONFLICT (addr) DO UPDATE SET first_ns = min(first_ns, ?2),"
		     " last_ns = max(last_ns, ?3), flows_from = flows_from + ?4,"
		     " flows_to = flows_to + ?5, bytes_from = bytes_from + ?6,"
		     " bytes_to = bytes_to + ?7,"
		     " suspect_ns = CASE WHEN ?8 > suspicion THEN ?9 ELSE suspect_ns END,"
		     " suspicion = max(suspicion, ?8)",
	[PUT_MINUTE] = "INSERT INTO minutes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		       " ON CONFLICT (minute) DO UPDATE SET seconds = seconds + ?2,"
		       " packets = packets + ?3, bytes = bytes + ?4, flows = flows + ?5,"
		       " records = records + ?6, alerts = alerts + ?7, lost = lost + ?8,"
		       " hosts = ?9, open = ?10",
	[PUT_WATCHED] = "INSERT INTO watched VALUES (?1, ?2)"
			" ON CONFLICT (model) DO UPDATE SET seconds = seconds + ?2",
	[PUT_BLOCK] = "INSERT INTO blocks (at_ns, low, high, event) VALUES (?1, ?2, ?3, ?4)",
	[PUT_FORM] = "INSERT INTO forms (form) VALUES (?1)"
		     " ON CONFLICT (form) DO UPDATE SET form = ?1 RETURNING number",
	[DROP_FLOWS] = "DELETE FROM flows WHERE alert = ?1",
	[DROP_PARTIES] = "DELETE FROM parties WHERE alert = ?1",
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *statement[STATEMENTS];
	struct history_limits limits;
	int64_t form;         /* of the features, in the table of forms; 0: not put there yet */
	int64_t data_version; /* when mutes were read last */
	int64_t pruned_minute;
	uint64_t hosts;          /* written since */
	uint64_t removed, going; /* alerts; `going`: in the batch at hand */
	char why[128];
};

/* ---- batches ---- */

void batch_free(struct batch *b)
{
	struct batch_alert *a, *next;

	if (!b)
		return;
	for (a = b->alert; a; a = next) {
		next = a->next;
		free(a->event);
		free(a->flow);
		free(a->features);
		free(a);
	}
	for (unsigned i = 0; i < b->blocks; i++)
		free(b->block[i].event);
	free(b->block);
	free(b->host);
	free(b->minute);
	free(b);
}

unsigned batch_alerts(const struct batch *b)
{
	unsigned count = 0;

	for (const struct batch_alert *a = b->alert; a; a = a->next)
		count++;
	return count;
}

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

static int execute(struct store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

/* Whoever wrote an alert that has not ended is gone, or says more of it soon. */
static int take_over(struct store *s)
{
	return execute(s, "UPDATE alerts SET ended = 1 WHERE NOT ended");
}

/* Readers never wait for the writer (write-ahead log); what a loss of power costs is the latest. */
static int open_database(struct store *s, const char *path, struct error *e)
{
	/* Without SQLite's own locks: one thread has it at a time. */
	int err = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	int state;

	if (err != SQLITE_OK)
		return history_error(e, path, s->db, err);
	sqlite3_busy_timeout(s->db, WAIT_TO_OPEN_MS);
	state = history_check(s->db, path, e);
	if (state < 0)
		return state;
	if (state == HISTORY_EMPTY) /* before the first write: it is a property of the file */
		err = execute(s, "PRAGMA auto_vacuum = INCREMENTAL");
	if (!err)
		err = execute(s, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
				 "PRAGMA journal_size_limit = 4194304");
	if (!err && state == HISTORY_EMPTY)
		err = history_make(s->db);
	if (!err && state == HISTORY_OLDER)
		err = history_upgrade(s->db);
	for (int i = 0; i < STATEMENTS && !err; i++)
		err = sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			&s->statement[i], NULL);
	if (!err)
		err = take_over(s);
	return err ? history_error(e, path, s->db, err) : 0;
}

int store_open(struct store **result, const struct history_settings *settings, struct error *e)
{
	struct store *s = calloc(1, sizeof(*s));
	int err = 0;

	*result = NULL;
	if (!s)
		return error_set(e, -ENOMEM, "not enough memory for the history");
	s->limits = settings->limits;
	s->data_version = -1;
	if (settings->folder)
		err = make_folder(settings->path, e);
	if (!err)
		err = make_file(settings->path, e);
	if (!err)
		err = open_database(s, settings->path, e);
	if (err)
		store_close(s);
	else
		*result = s;
	return err;
}

/* A file that no program writes any more is left in a form that can be read by whoever may read it,
 * without writing beside it. */
void store_close(struct store *s)
{
	if (!s)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->statement[i]);
	if (s->db) {
		sqlite3_busy_timeout(s->db, 0);
		execute(s, "PRAGMA journal_mode = DELETE");
	}
	sqlite3_close(s->db);
	free(s);
}

const char *store_why(const struct store *s)
{
	return s->why;
}

uint64_t store_removed(const struct store *s)
{
	return s->removed;
}

/* ---- writing ---- */

/* `number`: what the statement returns; may be NULL. */
static int step(sqlite3_stmt *s, int64_t *number)
{
	int err = sqlite3_step(s);

	if (err == SQLITE_ROW) {
		if (number)
			*number = sqlite3_column_int64(s, 0);
		err = sqlite3_step(s);
	}
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

static int drop(sqlite3_stmt *s, int64_t alert)
{
	sqlite3_bind_int64(s, 1, alert);
	return step(s, NULL);
}

static int put_alert(struct store *s, const struct batch_alert *a, int64_t *number)
{
	char attacker[ADDR_TEXT], target[ADDR_TEXT];
	sqlite3_stmt *p = s->statement[PUT_ALERT];

	sqlite3_bind_text(p, 1, a->id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(p, 2, a->first_ns);
	sqlite3_bind_int64(p, 3, a->last_ns);
	sqlite3_bind_text(p, 4, class_name(a->class), -1, SQLITE_STATIC);
	if (!a->many) /* else NULL: not known */
		sqlite3_bind_text(p, 5, addr_text(a->attacker, attacker), -1, SQLITE_STATIC);
	sqlite3_bind_text(p, 6, addr_text(a->target, target), -1, SQLITE_STATIC);
	sqlite3_bind_int64(p, 7, (sqlite3_int64)a->flows);
	sqlite3_bind_int64(p, 8, (sqlite3_int64)a->left_out);
	sqlite3_bind_text(p, 9, a->event, -1, SQLITE_STATIC);
	sqlite3_bind_double(p, 10, (double)a->confidence);
	sqlite3_bind_text(p, 11, a->model, -1, SQLITE_STATIC);
	sqlite3_bind_int(p, 12, a->ended);
	sqlite3_bind_int64(p, 13, (sqlite3_int64)clock_now(CLOCK_REALTIME));
	return step(p, number);
}

static int put_party(struct store *s, int64_t alert, const uint8_t addr[16], bool attacks)
{
	sqlite3_stmt *p = s->statement[PUT_PARTY];

	sqlite3_bind_int64(p, 1, alert);
	sqlite3_bind_blob(p, 2, addr, 16, SQLITE_STATIC);
	sqlite3_bind_int(p, 3, attacks);
	sqlite3_bind_int(p, 4, PARTIES);
	return step(p, NULL);
}

static int form_number(struct store *s)
{
	if (s->form)
		return SQLITE_OK;
	sqlite3_bind_text(s->statement[PUT_FORM], 1, pack_form(), -1, SQLITE_STATIC);
	return step(s->statement[PUT_FORM], &s->form);
}

/* Most features of most flows are 0. */
static int bind_features(struct store *s, const float *values)
{
	static _Thread_local Bytef packed[FEATURES_ROOM];
	uLongf length = sizeof(packed);
	uLong raw = pack_count() * sizeof(float);
	int err = form_number(s);

	if (err || compress(packed, &length, (const Bytef *)values, raw) != Z_OK)
		return err;
	sqlite3_bind_int64(s->statement[PUT_FLOW], 24, s->form);
	return sqlite3_bind_blob(s->statement[PUT_FLOW], 25, packed, (int)length, SQLITE_TRANSIENT);
}

static int put_flow(struct store *s, int64_t alert, const struct batch_flow *b, const float *values)
{
	const struct alert_flow *f = &b->flow;
	char src[ADDR_TEXT], dst[ADDR_TEXT];
	sqlite3_stmt *p = s->statement[PUT_FLOW];
	int err = values ? bind_features(s, values) : SQLITE_OK;

	sqlite3_bind_int64(p, 1, alert);
	sqlite3_bind_int(p, 2, b->slot);
	sqlite3_bind_int64(p, 3, (sqlite3_int64)f->flow_id);
	sqlite3_bind_int64(p, 4, f->at_ns);
	sqlite3_bind_int64(p, 5, f->start_ns);
	sqlite3_bind_int64(p, 6, f->last_ns);
	sqlite3_bind_text(p, 7, addr_text(f->addr[SRC], src), -1, SQLITE_STATIC);
	sqlite3_bind_int(p, 8, f->port[SRC]);
	sqlite3_bind_text(p, 9, addr_text(f->addr[DST], dst), -1, SQLITE_STATIC);
	sqlite3_bind_int(p, 10, f->port[DST]);
	sqlite3_bind_text(p, 11, record_proto_name(f->net, f->proto), -1, SQLITE_STATIC);
	sqlite3_bind_text(p, 12, record_state_name((enum record_state)f->state), -1, SQLITE_STATIC);
	if (f->app)
		sqlite3_bind_text(p, 13, f->app, -1, SQLITE_STATIC);
	for (int i = 0; i < 2; i++) {
		sqlite3_bind_int64(p, 14 + i, (sqlite3_int64)f->packets[i]);
		sqlite3_bind_int64(p, 16 + i, (sqlite3_int64)f->bytes[i]);
	}
	sqlite3_bind_double(p, 18, (double)f->score);
	sqlite3_bind_text(p, 19, class_name(f->class), -1, SQLITE_STATIC);
	sqlite3_bind_double(p, 20, (double)f->probability);
	sqlite3_bind_int(p, 21, f->actor);
	sqlite3_bind_int64(p, 22, (sqlite3_int64)b->latest);
	sqlite3_bind_int64(p, 23, f->first_ns);
	if (!err)
		err = step(p, NULL);
	for (int end = SRC; end <= DST && !err; end++)
		err = put_party(s, alert, f->addr[end], end == f->actor);
	return err;
}

static int put_whole_alert(struct store *s, const struct batch_alert *a)
{
	const float *values = a->features;
	int64_t number = 0;
	int err = put_alert(s, a, &number);

	if (!err && !a->begun)
		err = drop(s->statement[DROP_FLOWS], number);
	if (!err && !a->begun)
		err = drop(s->statement[DROP_PARTIES], number);
	if (!err && !a->many)
		err = put_party(s, number, a->attacker, true);
	if (!err)
		err = put_party(s, number, a->target, false);
	for (unsigned i = 0; i < a->count && !err; i++) {
		err = put_flow(s, number, &a->flow[i], a->flow[i].featured ? values : NULL);
		if (a->flow[i].featured)
			values += pack_count();
	}
	return err;
}

static int put_host(struct store *s, const struct batch_host *h)
{
	sqlite3_stmt *p = s->statement[PUT_HOST];

	sqlite3_bind_blob(p, 1, h->addr, 16, SQLITE_STATIC);
	sqlite3_bind_int64(p, 2, h->first_ns);
	sqlite3_bind_int64(p, 3, h->last_ns);
	for (int i = 0; i < 2; i++) {
		sqlite3_bind_int64(p, 4 + i, (sqlite3_int64)h->flows[i]);
		sqlite3_bind_int64(p, 6 + i, (sqlite3_int64)h->bytes[i]);
	}
	sqlite3_bind_double(p, 8, (double)h->suspicion);
	if (h->suspect_ns)
		sqlite3_bind_int64(p, 9, h->suspect_ns);
	return step(p, NULL);
}

static int put_minute(struct store *s, const char *model, const struct batch_minute *m)
{
	const uint64_t count[] = {
		m->packets, m->bytes, m->flows, m->records, m->alerts, m->lost, m->hosts, m->open};
	sqlite3_stmt *p = s->statement[PUT_MINUTE];
	int err;

	sqlite3_bind_int64(p, 1, m->minute);
	sqlite3_bind_double(p, 2, m->seconds);
	for (int i = 0; i < 8; i++)
		sqlite3_bind_int64(p, 3 + i, (sqlite3_int64)count[i]);
	err = step(p, NULL);
	p = s->statement[PUT_WATCHED];
	sqlite3_bind_text(p, 1, model, -1, SQLITE_STATIC);
	sqlite3_bind_double(p, 2, m->seconds);
	return err ? err : step(p, NULL);
}

static int put_block(struct store *s, const struct batch_block *b)
{
	sqlite3_stmt *p = s->statement[PUT_BLOCK];

	sqlite3_bind_int64(p, 1, b->at_ns);
	sqlite3_bind_blob(p, 2, b->low, 16, SQLITE_STATIC);
	sqlite3_bind_blob(p, 3, b->high, 16, SQLITE_STATIC);
	sqlite3_bind_text(p, 4, b->event, -1, SQLITE_STATIC);
	return step(p, NULL);
}

static int put_batch(struct store *s, const struct batch *b)
{
	int err = SQLITE_OK;

	for (const struct batch_alert *a = b->alert; a && !err; a = a->next)
		err = put_whole_alert(s, a);
	for (unsigned i = 0; i < b->hosts && !err; i++)
		err = put_host(s, &b->host[i]);
	for (unsigned i = 0; i < b->minutes && !err; i++)
		err = put_minute(s, b->model, &b->minute[i]);
	for (unsigned i = 0; i < b->blocks && !err; i++)
		err = put_block(s, &b->block[i]);
	return err;
}

/* ---- the limits ---- */

/* Alerts that may go: that have ended, but for the latest. Those that a person has marked go last.
 * What a card says of them stays. `which`: how many, or of what age. */
#define REMOVE(which)                                                                              \
	"CREATE TEMP TABLE IF NOT EXISTS going (number INTEGER PRIMARY KEY);"                      \
	"DELETE FROM going;"                                                                       \
	"INSERT INTO going SELECT number FROM alerts WHERE ended"                                  \
	" AND number < (SELECT max(number) FROM alerts) " which ";"                                \
	"INSERT INTO cards SELECT model, class, count(*), total(mark = 'ack'),"                    \
	" total(mark = 'false') FROM alerts WHERE number IN going GROUP BY model, class"           \
	" ON CONFLICT DO UPDATE SET alerts = alerts + excluded.alerts,"                            \
	" attacks = attacks + excluded.attacks, mistakes = mistakes + excluded.mistakes;"          \
	"DELETE FROM flows WHERE alert IN going;"                                                  \
	"DELETE FROM parties WHERE alert IN going;"                                                \
	"DELETE FROM alerts WHERE number IN going;"                                                \
	"UPDATE totals SET value = value + (SELECT count(*) FROM going) WHERE name = 'removed'"

static int remove_alerts(struct store *s, const char *sql, int64_t *gone)
{
	int err = execute(s, sql);

	*gone = err ? 0 : history_number(s->db, "SELECT count(*) FROM going", 0);
	s->going += (uint64_t)*gone;
	return err;
}

static int remove_old(struct store *s, int64_t before_ns)
{
	static const char oldest[] = "SELECT put_ns FROM alerts WHERE ended AND mark IS NULL"
				     " ORDER BY mark IS NOT NULL, number LIMIT 1";
	char sql[2048];
	int64_t gone;

	if (history_number(s->db, oldest, INT64_MAX) >= before_ns)
		return SQLITE_OK;
	snprintf(sql, sizeof(sql), REMOVE("AND mark IS NULL AND put_ns < %lld"),
		(long long)before_ns);
	return remove_alerts(s, sql, &gone);
}

static bool is_over(struct store *s)
{
	int64_t pages = history_number(s->db, "PRAGMA page_count", 0) -
			history_number(s->db, "PRAGMA freelist_count", 0);
	int64_t size = history_number(s->db, "PRAGMA page_size", 0);

	return history_number(s->db, "SELECT count(*) FROM alerts", 0) > s->limits.alerts ||
	       (uint64_t)(pages * size) > s->limits.bytes;
}

/* So many, or as many as fill an eighth of the file: most of it is for alerts. */
static unsigned at_most(const struct store *s, unsigned most)
{
	uint64_t fill = s->limits.bytes / 8 / ROW_BYTES;

	return fill < most ? (unsigned)fill : most;
}

/* Once a minute, or when as many hosts have come as there may be. Hosts that were seen long ago go,
 * those that alerts tell of last. */
static int keep_few(struct store *s, int64_t before_ns)
{
	char sql[1536];

	snprintf(sql, sizeof(sql),
		"DELETE FROM blocks WHERE at_ns < %lld;"
		"DELETE FROM blocks WHERE number <= (SELECT max(number) FROM blocks) - %u;"
		"DELETE FROM minutes WHERE minute < %lld;"
		"DELETE FROM minutes WHERE minute IN (SELECT minute FROM minutes ORDER BY minute"
		" LIMIT max(0, (SELECT count(*) FROM minutes) - %u));"
		"DELETE FROM hosts WHERE addr IN (SELECT addr FROM hosts ORDER BY"
		" addr IN (SELECT addr FROM parties), last_ns"
		" LIMIT max(0, (SELECT count(*) FROM hosts) - %u))",
		(long long)before_ns, at_most(s, BLOCKS), (long long)(before_ns / 60000000000),
		at_most(s, MINUTES), at_most(s, s->limits.hosts));
	return execute(s, sql);
}

static int keep_limits(struct store *s, int64_t now_ns)
{
	static const char oldest[] = REMOVE("ORDER BY mark IS NOT NULL, number LIMIT"
					    " (SELECT count(*) / 100 + 1 FROM alerts)");
	int64_t before_ns = now_ns - (int64_t)s->limits.seconds * 1000000000, gone = 1;
	int err = remove_old(s, before_ns);

	if (!err && (s->hosts >= s->limits.hosts || now_ns / 60000000000 != s->pruned_minute)) {
		err = keep_few(s, before_ns);
		s->pruned_minute = now_ns / 60000000000;
		s->hosts = 0;
	}
	while (!err && gone > 0 && is_over(s))
		err = remove_alerts(s, oldest, &gone);
	if (!err && history_number(s->db, "PRAGMA freelist_count", 0) > SPARE_PAGES)
		err = execute(s, "PRAGMA incremental_vacuum");
	return err;
}

int store_write(struct store *s, const struct batch *b, int wait_ms)
{
	int err;

	s->going = 0;
	sqlite3_busy_timeout(s->db, wait_ms);
	err = execute(s, "BEGIN IMMEDIATE");
	if (!err && b)
		err = put_batch(s, b);
	s->hosts += b ? b->hosts : 0;
	if (!err)
		err = keep_limits(s, (int64_t)clock_now(CLOCK_REALTIME));
	if (!err)
		err = execute(s, "COMMIT");
	if (!err) {
		s->removed += s->going;
		return SQLITE_OK;
	}
	snprintf(s->why, sizeof(s->why), "%s", sqlite3_errmsg(s->db));
	s->form = 0; /* it may have been undone */
	s->pruned_minute = 0;
	if (!sqlite3_get_autocommit(s->db))
		execute(s, "ROLLBACK");
	return err;
}

/* ---- mutes ---- */

bool store_mutes(struct store *s, struct mute *mute, unsigned most, unsigned *count)
{
	int64_t version = history_number(s->db, "PRAGMA data_version", 0);

	if (version == s->data_version)
		return false;
	s->data_version = version;
	return history_read_mutes(s->db, mute, most, count) == SQLITE_OK;
}
