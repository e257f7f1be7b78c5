/* What the configuration file sets: one table of its sections and keys. karma.conf(5) has them. */
#ifndef KARMA_CMD_SETTINGS_H
#define KARMA_CMD_SETTINGS_H

#include "control/control.h"
#include "respond/respond.h"
#include "util/error.h"
#include "web/web.h"

enum block_mode { BLOCK_OFF, BLOCK_DRY_RUN, BLOCK_ON };

struct settings {
	enum block_mode block;
	struct respond_settings respond;
	char socket[CONTROL_PATH_ROOM];
	char group[64];          /* of the socket; "": root's alone */
	struct web_settings web; /* listen: or "off" */
};

void settings_defaults(struct settings *s);

/* Read a file over them: `path`, or where that is NULL the usual one if it is there:
 * PREFIX/etc/karma/karma.conf, else /etc/karma/karma.conf. 0, or a negative errno and the line. */
int settings_read(struct settings *s, const char *path, struct error *e);

#endif
