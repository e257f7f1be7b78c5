/* The captures that a command line names. */
#ifndef KARMA_CAPTURE_INPUTS_H
#define KARMA_CAPTURE_INPUTS_H

#include <stddef.h>

#include "util/error.h"

struct inputs {
	char **path;
	size_t count;
};

/* Files ("-" too) as they are named; a directory is all *.pcap, *.pcapng and *.cap in it, sorted
 * by name, none of its sub-directories. 0, or a negative errno: a directory that cannot be read or
 * has no capture. The paths are the list's: inputs_free() them, also after an error. */
int inputs_expand(struct inputs *in, char *const *names, size_t count, struct error *e);
void inputs_free(struct inputs *in);

#endif
