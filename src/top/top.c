#include "top/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "top/act.h"
#include "top/keys.h"
#include "top/view.h"
#include "util/clock.h"

static const int64_t ms = 1000000;
/* How often each is asked for. */
static const int64_t live_every = 500 * ms, lists_every = 2000 * ms, file_every = 5000 * ms;
static const int64_t message_for = 8000 * ms;

enum { TICK_MS = 250 };

void top_say(struct top *t, enum look look, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->message, sizeof(t->message), format, args);
	va_end(args);
	t->message_look = look;
	t->message_until_ns = t->now_ns + message_for;
}

const char *top_history(const struct top *t)
{
	return t->options.socket ? t->state.history : t->options.history;
}

void top_show(struct top *t, enum view view)
{
	static const enum pane pane[VIEWS] = {[VIEW_ALERTS] = PANE_ALERTS,
		[VIEW_HOSTS] = PANE_HOSTS,
		[VIEW_BLOCKS] = PANE_BLOCKS};

	if (t->view <= VIEW_SYSTEM)
		t->before = t->view;
	t->view = view;
	if (view != VIEW_HELP && view != VIEW_ALERT)
		t->pane = pane[view];
	t->page_first = t->page_x = 0;
	rows_make(t);
	if (view == VIEW_ALERT) {
		json_decref(t->story);
		t->story = NULL;
		top_read_story(t);
	}
}

void top_read_story(struct top *t)
{
	struct filer_job job = {.kind = FILER_STORY};

	snprintf(job.path, sizeof(job.path), "%s", top_history(t));
	snprintf(job.id, sizeof(job.id), "%s", t->story_id);
	snprintf(t->story_why, sizeof(t->story_why), "%s",
		*job.path ? "" : "not kept: this karma has no history");
	if (*job.path)
		filer_ask(&t->filer, &job);
}

/* ---- the daemon ---- */

static void ask(struct top *t, enum note kind, json_t *request)
{
	struct link_note note = {.kind = (int)kind};

	link_ask(&t->link, &note, request);
}

static void ask_live(struct top *t)
{
	t->live_ns = t->now_ns;
	if (!link_has(&t->link, NOTE_LIVE))
		ask(t, NOTE_LIVE,
			json_pack("{ss sI si}", "command", "live", "since",
				(json_int_t)t->state.seq, "points", STATE_POINTS));
}

static void ask_lists(struct top *t)
{
	t->lists_ns = t->now_ns;
	if (link_has(&t->link, NOTE_STATUS) || link_has(&t->link, NOTE_BLOCKS_MORE))
		return;
	ask(t, NOTE_STATUS, json_pack("{ss}", "command", "status"));
	ask(t, NOTE_ALLOWED, json_pack("{ss}", "command", "allow.list"));
	if (t->state.blocking > BLOCKING_OFF)
		ask(t, NOTE_BLOCKS, json_pack("{ss si}", "command", "block.list", "after", 0));
}

static void take_blocks(struct top *t, const json_t *answer, bool more)
{
	json_t *next = json_object_get(answer, "next");

	state_take_blocks(&t->state, answer, more);
	if (json_is_integer(next) && t->state.blocks < STATE_BLOCKS)
		ask(t, NOTE_BLOCKS_MORE,
			json_pack("{ss sO}", "command", "block.list", "after", next));
}

static void acted(struct top *t, const struct link_note *note, const json_t *answer)
{
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *what = json_text(answer, "what");

	if (ok)
		top_say(t, LOOK_GOOD, "%s%s: %s",
			json_is_true(json_object_get(answer, "dry_run")) ? "dry run: " : "",
			*what ? what : t->pending.address, note->text);
	else
		top_say(t, LOOK_BAD, "%s", json_text(answer, "error"));
	t->lists_ns = 0; /* to be seen at once */
}

static void answered(void *top, const struct link_note *note, const json_t *answer)
{
	struct top *t = top;
	bool ok = json_is_true(json_object_get(answer, "ok"));

	if (note->kind == NOTE_ACT) {
		acted(t, note, answer);
	} else if (t->paused) {
		return; /* it was on its way; it is asked for again */
	} else if (note->kind == NOTE_LIVE) {
		snprintf(
			t->refusal, sizeof(t->refusal), "%s", ok ? "" : json_text(answer, "error"));
		t->loaded = ok && state_take_live(&t->state, answer);
		if (ok && (!t->loaded || json_is_true(json_object_get(answer, "more"))))
			t->live_ns = t->lists_ns = 0; /* it was started anew, or has more to tell */
	} else if (!ok) {
		return; /* this karma does not have that list */
	} else if (note->kind == NOTE_STATUS) {
		state_take_status(&t->state, answer);
	} else if (note->kind == NOTE_ALLOWED) {
		state_take_allowed(&t->state, answer);
	} else {
		take_blocks(t, answer, note->kind == NOTE_BLOCKS_MORE);
	}
	rows_make(t);
}

static void serve_daemon(struct top *t)
{
	if (!t->options.socket)
		return;
	if (link_serve(&t->link, t->now_ns))
		t->live_ns = t->lists_ns = 0;
	if (t->link.fd < 0 || t->paused)
		return;
	if (!t->live_ns || t->now_ns - t->live_ns >= live_every)
		ask_live(t);
	if (!t->lists_ns || t->now_ns - t->lists_ns >= lists_every)
		ask_lists(t);
	link_serve(&t->link, t->now_ns);
}

/* ---- the history file ---- */

static void serve_file(struct top *t)
{
	struct filer_job *job, next = {.kind = t->options.socket ? FILER_MARKS : FILER_PAST};

	while ((job = filer_take(&t->filer))) {
		act_done(t, job);
		filer_free(job);
	}
	if ((t->file_ns && t->now_ns - t->file_ns < file_every) || t->paused || !*top_history(t) ||
		filer_waiting(&t->filer))
		return;
	t->file_ns = t->now_ns;
	snprintf(next.path, sizeof(next.path), "%s", top_history(t));
	filer_ask(&t->filer, &next);
	if (t->view == VIEW_ALERT)
		top_read_story(t);
}

/* ---- the keyboard ---- */

static void serve_keys(struct top *t)
{
	bool blind = screen_width() < SCREEN_WIDTH || screen_height() < SCREEN_HEIGHT;
	int code;

	while (!t->quit && (code = screen_key()) != -1) {
		if (blind && code != 'q')
			continue; /* nobody acts on what cannot be seen */
		if (t->prompt.kind != PROMPT_NONE && !blind)
			prompt_key(t, code);
		else
			keys_press(t, code);
	}
}

/* Signals end it as q does. */
static int take_signals(sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, before);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Is there one? It is taken, so that it does nothing when signals are let through again. */
static bool is_signalled(int signals)
{
	struct signalfd_siginfo one;

	return read(signals, &one, sizeof(one)) == (ssize_t)sizeof(one);
}

static void loop(struct top *t, int signals)
{
	while (!t->quit) {
		struct pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signals, POLLIN, 0},
			{filer_fd(&t->filer), POLLIN, 0},
			{t->options.socket ? t->link.fd : -1, link_events(&t->link), 0}};

		poll(fds, sizeof(fds) / sizeof(fds[0]), TICK_MS);
		t->now_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
		if (is_signalled(signals) || (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)))
			t->quit = true;
		serve_keys(t);
		serve_daemon(t);
		serve_file(t);
		if (!t->quit)
			view_draw(t);
	}
}

int top_run(const struct top_options *options, struct error *e)
{
	struct top *t = calloc(1, sizeof(*t));
	sigset_t before;
	int err, signals;

	if (!t)
		return error_set(e, -ENOMEM, "not enough memory");
	t->options = *options;
	t->zoom = 1;
	t->now_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
	state_forget(&t->state);
	link_begin(&t->link, options->socket ? options->socket : "", answered, t);
	err = filer_begin(&t->filer, e);
	if (!err) {
		signals = take_signals(&before);
		err = signals < 0
			      ? error_set(e, -errno, "no signals can be taken: %s", strerror(errno))
			      : screen_begin(e);
		if (!err)
			loop(t, signals);
		screen_end();
		if (signals >= 0)
			close(signals);
		sigprocmask(SIG_SETMASK, &before, NULL);
		filer_end(&t->filer);
	}
	link_end(&t->link);
	json_decref(t->story);
	state_forget(&t->state);
	free(t);
	return err;
}
