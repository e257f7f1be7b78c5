#include "cmd/blocking.h"

#include <stdio.h>
#include <unistd.h>

static void tell(void *session, const char *line)
{
	(void)session;
	terminal_status_clear();
	fprintf(stderr, "karma: %s\n", line);
}

int blocking_open(const struct settings *s, const struct interface_list *interfaces,
	struct session *session, struct error *e)
{
	const struct respond_calls calls = {session_block, tell, session};
	int err;

	if (s->block != BLOCK_ON && access(s->respond.pin, F_OK) == 0)
		fprintf(stderr,
			"karma: the block list that was kept in %s goes on dropping; take it over "
			"with --block, or end it with 'rm -r'\n",
			s->respond.pin);
	if (s->block == BLOCK_OFF)
		return 0;
	err = respond_open(&session->respond, &s->respond, interfaces, &calls, e);
	if (err)
		session->respond = NULL;
	else if (s->block == BLOCK_DRY_RUN)
		fputs("karma: dry run: what would be blocked is said, and nothing is\n", stderr);
	return err;
}

void blocking_poll(struct session *session)
{
	if (session->respond)
		respond_poll(session->respond);
}

void blocking_close(struct session *session, bool undo)
{
	struct respond *r = session->respond;

	session->respond = NULL;
	if (undo)
		respond_undo(r);
	else
		respond_close(r);
}
