/* Kinds of traffic, for what is set or counted apart for each: a flow's application protocol as the
 * network is told it, and where that is not known, its protocol. */
#ifndef KARMA_DETECT_TRAFFIC_H
#define KARMA_DETECT_TRAFFIC_H

#include "feature/dissect.h"

/* The services, as enum service numbers them, and the protocols behind them. */
enum traffic {
	TRAFFIC_OTHER = SERVICE_NONE,
	TRAFFIC_TCP = SERVICES,
	TRAFFIC_UDP,
	TRAFFIC_ICMP,
	TRAFFICS,
};

enum traffic traffic_of(const struct record *r, enum service service);

/* "dns", "ssh", "tcp", "other"; and back, -1 when there is none. */
const char *traffic_name(enum traffic t);
int traffic_find(const char *name);

#endif
