/* Learning a site: margins for each kind of traffic from the site's own records, so that false
 * alerts are no more than a stated rate.
 *
 * While the site's traffic is judged, every record that has weight is kept: one that speaks for an
 * attack, and one of a host against which something is held. All others leave the evidence at 0,
 * whatever the margins. At the end what was kept goes through the detector again, with margins that
 * rise a step at a time where the false alerts come from, until their rate is as stated or each
 * margin is at its bound. Margins never fall: a profile makes Karma quieter, not keener.
 *
 * The rate is a count where there is something to count. For less, the tail of the evidence is
 * followed: how many alerts there would be at lower thresholds, the highest at which they are
 * LEARN_TAIL or more, and from there down an exponential with the mean excess over it (peaks over
 * threshold; the maximum of a CUSUM has such a tail under independent records, Siegmund 1985).
 * Where even a quarter of the threshold gives fewer, the data say nothing, and nothing is done. */
#ifndef KARMA_DETECT_LEARN_H
#define KARMA_DETECT_LEARN_H

#include <stdbool.h>

#include "detect/alert.h"
#include "detect/detect.h"
#include "detect/drift.h"
#include "detect/judge.h"

enum {
	LEARN_RECORDS = 1 << 18, /* that are kept: 15 MB */
	LEARN_PARTIES = 4096,    /* whose alerts leave them out */
	LEARN_TAIL = 10,
};

/* In natural log-odds. The most that ordinary traffic may move a margin: an attack must look 20
 * times as likely as without a profile, and a scan still does. */
static const float learn_step = 0.5F, learn_most = 3;

struct learner;

/* `settings`: the model's own, by which records were weighed. NULL when memory is short. */
struct learner *learner_new(const struct evidence_settings *settings);
void learner_free(struct learner *l);

/* The records that follow are of a time and network of their own. */
void learner_begin(struct learner *l);

/* Take in a record in the order of time, as it was judged and weighed. `mark`: of one with enough
 * against it for an alert; else NULL. false: there is no room for more; what was learnt until then
 * holds. */
bool learner_take(struct learner *l, const struct record *r, const struct verdict *v,
	const struct weight *w, const struct drift_mark *mark);

/* Who raised an alert is left out: what it did, or what was done to it, when the attackers were
 * many. false: there are too many for an ordinary site. */
bool learner_leave_out(struct learner *l, const struct alert *a);

/* Is a record of an actor against a target left out? `learner`: a struct learner. */
bool learner_leaves_out(const void *learner, const uint8_t actor[16], const uint8_t target[16]);

struct learnt {
	double seconds; /* of traffic */
	uint64_t records, kept;
	uint32_t left_out;     /* parties */
	float shift[TRAFFICS]; /* of the margins */
	double before, after;  /* alerts a day that are to be expected without and with these */
	bool measured;         /* they are: there was enough evidence to follow */
	unsigned alerts;       /* that the records themselves still raise */
};

/* Margins for so many false alerts a day. May be called several times. -ENOMEM. */
int learner_margins(struct learner *l, double per_day, struct learnt *out);

/* After that: the marks of what does not have enough against it with these margins. -ENOMEM. */
int learner_add_quiet(
	const struct learner *l, const float shift[TRAFFICS], struct drift_learner *drift);

#endif
