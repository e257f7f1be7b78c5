/* karma run: watch interfaces until interrupted. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "capture/packets.h"
#include "cmd/attend.h"
#include "cmd/blocking.h"
#include "cmd/cmd.h"
#include "cmd/reload.h"
#include "cmd/run_options.h"
#include "cmd/manager.h"
#include "cmd/outputs.h"
#include "cmd/session.h"
#include "feature/window.h"
#include "output/losses.h"
#include "util/clock.h"
#include "util/number.h"

static const int64_t poll_ms = 200;
static const int64_t second = 1000000000LL;
static const int64_t stats_ns = 60 * second;

struct watch {
	struct session *session;
	struct live *live;
	struct packets *packets; /* NULL: none are kept */
	struct blocking blocking;
	struct attend attend;
	struct manager manager;
	struct web *web;                       /* NULL: no dashboard */
	bool on_terminal;                      /* at the start */
	int64_t started_ns, shown_ns, told_ns; /* monotonic */
	int64_t due_ns;                        /* when a second is over, monotonic */
	uint64_t judged;                       /* when the status was shown last */
	bool history_warned;
	struct meter_stats meter; /* when they could be had last: they never fall */
};

static void figures_now(struct watch *w, struct summary *figures)
{
	struct meter_stats meter;

	if (live_stats(w->live, &meter) == 0)
		w->meter = meter;
	session_summary(w->session, &w->meter, figures);
	figures->origin = &w->session->origin;
	figures->seconds = (double)((int64_t)clock_now(CLOCK_MONOTONIC) - w->started_ns) / 1e9;
	figures->now_ns = (int64_t)clock_now(CLOCK_REALTIME);
	if (w->packets)
		figures->keeper.dropped = packets_dropped(w->packets);
}

static void show_status(struct watch *w, const struct summary *f, int64_t at_ns)
{
	double since = (double)(at_ns - w->shown_ns) / 1e9;
	char rate[NUMBER_TEXT], flows[NUMBER_TEXT], hosts[NUMBER_TEXT], line[160];
	uint64_t lost[LOSSES];

	losses_of(f, lost);
	snprintf(line, sizeof(line), "%s records/s, %s host%s, %s flow%s open%s%s",
		number_text((uint64_t)((double)(f->judge.judged - w->judged) / since + 0.5), rate),
		number_text(f->judge.hosts, hosts), f->judge.hosts == 1 ? "" : "s",
		number_text(f->meter.count[COUNT_OPEN], flows),
		f->meter.count[COUNT_OPEN] == 1 ? "" : "s", losses_any(lost) ? ", losses" : "",
		f->history.failing ? ", no history" : "");
	terminal_status(line);
	w->judged = f->judge.judged;
	w->shown_ns = at_ns;
}

static void warn_of_output(struct output *output)
{
	struct output_stats o;

	output_stats(output, &o);
	if (o.of.failing == output->warned)
		return;
	output->warned = o.of.failing;
	terminal_status_clear();
	if (o.of.failing)
		fprintf(stderr, "karma run: %s: %s; detection goes on\n", o.path, o.of.why);
	else
		fprintf(stderr, "karma run: %s: works again; %" PRIu64 " lost until now\n", o.path,
			o.of.lost);
}

/* A log that cannot be written does not end the watch, but its owner must know at once. */
static void warn_of_losses(struct watch *w)
{
	struct history_stats history = {0};

	if (w->session->history)
		history_stats(w->session->history, &history);
	if (history.failing != w->history_warned) {
		terminal_status_clear();
		fprintf(stderr,
			history.failing ? "karma run: the history cannot be written: %s; detection "
					  "goes on\n"
					: "karma run: the history is written again\n",
			history.why);
		w->history_warned = history.failing;
	}
	for (unsigned i = 0; i < w->session->outputs; i++)
		warn_of_output(&w->session->output[i]);
}

/* What is due once a second, once a minute. */
static void housekeeping(struct watch *w)
{
	int64_t at_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
	struct summary figures;

	if (at_ns < w->due_ns)
		return;
	w->due_ns += second;
	if (w->due_ns <= at_ns) /* it was held up */
		w->due_ns = at_ns + second;
	session_tidy_outputs(w->session);
	warn_of_losses(w);
	figures_now(w, &figures);
	if (w->session->history)
		history_figures(w->session->history, &figures);
	attend_tick(&w->attend, &figures);
	show_status(w, &figures, at_ns);
	if (at_ns - w->told_ns >= stats_ns) {
		session_show(w->session, &figures, false);
		w->told_ns = at_ns;
	}
}

/* What becomes of an interface. */
static void tell(void *context, const char *line)
{
	(void)context;
	terminal_status_clear();
	fprintf(stderr, "karma: %s\n", line);
}

static void tell_size(const struct live *live)
{
	char flows[NUMBER_TEXT];
	struct live_size size;
	uint32_t events;
	uint64_t bytes;

	live_size(live, &size);
	events = window_events(size.flows);
	bytes = window_bytes(events);
	fprintf(stderr,
		"karma: room for %s flows: %.0f MB in the kernel (%" PRIu64
		" B a flow), and up to %.0f MB for the counters over time (%" PRIu64 " B a flow)\n",
		number_text(size.flows, flows), (double)size.bytes / 1e6, size.flow_bytes,
		(double)bytes / 1e6, bytes / events);
}

/* No longer than until the second is over. */
static int poll_time(const struct watch *w)
{
	int64_t left_ms = (w->due_ns - (int64_t)clock_now(CLOCK_MONOTONIC)) / 1000000 + 1;

	return (int)(left_ms < 1 ? 1 : left_ms < poll_ms ? left_ms : poll_ms);
}

/* ---- taking up the configuration anew ---- */

static volatile sig_atomic_t hung_up;

static void hang_up(int signal)
{
	(void)signal;
	hung_up = 1;
}

static void take_hangups(void)
{
	struct sigaction act = {.sa_handler = hang_up};

	sigemptyset(&act.sa_mask);
	sigaction(SIGHUP, &act, NULL);
}

/* SIGHUP asks for it; but that of a terminal which is gone is the end. */
static void answer_hangup(struct watch *w)
{
	if (!hung_up)
		return;
	hung_up = 0;
	if (w->on_terminal && !isatty(STDERR_FILENO))
		session_stopped = 1;
	else
		json_decref(reload(w->attend.reload));
}

/* Until a signal, or until records or alerts have no way any more. */
static int watch(struct watch *w, struct error *e)
{
	int n = 0;

	while (!session_stopped && n >= 0) {
		n = live_poll(w->live, poll_time(w), session_record_live, w->session);
		desk_turn_begins(w->session->desk);
		if (n == -EINTR)
			n = 0;
		if (w->packets)
			packets_poll(w->packets, session_packet, w->session);
		session_flush(w->session, (int64_t)clock_now(CLOCK_REALTIME));
		if (live_is_woken(w->live))
			attend_poll(&w->attend);
		blocking_poll(&w->blocking); /* tells what was just asked for, too */
		housekeeping(w);
		answer_hangup(w);
		manager_alive(&w->manager);
		desk_turn_ends(w->session->desk);
	}
	terminal_status_clear();
	if (n == -EPIPE)
		return n; /* session_close() says so */
	if (n < 0)
		return error_set(e, n, "%s: no more flow records: %s", w->session->origin.interface,
			strerror(-n));
	return 0;
}

/* The usual one, where none was named; a machine that has no place for it is watched all the same.
 */
static void keep_history(struct watch *w)
{
	struct history_stats stats = {0};
	char path[HISTORY_PATH];
	struct error e = {""};

	if (w->session->history ||
		session_keep_history(w->session, history_default_path(path), true, &e) == 0)
		history_stats(w->session->history, &stats);
	w->history_warned = stats.failing;
	if (stats.failing || e.text[0])
		fprintf(stderr, "karma run: no history is kept: %s%s\n",
			stats.failing ? stats.why : e.text,
			stats.failing ? "; it is tried again" : "");
}

/* The dashboard: one that was not asked for may be missing. It asks by the control socket: where
 * that is another karma's, it would show that one, and act on it. */
static int open_web(struct watch *w, struct settings *s, struct error *e)
{
	const struct config config = settings_config(s);
	struct web_settings settings = s->web;
	int err;

	if (strcmp(settings.listen, "off") == 0)
		return 0;
	settings.socket = s->socket;
	settings.history = w->session->history_path[0] ? w->session->history_path : NULL;
	if (w->attend.control)
		err = web_open(&w->web, &settings, e);
	else
		err = error_set(e, -EADDRINUSE,
			"the dashboard needs a control socket of its own; give one by --socket, or "
			"--no-web");
	if (err && config_from(&config, "web", "listen") != CONFIG_DEFAULT)
		return err;
	if (err) {
		fprintf(stderr, "karma run: no dashboard: %s\n", e->text);
		*e = (struct error){""};
		return 0;
	}
	w->attend.web = web_url(w->web);
	w->attend.token = web_token_path(w->web);
	fprintf(stderr, "karma: dashboard at %s; to act there, the token in %s\n", w->attend.web,
		w->attend.token);
	return 0;
}

/* ---- the whole ---- */

/* What was opened of it when this fails is close_all()'s to close. */
static int open_all(
	struct watch *w, struct reload *how, const struct meter_options *o, struct error *e)
{
	const struct settings *settings = how->settings;
	struct session *s = w->session;
	int err = live_open(&w->live, &o->interfaces, &o->settings, tell, NULL, e);

	if (!err && s->keeper)
		err = packets_open(&w->packets, &o->interfaces, keeper_limits.packet_bytes,
			o->settings.outer, e);
	/* Before the list: what is taken over of it is told of. */
	if (!err && !settings->no_history)
		keep_history(w);
	if (!err)
		err = blocking_open(&w->blocking, settings, &o->interfaces, s, e);
	if (!err)
		err = attend_open(&w->attend, how, &w->blocking.hand, w->live, e);
	if (err)
		return err;
	s->live = w->live;
	return open_web(w, how->settings, e);
}

static void close_web(struct watch *w)
{
	w->attend.web = w->attend.token = NULL;
	web_close(w->web);
	w->web = NULL;
}

/* `undo`: it has not begun. */
static void close_all(struct watch *w, bool undo)
{
	w->session->live = NULL;
	attend_close(&w->attend);
	blocking_close(&w->blocking, undo);
	packets_close(w->packets);
	live_close(w->live);
}

/* The first figures are there before anybody is told that it watches. */
static void begin(struct watch *w, const char *interfaces)
{
	const struct session *s = w->session;
	struct summary figures;

	tell_size(w->live);
	fprintf(stderr, "karma: watching %s (%s) with %s (id %s, kernel %s); Ctrl-C ends it\n",
		interfaces, live_attachment(w->live), s->model_path, s->model_id, s->kernel->name);
	w->started_ns = w->shown_ns = w->told_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
	w->due_ns = w->started_ns + second;
	figures_now(w, &figures);
	if (s->history)
		history_figures(s->history, &figures);
	attend_tick(&w->attend, &figures);
	manager_ready(&w->manager, interfaces);
}

/* What is still open is judged, too, however often a signal asks for the end. */
static int drain(struct watch *w, const char *interfaces, struct error *e)
{
	int drained = live_drain(w->live, session_record_live, w->session);

	if (drained < 0 && drained != -EPIPE)
		return error_set(e, drained, "%s: the open flows were not read: %s", interfaces,
			strerror(-drained));
	return 0;
}

/* The last is said; `shown`: the summary, too. */
static void conclude(struct watch *w, bool shown)
{
	struct session *s = w->session;
	struct summary figures;

	if (w->packets)
		packets_poll(w->packets, session_packet, s);
	session_finish(s);
	session_settle(s);
	figures_now(w, &figures);
	if (s->history) {
		history_figures(s->history, &figures);
		history_write(s->history, true);
		history_stats(s->history, &figures.history);
	}
	if (shown)
		session_show(s, &figures, true);
}

/* `how`: what is watched, and how to read that anew. */
static int run(struct reload *how, const struct meter_options *o, struct error *e)
{
	char interfaces[INTERFACES_TEXT];
	struct watch w = {.session = how->session, .on_terminal = isatty(STDERR_FILENO) == 1};
	struct origin from = {.interface = interface_list_text(&o->interfaces, interfaces)};
	bool begun = false;
	int err = session_begin(w.session, &from, e);

	take_hangups();
	if (!err)
		err = open_all(&w, how, o, e);
	if (err)
		goto out;
	begun = true;
	begin(&w, interfaces);
	err = watch(&w, e);
	manager_ends();
	close_web(&w);
	if (!err)
		err = drain(&w, interfaces, e);
	conclude(&w, err != -EPIPE); /* also of a watch that failed */
out:
	close_all(&w, !begun);
	return err;
}

int cmd_run(int argc, char **argv)
{
	static struct settings settings; /* large */
	struct meter_options meter;
	struct session_options options = {.live = true};
	struct error e = {""}, closing = {""};
	struct session s;
	struct reload how = {.argc = argc, .argv = argv, .settings = &settings, .session = &s};
	int err = run_settings(argc, argv, &settings, &e);

	if (err)
		return err < 0 ? fail("run", e.text) : err;
	meter = settings.meter;
	settings_session(&settings, &options);
	err = session_open(&s, &options, &e);
	if (!err && !meter.interfaces.count) {
		err = live_default_interface(meter.interfaces.name[0], &e);
		meter.interfaces.count = 1;
	}
	if (!err)
		err = run(&how, &meter, &e);
	if (session_close(&s, !err, &closing) < 0 && (!err || !e.text[0])) {
		e = closing;
		err = -EIO;
	}
	return err ? fail("run", e.text) : EXIT_DONE;
}
