/* The history as it is read, also while it is written. Whatever is found is read to its end before
 * anything is handed out: a reader that waits for its own output keeps nobody from tidying the
 * file. */
#ifndef KARMA_OUTPUT_HISTORY_READ_H
#define KARMA_OUTPUT_HISTORY_READ_H

#include <jansson.h>

#include "output/history.h"

struct history_reader;

/* A file of an older version is made this version's, where it may be written. 0, or a negative
 * errno and the line. */
int history_reader_open(struct history_reader **r, const char *path, struct error *e);
void history_reader_close(struct history_reader *r);

/* Why nothing new is written there: "the disk is full", "the disk is read-only"; NULL: nothing says
 * so. */
const char *history_reader_trouble(const struct history_reader *r);

/* ---- alerts ---- */

enum history_mark { MARK_NONE, MARK_ACK, MARK_FALSE };

/* An alert of the history: as EVE has it when it was shown last. In its object "karma" what the
 * history knows stands, too: "mark" ("ack", "false"), "model", "ended". */
struct history_entry {
	json_t *event;
	int64_t number;
	enum history_mark mark;
	bool ended;
	uint64_t flows_left_out; /* that were told of and are not kept */
};

enum { HISTORY_WORDS = 8 };

enum history_order {
	ORDER_FIRST,
	ORDER_LAST,
	ORDER_CLASS,
	ORDER_CONFIDENCE,
	ORDER_ATTACKER,
	ORDER_TARGET,
	ORDER_FLOWS,
	HISTORY_ORDERS,
};

/* Which alerts: all that is set must be so. */
struct history_query {
	int64_t since_ns, until_ns; /* that were going on then; 0: no end */
	bool has_range;
	uint8_t low[16], high[16]; /* a party's address is in it */
	int class;                 /* enum karma_class, or -1 */
	int mark;                  /* enum history_mark, or -1 */
	double confidence;         /* or more */
	const char *
		word[HISTORY_WORDS]; /* each stands in its class, technique, reasons, place or id */
	unsigned words;
	uint64_t limit; /* the latest so many; 0: all */
	/* A page of a sorted list: the first of `order` come last, as the latest ones do. */
	enum history_order order;
	bool ascending;
	uint64_t skip;
};

/* "none", "ack", "false". */
const char *history_mark_name(enum history_mark mark);

/* A query's values as a person writes them; false: something else. A mark by its name; a class of
 * attacks; "0.9" or "90%"; words with blanks between, up to HISTORY_WORDS, in a text shorter than
 * `room`, into which q->word points then. */
enum { HISTORY_WORDS_ROOM = 256 };
bool history_mark_parse(const char *text, int *mark);
bool history_class_parse(const char *text, int *class);
bool history_share_parse(const char *text, double *share);
bool history_words_parse(const char *text, struct history_query *q, char room[HISTORY_WORDS_ROOM]);

/* "10.0.0.9", "10.0.0.0/24", "2001:db8::/32": the first and the last address. */
bool history_range(const char *text, uint8_t low[16], uint8_t high[16]);

/* Each alert, in the order of their first records; `left_out`: how many older ones the limit keeps
 * back; may be NULL. 0, or a negative errno and the line. */
typedef void (*history_each_alert)(void *context, const struct history_entry *entry);
int history_search(struct history_reader *r, const struct history_query *q, history_each_alert call,
	void *context, uint64_t *left_out, struct error *e);

/* How many there are in all, whatever the limit. */
uint64_t history_count(struct history_reader *r, const struct history_query *q);

/* One of them: to be released by json_decref(entry->event). -ENOENT: there is none of that id. */
int history_find(
	struct history_reader *r, const char *id, struct history_entry *entry, struct error *e);

/* The flows behind it that are kept, in the order of their latest records. The features are those
 * of `form` (feature/pack.h), "" where there are none. */
typedef void (*history_each_flow)(
	void *context, const struct alert_flow *f, const char *form, unsigned count);
int history_flows(struct history_reader *r, const char *id, history_each_flow call, void *context,
	struct error *e);

/* How many alerts gave way to later ones since the file was made. */
uint64_t history_removed(struct history_reader *r);

/* The alert itself as a party of mutes: its attacker, or the target of many. False: neither. */
bool history_party(const struct history_entry *entry, uint8_t party[16], bool *attacks);

/* ---- summaries ---- */

struct history_host {
	uint8_t addr[16];
	int64_t first_ns, last_ns;
	uint64_t flows[2],
		bytes[2]; /* answered flows: begun by it, towards it; bytes from it, to it */
	double suspicion; /* the most that was held against it */
	int64_t suspect_ns;
	uint64_t attacks, attacked; /* alerts in which it attacks, is a target */
};

/* Those seen since then, most suspicious first; q's time, range and limit. */
typedef void (*history_each_host)(void *context, const struct history_host *h);
int history_hosts(struct history_reader *r, const struct history_query *q, history_each_host call,
	void *context, struct error *e);

struct history_minute {
	int64_t minute; /* since 1970 */
	double seconds; /* of it that were watched */
	uint64_t packets, bytes, flows, records, alerts, lost, hosts, open;
};

/* In their order; q's time and limit, of which the latest. */
typedef void (*history_each_minute)(void *context, const struct history_minute *m);
int history_minutes(struct history_reader *r, const struct history_query *q,
	history_each_minute call, void *context, struct error *e);

/* A change of the block list: as EVE has it; to be kept by json_incref(). */
typedef void (*history_each_block)(void *context, json_t *event);
/* In their order; q's time, range and limit, of which the latest. */
int history_blocks(struct history_reader *r, const struct history_query *q, history_each_block call,
	void *context, struct error *e);

/* What became of the alerts of a model here, those that gave way included. */
struct history_card {
	const char *model; /* its id; "": not known */
	const char *class;
	uint64_t alerts, attacks, mistakes; /* all, marked as attacks, as false alarms */
	double seconds;                     /* that this model watched */
};

typedef void (*history_each_card)(void *context, const struct history_card *c);
int history_cards(struct history_reader *r, history_each_card call, void *context, struct error *e);

/* So many of something. */
struct history_tally {
	const char *name; /* a class, an address, a service; "" */
	int64_t at_s;     /* the beginning of a step; the last time */
	uint64_t count, bytes;
};

typedef void (*history_each_tally)(void *context, const struct history_tally *t);

/* Alerts by class, in steps of `step_s`; q's time. */
int history_alerts_over_time(struct history_reader *r, const struct history_query *q,
	int64_t step_s, history_each_tally call, void *context, struct error *e);

/* Who attacks, or is attacked, in most alerts; q's time and limit. */
int history_parties(struct history_reader *r, const struct history_query *q, bool attacks,
	history_each_tally call, void *context, struct error *e);

/* An alert of a host's, from its first record to its last. */
struct history_spell {
	bool attacks; /* else it is a target */
	int64_t first_ns, last_ns;
	double confidence;
};

/* Each of them, of a host (q's range, of one address); q's time. */
typedef void (*history_each_spell)(void *context, const struct history_spell *s);
int history_spells(struct history_reader *r, const struct history_query *q, history_each_spell call,
	void *context, struct error *e);

/* With whom, or by which services, a host (q's range, of one address) had most of the flows that
 * are kept; q's limit. */
int history_peers(struct history_reader *r, const struct history_query *q, bool services,
	history_each_tally call, void *context, struct error *e);

/* The minutes together in steps; `minute` is the step's first. The most that were open, and of
 * hosts, the sums of the others; q's time. */
int history_minutes_together(struct history_reader *r, const struct history_query *q,
	int64_t step_s, history_each_minute call, void *context, struct error *e);

/* Mutes that are not over, up to HISTORY_MUTES. */
int history_mutes(struct history_reader *r, struct mute mute[HISTORY_MUTES], unsigned *count,
	struct error *e);

/* ---- what a person says of alerts ---- */

/* Mark an alert; MARK_NONE takes its mark away. -ENOENT: there is none of that id. */
int history_mark(const char *path, const char *id, enum history_mark mark, struct error *e);

/* What a mute of an alert by its id is for: its party, and its class. */
int history_mute_of(const char *path, const char *id, struct mute *m, struct error *e);

/* Add a mute in the place of others that are for the same; or end all whose range is that one's. */
int history_mute(const char *path, const struct mute *m, struct error *e);
int history_unmute(const char *path, const uint8_t low[16], const uint8_t high[16], unsigned *count,
	struct error *e);

#endif
