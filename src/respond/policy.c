#include "respond/policy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "detect/lru.h"
#include "respond/prefix.h"

static const int64_t second = 1000000000LL;

/* Packets in its probation that show that an entry still attacks: fewer may be anyone's. */
static const uint64_t still_packets = 10;

/* Without an answered connection a scan is one when it has looked at so many ports or hosts. A
 * flood that was taken for one looks at fewer. */
static const uint64_t scan_places = 8;

/* A flood of more ports than this has none to limit. Of TCP what opens connections is limited then;
 * of others, packets of the victim's own work would be among what is limited. */
static const uint64_t flood_ports = 4;

/* Whom an alert names as a target is remembered as one for as long as an alert lasts. */
static const int64_t victim_ns = 60 * 1000000000LL;

enum { PAST = 16384, ATTACKS = 4096, REFUSALS = 4096 };

#define MINUTE(n) ((n)*60 * 1000000000LL)

const struct policy_settings policy_defaults = {
	.rule =
		{
			[CLASS_RECONNAISSANCE] = {POLICY_BLOCK, 0.7F, MINUTE(10)},
			[CLASS_DOS] = {POLICY_BLOCK, 0.7F, MINUTE(10)},
			[CLASS_BRUTE_FORCE] = {POLICY_BLOCK, 0.7F, MINUTE(10)},
			[CLASS_FUZZERS] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
			[CLASS_EXPLOITS] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
			[CLASS_ANALYSIS] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
			[CLASS_BACKDOOR] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
			[CLASS_GENERIC] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
			[CLASS_SHELLCODE] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
			[CLASS_WORMS] = {POLICY_DRY_RUN, 0.7F, MINUTE(10)},
		},
	.longest_ns = MINUTE(24 * 60),
	.memory_ns = MINUTE(24 * 60),
	.probation_ns = MINUTE(1),
	.entries = 10000,
	.new_a_minute = 100,
	.limits = 64,
	.rate = 1000,
	.burst = 2000,
	.net4 = 16,
	.net6 = 8,
};

/* What was on the list: how often, until when, and until when alerts do not put it back. */
struct past {
	uint16_t times;
	int64_t ended_ns, pardoned_ns;
};

/* Who attacks whom; of attackers that are many or forged, the attacker is 0. */
struct pair {
	uint8_t attacker[16], target[16];
};

struct attack {
	int64_t first_ns, last_ns;
};

/* An entry that an alert asked for, and that was not made; its value: a bit for each reason. */
struct refusal {
	struct policy_what what;
	uint64_t alert;
};

struct policy {
	struct policy_settings s;
	struct policy_calls calls;
	struct lru *entries;   /* by struct policy_what: oldest first */
	struct lru *past;      /* the same */
	struct lru *nets;      /* hosts that alerts put in, by the net they are in */
	struct lru *attacks;   /* by struct pair */
	struct lru *refusals;  /* by struct refusal */
	uint32_t lengths[129]; /* entries of each length of prefix */
	uint64_t numbers;
	int64_t minute_ns; /* when the present minute began */
	uint32_t this_minute;
	struct policy_stats stats;
};

struct policy *policy_new(const struct policy_settings *s, const struct policy_calls *calls)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->s = *s;
	p->calls = *calls;
	/* One more: a net comes before its hosts go. */
	p->entries =
		lru_new(s->entries + 1, sizeof(struct policy_what), sizeof(struct policy_entry));
	p->past = lru_new(PAST, sizeof(struct policy_what), sizeof(struct past));
	p->nets = lru_new(s->entries, sizeof(struct policy_what), sizeof(uint32_t));
	p->attacks = lru_new(ATTACKS, sizeof(struct pair), sizeof(struct attack));
	p->refusals = lru_new(REFUSALS, sizeof(struct refusal), sizeof(uint32_t));
	if (!p->entries || !p->past || !p->nets || !p->attacks || !p->refusals) {
		policy_free(p);
		return NULL;
	}
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	lru_free(p->entries);
	lru_free(p->past);
	lru_free(p->nets);
	lru_free(p->attacks);
	lru_free(p->refusals);
	free(p);
}

void policy_change(struct policy *p, const struct policy_settings *s)
{
	struct policy_settings before = p->s;

	p->s = *s;
	p->s.entries = before.entries;
	p->s.limits = before.limits;
	p->s.dry_run = before.dry_run;
}

/* ---- prefixes ---- */

static struct policy_what prefix_of(const uint8_t addr[16], unsigned bits)
{
	struct policy_what w = {.bits = (uint8_t)bits, .kind = POLICY_ADDRESS};

	memcpy(w.addr, addr, sizeof(w.addr));
	prefix_trim(w.addr, bits);
	return w;
}

/* The net that a host is blocked with when many of it attack. */
static struct policy_what net_of(const uint8_t addr[16])
{
	return prefix_of(addr, prefix_is_ipv4(addr) ? 96 + 24 : 64);
}

static uint32_t net_many(const struct policy *p, const uint8_t addr[16])
{
	return prefix_is_ipv4(addr) ? p->s.net4 : p->s.net6;
}

/* ---- entries ---- */

/* One that alerts put in for a host that is no forged one, and that is in force: of those a net is
 * made. */
static bool counts_for_net(const struct policy_entry *e)
{
	return e->what.kind == POLICY_ADDRESS && e->what.bits == 128 && e->by == POLICY_BY_ALERT &&
	       e->proven && !e->dry;
}

static void count(struct policy *p, const struct policy_entry *e, int by)
{
	struct policy_what net = net_of(e->what.addr);
	uint32_t *hosts;
	bool fresh;

	if (e->what.kind == POLICY_ADDRESS)
		p->lengths[e->what.bits] += (uint32_t)by;
	p->stats.limits += (uint32_t)(e->what.kind == POLICY_PORT ? by : 0);
	p->stats.dry += (uint32_t)(e->dry ? by : 0);
	if (!counts_for_net(e))
		return;
	hosts = by > 0 ? lru_use(p->nets, &net, &fresh) : lru_find(p->nets, &net);
	if (!hosts)
		return;
	*hosts += (uint32_t)by;
	if (!*hosts)
		lru_remove(p->nets, hosts);
}

/* Put `e` in, in the place of what is there of the same. NULL: it was refused. */
static struct policy_entry *put(struct policy *p, const struct policy_entry *e, enum policy_why why)
{
	struct policy_entry *there = lru_find(p->entries, &e->what);
	struct policy_entry new = *e;
	bool fresh;

	new.number = there ? there->number : ++p->numbers;
	if (p->calls.change(p->calls.context, &new, POLICY_ADD, why, new.uid) < 0)
		return NULL;
	if (there)
		count(p, there, -1);
	else
		there = lru_use(p->entries, &e->what, &fresh);
	*there = new;
	count(p, there, 1);
	p->stats.added++;
	return there;
}

static void take_out(struct policy *p, struct policy_entry *e, enum policy_why why, uint32_t uid)
{
	p->calls.change(p->calls.context, e, POLICY_REMOVE, why, uid);
	count(p, e, -1);
	p->stats.removed++;
	lru_remove(p->entries, e);
}

/* ---- what is refused ---- */

static struct refusal refusal_of(const struct policy_what *what, uint64_t alert)
{
	return (struct refusal){*what, alert};
}

/* An alert asks with each record behind it: what it does not get is counted once. */
static void count_refusal(
	struct policy *p, const struct policy_what *what, uint64_t alert, enum policy_verdict v)
{
	struct refusal key = refusal_of(what, alert);
	bool fresh;
	uint32_t *counted = lru_use(p->refusals, &key, &fresh);

	if (*counted >> v & 1)
		return;
	*counted |= 1U << v;
	p->stats.refused_protected += v == POLICY_PROTECTED;
	p->stats.refused_full += v == POLICY_FULL;
	p->stats.refused_fast += v == POLICY_FAST;
}

/* It got it after all. */
static void forget_refusal(struct policy *p, const struct policy_what *what, uint64_t alert)
{
	struct refusal key = refusal_of(what, alert);
	uint32_t *counted = lru_find(p->refusals, &key);

	if (counted)
		lru_remove(p->refusals, counted);
}

static bool has_room(const struct policy *p, const struct policy_what *what)
{
	return lru_find(p->entries, what) ||
	       (lru_count(p->entries) < p->s.entries &&
		       (what->kind == POLICY_ADDRESS || p->stats.limits < p->s.limits));
}

/* ---- how long ---- */

static int64_t duration(const struct policy *p, enum karma_class c, unsigned times)
{
	int64_t ns = p->s.rule[c].first_ns;

	for (; times && ns < p->s.longest_ns; times--)
		ns *= 2;
	return ns < p->s.longest_ns ? ns : p->s.longest_ns;
}

/* Its last part. */
static int64_t probation(const struct policy *p, int64_t duration_ns)
{
	return p->s.probation_ns < duration_ns / 2 ? p->s.probation_ns : duration_ns / 2;
}

static unsigned times_before(const struct policy *p, const struct policy_what *what, int64_t now_ns)
{
	const struct past *past = lru_find(p->past, what);

	return past && now_ns - past->ended_ns < p->s.memory_ns ? past->times : 0;
}

static bool is_pardoned(const struct policy *p, const struct policy_what *what, int64_t now_ns)
{
	const struct past *past = lru_find(p->past, what);

	return past && now_ns < past->pardoned_ns;
}

static void remember(struct policy *p, const struct policy_entry *e, int64_t now_ns)
{
	bool fresh;
	struct past *past = lru_use(p->past, &e->what, &fresh);

	past->times = (uint16_t)(e->times + (e->times < UINT16_MAX));
	past->ended_ns = now_ns;
}

/* ---- victims ---- */

static struct pair pair_of(const uint8_t *attacker, const uint8_t *target)
{
	struct pair pair = {{0}, {0}};

	if (attacker)
		memcpy(pair.attacker, attacker, sizeof(pair.attacker));
	memcpy(pair.target, target, sizeof(pair.target));
	return pair;
}

static void note_attack(struct policy *p, const struct policy_case *c, int64_t now_ns)
{
	struct pair pair = pair_of(c->many ? NULL : c->attacker, c->target);
	bool fresh;
	struct attack *a = lru_use(p->attacks, &pair, &fresh);

	if (fresh || now_ns - a->last_ns > victim_ns)
		a->first_ns = now_ns;
	a->last_ns = now_ns;
}

/* Since when it is attacked by this one; INT64_MAX: it is not. */
static int64_t attacked_since(
	const struct policy *p, const uint8_t *attacker, const uint8_t *target, int64_t now_ns)
{
	struct pair pair = pair_of(attacker, target);
	const struct attack *a = lru_find(p->attacks, &pair);

	return a && now_ns - a->last_ns <= victim_ns ? a->first_ns : INT64_MAX;
}

/* What answers an attack may itself look like one: who was attacked first is the victim. So is who
 * is under a flood, whose answers go to everybody. */
static bool is_victim(const struct policy *p, const struct policy_case *c, int64_t now_ns)
{
	return attacked_since(p, NULL, c->attacker, now_ns) != INT64_MAX ||
	       attacked_since(p, c->target, c->attacker, now_ns) <
		       attacked_since(p, c->attacker, c->target, now_ns);
}

/* ---- alerts ---- */

/* What an alert is to be answered with; false: with nothing, since its source may be forged. */
static bool subject(const struct policy_case *c, struct policy_what *what)
{
	bool scan = c->class == CLASS_RECONNAISSANCE &&
		    (c->ports >= scan_places || c->targets >= scan_places);

	*what = prefix_of(c->attacker, 128);
	if (!c->many && (c->proven || scan))
		return true;
	*what = (struct policy_what){
		.bits = 128, .kind = POLICY_PORT, .proto = c->proto, .port = c->port};
	memcpy(what->addr, c->target, sizeof(what->addr));
	if (c->ports > flood_ports) {
		what->opens = 1;
		what->port = 0;
	}
	return c->class == CLASS_DOS && c->targets <= 1 &&
	       (!what->opens || c->proto == IPPROTO_TCP);
}

static bool too_fast(struct policy *p, int64_t now_ns)
{
	if (now_ns - p->minute_ns >= 60 * second || now_ns < p->minute_ns) {
		p->minute_ns = now_ns;
		p->this_minute = 0;
	}
	return p->this_minute >= p->s.new_a_minute;
}

/* What stands in the way of an entry of an alert's? */
static struct policy_answer obstacle(struct policy *p, const struct policy_case *c,
	const struct policy_what *what, int64_t now_ns)
{
	struct policy_what net = net_of(what->addr);
	struct policy_answer a = {POLICY_BLOCKED, false, NULL, NULL};

	if (what->kind == POLICY_ADDRESS && is_victim(p, c, now_ns))
		a.verdict = POLICY_VICTIM;
	else if (what->kind == POLICY_ADDRESS &&
		 (a.why = p->calls.protects(p->calls.context, what)))
		a.verdict = POLICY_PROTECTED;
	else if (is_pardoned(p, what, now_ns) ||
		 (what->kind == POLICY_ADDRESS && is_pardoned(p, &net, now_ns)))
		a.verdict = POLICY_PARDONED;
	else if (!has_room(p, what))
		a.verdict = POLICY_FULL;
	else if (too_fast(p, now_ns))
		a.verdict = POLICY_FAST;
	if (a.verdict == POLICY_PROTECTED || a.verdict == POLICY_FULL || a.verdict == POLICY_FAST)
		count_refusal(p, what, c->alert, a.verdict);
	return a;
}

/* Block the net in the place of its hosts, when these are many and none of it is protected. */
static const struct policy_entry *widen(
	struct policy *p, const struct policy_entry *host, int64_t now_ns)
{
	struct policy_entry net = *host, *there, *e, *newer;
	const uint32_t *hosts;

	net.what = net_of(host->what.addr);
	hosts = lru_find(p->nets, &net.what);
	if (!hosts || !net_many(p, host->what.addr) || *hosts < net_many(p, host->what.addr) ||
		is_pardoned(p, &net.what, now_ns) || p->calls.protects(p->calls.context, &net.what))
		return host;
	net.since_ns = now_ns;
	net.times = (uint16_t)times_before(p, &net.what, now_ns);
	net.until_ns = now_ns + duration(p, net.class, net.times);
	net.watched = false;
	there = put(p, &net, POLICY_WHY_MANY);
	if (!there) {
		count_refusal(p, &net.what, net.alert, POLICY_FULL);
		return host;
	}
	for (e = lru_oldest(p->entries); e; e = newer) {
		struct policy_what of = net_of(e->what.addr);

		newer = lru_newer(p->entries, e);
		if (counts_for_net(e) && memcmp(&of, &there->what, sizeof(of)) == 0)
			take_out(p, e, POLICY_WHY_MANY, 0);
	}
	return there;
}

/* What there is already against it; `what`: that would be put there, NULL: nothing would. */
static const struct policy_entry *entry_of(
	const struct policy *p, const struct policy_case *c, const struct policy_what *what)
{
	const struct policy_entry *e = c->many ? NULL : policy_find(p, c->attacker);
	const struct policy_entry *limit =
		what && what->kind == POLICY_PORT ? policy_get(p, what) : NULL;

	return limit && (!e || e->dry) ? limit : e;
}

struct policy_answer policy_alert(struct policy *p, const struct policy_case *c, int64_t now_ns)
{
	const struct policy_rule *rule = &p->s.rule[c->class];
	struct policy_answer a = {POLICY_IS_OFF, false, NULL, NULL};
	struct policy_entry e = {.since_ns = now_ns,
		.alert = c->alert,
		.class = c->class,
		.by = POLICY_BY_ALERT,
		.proven = c->proven,
		.dry = p->s.dry_run || rule->action == POLICY_DRY_RUN};

	note_attack(p, c, now_ns);
	a.verdict = subject(c, &e.what) ? POLICY_BLOCKED : POLICY_FORGED;
	a.entry = entry_of(p, c, a.verdict == POLICY_FORGED ? NULL : &e.what);
	if (a.entry && (!a.entry->dry || e.dry || rule->action == POLICY_OFF)) {
		a.verdict = a.entry->dry ? POLICY_WOULD : POLICY_BLOCKED;
		return a;
	}
	a.entry = NULL;
	if (rule->action == POLICY_OFF)
		a.verdict = POLICY_IS_OFF;
	else if (c->confidence < rule->confidence)
		a.verdict = POLICY_UNSURE;
	if (a.verdict == POLICY_BLOCKED)
		a = obstacle(p, c, &e.what, now_ns);
	if (a.verdict != POLICY_BLOCKED)
		return a;
	e.times = (uint16_t)times_before(p, &e.what, now_ns);
	e.until_ns = now_ns + duration(p, e.class, e.times);
	a.entry = put(p, &e, POLICY_WHY_ALERT);
	if (!a.entry) {
		a.verdict = POLICY_FULL;
		count_refusal(p, &e.what, c->alert, POLICY_FULL);
		return a;
	}
	forget_refusal(p, &e.what, c->alert);
	p->this_minute++;
	a.fresh = true;
	a.verdict = e.dry ? POLICY_WOULD : POLICY_BLOCKED;
	if (counts_for_net(a.entry))
		a.entry = widen(p, a.entry, now_ns);
	return a;
}

/* ---- a person ---- */

struct policy_answer policy_add(struct policy *p, const struct policy_what *what, int64_t for_ns,
	uint32_t uid, bool dry, int64_t now_ns)
{
	struct policy_answer a = {POLICY_BLOCKED, false, NULL, NULL};
	struct policy_entry e = {.what = *what,
		.since_ns = now_ns,
		.until_ns = for_ns ? now_ns + for_ns : 0,
		.class = CLASS_NORMAL,
		.by = POLICY_BY_PERSON,
		.dry = p->s.dry_run,
		.uid = uid};

	a.why = p->calls.protects(p->calls.context, what);
	if (a.why) {
		a.verdict = POLICY_PROTECTED;
		p->stats.refused_protected++;
	} else if (!has_room(p, what)) {
		a.verdict = POLICY_FULL;
		p->stats.refused_full++;
	} else if (dry) {
		a.verdict = POLICY_WOULD;
	} else {
		a.entry = put(p, &e, POLICY_WHY_PERSON);
		a.fresh = a.entry != NULL;
		p->stats.refused_full += !a.entry;
		a.verdict = !a.entry ? POLICY_FULL : e.dry ? POLICY_WOULD : POLICY_BLOCKED;
	}
	return a;
}

static void pardon(struct policy *p, const struct policy_entry *e, int64_t now_ns)
{
	struct past *past;
	bool fresh;

	if (e->by != POLICY_BY_ALERT)
		return;
	past = lru_use(p->past, &e->what, &fresh);
	*past = (struct past){0, now_ns, now_ns + duration(p, e->class, 0)};
}

int policy_del(struct policy *p, const struct policy_what *what, uint32_t uid, int64_t now_ns)
{
	struct policy_entry *e = lru_find(p->entries, what);

	if (!e)
		return -ENOENT;
	pardon(p, e, now_ns);
	take_out(p, e, POLICY_WHY_PERSON, uid);
	return 0;
}

uint32_t policy_flush(struct policy *p, uint32_t uid, int64_t now_ns)
{
	uint32_t n = 0;
	struct policy_entry *e;

	for (; (e = lru_oldest(p->entries)); n++) {
		pardon(p, e, now_ns);
		take_out(p, e, POLICY_WHY_PERSON, uid);
	}
	return n;
}

/* ---- time ---- */

static void renew(struct policy *p, struct policy_entry *e, int64_t now_ns)
{
	e->times = (uint16_t)(e->times + (e->times < UINT16_MAX));
	e->until_ns = now_ns + duration(p, e->class, e->times);
	e->watched = false;
	p->stats.renewed++;
	p->calls.change(p->calls.context, e, POLICY_RENEW, POLICY_WHY_ATTACKING, 0);
}

/* Only what alerts put in, and what drops packets, can still be attacking. */
static bool has_probation(const struct policy_entry *e)
{
	return e->by == POLICY_BY_ALERT && !e->dry;
}

static void attend(struct policy *p, struct policy_entry *e, int64_t now_ns)
{
	if (now_ns >= e->until_ns) {
		if (e->watched &&
			p->calls.packets(p->calls.context, e) >= e->seen + still_packets) {
			renew(p, e, now_ns);
			return;
		}
		if (e->by == POLICY_BY_ALERT)
			remember(p, e, now_ns);
		take_out(p, e, POLICY_WHY_EXPIRED, 0);
		return;
	}
	if (!e->watched && has_probation(e) &&
		now_ns >= e->until_ns - probation(p, duration(p, e->class, e->times))) {
		e->watched = true;
		e->seen = p->calls.packets(p->calls.context, e);
	}
}

void policy_tick(struct policy *p, int64_t now_ns)
{
	struct policy_entry *e, *newer;

	for (e = lru_oldest(p->entries); e; e = newer) {
		newer = lru_newer(p->entries, e);
		if (e->until_ns)
			attend(p, e, now_ns);
	}
}

void policy_recheck(struct policy *p, int64_t now_ns)
{
	struct policy_entry *e, *newer;

	(void)now_ns;
	for (e = lru_oldest(p->entries); e; e = newer) {
		newer = lru_newer(p->entries, e);
		if (e->what.kind == POLICY_ADDRESS && p->calls.protects(p->calls.context, &e->what))
			take_out(p, e, POLICY_WHY_PROTECTED, 0);
	}
}

int policy_take(struct policy *p, const struct policy_entry *e, int64_t now_ns)
{
	struct policy_entry new = *e;

	if ((unsigned)new.class >= CLASSES || new.what.bits > 128)
		return -EINVAL;
	if (new.what.kind == POLICY_ADDRESS && p->calls.protects(p->calls.context, &new.what))
		return -EPERM;
	if (!has_room(p, &new.what))
		return -ENOSPC;
	if (new.until_ns &&new.until_ns <= now_ns && has_probation(&new)) {
		new.until_ns = now_ns + probation(p, duration(p, new.class, new.times));
		new.watched = true;
		new.seen = p->calls.packets(p->calls.context, &new);
	}
	if (put(p, &new, POLICY_WHY_TAKEN))
		return 0;
	p->stats.refused_full++;
	return -ENOSPC;
}

/* ---- looking ---- */

const struct policy_entry *policy_get(const struct policy *p, const struct policy_what *what)
{
	return lru_find(p->entries, what);
}

const struct policy_entry *policy_find(const struct policy *p, const uint8_t addr[16])
{
	const struct policy_entry *dry = NULL;

	for (unsigned bits = 129; bits-- > 0;) {
		struct policy_what what = prefix_of(addr, bits);
		const struct policy_entry *e =
			p->lengths[bits] ? lru_find(p->entries, &what) : NULL;

		if (e && !e->dry)
			return e;
		if (e && !dry)
			dry = e;
	}
	return dry;
}

const struct policy_entry *policy_next(const struct policy *p, uint64_t number)
{
	const struct policy_entry *e = lru_oldest(p->entries);

	while (e && e->number <= number)
		e = lru_newer(p->entries, e);
	return e;
}

const struct policy_entry *policy_after(const struct policy *p, const struct policy_entry *e)
{
	return lru_newer(p->entries, e);
}

void policy_stats(const struct policy *p, struct policy_stats *s)
{
	*s = p->stats;
	s->entries = lru_count(p->entries);
}
