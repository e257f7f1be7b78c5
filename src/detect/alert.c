#include "detect/alert.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "detect/distinct.h"
#include "detect/lru.h"
#include "util/rng.h"

static const int64_t second = 1000000000LL;

/* In its first seconds and with few flows behind it an alert may still change its class; afterwards
 * another class is another alert, and needs twice the mass. */
static const int64_t settled_ns = 10 * second;
static const uint64_t settled_flows = 32;
static const float other_class = 2;

/* Lines about one alert are at least this far apart. */
static const int64_t apart_ns = 1 * second;
static const int64_t reminder_ns = 10 * second;

static const int64_t tick_ns = second / 5;

enum { SEEN_SETS = 512, SEEN_WAYS = 4 };

struct key {
	uint8_t party[16];
	uint32_t many;
	uint32_t class;
};

/* An alert with what is needed to keep it. */
struct entry {
	struct alert a; /* first: a struct alert * of ours is a struct entry * */
	int64_t shown_ns;
	uint64_t shown_flows; /* 0: not shown yet */
	enum karma_class shown_class;
	uint64_t told_flows; /* when it was explained; 0: not yet */
	enum karma_class told_class;
	uint64_t seen[SEEN_SETS]
		     [SEEN_WAYS];    /* flows that were counted, by their id; latest first */
	struct distinct_hosts hosts; /* targets, or attackers when these are many */
	struct distinct_ports ports;
};

struct alert_book {
	struct lru *alerts;
	alert_sink sink;
	void *context;
	int64_t ticked_ns;
	struct alert_stats stats;
};

static const struct alert_class classes[CLASSES] = {
	[CLASS_NORMAL] = {"nothing unusual", 3},
	[CLASS_RECONNAISSANCE] = {"scan of ports or hosts", 3},
	[CLASS_DOS] = {"denial of service", 2},
	[CLASS_FUZZERS] = {"fuzzing of a service", 2},
	[CLASS_EXPLOITS] = {"exploit of a service", 1},
	[CLASS_ANALYSIS] = {"probing of services", 3},
	[CLASS_BACKDOOR] = {"backdoor", 1},
	[CLASS_GENERIC] = {"attack of no finer class", 2},
	[CLASS_SHELLCODE] = {"shell code", 1},
	[CLASS_WORMS] = {"worm", 1},
	[CLASS_BRUTE_FORCE] = {"guessing of passwords", 2},
};

const struct alert_class *alert_class(enum karma_class c)
{
	return &classes[(unsigned)c < CLASSES ? c : CLASS_GENERIC];
}

/* Crockford's base 32, in small letters. */
const char *alert_id_text(uint64_t id, char text[ALERT_ID_TEXT])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

	for (int i = ALERT_ID_TEXT - 2; i >= 0; i--, id >>= 5)
		text[i] = digits[id & 31];
	text[ALERT_ID_TEXT - 1] = '\0';
	return text;
}

struct alert_book *alert_book_new(uint32_t capacity, alert_sink sink, void *context)
{
	struct alert_book *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->alerts = lru_new(capacity, sizeof(struct key), sizeof(struct entry));
	b->sink = sink;
	b->context = context;
	if (!b->alerts) {
		free(b);
		return NULL;
	}
	return b;
}

void alert_book_free(struct alert_book *b)
{
	if (!b)
		return;
	lru_free(b->alerts);
	free(b);
}

/* ---- finding ---- */

static struct key key_of(const uint8_t party[16], bool many, enum karma_class c)
{
	struct key k = {.many = many, .class = c};

	memcpy(k.party, party, sizeof(k.party));
	return k;
}

struct alert *alert_find(
	const struct alert_book *b, const uint8_t party[16], bool many, enum karma_class c)
{
	struct key k = key_of(party, many, c);

	return lru_find(b->alerts, &k);
}

/* The latest alert of a party, whatever its class. */
static struct alert *find_any(const struct alert_book *b, const uint8_t party[16], bool many)
{
	struct alert *latest = NULL;

	for (int c = CLASS_NORMAL + 1; c < CLASSES; c++) {
		struct alert *a = alert_find(b, party, many, (enum karma_class)c);

		if (a && (!latest || a->last_ns > latest->last_ns))
			latest = a;
	}
	return latest;
}

static void end(struct alert_book *b, struct entry *x)
{
	b->stats.raised[x->shown_class]--;
	b->stats.raised[x->a.class]++;
	b->sink(b->context, &x->a, ALERT_END);
	lru_remove(b->alerts, x);
}

static struct alert *open_new(
	struct alert_book *b, const uint8_t party[16], bool many, enum karma_class c)
{
	struct key k = key_of(party, many, c);
	struct entry *x;
	bool fresh;

	if (lru_count(b->alerts) == lru_capacity(b->alerts)) {
		end(b, lru_oldest(b->alerts));
		b->stats.ended_early++;
	}
	x = lru_use(b->alerts, &k, &fresh);
	x->a.class = c;
	x->a.many = many;
	memcpy(many ? x->a.target : x->a.attacker, party, 16);
	return &x->a;
}

/* The same alert under another class. */
static struct alert *rename_class(struct alert_book *b, struct alert *a, enum karma_class c)
{
	struct key k = key_of(a->many ? a->target : a->attacker, a->many, c);
	struct entry *x, copy = *(struct entry *)a;
	bool fresh;

	lru_remove(b->alerts, a);
	x = lru_use(b->alerts, &k, &fresh);
	*x = copy;
	x->a.class = c;
	return &x->a;
}

struct alert *alert_open(struct alert_book *b, const uint8_t party[16], bool many,
	const struct evidence *e, int64_t now_ns)
{
	enum karma_class c = evidence_class(e);
	struct alert *a = alert_find(b, party, many, c);
	struct key k;
	bool fresh;

	if (!a) {
		a = find_any(b, party, many);
		if (!a)
			return open_new(b, party, many, c);
		if (now_ns - a->first_ns < settled_ns && a->flows < settled_flows)
			return rename_class(b, a, c);
		if (e->mass[c] > other_class * e->mass[a->class])
			return open_new(b, party, many, c);
	}
	k = key_of(party, many, a->class);
	return lru_use(b->alerts, &k, &fresh);
}

/* ---- records ---- */

/* A flow that was counted so long ago that others have its place is counted again. */
void alert_count(struct alert *a, const struct alert_flow *f)
{
	struct entry *x = (struct entry *)a;
	uint64_t *seen = x->seen[f->flow_id * 0x9e3779b97f4a7c15ULL >> 55];
	unsigned at = 0;
	bool counted;

	_Static_assert(SEEN_SETS == 1 << (64 - 55), "the hash above is as wide as the table");
	while (at < SEEN_WAYS - 1 && seen[at] != f->flow_id)
		at++;
	counted = f->again && seen[at] == f->flow_id;
	memmove(seen + 1, seen, at * sizeof(*seen));
	seen[0] = f->flow_id;
	if (a->flows == 0)
		a->first = *f;
	a->last = *f;
	a->first.features = a->last.features = NULL;
	a->flows += !counted;
	a->refused += f->refused && !counted;
}

/* What the evidence has gathered since an alert took from it last. */
static void take_evidence(struct entry *x, struct evidence *e)
{
	uint32_t n = e->traces < EVIDENCE_TRACES ? e->traces : EVIDENCE_TRACES;

	for (uint32_t i = 0; i < n; i++) {
		distinct_add_host(&x->hosts, e->trace[i].peer);
		if (e->trace[i].port >= 0)
			distinct_add_port(&x->ports, (uint16_t)e->trace[i].port);
	}
	e->flows = 0;
	e->traces = 0;
}

/* 40 bits, of which no two of the thousands that are kept are the same. */
static uint64_t id_of(const struct alert *a, const struct record *r)
{
	uint64_t word[2], h = rng_mix((uint64_t)r->at_ns ^ rng_mix(r->flow_id));

	memcpy(word, a->many ? a->target : a->attacker, sizeof(word));
	return rng_mix(rng_mix(h ^ word[0]) ^ word[1] ^ a->many) >> 24;
}

void alert_add(
	struct alert *a, struct evidence *e, const struct record *r, int actor, const char *app)
{
	struct entry *x = (struct entry *)a;

	if (!a->id) {
		a->first_ns = e->first_ns;
		a->id = id_of(a, r);
	}
	a->last_ns = r->at_ns;
	take_evidence(x, e);
	if (!a->many)
		memcpy(a->target, evidence_is_led(e) ? e->peer : r->addr[!actor], 16);
	distinct_add_host(&x->hosts, r->addr[a->many ? actor : !actor]);
	if (record_has_ports(r) && !a->reflected) /* the port is that of who is asked */
		distinct_add_port(&x->ports, r->port[!actor]);
	a->attackers = a->many ? distinct_host_count(&x->hosts) : 1;
	a->targets = a->many ? 1 : distinct_host_count(&x->hosts);
	a->ports = x->ports.ones;
	for (int c = 0; c < CLASSES && e->weight > 0; c++)
		a->probability[c] = e->mass[c] / e->weight;
	a->confidence = a->probability[a->class];
	a->record = *r;
	a->actor = actor;
	a->app = app;
}

/* ---- showing ---- */

bool alert_is_due(const struct alert *a, int64_t now_ns)
{
	const struct entry *x = (const struct entry *)a;
	int64_t since = now_ns - x->shown_ns, age = x->shown_ns - a->first_ns;

	if (x->shown_flows == 0)
		return true;
	if (since < apart_ns)
		return false;
	return a->class != x->shown_class || a->flows >= 10 * x->shown_flows ||
	       (a->last_ns > x->shown_ns && since >= reminder_ns && since >= age);
}

bool alert_wants_reasons(const struct alert *a, int64_t now_ns)
{
	const struct entry *x = (const struct entry *)a;

	return x->told_flows == 0 || a->class != x->told_class || a->flows >= 2 * x->told_flows ||
	       alert_is_due(a, now_ns);
}

void alert_explained(struct alert *a, unsigned count)
{
	struct entry *x = (struct entry *)a;

	if (count)
		a->reasons = count;
	x->told_flows = a->flows ? a->flows : 1;
	x->told_class = a->class;
}

void alert_show(struct alert_book *b, struct alert *a, int64_t now_ns)
{
	struct entry *x = (struct entry *)a;
	bool first = x->shown_flows == 0;

	if (first)
		b->stats.arose[a->class]++;
	else
		b->stats.raised[x->shown_class]--;
	b->stats.raised[a->class]++;
	x->shown_class = a->class;
	x->shown_ns = now_ns;
	x->shown_flows = a->flows ? a->flows : 1;
	b->sink(b->context, a, first ? ALERT_NEW : ALERT_UPDATE);
}

void alert_tick(struct alert_book *b, int64_t now_ns)
{
	struct entry *x, *newer;

	if (now_ns - b->ticked_ns < tick_ns)
		return;
	b->ticked_ns = now_ns;
	for (x = lru_oldest(b->alerts); x; x = newer) {
		newer = lru_newer(b->alerts, x);
		if (now_ns - x->a.last_ns >= alert_quiet_ns)
			end(b, x);
		else if (alert_is_due(&x->a, now_ns))
			alert_show(b, &x->a, now_ns);
	}
}

void alert_end_all(struct alert_book *b)
{
	struct entry *x;

	while ((x = lru_oldest(b->alerts)))
		end(b, x);
}

uint64_t alerts_raised(const struct alert_stats *s)
{
	uint64_t raised = 0;

	for (int c = 0; c < CLASSES; c++)
		raised += s->raised[c];
	return raised;
}

void alert_book_stats(const struct alert_book *b, struct alert_stats *s)
{
	*s = b->stats;
	s->active = lru_count(b->alerts);
}
