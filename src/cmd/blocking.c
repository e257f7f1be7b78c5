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
	if (b->respond)
		respond_allow(b->respond);
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

static int begin(struct blocking *b, const struct settings *s,
	const struct interface_list *interfaces, struct error *e)
{
	const struct respond_calls calls = {session_block, tell, b->session};
	int err = open_allowed(b, s, e);

	if (!err)
		err = respond_open(&b->respond, &s->respond, b->allowed, interfaces, &calls, e);
	if (!err)
		err = control_open(&b->control, s->socket, s->group[0] ? s->group : NULL,
			respond_commands, RESPOND_COMMANDS, b->respond, e);
	if (!err)
		control_add(b->control, allow_commands, ALLOW_COMMANDS, &b->hand);
	return err;
}

int blocking_open(struct blocking *b, const struct settings *s,
	const struct interface_list *interfaces, struct session *session, struct live *live,
	struct error *e)
{
	int err;

	*b = (struct blocking){.session = session};
	if (s->block != BLOCK_ON && access(s->respond.pin, F_OK) == 0)
		fprintf(stderr,
			"karma: the block list that was kept in %s goes on dropping; take it over "
			"with --block, or end it with 'rm -r'\n",
			s->respond.pin);
	if (s->block == BLOCK_OFF)
		return 0;
	err = begin(b, s, interfaces, e);
	if (err) {
		respond_undo(b->respond);
		allowed_close(b->allowed);
		*b = (struct blocking){0};
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
	allowed_close(b->allowed);
	*b = (struct blocking){0};
}
