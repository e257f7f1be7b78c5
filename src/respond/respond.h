/* What is done about alerts: the policy decides, the filter drops, and who must not be cut off is
 * looked after. Called on the way of an alert, so that a block is in force before the alert is told
 * of; nothing here waits. */
#ifndef KARMA_RESPOND_H
#define KARMA_RESPOND_H

#include "capture/interface.h"
#include "detect/alert.h"
#include "respond/allowed.h"
#include "respond/prefix.h"
#include "respond/reaction.h"
#include "util/error.h"

enum { RESPOND_ALLOWED = 1024, RESPOND_MACS = 256, RESPOND_PATH = 256 };

struct respond_settings {
	struct policy_settings policy; /* dry_run: there is no filter either */
	bool keep;                     /* pin the list, so that it stays when karma goes */
	char pin[RESPOND_PATH];        /* where, in a bpffs */
	struct prefix allow[RESPOND_ALLOWED];
	uint32_t allows;
	uint8_t mac[RESPOND_MACS][6]; /* hardware addresses that are never dropped */
	uint32_t macs;
};

/* policy_defaults, nothing kept, nobody allowed. */
void respond_defaults(struct respond_settings *s);

struct respond_calls {
	void (*change)(void *context, const struct block_change *c); /* of the list */
	void (*tell)(void *context, const char *line);               /* what a person must know */
	void *context;
};

struct respond;

/* Load the filter, put it on the interfaces, take over what is pinned there. 0, or a negative errno
 * and the line. `s`, `allowed` (a person's part of the allow list; NULL: there is none) and
 * `interfaces` are kept. */
int respond_open(struct respond **r, const struct respond_settings *s,
	const struct allowed *allowed, const struct interface_list *interfaces,
	const struct respond_calls *calls, struct error *e);

/* The settings that it was opened with have changed: their policy, but for `entries`, `limits` and
 * `dry_run`, and who is allowed hold from now on. Who is allowed now leaves the list. */
void respond_change(struct respond *r);

/* Hand on what has changed; then the filter goes, but for what is to be kept. NULL is fine. */
void respond_close(struct respond *r);

/* The same of a start that failed further on: what was kept before stays, and nothing else. */
void respond_undo(struct respond *r);

/* ---- alerts ---- */

/* An alert is about to be told of, or has ended: do something about it. respond_tell() it then. */
void respond_alert(
	struct respond *r, const struct alert *a, enum alert_stage stage, struct reaction *out);

/* A record is put behind an alert: it may be enough now. */
void respond_flow(struct respond *r, const struct alert *a);

/* Hand on what has changed. */
void respond_tell(struct respond *r);

/* ---- time ---- */

/* End and renew what is due, follow addresses, routes, sessions and interfaces. Cheap when there is
 * nothing to do. */
void respond_poll(struct respond *r);

/* ---- a person ---- */

/* The allow list has changed: it holds from now on. */
void respond_allow(struct respond *r);

/* The list, to look at and for what a person asks of it; respond_poll() tells of what has changed.
 */
struct policy *respond_policy(struct respond *r);

/* Time of the policy, and a time of it as one since 1970. */
int64_t respond_now(void);
int64_t respond_wall(int64_t ns);

/* What an entry has dropped so far. */
struct filter_counts respond_counts(const struct respond *r, const struct policy_entry *e);

/* What drops, for its benchmark; NULL in a dry run. */
const struct filter *respond_filter(const struct respond *r);

struct respond_stats {
	struct policy_stats policy;
	struct filter_stats filter; /* 0 without a filter */
	uint32_t is_protected;      /* prefixes */
	uint64_t protected_lost;    /* looks so far that did not find all, or had no room for all */
	const char *attached; /* "native", "generic" if one of the interfaces is that, "": none */
};

/* Figures so far; where the filter's cannot be had, as they were the last time: they never fall. */
void respond_stats(struct respond *r, struct respond_stats *s);

#endif
