#include "detect/detect.h"

#include <stdlib.h>
#include <string.h>

#include "detect/lru.h"

/* An actor adds to the evidence against its target only while little is held against itself: what
 * one host does is told under its own name, and what passes the threshold at a target is the work
 * of several. */
static const float little = 0.25F;

struct detector {
	struct evidence_settings settings;
	struct judge *judge;
	struct lru *actors, *targets;
	struct alert_book *alerts;
};

struct detector *detector_new(const struct evidence_settings *settings, struct judge *judge,
	alert_sink sink, void *context)
{
	struct detector *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->settings = *settings;
	d->judge = judge;
	d->actors = lru_new(DETECT_HOSTS, 16, sizeof(struct evidence));
	d->targets = lru_new(DETECT_HOSTS, 16, sizeof(struct evidence));
	d->alerts = alert_book_new(DETECT_ALERTS, sink, context);
	if (!d->actors || !d->targets || !d->alerts) {
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
	alert_book_free(d->alerts);
	free(d);
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

static void raise_alert(struct detector *d, const struct record *r, const char *app, int end,
	struct evidence *actor, struct evidence *target)
{
	const uint8_t *who = r->addr[end], *whom = r->addr[!end];
	struct evidence *e = actor;
	bool many = false;
	struct alert *a;

	if (actor->sum >= d->settings.threshold) {
		if (!alert_find(d->alerts, who, false, evidence_class(actor)) &&
			shared_alert(d, actor, whom)) {
			e = target;
			many = true;
		}
	} else if (target->sum >= d->settings.threshold && !evidence_is_led(target)) {
		e = target;
		many = true;
	} else {
		return;
	}
	a = alert_open(d->alerts, many ? whom : who, many, e, r->at_ns);
	alert_add(a, e, r, end, app);
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
		.port = record_has_ports(r) ? r->port[!end] : -1};
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
	if (suspect && actor && target) /* evidence_of() gives both to a suspect */
		raise_alert(d, r, v->app, end, actor, target);
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
