/* Acting upon alerts, for `karma run`: what responds and whom a person has allowed, as the settings
 * say. */
#ifndef KARMA_CMD_BLOCKING_H
#define KARMA_CMD_BLOCKING_H

#include "cmd/session.h"
#include "cmd/settings.h"
#include "respond/commands.h"

struct blocking {
	struct session *session;
	struct allowed *allowed; /* a person's part of the allow list */
	struct allow_hand hand;
};

/* Begin: the allow list is at hand from then on, and, when the settings say so, session->respond
 * acts upon alerts; else it stays NULL. 0, or a negative errno and the line; then blocking_close()
 * with `undo`. The arguments are kept. */
int blocking_open(struct blocking *b, const struct settings *s,
	const struct interface_list *interfaces, struct session *session, struct error *e);

/* Do what is due. */
void blocking_poll(struct blocking *b);

/* End it; `undo`: since the start failed further on. All 0 is fine. */
void blocking_close(struct blocking *b, bool undo);

#endif
