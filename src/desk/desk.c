#include "desk/desk.h"

#include <stdlib.h>
#include <string.h>

#include "desk/inside.h"
#include "output/eve.h"
#include "util/clock.h"

static const int64_t second = 1000000000LL;
static const int64_t minute = 60 * second;

const char *desk_stage_name(enum desk_stage s)
{
	static const char *const names[DESK_STAGES] = {[DESK_WAIT] = "wait",
		[DESK_JUDGE] = "judge",
		[DESK_ALERT] = "alert",
		[DESK_HISTORY] = "history",
		[DESK_LOOP] = "loop"};

	return names[s];
}

struct desk *desk_new(const struct evidence_settings *settings)
{
	struct desk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->settings = settings;
	d->suspects = suspects_new();
	d->shares = shares_new();
	if (!d->suspects || !d->shares) {
		desk_free(d);
		return NULL;
	}
	return d;
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	for (int i = 0; i < DESK_ALERTS; i++)
		json_decref(d->alert[i].event);
	suspects_free(d->suspects);
	shares_free(d->shares);
	free(d);
}

/* ---- the way of a record ---- */

static void took(struct desk *d, enum desk_stage stage, int64_t ns)
{
	struct desk_latency *l = &d->stage[stage];

	latency_add(&l->all, ns);
	if (ns > 0 && (uint64_t)ns > l->max_ns)
		l->max_ns = (uint64_t)ns;
}

void desk_turn_begins(struct desk *d)
{
	if (!d->turn_ns)
		d->turn_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
}

/* The clock is that of the batch's beginning: behind by what the batch has taken so far. */
void desk_record(struct desk *d, const struct record *r)
{
	if (!d->batch_ns) {
		d->batch_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
		d->wall_ns = (int64_t)clock_now(CLOCK_REALTIME);
		if (!d->turn_ns)
			d->turn_ns = d->batch_ns;
	}
	took(d, DESK_WAIT, d->wall_ns - r->at_ns);
}

void desk_weighed(
	struct desk *d, const struct record *r, const uint8_t actor[16], const struct weight *w)
{
	d->weighed = true;
	suspects_weigh(d->suspects, actor, r->at_ns, w->actor, d->settings->half_life_s);
}

void desk_service(struct desk *d, const struct record *r, const char *app)
{
	shares_add(d->shares, r, app, d->facts.steady_ns);
}

/* A record may wait already that is to be judged with later ones: the next batch begins now. */
void desk_judged(struct desk *d)
{
	int64_t now;

	if (!d->weighed || !d->batch_ns)
		return;
	now = (int64_t)clock_now(CLOCK_MONOTONIC);
	took(d, DESK_JUDGE, now - d->batch_ns);
	d->wall_ns += now - d->batch_ns;
	d->batch_ns = now;
	d->weighed = false;
}

void desk_turn_ends(struct desk *d)
{
	if (d->turn_ns)
		took(d, DESK_LOOP, (int64_t)clock_now(CLOCK_MONOTONIC) - d->turn_ns);
	d->turn_ns = d->batch_ns = 0;
	d->weighed = false;
}

/* ---- alerts ---- */

/* Its place, or that of the one that changed longest ago. */
static struct desk_kept *place_of(struct desk *d, uint64_t id)
{
	struct desk_kept *at = &d->alert[0];

	for (struct desk_kept *k = d->alert; k < d->alert + DESK_ALERTS; k++) {
		if (k->seq && k->id == id)
			return k;
		if (k->seq < at->seq)
			at = k;
	}
	return at;
}

void desk_alert(
	struct desk *d, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	struct desk_kept *k = place_of(d, a->id);

	if (stage == ALERT_NEW) {
		took(d, DESK_ALERT, (int64_t)clock_now(CLOCK_REALTIME) - a->record.last_ns);
		suspects_alert(d->suspects, a->many ? NULL : a->attacker, a->target, a->last_ns,
			d->settings->half_life_s);
	}
	json_decref(k->event);
	*k = (struct desk_kept){++d->seq, a->id, eve_alert_event(a, stage, from)};
}

/* ---- each second ---- */

static void add_point(struct desk *d, const struct summary *before, const struct summary *now,
	uint64_t lost_before)
{
	const uint64_t *was = before->meter.count, *is = now->meter.count;

	d->point[d->points++ % DESK_POINTS] = (struct desk_point){.seq = ++d->seq,
		.at_ns = now->now_ns,
		.packets = counter_rise(was[COUNT_PACKETS], is[COUNT_PACKETS]),
		.bytes = counter_rise(was[COUNT_BYTES], is[COUNT_BYTES]),
		.flows = counter_rise(was[COUNT_FLOWS], is[COUNT_FLOWS]),
		.records = counter_rise(before->judge.judged, now->judge.judged),
		.alerts = counter_rise(
			alerts_raised(&before->detect.alerts), alerts_raised(&now->detect.alerts)),
		.lost = counter_rise(lost_before, losses_sum(d->lost)),
		.dropped = counter_rise(before->block.dropped + before->block.limited,
			now->block.dropped + now->block.limited),
		.open = is[COUNT_OPEN],
		.hosts = now->judge.hosts};
}

static void turn_minute(struct desk *d)
{
	for (int i = 0; i < DESK_STAGES; i++) {
		struct desk_latency *l = &d->stage[i];

		l->before = l->minute;
		l->minute = l->all;
		l->max_before_ns = l->max_ns;
		l->max_ns = 0;
	}
	d->minute_ns = d->facts.steady_ns;
}

static void take_history(struct desk *d, const struct latency *history)
{
	struct desk_latency *l = &d->stage[DESK_HISTORY];

	if (history->count < l->all.count) /* it was opened anew */
		*l = (struct desk_latency){0};
	/* The longest of the time since the last look, as near as the histogram tells. */
	for (int b = LATENCY_BUCKETS - 1; b >= 0; b--) {
		if (history->bucket[b] <= l->all.bucket[b])
			continue;
		if (latency_edge((unsigned)b) > l->max_ns)
			l->max_ns = latency_edge((unsigned)b);
		break;
	}
	if (l->max_ns > history->max_ns)
		l->max_ns = history->max_ns;
	l->all = *history;
}

static void note_before(struct desk *d)
{
	struct desk_before *b = &d->before[d->befores++ % DESK_BEFORE];

	b->steady_ns = d->facts.steady_ns;
	b->packets = d->facts.figures.meter.count[COUNT_PACKETS];
	b->records = d->facts.figures.meter.count[COUNT_RECORDS];
	memcpy(b->lost, d->lost, sizeof(b->lost));
	memset(b->output, 0, sizeof(b->output));
	for (unsigned i = 0; i < d->facts.figures.outputs; i++) {
		b->output[i].number = d->facts.figures.output[i].number;
		b->output[i].lost = d->facts.figures.output[i].of.lost;
	}
}

/* Time since 1970 and the steady one go on together unless somebody sets the first. */
static void watch_clock(struct desk *d, const struct desk_facts *f)
{
	int64_t jump =
		(f->figures.now_ns - d->facts.figures.now_ns) - (f->steady_ns - d->facts.steady_ns);

	if (jump > second || jump < -second) {
		d->jumped_ns = f->steady_ns;
		d->jump_ns = jump;
	}
}

void desk_tick(struct desk *d, const struct desk_facts *f, const struct latency *history)
{
	uint64_t lost_before = losses_sum(d->lost);

	losses_of(&f->figures, d->lost);
	if (d->ticks) {
		watch_clock(d, f);
		add_point(d, &d->facts.figures, &f->figures, lost_before);
	}
	d->facts = *f;
	if (history)
		take_history(d, history);
	if (f->steady_ns - d->minute_ns >= minute)
		turn_minute(d);
	if (d->ticks++ % DESK_BEFORE_S == 0)
		note_before(d);
	desk_look(d);
}
