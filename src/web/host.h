/* Hosts as the dashboard has them. */
#ifndef KARMA_WEB_HOST_H
#define KARMA_WEB_HOST_H

#include "web/inside.h"

/* What is remembered of a host, its peers, services, alerts and mutes; its suspicion in the last
 * hour. */
struct reply get_host(struct request *r);

/* How sure the surest alert of a host was, step by step of a range of time. */
struct reply get_suspicion(struct request *r);

/* All mutes. */
struct reply get_mutes(struct request *r);

#endif
