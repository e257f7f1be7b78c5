/* karma read: the detection of karma run over captures. A capture is a world of its own: it starts
 * with an empty memory, and its clock is the only clock. */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "capture/inputs.h"
#include "cmd/cmd.h"
#include "cmd/meter_options.h"
#include "cmd/session.h"

enum {
	OPT_EVE = 256,
	OPT_JSON,
	OPT_SCORES,
	OPT_VERDICTS,
	OPT_KERNEL,
	OPT_SENSITIVITY,
	OPT_PCAP_DIR,
	OPT_HISTORY,
	OPT_HISTORY_AGE,
	OPT_HISTORY_SIZE,
	OPT_PROFILE,
};

static const struct option longs[] = {
	{"model", required_argument, NULL, 'm'},
	{"flows", required_argument, NULL, OPT_FLOWS},
	{"each-interface", no_argument, NULL, OPT_EACH_INTERFACE},
	{"outer", no_argument, NULL, OPT_OUTER},
	{"follow", no_argument, NULL, OPT_FOLLOW},
	{"kernel", required_argument, NULL, OPT_KERNEL},
	{"profile", required_argument, NULL, OPT_PROFILE},
	{"eve", required_argument, NULL, OPT_EVE},
	{"sensitivity", required_argument, NULL, OPT_SENSITIVITY},
	{"history", required_argument, NULL, OPT_HISTORY},
	{"history-age", required_argument, NULL, OPT_HISTORY_AGE},
	{"history-size", required_argument, NULL, OPT_HISTORY_SIZE},
	{"pcap-dir", required_argument, NULL, OPT_PCAP_DIR},
	{"json", no_argument, NULL, OPT_JSON},
	{"scores", required_argument, NULL, OPT_SCORES},
	{"verdicts", required_argument, NULL, OPT_VERDICTS},
	{NULL, 0, NULL, 0},
};

static int read_options(
	int argc, char **argv, struct session_options *o, struct meter_options *meter)
{
	struct error e = {""};
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":m:", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			o->model = optarg;
			break;
		case OPT_FLOWS:
		case OPT_EACH_INTERFACE:
		case OPT_OUTER:
		case OPT_FOLLOW:
			status = meter_option(meter, "read", c, optarg);
			if (status)
				return status;
			break;
		case OPT_KERNEL:
			o->kernel = lstm_kernel_find(optarg, &e);
			if (!o->kernel)
				return usage_error("read", "%s", e.text);
			break;
		case OPT_PROFILE:
			o->profile = optarg;
			break;
		case OPT_EVE:
			o->eve = optarg;
			break;
		case OPT_SENSITIVITY:
			if (!sensitivity_parse(optarg, &o->sensitivity))
				return usage_error("read",
					"--sensitivity takes low, normal or high, not '%s'",
					optarg);
			break;
		case OPT_HISTORY:
			o->history = optarg;
			break;
		case OPT_HISTORY_AGE:
		case OPT_HISTORY_SIZE:
			status = session_history_limit(o, "read", c == OPT_HISTORY_AGE, optarg);
			if (status)
				return status;
			break;
		case OPT_PCAP_DIR:
			o->pcap_dir = optarg;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_SCORES:
			o->scores = optarg;
			break;
		case OPT_VERDICTS:
			o->verdicts = optarg;
			break;
		case ':':
			return usage_error("read", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("read", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind == argc)
		return usage_error("read", "no capture named");
	o->flows = meter->settings.flows;
	return 0;
}

/* While there is nothing to read: alerts end when it has been quiet long enough. */
static void wait_quietly(void *session, int64_t now_ns)
{
	session_flush(session, now_ns);
}

/* A capture that cannot be read is told of and does not keep the others from being read. Returns
 * the last negative errno. */
static int read_captures(struct session *s, const struct inputs *in,
	const struct meter_settings *settings, struct meter_stats *meter)
{
	record_sink sink = meter_is_live(settings, in) ? session_record_live : session_record;
	int failed = 0;

	for (size_t i = 0; i < in->count && failed != -EINTR && failed != -EPIPE; i++) {
		struct origin from = {.capture = in->path[i], .several = in->count > 1};
		struct error e = {""};
		int err = session_begin(s, &from, &e);

		if (!err)
			err = capture_read(in->path[i], settings, sink, s, meter, &e);
		session_end(s);
		if (err)
			failed = err;
		if (err && e.text[0] && err != -EINTR)
			fail("read", e.text);
	}
	return failed;
}

int cmd_read(int argc, char **argv)
{
	struct session_options options = {0};
	struct meter_options metering = {0};
	struct meter_stats meter = {0};
	struct session s;
	struct summary figures;
	struct inputs in = {0};
	struct error e = {""};
	int status = read_options(argc, argv, &options, &metering), err;

	if (status)
		return status;
	err = session_open(&s, &options, &e);
	if (!err)
		err = inputs_expand(&in, argv + optind, (size_t)(argc - optind), &e);
	if (!err)
		err = meter_follow(&metering, "read", &in, &e);
	if (err) {
		fail("read", e.text);
		session_close(&s, false, NULL);
		inputs_free(&in);
		return EXIT_FAILED;
	}
	metering.settings.stop = &session_stopped;
	metering.settings.waiting = wait_quietly;
	metering.settings.caught = s.keeper ? session_packet : NULL;
	err = read_captures(&s, &in, &metering.settings, &meter);
	session_summary(&s, &meter, &figures);
	figures.origin = in.count == 1 ? &s.origin : NULL;
	/* Of a capture that gave nothing there is nothing to sum up: the error said it. */
	if (!s.bad && (!err || meter.count[COUNT_PACKETS]))
		session_show(&s, &figures, true);
	if (err == -EINTR)
		fail("read", "interrupted; the figures are of what was read until then");
	status = err ? EXIT_FAILED : EXIT_DONE;
	if (session_close(&s, err != -EINTR && err != -EPIPE && !s.bad, &e) < 0)
		status = fail("read", e.text);
	inputs_free(&in);
	return status;
}
