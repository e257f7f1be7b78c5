/* The outputs of a session: which there are, and how they change while it goes on. */
#ifndef KARMA_CMD_OUTPUTS_H
#define KARMA_CMD_OUTPUTS_H

#include "cmd/session.h"

/* Open those of `o`; that of standard output is the first. With `was`, what the outputs of another
 * session are: only those are opened that are other than there, and the rest have no courier, for
 * session_take_outputs(). 0, or a negative errno and the line. */
int session_open_outputs(struct session *s, const struct session_options *o,
	const struct session_options *was, struct error *e);

/* Is there room for those that would have to go? 0, or a negative errno and the line. */
int session_can_take_outputs(struct session *s, const struct session *fresh, struct error *e);

/* The outputs are those that were opened in `fresh` from now on; what is not among them any more
 * delivers what it was told, and ends by itself, while nobody waits. */
void session_take_outputs(struct session *s, struct session *fresh);

/* Close those that have ended by themselves. */
void session_tidy_outputs(struct session *s);

/* How all of them are, also those that have gone, if they lost something or have not ended yet. */
unsigned session_output_stats(const struct session *s, struct output_stats stats[OUTPUTS]);

/* Close all of them, within some seconds. 0, or a negative errno and the line: one that must not
 * lose anything has. */
int session_close_outputs(struct session *s, struct error *e);

#endif
