#include "top/state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const rate_name[RATES] = {
	"packets", "bytes", "flows", "records", "alerts", "lost", "open", "hosts", "dropped"};

/* ---- JSON of whatever kind ---- */

const char *json_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

double json_value(const json_t *o, const char *key)
{
	double v = json_number_value(json_object_get(o, key));

	return isfinite(v) ? v : 0;
}

uint64_t json_count(const json_t *o, const char *key)
{
	double v = json_value(o, key);

	return v < 1 ? 0 : v > 1e18 ? (uint64_t)1e18 : (uint64_t)v;
}

double json_time(const json_t *o, const char *key)
{
	const char *text = json_text(o, key);
	struct tm tm = {0};
	char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = 0;
	time_t whole;

	if (!rest)
		return 0;
	if (*rest == '.')
		fraction = strtod(rest, &rest);
	whole = timegm(&tm);
	memset(&tm, 0, sizeof(tm));
	if (*rest)
		strptime(rest, "%z", &tm);
	return (double)(whole - tm.tm_gmtoff) + fraction;
}

static void copy(char *to, size_t room, const char *from)
{
	size_t n = strnlen(from, room - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

#define TAKE(field, o, key) copy(field, sizeof(field), json_text(o, key))

/* ---- seconds ---- */

/* All of them are new, by the stream's number, or are told of again: `at` only places them. After
 * the clock was set back there are some in what is the future now: they go. */
static void take_points(struct state *s, const json_t *points)
{
	const json_t *one;
	size_t i;

	json_array_foreach (points, i, one) {
		struct point p = {.at = json_value(one, "at")};

		for (int r = 0; r < RATES; r++) {
			double v = json_value(one, rate_name[r]);

			p.rate[r] = v > 0 ? v : 0;
		}
		/* The latest one may be told of again: a minute that was not over yet. */
		while (s->kept && state_point(s, 0)->at >= p.at) {
			s->points--;
			s->kept--;
		}
		s->point[s->points++ % STATE_POINTS] = p;
		s->kept += s->kept < STATE_POINTS;
	}
}

const struct point *state_point(const struct state *s, uint64_t back)
{
	if (back >= s->kept)
		return NULL;
	return &s->point[(s->points - 1 - back) % STATE_POINTS];
}

/* ---- hosts ---- */

static void take_hosts(struct state *s, const json_t *hosts)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(hosts))
		return;
	s->hosts = 0;
	json_array_foreach (hosts, i, one) {
		struct top_host *h = &s->host[s->hosts];

		if (s->hosts == STATE_HOSTS)
			break;
		TAKE(h->ip, one, "ip");
		h->suspicion = json_value(one, "suspicion");
		h->first = json_value(one, "first");
		h->last = json_value(one, "last");
		h->records = json_count(one, "records");
		h->attacks = json_count(one, "attacks");
		h->attacked = json_count(one, "attacked");
		s->hosts++;
	}
}

/* ---- alerts ---- */

struct top_alert *state_alert(struct state *s, const char *id)
{
	for (unsigned i = 0; i < s->alerts; i++)
		if (strcmp(s->alert[i].id, id) == 0)
			return &s->alert[i];
	return NULL;
}

/* A place at the end; of a full book the oldest that has ended gives way, or the oldest. */
static struct top_alert *new_alert(struct state *s)
{
	unsigned i = 0;

	if (s->alerts == STATE_ALERTS) {
		while (i < s->alerts && !s->alert[i].ended)
			i++;
		i = i == s->alerts ? 0 : i;
		json_decref(s->alert[i].event);
		memmove(&s->alert[i], &s->alert[i + 1], (s->alerts - 1 - i) * sizeof(s->alert[0]));
		s->alerts--;
		s->alerts_left_out++;
	}
	memset(&s->alert[s->alerts], 0, sizeof(s->alert[0]));
	return &s->alert[s->alerts++];
}

static enum top_mark mark_of(const char *text)
{
	return strcmp(text, "ack") == 0     ? TOP_ACK
	       : strcmp(text, "false") == 0 ? TOP_FALSE
					    : TOP_UNMARKED;
}

static void take_alert(struct state *s, json_t *event)
{
	const json_t *karma = json_object_get(event, "karma"),
		     *alert = json_object_get(event, "alert");
	struct top_alert *a;
	char id[sizeof(a->id)];

	copy(id, sizeof(id), json_text(karma, "alert_id"));
	if (!*id)
		return;
	a = state_alert(s, id);
	if (!a)
		a = new_alert(s);
	memcpy(a->id, id, sizeof(id));
	TAKE(a->class, alert, "category");
	TAKE(a->who, event, "src_ip");
	TAKE(a->whom, event, "dest_ip");
	a->first = json_time(karma, "first");
	a->last = json_time(karma, "last");
	a->confidence = json_value(karma, "confidence");
	a->flows = json_count(karma, "flows");
	a->ports = json_count(karma, "ports");
	a->attackers = json_count(karma, "attackers");
	a->targets = json_count(karma, "targets");
	a->ended = strcmp(json_text(karma, "stage"), "end") == 0 ||
		   json_is_true(json_object_get(karma, "ended"));
	a->muted = json_is_true(json_object_get(karma, "muted"));
	a->blocked = strcmp(json_text(alert, "action"), "blocked") == 0;
	if (json_object_get(karma, "mark"))
		a->mark = mark_of(json_text(karma, "mark"));
	json_decref(a->event);
	a->event = json_incref(event);
}

void state_take_marks(struct state *s, const json_t *marks)
{
	for (unsigned i = 0; i < s->alerts; i++)
		s->alert[i].mark = mark_of(json_text(marks, s->alert[i].id));
}

/* ---- what is lost, and wrong ---- */

static void take_counts(struct top_count list[STATE_LOSSES], unsigned *n, json_t *counts)
{
	const char *name;
	json_t *value;

	if (!json_is_object(counts))
		return;
	*n = 0;
	json_object_foreach (counts, name, value) {
		uint64_t count = json_count(counts, name);

		if (!count || *n == STATE_LOSSES)
			continue;
		copy(list[*n].name, sizeof(list[0].name), name);
		list[(*n)++].count = count;
	}
}

static void take_wrong(struct state *s, const json_t *wrong)
{
	const json_t *one;
	size_t i;

	if (!json_is_array(wrong))
		return;
	s->wrongs = 0;
	json_array_foreach (wrong, i, one) {
		struct top_wrong *w = &s->wrong[s->wrongs];

		if (s->wrongs == STATE_WRONG)
			break;
		w->error = strcmp(json_text(one, "severity"), "error") == 0;
		TAKE(w->what, one, "what");
		TAKE(w->remedy, one, "remedy");
		s->wrongs++;
	}
}

static void take_stages(struct state *s, json_t *latency)
{
	const char *name;
	json_t *one;

	s->stages = json_is_object(latency) ? 0 : s->stages;
	json_object_foreach (latency, name, one) {
		struct top_stage *t = &s->stage[s->stages];

		if (s->stages == STATE_STAGES)
			break;
		copy(t->name, sizeof(t->name), name);
		t->p50 = json_value(one, "p50");
		t->p99 = json_value(one, "p99");
		t->max = json_value(one, "max");
		t->count = json_count(one, "count");
		s->stages++;
	}
}

static void take_blocking(struct state *s, const json_t *block)
{
	const char *mode = json_text(block, "mode");

	if (!json_is_object(block))
		return;
	s->blocking = strcmp(mode, "on") == 0        ? BLOCKING_ON
		      : strcmp(mode, "dry-run") == 0 ? BLOCKING_DRY
						     : BLOCKING_OFF;
	s->entries = json_count(block, "entries");
	s->dropped = json_count(block, "dropped");
}

/* ---- live ---- */

void state_forget(struct state *s)
{
	for (unsigned i = 0; i < s->alerts; i++)
		json_decref(s->alert[i].event);
	memset(s, 0, sizeof(*s));
	s->step = 1;
}

bool state_take_live(struct state *s, const json_t *answer)
{
	double started = json_value(answer, "started");
	const json_t *table = json_object_get(answer, "table"), *alerts, *step;
	json_t *one;
	size_t i;

	/* A karma that was started anew. Another counts from 0 as well: its numbers are no part of
	 * these. */
	if (s->seq && started != s->started) {
		state_forget(s);
		return false;
	}
	s->started = started;
	s->seq = json_count(answer, "seq");
	s->now = json_value(answer, "now");
	step = json_object_get(answer, "step");
	s->step = json_is_number(step) && json_number_value(step) > 0 ? json_number_value(step) : 1;
	take_points(s, json_object_get(answer, "points"));
	take_hosts(s, json_object_get(answer, "hosts"));
	alerts = json_object_get(answer, "alerts");
	json_array_foreach (alerts, i, one) {
		take_alert(s, one);
	}
	take_counts(s->loss, &s->losses, json_object_get(answer, "losses"));
	take_counts(s->counted, &s->counteds, json_object_get(answer, "counted"));
	take_wrong(s, json_object_get(answer, "wrong"));
	take_stages(s, json_object_get(answer, "latency"));
	take_blocking(s, json_object_get(answer, "block"));
	if (json_is_object(table)) {
		s->table_open = json_count(table, "open");
		s->table_room = json_count(table, "room");
	}
	return true;
}

/* ---- the lists ---- */

static void block_from(struct top_block *b, const json_t *entry)
{
	TAKE(b->what, entry, "what");
	TAKE(b->class, entry, "category");
	if (strcmp(json_text(entry, "by"), "person") == 0)
		snprintf(b->by, sizeof(b->by), "uid %.0f", json_value(entry, "uid"));
	else
		snprintf(b->by, sizeof(b->by), "alert %.16s", json_text(entry, "alert_id"));
	b->until = json_value(entry, "until");
	b->packets = json_count(entry, "packets");
	b->limit = strcmp(json_text(entry, "kind"), "limit") == 0;
	b->dry = json_is_true(json_object_get(entry, "dry_run"));
}

void state_take_blocks(struct state *s, const json_t *answer, bool more)
{
	const json_t *entries = json_object_get(answer, "entries"), *one;
	size_t i;

	if (!more)
		s->blocks = 0, s->blocks_left_out = 0;
	json_array_foreach (entries, i, one) {
		if (s->blocks == STATE_BLOCKS)
			s->blocks_left_out++;
		else
			block_from(&s->block[s->blocks++], one);
	}
}

bool state_is_blocked(const struct state *s, const char *address)
{
	for (unsigned i = 0; i < s->blocks && *address; i++)
		if (strcmp(s->block[i].what, address) == 0)
			return true;
	return false;
}

void state_take_allowed(struct state *s, const json_t *answer)
{
	const json_t *all = json_object_get(answer, "allow"), *one;
	size_t i;

	s->alloweds = 0;
	json_array_foreach (all, i, one) {
		struct top_allowed *a = &s->allowed[s->alloweds];

		if (s->alloweds == STATE_ALLOWED)
			break;
		TAKE(a->what, one, "what");
		a->fixed = strcmp(json_text(one, "by"), "person") != 0;
		if (a->fixed)
			TAKE(a->by, one, "by");
		else
			snprintf(a->by, sizeof(a->by), "uid %.0f", json_value(one, "uid"));
		a->at = json_value(one, "at");
		s->alloweds++;
	}
}

/* ---- status ---- */

static void take_interfaces(struct state *s, const json_t *all)
{
	const json_t *one;
	size_t i;

	s->interfaces = 0;
	json_array_foreach (all, i, one) {
		struct top_interface *n = &s->interface[s->interfaces];

		if (s->interfaces == STATE_INTERFACES)
			break;
		TAKE(n->name, one, "name");
		TAKE(n->attached, one, "attached");
		n->there = json_is_true(json_object_get(one, "there"));
		s->interfaces++;
	}
}

static void take_outputs(struct state *s, const json_t *all)
{
	const json_t *one;
	size_t i;

	s->outputs = 0;
	json_array_foreach (all, i, one) {
		struct top_output *o = &s->output[s->outputs];

		if (s->outputs == STATE_OUTPUTS)
			break;
		TAKE(o->kind, one, "kind");
		TAKE(o->path, one, "path");
		TAKE(o->why, one, "why");
		o->failing = json_is_true(json_object_get(one, "failing"));
		o->failing_s = json_value(one, "failing_s");
		o->waiting = json_count(one, "waiting");
		o->lost = json_count(one, "lost");
		o->limited = json_count(one, "limited");
		s->outputs++;
	}
}

void state_take_status(struct state *s, const json_t *answer)
{
	const json_t *model = json_object_get(answer, "model");
	const json_t *profile = json_object_get(answer, "profile");
	const json_t *history = json_object_get(answer, "history");

	TAKE(s->version, answer, "version");
	TAKE(s->model, model, "id");
	TAKE(s->kernel, model, "kernel");
	TAKE(s->sensitivity, model, "sensitivity");
	TAKE(s->profile, profile, "path");
	s->drifted = json_is_true(json_object_get(profile, "drifted"));
	TAKE(s->history, history, "path");
	TAKE(s->history_why, history, "why");
	TAKE(s->web, json_object_get(answer, "web"), "url");
	TAKE(s->block_attached, json_object_get(answer, "block"), "attached");
	take_blocking(s, json_object_get(answer, "block"));
	take_interfaces(s, json_object_get(answer, "interfaces"));
	take_outputs(s, json_object_get(answer, "outputs"));
}
