/* karma learn: a profile of a site from its own traffic. The traffic is judged as karma run and
 * karma read judge it; the learners of src/detect/ look on. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "capture/inputs.h"
#include "cmd/cmd.h"
#include "cmd/meter_options.h"
#include "cmd/session.h"
#include "util/clock.h"
#include "util/number.h"
#include "util/outfile.h"
#include "util/when.h"

enum { OPT_FOR = 256, OPT_FALSE_ALERTS, OPT_TRUST, OPT_TUNE };
enum { TRUSTED = 256, NAMED = 10 };

static const int poll_ms = 200;
static const int64_t second = 1000000000LL;

static const struct option longs[] = {
	{"interface", required_argument, NULL, 'i'},
	{"for", required_argument, NULL, OPT_FOR},
	{"model", required_argument, NULL, 'm'},
	{"false-alerts", required_argument, NULL, OPT_FALSE_ALERTS},
	{"trust", required_argument, NULL, OPT_TRUST},
	{"tune", no_argument, NULL, OPT_TUNE},
	{"flows", required_argument, NULL, OPT_FLOWS},
	{"each-interface", no_argument, NULL, OPT_EACH_INTERFACE},
	{"outer", no_argument, NULL, OPT_OUTER},
	{NULL, 0, NULL, 0},
};

struct options {
	struct session_options session;
	struct meter_options meter;
	const char *out;
	uint64_t seconds; /* live: for so long; 0: until interrupted */
	double per_day;
	bool tune;
	bool trust_all;
	uint8_t trusted[TRUSTED][16];
	unsigned trusts;
	char *const *captures;
	size_t count;
};

struct learning {
	const struct options *o;
	struct session session;
	struct meter_stats meter;
	struct learner *margins;
	struct drift_learner *drift;
	struct tuner *tuner;              /* NULL: nothing is tuned, or it is done */
	char named[NAMED][ADDR_TEXT + 8]; /* of the parties that are left out */
	unsigned names;
	uint64_t judged; /* records */
	bool full;       /* there is no room for more */
	bool broken;     /* more parties raise alerts than can be left out */
	struct profile profile;
	struct tuned tuned;
};

/* ---- options ---- */

static int read_rate(struct options *o, const char *text)
{
	char *end;

	o->per_day = strtod(text, &end);
	if (end == text || *end || !(o->per_day >= 0.001 && o->per_day <= 1e5))
		return usage_error("learn",
			"--false-alerts takes a number a day, from 0.001 to 100,000, not '%s'",
			text);
	return 0;
}

static int read_trust(struct options *o, char *text)
{
	char *rest, *name;

	if (strcmp(text, "all") == 0) {
		o->trust_all = true;
		return 0;
	}
	for (name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (o->trusts == TRUSTED)
			return usage_error(
				"learn", "--trust takes %d addresses; 'all' is everyone", TRUSTED);
		if (!addr_parse(name, o->trusted[o->trusts]))
			return usage_error(
				"learn", "--trust takes 'all' or addresses, not '%s'", name);
		o->trusts++;
	}
	return 0;
}

static int check_options(const struct options *o)
{
	bool live = o->meter.interfaces.count > 0;

	if (!o->out)
		return usage_error("learn", "no profile named (-o FILE)");
	if (strcmp(o->out, "-") == 0)
		return usage_error(
			"learn", "-o - would mix the profile with what is told; name a file");
	if (live == (o->count > 0))
		return usage_error("learn",
			live ? "either -i or captures" : "no capture and no interface named");
	if (o->seconds && !live)
		return usage_error("learn", "--for goes with -i; captures are read whole");
	if (o->tune && live && o->seconds == 1)
		return usage_error("learn", "--tune needs 2 s or more: half of them are for it");
	if (o->tune && live && !o->seconds)
		return usage_error("learn",
			"--tune of an interface needs --for: the first half of the time is for it");
	for (size_t i = 0; i < o->count && o->tune; i++)
		if (strcmp(o->captures[i], "-") == 0)
			return usage_error("learn",
				"--tune reads captures twice, which standard input cannot be");
	return 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
	int c, status = 0;

	opterr = 0;
	while (!status && (c = getopt_long(argc, argv, ":i:m:o:", longs, NULL)) != -1) {
		switch (c) {
		case 'i':
		case OPT_FLOWS:
		case OPT_EACH_INTERFACE:
		case OPT_OUTER:
			status = meter_option(&o->meter, "learn", c, optarg);
			break;
		case OPT_FOR:
			if (!duration_parse(optarg, &o->seconds))
				status = usage_error("learn",
					"--for takes a time such as 90s, 10m, 1h or 2d, not '%s'",
					optarg);
			break;
		case 'm':
			o->session.model = optarg;
			break;
		case 'o':
			o->out = optarg;
			break;
		case OPT_FALSE_ALERTS:
			status = read_rate(o, optarg);
			break;
		case OPT_TRUST:
			status = read_trust(o, optarg);
			break;
		case OPT_TUNE:
			o->tune = true;
			break;
		case ':':
			return usage_error("learn", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("learn", "there is no option '%s'", argv[optind - 1]);
		}
	}
	o->captures = argv + optind;
	o->count = (size_t)(argc - optind);
	o->session.flows = o->meter.settings.flows;
	return status ? status : check_options(o);
}

/* ---- looking on ---- */

static bool is_trusted(const struct options *o, const uint8_t addr[16])
{
	for (unsigned i = 0; i < o->trusts; i++)
		if (memcmp(o->trusted[i], addr, 16) == 0)
			return true;
	return o->trust_all;
}

static void name_party(struct learning *l, const struct alert *a)
{
	char text[ADDR_TEXT + 8], addr[ADDR_TEXT];

	snprintf(text, sizeof(text), a->many ? "all at %s" : "%s",
		addr_text(a->many ? a->target : a->attacker, addr));
	for (unsigned i = 0; i < l->names; i++)
		if (strcmp(l->named[i], text) == 0)
			return;
	if (l->names < NAMED)
		strcpy(l->named[l->names++], text);
}

static void see_alert(void *learning, const struct alert *a)
{
	struct learning *l = learning;

	if (is_trusted(l->o, a->many ? a->target : a->attacker))
		return;
	name_party(l, a);
	if (!learner_leave_out(l->margins, a))
		l->broken = true;
}

static void see_record(
	void *learning, const struct record *r, const struct verdict *v, const struct weight *w)
{
	struct learning *l = learning;
	const uint8_t *target = r->addr[memcmp(v->actor, r->addr[SRC], 16) == 0 ? DST : SRC];
	float enough = evidence_enough(&l->session.settings);
	bool loud = w->actor >= enough || w->target >= enough;
	struct drift_mark mark = {0};

	if (l->tuner) {
		tuner_take(l->tuner, v, target);
		return;
	}
	if (l->full)
		return;
	/* What tells of an alert is no drift, by the margins of the profile: not known yet. */
	if (loud)
		mark = drift_learner_mark(l->drift, r, v);
	l->full = !learner_take(l->margins, r, v, w, loud ? &mark : NULL);
	if (!loud)
		drift_learner_take(l->drift, r, v);
}

/* The first part is over: from here on records are judged with the tuned layer. */
static int use_tuning(struct learning *l, struct error *e)
{
	struct tuner *t = l->tuner;

	l->tuner = NULL;
	l->profile.has_tuning =
		tuner_fit(t, learner_leaves_out, l->margins, &l->profile.tuning, &l->tuned);
	tuner_free(t);
	if (!l->profile.has_tuning)
		return error_set(e, -ENODATA,
			"no record to tune the last layer by; learn from more traffic");
	tuning_apply(&l->profile.tuning, l->session.model);
	return 0;
}

static int begin(struct learning *l, const struct origin *from, struct error *e)
{
	learner_begin(l->margins);
	drift_learner_begin(l->drift);
	return session_begin(&l->session, from, e);
}

/* ---- captures ---- */

/* Whoever cannot be read is told of; returns the last negative errno. */
static int read_captures(struct learning *l, const struct inputs *in, struct meter_stats *meter)
{
	const struct meter_settings *settings = &l->o->meter.settings;
	record_sink sink = meter_is_live(settings, in) ? session_record_live : session_record;
	int failed = 0;

	for (size_t i = 0; i < in->count && !session_stopped && !l->full && failed != -EPIPE; i++) {
		struct origin from = {.capture = in->path[i], .several = in->count > 1};
		struct error e = {""};
		int err = begin(l, &from, &e);

		if (!err)
			err = capture_read(in->path[i], settings, sink, &l->session, meter, &e);
		session_end(&l->session);
		failed = err ? err : failed;
		if (err && e.text[0] && err != -EINTR && !l->tuner)
			fail("learn", e.text);
	}
	return failed;
}

/* Twice when there is something to tune; alerts are shown as the profile will have them. */
static int learn_captures(struct learning *l, struct error *e)
{
	struct inputs in = {0};
	unsigned outputs = l->session.outputs;
	struct summary figures;
	int failed, err = inputs_expand(&in, l->o->captures, l->o->count, e);

	if (!err && l->tuner) {
		l->session.outputs = 0;
		read_captures(l, &in, &(struct meter_stats){0});
		l->session.outputs = outputs;
		memset(&l->session.total, 0, sizeof(l->session.total));
		err = session_stopped ? 0 : use_tuning(l, e);
	}
	if (err)
		goto out;
	failed = read_captures(l, &in, &l->meter);
	session_summary(&l->session, &l->meter, &figures);
	figures.origin = in.count == 1 ? &l->session.origin : NULL;
	l->judged = figures.judge.judged;
	/* Of a capture that gave nothing there is nothing to sum up: the error said it. */
	if (!failed || l->meter.count[COUNT_PACKETS])
		session_show(&l->session, &figures, true);
	if (session_stopped && !meter_is_live(&l->o->meter.settings, &in))
		err = error_set(e, -EINTR, "interrupted; no profile was written");
	else
		err = failed; /* its line was told; the rest may be worth a profile */
out:
	inputs_free(&in);
	return err;
}

/* ---- interfaces ---- */

static void tell(void *context, const char *line)
{
	(void)context;
	terminal_status_clear();
	fprintf(stderr, "karma: %s\n", line);
}

static void show_status(const struct learning *l, int64_t left_ns)
{
	char number[NUMBER_TEXT], time[NUMBER_TEXT], line[160];
	struct summary f;

	session_summary(&l->session, &l->meter, &f);
	snprintf(line, sizeof(line), "%s records%s%s", number_text(f.judge.judged, number),
		l->o->seconds ? ", still " : "",
		l->o->seconds ? duration_text((double)left_ns / 1e9, time) : "");
	terminal_status(line);
}

/* Until the time is over, or interrupted. */
static int watch(struct learning *l, struct live *live, uint64_t seconds, struct error *e)
{
	int64_t begun = (int64_t)clock_now(CLOCK_MONOTONIC), shown = 0, now = begun;
	int64_t end = begun + (int64_t)seconds * second;
	int n = 0;

	while (!session_stopped && !l->full && n >= 0 && (!seconds || now < end)) {
		n = live_poll(live, poll_ms, session_record_live, &l->session);
		n = n == -EINTR ? 0 : n;
		session_flush(&l->session, (int64_t)clock_now(CLOCK_REALTIME));
		now = (int64_t)clock_now(CLOCK_MONOTONIC);
		if (now - shown >= second) {
			show_status(l, end - now);
			shown = now;
		}
	}
	terminal_status_clear();
	if (n < 0 && n != -EPIPE)
		return error_set(e, n, "%s: no more flow records: %s", l->session.origin.interface,
			strerror(-n));
	return n < 0 ? n : 0;
}

static int learn_live(struct learning *l, struct error *e)
{
	char interfaces[INTERFACES_TEXT];
	const struct meter_options *o = &l->o->meter;
	struct origin from = {.interface = interface_list_text(&o->interfaces, interfaces)};
	uint64_t first = l->tuner ? (l->o->seconds + 1) / 2 : 0;
	struct live *live = NULL;
	struct summary figures;
	int err = begin(l, &from, e);

	if (!err)
		err = live_open(&live, &o->interfaces, &o->settings, tell, NULL, e);
	if (err)
		return err;
	l->session.live = live;
	fprintf(stderr, "karma: learning from %s (%s) with %s (id %s); Ctrl-C ends it\n",
		interfaces, live_attachment(live), l->session.model_path, l->session.model_id);
	if (first) {
		err = watch(l, live, first, e);
		session_end(&l->session);
		if (!err && !session_stopped)
			err = use_tuning(l, e);
		if (!err)
			err = begin(l, &from, e);
	}
	if (!err)
		err = watch(l, live, l->o->seconds - first, e);
	session_end(&l->session);
	live_stats(live, &l->meter);
	session_summary(&l->session, &l->meter, &figures);
	figures.origin = &from;
	l->judged = figures.judge.judged;
	session_show(&l->session, &figures, true);
	l->session.live = NULL;
	live_close(live);
	if (!err && l->tuner)
		err = error_set(e, -EINTR,
			"interrupted before anything was tuned; no profile was "
			"written");
	return err;
}

/* ---- the profile ---- */

static void print_margins(const float shift[TRAFFICS])
{
	const char *between = "margins raised: ";

	for (int t = 0; t < TRAFFICS; t++) {
		if (!(shift[t] > 0))
			continue;
		printf("%s%s by %.1f%s", between, traffic_name((enum traffic)t), (double)shift[t],
			shift[t] < learn_most ? "" : " (the most there is)");
		between = ", ";
	}
	puts(strcmp(between, ", ") == 0 ? "" : "margins: the model's own");
}

static void print_left_out(const struct learning *l, const struct learnt *t)
{
	if (!t->left_out)
		return;
	printf("left out, for the alerts that they raised: ");
	for (unsigned i = 0; i < l->names; i++)
		printf("%s%s", i ? ", " : "", l->named[i]);
	if (t->left_out > l->names)
		printf(" and %" PRIu32 " more", t->left_out - l->names);
	puts("; if that is the site's own work, learn again with --trust");
}

static const char *rate_text(double per_day, char text[NUMBER_TEXT])
{
	if (per_day > 0 && per_day < 0.01)
		return "under 0.01";
	snprintf(text, NUMBER_TEXT, per_day < 10 ? "%.2f" : "%.0f", per_day);
	return text;
}

static void print_learnt(const struct learning *l, const struct learnt *t)
{
	char time[NUMBER_TEXT], records[NUMBER_TEXT], kept[NUMBER_TEXT];
	char before[NUMBER_TEXT], after[NUMBER_TEXT], asked[NUMBER_TEXT];

	printf("learnt from %s of traffic: %s records, %s of them with weight\n",
		duration_text(t->seconds, time), number_text(t->records, records),
		number_text(t->kept, kept));
	if (l->full)
		puts("no more was taken in: there is no room for more records with weight");
	print_left_out(l, t);
	if (l->profile.has_tuning)
		printf("last layer tuned on %s records: mean cross-entropy %.4f, before %.4f\n",
			number_text(l->tuned.records, records), l->tuned.after, l->tuned.before);
	if (t->measured)
		printf("false alerts to expect a day: %s, without the margins %s; asked for %s\n",
			rate_text(t->after, after), rate_text(t->before, before),
			rate_text(l->o->per_day, asked));
	else
		puts("false alerts to expect: too few records have weight to say");
	print_margins(t->shift);
	if (t->after > l->o->per_day)
		puts("that is more than was asked for: margins rise no further, so that attacks "
		     "are still found");
	if (!l->profile.has_site)
		puts("too little traffic to say what is usual: drift will not be told of");
}

static int write_profile(struct learning *l, struct error *e)
{
	struct learnt learnt;
	const char *from = l->o->count > 1    ? "captures"
			   : l->o->count == 1 ? l->o->captures[0]
					      : "interfaces";
	int err;

	if (l->broken)
		return error_set(e, -ENOSPC,
			"more than %d hosts raise alerts: no profile of such traffic; --trust all "
			"takes it for the site's own work",
			LEARN_PARTIES);
	err = learner_margins(l->margins, l->o->per_day, &learnt);
	if (!err)
		err = learner_add_quiet(l->margins, learnt.shift, l->drift);
	if (err)
		return error_set(e, err, "not enough memory to learn");
	memcpy(l->profile.shift, learnt.shift, sizeof(l->profile.shift));
	l->profile.has_site = drift_learner_site(l->drift, &l->profile.site);
	err = profile_write(
		&l->profile, l->o->out, l->session.model_id, from, &learnt, l->o->per_day, e);
	if (!err)
		print_learnt(l, &learnt);
	return err;
}

static int learn(struct learning *l, struct error *e)
{
	struct error writing = {""};
	int err, written = 0;

	err = outfile_check(l->o->out, e); /* better told now than after a day */
	if (err)
		return err;
	l->margins = learner_new(&l->session.settings);
	l->drift = drift_learner_new();
	l->tuner = l->o->tune ? tuner_new(l->session.model) : NULL;
	if (!l->margins || !l->drift || (l->o->tune && !l->tuner))
		return error_set(e, -ENOMEM, "not enough memory to learn");
	err = l->o->meter.interfaces.count ? learn_live(l, e) : learn_captures(l, e);
	if (!err && !l->judged)
		return error_set(e, -ENODATA, "no traffic to learn from; no profile was written");
	/* Nobody reads on: what was learnt is a part, and not said. */
	if (err == -EPIPE)
		return err;
	if (l->judged && !e->text[0])
		written = write_profile(l, &writing);
	if (written)
		*e = writing;
	return written ? written : err;
}

int cmd_learn(int argc, char **argv)
{
	struct learning *l = calloc(1, sizeof(*l));
	struct options *o = calloc(1, sizeof(*o));
	struct session_observer observer = {see_record, see_alert, l};
	struct error e = {""}, closing = {""};
	int status = EXIT_FAILED, err;

	if (!l || !o) {
		fail("learn", "not enough memory to learn");
		goto out;
	}
	o->per_day = 1;
	status = read_options(argc, argv, o);
	if (status)
		goto out;
	l->o = o;
	o->session.observer = &observer;
	o->meter.settings.stop = &session_stopped;
	err = session_open(&l->session, &o->session, &e);
	if (!err)
		err = learn(l, &e);
	if (session_close(&l->session, !err, &closing) < 0 && (!err || !e.text[0])) {
		e = closing;
		err = -EIO;
	}
	if (err)
		status = e.text[0] ? fail("learn", e.text) : EXIT_FAILED;
	learner_free(l->margins);
	drift_learner_free(l->drift);
	tuner_free(l->tuner);
out:
	free(l);
	free(o);
	return status;
}
