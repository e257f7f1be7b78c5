/* What a minute has of the figures before it and after it. */
#include "output/history_store.h"
#include "output/losses.h"

static uint64_t all_lost(const struct summary *s)
{
	uint64_t lost[LOSSES];

	losses_of(s, lost);
	return losses_sum(lost);
}

void minute_add(struct batch_minute *m, const struct summary *before, const struct summary *s)
{
	m->seconds += s->seconds > before->seconds ? s->seconds - before->seconds : 0;
	m->packets +=
		counter_rise(before->meter.count[COUNT_PACKETS], s->meter.count[COUNT_PACKETS]);
	m->bytes += counter_rise(before->meter.count[COUNT_BYTES], s->meter.count[COUNT_BYTES]);
	m->flows += counter_rise(before->meter.count[COUNT_FLOWS], s->meter.count[COUNT_FLOWS]);
	m->records += counter_rise(before->judge.judged, s->judge.judged);
	m->alerts += counter_rise(
		alerts_raised(&before->detect.alerts), alerts_raised(&s->detect.alerts));
	m->lost += counter_rise(all_lost(before), all_lost(s));
	m->hosts = s->judge.hosts;
	m->open = s->meter.count[COUNT_OPEN];
}
