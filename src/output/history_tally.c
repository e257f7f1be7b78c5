/* What the history says in sums: over time, by party, by peer; and the range of a prefix. */
#include <stdlib.h>
#include <string.h>

#include "output/history_read.h"
#include "output/history_schema.h"
#include "util/number.h"

bool history_range(const char *text, uint8_t low[16], uint8_t high[16])
{
	char addr[64];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	bool six = memchr(text, ':', n) != NULL;
	uint64_t bits = 128;

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, text, n);
	addr[n] = '\0';
	if (!addr_parse(addr, low))
		return false;
	if (slash) {
		if (!number_parse(slash + 1, 0, six ? 128 : 32, &bits))
			return false;
		bits += six ? 0 : 96;
	}
	memcpy(high, low, 16);
	for (unsigned i = (unsigned)bits; i < 128; i++) {
		low[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
		high[i / 8] |= (uint8_t)(0x80U >> i % 8);
	}
	return true;
}

/* ---- tallies: name, at, count, bytes ---- */

struct tally {
	char *name;
	int64_t at_s;
	uint64_t count, bytes;
};

/* Each row of a statement, which is finished; all are read before any is handed out. */
static int tell(struct history_reader *r, sqlite3_stmt *s, history_each_tally call, void *context,
	struct error *e)
{
	struct tally *tally = NULL;
	size_t count = 0;
	int err = SQLITE_OK;

	while (err == SQLITE_OK && (err = sqlite3_step(s)) == SQLITE_ROW) {
		const unsigned char *name = sqlite3_column_text(s, 0);
		struct tally *more = reallocarray(tally, count + 1, sizeof(*more));

		err = SQLITE_NOMEM;
		if (!more)
			break;
		tally = more;
		more[count] = (struct tally){strdup(name ? (const char *)name : ""),
			sqlite3_column_int64(s, 1), (uint64_t)sqlite3_column_int64(s, 2),
			(uint64_t)sqlite3_column_int64(s, 3)};
		err = more[count++].name ? SQLITE_OK : SQLITE_NOMEM;
	}
	sqlite3_finalize(s);
	for (size_t i = 0; i < count; i++) {
		struct history_tally t = {
			tally[i].name, tally[i].at_s, tally[i].count, tally[i].bytes};

		if (err == SQLITE_DONE)
			call(context, &t);
		free(tally[i].name);
	}
	free(tally);
	return err == SQLITE_DONE ? 0 : history_error(e, r->path, r->db, err);
}

/* The statement with what most have: ?1 since, ?2 until, ?3 limit. */
static int prepare(struct history_reader *r, const char *sql, const struct history_query *q,
	sqlite3_stmt **s, struct error *e)
{
	int err = sqlite3_prepare_v2(r->db, sql, -1, s, NULL);

	if (err)
		return history_error(e, r->path, r->db, err);
	sqlite3_bind_int64(*s, 1, q->since_ns);
	sqlite3_bind_int64(*s, 2, q->until_ns ? q->until_ns : INT64_MAX);
	sqlite3_bind_int64(*s, 3, q->limit ? (sqlite3_int64)q->limit : -1);
	return 0;
}

int history_alerts_over_time(struct history_reader *r, const struct history_query *q,
	int64_t step_s, history_each_tally call, void *context, struct error *e)
{
	sqlite3_stmt *s;
	int err = prepare(r,
		"SELECT class, first_ns / 1000000000 / ?4 * ?4 AS at, count(*), 0 FROM alerts"
		" WHERE first_ns >= ?1 AND first_ns <= ?2 GROUP BY at, class ORDER BY at, class",
		q, &s, e);

	if (err)
		return err;
	sqlite3_bind_int64(s, 4, step_s);
	return tell(r, s, call, context, e);
}

int history_parties(struct history_reader *r, const struct history_query *q, bool attacks,
	history_each_tally call, void *context, struct error *e)
{
	static const char *const sql[] = {
		"SELECT target, max(last_ns) / 1000000000, count(*), 0 FROM alerts WHERE last_ns "
		">= ?1"
		" AND first_ns <= ?2 AND target > '' GROUP BY 1 ORDER BY 3 DESC, 2 DESC LIMIT ?3",
		"SELECT attacker, max(last_ns) / 1000000000, count(*), 0 FROM alerts WHERE last_ns "
		">= "
		"?1 AND first_ns <= ?2 AND attacker > '' GROUP BY 1 ORDER BY 3 DESC, 2 DESC LIMIT "
		"?3"};
	sqlite3_stmt *s;
	int err = prepare(r, sql[attacks], q, &s, e);

	return err ? err : tell(r, s, call, context, e);
}

int history_peers(struct history_reader *r, const struct history_query *q, bool services,
	history_each_tally call, void *context, struct error *e)
{
	static const char *const sql[] = {
		"SELECT iif(f.src = ?5, f.dst, f.src), max(f.last_ns) / 1000000000, count(*),"
		" sum(f.sbytes + f.dbytes) FROM parties p JOIN flows f ON f.alert = p.alert"
		" WHERE p.addr = ?4 AND ?5 IN (f.src, f.dst) GROUP BY 1 ORDER BY 3 DESC LIMIT ?3",
		"SELECT iif(f.app > '', f.app, f.proto || ' ' || f.dport), max(f.last_ns) / "
		"1000000000,"
		" count(*), sum(f.sbytes + f.dbytes) FROM parties p JOIN flows f ON f.alert = "
		"p.alert"
		" WHERE p.addr = ?4 AND ?5 IN (f.src, f.dst) GROUP BY 1 ORDER BY 3 DESC LIMIT ?3"};
	char host[ADDR_TEXT];
	sqlite3_stmt *s;
	int err = prepare(r, sql[services], q, &s, e);

	if (err)
		return err;
	sqlite3_bind_blob(s, 4, q->low, 16, SQLITE_STATIC);
	sqlite3_bind_text(s, 5, addr_text(q->low, host), -1, SQLITE_STATIC);
	return tell(r, s, call, context, e);
}

/* ---- spells ---- */

int history_spells(struct history_reader *r, const struct history_query *q, history_each_spell call,
	void *context, struct error *e)
{
	sqlite3_stmt *s;
	int err = prepare(r,
		"SELECT p.attacks, a.first_ns, a.last_ns, a.confidence FROM parties p"
		" JOIN alerts a ON a.number = p.alert"
		" WHERE p.addr = ?4 AND a.last_ns >= ?1 AND a.first_ns <= ?2",
		q, &s, e);

	if (err)
		return err;
	sqlite3_bind_blob(s, 4, q->low, 16, SQLITE_STATIC);
	while ((err = sqlite3_step(s)) == SQLITE_ROW) {
		struct history_spell spell = {sqlite3_column_int(s, 0) != 0,
			sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2),
			sqlite3_column_double(s, 3)};

		call(context, &spell);
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? 0 : history_error(e, r->path, r->db, err);
}

/* ---- minutes ---- */

int history_minutes_together(struct history_reader *r, const struct history_query *q,
	int64_t step_s, history_each_minute call, void *context, struct error *e)
{
	sqlite3_stmt *s;
	int err = prepare(r,
		"SELECT minute / ?4 * ?4 AS at, sum(seconds), sum(packets), sum(bytes), sum(flows),"
		" sum(records), sum(alerts), sum(lost), max(hosts), max(open) FROM minutes"
		" WHERE minute >= ?1 / 60000000000 AND minute <= ?2 / 60000000000 GROUP BY at"
		" ORDER BY at LIMIT ?3",
		q, &s, e);

	if (err)
		return err;
	sqlite3_bind_int64(s, 4, step_s < 60 ? 1 : step_s / 60);
	while ((err = sqlite3_step(s)) == SQLITE_ROW) {
		struct history_minute m = {.minute = sqlite3_column_int64(s, 0),
			.seconds = sqlite3_column_double(s, 1)};
		uint64_t *const count[] = {&m.packets, &m.bytes, &m.flows, &m.records, &m.alerts,
			&m.lost, &m.hosts, &m.open};

		for (int i = 0; i < 8; i++)
			*count[i] = (uint64_t)sqlite3_column_int64(s, 2 + i);
		call(context, &m);
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? 0 : history_error(e, r->path, r->db, err);
}
