/* The options of all commands that meter: which interfaces, how many flows. */
#ifndef KARMA_CMD_METER_OPTIONS_H
#define KARMA_CMD_METER_OPTIONS_H

#include "capture/capture.h"

/* For getopt_long(): options without a letter that several commands share. */
enum { OPT_FLOWS = 512, OPT_EACH_INTERFACE, OPT_OUTER };

struct meter_options {
	struct interface_list interfaces;
	struct meter_settings settings;
};

/* Take an option ('i' or one of the above) with its argument. 0, or an exit status after a line on
 * standard error. `command`: whose it is. */
int meter_option(struct meter_options *o, const char *command, int option, const char *argument);

#endif
