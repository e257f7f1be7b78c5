/* The command line of `karma run`: a table of options, each of which sets a key of the
 * configuration. */
#ifndef KARMA_CMD_RUN_OPTIONS_H
#define KARMA_CMD_RUN_OPTIONS_H

#include "cmd/settings.h"

/* The defaults, over them the file, over it the command line. May be called again, when the file
 * has changed. 0; an exit status, after a line on standard error: wrong usage; or a negative errno
 * and the line. */
int run_settings(int argc, char **argv, struct settings *s, struct error *e);

#endif
