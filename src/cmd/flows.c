/* karma flows: flow records as CSV, of captures or of interfaces. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/inputs.h"
#include "cmd/cmd.h"
#include "cmd/meter_options.h"
#include "feature/csv.h"
#include "feature/ct.h"
#include "feature/truth.h"
#include "feature/window.h"
#include "util/outfile.h"

enum { OPT_STEPS = 256, OPT_TRUTH };

static const int poll_ms = 200;

struct options {
	struct meter_options meter;
	const char *out, *truth;
	bool steps;
	char **names;
	size_t count;
};

/* Rows on their way from records to the file. */
struct writer {
	struct outfile file;
	struct truth *truth; /* NULL: labels unknown */
	bool steps;
	bool live; /* a signal ends it with all its records */
	struct window *window;
	struct ct_block *block;
	bool has_header;
	uint64_t rows;
	int err; /* of the writing; what a capture has wrong is not among it */
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* While there is nothing to read. */
static void show_rows(void *writer, int64_t now_ns)
{
	struct writer *w = writer;

	(void)now_ns;
	fflush(w->file.stream);
}

static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"interface", required_argument, NULL, 'i'},
		{"flows", required_argument, NULL, OPT_FLOWS},
		{"each-interface", no_argument, NULL, OPT_EACH_INTERFACE},
		{"outer", no_argument, NULL, OPT_OUTER},
		{"follow", no_argument, NULL, OPT_FOLLOW},
		{"output", required_argument, NULL, 'o'},
		{"steps", no_argument, NULL, OPT_STEPS},
		{"truth", required_argument, NULL, OPT_TRUTH},
		{NULL, 0, NULL, 0},
	};
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":i:o:", longs, NULL)) != -1) {
		switch (c) {
		case 'i':
		case OPT_FLOWS:
		case OPT_EACH_INTERFACE:
		case OPT_OUTER:
		case OPT_FOLLOW:
			status = meter_option(&o->meter, "flows", c, optarg);
			if (status)
				return status;
			break;
		case 'o':
			o->out = optarg;
			break;
		case OPT_STEPS:
			o->steps = true;
			break;
		case OPT_TRUTH:
			o->truth = optarg;
			break;
		case ':':
			return usage_error("flows", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("flows", "there is no option '%s'", argv[optind - 1]);
		}
	}
	o->names = argv + optind;
	o->count = (size_t)(argc - optind);
	if (!o->meter.interfaces.count && !o->count)
		return usage_error("flows", "no capture named, and no interface (-i)");
	if (o->meter.interfaces.count && o->count)
		return usage_error("flows", "either captures or interfaces (-i), not both");
	if (o->meter.interfaces.count && o->meter.settings.follow)
		return usage_error("flows", "--follow is for a capture, not for interfaces (-i)");
	o->meter.settings.stop = &stopped;
	o->meter.settings.waiting = show_rows;
	return 0;
}

/* ---- rows ---- */

static int write_header(struct writer *w)
{
	if (!w->has_header && !w->err)
		w->err = csv_write_header(w->file.stream);
	w->has_header = true;
	return w->err;
}

/* A ct_sink. */
static int write_line(void *context, const char *line, size_t length)
{
	struct writer *w = context;

	if (!w->err && fwrite(line, 1, length, w->file.stream) != length)
		w->err = -EIO;
	w->rows += !w->err;
	return w->err;
}

/* A record_sink. Every record goes through the window, which counts what hosts do; rows are made
 * of those that are asked for: steps in the detector's order, final ones in that of ct_*. */
static int take_record(void *context, const struct record *r)
{
	struct writer *w = context;
	struct row row;

	if (stopped && !w->live)
		return -EINTR;
	if (w->steps ? !r->news : r->event != RECORD_FINAL) {
		feature_pass(w->window, r);
		return 0;
	}
	feature_row(w->window, r, &row);
	if (w->truth)
		row.label = truth_class(w->truth, r);
	write_header(w);
	if (w->steps) {
		w->err = csv_write_row(w->file.stream, r, &row);
		w->rows += !w->err;
	} else {
		w->err = ct_add(w->block, r, &row, write_line, w);
	}
	return w->err;
}

/* A timeline: its counters start empty, its last block ends with it. */
static int timeline_begin(struct writer *w, const struct meter_settings *settings, struct error *e)
{
	w->window = window_new(window_events(settings->flows));
	w->block = ct_new();
	if (!w->window || !w->block)
		return error_set(e, -ENOMEM, "out of memory for the counters over time");
	return 0;
}

static void timeline_end(struct writer *w)
{
	if (w->block)
		ct_flush(w->block, write_line, w);
	ct_free(w->block);
	window_free(w->window);
	w->block = NULL;
	w->window = NULL;
}

/* ---- sources ---- */

/* A capture that is broken or no capture is told of; the others are read all the same. Whether all
 * were whole. */
static bool read_captures(struct writer *w, const struct inputs *in,
	const struct meter_settings *settings, struct meter_stats *stats)
{
	bool whole = true;

	for (size_t i = 0; i < in->count && !w->err && !stopped; i++) {
		struct error e = {""};
		int err = timeline_begin(w, settings, &e);

		if (!err)
			err = capture_read(in->path[i], settings, take_record, w, stats, &e);
		timeline_end(w);
		if (err && e.text[0]) {
			fail("flows", e.text);
			whole = false;
		}
	}
	return whole;
}

/* What becomes of an interface. */
static void tell(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "karma flows: %s\n", line);
}

static int watch(
	struct writer *w, const struct meter_options *o, struct meter_stats *stats, struct error *e)
{
	char interfaces[INTERFACES_TEXT];
	struct live *live = NULL;
	int err = timeline_begin(w, &o->settings, e);

	interface_list_text(&o->interfaces, interfaces);
	if (!err)
		err = live_open(&live, &o->interfaces, &o->settings, tell, NULL, e);
	if (!err) {
		write_header(w);
		fprintf(stderr, "karma flows: metering %s (%s) until interrupted\n", interfaces,
			live_attachment(live));
		while (!stopped && (err >= 0 || err == -EINTR)) {
			err = live_poll(live, poll_ms, take_record, w);
			fflush(w->file.stream);
		}
		if (stopped)
			err = live_drain(live, take_record, w);
		if (err < 0 && !w->err)
			error_set(e, err, "%s: %s", interfaces, strerror(-err));
		live_stats(live, stats);
	}
	timeline_end(w);
	live_close(live);
	return err < 0 ? err : 0;
}

static void take_signals(void)
{
	struct sigaction act = {.sa_handler = stop};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

/* Put the file in its place. A capture that broke off does not keep back what came before. */
static int finish(struct writer *w, bool whole, const char *name, struct error *e)
{
	if (whole)
		write_header(w); /* of captures without a record */
	if (w->err == -ENOMEM)
		return error_set(e, w->err, "memory is short for the rows that wait for others");
	if (w->err)
		return error_set(e, w->err, "%s: cannot be written; is the disk full?", name);
	if (!w->has_header)
		return -EIO;
	return outfile_commit(&w->file, e);
}

static int run(struct writer *w, const struct options *o, struct error *e)
{
	struct meter_stats stats = {0};
	struct inputs in = {0};
	bool whole = true;
	int err = o->truth ? truth_read(&w->truth, o->truth, e) : 0;

	if (!err)
		err = inputs_expand(&in, o->names, o->count, e);
	if (!err)
		err = outfile_open(&w->file, o->out ? o->out : "-", e);
	if (err)
		goto out;
	w->live = o->meter.interfaces.count > 0 || meter_is_live(&o->meter.settings, &in);
	take_signals();
	if (o->meter.interfaces.count) {
		err = watch(w, &o->meter, &stats, e);
	} else {
		err = meter_follow(&o->meter, "flows", &in, e);
		if (w->live && !err)
			write_header(w);
		whole = err || read_captures(w, &in, &o->meter.settings, &stats);
	}
	if (!w->live && stopped)
		err = error_set(e, -EINTR, "interrupted; %s",
			o->out ? "nothing was written" : "the rows are not all");
	if (!err || w->err)
		err = finish(w, whole, o->out ? o->out : "standard output", e);
	if (!err) {
		fprintf(stderr, "karma flows: %" PRIu64 " row%s from ", w->rows,
			w->rows == 1 ? "" : "s");
		meter_stats_print(stderr, &stats);
		fputc('\n', stderr);
	}
out:
	if (err)
		outfile_abort(&w->file);
	inputs_free(&in);
	return err || whole ? err : -EIO;
}

int cmd_flows(int argc, char **argv)
{
	struct options options = {0};
	struct writer w = {0};
	struct error e = {""};
	int status = read_options(argc, argv, &options);

	if (status)
		return status;
	w.steps = options.steps;
	if (run(&w, &options, &e) < 0)
		status = e.text[0] ? fail("flows", e.text) : EXIT_FAILED;
	truth_free(w.truth);
	return status;
}
