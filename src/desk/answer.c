/* What the control socket answers of the desk. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/inside.h"

static json_t *time_json(int64_t ns)
{
	return json_real(round((double)ns / 1e6) / 1e3);
}

/* A path may be any bytes; JSON is UTF-8. NULL: null. */
static json_t *text_json(const char *text)
{
	char plain[1024];
	json_t *o = text ? json_string(text) : json_null();

	if (o)
		return o;
	snprintf(plain, sizeof(plain), "%s", text);
	for (char *c = plain; *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return json_string(plain);
}

static void put_count(json_t *o, const char *name, uint64_t count)
{
	json_object_set_new(o, name, json_integer((json_int_t)count));
}

/* ---- what both have ---- */

static json_t *wrong_json(const struct desk *d)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < d->wrongs; i++)
		json_array_append_new(list,
			json_pack("{ss so ss}", "severity", d->wrong[i].grave ? "error" : "warning",
				"what", text_json(d->wrong[i].what), "remedy", d->wrong[i].remedy));
	return list;
}

/* Of what is lost, or of what is only counted. */
static json_t *losses_json(const struct desk *d, bool real)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < LOSSES; i++)
		if (loss_is_real(loss_of(i)) == real)
			put_count(o, loss_of(i)->name, d->lost[i]);
	return o;
}

static json_t *table_json(const struct desk *d)
{
	json_t *o = json_object();

	put_count(o, "open", d->facts.figures.meter.count[COUNT_OPEN]);
	put_count(o, "room", d->facts.room);
	return o;
}

static json_t *block_json(const struct desk *d)
{
	const struct block_stats *b = &d->facts.figures.block;
	json_t *o =
		json_pack("{ss ss}", "mode", d->facts.block, "attached", d->facts.block_attached);

	put_count(o, "entries", b->entries);
	put_count(o, "dropped", b->dropped + b->limited);
	return o;
}

static json_t *point_json(const struct desk_point *p)
{
	json_t *o = json_object();

	json_object_set_new(o, "at", time_json(p->at_ns));
	put_count(o, "packets", p->packets);
	put_count(o, "bytes", p->bytes);
	put_count(o, "flows", p->flows);
	put_count(o, "records", p->records);
	put_count(o, "alerts", p->alerts);
	put_count(o, "lost", p->lost);
	put_count(o, "open", p->open);
	put_count(o, "hosts", p->hosts);
	put_count(o, "dropped", p->dropped);
	return o;
}

/* ---- status ---- */

static json_t *interfaces_json(const struct desk_facts *f)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < f->interfaces; i++) {
		const struct live_interface *x = &f->interface[i];

		json_array_append_new(list, json_pack("{ss ss sb sb}", "name", x->name, "attached",
						    x->attached, "there", x->there, "up", x->up));
	}
	return list;
}

static json_t *outputs_json(const struct desk_facts *f)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < f->figures.outputs; i++) {
		const struct output_stats *x = &f->figures.output[i];
		json_t *o = json_pack("{ss so sb sf so}", "kind", x->kind, "path",
			text_json(x->path), "failing", x->of.failing, "failing_s",
			round(desk_failing_s(f, x) * 10) / 10, "why", text_json(x->of.why));

		put_count(o, "waiting", x->of.waiting);
		put_count(o, "lost", x->of.lost);
		put_count(o, "limited", x->of.limited);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *history_json(const struct desk_facts *f)
{
	const struct history_stats *h = &f->figures.history;

	if (!f->history)
		return json_null();
	return json_pack("{so sb so}", "path", text_json(f->history), "failing", h->failing, "why",
		text_json(h->failing ? h->why : ""));
}

static json_t *alerts_json(const struct summary *s)
{
	json_t *raised = json_object();

	for (int c = CLASS_NORMAL + 1; c < CLASSES; c++)
		if (s->detect.alerts.raised[c])
			put_count(raised, class_name((enum karma_class)c),
				s->detect.alerts.raised[c]);
	return json_pack(
		"{sI so}", "active", (json_int_t)s->detect.alerts.active, "raised", raised);
}

json_t *desk_status_json(const struct desk *d)
{
	const struct desk_facts *f = &d->facts;
	json_t *o = json_pack("{sb ss si so so}", "ok", 1, "version", f->version, "pid", f->pid,
		"started", time_json(f->started_ns), "now", time_json(f->figures.now_ns));

	json_object_set_new(o, "interfaces", interfaces_json(f));
	json_object_set_new(o, "model",
		json_pack("{so ss ss ss}", "path", text_json(f->model), "id", f->model_id, "kernel",
			f->kernel, "sensitivity", f->sensitivity));
	json_object_set_new(o, "profile",
		f->profile ? json_pack("{so sb}", "path", text_json(f->profile), "drifted",
				     f->figures.drifted)
			   : json_null());
	json_object_set_new(o, "history", history_json(f));
	json_object_set_new(o, "outputs", outputs_json(f));
	json_object_set_new(o, "block", block_json(d));
	json_object_set_new(o, "web",
		f->web ? json_pack(
				 "{so so}", "url", text_json(f->web), "token", text_json(f->token))
		       : json_null());
	json_object_set_new(
		o, "reloaded", f->reloaded_ns ? time_json(f->reloaded_ns) : json_null());
	json_object_set_new(o, "alerts", alerts_json(&f->figures));
	json_object_set_new(o, "table", table_json(d));
	json_object_set_new(o, "point",
		d->points ? point_json(&d->point[(d->points - 1) % DESK_POINTS]) : json_null());
	json_object_set_new(o, "losses", losses_json(d, true));
	json_object_set_new(o, "counted", losses_json(d, false));
	json_object_set_new(o, "wrong", wrong_json(d));
	return o;
}

/* ---- live ---- */

static json_t *hosts_json(const struct desk *d)
{
	struct suspect host[DESK_HOSTS_SHOWN];
	float enough = evidence_enough(d->settings);
	unsigned n = suspects_top(d->suspects, d->facts.figures.now_ns, d->settings->half_life_s,
		host, DESK_HOSTS_SHOWN);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++) {
		char ip[ADDR_TEXT];
		double share = (double)host[i].sum / (double)enough;
		json_t *o = json_pack("{ss sf sb so so}", "ip", addr_text(host[i].addr, ip),
			"suspicion", round(share * 1e3) / 1e3, "enough", share >= 1, "first",
			time_json(host[i].first_ns), "last", time_json(host[i].last_ns));

		put_count(o, "records", host[i].records);
		put_count(o, "attacks", host[i].attacks);
		put_count(o, "attacked", host[i].attacked);
		json_array_append_new(list, o);
	}
	return list;
}

/* The middle of the last bucket may be above the longest. */
static double micros(const struct desk_latency *l, double q, uint64_t max)
{
	return round(fmin(latency_quantile(&l->all, &l->before, q), (double)max) / 10) / 100;
}

static json_t *latency_json(const struct desk *d)
{
	json_t *o = json_object();

	for (int i = 0; i < DESK_STAGES; i++) {
		const struct desk_latency *l = &d->stage[i];
		uint64_t max = l->max_ns > l->max_before_ns ? l->max_ns : l->max_before_ns;

		json_object_set_new(o, desk_stage_name((enum desk_stage)i),
			json_pack("{sf sf sf sI}", "p50", micros(l, 0.5, max), "p99",
				micros(l, 0.99, max), "max", round((double)max / 10) / 100, "count",
				(json_int_t)(l->all.count - l->before.count)));
	}
	return o;
}

/* What is new: seconds and alerts, each in the order of their numbers. */
struct news {
	const struct desk *d;
	uint64_t point; /* the next, counted from the first ever */
	const struct desk_kept *alert[DESK_ALERTS];
	unsigned alerts, at;
	json_t *points_json, *alerts_json;
	uint64_t seq; /* up to which it is told */
};

static int by_seq(const void *a, const void *b)
{
	const struct desk_kept *x = *(const struct desk_kept *const *)a;
	const struct desk_kept *y = *(const struct desk_kept *const *)b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void find_news(struct news *n, const struct desk *d, uint64_t since, unsigned points)
{
	uint64_t kept = points < DESK_POINTS ? points : DESK_POINTS;

	n->d = d;
	n->seq = since;
	n->point = d->points > kept ? d->points - kept : 0;
	while (n->point < d->points && d->point[n->point % DESK_POINTS].seq <= since)
		n->point++;
	for (int i = 0; i < DESK_ALERTS; i++)
		if (d->alert[i].seq > since && d->alert[i].event)
			n->alert[n->alerts++] = &d->alert[i];
	qsort(n->alert, n->alerts, sizeof(const struct desk_kept *), by_seq);
}

/* In order of their numbers, until a page is full. Whether there is more. */
static bool tell_news(struct news *n)
{
	const struct desk *d = n->d;

	for (;;) {
		const struct desk_point *p =
			n->point < d->points ? &d->point[n->point % DESK_POINTS] : NULL;
		const struct desk_kept *k = n->at < n->alerts ? n->alert[n->at] : NULL;

		if (!p && !k) {
			n->seq = d->seq;
			return false;
		}
		if (p && (!k || p->seq < k->seq)) {
			if (json_array_size(n->points_json) == DESK_POINTS_PAGE)
				return true;
			json_array_append_new(n->points_json, point_json(p));
			n->seq = p->seq;
			n->point++;
		} else {
			if (json_array_size(n->alerts_json) == DESK_ALERTS_PAGE)
				return true;
			json_array_append(n->alerts_json, k->event);
			n->seq = k->seq;
			n->at++;
		}
	}
}

json_t *desk_live_json(const struct desk *d, uint64_t since, unsigned points)
{
	struct news n = {.points_json = json_array(), .alerts_json = json_array()};
	bool more;
	json_t *o;

	find_news(&n, d, since, points);
	more = tell_news(&n);
	o = json_pack("{sb so so sI sb so so}", "ok", 1, "now", time_json(d->facts.figures.now_ns),
		"started", time_json(d->facts.started_ns), "seq", (json_int_t)n.seq, "more", more,
		"points", n.points_json, "alerts", n.alerts_json);
	json_object_set_new(o, "hosts", hosts_json(d));
	json_object_set_new(o, "losses", losses_json(d, true));
	json_object_set_new(o, "counted", losses_json(d, false));
	json_object_set_new(o, "table", table_json(d));
	json_object_set_new(o, "block", block_json(d));
	json_object_set_new(o, "latency", latency_json(d));
	json_object_set_new(o, "services", shares_json(d->shares, d->facts.steady_ns));
	json_object_set_new(o, "wrong", wrong_json(d));
	return o;
}
