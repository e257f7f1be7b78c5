#include "detect/recent.h"

#include <stdlib.h>
#include <string.h>

#include "feature/pack.h"

struct recent {
	uint64_t count;
	struct {
		struct alert_flow flow;
		bool at_target;
		float features[FEATURE_MAX];
	} place[RECENT_FLOWS];
};

struct recent *recent_new(void)
{
	return calloc(1, sizeof(struct recent));
}

void recent_free(struct recent *r)
{
	free(r);
}

void recent_add(struct recent *r, const struct alert_flow *f, bool at_target)
{
	uint64_t at = r->count++ % RECENT_FLOWS;

	r->place[at].flow = *f;
	r->place[at].at_target = at_target;
	if (!f->features)
		return;
	memcpy(r->place[at].features, f->features, pack_count() * sizeof(float));
	r->place[at].flow.features = r->place[at].features;
}

static bool is_behind(const struct alert *a, const struct alert_flow *f, bool at_target)
{
	if (!a->many)
		return addr_same(f->addr[f->actor], a->attacker);
	return (at_target && addr_same(f->addr[!f->actor], a->target)) ||
	       (a->reflected && addr_same(f->addr[f->actor], a->target));
}

void recent_each(const struct recent *r, const struct alert *a, int64_t since_ns, recent_call call,
	void *context)
{
	uint64_t first = r->count > RECENT_FLOWS ? r->count - RECENT_FLOWS : 0;

	/* Records come in order of time: back to where they are too old. */
	for (uint64_t i = r->count; i > first; i--)
		if (r->place[(i - 1) % RECENT_FLOWS].flow.at_ns < since_ns) {
			first = i;
			break;
		}
	for (uint64_t i = first; i < r->count; i++) {
		const struct alert_flow *f = &r->place[i % RECENT_FLOWS].flow;

		if (is_behind(a, f, r->place[i % RECENT_FLOWS].at_target))
			call(context, f);
	}
}
