#include "top/past.h"

#include <errno.h>
#include <time.h>

#include "output/eve.h"
#include "output/history_read.h"
#include "top/state.h"

/* ---- alerts ---- */

static void add_alert(void *alerts, const struct history_entry *entry)
{
	json_t *karma = json_object_get(entry->event, "karma");

	if (entry->ended)
		json_object_set_new(karma, "ended", json_true());
	json_array_append(alerts, entry->event);
}

static void add_mark(void *marks, const struct history_entry *entry)
{
	const json_t *karma = json_object_get(entry->event, "karma");

	if (entry->mark != MARK_NONE)
		json_object_set(
			marks, json_text(karma, "alert_id"), json_object_get(karma, "mark"));
}

static int put_alerts(struct history_reader *r, json_t *into, struct error *e)
{
	struct history_query q = {.class = -1, .mark = -1, .limit = STATE_ALERTS};
	json_t *alerts = json_array();

	json_object_set_new(into, "alerts", alerts);
	return history_search(r, &q, add_alert, alerts, NULL, e);
}

/* ---- hosts ---- */

static void add_host(void *hosts, const struct history_host *h)
{
	char addr[ADDR_TEXT];

	json_array_append_new(hosts,
		json_pack("{ss sf sI sf sf sI sI}", "ip", addr_text(h->addr, addr), "suspicion",
			h->suspicion, "records", (json_int_t)h->flows[0] + (json_int_t)h->flows[1],
			"first", (double)h->first_ns / 1e9, "last", (double)h->last_ns / 1e9,
			"attacks", (json_int_t)h->attacks, "attacked", (json_int_t)h->attacked));
}

static int put_hosts(struct history_reader *r, json_t *into, struct error *e)
{
	struct history_query q = {.class = -1, .mark = -1, .limit = STATE_HOSTS};
	json_t *hosts = json_array();

	json_object_set_new(into, "hosts", hosts);
	return history_hosts(r, &q, add_host, hosts, e);
}

/* ---- minutes ---- */

struct minutes {
	json_t *points;
	uint64_t lost;
};

static void add_minute(void *context, const struct history_minute *m)
{
	struct minutes *all = context;
	/* Of a minute that was watched in part, what a whole one would have had. */
	double whole = m->seconds > 1 && m->seconds < 60 ? 60 / m->seconds : 1;

	all->lost += m->lost;
	json_array_append_new(all->points,
		json_pack("{sf sf sf sf sf sI sI sI sI}", "at", (double)(m->minute + 1) * 60,
			"packets", whole * (double)m->packets, "bytes", whole * (double)m->bytes,
			"flows", whole * (double)m->flows, "records", whole * (double)m->records,
			"alerts", (json_int_t)m->alerts, "lost", (json_int_t)m->lost, "open",
			(json_int_t)m->open, "hosts", (json_int_t)m->hosts));
}

static int put_minutes(struct history_reader *r, json_t *into, struct error *e)
{
	struct history_query q = {.class = -1, .mark = -1, .limit = STATE_POINTS};
	struct minutes all = {.points = json_array()};
	int err;

	json_object_set_new(into, "points", all.points);
	err = history_minutes(r, &q, add_minute, &all, e);
	json_object_set_new(into, "now", json_real((double)time(NULL)));
	json_object_set_new(
		into, "losses", json_pack("{sI}", "in these minutes", (json_int_t)all.lost));
	return err;
}

/* ---- answers ---- */

static json_t *trouble(const struct history_reader *r)
{
	const char *why = history_reader_trouble(r);

	if (!why)
		return json_array();
	return json_pack("[{ss ss+ ss}]", "severity", "warning", "what",
		"nothing new is kept in the history: ", why, "remedy",
		"make room, or mount it anew");
}

json_t *past_live(const char *path, struct error *e)
{
	struct history_reader *r = NULL;
	json_t *answer = json_pack("{sb si si sf}", "ok", 1, "seq", 1, "step", 60, "started", 0.0);
	int err = history_reader_open(&r, path, e);

	if (!err)
		err = put_alerts(r, answer, e);
	if (!err)
		err = put_hosts(r, answer, e);
	if (!err)
		err = put_minutes(r, answer, e);
	if (!err)
		json_object_set_new(answer, "wrong", trouble(r));
	history_reader_close(r);
	if (!err)
		return answer;
	json_decref(answer);
	return NULL;
}

json_t *past_marks(const char *path, struct error *e)
{
	struct history_query q = {.class = -1, .mark = -1, .limit = STATE_ALERTS};
	struct history_reader *r = NULL;
	json_t *marks = json_object();
	int err = history_reader_open(&r, path, e);

	if (!err)
		err = history_search(r, &q, add_mark, marks, NULL, e);
	history_reader_close(r);
	if (!err)
		return marks;
	json_decref(marks);
	return NULL;
}

static void add_flow(void *flows, const struct alert_flow *f, const char *form, unsigned count)
{
	(void)form;
	(void)count;
	json_array_append_new(flows, eve_flow_json(f));
}

json_t *past_story(const char *path, const char *id, struct error *e)
{
	struct history_entry entry = {.event = NULL};
	struct history_reader *r = NULL;
	json_t *flows = json_array();
	int err = history_reader_open(&r, path, e);

	if (!err)
		err = history_find(r, id, &entry, e);
	if (!err)
		err = history_flows(r, id, add_flow, flows, e);
	history_reader_close(r);
	if (!err) {
		json_object_set(entry.event, "flows", flows);
		json_object_set_new(entry.event, "flows_left_out",
			json_integer((json_int_t)entry.flows_left_out));
	}
	json_decref(flows);
	if (!err)
		return entry.event;
	json_decref(entry.event);
	return NULL;
}
