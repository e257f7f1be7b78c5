/* karma history: what its files share. */
#ifndef KARMA_CMD_HISTORY_H
#define KARMA_CMD_HISTORY_H

#include "output/eve.h"
#include "output/history_read.h"

enum history_form { FORM_TABLE, FORM_JSON, FORM_CSV };

/* ---- what EVE says, in words ---- */

/* "" or 0 where there is none. */
const char *event_text(const json_t *o, const char *key);
uint64_t event_count(const json_t *o, const char *key);

/* "2026-11-23 09:10:11.123456" of EVE's text. */
const char *event_time(const json_t *o, const char *key, char text[EVE_TIME_TEXT]);

/* "10.0.0.9" or "12 hosts"; "10.0.0.2 and 3 others". */
const char *event_who(const json_t *event, char text[64]);
const char *event_whom(const json_t *event, char text[128]);

/* Print "621 flows to 1,000 ports in 1.3 s, 994 refused", without a line end. */
void event_print_count(const json_t *event);

/* "10.0.0.9", "10.0.0.0/24". Returns `text`. */
enum { RANGE_TEXT = ADDR_TEXT + 8 };
const char *mute_range(const struct mute *m, char text[RANGE_TEXT]);

/* "ack", "false alarm", "": of an alert's line. */
const char *mark_words(enum history_mark mark);

/* ---- what is printed ---- each returns 0, or a negative errno and the line */

int history_print_alerts(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e);
int history_print_hosts(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e);
int history_print_minutes(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e);
int history_print_blocks(struct history_reader *r, const struct history_query *q,
	enum history_form form, struct error *e);
int history_print_card(struct history_reader *r, enum history_form form, struct error *e);
int history_print_mutes(struct history_reader *r, enum history_form form, struct error *e);

/* The whole story of an alert. */
int history_show(struct history_reader *r, const char *id, bool json, struct error *e);

/* Rows to train on, of the flows of marked alerts, as CSV. */
int history_export(
	struct history_reader *r, const struct history_query *q, const char *path, struct error *e);

#endif
