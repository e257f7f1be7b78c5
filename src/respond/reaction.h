/* What became of an alert, and what became of the block list: for whoever tells people. */
#ifndef KARMA_RESPOND_REACTION_H
#define KARMA_RESPOND_REACTION_H

#include "detect/alert.h"
#include "respond/filter.h"
#include "respond/policy.h"

enum { REACTION_TEXT = 160 };

/* What is done about an alert. */
struct reaction {
	bool blocked;       /* packets of it are dropped: the kernel has the entry, where it came */
	const char *action; /* "block", "limit", "dry-run", "none" */
	char text[REACTION_TEXT]; /* "blocked for 10 min", "not blocked: a gateway" */
};

/* What is to be known beside what the policy answered. */
struct reaction_facts {
	bool here;        /* the program is on the interface that the attack came by */
	uint64_t dropped; /* packets, by the entry */
	uint32_t rate;    /* of a limit */
	int64_t now_ns;   /* the policy's time */
};

void reaction_say(struct reaction *out, const struct alert *a, const struct policy_answer *answer,
	const struct reaction_facts *f);

/* A change of the block list, or of the allow list. Times are since 1970. */
struct block_change {
	enum policy_event event;
	enum policy_why why;
	struct policy_entry entry; /* its times, too, since 1970 */
	uint32_t uid;              /* who did it, where it was a person */
	int64_t at_ns;
	struct filter_counts counts; /* that it had dropped */
};

/* "block", "unblock", "renew", "limit", "unlimit", "allow", "disallow": what a change is. */
const char *block_change_name(const struct block_change *c);

/* "by alert 7hq2x1m4", "by uid 1000", "expired": why. Returns `text`. */
const char *block_change_why(const struct block_change *c, char text[REACTION_TEXT]);

/* "192.0.2.0/24", "10.0.0.1:443/tcp", "[2001:db8::1]:any/tcp" (what opens connections to
 * any port). Returns `text`. */
const char *block_what_text(const struct policy_what *what, char text[REACTION_TEXT]);

/* "10 min", "1 h 30 min", "45 s". Returns `text`. */
const char *block_time_text(int64_t ns, char text[REACTION_TEXT]);

#endif
