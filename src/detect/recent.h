/* The latest records that spoke against somebody, whether an alert came of them or not yet: when
 * one does, the flows that led to it are found here. */
#ifndef KARMA_DETECT_RECENT_H
#define KARMA_DETECT_RECENT_H

#include "detect/alert.h"

enum { RECENT_FLOWS = 4096 };

struct recent;

/* NULL when memory is short. */
struct recent *recent_new(void);
void recent_free(struct recent *r);

/* Take one in, in the place of the oldest. `at_target`: it counts against the other end, too. */
void recent_add(struct recent *r, const struct alert_flow *f, bool at_target);

/* Those behind an alert, oldest first, from `since_ns` on: of its attacker, or, of many, against
 * their target. */
typedef void (*recent_call)(void *context, const struct alert_flow *f);
void recent_each(const struct recent *r, const struct alert *a, int64_t since_ns, recent_call call,
	void *context);

#endif
