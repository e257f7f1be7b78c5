/* What `karma run` is told: one table of the configuration's sections and keys, which the options
 * of the command line set as well. karma.conf(5) has them. A new key is a row of the table in
 * settings.c, a paragraph in docs/man/karma.conf.5 and a line in docs/karma.conf; where it has an
 * option, a row in run_options.c. */
#ifndef KARMA_CMD_SETTINGS_H
#define KARMA_CMD_SETTINGS_H

#include "cmd/meter_options.h"
#include "cmd/session.h"
#include "control/control.h"
#include "respond/respond.h"
#include "util/config.h"
#include "util/error.h"
#include "web/web.h"

enum block_mode { BLOCK_OFF, BLOCK_DRY_RUN, BLOCK_ON };

enum {
	SETTINGS_PATH = 4096,
	SETTINGS_NAME = 64,
	SETTINGS_KEYS = 128, /* room for those of the table */
};

struct settings {
	/* [watch] */
	struct meter_options meter; /* no interface: that of the default route */
	/* [model] */
	char model[SETTINGS_PATH];   /* "": the bundled one */
	char profile[SETTINGS_PATH]; /* "": none */
	enum sensitivity sensitivity;
	char kernel[SETTINGS_NAME];
	/* [history] */
	char history[SETTINGS_PATH]; /* "": in the state directory */
	bool no_history;
	int64_t history_age_ns;
	uint64_t history_size;
	/* [output] */
	char eve[SETTINGS_PATH]; /* "": none, as all of these */
	char eve_socket[SETTINGS_PATH];
	char notify[SETTINGS_PATH], webhook[SETTINGS_PATH];
	char pcap_dir[SETTINGS_PATH];
	bool syslog, journald;
	bool json;
	/* [block], [policy] */
	enum block_mode block;
	struct respond_settings respond;
	/* [control] */
	char socket[CONTROL_PATH_ROOM];
	char group[SETTINGS_NAME]; /* of the socket; "": root's alone */
	/* [web] */
	struct web_settings web; /* listen: or "off" */

	char file[SETTINGS_PATH]; /* that was read; "": none */
	int from[SETTINGS_KEYS];  /* where each key's value comes from: util/config.h */
};

void settings_defaults(struct settings *s);

/* Read a file over them: `path`, or where that is NULL the usual one if it is there:
 * PREFIX/etc/karma/karma.conf, else /etc/karma/karma.conf. 0, or a negative errno and the line. */
int settings_read(struct settings *s, const char *path, struct error *e);

/* The table, filling `s`. */
struct config settings_config(struct settings *s);

/* When all is read: what contradicts itself. 0, or a negative errno and the line. */
int settings_finish(struct settings *s, struct error *e);

/* The part that a session is opened with; it points into `s`. */
void settings_session(const struct settings *s, struct session_options *o);

/* ---- types of values that only these have ---- */

extern const struct config_type settings_interfaces;  /* struct interface_list */
extern const struct config_type settings_sensitivity; /* enum sensitivity */
extern const struct config_type settings_kernel;      /* char[SETTINGS_NAME] */
extern const struct config_type settings_allow;       /* struct respond_settings */
extern const struct config_type settings_rule;        /* struct policy_rule */

#endif
