#include "cmd/blocking.h"

#include <stdio.h>
#include <unistd.h>

#include "respond/commands.h"

static void tell(void *session, const char *line)
{
	(void)session;
	terminal_status_clear();
	fprintf(stderr, "karma: %s\n", line);
}

int blocking_open(struct blocking *b, const struct settings *s,
	const struct interface_list *interfaces, struct session *session, struct live *live,
	struct error *e)
{
	const struct respond_calls calls = {session_block, tell, session};
	int err;

	*b = (struct blocking){NULL, NULL};
	if (s->block != BLOCK_ON && access(s->respond.pin, F_OK) == 0)
		fprintf(stderr,
			"karma: the block list that was kept in %s goes on dropping; take it over "
			"with --block, or end it with 'rm -r'\n",
			s->respond.pin);
	if (s->block == BLOCK_OFF)
		return 0;
	err = respond_open(&b->respond, &s->respond, interfaces, &calls, e);
	if (!err)
		err = control_open(&b->control, s->socket, s->group[0] ? s->group : NULL,
			respond_commands, RESPOND_COMMANDS, b->respond, e);
	if (err) {
		respond_undo(b->respond);
		*b = (struct blocking){NULL, NULL};
		return err;
	}
	session->respond = b->respond;
	live_wake(live, control_fd(b->control));
	if (s->block == BLOCK_DRY_RUN)
		fputs("karma: dry run: what would be blocked is said, and nothing is\n", stderr);
	return 0;
}

void blocking_poll(struct blocking *b)
{
	if (!b->respond)
		return;
	control_serve(b->control);
	respond_poll(b->respond);
}

void blocking_close(struct blocking *b, struct session *session)
{
	session->respond = NULL;
	control_close(b->control);
	respond_close(b->respond);
	*b = (struct blocking){NULL, NULL};
}
