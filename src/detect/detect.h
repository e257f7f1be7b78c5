/* From verdicts on records to alerts. Evidence is held against the actor of a record and against
 * its other end; whichever passes the threshold first makes the alert. No counter, port or address
 * decides anything here: the model's probabilities do. */
#ifndef KARMA_DETECT_DETECT_H
#define KARMA_DETECT_DETECT_H

#include "detect/alert.h"
#include "detect/evidence.h"
#include "detect/judge.h"

/* Actors and targets against which evidence is held, and alerts at a time. */
enum { DETECT_HOSTS = 32768, DETECT_ALERTS = 1024 };

struct detector;

/* `judge`: asked for the reasons of an alert; NULL: alerts have none. NULL when memory is short. */
struct detector *detector_new(const struct evidence_settings *settings, struct judge *judge,
	alert_sink sink, void *context);
void detector_free(struct detector *d);

/* Who is to hear of the flows behind alerts, with the context of the alert_sink. */
void detector_tell_flows(struct detector *d, alert_flow_sink sink);

/* Other settings and another judge from now on. What is held against hosts stays, and so do alerts.
 */
void detector_change(
	struct detector *d, const struct evidence_settings *settings, struct judge *judge);

/* What a record did, for those who want to see scores. */
struct weight {
	float score;  /* evidence_score() */
	float actor;  /* the sum held against the actor afterwards */
	float target; /* and against the other end */
};

/* Weigh a verdict on a record: show the alerts that come of it. */
struct weight detector_weigh(struct detector *d, const struct record *r, const struct verdict *v);

/* Let time pass: alerts that are quiet end. Cheap; call it for each record and each poll. */
void detector_tick(struct detector *d, int64_t now_ns);

/* End every alert; for the end of a run. */
void detector_finish(struct detector *d);

struct detect_stats {
	struct alert_stats alerts;
	uint64_t evidence_forgotten; /* hosts whose evidence gave way to others' */
};

void detector_stats(const struct detector *d, struct detect_stats *s);

#endif
