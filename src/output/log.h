/* Lines at the end of a file, or of standard output. A line is one write, so that a reader that
 * follows the file never sees half of one, and the file can be rotated: moved away and opened again
 * by its name. */
#ifndef KARMA_OUTPUT_LOG_H
#define KARMA_OUTPUT_LOG_H

#include "output/output.h"

/* The courier of an output whose lines go to `path`; "-": to standard output. Of a live one, what
 * cannot be written now is tried again, within the bounds of its queue. 0, or a negative errno and
 * the line. */
int log_open(struct output *o, const char *path, struct error *e);

#endif
