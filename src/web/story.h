/* Alerts as the dashboard has them, and the files that a person may take away. */
#ifndef KARMA_WEB_STORY_H
#define KARMA_WEB_STORY_H

#include "web/inside.h"

/* What a list shows of an alert's event; the event stays the caller's. */
json_t *story_line(const json_t *event);

/* Of an event what a list shows, in the event's own form. */
json_t *story_brief(const json_t *event);

/* A history_each_alert; `list` is an array of such lines. */
void story_add(void *list, const struct history_entry *entry);

/* The same, each before the ones that came before: a search hands out its page from its end. */
void story_add_first(void *list, const struct history_entry *entry);

/* A history_each_tally. */
void tally_add(void *list, const struct history_tally *t);

struct reply get_alert(struct request *r);
struct reply get_flows(struct request *r);
struct reply get_capture(struct request *r);

/* A field of CSV, quoted where it has to be; what a spreadsheet would take for a formula becomes
 * text. */
void csv_field(FILE *to, const char *text, char end);

#endif
