#include "cmd/attend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "util/clock.h"

/* ---- the desk's commands ---- */

static json_t *answer_status(void *desk, const struct control_peer *from, const json_t *request)
{
	(void)from;
	(void)request;
	return desk_status_json(desk);
}

static bool count_in(const json_t *request, const char *name, json_int_t usual, json_int_t *count)
{
	const json_t *value = json_object_get(request, name);

	*count = value ? json_integer_value(value) : usual;
	return (!value || json_is_integer(value)) && *count >= 0;
}

static json_t *answer_live(void *desk, const struct control_peer *from, const json_t *request)
{
	json_int_t since, points;

	(void)from;
	if (!count_in(request, "since", 0, &since) ||
		!count_in(request, "points", DESK_POINTS, &points))
		return control_refusal("\"since\" and \"points\" take numbers from 0 on");
	if (points > DESK_POINTS)
		points = DESK_POINTS;
	return desk_live_json(desk, (uint64_t)since, (unsigned)points);
}

static json_t *answer_metrics(void *desk, const struct control_peer *from, const json_t *request)
{
	char *text = desk_metrics(desk);
	json_t *o = text ? json_pack("{sb ss}", "ok", 1, "text", text) : NULL;

	(void)from;
	(void)request;
	free(text);
	return o ? o : control_refusal("memory is short");
}

const struct control_command desk_commands[DESK_COMMANDS] = {
	{"status", answer_status},
	{"live", answer_live},
	{"metrics", answer_metrics},
};

static json_t *answer_reload(void *of, const struct control_peer *from, const json_t *request)
{
	(void)from;
	(void)request;
	return reload(of);
}

static const struct control_command reload_commands[] = {{"reload", answer_reload}};

/* ---- the whole ---- */

static void name_parts(struct attend *a)
{
	struct session *s = a->session;

	a->part[ATTEND_DESK] = (struct control_part){desk_commands, DESK_COMMANDS, s->desk, NULL};
	a->part[ATTEND_BLOCK] = (struct control_part){respond_commands, RESPOND_COMMANDS,
		s->respond, s->respond ? NULL : "nothing is blocked; begin karma with --block"};
	a->part[ATTEND_ALLOW] =
		(struct control_part){allow_commands, ALLOW_COMMANDS, a->allow, NULL};
	a->part[ATTEND_RELOAD] = (struct control_part){reload_commands, 1, a->reload, NULL};
}

int attend_open(struct attend *a, struct reload *reload, struct allow_hand *allow,
	struct live *live, struct error *e)
{
	static const char *const modes[] = {
		[BLOCK_OFF] = "off", [BLOCK_DRY_RUN] = "dry-run", [BLOCK_ON] = "on"};
	struct settings *s = reload->settings;
	struct session *session = reload->session;
	const struct config config = settings_config(s);
	bool must = config_from(&config, "control", "socket") == CONFIG_ARGUMENT;
	struct live_size size;
	int err;

	*a = (struct attend){.session = session,
		.live = live,
		.reload = reload,
		.allow = allow,
		.started_ns = (int64_t)clock_now(CLOCK_REALTIME),
		.block = modes[s->block]};
	live_size(live, &size);
	a->room = size.flows;
	session->desk = desk_new(&session->settings);
	if (!session->desk)
		return error_set(e, -ENOMEM, "not enough memory for those who look on");
	name_parts(a);
	err = control_open(
		&a->control, s->socket, s->group[0] ? s->group : NULL, a->part, ATTEND_PARTS, e);
	if (err && (must || s->block != BLOCK_OFF)) {
		attend_close(a);
		return err;
	}
	if (err)
		fprintf(stderr, "karma run: nobody can attach to this one: %s\n", e->text);
	else
		live_wake(live, control_fd(a->control));
	*e = (struct error){""};
	return 0;
}

void attend_poll(struct attend *a)
{
	if (a->control)
		control_serve(a->control);
}

void attend_tick(struct attend *a, const struct summary *figures)
{
	const struct session *s = a->session;
	struct respond_stats block = {.attached = ""};
	struct desk_facts f = {.started_ns = a->started_ns,
		.room = a->room,
		.block = a->block,
		.web = a->web,
		.token = a->token,
		.reloaded_ns = a->reload->at_ns};

	f.interfaces = live_interfaces(a->live, f.interface);
	if (s->respond)
		respond_stats(s->respond, &block);
	f.block_attached = block.attached;
	session_tick_desk(s, figures, &f);
}

void attend_close(struct attend *a)
{
	if (!a->session)
		return;
	control_close(a->control);
	desk_free(a->session->desk);
	a->session->desk = NULL;
	a->control = NULL;
}
