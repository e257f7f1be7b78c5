/* What respond.c and respond_alert.c share. */
#ifndef KARMA_RESPOND_RESPOND_INSIDE_H
#define KARMA_RESPOND_RESPOND_INSIDE_H

#include "detect/lru.h"
#include "respond/protected.h"
#include "respond/respond.h"

enum { RESPOND_QUEUE = 64 }; /* changes that were not told yet */

/* What is known of an attacker. */
struct suspect {
	bool proven;     /* policy_case */
	uint64_t places; /* a bit for each port and host that it looked at, by their hash */
	int64_t last_ns;
};

/* What is known of an alert that has not ended. */
struct pending {
	bool shown;                /* it has been told of */
	bool waits;                /* for more confidence, or more places looked at */
	struct policy_answer last; /* its entry is `what` */
	struct policy_what what;
};

struct respond {
	const struct respond_settings *s;
	const struct allowed *allowed; /* NULL: none */
	struct respond_calls calls;
	struct policy *policy;
	struct filter *filter;        /* NULL: dry run */
	struct filter_stats filtered; /* its figures, when they could be had last */
	struct lru *pending;          /* by alert id */
	struct lru *suspects;         /* by address */
	struct protected_list list;
	int events; /* netlink */
	bool moved; /* addresses, routes or interfaces have */
	bool allow_failed;
	int64_t looked_ns, look_next_ns, ticked_ns;
	const struct interface_list *interfaces;
	int attached[INTERFACES_MAX];     /* ifindex, 0: it is not there */
	const char *mode[INTERFACES_MAX]; /* of those attached */
	int refused[INTERFACES_MAX];      /* the same, where it was told that it does not go */
	struct block_change queue[RESPOND_QUEUE];
	unsigned queued;
	bool kept_before; /* an earlier karma's list was there */
	uint64_t lost;    /* looks at who is protected that did not find all, or had no room */
	bool lost_told;
};

#endif
