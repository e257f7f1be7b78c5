/* What is around this machine that it needs: its own addresses, its gateways, its DNS servers, and
 * those who are logged in. */
#ifndef KARMA_RESPOND_SURROUNDINGS_H
#define KARMA_RESPOND_SURROUNDINGS_H

#include "respond/protected.h"
#include "util/error.h"

/* Add them all, as they are now. What cannot be asked for is left out: a bit for each enum
 * protected_why of which there may be more. */
unsigned surroundings_read(struct protected_list *l);

/* The DNS servers that a file names as resolv.conf does. A file that is not there has none; false:
 * it could not be read. */
bool surroundings_read_dns(struct protected_list *l, const char *path);

/* A netlink socket that is readable when addresses, routes or interfaces have changed, for
 * interface_events_read(). A negative errno and the line where there is none. */
int surroundings_events_open(struct error *e);

#endif
