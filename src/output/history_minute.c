/* What a minute has of the figures before it and after it. */
#include "output/history_store.h"
#include "output/losses.h"

static uint64_t all_lost(const struct summary *s)
{
	uint64_t lost[LOSSES];

	losses_of(s, lost);
	return losses_sum(lost);
}

static uint64_t all_alerts(const struct summary *s)
{
	uint64_t alerts = 0;

	for (int c = 0; c < CLASSES; c++)
		alerts += s->detect.alerts.raised[c];
	return alerts;
}

/* Counters of the kernel may be read while they move: what seems to fall did not rise. */
static uint64_t rise(uint64_t before, uint64_t now)
{
	return now > before ? now - before : 0;
}

void minute_add(struct batch_minute *m, const struct summary *before, const struct summary *s)
{
	m->seconds += s->seconds > before->seconds ? s->seconds - before->seconds : 0;
	m->packets += rise(before->meter.count[COUNT_PACKETS], s->meter.count[COUNT_PACKETS]);
	m->bytes += rise(before->meter.count[COUNT_BYTES], s->meter.count[COUNT_BYTES]);
	m->flows += rise(before->meter.count[COUNT_FLOWS], s->meter.count[COUNT_FLOWS]);
	m->records += rise(before->judge.judged, s->judge.judged);
	m->alerts += rise(all_alerts(before), all_alerts(s));
	m->lost += rise(all_lost(before), all_lost(s));
	m->hosts = s->judge.hosts;
	m->open = s->meter.count[COUNT_OPEN];
}
