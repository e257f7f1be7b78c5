/* What a running karma has for those who attach to it: the live state that they see, and the
 * control socket by which they ask, with the commands of all parts. */
#ifndef KARMA_CMD_ATTEND_H
#define KARMA_CMD_ATTEND_H

#include "cmd/reload.h"
#include "cmd/session.h"
#include "cmd/settings.h"
#include "respond/commands.h"

enum attend_part { ATTEND_DESK, ATTEND_BLOCK, ATTEND_ALLOW, ATTEND_RELOAD, ATTEND_PARTS };

/* What the desk answers; its context is the struct desk. */
enum { DESK_COMMANDS = 3 };
extern const struct control_command desk_commands[DESK_COMMANDS];

struct attend {
	struct session *session;
	const struct live *live;
	struct control *control; /* NULL: there is none */
	struct control_part part[ATTEND_PARTS];
	int64_t started_ns; /* since 1970 */
	uint32_t room;      /* of the flow table */
	const char *block;  /* "off", "dry-run", "on" */
	struct reload *reload;
	struct allow_hand *allow;
	/* Set by the part that knows: */
	const char *web, *token; /* the dashboard's address, the file of its token; NULL: none */
};

/* Begin: the session's desk is kept up from then on. Where the socket cannot be made, a line says
 * so and all else goes on, unless the command line names it, or somebody is to be blocked. 0, or a
 * negative errno and the line. The arguments are kept. */
int attend_open(struct attend *a, struct reload *reload, struct allow_hand *allow,
	struct live *live, struct error *e);

/* Answer those who ask. */
void attend_poll(struct attend *a);

/* Once a second, and at the beginning. */
void attend_tick(struct attend *a, const struct summary *figures);

void attend_close(struct attend *a);

#endif
