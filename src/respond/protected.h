/* Who is never blocked, and why: a list of prefixes, each with a reason. */
#ifndef KARMA_RESPOND_PROTECTED_H
#define KARMA_RESPOND_PROTECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "respond/prefix.h"

enum protected_why {
	PROTECTED_OWN,
	PROTECTED_GATEWAY,
	PROTECTED_DNS,
	PROTECTED_SESSION,
	PROTECTED_ALLOWED,
	PROTECTED_LOOPBACK,
	PROTECTED_MULTICAST,
	PROTECTED_BROADCAST,
	PROTECTED_UNSPECIFIED,
};

/* "a gateway", "on the allow list": what it is. */
const char *protected_text(enum protected_why why);

struct protected_one {
	struct prefix what;
	enum protected_why why;
	int64_t found_ns; /* when it was so for the last time */
};

/* More than any machine has: what does not fit is counted. */
enum { PROTECTED_MOST = 8192 };

struct protected_list {
	struct protected_one *one;
	uint32_t count, room;
	int64_t at_ns; /* when what is added was found */
	uint64_t lost; /* no memory, or more than PROTECTED_MOST */
};

/* Those that are the same everywhere: loopback, multicast, broadcast, unspecified. */
void protected_add_fixed(struct protected_list *l);

/* Add one; one that is there already with any reason is not added. */
void protected_add(
	struct protected_list *l, const uint8_t addr[16], unsigned bits, enum protected_why why);

/* What an earlier list had of the kinds that could not be looked up for this one (a bit for each
 * enum protected_why) may still be so: add it, but for what was found last longer ago than
 * protected_kept_ns. */
void protected_keep(struct protected_list *l, const struct protected_list *before, unsigned kinds);

/* Who was logged in long ago has no right to attack for ever. */
extern const int64_t protected_kept_ns;

/* The reason why a prefix is never blocked, which is that of any address in it; NULL: it may be. */
const char *protected_find(const struct protected_list *l, const uint8_t addr[16], unsigned bits);

/* Have both the same entries, in whatever order? */
bool protected_same(const struct protected_list *a, const struct protected_list *b);

void protected_free(struct protected_list *l);

#endif
