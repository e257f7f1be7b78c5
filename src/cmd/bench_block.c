/* What the block list costs a packet, by BPF_PROG_TEST_RUN with the empty XDP program beside it in
 * each round; how soon an alert acts; what changes cost the traffic that passes. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/bench.h"
#include "cmd/bench_meter.h"
#include "respond/filter_inside.h"
#include "respond/respond.h"
#include "util/clock.h"

enum {
	REPEAT = 1 << 22,
	REPEAT_MANY = 1 << 18, /* where each run waits for memory */
	ROUNDS = 7,
	FEW = 1000,
	MANY = 100000,
	STRANGERS = 1 << 16, /* sources that are not listed */
	ALLOWED = 16,        /* prefixes on the allow list, none of them of a listed host */
	PREFIXES = 100,
	ALERTS = 200,   /* whose first dropped packet is waited for */
	CHANGES = 10,   /* a millisecond */
	CHANGED = 1000, /* entries that come and go */
	CHANGE_ROUNDS = 15,
	SOURCE = 26, /* where the frame has its source address */
};

static const uint32_t listed = 0x0a000000, strangers = 0x0b000000, later = 0x0c000000;

/* What is measured: a block list and programs on its maps. */
struct list {
	struct filter *filter;
	struct block_bpf *bench;
};

static struct filter_prefix host(uint32_t v4)
{
	struct filter_prefix p = {.bits = 128, .addr = {[10] = 0xff, [11] = 0xff}};

	for (int i = 0; i < 4; i++)
		p.addr[12 + i] = (uint8_t)(v4 >> (24 - 8 * i));
	return p;
}

static void frame_from(uint8_t frame[BENCH_FRAME], uint32_t v4)
{
	bench_frame(frame);
	memcpy(frame + SOURCE, host(v4).addr + 12, 4);
}

/* Run it: seconds, or a negative errno, and what it returned at the end. */
static double run(int prog, uint32_t source, int repeat, uint32_t *verdict)
{
	uint8_t frame[BENCH_FRAME];
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = frame, .data_size_in = sizeof(frame)};
	double start;
	int err;

	frame_from(frame, source);
	opts.repeat = repeat;
	start = bench_clock();
	err = bpf_prog_test_run_opts(prog, &opts);
	*verdict = opts.retval;
	return err ? err : bench_clock() - start;
}

/* Nanoseconds a run. The kernel tells whole ones, of which the empty program takes five: this is
 * what so many runs take more than a sixteenth of them. */
static double run_ns(int prog, uint32_t source, int repeat, uint32_t *verdict)
{
	int some = repeat / 16;
	double few = run(prog, source, some, verdict);
	double all = few < 0 ? few : run(prog, source, repeat, verdict);

	if (all < 0)
		return all;
	return all > few ? (all - few) * 1e9 / (repeat - some) : 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

/* ---- set-up ---- */

/* Its own of libbpf are the constants and what is ordered; the state is the list's. */
static bool is_shared(const struct list *l, const struct bpf_map *map)
{
	return !bpf_map__is_internal(map) || map == l->bench->maps.data_state;
}

/* The programs that give each frame another source, on the maps of the list. */
static int load_bench(struct list *l)
{
	struct bpf_map *map = NULL;
	int err = 0;

	l->bench = block_bpf__open();
	if (!l->bench)
		return -ENOMEM;
	bpf_program__set_autoload(l->bench->progs.karma_bench_empty, true);
	bpf_program__set_autoload(l->bench->progs.karma_bench_block, true);
	while (!err && (map = bpf_object__next_map(l->bench->obj, map))) {
		const struct bpf_map *own =
			bpf_object__find_map_by_name(l->filter->skel->obj, bpf_map__name(map));

		if (is_shared(l, map))
			err = bpf_map__reuse_fd(map, bpf_map__fd(own));
	}
	return err ? err : block_bpf__load(l->bench);
}

static void list_close(struct list *l)
{
	block_bpf__destroy(l->bench);
	filter_close(l->filter, false);
}

static int allow_some(struct filter *f)
{
	struct filter_prefix allowed[ALLOWED];

	for (uint32_t i = 0; i < ALLOWED; i++) {
		allowed[i] = host(0xc0a80000 + (i << 8));
		allowed[i].bits = 96 + 24;
	}
	return filter_allow(f, allowed, ALLOWED);
}

/* `entries` hosts from `listed` on, in `seconds`. */
static int load_hosts(struct filter *f, uint32_t entries, double *seconds)
{
	struct filter_entry *all = calloc(entries ? entries : 1, sizeof(*all));
	double start;
	int loaded;

	if (!all)
		return -ENOMEM;
	for (uint32_t i = 0; i < entries; i++)
		all[i].what = host(listed + i);
	start = bench_clock();
	loaded = filter_load(f, all, entries);
	*seconds = bench_clock() - start;
	free(all);
	return loaded < 0 ? loaded : loaded != (int)entries ? -ENOSPC : 0;
}

static int list_open(struct list *l, uint32_t entries, double *seconds, struct error *e)
{
	const struct filter_settings settings = {0};
	int err = filter_open(&l->filter, &settings, e);

	if (err)
		return err;
	err = load_hosts(l->filter, entries, seconds);
	if (!err)
		err = allow_some(l->filter);
	if (!err)
		err = load_bench(l);
	return err ? error_set(e, err, "a block list of %u entries cannot be made: %s", entries,
			     strerror(-err))
		   : 0;
}

/* ---- what a packet costs ---- */

struct job {
	const char *name;
	int prog, empty;
	uint32_t source; /* of every packet of a round, then the next; 0: `sources` from `first` on,
			    in turn */
	uint32_t first, sources;
	uint32_t verdict; /* that it must have */
	int repeat;
	struct block_bpf *bench;
	double ns[2][ROUNDS];
};

/* Each round has another source: some stranger's bit is set in the sieve by chance. */
static int run_job(struct job *j, int round)
{
	uint32_t source = j->source + (uint32_t)round, verdict;

	if (!j->source) {
		j->bench->bss->bench.first = j->first;
		j->bench->bss->bench.sources = j->sources;
	}
	j->ns[0][round] = run_ns(j->empty, source, REPEAT, &verdict);
	j->ns[1][round] = run_ns(j->prog, source, j->repeat, &verdict);
	return j->ns[0][round] < 0 || j->ns[1][round] < 0 || verdict != j->verdict ? -EIO : 0;
}

static json_t *figures(double nothing, double something)
{
	return json_pack("{sf sf sf}", "empty_ns_per_packet", nothing, "ns_per_packet", something,
		"ratio", something / nothing);
}

/* All of them in turn, round by round. */
static int run_jobs(struct job *jobs, size_t count, json_t *into)
{
	int err = 0;

	for (int round = 0; round < ROUNDS && !err; round++)
		for (size_t i = 0; i < count && !err; i++)
			err = run_job(&jobs[i], round);
	for (size_t i = 0; i < count && !err; i++)
		json_object_set_new(into, jobs[i].name,
			figures(median(jobs[i].ns[0], ROUNDS), median(jobs[i].ns[1], ROUNDS)));
	return err;
}

/* One source where `source` is one, else many. */
static struct job job(const char *name, const struct list *l, int empty, uint32_t source)
{
	return (struct job){.name = name,
		.prog = source ? filter_program(l->filter, false)
			       : bpf_program__fd(l->bench->progs.karma_bench_block),
		.empty = source ? empty : bpf_program__fd(l->bench->progs.karma_bench_empty),
		.source = source,
		.bench = l->bench,
		.verdict = XDP_PASS,
		.repeat = REPEAT};
}

static int packets(const struct list *none, const struct list *few, const struct list *many,
	int empty, json_t *into)
{
	struct job jobs[] = {
		job("drop_1k_1_attacker", few, empty, listed + 1),
		job("drop_100k_1_attacker", many, empty, listed + 1),
		job("drop_100k_all_attack", many, empty, 0),
		job("pass_1k", few, empty, strangers),
		job("pass_100k", many, empty, strangers),
		job("pass_100k_64k_sources", many, empty, 0),
		job("pass_empty_list", none, empty, strangers),
	};

	for (int i = 0; i < 3; i++)
		jobs[i].verdict = XDP_DROP;
	jobs[2].repeat = REPEAT_MANY;
	jobs[2].first = listed;
	jobs[2].sources = MANY;
	jobs[5].first = strangers;
	jobs[5].sources = STRANGERS;
	return run_jobs(jobs, sizeof(jobs) / sizeof(jobs[0]), into);
}

/* With everything that there can be: prefixes, hardware addresses, a limit to another host. */
static int packets_of_all(const struct list *l, int empty, json_t *into)
{
	struct job jobs[] = {
		job("drop_with_everything", l, empty, listed + 1),
		job("pass_with_everything", l, empty, strangers),
	};
	const struct filter_note note = {0};
	const struct filter_limit limit = {.addr = {[15] = 1}, .proto = 17, .rate = 1, .burst = 1};
	const uint8_t mac[1][6] = {{2, 9, 9, 9, 9, 9}};
	int err = filter_limit(l->filter, &limit);

	for (uint32_t i = 0; i < PREFIXES && !err; i++) {
		struct filter_prefix p = host(0xac100000 + (i << 8));

		p.bits = 96 + 24;
		err = filter_add(l->filter, &p, &note);
	}
	if (!err)
		err = filter_allow_macs(l->filter, mac, 1);
	jobs[0].verdict = XDP_DROP;
	return err ? err : run_jobs(jobs, 2, into);
}

/* ---- how soon an alert acts ---- */

struct sender {
	int prog;
	_Atomic uint32_t source;
	_Atomic uint64_t dropped_ns; /* when its packet was dropped; 0: not yet */
	atomic_bool over;
};

/* Packets of one source, one by one, until one is dropped; then of the next. */
static void *send_packets(void *context)
{
	struct sender *t = context;
	uint32_t verdict = 0;

	while (!atomic_load(&t->over)) {
		if (atomic_load(&t->dropped_ns))
			continue;
		run(t->prog, atomic_load(&t->source), 1, &verdict);
		if (verdict == XDP_DROP)
			atomic_store(&t->dropped_ns, clock_now(CLOCK_MONOTONIC));
	}
	return NULL;
}

static void pause_ns(long ns)
{
	const struct timespec t = {.tv_nsec = ns};

	nanosleep(&t, NULL);
}

static void no_change(void *context, const struct block_change *c)
{
	(void)context;
	(void)c;
}

static void no_line(void *context, const char *line)
{
	(void)context;
	(void)line;
}

/* As the detector makes one of a scan: enough to be acted upon. */
static void scan_of(struct alert *a, uint32_t v4)
{
	struct filter_prefix source = host(v4), target = host(strangers);

	*a = (struct alert){.id = v4, .class = CLASS_RECONNAISSANCE, .confidence = 1};
	a->flows = a->ports = a->targets = 100;
	a->attackers = 1;
	memcpy(a->attacker, source.addr, 16);
	memcpy(a->target, target.addr, 16);
	memcpy(a->record.addr[SRC], source.addr, 16);
	memcpy(a->record.addr[DST], target.addr, 16);
	a->actor = SRC;
}

/* From the moment at which an alert is handed out to the first packet of its attacker that is
 * dropped, while packets of it come without a pause. */
static int alerts(struct respond *r, double us[ALERTS])
{
	struct sender t = {.prog = filter_program(respond_filter(r), false), .source = later};
	pthread_t thread;

	if (pthread_create(&thread, NULL, send_packets, &t) != 0)
		return -EAGAIN;
	for (uint32_t i = 0; i < ALERTS; i++) {
		uint64_t start, dropped = 0;
		struct reaction reaction;
		struct alert a;

		scan_of(&a, later + i);
		atomic_store(&t.source, later + i);
		atomic_store(&t.dropped_ns, 0);
		pause_ns(1000000);
		start = clock_now(CLOCK_MONOTONIC);
		respond_alert(r, &a, ALERT_NEW, &reaction);
		while (!(dropped = atomic_load(&t.dropped_ns)) &&
			clock_now(CLOCK_MONOTONIC) - start < 1000000000)
			;
		us[i] = dropped ? (double)(dropped - start) * 1e-3 : 1e6;
		respond_tell(r);
	}
	atomic_store(&t.over, true);
	pthread_join(thread, NULL);
	return 0;
}

static int alert_to_drop(json_t *into)
{
	static struct respond_settings settings; /* large */
	static const struct interface_list nowhere;
	const struct respond_calls calls = {no_change, no_line, NULL};
	struct error e = {""};
	double us[ALERTS];
	struct respond *r;
	int err;

	respond_defaults(&settings);
	settings.pin[0] = '\0';
	settings.policy.new_a_minute = ALERTS;
	settings.policy.net4 = 0;
	err = respond_open(&r, &settings, NULL, &nowhere, &calls, &e);
	if (!err)
		err = alerts(r, us);
	respond_close(r);
	if (err)
		return err;
	json_object_set_new(
		into, "from_alert_to_first_drop_median_us", json_real(median(us, ALERTS)));
	json_object_set_new(into, "from_alert_to_first_drop_longest_us", json_real(us[ALERTS - 1]));
	return 0;
}

/* ---- what changes cost ---- */

struct changes {
	struct filter *filter;
	atomic_bool on, over;
	_Atomic uint64_t done; /* added, and removed as well */
	_Atomic int err;
};

static int change(struct filter *f, uint32_t n)
{
	const struct filter_note note = {0};
	struct filter_prefix new = host(later + n), old = host(later + n - CHANGED);
	int err = filter_add(f, &new, &note);

	return err || n < CHANGED ? err : filter_del(f, &old);
}

/* CHANGES entries added and as many removed each millisecond, while `on`. */
static void *make_changes(void *context)
{
	struct changes *c = context;
	uint64_t due = clock_now(CLOCK_MONOTONIC);
	uint32_t next = 0;
	int err = 0;

	while (!atomic_load(&c->over) && !err) {
		uint64_t now = clock_now(CLOCK_MONOTONIC);

		if (now < due) {
			pause_ns((long)(due - now));
			continue;
		}
		due += 1000000;
		for (int i = 0; i < CHANGES && atomic_load(&c->on) && !err; i++) {
			err = change(c->filter, next++);
			atomic_fetch_add(&c->done, 1);
		}
	}
	atomic_store(&c->err, err);
	return NULL;
}

/* Rounds in turn without and with changes, of traffic that passes. */
static int churn_rounds(struct changes *c, int prog, double ns[2][CHANGE_ROUNDS], double *a_second)
{
	double took = 0;
	uint32_t verdict;

	for (int round = 0; round < CHANGE_ROUNDS; round++)
		for (int on = 0; on < 2; on++) {
			double start = bench_clock();

			atomic_store(&c->on, on);
			ns[on][round] = run_ns(prog, strangers, REPEAT, &verdict);
			took += on ? bench_clock() - start : 0;
			if (ns[on][round] < 0)
				return -EIO;
		}
	atomic_store(&c->on, false);
	*a_second = (double)atomic_load(&c->done) / took;
	return 0;
}

static int churn(const struct list *l, json_t *into)
{
	struct changes c = {.filter = l->filter};
	double ns[2][CHANGE_ROUNDS], a_second;
	pthread_t thread;
	int err;

	if (pthread_create(&thread, NULL, make_changes, &c) != 0)
		return -EAGAIN;
	err = churn_rounds(&c, filter_program(l->filter, false), ns, &a_second);
	atomic_store(&c.over, true);
	pthread_join(thread, NULL);
	if (err || atomic_load(&c.err))
		return err ? err : atomic_load(&c.err);
	json_object_set_new(into, "changes",
		json_pack("{sf sf sf sf}", "added_and_removed_per_s", a_second,
			"without_ns_per_packet", median(ns[0], CHANGE_ROUNDS), "with_ns_per_packet",
			median(ns[1], CHANGE_ROUNDS), "ratio",
			median(ns[1], CHANGE_ROUNDS) / median(ns[0], CHANGE_ROUNDS)));
	return 0;
}

/* ---- all of it ---- */

static json_t *measure(const struct list *none, const struct list *few, const struct list *many,
	int empty, double loaded, struct error *e)
{
	json_t *result = json_object();
	int err = packets(none, few, many, empty, result);

	if (!err)
		err = alert_to_drop(result);
	json_object_set_new(result, "load_100k_entries_s", json_real(loaded));
	if (!err)
		err = churn(many, result);
	if (!err)
		err = packets_of_all(many, empty, result);
	if (!err)
		return result;
	error_set(e, err, "the benchmark of the block list failed: %s", strerror(-err));
	json_decref(result);
	return NULL;
}

json_t *bench_block(const struct bench_options *o, struct error *e)
{
	const struct bpf_insn program[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT}};
	int empty = bpf_prog_load(BPF_PROG_TYPE_XDP, "empty", "GPL", program, 2, NULL);
	struct list none = {0}, few = {0}, many = {0};
	json_t *result = NULL;
	double seconds = 0;

	(void)o;
	if (empty < 0)
		error_set(e, empty,
			"the benchmark of the block list needs root or CAP_BPF+CAP_NET_ADMIN; run "
			"with sudo");
	else if (list_open(&none, 0, &seconds, e) == 0 && list_open(&few, FEW, &seconds, e) == 0 &&
		 list_open(&many, MANY, &seconds, e) == 0)
		result = measure(&none, &few, &many, empty, seconds, e);
	list_close(&none);
	list_close(&few);
	list_close(&many);
	if (empty >= 0)
		close(empty);
	return result;
}
