/* What is done about an alert: what is known of who attacks, the policy's answer, and its words. */
#include <netinet/in.h>
#include <string.h>

#include "detect/detect.h"
#include "respond/respond_inside.h"
#include "util/rng.h"

static bool drops_at(const struct respond *r, uint32_t ifindex)
{
	for (unsigned i = 0; r->filter && i < r->interfaces->count; i++)
		if (r->attached[i] && (uint32_t)r->attached[i] == ifindex)
			return true;
	return false;
}

/* Data came back over TCP: only who was told the connection's number gets an answer to it. That it
 * came another way than the request, in by one interface and out by one, is more than a sender of
 * both can pretend, in a tunnel or on the same link. */
static bool proves(const struct record *r, int actor)
{
	return r->proto == IPPROTO_TCP && r->side[!actor].payload > 0 && r->side[SRC].hook &&
	       r->side[DST].hook && r->side[SRC].hook != r->side[DST].hook;
}

/* What is known of who attacks in the latest record behind an alert, that record too. */
static const struct suspect *suspect_of(struct respond *r, const struct alert *a)
{
	const struct record *record = &a->record;
	bool fresh;
	struct suspect *s = lru_use(r->suspects, record->addr[a->actor], &fresh);
	uint64_t host;

	if (record->at_ns - s->last_ns > alert_quiet_ns)
		*s = (struct suspect){0};
	s->last_ns = record->at_ns;
	memcpy(&host, record->addr[!a->actor] + 8, sizeof(host));
	s->proven |= proves(record, a->actor);
	s->places |= 1ULL << (rng_mix(host ^ record->port[!a->actor]) & 63);
	return s;
}

/* One of many attackers is acted upon by what speaks against it alone, when that is enough and it
 * is no forged one; else what many do is a flood, or nobody's. */
static struct policy_answer decide(
	struct respond *r, const struct alert *a, const struct suspect *s)
{
	struct policy_case all = {.alert = a->id,
		.class = a->class,
		.confidence = a->confidence,
		.many = a->many,
		.proven = s->proven,
		.proto = a->record.proto,
		.port = a->record.port[!a->actor],
		.ports = a->ports,
		.targets = a->targets};
	struct policy_case own;
	struct policy_answer answer;

	memcpy(all.attacker, a->record.addr[a->actor], sizeof(all.attacker));
	memcpy(all.target, a->record.addr[!a->actor], sizeof(all.target));
	if (!a->many || !a->sure)
		return policy_alert(r->policy, &all, respond_now());
	own = all;
	own.many = false;
	own.class = a->own_class;
	own.confidence = a->own_confidence;
	own.ports = (uint64_t)__builtin_popcountll(s->places);
	answer = policy_alert(r->policy, &own, respond_now());
	return answer.verdict == POLICY_FORGED ? policy_alert(r->policy, &all, respond_now())
					       : answer;
}

static bool may_yet(enum policy_verdict v)
{
	return v == POLICY_UNSURE || v == POLICY_FORGED;
}

static void say(const struct respond *r, const struct alert *a, const struct policy_answer *answer,
	struct reaction *out)
{
	const struct reaction_facts facts = {.here = drops_at(r, a->record.ifindex),
		.dropped = answer->entry ? respond_counts(r, answer->entry).packets : 0,
		.rate = r->s->policy.rate,
		.now_ns = respond_now()};

	reaction_say(out, a, answer, &facts);
}

/* Decide, and remember what was decided. */
static void act(struct respond *r, const struct alert *a, struct pending *known)
{
	known->last = decide(r, a, suspect_of(r, a));
	known->waits = may_yet(known->last.verdict);
	if (known->last.entry)
		known->what = known->last.entry->what;
}

void respond_alert(
	struct respond *r, const struct alert *a, enum alert_stage stage, struct reaction *out)
{
	struct pending *known;
	bool fresh;

	known = lru_use(r->pending, &a->id, &fresh);
	known->shown = true;
	/* Nothing is begun against what is over. */
	if (stage != ALERT_END || fresh)
		act(r, a, known);
	else if (known->last.entry)
		known->last.entry = policy_get(r->policy, &known->what);
	say(r, a, &known->last, out);
	if (stage == ALERT_END)
		lru_remove(r->pending, known);
}

void respond_flow(struct respond *r, const struct alert *a)
{
	struct pending *known;
	bool fresh;

	known = lru_use(r->pending, &a->id, &fresh);
	if (known->shown && (known->waits || (a->many && a->sure)))
		act(r, a, known);
	else
		suspect_of(r, a);
	respond_tell(r);
}
