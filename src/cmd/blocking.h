/* What `karma run --block` adds: whoever acts upon alerts. */
#ifndef KARMA_CMD_BLOCKING_H
#define KARMA_CMD_BLOCKING_H

#include "cmd/session.h"
#include "cmd/settings.h"

/* Begin, when the settings say so: session->respond acts upon alerts from then on; else it stays
 * NULL, and all else here does nothing. 0, or a negative errno and the line. The arguments are
 * kept. */
int blocking_open(const struct settings *s, const struct interface_list *interfaces,
	struct session *session, struct error *e);

/* Do what is due. */
void blocking_poll(struct session *session);

/* End it; `undo`: since the start failed further on. */
void blocking_close(struct session *session, bool undo);

#endif
