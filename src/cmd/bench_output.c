#include "cmd/bench_output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/bench_detect.h"
#include "cmd/bench_look.h"
#include "cmd/bench_stand_in.h"
#include "cmd/session.h"
#include "feature/pack.h"
#include "util/clock.h"

enum {
	ROUNDS = 3,
	SECONDS = 3,
	TURNS = SECONDS * 1000, /* of a millisecond each */
	RECORDS = 10,           /* a turn */
	ALERT_EACH = 100,       /* turns */
	FLOWS = 20,             /* behind an alert */
	THREADS = 16,           /* by name */
};

/* Two sessions have the same records, in turn: one without outputs, and one with all of them. What
 * they differ by is what the outputs cost, whatever else the machine does. */
enum side { WITHOUT, WITH, SIDES };
enum load { ALL, STUCK, LOADS };

static const char *const load_name[LOADS] = {[ALL] = "all_outputs", [STUCK] = "all_stuck"};
static const char *const side_name[SIDES] = {[WITHOUT] = "without_outputs", [WITH] = "with"};

/* What a run gives; it comes through a pipe from a process of its own. Of a core: processor time,
 * of the seconds that the records stand for. */
struct figures {
	double rate; /* records a second, by the clock on the wall */
	struct {
		double core;           /* of the thread that detects */
		double p50, p99, most; /* us of its time that a turn took */
	} side[SIDES];
	double detects; /* of a core: what the outputs cost the thread that detects */
	double others;  /* all other threads */
	double longest; /* us, by the clock on the wall, a turn with outputs */
	unsigned outputs;
	struct {
		char kind[16];
		uint64_t told, lost, limited;
	} output[OUTPUTS];
	uint64_t history_lost;
	unsigned threads;
	struct {
		char name[16];
		double core;
	} thread[THREADS]; /* those of one name together */
	struct error wrong;
};

/* ---- what is told ---- */

static void make_alert(struct alert *a, uint64_t n, int64_t now_ns)
{
	*a = (struct alert){.id = n * 0x9e3779b97f4a7c15ULL,
		.first_ns = now_ns - 1000000000,
		.last_ns = now_ns,
		.class = CLASS_RECONNAISSANCE,
		.confidence = 0.97F,
		.flows = FLOWS,
		.attackers = 1,
		.targets = 1,
		.ports = FLOWS,
		.refused = FLOWS,
		.reasons = 3,
		.reason = {"1,010 connections to the target in 60 s",
			"2 connections to the same service in 2 s", "no data was sent back"},
		.record = {.flow_id = n,
			.net = NET_IPV4,
			.proto = IPPROTO_TCP,
			.port = {40000, 22},
			.start_ns = now_ns - 1000000000,
			.at_ns = now_ns}};
	addr_parse("10.0.0.9", a->attacker);
	addr_parse("10.0.0.2", a->target);
	memcpy(a->record.addr[SRC], a->attacker, 16);
	memcpy(a->record.addr[DST], a->target, 16);
}

static void tell_flows(struct session *s, const struct alert *a, const float *values)
{
	struct alert_flow f = {.at_ns = a->last_ns,
		.start_ns = a->first_ns,
		.first_ns = a->first_ns,
		.last_ns = a->last_ns,
		.port = {40000, 22},
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.state = STATE_RST,
		.packets = {1, 1},
		.bytes = {60, 40},
		.class = CLASS_RECONNAISSANCE,
		.probability = 0.97F,
		.features = values};

	memcpy(f.addr[SRC], a->attacker, 16);
	memcpy(f.addr[DST], a->target, 16);
	for (unsigned i = 0; i < FLOWS; i++) {
		f.flow_id = a->id + i;
		session_flow(s, a, &f);
	}
}

/* Each alert begins, has news a second later, and ends after two. */
static void tell_alerts(struct session *s, unsigned turn, int64_t now_ns, const float *values)
{
	struct alert a;

	for (unsigned age = 0; age <= 2 && turn >= age * 1000; age++) {
		make_alert(&a, (turn - age * 1000) / ALERT_EACH + 1, now_ns);
		if (age == 0)
			tell_flows(s, &a, values);
		session_alert(s, &a, age == 0 ? ALERT_NEW : age == 1 ? ALERT_UPDATE : ALERT_END);
	}
}

/* A record as of now; one that was answered is complete, so that its hosts are counted. */
static void make_record(struct record *r, uint64_t n, uint64_t *seed, int64_t now_ns)
{
	int64_t later;

	bench_detect_record(r, n, seed);
	if (r->event == RECORD_CLOSED)
		r->event = RECORD_FINAL;
	later = now_ns - r->at_ns;
	r->at_ns += later;
	r->start_ns += later;
	r->first_ns += later;
	r->last_ns += later;
	for (int end = 0; end < 2; end++) {
		r->side[end].first_ns += (uint64_t)later;
		r->side[end].last_ns += (uint64_t)later;
	}
}

/* ---- a run ---- */

static struct session session[SIDES]; /* large */
static double took[SIDES][TURNS];     /* s */

static void each_second(struct bench_look *look, uint64_t begun_ns)
{
	struct session *s = look->session;
	struct meter_stats meter = {0};
	struct summary figures;

	session_summary(s, &meter, &figures);
	figures.origin = &s->origin;
	figures.seconds = (double)(clock_now(CLOCK_MONOTONIC) - begun_ns) / 1e9;
	figures.now_ns = (int64_t)clock_now(CLOCK_REALTIME);
	history_figures(s->history, &figures);
	bench_look_tick(look, &figures);
	session_show(s, &figures, false);
}

static void wait_for_turn(uint64_t begun_ns, unsigned turn)
{
	uint64_t at_ns = begun_ns + (uint64_t)turn * 1000000;
	const struct timespec at = {(time_t)(at_ns / 1000000000), (long)(at_ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

/* As the loop of karma run has it. */
static int take_turn(enum side side, struct bench_look *look, const struct record r[RECORDS],
	unsigned turn, const float *values, bool asked, uint64_t begun_ns)
{
	struct session *s = &session[side];
	int err = 0;

	if (side == WITH)
		desk_turn_begins(s->desk);
	for (int i = 0; i < RECORDS && !err; i++)
		err = session_record_live(s, &r[i]);
	session_flush(s, r[0].at_ns);
	if (side == WITHOUT)
		return err;
	if (turn % ALERT_EACH == 0)
		tell_alerts(s, turn, r[0].at_ns, values);
	if (asked)
		bench_look_serve(look);
	if (turn % 1000 == 999)
		each_second(look, begun_ns);
	desk_turn_ends(s->desk);
	return err;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double seconds_of(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

/* Of the process, and of this thread of it. */
static double other_threads(void)
{
	struct rusage all;

	getrusage(RUSAGE_SELF, &all);
	return seconds_of(&all) - (double)clock_now(CLOCK_THREAD_CPUTIME_ID) / 1e9;
}

static void sum_up(struct figures *f)
{
	for (int side = 0; side < SIDES; side++) {
		double *t = took[side], sum = 0;

		for (unsigned i = 0; i < TURNS; i++)
			sum += t[i];
		qsort(t, TURNS, sizeof(*t), by_size);
		f->side[side].core = sum / SECONDS;
		f->side[side].p50 = 1e6 * t[TURNS / 2];
		f->side[side].p99 = 1e6 * t[TURNS * 99 / 100];
		f->side[side].most = 1e6 * t[TURNS - 1];
	}
	f->detects = f->side[WITH].core - f->side[WITHOUT].core;
}

static int take_turns(struct bench_look *look, const float *values, struct figures *f)
{
	uint64_t begun_ns = clock_now(CLOCK_MONOTONIC), seed = 2, n = 0;
	double others = other_threads();
	struct record r[RECORDS];
	bool asked;
	int err = 0;

	for (unsigned turn = 0; turn < TURNS && !err; turn++) {
		wait_for_turn(begun_ns, turn);
		asked = bench_look_is_asked(look);
		for (int i = 0; i < RECORDS; i++)
			make_record(&r[i], n++, &seed, (int64_t)clock_now(CLOCK_REALTIME));
		for (unsigned i = 0; i < SIDES && !err; i++) {
			enum side side = (enum side)((turn + i) % SIDES); /* each is first */
			uint64_t wall_ns = clock_now(CLOCK_MONOTONIC);
			uint64_t cpu_ns = clock_now(CLOCK_THREAD_CPUTIME_ID);
			double us;

			err = take_turn(side, look, r, turn, values, asked, begun_ns);
			took[side][turn] =
				(double)(clock_now(CLOCK_THREAD_CPUTIME_ID) - cpu_ns) / 1e9;
			us = (double)(clock_now(CLOCK_MONOTONIC) - wall_ns) / 1e3;
			if (side == WITH && us > f->longest)
				f->longest = us;
		}
	}
	f->others = (other_threads() - others) / SECONDS;
	f->rate = (double)n / ((double)(clock_now(CLOCK_MONOTONIC) - begun_ns) / 1e9);
	sum_up(f);
	return err;
}

/* What a thread has had of the processor, in s, and its name. */
static double thread_time(const char *task, char name[16])
{
	char path[300], line[128] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%s/comm", task);
	f = fopen(path, "r");
	if (!f || !fgets(name, 16, f))
		strcpy(name, "?");
	name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
	snprintf(path, sizeof(path), "/proc/self/task/%s/schedstat", task);
	f = fopen(path, "r");
	if (!f || !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	return strtod(line, NULL) / 1e9;
}

/* Those of the outputs; those that have no name of their own, or that of a library, are the
 * dashboard's. */
static void take_threads(struct figures *f)
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		char name[16];
		unsigned i = 0;
		double s;

		if (entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) == getpid())
			continue;
		s = thread_time(entry->d_name, name);
		if (strncmp(name, "karma", 5) == 0 || strncmp(name, "MHD", 3) == 0)
			strcpy(name, "dashboard");
		while (i < f->threads && strcmp(f->thread[i].name, name) != 0)
			i++;
		if (i == THREADS)
			continue;
		if (i == f->threads)
			memcpy(f->thread[f->threads++].name, name, sizeof(name));
		f->thread[i].core += s / SECONDS;
	}
	if (d)
		closedir(d);
}

/* What is lost by now: before the end, at which all that waits is tried once more. */
static void take_stats(const struct session *s, struct figures *f)
{
	struct history_stats h = {0};

	f->outputs = s->outputs;
	for (unsigned i = 0; i < s->outputs; i++) {
		struct output_stats o;

		output_stats(&s->output[i], &o);
		snprintf(f->output[i].kind, sizeof(f->output[i].kind), "%s", o.kind);
		f->output[i].told = o.of.told;
		f->output[i].lost = o.of.lost;
		f->output[i].limited = o.of.limited;
	}
	history_stats(s->history, &h);
	f->history_lost = h.lost;
}

/* Another output of the session's is another line here. */
static void choose_outputs(struct session_options *o, const struct bench_places *at)
{
	o->eve = at->eve;
	o->eve_socket = at->socket;
	o->syslog = at->syslog;
	o->journald = at->journald;
	o->notify = at->notify;
	o->webhook = at->url;
	o->history = at->history;
}

static int open_side(enum side side, const struct bench_options *o, const struct bench_places *at,
	struct error *e)
{
	struct session_options options = {.live = true, .model = o->model, .kernel = o->kernel};
	struct origin from = {.interface = "bench"};
	struct session *s = &session[side];
	int err;

	if (side == WITH)
		choose_outputs(&options, at);
	err = session_open(s, &options, e);
	s->settings.threshold = 1e30F; /* the alerts are those of tell_alerts() alone */
	return err ? err : session_begin(s, &from, e);
}

static int run_sessions(const struct bench_options *o, enum load load,
	const struct bench_stand_in *stand, struct bench_look *look, struct figures *f)
{
	float *values = calloc(pack_count(), sizeof(*values));
	int err = values ? 0 : -ENOMEM;

	for (size_t i = 0; values && i < pack_count(); i += 4)
		values[i] = (float)i;
	for (int side = 0; side < SIDES && !err; side++)
		err = open_side((enum side)side, o, &stand->at, &f->wrong);
	if (!err)
		err = bench_look_open(look, &session[WITH], &stand->at, &f->wrong);
	if (!err) {
		bench_look_tick(
			look, &(struct summary){.now_ns = (int64_t)clock_now(CLOCK_REALTIME)});
		usleep(load == STUCK ? 500000 : 100000); /* until all are there, and stuck */
		err = take_turns(look, values, f);
	}
	if (!err) {
		take_threads(f);
		take_stats(&session[WITH], f);
	}
	free(values);
	return err;
}

/* In a process of its own: its standard output goes nowhere, and its time is its own. */
static int run_apart(
	const struct bench_options *o, enum load load, struct figures *f, struct error *e)
{
	struct bench_stand_in stand = {.pid = -1, .looker = -1, .at = {.folder = ""}};
	int pipes[2], err = bench_stand_in_begin(&stand, load == STUCK, e);
	ssize_t got;
	pid_t pid;

	if (err || pipe2(pipes, O_CLOEXEC) < 0)
		return err ? err : error_set(e, -errno, "no pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct bench_look look = {NULL};
		int nowhere;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(nowhere, STDOUT_FILENO);
		memset(f, 0, sizeof(*f));
		err = run_sessions(o, load, &stand, &look, f);
		if (err && !f->wrong.text[0])
			error_set(&f->wrong, err, "the run ended early: %s", strerror(-err));
		got = write(pipes[1], f, sizeof(*f));
		bench_look_close(&look);
		for (int side = 0; side < SIDES; side++)
			session_close(&session[side], true, NULL); /* programs end */
		_exit(got != sizeof(*f));
	}
	close(pipes[1]);
	got = pid < 0 ? -1 : read(pipes[0], f, sizeof(*f));
	close(pipes[0]);
	bench_stand_in_stop(&stand);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	bench_stand_in_end(&stand);
	if (got != sizeof(*f))
		return error_set(e, -EIO, "a run of the benchmark ended early");
	return f->wrong.text[0] ? error_set(e, -EIO, "%s", f->wrong.text) : 0;
}

/* ---- figures ---- */

static json_t *outputs_of(const struct figures *f)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < f->outputs; i++)
		json_object_set_new(all, f->output[i].kind,
			json_pack("{sI sI sI}", "told", (json_int_t)f->output[i].told, "lost",
				(json_int_t)f->output[i].lost, "limited",
				(json_int_t)f->output[i].limited));
	json_object_set_new(all, "history", json_pack("{sI}", "lost", (json_int_t)f->history_lost));
	return all;
}

static json_t *threads_of(const struct figures *f)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < f->threads; i++)
		json_object_set_new(all, f->thread[i].name, json_real(100 * f->thread[i].core));
	return all;
}

static json_t *side_json(const struct figures *f, enum side side)
{
	return json_pack("{sf sf sf sf}", "core_percent", 100 * f->side[side].core,
		"turn_us_median", f->side[side].p50, "turn_us_p99", f->side[side].p99,
		"turn_us_most", f->side[side].most);
}

static double cost_of(const struct figures *f)
{
	return 100 * (f->detects + f->others);
}

static int by_cost(const void *a, const void *b)
{
	double x = cost_of(a), y = cost_of(b);

	return (x > y) - (x < y);
}

/* The round whose cost is the middle one. */
static json_t *load_json(struct figures f[ROUNDS])
{
	const struct figures *middle = &f[ROUNDS / 2];
	json_t *o;

	qsort(f, ROUNDS, sizeof(*f), by_cost);
	o = json_pack("{sf sf sf sf sf sf sf}", "cost_core_percent", cost_of(middle),
		"least_core_percent", cost_of(&f[0]), "most_core_percent", cost_of(&f[ROUNDS - 1]),
		"thread_that_detects_core_percent", 100 * middle->detects,
		"other_threads_core_percent", 100 * middle->others, "records_per_s", middle->rate,
		"turn_us_longest_by_the_wall", middle->longest);
	for (int side = 0; side < SIDES; side++)
		json_object_set_new(o, side_name[side], side_json(middle, (enum side)side));
	json_object_set_new(o, "threads_core_percent", threads_of(middle));
	json_object_set_new(o, "outputs", outputs_of(middle));
	return o;
}

json_t *bench_output(const struct bench_options *o, struct error *e)
{
	static struct figures f[LOADS][ROUNDS];
	json_t *all;

	for (int round = 0; round < ROUNDS; round++)
		for (int load = 0; load < LOADS; load++)
			if (run_apart(o, (enum load)load, &f[load][round], e) < 0)
				return NULL;
	all = json_object();
	for (int load = 0; load < LOADS; load++)
		json_object_set_new(all, load_name[load], load_json(f[load]));
	return all;
}
