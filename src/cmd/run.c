/* karma run: watch interfaces until interrupted. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "capture/packets.h"
#include "cmd/attend.h"
#include "cmd/blocking.h"
#include "cmd/cmd.h"
#include "cmd/meter_options.h"
#include "cmd/session.h"
#include "feature/window.h"
#include "util/clock.h"
#include "util/number.h"

enum {
	OPT_EVE = 256,
	OPT_JSON,
	OPT_KERNEL,
	OPT_SENSITIVITY,
	OPT_PCAP_DIR,
	OPT_HISTORY,
	OPT_HISTORY_AGE,
	OPT_HISTORY_SIZE,
	OPT_NO_HISTORY,
	OPT_PROFILE,
	OPT_BLOCK,
	OPT_KEEP_BLOCKS,
	OPT_CONFIG,
	OPT_SOCKET,
	OPT_WEB,
	OPT_NO_WEB,
	OPT_WEB_CERT,
	OPT_WEB_KEY,
};

static const int64_t poll_ms = 200;
static const int64_t second = 1000000000LL;
static const int64_t stats_ns = 60 * second;

struct options {
	struct session_options session;
	struct meter_options meter;
	bool no_history;
	const char *config; /* NULL: the usual file */
	const char *socket; /* NULL: the configuration's */
	bool block, dry_run, keep_blocks;
	const char *web, *web_cert, *web_key; /* NULL: the configuration's */
	bool no_web;
	struct settings settings;
};

static const struct option longs[] = {
	{"interface", required_argument, NULL, 'i'},
	{"flows", required_argument, NULL, OPT_FLOWS},
	{"each-interface", no_argument, NULL, OPT_EACH_INTERFACE},
	{"model", required_argument, NULL, 'm'},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"eve", required_argument, NULL, OPT_EVE},
	{"sensitivity", required_argument, NULL, OPT_SENSITIVITY},
	{"history", required_argument, NULL, OPT_HISTORY},
	{"history-age", required_argument, NULL, OPT_HISTORY_AGE},
	{"history-size", required_argument, NULL, OPT_HISTORY_SIZE},
	{"no-history", no_argument, NULL, OPT_NO_HISTORY},
	{"pcap-dir", required_argument, NULL, OPT_PCAP_DIR},
	{"block", optional_argument, NULL, OPT_BLOCK},
	{"keep-blocks", no_argument, NULL, OPT_KEEP_BLOCKS},
	{"config", required_argument, NULL, OPT_CONFIG},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"web", required_argument, NULL, OPT_WEB},
	{"no-web", no_argument, NULL, OPT_NO_WEB},
	{"web-cert", required_argument, NULL, OPT_WEB_CERT},
	{"web-key", required_argument, NULL, OPT_WEB_KEY},
	{"json", no_argument, NULL, OPT_JSON},
	{"outer", no_argument, NULL, OPT_OUTER},
	{NULL, 0, NULL, 0},
};

static int read_options(int argc, char **argv, struct options *o)
{
	struct error e = {""};
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":i:m:", longs, NULL)) != -1) {
		switch (c) {
		case 'i':
		case OPT_FLOWS:
		case OPT_EACH_INTERFACE:
		case OPT_OUTER:
			status = meter_option(&o->meter, "run", c, optarg);
			if (status)
				return status;
			break;
		case 'm':
			o->session.model = optarg;
			break;
		case OPT_KERNEL:
			o->session.kernel = lstm_kernel_find(optarg, &e);
			if (!o->session.kernel)
				return usage_error("run", "%s", e.text);
			break;
		case OPT_PROFILE:
			o->session.profile = optarg;
			break;
		case OPT_EVE:
			o->session.eve = optarg;
			break;
		case OPT_SENSITIVITY:
			if (!sensitivity_parse(optarg, &o->session.sensitivity))
				return usage_error("run",
					"--sensitivity takes low, normal or high, not '%s'",
					optarg);
			break;
		case OPT_HISTORY:
			o->session.history = optarg;
			break;
		case OPT_NO_HISTORY:
			o->no_history = true;
			break;
		case OPT_HISTORY_AGE:
		case OPT_HISTORY_SIZE:
			status = session_history_limit(
				&o->session, "run", c == OPT_HISTORY_AGE, optarg);
			if (status)
				return status;
			break;
		case OPT_PCAP_DIR:
			o->session.pcap_dir = optarg;
			break;
		case OPT_JSON:
			o->session.json = true;
			break;
		case OPT_BLOCK:
			if (optarg && strcmp(optarg, "dry-run") != 0)
				return usage_error("run",
					"--block takes nothing or =dry-run, not '%s'", optarg);
			o->block = true;
			o->dry_run = optarg != NULL;
			break;
		case OPT_KEEP_BLOCKS:
			o->keep_blocks = true;
			break;
		case OPT_CONFIG:
			o->config = optarg;
			break;
		case OPT_SOCKET:
			o->socket = optarg;
			break;
		case OPT_WEB:
			o->web = optarg;
			break;
		case OPT_NO_WEB:
			o->no_web = true;
			break;
		case OPT_WEB_CERT:
			o->web_cert = optarg;
			break;
		case OPT_WEB_KEY:
			o->web_key = optarg;
			break;
		case ':':
			return usage_error("run", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("run", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_error("run", "'%s' is one argument too many", argv[optind]);
	o->session.flows = o->meter.settings.flows;
	return 0;
}

/* A text of the command line over the configuration's. */
static int take_text(char *to, size_t room, const char *option, const char *text, struct error *e)
{
	if (text && strlen(text) >= room)
		return error_set(e, -ENAMETOOLONG, "--%s: %.60s... is too long", option, text);
	if (text)
		strcpy(to, text);
	return 0;
}

static int read_web_settings(struct options *o, struct web_settings *w, struct error *e)
{
	int err = take_text(w->listen, sizeof(w->listen), "web", o->web, e);

	if (!err)
		err = take_text(w->certificate, sizeof(w->certificate), "web-cert", o->web_cert, e);
	if (!err)
		err = take_text(w->key, sizeof(w->key), "web-key", o->web_key, e);
	if (!err && o->no_web)
		strcpy(w->listen, "off");
	return err;
}

/* The configuration, and over it what the command line says. */
static int read_settings(struct options *o, struct error *e)
{
	struct settings *s = &o->settings;
	int err;

	settings_defaults(s);
	err = settings_read(s, o->config, e);
	if (err)
		return err;
	if (o->block)
		s->block = o->dry_run ? BLOCK_DRY_RUN : BLOCK_ON;
	s->respond.policy.dry_run = s->block == BLOCK_DRY_RUN;
	s->respond.keep |= o->keep_blocks;
	if (o->keep_blocks && s->block != BLOCK_ON)
		return error_set(e, -EINVAL, "--keep-blocks keeps what --block blocks; add that");
	if (o->socket && strlen(o->socket) >= sizeof(s->socket))
		return error_set(
			e, -ENAMETOOLONG, "--socket: %s is too long for a socket", o->socket);
	if (o->socket)
		strcpy(s->socket, o->socket);
	return read_web_settings(o, &s->web, e);
}

struct watch {
	struct session *session;
	struct live *live;
	struct packets *packets; /* NULL: none are kept */
	struct attend attend;
	struct web *web;                       /* NULL: no dashboard */
	int64_t started_ns, shown_ns, told_ns; /* monotonic */
	int64_t due_ns;                        /* when a second is over, monotonic */
	uint64_t judged;                       /* when the status was shown last */
	bool warned;                           /* that an output cannot be written */
	bool history_warned;
};

static void figures_now(struct watch *w, struct summary *figures)
{
	struct meter_stats meter = {0};

	live_stats(w->live, &meter);
	session_summary(w->session, &meter, figures);
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
	uint64_t lost = 0;

	for (int c = LOST_MAP_FULL; c < METER_COUNTERS; c++)
		lost += f->meter.count[c];
	snprintf(line, sizeof(line), "%s records/s, %s host%s, %s flow%s open%s%s",
		number_text((uint64_t)((double)(f->judge.judged - w->judged) / since + 0.5), rate),
		number_text(f->judge.hosts, hosts), f->judge.hosts == 1 ? "" : "s",
		number_text(f->meter.count[COUNT_OPEN], flows),
		f->meter.count[COUNT_OPEN] == 1 ? "" : "s", lost ? ", losses" : "",
		f->history.failing ? ", no history" : "");
	terminal_status(line);
	w->judged = f->judge.judged;
	w->shown_ns = at_ns;
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
	for (unsigned i = 0; i < w->session->outputs && !w->warned; i++) {
		const struct output *o = &w->session->output[i];

		if (!o->lost)
			continue;
		terminal_status_clear();
		fprintf(stderr, "karma run: %s: lines are being lost: %s\n", o->path,
			strerror(o->why));
		w->warned = true;
	}
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
		blocking_poll(w->session);
		attend_poll(&w->attend);
		housekeeping(w);
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

/* The usual one; a machine that has no place for it is watched all the same. */
static void keep_history(struct session *s)
{
	char path[HISTORY_PATH];
	struct error e = {""};

	if (session_keep_history(s, history_default_path(path), true, &e) < 0)
		fprintf(stderr, "karma run: no history is kept: %s\n", e.text);
}

/* The dashboard: one that was not asked for may be missing. */
static int open_web(struct watch *w, const struct options *o, struct error *e)
{
	struct web_settings settings = o->settings.web;
	bool asked = o->web || strcmp(settings.listen, WEB_LISTEN) != 0;
	int err;

	if (strcmp(settings.listen, "off") == 0)
		return 0;
	settings.socket = o->settings.socket;
	settings.history = w->session->history_path[0] ? w->session->history_path : NULL;
	err = web_open(&w->web, &settings, e);
	if (err && asked)
		return err;
	if (err) {
		fprintf(stderr, "karma run: no dashboard: %s\n", e->text);
		return 0;
	}
	w->attend.web = web_url(w->web);
	w->attend.token = web_token_path(w->web);
	fprintf(stderr, "karma: dashboard at %s; to act there, the token in %s\n", w->attend.web,
		w->attend.token);
	return 0;
}

static int run(struct session *s, const struct options *options, struct error *e)
{
	const struct meter_options *o = &options->meter;
	char interfaces[INTERFACES_TEXT];
	struct watch w = {.session = s};
	struct origin from = {.interface = interface_list_text(&o->interfaces, interfaces)};
	struct summary figures;
	int err = session_begin(s, &from, e);

	if (!err)
		err = live_open(&w.live, &o->interfaces, &o->settings, tell, NULL, e);
	if (!err && s->keeper)
		err = packets_open(&w.packets, &o->interfaces, keeper_limits.packet_bytes,
			o->settings.outer, e);
	if (!err)
		err = blocking_open(&options->settings, &o->interfaces, s, e);
	if (!err)
		err = attend_open(
			&w.attend, &options->settings, options->socket != NULL, s, w.live, e);
	if (err) {
		blocking_close(s, true);
		packets_close(w.packets);
		live_close(w.live);
		return err;
	}
	s->live = w.live;
	if (!s->history && !options->no_history)
		keep_history(s);
	err = open_web(&w, options, e);
	if (err) {
		s->live = NULL;
		attend_close(&w.attend);
		blocking_close(s, true);
		packets_close(w.packets);
		live_close(w.live);
		return err;
	}
	tell_size(w.live);
	fprintf(stderr, "karma: watching %s (%s) with %s (id %s, kernel %s); Ctrl-C ends it\n",
		interfaces, live_attachment(w.live), s->model_path, s->model_id, s->kernel->name);
	w.started_ns = w.shown_ns = w.told_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
	w.due_ns = w.started_ns + second;
	figures_now(&w, &figures);
	if (s->history)
		history_figures(s->history, &figures);
	attend_tick(&w.attend, &figures);
	err = watch(&w, e);
	w.attend.web = w.attend.token = NULL;
	web_close(w.web);
	/* What is still open is judged, too, however often a signal asks for the end. */
	if (!err) {
		int drained = live_drain(w.live, session_record_live, s);

		if (drained < 0 && drained != -EPIPE)
			err = error_set(e, drained, "%s: the open flows were not read: %s",
				interfaces, strerror(-drained));
	}
	if (w.packets)
		packets_poll(w.packets, session_packet, s);
	session_finish(s);
	figures_now(&w, &figures);
	if (s->history) {
		history_figures(s->history, &figures);
		history_write(s->history, true);
		history_stats(s->history, &figures.history);
	}
	if (err != -EPIPE)
		session_show(s, &figures, true); /* also of a watch that failed */
	s->live = NULL;
	attend_close(&w.attend);
	blocking_close(s, false);
	packets_close(w.packets);
	live_close(w.live);
	return err;
}

int cmd_run(int argc, char **argv)
{
	static struct options options = {.session = {.live = true}}; /* large */
	struct interface_list *interfaces = &options.meter.interfaces;
	struct error e = {""}, closing = {""};
	struct session s;
	int status = read_options(argc, argv, &options), err;

	if (status)
		return status;
	err = read_settings(&options, &e);
	if (err)
		return fail("run", e.text);
	err = session_open(&s, &options.session, &e);
	if (!err && !interfaces->count) {
		err = live_default_interface(interfaces->name[0], &e);
		interfaces->count = 1;
	}
	if (!err)
		err = run(&s, &options, &e);
	if (session_close(&s, !err, &closing) < 0 && (!err || !e.text[0])) {
		e = closing;
		err = -EIO;
	}
	return err ? fail("run", e.text) : EXIT_DONE;
}
