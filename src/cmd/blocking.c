#include "cmd/blocking.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "util/state.h"

static void tell(void *session, const char *line)
{
	(void)session;
	terminal_status_clear();
	fprintf(stderr, "karma: %s\n", line);
}

static void allow_changed(void *blocking, const struct block_change *c)
{
	const struct blocking *b = blocking;

	session_block(b->session, c);
	if (b->session->respond)
		respond_allow(b->session->respond);
}

static int open_allowed(struct blocking *b, const struct settings *s, struct error *e)
{
	char path[STATE_PATH];
	struct error wrong = {""};

	b->allowed = allowed_open(state_path(path, "allow.json"), &wrong);
	if (!b->allowed)
		return error_set(e, -ENOMEM, "out of memory");
	if (wrong.text[0])
		tell(NULL, wrong.text);
	b->hand = (struct allow_hand){b->allowed, &s->respond, allow_changed, b};
	return 0;
}

int blocking_open(struct blocking *b, const struct settings *s,
	const struct interface_list *interfaces, struct session *session, struct error *e)
{
	const struct respond_calls calls = {session_block, tell, session};
	int err;

	*b = (struct blocking){.session = session};
	if (s->block != BLOCK_ON && access(s->respond.pin, F_OK) == 0)
		fprintf(stderr,
			"karma: the block list that was kept in %s goes on dropping; take it over "
			"with --block, or end it with 'rm -r'\n",
			s->respond.pin);
	err = open_allowed(b, s, e);
	if (err || s->block == BLOCK_OFF)
		return err;
	err = respond_open(&session->respond, &s->respond, b->allowed, interfaces, &calls, e);
	if (err)
		session->respond = NULL;
	else if (s->block == BLOCK_DRY_RUN)
		fputs("karma: dry run: what would be blocked is said, and nothing is\n", stderr);
	return err;
}

void blocking_poll(struct blocking *b)
{
	if (b->session->respond)
		respond_poll(b->session->respond);
}

void blocking_close(struct blocking *b, bool undo)
{
	struct respond *r = b->session ? b->session->respond : NULL;

	if (b->session)
		b->session->respond = NULL;
	if (undo)
		respond_undo(r);
	else
		respond_close(r);
	allowed_close(b->allowed);
	*b = (struct blocking){0};
}
