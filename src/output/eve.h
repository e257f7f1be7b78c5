/* EVE JSON: the events that eve.c writes, one line each, for what reads Suricata's. */
#ifndef KARMA_OUTPUT_EVE_H
#define KARMA_OUTPUT_EVE_H

#include <jansson.h>

#include "output/output.h"

/* signature_id of an alert is this and its class: stable, in the range kept for local rules. */
enum { EVE_SIGNATURES = 1770000 };

/* The objects themselves; a new reference, NULL when memory is short. */
json_t *eve_alert_json(const struct alert *a, enum alert_stage stage, const struct origin *from);
json_t *eve_flow_json(const struct alert_flow *f);
json_t *eve_stats_json(const struct summary *s);
json_t *eve_block_json(const struct block_change *c);
json_t *eve_drift_json(const struct drift_news *news, int64_t at_ns, const struct origin *from);

/* An event as a line, which is to be freed; NULL when memory is short. Takes over the event. */
char *eve_line(json_t *event, size_t *length);

/* An alert's event, made when the first asks for it; all 0 at the beginning. */
struct eve_event {
	json_t *json;
	char *line;
	size_t length;
};

void eve_event_free(struct eve_event *event);

/* The same as eve_alert_json(), and as its line; that of `from` where it has room for one, which
 * nobody changes. */
json_t *eve_alert_event(const struct alert *a, enum alert_stage stage, const struct origin *from);
char *eve_alert_line(
	const struct alert *a, enum alert_stage stage, const struct origin *from, size_t *length);

/* Of struct output_kind: each event is a line for the output's courier. */
void eve_tell_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from);
void eve_tell_summary(struct output *o, const struct summary *s, bool last);
void eve_tell_drift(
	struct output *o, const struct drift_news *news, int64_t at_ns, const struct origin *from);
void eve_tell_block(struct output *o, const struct block_change *c);

enum { EVE_TIME_TEXT = 40 };
/* "2026-11-23T09:10:11.123456+0000", local time. Returns `text`. */
const char *eve_time(int64_t ns, char text[EVE_TIME_TEXT]);

#endif
