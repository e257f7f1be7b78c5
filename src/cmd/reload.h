/* Taking up the configuration anew while karma runs: all of it that can be, or, where anything of
 * it is wrong, nothing. */
#ifndef KARMA_CMD_RELOAD_H
#define KARMA_CMD_RELOAD_H

#include "cmd/session.h"
#include "cmd/settings.h"

struct reload {
	int argc; /* the command line, which goes before the file */
	char **argv;
	struct settings *settings; /* that hold */
	struct session *session;
	int64_t at_ns; /* the last time that it was done; 0: never */
};

/* Read the configuration, the model and the profile, and let them hold from the next record on;
 * reopen the files of outputs. Not to be called while a record is being judged. What came of it is
 * said on standard error and to the service manager, and is an answer for the control socket:
 *
 *   {"ok": true, "changed": ["model.file"], "reopened": ["eve.json"], "restart": ["watch.flows"]}
 *   {"ok": false, "error": "why nothing has changed"} */
json_t *reload(struct reload *r);

/* What came of it, as lines for people. `answer` is kept. */
void reload_print(const json_t *answer, const char *before, FILE *out);

#endif
