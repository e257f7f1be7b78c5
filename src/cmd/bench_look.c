#include "cmd/bench_look.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd/attend.h"
#include "cmd/cmd.h"
#include "util/clock.h"

int bench_look_open(
	struct bench_look *l, struct session *s, const struct bench_places *at, struct error *e)
{
	struct web_settings web = {.socket = at->control, .history = at->history};
	int err;

	*l = (struct bench_look){.session = s, .started_ns = (int64_t)clock_now(CLOCK_REALTIME)};
	s->desk = desk_new(&s->settings);
	if (!s->desk)
		return error_set(e, -ENOMEM, "not enough memory for those who look on");
	l->part = (struct control_part){desk_commands, DESK_COMMANDS, s->desk, NULL};
	snprintf(web.listen, sizeof(web.listen), "%s", at->web);
	snprintf(web.token, sizeof(web.token), "%s", at->token);
	err = control_open(&l->control, at->control, NULL, &l->part, 1, e);
	return err ? err : web_open(&l->web, &web, e);
}

bool bench_look_is_asked(const struct bench_look *l)
{
	struct pollfd p = {control_fd(l->control), POLLIN, 0};

	return poll(&p, 1, 0) > 0;
}

void bench_look_serve(struct bench_look *l)
{
	control_serve(l->control);
}

void bench_look_tick(struct bench_look *l, const struct summary *figures)
{
	struct desk_facts f = {.started_ns = l->started_ns,
		.room = METER_FLOWS_DEFAULT,
		.block = "off",
		.block_attached = "",
		.web = web_url(l->web),
		.token = web_token_path(l->web)};

	session_tick_desk(l->session, figures, &f);
}

void bench_look_close(struct bench_look *l)
{
	if (!l->session)
		return;
	web_close(l->web);
	control_close(l->control);
	desk_free(l->session->desk);
	l->session->desk = NULL;
}
