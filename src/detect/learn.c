#include "detect/learn.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/lru.h"

/* Between two timelines: long enough for all evidence to be gone, and for alerts to have ended. */
static const int64_t apart_ns = 86400 * 1000000000LL;

/* A longer silence counts as this much of the site's time: the clock of a capture may jump. */
static const double silence_s = 3600;

/* Thresholds at which alerts are counted, in eighths of the model's own. */
enum { EIGHTHS = 8, LOWEST = 2, HIGHEST = 16 };

struct kept {
	uint8_t actor[16], target[16];
	int64_t at_ns;
	float normal; /* its probability */
	uint8_t traffic;
	uint8_t class; /* the likeliest attack */
	bool marked;
	struct drift_mark mark;
};

/* Whose alert it is: an attacker, or the target of many. */
struct party {
	uint8_t addr[16];
	uint8_t many;
};

struct learner {
	struct evidence_settings settings;
	struct kept *kept; /* (LEARN_RECORDS) */
	uint32_t count;
	struct lru *left_out; /* of struct party */
	bool begins;          /* the next record is the first of a timeline */
	int64_t last_ns;      /* of the latest record */
	int64_t offset_ns;    /* from a timeline's clock to that of what is kept */
	double seconds;
	uint64_t records;
};

static struct lru *parties_new(void)
{
	return lru_new(LEARN_PARTIES, sizeof(struct party), 8);
}

static struct party party_of(const uint8_t addr[16], bool many)
{
	struct party p = {.many = many};

	memcpy(p.addr, addr, sizeof(p.addr));
	return p;
}

/* Is a record of an actor against a target among what parties did or suffered? */
static bool is_of(const struct lru *parties, const uint8_t actor[16], const uint8_t target[16])
{
	struct party a = party_of(actor, false), t = party_of(target, true);

	return lru_count(parties) && (lru_find(parties, &a) || lru_find(parties, &t));
}

struct learner *learner_new(const struct evidence_settings *settings)
{
	struct learner *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->settings = *settings;
	l->kept = calloc(LEARN_RECORDS, sizeof(*l->kept));
	l->left_out = parties_new();
	l->begins = true;
	if (!l->kept || !l->left_out) {
		learner_free(l);
		return NULL;
	}
	return l;
}

void learner_free(struct learner *l)
{
	if (!l)
		return;
	free(l->kept);
	lru_free(l->left_out);
	free(l);
}

void learner_begin(struct learner *l)
{
	l->begins = true;
}

static enum karma_class likeliest(const struct verdict *v)
{
	enum karma_class best = CLASS_NORMAL + 1;

	for (int c = best + 1; c < CLASSES; c++)
		if (v->probability[c] > v->probability[best])
			best = (enum karma_class)c;
	return best;
}

static void take_time(struct learner *l, int64_t at_ns)
{
	int64_t now = l->offset_ns + at_ns;

	if (l->begins) {
		l->offset_ns = l->last_ns + apart_ns - at_ns;
		l->begins = false;
		l->last_ns += apart_ns;
	} else if (now > l->last_ns) {
		l->seconds += fmin((double)(now - l->last_ns) / 1e9, silence_s);
		l->last_ns = now;
	}
}

bool learner_take(struct learner *l, const struct record *r, const struct verdict *v,
	const struct weight *w, const struct drift_mark *mark)
{
	bool back = memcmp(v->actor, r->addr[SRC], 16) != 0;
	const uint8_t *target = r->addr[back ? SRC : DST];
	struct kept *k = &l->kept[l->count];

	if (l->count == LEARN_RECORDS)
		return false;
	take_time(l, r->at_ns);
	l->records++;
	if (!(w->score > 0 || w->actor > 0 || w->target > 0))
		return true;
	if (is_of(l->left_out, v->actor, target))
		return true;
	*k = (struct kept){.at_ns = l->last_ns,
		.normal = v->probability[CLASS_NORMAL],
		.traffic = (uint8_t)v->traffic,
		.class = (uint8_t)likeliest(v)};
	memcpy(k->actor, v->actor, sizeof(k->actor));
	memcpy(k->target, target, sizeof(k->target));
	k->marked = mark;
	if (mark)
		k->mark = *mark;
	l->count++;
	return true;
}

bool learner_leave_out(struct learner *l, const struct alert *a)
{
	struct party p = party_of(a->many ? a->target : a->attacker, a->many);
	bool fresh;

	if (!lru_find(l->left_out, &p) && lru_count(l->left_out) == LEARN_PARTIES)
		return false;
	lru_use(l->left_out, &p, &fresh);
	return true;
}

bool learner_leaves_out(const void *learner, const uint8_t actor[16], const uint8_t target[16])
{
	const struct learner *l = learner;

	return is_of(l->left_out, actor, target);
}

/* ---- the detector once more ---- */

struct replay {
	unsigned alerts;
	struct lru *parties;         /* that raised them; NULL: not asked for */
	struct drift_learner *quiet; /* is told of what is marked and has too little; or NULL */
};

static void count_alert(void *context, const struct alert *a, enum alert_stage stage)
{
	struct replay *r = context;
	struct party p = party_of(a->many ? a->target : a->attacker, a->many);
	bool fresh;

	if (stage != ALERT_NEW)
		return;
	r->alerts++;
	if (r->parties)
		lru_use(r->parties, &p, &fresh);
}

static int replay(
	const struct learner *l, const struct evidence_settings *settings, struct replay *out)
{
	struct detector *d = detector_new(settings, NULL, count_alert, out);
	struct record r = {.news = true};
	float enough = evidence_enough(settings);
	struct verdict v = {.app = NULL};
	struct weight w;

	if (!d)
		return -ENOMEM;
	out->alerts = 0;
	for (uint32_t i = 0; i < l->count; i++) {
		const struct kept *k = &l->kept[i];

		r.flow_id = i + 1;
		r.at_ns = r.start_ns = r.first_ns = r.last_ns = k->at_ns;
		memcpy(r.addr[SRC], k->actor, sizeof(k->actor));
		memcpy(r.addr[DST], k->target, sizeof(k->target));
		memcpy(v.actor, k->actor, sizeof(v.actor));
		memset(v.probability, 0, sizeof(v.probability));
		v.probability[CLASS_NORMAL] = k->normal;
		v.probability[k->class] = 1 - k->normal;
		v.traffic = (enum traffic)k->traffic;
		detector_tick(d, k->at_ns);
		w = detector_weigh(d, &r, &v);
		if (out->quiet && k->marked && w.actor < enough && w.target < enough)
			drift_learner_add(out->quiet, &k->mark);
	}
	detector_free(d);
	return 0;
}

/* What is known of the rate of alerts. */
struct rate {
	double per_day;
	bool measured;
	unsigned alerts; /* at the threshold itself */
	int tail;        /* the highest eighths of it with LEARN_TAIL alerts; 0: none */
};

static int count_at(const struct learner *l, const struct evidence_settings *s, int eighths,
	struct lru *parties, unsigned *alerts)
{
	struct evidence_settings lower = *s;
	struct replay r = {.parties = parties};
	int err;

	lower.threshold = s->threshold * (float)eighths / EIGHTHS;
	err = replay(l, &lower, &r);
	*alerts = r.alerts;
	return err;
}

/* Alerts a day by following the tail from `u` eighths, where there are n[u], to the threshold. */
static double follow_tail(const unsigned n[HIGHEST + 1], int u, double days)
{
	double excess =
		0.5; /* mean, in eighths: half a step for what is over u but not over u + 1 */

	for (int k = u + 1; k <= HIGHEST; k++)
		excess += (double)n[k] / (double)n[u];
	return (double)n[u] / days * exp(-(double)(EIGHTHS - u) / excess);
}

/* Counts at the lower thresholds are asked for only where the tail is to be followed. */
static int find_rate(const struct learner *l, const struct evidence_settings *s, struct rate *out)
{
	double days = fmax(l->seconds, 1) / 86400;
	unsigned n[HIGHEST + 1] = {0};
	int err = 0, k;

	*out = (struct rate){.tail = 0};
	for (k = EIGHTHS; k >= LOWEST && !err && !out->tail; k--) {
		err = count_at(l, s, k, NULL, &n[k]);
		out->tail = n[k] >= LEARN_TAIL ? k : 0;
	}
	for (k = EIGHTHS + 1; k <= HIGHEST && !err && out->tail && n[k - 1]; k++)
		err = out->tail < EIGHTHS ? count_at(l, s, k, NULL, &n[k]) : 0;
	out->alerts = n[EIGHTHS];
	out->per_day = out->alerts / days;
	out->measured = out->alerts || out->tail;
	if (out->tail && out->tail < EIGHTHS)
		out->per_day = fmax(out->per_day, follow_tail(n, out->tail, days));
	return err;
}

/* ---- margins ---- */

/* The kind of traffic that speaks loudest for the alerts at so many eighths of the threshold, and
 * whose margin may still rise; -1: none. */
static int loudest(
	const struct learner *l, const struct evidence_settings *s, int eighths, int *err)
{
	struct lru *parties = parties_new();
	double sum[TRAFFICS] = {0};
	unsigned alerts;
	int best = -1;

	*err = parties ? count_at(l, s, eighths, parties, &alerts) : -ENOMEM;
	for (uint32_t i = 0; i < l->count && !*err; i++) {
		const struct kept *k = &l->kept[i];
		float score = evidence_score(s, k->normal, (enum traffic)k->traffic);

		if (score > 0 && is_of(parties, k->actor, k->target))
			sum[k->traffic] += (double)score;
	}
	for (int t = 0; t < TRAFFICS; t++)
		if (sum[t] > 0 && s->shift[t] < learn_most && (best < 0 || sum[t] > sum[best]))
			best = t;
	lru_free(parties);
	return best;
}

/* What was kept of parties before their alerts arose. */
static void drop_left_out(struct learner *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->count; i++)
		if (!is_of(l->left_out, l->kept[i].actor, l->kept[i].target))
			l->kept[n++] = l->kept[i];
	l->count = n;
}

int learner_margins(struct learner *l, double per_day, struct learnt *out)
{
	struct evidence_settings s = l->settings;
	struct rate rate;
	int err, t;

	drop_left_out(l);
	memset(out, 0, sizeof(*out));
	out->seconds = l->seconds;
	out->records = l->records;
	out->kept = l->count;
	out->left_out = lru_count(l->left_out);
	err = find_rate(l, &s, &rate);
	out->before = rate.per_day;
	out->measured = rate.measured;
	while (!err && rate.per_day > per_day) {
		t = loudest(l, &s, rate.alerts ? EIGHTHS : rate.tail, &err);
		if (t < 0)
			break;
		s.shift[t] = fminf(s.shift[t] + learn_step, learn_most);
		err = find_rate(l, &s, &rate);
	}
	out->after = rate.per_day;
	out->alerts = rate.alerts;
	memcpy(out->shift, s.shift, sizeof(out->shift));
	return err;
}

int learner_add_quiet(
	const struct learner *l, const float shift[TRAFFICS], struct drift_learner *drift)
{
	struct evidence_settings s = l->settings;
	struct replay r = {.quiet = drift};

	memcpy(s.shift, shift, sizeof(s.shift));
	return replay(l, &s, &r);
}
