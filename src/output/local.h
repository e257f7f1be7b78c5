/* Messages to whoever listens at a unix socket: as a stream or as datagrams, as he has it. Karma is
 * the client; it connects again when he was away. */
#ifndef KARMA_OUTPUT_LOCAL_H
#define KARMA_OUTPUT_LOCAL_H

#include "output/output.h"

/* The courier of an output whose messages go to the socket at `path`; `datagrams`: what is likelier
 * to listen there, and tried first. That nobody listens yet is no failure. 0, or a negative errno
 * and the line. */
int local_open(struct output *o, const char *path, bool datagrams, struct error *e);

#endif
