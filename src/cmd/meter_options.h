/* The options of all commands that meter: which interfaces, how many flows, how captures end. */
#ifndef KARMA_CMD_METER_OPTIONS_H
#define KARMA_CMD_METER_OPTIONS_H

#include "capture/capture.h"
#include "capture/inputs.h"

/* For getopt_long(): options without a letter that several commands share. */
enum { OPT_FLOWS = 512, OPT_EACH_INTERFACE, OPT_OUTER, OPT_FOLLOW };

struct meter_options {
	struct interface_list interfaces;
	struct meter_settings settings;
};

/* Take an option ('i' or one of the above) with its argument. 0, or an exit status after a line on
 * standard error. `command`: whose it is. */
int meter_option(struct meter_options *o, const char *command, int option, const char *argument);

/* Does a signal end these captures, as an interface's watch, with all that came before: followed
 * ones, and standard input, which Ctrl-C ends together with whoever writes to it? */
bool meter_is_live(const struct meter_settings *settings, const struct inputs *in);

/* Can these captures be followed, where that was asked for? 0, or a negative errno and the line.
 * Tells on standard error what is being followed. */
int meter_follow(const struct meter_options *o, const char *command, const struct inputs *in,
	struct error *e);

#endif
