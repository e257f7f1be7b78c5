/* Which application protocol a flow speaks, told by its first payload bytes, not by its port. */
#ifndef KARMA_FEATURE_SERVICE_H
#define KARMA_FEATURE_SERVICE_H

#include "feature/dissect.h"

/* "-", "dns", "http" and so on, NULL-terminated: the values of the column `service`. */
extern const char *const service_names[];

/* What is remembered of flows: their names, and which pairs of hosts hold an FTP control
 * connection. Tables of fixed size (0.9 MB): what is new takes the place of what has the same
 * hash; then a flow is named once more, and one cut after 60 s may lose its name. */
struct services;

struct services *services_new(void); /* NULL when memory is short */
void services_free(struct services *s);

/* The name of a record's flow. Where the name is known from a record before a cut, which drops the
 * first payload bytes, it stays. A data connection of FTP is one of two hosts that hold a control
 * connection: its bytes are the file's and say nothing. */
struct naming service_name(struct services *s, const struct record *r);

/* For a record whose name is not wanted: it may be FTP's control connection. */
void service_pass(struct services *s, const struct record *r);

#endif
