/* What `karma run --block` adds: whoever acts upon alerts, and the socket by which people reach it.
 */
#ifndef KARMA_CMD_BLOCKING_H
#define KARMA_CMD_BLOCKING_H

#include "capture/capture.h"
#include "cmd/session.h"
#include "cmd/settings.h"
#include "respond/commands.h"

struct blocking {
	struct respond *respond; /* NULL: nothing is blocked, and all else here does nothing */
	struct control *control;
	struct allowed *allowed; /* a person's part of the allow list */
	struct allow_hand hand;
	struct session *session;
};

/* Begin, when the settings say so: the session's alerts are acted upon from then on. 0, or a
 * negative errno and the line. The arguments are kept. */
int blocking_open(struct blocking *b, const struct settings *s,
	const struct interface_list *interfaces, struct session *session, struct live *live,
	struct error *e);

/* Do what is due. */
void blocking_poll(struct blocking *b);

void blocking_close(struct blocking *b, struct session *session);

#endif
