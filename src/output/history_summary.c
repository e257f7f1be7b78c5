/* The summaries of the history: hosts, minutes, changes of the block list, what became of alerts;
 * mutes. */
#include <stdlib.h>
#include <string.h>

#include "output/history_read.h"
#include "output/history_schema.h"

/* Rows of a statement of known width, gathered before anything is handed out. */
struct rows {
	void *row;
	size_t width, count, room;
};

static void *next_row(struct rows *rows)
{
	if (rows->count == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 64;
		void *more = reallocarray(rows->row, room, rows->width);

		if (!more)
			return NULL;
		rows->row = more;
		rows->room = room;
	}
	return (char *)rows->row + rows->count++ * rows->width;
}

/* Every row of the statement, by `take`; it is finished. 0, or a negative errno and the line. */
static int gather(struct history_reader *r, sqlite3_stmt *s, struct rows *rows,
	void (*take)(sqlite3_stmt *s, void *row), struct error *e)
{
	int err;

	while ((err = sqlite3_step(s)) == SQLITE_ROW) {
		void *row = next_row(rows);

		if (!row)
			break;
		take(s, row);
	}
	sqlite3_finalize(s);
	if (err == SQLITE_DONE)
		return 0;
	return history_error(e, r->path, r->db, err == SQLITE_ROW ? SQLITE_NOMEM : err);
}

static sqlite3_int64 limit_of(const struct history_query *q)
{
	return q->limit ? (sqlite3_int64)q->limit : -1;
}

/* A statement whose parameters are the query's time (?1, ?2), range (?3, ?4) and limit (?5). */
static int ask(struct history_reader *r, const struct history_query *q, const char *sql,
	sqlite3_stmt **s, struct error *e)
{
	int err = sqlite3_prepare_v2(r->db, sql, -1, s, NULL);

	if (err)
		return history_error(e, r->path, r->db, err);
	sqlite3_bind_int64(*s, 1, q->since_ns);
	sqlite3_bind_int64(*s, 2, q->until_ns);
	if (q->has_range) {
		sqlite3_bind_blob(*s, 3, q->low, 16, SQLITE_STATIC);
		sqlite3_bind_blob(*s, 4, q->high, 16, SQLITE_STATIC);
	}
	sqlite3_bind_int64(*s, 5, limit_of(q));
	return 0;
}

/* ---- hosts ---- */

static void take_host(sqlite3_stmt *s, void *row)
{
	struct history_host *h = row;

	*h = (struct history_host){.first_ns = sqlite3_column_int64(s, 1),
		.last_ns = sqlite3_column_int64(s, 2),
		.suspicion = sqlite3_column_double(s, 7),
		.suspect_ns = sqlite3_column_int64(s, 8),
		.attacks = (uint64_t)sqlite3_column_int64(s, 9),
		.attacked = (uint64_t)sqlite3_column_int64(s, 10)};
	if (sqlite3_column_bytes(s, 0) == 16)
		memcpy(h->addr, sqlite3_column_blob(s, 0), 16);
	for (int i = 0; i < 2; i++) {
		h->flows[i] = (uint64_t)sqlite3_column_int64(s, 3 + i);
		h->bytes[i] = (uint64_t)sqlite3_column_int64(s, 5 + i);
	}
}

int history_hosts(struct history_reader *r, const struct history_query *q, history_each_host call,
	void *context, struct error *e)
{
	static const char sql[] =
		"SELECT addr, first_ns, last_ns, flows_from, flows_to, bytes_from, bytes_to,"
		" suspicion, suspect_ns,"
		" (SELECT count(*) FROM parties p WHERE p.addr = hosts.addr AND attacks),"
		" (SELECT count(*) FROM parties p WHERE p.addr = hosts.addr AND NOT attacks)"
		" FROM hosts WHERE last_ns >= ?1 AND (?2 = 0 OR first_ns <= ?2)"
		" AND (?3 IS NULL OR addr BETWEEN ?3 AND ?4)"
		" ORDER BY suspicion DESC, last_ns DESC LIMIT ?5";
	struct rows rows = {.width = sizeof(struct history_host)};
	sqlite3_stmt *s = NULL;
	int err = ask(r, q, sql, &s, e);

	if (err)
		return err;
	err = gather(r, s, &rows, take_host, e);
	for (size_t i = 0; i < rows.count && !err; i++)
		call(context, (struct history_host *)rows.row + i);
	free(rows.row);
	return err;
}

/* ---- minutes ---- */

static void take_minute(sqlite3_stmt *s, void *row)
{
	struct history_minute *m = row;
	uint64_t *const count[] = {&m->packets, &m->bytes, &m->flows, &m->records, &m->alerts,
		&m->lost, &m->hosts, &m->open};

	m->minute = sqlite3_column_int64(s, 0);
	m->seconds = sqlite3_column_double(s, 1);
	for (int i = 0; i < 8; i++)
		*count[i] = (uint64_t)sqlite3_column_int64(s, 2 + i);
}

int history_minutes(struct history_reader *r, const struct history_query *q,
	history_each_minute call, void *context, struct error *e)
{
	static const char sql[] =
		"SELECT minute, seconds, packets, bytes, flows, records, alerts, lost, hosts, open"
		" FROM minutes WHERE minute >= ?1 AND (?2 = 0 OR minute <= ?2)"
		" ORDER BY minute DESC LIMIT ?3";
	struct rows rows = {.width = sizeof(struct history_minute)};
	sqlite3_stmt *s = NULL;
	int err = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);

	if (err)
		return history_error(e, r->path, r->db, err);
	sqlite3_bind_int64(s, 1, q->since_ns / 60000000000);
	sqlite3_bind_int64(s, 2, q->until_ns / 60000000000);
	sqlite3_bind_int64(s, 3, limit_of(q));
	err = gather(r, s, &rows, take_minute, e);
	for (size_t i = rows.count; i > 0 && !err; i--)
		call(context, (struct history_minute *)rows.row + i - 1);
	free(rows.row);
	return err;
}

/* ---- the block list ---- */

static void take_block(sqlite3_stmt *s, void *row)
{
	const unsigned char *text = sqlite3_column_text(s, 0);

	*(json_t **)row = text ? json_loads((const char *)text, 0, NULL) : NULL;
}

int history_blocks(struct history_reader *r, const struct history_query *q, history_each_block call,
	void *context, struct error *e)
{
	static const char sql[] =
		"SELECT event FROM blocks WHERE at_ns >= ?1 AND (?2 = 0 OR at_ns <= ?2)"
		" AND (?3 IS NULL OR (low <= ?4 AND high >= ?3)) ORDER BY number DESC LIMIT ?5";
	struct rows rows = {.width = sizeof(json_t *)};
	sqlite3_stmt *s = NULL;
	int err = ask(r, q, sql, &s, e);

	if (err)
		return err;
	err = gather(r, s, &rows, take_block, e);
	for (size_t i = rows.count; i > 0; i--) {
		json_t *event = ((json_t **)rows.row)[i - 1];

		if (!err && json_is_object(json_object_get(event, "block")))
			call(context, event);
		json_decref(event);
	}
	free(rows.row);
	return err;
}

/* ---- cards ---- */

int history_cards(struct history_reader *r, history_each_card call, void *context, struct error *e)
{
	static const char sql[] =
		"SELECT model, class, sum(alerts), sum(attacks), sum(mistakes), coalesce((SELECT"
		" seconds FROM watched WHERE watched.model = c.model), 0) FROM"
		" (SELECT model, class, alerts, attacks, mistakes FROM cards UNION ALL"
		" SELECT model, class, count(*), total(mark = 'ack'), total(mark = 'false')"
		" FROM alerts GROUP BY model, class) c GROUP BY model, class ORDER BY model, class";
	sqlite3_stmt *s = NULL;
	int err = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);

	while (err == SQLITE_OK && (err = sqlite3_step(s)) == SQLITE_ROW) {
		struct history_card c = {(const char *)sqlite3_column_text(s, 0),
			(const char *)sqlite3_column_text(s, 1),
			(uint64_t)sqlite3_column_int64(s, 2), (uint64_t)sqlite3_column_int64(s, 3),
			(uint64_t)sqlite3_column_int64(s, 4), sqlite3_column_double(s, 5)};

		err = SQLITE_OK;
		call(context, &c);
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? 0 : history_error(e, r->path, r->db, err);
}

/* ---- mutes ---- */

int history_mutes(
	struct history_reader *r, struct mute mute[HISTORY_MUTES], unsigned *count, struct error *e)
{
	int err = history_read_mutes(r->db, mute, HISTORY_MUTES, count);

	return err ? history_error(e, r->path, r->db, err) : 0;
}
