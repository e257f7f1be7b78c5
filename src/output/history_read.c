#include "output/history_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <zlib.h>

#include "output/history_schema.h"
#include "util/state.h"

enum { WAIT_MS = 2000, FEW_BYTES = 1 << 20 };

const char *history_default_path(char path[HISTORY_PATH])
{
	_Static_assert((int)HISTORY_PATH == (int)STATE_PATH, "paths are of one length");
	return state_path(path, "history.db");
}

/* ---- opening ---- */

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

/* The file by a connection that may write, if only for as long as it takes. */
static int upgrade(const char *path, struct error *e)
{
	sqlite3 *db;
	int err = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	if (!err) {
		sqlite3_busy_timeout(db, WAIT_MS);
		err = history_upgrade(db);
	}
	if (err)
		err = (err & 0xff) == SQLITE_READONLY || (err & 0xff) == SQLITE_CANTOPEN
			      ? error_set(e, -EACCES,
					"%s: a history of an older version of karma; 'sudo karma "
					"history' makes it this version's",
					path)
			      : history_error(e, path, db, err);
	sqlite3_close(db);
	return err;
}

static int open_to_read(struct history_reader *r, struct error *e)
{
	int err = sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READONLY, NULL);

	if (err != SQLITE_OK)
		return history_error(e, r->path, r->db, err);
	sqlite3_busy_timeout(r->db, WAIT_MS);
	err = history_check(r->db, r->path, e);
	if (err == HISTORY_EMPTY)
		return error_set(e, -ENOENT, "%s: the history is empty yet", r->path);
	return err == HISTORY_OLDER ? upgrade(r->path, e) : err;
}

int history_reader_open(struct history_reader **result, const char *path, struct error *e)
{
	struct history_reader *r = calloc(1, sizeof(*r));
	int err;

	*result = NULL;
	if (!r)
		return error_set(e, -ENOMEM, "not enough memory");
	snprintf(r->path, sizeof(r->path), "%s", path);
	err = access(path, R_OK) ? cannot_open(path, e) : open_to_read(r, e);
	if (err)
		history_reader_close(r);
	else
		*result = r;
	return err;
}

void history_reader_close(struct history_reader *r)
{
	if (!r)
		return;
	sqlite3_close(r->db);
	free(r);
}

const char *history_reader_trouble(const struct history_reader *r)
{
	struct statvfs s;

	if (statvfs(r->path, &s) != 0)
		return NULL;
	if (s.f_flag & ST_RDONLY)
		return "its disk is read-only";
	return (uint64_t)s.f_bfree * s.f_frsize < FEW_BYTES ? "its disk is full" : NULL;
}

static const char *text_of(sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	return text ? (const char *)text : "";
}

/* ---- alerts ---- */

/* What a person may look for in an alert. */
#define PART(path) "coalesce(json_extract(event, '" path "'), '') || ' ' || "
#define WORDS                                                                                      \
	"CASE WHEN json_valid(event) THEN lower(" PART("$.karma.alert_id")                         \
		PART("$.alert.signature") PART("$.alert.metadata.mitre_technique_id[0]")           \
			PART("$.alert.metadata.mitre_technique_name[0]")                           \
				PART("$.alert.metadata.mitre_tactic_name[0]") PART("$.app_proto")  \
					PART("$.in_iface") PART("$.pcap_filename") PART(           \
						"$.alert.metadata.reasons") " '') ELSE '' END"

/* All that a statement below may be: the words that are looked for, each in all of WORDS, and the
 * rest. */
enum { SQL_ROOM = HISTORY_WORDS * (sizeof(WORDS) + 32) + 1024 };

enum {
	SINCE = 1,
	UNTIL,
	LOW,
	HIGH,
	CLASS,
	MARK,
	CONFIDENCE,
	LIMIT,
	SKIP,
	WORD, /* and those after it */
};

/* Ties by number, so that pages fit together. */
static const char *const order_text[] = {
	[ORDER_FIRST] = "first_ns",
	[ORDER_LAST] = "last_ns",
	[ORDER_CLASS] = "class",
	[ORDER_CONFIDENCE] = "confidence",
	[ORDER_ATTACKER] = "attacker",
	[ORDER_TARGET] = "target",
	[ORDER_FLOWS] = "flows",
};

static enum history_mark mark_of(const char *text)
{
	int mark;

	return history_mark_parse(text, &mark) ? (enum history_mark)mark : MARK_NONE;
}

/* "WHERE ..." of what is asked for, behind what `sql` says already. */
static void put_where(char *sql, const struct history_query *q)
{
	char *at = stpcpy(sql + strlen(sql), " WHERE 1");

	if (q->since_ns)
		at = stpcpy(at, " AND last_ns >= ?1");
	if (q->until_ns)
		at = stpcpy(at, " AND first_ns <= ?2");
	if (q->has_range)
		at = stpcpy(at, " AND number IN (SELECT alert FROM parties WHERE addr"
				" BETWEEN ?3 AND ?4)");
	if (q->class >= 0)
		at = stpcpy(at, " AND class = ?5");
	if (q->mark >= 0)
		at = stpcpy(at, q->mark == MARK_NONE ? " AND mark IS NULL" : " AND mark = ?6");
	if (q->confidence > 0)
		at = stpcpy(at, " AND confidence >= ?7");
	for (unsigned i = 0; i < q->words; i++)
		at += sprintf(at, " AND instr(" WORDS ", lower(?%u)) > 0", WORD + i);
}

/* A parameter that the statement does not have is none of its concern. */
static void bind_query(sqlite3_stmt *s, const struct history_query *q)
{
	sqlite3_bind_int64(s, SINCE, q->since_ns);
	sqlite3_bind_int64(s, UNTIL, q->until_ns);
	sqlite3_bind_blob(s, LOW, q->low, 16, SQLITE_STATIC);
	sqlite3_bind_blob(s, HIGH, q->high, 16, SQLITE_STATIC);
	if (q->class >= 0)
		sqlite3_bind_text(
			s, CLASS, class_name((enum karma_class)q->class), -1, SQLITE_STATIC);
	if (q->mark > MARK_NONE)
		sqlite3_bind_text(
			s, MARK, history_mark_name((enum history_mark)q->mark), -1, SQLITE_STATIC);
	/* As it is shown, to four digits. */
	sqlite3_bind_double(s, CONFIDENCE, q->confidence - 0.00005);
	sqlite3_bind_int64(s, LIMIT, q->limit ? (sqlite3_int64)q->limit : -1);
	sqlite3_bind_int64(s, SKIP, (sqlite3_int64)q->skip);
	for (unsigned i = 0; i < q->words; i++)
		sqlite3_bind_text(s, (int)(WORD + i), q->word[i], -1, SQLITE_STATIC);
}

/* An alert as it stands in the file: a parsed one takes ten times the room. */
struct found {
	char *event;
	char model[16];
	int64_t number;
	enum history_mark mark;
	bool ended;
	uint64_t flows_left_out;
};

#define COLUMNS "SELECT event, number, left_out, mark, ended, model FROM alerts"

static bool found_of(sqlite3_stmt *s, struct found *f)
{
	f->event = strdup(text_of(s, 0));
	f->number = sqlite3_column_int64(s, 1);
	f->flows_left_out = (uint64_t)sqlite3_column_int64(s, 2);
	f->mark = mark_of(text_of(s, 3));
	f->ended = sqlite3_column_int(s, 4) != 0;
	snprintf(f->model, sizeof(f->model), "%.15s", text_of(s, 5));
	return f->event != NULL;
}

/* A file that others may have changed is not trusted: false for an event that is none. */
static bool entry_of(const struct found *f, struct history_entry *entry)
{
	json_t *karma;

	*entry = (struct history_entry){.event = json_loads(f->event, 0, NULL),
		.number = f->number,
		.mark = f->mark,
		.ended = f->ended,
		.flows_left_out = f->flows_left_out};
	karma = json_object_get(entry->event, "karma");
	if (!json_is_object(karma)) {
		json_decref(entry->event);
		entry->event = NULL;
		return false;
	}
	if (f->mark != MARK_NONE)
		json_object_set_new(karma, "mark", json_string(history_mark_name(f->mark)));
	if (*f->model)
		json_object_set_new(karma, "model", json_string(f->model));
	json_object_set_new(karma, "ended", json_boolean(f->ended));
	return true;
}

/* The latest ones first. The events are read of the page alone. SQLite's code. */
static int gather(struct history_reader *r, const struct history_query *q, struct found **found,
	size_t *count)
{
	const char *way = q->ascending ? "ASC" : "DESC";
	char sql[SQL_ROOM] = COLUMNS " WHERE number IN (SELECT number FROM alerts";
	sqlite3_stmt *s = NULL;
	size_t room = 0, n;
	int err;

	put_where(sql, q);
	n = strlen(sql);
	snprintf(sql + n, sizeof(sql) - n,
		" ORDER BY %s %s, number %s LIMIT ?8 OFFSET ?9) "
		"ORDER BY %s %s, number %s",
		order_text[q->order], way, way, order_text[q->order], way, way);
	err = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);
	if (!err)
		bind_query(s, q);
	while (!err && (err = sqlite3_step(s)) == SQLITE_ROW) {
		err = SQLITE_OK;
		if (*count == room) {
			struct found *more;

			room = room ? 2 * room : 64;
			more = reallocarray(*found, room, sizeof(**found));
			if (!more) {
				err = SQLITE_NOMEM;
				break;
			}
			*found = more;
		}
		if (!found_of(s, &(*found)[*count]))
			err = SQLITE_NOMEM;
		else
			++*count;
	}
	sqlite3_finalize(s);
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

uint64_t history_count(struct history_reader *r, const struct history_query *q)
{
	char sql[SQL_ROOM] = "SELECT count(*) FROM alerts";
	sqlite3_stmt *s = NULL;
	uint64_t count = 0;

	put_where(sql, q);
	if (sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) == SQLITE_OK) {
		bind_query(s, q);
		if (sqlite3_step(s) == SQLITE_ROW)
			count = (uint64_t)sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	return count;
}

int history_search(struct history_reader *r, const struct history_query *q, history_each_alert call,
	void *context, uint64_t *left_out, struct error *e)
{
	struct history_entry entry;
	struct found *found = NULL;
	size_t count = 0;
	int err = gather(r, q, &found, &count);

	if (left_out && !err) {
		uint64_t all = q->limit && count == q->limit ? history_count(r, q) : count;

		*left_out = all > count ? all - count : 0;
	}
	for (size_t i = count; i > 0; i--) {
		if (!err && entry_of(&found[i - 1], &entry)) {
			call(context, &entry);
			json_decref(entry.event);
		}
		free(found[i - 1].event);
	}
	free(found);
	return err ? history_error(e, r->path, r->db, err) : 0;
}

int history_find(
	struct history_reader *r, const char *id, struct history_entry *entry, struct error *e)
{
	struct found f = {.event = NULL};
	sqlite3_stmt *s = NULL;
	int err = sqlite3_prepare_v2(r->db, COLUMNS " WHERE id = ?", -1, &s, NULL);

	if (err == SQLITE_OK) {
		sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
		err = sqlite3_step(s);
	}
	if (err == SQLITE_ROW && !found_of(s, &f))
		err = history_error(e, r->path, r->db, SQLITE_NOMEM);
	else if (err == SQLITE_ROW)
		err = entry_of(&f, entry) ? 0 : history_error(e, r->path, r->db, SQLITE_CORRUPT);
	else if (err == SQLITE_DONE)
		err = error_set(
			e, -ENOENT, "no alert '%s' in %s; 'karma history' lists them", id, r->path);
	else
		err = history_error(e, r->path, r->db, err);
	sqlite3_finalize(s);
	free(f.event);
	return err;
}

/* ---- flows ---- */

static void flow_of(sqlite3_stmt *s, struct alert_flow *f, char app[32])
{
	int proto = record_proto_of(text_of(s, 8)), class = class_of(text_of(s, 16));
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*f = (struct alert_flow){.flow_id = (uint64_t)sqlite3_column_int64(s, 0),
		.at_ns = sqlite3_column_int64(s, 1),
		.start_ns = sqlite3_column_int64(s, 2),
		.first_ns = sqlite3_column_int64(s, 19),
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
}

/* The features of a flow, as many as there are; 0: none. */
static unsigned features_of(sqlite3_stmt *s, float values[FEATURE_MAX])
{
	uLongf length = FEATURE_MAX * sizeof(float);
	const void *packed = sqlite3_column_blob(s, 21);

	if (!packed || uncompress((Bytef *)values, &length, packed,
			       (uLong)sqlite3_column_bytes(s, 21)) != Z_OK)
		return 0;
	return (unsigned)(length / sizeof(float));
}

struct kept_flow {
	struct alert_flow flow;
	char app[32];
	char *form; /* NULL: no features */
	unsigned count;
	float features[FEATURE_MAX];
};

/* SQLite's code. */
static int gather_flows(sqlite3_stmt *s, struct kept_flow **flow, size_t *count)
{
	int err = SQLITE_OK;

	while (err == SQLITE_OK && (err = sqlite3_step(s)) == SQLITE_ROW) {
		struct kept_flow *more = reallocarray(*flow, *count + 1, sizeof(*more)), *f;

		if (!more)
			return SQLITE_NOMEM;
		*flow = more;
		f = &more[(*count)++];
		err = SQLITE_OK;
		flow_of(s, &f->flow, f->app);
		f->count = features_of(s, f->features);
		f->form = f->count ? strdup(text_of(s, 20)) : NULL;
	}
	return err == SQLITE_DONE ? SQLITE_OK : err;
}

int history_flows(struct history_reader *r, const char *id, history_each_flow call, void *context,
	struct error *e)
{
	static const char sql[] =
		"SELECT f.flow_id, f.at_ns, f.start_ns, f.last_ns, f.src, f.sport, f.dst, f.dport,"
		" f.proto, f.state, f.app, f.spkts, f.dpkts, f.sbytes, f.dbytes, f.score, f.class,"
		" f.probability, f.actor, f.first_ns, form.form, f.features"
		" FROM alerts a JOIN flows f ON f.alert = a.number"
		" LEFT JOIN forms form ON form.number = f.form WHERE a.id = ? ORDER BY f.latest";
	struct kept_flow *flow = NULL;
	sqlite3_stmt *s = NULL;
	size_t count = 0;
	int err = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);

	if (err == SQLITE_OK) {
		sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
		err = gather_flows(s, &flow, &count);
	}
	sqlite3_finalize(s);
	for (size_t i = 0; i < count; i++) {
		struct kept_flow *f = &flow[i];

		f->flow.app = *f->app ? f->app : NULL;
		f->flow.features = f->form ? f->features : NULL;
		if (!err)
			call(context, &f->flow, f->form ? f->form : "", f->form ? f->count : 0);
		free(f->form);
	}
	free(flow);
	return err ? history_error(e, r->path, r->db, err) : 0;
}

uint64_t history_removed(struct history_reader *r)
{
	return (uint64_t)history_number(
		r->db, "SELECT value FROM totals WHERE name = 'removed'", 0);
}

bool history_party(const struct history_entry *entry, uint8_t party[16], bool *attacks)
{
	const char *src = json_string_value(json_object_get(entry->event, "src_ip"));
	const char *dst = json_string_value(json_object_get(entry->event, "dest_ip"));

	*attacks = src != NULL;
	return (src || dst) && addr_parse(src ? src : dst, party);
}
