/* Whom to stop, for how long, and whom not: decisions alone. Time is passed in, the list is what
 * the caller was told to enforce, and nothing here knows of a kernel or a clock.
 *
 * An address is blocked, or, where the source may be forged, what comes to a port is limited. An
 * entry ends by itself; one whose packets still come when it would is renewed, for twice as long.
 * Bounded: entries, new ones a minute, and what is remembered of entries that were. */
#ifndef KARMA_RESPOND_POLICY_H
#define KARMA_RESPOND_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "feature/feature.h"
#include "respond/filter.h"

enum policy_action { POLICY_OFF, POLICY_DRY_RUN, POLICY_BLOCK };

struct policy_rule {
	enum policy_action action;
	float confidence; /* that an alert needs */
	int64_t first_ns; /* how long at first; doubled with each repeat */
};

enum { POLICY_ENTRIES_MOST = 100000 };

struct policy_settings {
	struct policy_rule rule[CLASSES];
	bool dry_run;         /* no rule goes further than that */
	int64_t longest_ns;   /* of an entry */
	int64_t memory_ns;    /* an entry that ended longer ago is no repeat */
	int64_t probation_ns; /* at its end, in which packets show that it still attacks */
	uint32_t entries;     /* most at a time, 1 to POLICY_ENTRIES_MOST */
	uint32_t new_a_minute;
	uint32_t limits;      /* most at a time, among the entries */
	uint32_t rate, burst; /* of a limit: packets a second, packets */
	uint32_t net4, net6;  /* so many hosts of a /24, a /64, are blocked as one; 0: never */
};

extern const struct policy_settings policy_defaults;

/* ---- entries ---- */

enum policy_kind { POLICY_ADDRESS, POLICY_PORT };

/* What an entry is about: packets from a prefix, or packets to a port, or to the ports of a host
 * that open connections. No bytes between. */
struct policy_what {
	uint8_t addr[16]; /* bits behind the prefix are 0 */
	uint8_t bits;     /* POLICY_PORT: 128 */
	uint8_t kind;     /* enum policy_kind */
	uint8_t proto;    /* POLICY_PORT alone, as the port */
	uint8_t opens;    /* 1: what opens connections, to any port; port 0 */
	uint16_t port;    /* host order; 0: what has none */
	uint16_t zeros;
};

enum policy_by { POLICY_BY_ALERT, POLICY_BY_PERSON };

struct policy_entry {
	struct policy_what what;
	uint64_t number;            /* in the order in which entries came */
	int64_t since_ns, until_ns; /* until 0: for ever */
	uint64_t alert;             /* id; 0: by hand */
	enum karma_class class;
	enum policy_by by;
	uint32_t uid;   /* of the person */
	uint16_t times; /* how often before */
	bool dry;       /* said, not done */
	bool proven;    /* it is no forged address that alerts put in */
	bool watched;   /* its probation has begun, when it had dropped `seen` packets */
	uint64_t seen;
};

/* The policy's own; then a person's changes of the allow list, which are told of in the same way.
 */
enum policy_event { POLICY_ADD, POLICY_RENEW, POLICY_REMOVE, POLICY_ALLOW, POLICY_DISALLOW };

enum policy_why {
	POLICY_WHY_ALERT,     /* added */
	POLICY_WHY_PERSON,    /* added, or removed, by hand */
	POLICY_WHY_TAKEN,     /* added: it was in the kernel when karma began */
	POLICY_WHY_MANY,      /* added: many of its hosts attack; removed: its net is blocked */
	POLICY_WHY_ATTACKING, /* renewed: it still attacks */
	POLICY_WHY_EXPIRED,   /* removed */
	POLICY_WHY_PROTECTED, /* removed: it is protected by now */
};

/* What the policy asks and tells. `uid` is that of the person who removed an entry. */
struct policy_calls {
	/* Why a prefix is never blocked, a host or a part of it: "a gateway"; NULL: it may be. */
	const char *(*protects)(void *context, const struct policy_what *what);
	/* Make it so. Only POLICY_ADD may fail, with -ENOSPC or so: then the entry is not there. */
	int (*change)(void *context, const struct policy_entry *e, enum policy_event event,
		enum policy_why why, uint32_t uid);
	/* Packets that an entry has dropped so far. */
	uint64_t (*packets)(void *context, const struct policy_entry *e);
	void *context;
};

struct policy;

/* NULL when memory is short. */
struct policy *policy_new(const struct policy_settings *s, const struct policy_calls *calls);
void policy_free(struct policy *p);

/* Other settings from now on, for what comes: entries stay as they are. How many entries and limits
 * there may be, and dry_run, do not change. */
void policy_change(struct policy *p, const struct policy_settings *s);

/* ---- alerts ---- */

/* What an alert says. */
struct policy_case {
	uint64_t alert;
	enum karma_class class;
	float confidence;
	bool many; /* sources that are many or forged: attacker means nothing */
	/* The attacker's address is its own: a target answered it with data over TCP, which takes
	 * the number that only who sits there was told. */
	bool proven;
	uint8_t attacker[16], target[16];
	uint8_t proto;
	uint16_t port; /* of the target's side */
	uint64_t ports, targets;
};

enum policy_verdict {
	/* There is an entry, new or not. */
	POLICY_BLOCKED,
	POLICY_WOULD, /* dry-run */
	/* There is none. */
	POLICY_IS_OFF,    /* for this class */
	POLICY_UNSURE,    /* less confident than the rule asks for */
	POLICY_FORGED,    /* the source may be, and there is no port to limit */
	POLICY_PROTECTED, /* `why` says what it is */
	POLICY_VICTIM,    /* its target attacks it, and did first */
	POLICY_PARDONED,  /* a person removed it lately */
	POLICY_FAST,      /* too many new ones this minute */
	POLICY_FULL,
};

struct policy_answer {
	enum policy_verdict verdict;
	bool fresh;                       /* the entry is new, or was made to be more */
	const struct policy_entry *entry; /* until the next call; NULL: none */
	const char *why;                  /* of POLICY_PROTECTED */
};

/* An alert has arisen, or has more to say. */
struct policy_answer policy_alert(struct policy *p, const struct policy_case *c, int64_t now_ns);

/* ---- a person ---- */

/* Add an entry for an address or prefix, or make one that is there a person's, for so long (0: for
 * ever). `dry`: only answer what would be. POLICY_BLOCKED, POLICY_WOULD, POLICY_PROTECTED or
 * POLICY_FULL. */
struct policy_answer policy_add(struct policy *p, const struct policy_what *what, int64_t for_ns,
	uint32_t uid, bool dry, int64_t now_ns);

/* Remove an entry. What alerts put there comes not back for as long as it would at first have
 * been blocked. -ENOENT: there is none of just this prefix, port and kind. */
int policy_del(struct policy *p, const struct policy_what *what, uint32_t uid, int64_t now_ns);

/* Remove all. Returns how many. */
uint32_t policy_flush(struct policy *p, uint32_t uid, int64_t now_ns);

/* ---- time ---- */

/* End and renew what is due; once a second. */
void policy_tick(struct policy *p, int64_t now_ns);

/* Who is protected has changed: remove who is now. */
void policy_recheck(struct policy *p, int64_t now_ns);

/* An entry of the kernel's list at the start. One that should have ended is on probation from now
 * on. -EPERM: it is protected; -ENOSPC: full, -EINVAL: it is none. */
int policy_take(struct policy *p, const struct policy_entry *e, int64_t now_ns);

/* ---- looking ---- */

/* The entry, of this or a wider prefix, that concerns an address: one in force, if there is one;
 * NULL: none. */
const struct policy_entry *policy_find(const struct policy *p, const uint8_t addr[16]);

/* The entry of just this; NULL: none. */
const struct policy_entry *policy_get(const struct policy *p, const struct policy_what *what);

/* The next entry after the one of this number, in the order in which they came; NULL: no more. */
const struct policy_entry *policy_next(const struct policy *p, uint64_t number);

/* The one that came after it; NULL: it is the last. */
const struct policy_entry *policy_after(const struct policy *p, const struct policy_entry *e);

struct policy_stats {
	uint32_t entries, limits, dry;    /* now; limits and dry are among them */
	uint64_t added, renewed, removed; /* so far */
	/* Entries that an alert, once for each of them, or a person asked for and did not get. */
	uint64_t refused_fast, refused_full, refused_protected;
};

void policy_stats(const struct policy *p, struct policy_stats *s);

#endif
