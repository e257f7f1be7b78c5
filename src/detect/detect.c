#include "detect/detect.h"

#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "detect/lru.h"
#include "detect/recent.h"
#include "feature/outcome.h"
#include "feature/pack.h"

/* An actor adds to the evidence against its target only while little is held against itself: what
 * one host does is told under its own name, and what passes the threshold at a target is the work
 * of several. */
static const float little = 0.25F;

struct detector {
	struct evidence_settings settings;
	struct judge *judge;
	struct lru *actors, *targets;
	struct recent *recent;
	struct alert_book *alerts;
	alert_flow_sink flow_sink; /* may be NULL */
	void *context;
};

struct detector *detector_new(const struct evidence_settings *settings, struct judge *judge,
	alert_sink sink, void *context)
{
	struct detector *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->settings = *settings;
	d->judge = judge;
	d->context = context;
	d->recent = recent_new();
	d->actors = lru_new(DETECT_HOSTS, 16, sizeof(struct evidence));
	d->targets = lru_new(DETECT_HOSTS, 16, sizeof(struct evidence));
	d->alerts = alert_book_new(DETECT_ALERTS, sink, context);
	if (!d->actors || !d->targets || !d->recent || !d->alerts) {
		detector_free(d);
		return NULL;
	}
	return d;
}

void detector_free(struct detector *d)
{
	if (!d)
		return;
	lru_free(d->actors);
	lru_free(d->targets);
	recent_free(d->recent);
	alert_book_free(d->alerts);
	free(d);
}

void detector_tell_flows(struct detector *d, alert_flow_sink sink)
{
	d->flow_sink = sink;
}

void detector_change(
	struct detector *d, const struct evidence_settings *settings, struct judge *judge)
{
	d->settings = *settings;
	d->judge = judge;
}

/* Nothing is remembered of hosts against which nothing speaks. */
static struct evidence *evidence_of(struct lru *table, const uint8_t host[16], bool suspect)
{
	bool fresh;

	return suspect ? lru_use(table, host, &fresh) : lru_find(table, host);
}

static float sum_of(const struct evidence *e)
{
	return e ? e->sum : 0;
}

static void show_if_due(struct detector *d, struct alert *a, int64_t now_ns)
{
	unsigned n;

	if (d->judge && alert_wants_reasons(a, now_ns)) {
		n = judge_explain(d->judge, ALERT_REASONS, ALERT_REASON_TEXT, a->reason);
		alert_explained(a, n);
	}
	if (alert_is_due(a, now_ns))
		alert_show(d->alerts, a, now_ns);
}

/* Does what this actor does belong to an attack on its target that many take part in? */
static struct alert *shared_alert(
	struct detector *d, const struct evidence *actor, const uint8_t *target)
{
	if (!evidence_is_led(actor) || memcmp(actor->peer, target, 16) != 0)
		return NULL;
	return alert_find(d->alerts, target, true, evidence_class(actor));
}

/* ---- the flows behind ---- */

static struct alert_flow flow_of(
	const struct record *r, const struct verdict *v, int end, float score)
{
	struct alert_flow f = {.flow_id = r->flow_id,
		.at_ns = r->at_ns,
		.start_ns = r->start_ns,
		.first_ns = r->first_ns,
		.last_ns = r->last_ns,
		.port = {r->port[SRC], r->port[DST]},
		.proto = r->proto,
		.net = r->net,
		.state = r->state,
		.actor = (uint8_t)end,
		.again = r->again,
		.refused = record_is_refused(r),
		.packets = {r->side[SRC].packets, r->side[DST].packets},
		.bytes = {r->side[SRC].bytes, r->side[DST].bytes},
		.app = v->app,
		.score = score,
		.class = CLASS_NORMAL + 1};

	memcpy(f.addr, r->addr, sizeof(f.addr));
	for (int c = f.class; c < CLASSES; c++)
		if (v->probability[c] > v->probability[f.class])
			f.class = (enum karma_class)c;
	f.probability = v->probability[f.class];
	return f;
}

/* Where the flows behind an alert go: its ends, and who wants to hear of them. */
struct telling_flows {
	struct detector *d;
	struct alert *a;
};

static void tell_flow(void *context, const struct alert_flow *f)
{
	struct telling_flows *t = context;
	struct alert_flow told = *f;

	if (t->a->reflected && addr_same(f->addr[f->actor], t->a->target))
		told.actor = !f->actor;
	alert_count(t->a, &told);
	if (t->d->flow_sink)
		t->d->flow_sink(t->d->context, t->a, &told);
}

/* Put a record behind an alert; it is the latest of the recent ones. What the evidence has gathered
 * since the alert's last one comes with it. */
static void put_behind(struct detector *d, struct alert *a, struct evidence *e,
	const struct record *r, const struct alert_flow *f)
{
	struct telling_flows t = {d, a};
	int64_t since = a->id ? a->last_ns + 1 : e->first_ns;
	bool more = e->traces > 1;

	alert_add(a, e, r, f->actor, f->app);
	if (more)
		recent_each(d->recent, a, since, tell_flow, &t);
	if (a->last.flow_id != f->flow_id || a->last.at_ns != f->at_ns)
		tell_flow(&t, f);
}

/* Whose evidence is enough, and for what. */
struct charge {
	struct evidence *e; /* NULL: nobody's */
	bool many;          /* the record's target is attacked by many */
	bool reflected;     /* its actor is, by those that answer in its name */
};

static struct charge charge_of(struct detector *d, const struct record *r, int end,
	struct evidence *actor, struct evidence *target)
{
	float enough = evidence_enough(&d->settings);
	const uint8_t *who = r->addr[end], *whom = r->addr[!end];

	if (actor->sum >= enough) {
		if (evidence_is_reflected(actor))
			return (struct charge){actor, true, true};
		if (!alert_find(d->alerts, who, false, evidence_class(actor)) &&
			shared_alert(d, actor, whom))
			return (struct charge){target, true, false};
		return (struct charge){actor, false, false};
	}
	if (target->sum >= enough && !evidence_is_led(target))
		return (struct charge){target, true, false};
	return (struct charge){NULL, false, false};
}

/* What is told of an actor under its own name makes no work of several of its target's next one. */
static void take_back(struct evidence *actor, struct evidence *target)
{
	target->sum = fmaxf(0, target->sum - actor->lent);
	actor->lent = 0;
}

static void raise_alert(struct detector *d, const struct record *r, const struct alert_flow *f,
	struct evidence *actor, struct evidence *target)
{
	struct charge c = charge_of(d, r, f->actor, actor, target);
	struct alert_flow behind = *f;
	struct alert *a;

	if (!c.e)
		return;
	if (!c.many)
		take_back(actor, target);
	if (c.reflected)
		behind.actor = !f->actor;
	a = alert_open(
		d->alerts, r->addr[c.many ? !behind.actor : behind.actor], c.many, c.e, r->at_ns);
	a->reflected = c.reflected;
	a->sure = !c.reflected && actor->sum >= evidence_enough(&d->settings);
	a->own_class = evidence_class(actor);
	a->own_confidence = actor->weight > 0 ? actor->mass[a->own_class] / actor->weight : 0;
	put_behind(d, a, c.e, r, &behind);
	show_if_due(d, a, r->at_ns);
}

struct weight detector_weigh(struct detector *d, const struct record *r, const struct verdict *v)
{
	const struct evidence_settings *s = &d->settings;
	float score = evidence_score(s, v->probability[CLASS_NORMAL], v->traffic);
	bool suspect = score > 0;
	int end = memcmp(v->actor, r->addr[DST], 16) == 0 && memcmp(v->actor, r->addr[SRC], 16) != 0
			  ? DST
			  : SRC;
	struct evidence *actor = evidence_of(d->actors, r->addr[end], suspect);
	struct evidence *target = evidence_of(d->targets, r->addr[!end], suspect);
	struct finding f = {.at_ns = r->at_ns,
		.flow_id = r->flow_id,
		.score = score,
		.probability = v->probability,
		.port = record_has_ports(r) ? r->port[!end] : -1,
		.amplified =
			r->proto != IPPROTO_TCP && r->side[!end].payload > r->side[end].payload};
	float packed[FEATURE_MAX];
	struct alert_flow behind;
	bool counts;

	if (actor)
		evidence_decay(s, actor, r->at_ns);
	counts = score < 0 || sum_of(actor) < little * s->threshold;
	f.peer = r->addr[!end];
	if (actor)
		evidence_add(s, actor, &f);
	f.peer = r->addr[end];
	if (target && counts)
		evidence_add(s, target, &f);
	if (actor && counts && suspect)
		actor->lent += score;
	if (suspect && actor && target) { /* evidence_of() gives both to a suspect */
		behind = flow_of(r, v, end, score);
		if (v->row) {
			pack_row(v->row, packed);
			behind.features = packed;
		}
		recent_add(d->recent, &behind, counts);
		raise_alert(d, r, &behind, actor, target);
	}
	return (struct weight){score, sum_of(actor), sum_of(target)};
}

void detector_tick(struct detector *d, int64_t now_ns)
{
	alert_tick(d->alerts, now_ns);
}

void detector_finish(struct detector *d)
{
	alert_end_all(d->alerts);
}

void detector_stats(const struct detector *d, struct detect_stats *s)
{
	alert_book_stats(d->alerts, &s->alerts);
	s->evidence_forgotten = lru_replaced(d->actors) + lru_replaced(d->targets);
}
