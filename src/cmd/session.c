#include "cmd/session.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "cmd/cmd.h"
#include "cmd/outputs.h"
#include "cmd/verdicts.h"
#include "output/eve.h"
#include "util/clock.h"
#include "util/number.h"
#include "util/when.h"

volatile sig_atomic_t session_stopped;

static void stop(int signal)
{
	(void)signal;
	session_stopped = 1;
}

static void take_signals(void)
{
	struct sigaction act = {.sa_handler = stop};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	act.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &act, NULL);
}

/* ---- the model ---- */

/* The bundled model: beside the build of a source tree, else where it was installed. */
static int find_model(struct session *s, const char *given, struct error *e)
{
	static const char installed[] = KARMA_PREFIX "/share/karma/default.karma";
	char *slash;
	ssize_t n;

	if (given) {
		snprintf(s->model_path, sizeof(s->model_path), "%s", given);
		return 0;
	}
	n = readlink("/proc/self/exe", s->model_path, sizeof(s->model_path) - 64);
	s->model_path[n > 0 ? n : 0] = '\0';
	slash = strrchr(s->model_path, '/');
	if (slash) {
		*slash = '\0';
		slash = strrchr(s->model_path, '/');
	}
	if (slash) {
		strcpy(slash, "/models/default.karma");
		if (access(s->model_path, R_OK) == 0)
			return 0;
	}
	if (access(installed, R_OK) != 0)
		return error_set(e, -ENOENT,
			"no bundled model, neither %s nor %s; name one with -m, "
			"or make what is installed with 'make install'",
			slash ? s->model_path : "beside the program", installed);
	strcpy(s->model_path, installed);
	return 0;
}

static int load_model(struct session *s, const char *given, struct error *e)
{
	int err = find_model(s, given, e);

	if (err)
		return err;
	s->model = calloc(1, sizeof(*s->model));
	if (!s->model)
		return error_set(e, -ENOMEM, "not enough memory for a model");
	err = model_load(s->model, s->model_path, e);
	if (!err)
		err = evidence_settings_read(&s->settings, s->model->header, s->model_path, e);
	if (!err)
		snprintf(s->model_id, sizeof(s->model_id), "%08lx",
			crc32(0, (const Bytef *)s->model->net.data,
				(uInt)(s->model->net.count * sizeof(float))));
	return err;
}

static int use_profile(struct session *s, const char *path, struct error *e)
{
	struct profile p;
	int err = profile_read(&p, path, s->model_id, e);

	if (err)
		return err;
	s->profile_sum = (uint32_t)crc32(0, (const Bytef *)&p, sizeof(p)) | 1;
	if (p.has_tuning && !tuning_apply(&p.tuning, s->model))
		return error_set(e, -EINVAL,
			"%s: its last layer is for another network; learn it again with "
			"'karma learn'",
			path);
	memcpy(s->settings.shift, p.shift, sizeof(s->settings.shift));
	s->drift = p.has_site ? drift_new(&p.site) : NULL;
	return p.has_site && !s->drift
		       ? error_set(e, -ENOMEM, "not enough memory to watch for drift")
		       : 0;
}

/* ---- outputs ---- */

void session_reopen(struct session *s)
{
	for (unsigned i = 0; i < s->outputs; i++)
		output_reopen(&s->output[i]);
}

void session_settle(struct session *s)
{
	outputs_settle(s->output, s->outputs);
	if (s->keeper)
		keeper_settle(s->keeper);
}

int session_history_limit(struct session_options *o, const char *name, bool age, const char *text)
{
	if (!o->limits.alerts)
		o->limits = history_limits;
	if (age)
		return duration_parse(text, &o->limits.seconds)
			       ? 0
			       : usage_error(name,
					 "--history-age takes a time, such as 30d, not '%s'", text);
	return size_parse(text, &o->limits.bytes)
		       ? 0
		       : usage_error(name,
				 "--history-size takes a size, such as 256M or 2G, not '%s'", text);
}

int session_keep_history(struct session *s, const char *path, bool usual, struct error *e)
{
	const struct history_settings settings = {
		path, s->model_id, usual, s->patient, usual, s->limits};
	int err = history_open(&s->history, &settings, e);

	snprintf(s->history_path, sizeof(s->history_path), "%s", path);
	s->total.history.failing = err < 0;
	if (err)
		snprintf(s->total.history.why, sizeof(s->total.history.why), "%.250s", e->text);
	return err;
}

static int open_outputs(struct session *s, const struct session_options *o, struct error *e)
{
	int err = session_open_outputs(s, o, NULL, e);

	if (!err && o->history)
		err = session_keep_history(s, o->history, false, e);
	if (!err && o->pcap_dir)
		err = keeper_open(&s->keeper, o->pcap_dir, &keeper_limits, o->live, e);
	if (!err && o->scores) {
		err = outfile_open(&s->scores, o->scores, e);
		s->has_scores = !err;
	}
	if (!err && s->has_scores)
		verdicts_write_header(s->scores.stream);
	if (!err && o->verdicts)
		err = verdicts_open(&s->verdicts, o->verdicts, e);
	return err;
}

int session_load(struct session *s, const struct session_options *o, struct error *e)
{
	int err;

	memset(s, 0, sizeof(*s));
	s->profile = o->profile;
	s->kernel = o->kernel ? o->kernel : lstm_kernel_find("fp32", e);
	err = load_model(s, o->model, e);
	s->settings.sensitivity = o->sensitivity;
	if (!err && o->profile)
		err = use_profile(s, o->profile, e);
	return err;
}

int session_open(struct session *s, const struct session_options *o, struct error *e)
{
	int err = session_load(s, o, e);

	s->flows = o->flows;
	s->observer = o->observer;
	s->limits = o->limits.alerts ? o->limits : history_limits;
	s->patient = !o->live;
	if (!err)
		err = open_outputs(s, o, e);
	if (!err)
		take_signals();
	return err;
}

void session_alert(void *session, const struct alert *a, enum alert_stage stage)
{
	struct session *s = session;
	struct origin from = s->origin;
	struct eve_event event = {NULL, NULL, 0};
	struct reaction reaction;

	from.event = &event;

	/* First of all, so that no packet more gets through than must. */
	if (s->respond) {
		respond_alert(s->respond, a, stage, &reaction);
		from.reaction = &reaction;
	}
	if (s->observer && stage == ALERT_NEW)
		s->observer->alert(s->observer->context, a);

	if (s->live && live_interface(s->live, a->record.ifindex))
		from.interface = live_interface(s->live, a->record.ifindex);
	if (s->keeper && stage == ALERT_NEW)
		keeper_begin(s->keeper, a);
	if (s->keeper)
		from.kept = keeper_path(s->keeper, a);
	from.muted = s->history && !s->patient && history_is_muted(s->history, a);
	s->muted += from.muted && stage == ALERT_NEW;
	for (unsigned i = 0; i < s->outputs; i++)
		s->output[i].kind->alert(&s->output[i], a, stage, &from);
	if (s->history)
		history_alert(s->history, a, stage, &from);
	if (s->desk)
		desk_alert(s->desk, a, stage, &from);
	if (s->keeper && stage == ALERT_END)
		keeper_end(s->keeper, a);
	eve_event_free(&event);
	if (s->respond)
		respond_tell(s->respond);
}

void session_block(void *session, const struct block_change *c)
{
	struct session *s = session;

	for (unsigned i = 0; i < s->outputs; i++)
		if (s->output[i].kind->block)
			s->output[i].kind->block(&s->output[i], c);
	if (s->history)
		history_block(s->history, c);
}

void session_packet(void *session, const struct caught *c)
{
	struct session *s = session;

	if (s->keeper)
		keeper_packet(s->keeper, c);
}

void session_flow(void *session, const struct alert *a, const struct alert_flow *f)
{
	struct session *s = session;

	if (s->respond)
		respond_flow(s->respond, a);
	if (!s->history)
		return;
	history_flow(s->history, a, f);
	history_write(s->history, false);
}

static void tell_drift(struct session *s, const struct drift_news *news)
{
	char text[DRIFT_TEXT];

	terminal_status_clear();
	if (news->drifted)
		fprintf(stderr,
			"karma: the traffic has drifted from the profile: %s; if this is how it is "
			"now, learn it again\n",
			drift_text(news, text));
	else
		fputs("karma: the traffic is as the profile has it again\n", stderr);
	for (unsigned i = 0; i < s->outputs; i++)
		if (s->output[i].kind->drift)
			s->output[i].kind->drift(&s->output[i], news, s->last_ns, &s->origin);
}

/* What an alert tells of is no drift. */
static void watch_drift(
	struct session *s, const struct record *r, const struct verdict *v, const struct weight *w)
{
	float enough = evidence_enough(&s->settings);
	struct drift_news news;

	if (w->actor < enough && w->target < enough && drift_take(s->drift, r, v, &news))
		tell_drift(s, &news);
}

/* ---- a timeline ---- */

int session_begin(struct session *s, const struct origin *from, struct error *e)
{
	int err = judge_new(&s->judge, s->model, s->model_path, s->kernel, 0, s->flows, e);

	if (err)
		return err;
	s->origin = *from;
	s->first_ns = s->last_ns = 0;
	if (s->keeper)
		keeper_reset(s->keeper);
	if (s->drift)
		drift_begin(s->drift);
	s->detector = detector_new(&s->settings, s->judge, session_alert, s);
	if (!s->detector)
		return error_set(e, -ENOMEM, "not enough memory to detect");
	detector_tell_flows(s->detector, session_flow);
	return 0;
}

static void put_scores(
	FILE *out, const struct record *r, const struct verdict *v, const struct weight *w)
{
	char src[ADDR_TEXT], dst[ADDR_TEXT], actor[ADDR_TEXT];

	fprintf(out, "%" PRId64 ".%09d,%" PRIu64 ",%s,%u,%s,%u,%s,%s,%s,%.4f,%.4f,%.4f",
		r->at_ns / 1000000000, (int)(r->at_ns % 1000000000), r->flow_id,
		addr_text(r->addr[SRC], src), r->port[SRC], addr_text(r->addr[DST], dst),
		r->port[DST], record_proto_name(r->net, r->proto),
		record_state_name((enum record_state)r->state), addr_text(v->actor, actor),
		(double)w->score, (double)w->actor, (double)w->target);
	for (int c = 0; c < CLASSES; c++)
		fprintf(out, ",%.9g", (double)v->probability[c]);
	fputc('\n', out);
}

static void weigh(void *session, const struct record *r, const struct verdict *of_model)
{
	struct session *s = session;
	struct verdict v = *of_model;
	struct weight w;

	if (s->verdicts && !s->bad)
		s->bad = verdicts_next(s->verdicts, r->flow_id, v.probability, &s->wrong);
	if (s->bad)
		return; /* it ends here: what waited with this record is not told of */
	detector_tick(s->detector, r->at_ns);
	w = detector_weigh(s->detector, r, &v);
	if (s->history && w.actor > 0)
		history_suspect(s->history, v.actor, r->at_ns, w.actor,
			w.actor >= evidence_enough(&s->settings));
	if (s->desk) {
		desk_weighed(s->desk, r, v.actor, &w);
		desk_service(s->desk, r, v.app);
	}
	if (s->has_scores)
		put_scores(s->scores.stream, r, &v, &w);
	if (s->drift)
		watch_drift(s, r, &v, &w);
	if (s->observer)
		s->observer->record(s->observer->context, r, &v, &w);
}

void session_flush(struct session *s, int64_t now_ns)
{
	judge_flush(s->judge, weigh, s);
	if (s->desk)
		desk_judged(s->desk);
	detector_tick(s->detector, now_ns);
	if (s->history)
		history_write(s->history, false);
	if (s->keeper)
		keeper_flush(s->keeper);
}

int session_record(void *session, const struct record *r)
{
	struct session *s = session;

	if (!s->first_ns)
		s->first_ns = r->first_ns;
	s->last_ns = r->at_ns;
	if (s->history)
		history_record(s->history, r);
	if (s->desk)
		desk_record(s->desk, r);
	judge_record(s->judge, r, weigh, s);
	if (s->desk)
		desk_judged(s->desk);
	if (output_code(&s->output[0]) == EPIPE)
		return -EPIPE;
	if (s->bad)
		return s->bad;
	return session_stopped ? -EINTR : 0;
}

int session_record_live(void *session, const struct record *r)
{
	int err = session_record(session, r);

	return err == -EINTR ? 0 : err;
}

/* Sum of everything that counts up; what is a state is that of the present timeline. */
static void add_figures(const struct session *s, struct summary *out)
{
	struct judge_stats j;
	struct detect_stats d;

	judge_stats(s->judge, &j);
	detector_stats(s->detector, &d);
	out->seconds += (double)(s->last_ns - s->first_ns) / 1e9;
	out->judge.records += j.records;
	out->judge.judged += j.judged;
	out->judge.hosts = j.hosts;
	out->judge.hosts_forgotten += j.hosts_forgotten;
	out->judge.events_forgotten += j.events_forgotten;
	out->detect.evidence_forgotten += d.evidence_forgotten;
	out->detect.alerts.active = d.alerts.active;
	out->detect.alerts.ended_early += d.alerts.ended_early;
	for (int c = 0; c < CLASSES; c++) {
		out->detect.alerts.raised[c] += d.alerts.raised[c];
		out->detect.alerts.arose[c] += d.alerts.arose[c];
	}
}

void session_finish(struct session *s)
{
	struct drift_news news;

	session_flush(s, s->last_ns);
	detector_finish(s->detector);
	if (s->history)
		history_write(s->history, true);
	if (s->drift && !s->origin.several && drift_end(s->drift, &news))
		tell_drift(s, &news);
}

void session_end(struct session *s)
{
	if (s->detector) {
		session_finish(s);
		add_figures(s, &s->total);
		s->total.now_ns = s->last_ns;
	}
	detector_free(s->detector);
	judge_free(s->judge);
	s->detector = NULL;
	s->judge = NULL;
}

static void block_figures(struct respond *r, struct block_stats *out)
{
	struct respond_stats s;

	respond_stats(r, &s);
	*out = (struct block_stats){.entries = s.policy.entries,
		.added = s.policy.added,
		.renewed = s.policy.renewed,
		.removed = s.policy.removed,
		.dropped = s.filter.dropped,
		.limited = s.filter.limited,
		.refused_full = s.policy.refused_full,
		.refused_fast = s.policy.refused_fast,
		.refused_protected = s.policy.refused_protected,
		.protected_lost = s.protected_lost};
}

void session_summary(const struct session *s, const struct meter_stats *meter, struct summary *out)
{
	*out = s->total;
	if (s->detector) {
		add_figures(s, out);
		out->now_ns = s->last_ns;
	}
	out->meter = *meter;
	out->muted = s->muted;
	if (s->history)
		history_stats(s->history, &out->history);
	out->keeps = s->keeper != NULL;
	if (s->keeper)
		keeper_stats(s->keeper, &out->keeper);
	out->blocks = s->respond != NULL;
	if (s->respond)
		block_figures(s->respond, &out->block);
	out->has_profile = s->drift;
	out->drifted = s->drift && drift_is_on(s->drift);
	out->outputs = session_output_stats(s, out->output);
}

void session_tick_desk(const struct session *s, const struct summary *figures, struct desk_facts *f)
{
	struct latency history;

	f->version = KARMA_VERSION;
	f->pid = getpid();
	f->steady_ns = (int64_t)clock_now(CLOCK_MONOTONIC);
	f->figures = *figures;
	f->model = s->model_path;
	f->model_id = s->model_id;
	f->kernel = s->kernel->name;
	f->sensitivity = sensitivity_name(s->settings.sensitivity);
	f->profile = s->profile;
	f->history = s->history_path[0] ? s->history_path : NULL;
	if (s->history)
		history_latency(s->history, &history);
	desk_tick(s->desk, f, s->history ? &history : NULL);
}

void session_show(struct session *s, const struct summary *figures, bool last)
{
	for (unsigned i = 0; i < s->outputs; i++)
		if (s->output[i].kind->summary)
			s->output[i].kind->summary(&s->output[i], figures, last);
}

int session_close(struct session *s, bool good, struct error *e)
{
	struct error outputs = {""};
	int err = 0, lost;

	session_end(s);
	if (s->has_scores && good)
		err = outfile_commit(&s->scores, e);
	else if (s->has_scores)
		outfile_abort(&s->scores);
	lost = session_close_outputs(s, &outputs);
	if (lost && !err)
		err = error_set(e, lost, "%s", outputs.text);
	verdicts_close(s->verdicts);
	if (s->bad)
		err = error_set(e, s->bad, "%s", s->wrong.text);
	if (s->history) {
		struct history_stats h;

		history_close(s->history, &h);
		if (h.lost && !err)
			err = error_set(e, -EIO,
				"%" PRIu64 " alert%s could not be written to the history: %s",
				h.lost, h.lost == 1 ? "" : "s",
				*h.why ? h.why : "the disk is too slow");
	}
	if (s->keeper) {
		struct keeper_stats k = {0};

		keeper_stats(s->keeper, &k);
		if (k.failed && !err)
			err = error_set(e, -EIO, "packets of alerts were not always written");
	}
	keeper_close(s->keeper);
	drift_free(s->drift);
	if (s->model)
		model_free(s->model);
	free(s->model);
	return err;
}
