/* Live metering: load the kernel's programs, have them put on the interfaces, read the reports, run
 * the sweep. One set of maps and one ring serve all interfaces. */
#include "capture/capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "capture/kernel_table.h"
#include "capture/watch.h"
#include "karma.skel.h"
#include "util/clock.h"
#include "util/number.h"

enum {
	SWEEP_MS = 200,       /* in which the whole table is swept */
	SWEEP_BUCKETS = 2048, /* at a time, for at most some 0.5 ms */
	DRAINS = 3,           /* through the whole table at the end, at most */
};

_Static_assert((int)METER_FLOWS_DEFAULT == (int)KERNEL_FLOWS_DEFAULT &&
		       (int)METER_FLOWS_MOST == (int)KERNEL_FLOWS_MAX,
	"what may be asked for is what there can be");

struct live {
	struct meter_settings settings;
	struct karma_bpf *kind[2]; /* programs for links with Ethernet headers, and with none */
	struct karma_bpf *skel; /* the first of them to be loaded: its maps are the others' too */
	struct ring_buffer *ring;
	struct watch *watch;
	uint32_t buckets;
	uint32_t next_bucket; /* to sweep */
	int64_t clock_ns;     /* added to the kernel's monotonic times: the time since 1970 */
	uint64_t next_sweep_ns;
	int wake;   /* a descriptor of the caller's, -1: none */
	bool woken; /* it could be read */
	/* During live_poll() and live_drain(). */
	record_sink sink;
	void *context;
	int records, most;
	bool enough; /* the last ones that are wanted have come */
};

/* ---- loading ---- */

/* The second kind's programs work on the maps of the first's; what is set before loading is each's
 * own. */
static int share_maps(const struct karma_bpf *from, const struct karma_bpf *to)
{
	struct bpf_map *own = NULL;

	while ((own = bpf_object__next_map(to->obj, own))) {
		const char *name = bpf_map__name(own);
		const struct bpf_map *map;
		int err;

		if (strstr(name, ".rodata"))
			continue;
		map = bpf_object__find_map_by_name(from->obj, name);
		err = map ? bpf_map__reuse_fd(own, bpf_map__fd(map)) : -ENOENT;
		if (err)
			return err;
	}
	return 0;
}

/* Load the programs of a kind. */
static int load_kind(struct live *live, bool is_ip)
{
	struct karma_bpf *skel = karma_bpf__open();
	int err;

	if (!skel)
		return -errno;
	if (live->skel) {
		*skel->rodata = *live->skel->rodata; /* the table's size and secret */
		bpf_program__set_autoload(skel->progs.karma_sweep, false);
		err = share_maps(live->skel, skel);
	} else {
		skel->rodata->meter_outer = live->settings.outer;
		skel->rodata->each_interface = live->settings.each_interface;
		err = kernel_table_size(skel, live->settings.flows, &live->buckets);
	}
	skel->rodata->link_is_ip = is_ip;
	if (!err)
		err = karma_bpf__load(skel);
	if (err) {
		karma_bpf__destroy(skel);
		return err;
	}
	live->kind[is_ip] = skel;
	if (!live->skel)
		live->skel = skel;
	return 0;
}

static int load(struct live *live, bool is_ip, struct error *e)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct utsname kernel = {0};
	char flows[NUMBER_TEXT];
	int err = load_kind(live, is_ip);

	libbpf_set_print(print);
	if (!err)
		return 0;
	if (err == -EPERM)
		return error_set(e, err,
			"karma needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON to watch an "
			"interface; run with sudo");
	if (err == -ENOMEM || err == -E2BIG)
		return error_set(e, err,
			"the kernel has no memory for a table of %s flows; ask for fewer with "
			"--flows",
			number_text(live->settings.flows, flows));
	uname(&kernel);
	return error_set(e, err,
		"the kernel (%s) refuses the meter: %s; karma needs Linux 6.1 or later with "
		"CONFIG_BPF_SYSCALL",
		kernel.release, strerror(-err));
}

/* watch.h asks for what to put on an interface. */
static int programs(
	void *context, unsigned place, const struct interface *i, int prog[2], struct error *e)
{
	struct live *live = context;
	const struct karma_bpf *skel;
	int err = live->kind[i->is_ip] ? 0 : load(live, i->is_ip, e);

	if (err)
		return err;
	skel = live->kind[i->is_ip];
	for (unsigned other = 0; other < FLOW_PLACES; other++)
		if (live->skel->bss->places[other] == (uint32_t)i->ifindex)
			live->skel->bss->places[other] = 0;
	live->skel->bss->places[place] = (uint32_t)i->ifindex;
	prog[0] = bpf_program__fd(skel->progs.karma_in);
	/* The loopback's packets are those of its egress once more. */
	prog[1] = i->loopback ? -1 : bpf_program__fd(skel->progs.karma_out);
	return 0;
}

/* ---- records ---- */

/* The kernel's clock counts from boot. Asked again at each sweep, so that a clock that is set or
 * slewed is followed. */
static void follow_clock(struct live *live)
{
	live->clock_ns = (int64_t)(clock_now(CLOCK_REALTIME) - clock_now(CLOCK_MONOTONIC));
}

/* A negative return ends the reading of the ring, behind this report. */
static int take_report(void *context, void *data, size_t size)
{
	struct live *live = context;
	struct record r;
	int err;

	if (size < sizeof(struct flow_report))
		return 0;
	record_make(&r, data, live->clock_ns);
	live->records++;
	err = live->sink(live->context, &r);
	live->enough = err >= 0 && live->records == live->most;
	return err < 0 ? err : live->enough ? -ENOBUFS : 0;
}

static void take_records(struct live *live, record_sink sink, void *context, int most)
{
	live->sink = sink;
	live->context = context;
	live->records = 0;
	live->most = most;
}

/* Read what is in the ring, up to the records that are wanted. 0, or a negative errno. */
static int consume(struct live *live)
{
	int err;

	live->enough = false;
	err = ring_buffer__consume(live->ring);
	return err < 0 && !live->enough ? err : 0;
}

int live_open(struct live **result, const struct interface_list *interfaces,
	const struct meter_settings *settings, live_word tell, void *context, struct error *e)
{
	struct live *live = calloc(1, sizeof(*live));
	const struct watch_calls calls = {programs, live, tell, context};
	int err;

	*result = NULL;
	if (!live)
		return error_set(e, -ENOMEM, "out of memory");
	live->wake = -1;
	live->settings = *settings;
	if (!live->settings.flows)
		live->settings.flows = METER_FLOWS_DEFAULT;
	follow_clock(live);
	err = watch_open(&live->watch, interfaces, &calls, e);
	if (!err) {
		live->ring = ring_buffer__new(
			bpf_map__fd(live->skel->maps.reports), take_report, live, NULL);
		if (!live->ring)
			err = error_set(e, -errno, "no ring buffer: %s", strerror(errno));
	}
	if (err)
		live_close(live);
	else
		*result = live;
	return err;
}

/* ---- the sweep ---- */

/* Sweep what is in hand, or as much of it as the ring has room for: its count says what is left. */
static int sweep_on(struct live *live, bool drain)
{
	unsigned char frame[64] = {0}; /* what the program is run on; it looks at none of it */
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = frame, .data_size_in = sizeof(frame)};

	int err;

	live->skel->bss->sweep.drain = drain;
	do { /* a signal is taken before the program runs */
		err = bpf_prog_test_run_opts(bpf_program__fd(live->skel->progs.karma_sweep), &opts);
	} while (err == -EINTR);
	return err;
}

/* Take the next part of the table in hand; part by part, since no packet can come in while one is
 * swept. The table is through when next_bucket is 0 again. */
static void sweep_next(struct live *live)
{
	uint32_t first = live->next_bucket, left = live->buckets - first;

	live->skel->bss->sweep.first = first;
	live->skel->bss->sweep.count = left < SWEEP_BUCKETS ? left : SWEEP_BUCKETS;
	live->next_bucket = left > SWEEP_BUCKETS ? first + SWEEP_BUCKETS : 0;
}

/* The part of the table whose turn it is, or the rest of one for which the ring had no room. */
static int sweep_if_time(struct live *live)
{
	uint32_t parts = (live->buckets + SWEEP_BUCKETS - 1) / SWEEP_BUCKETS;
	int err;

	if (!live->skel->bss->sweep.count) {
		if (clock_now(CLOCK_MONOTONIC) < live->next_sweep_ns)
			return 0;
		sweep_next(live);
	}
	follow_clock(live);
	err = sweep_on(live, false);
	if (!live->skel->bss->sweep.count)
		live->next_sweep_ns = clock_now(CLOCK_MONOTONIC) + SWEEP_MS * 1000000ull / parts;
	return err;
}

/* Until there is a report or word of an interface, the sweep is due, or `end`. 1: the caller's
 * descriptor can be read. */
static int wait_for_work(struct live *live, uint64_t end)
{
	struct pollfd on[3] = {{.fd = ring_buffer__epoll_fd(live->ring), .events = POLLIN},
		{.fd = watch_fd(live->watch), .events = POLLIN},
		{.fd = live->wake, .events = POLLIN}};
	uint64_t until = end < live->next_sweep_ns ? end : live->next_sweep_ns;
	uint64_t now = clock_now(CLOCK_MONOTONIC);

	if (poll(on, 3, now < until ? (int)((until - now) / 1000000) + 1 : 0) < 0)
		return -errno;
	if (on[1].revents)
		watch_follow(live->watch);
	return on[2].revents != 0;
}

void live_wake(struct live *live, int fd)
{
	live->wake = fd;
}

bool live_is_woken(const struct live *live)
{
	return live->woken;
}

int live_poll(struct live *live, int timeout_ms, record_sink sink, void *context)
{
	uint64_t end = clock_now(CLOCK_MONOTONIC) + (uint64_t)timeout_ms * 1000000;
	int err;

	take_records(live, sink, context, LIVE_RECORDS);
	do {
		err = wait_for_work(live, end);
		live->woken = err > 0;
		if (err >= 0)
			err = consume(live);
		if (!err)
			err = sweep_if_time(live);
	} while (!err && !live->woken && !live->records && clock_now(CLOCK_MONOTONIC) < end);
	return err < 0 ? err : live->records;
}

/* End every flow: 0, or a negative errno. */
static int drain_table(struct live *live)
{
	int err = 0;

	live->next_bucket = 0;
	live->skel->bss->sweep.count = 0;
	do {
		if (!live->skel->bss->sweep.count)
			sweep_next(live);
		err = sweep_on(live, true);
		if (!err)
			err = consume(live);
	} while (!err && (live->skel->bss->sweep.count || live->next_bucket));
	return err;
}

int live_drain(struct live *live, record_sink sink, void *context)
{
	struct meter_stats stats = {{0}};
	int err;

	take_records(live, sink, context, INT_MAX);
	watch_detach(live->watch);
	follow_clock(live);
	err = consume(live);
	/* A processor may still have been at a flow whose turn it was; by the next time it is not.
	 */
	for (int i = 0; !err && i < DRAINS; i++) {
		err = drain_table(live);
		if (live_stats(live, &stats) == 0 && !stats.count[COUNT_OPEN])
			break;
	}
	return err < 0 ? err : live->records;
}

/* ---- figures ---- */

int live_stats(const struct live *live, struct meter_stats *stats)
{
	const uint32_t zero = 0;
	int cpus = libbpf_num_possible_cpus();
	struct meter_stats *each;
	int err;

	memset(stats, 0, sizeof(*stats));
	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	err = bpf_map_lookup_elem(bpf_map__fd(live->skel->maps.counters), &zero, each);
	for (int c = 0; c < cpus && !err; c++)
		for (int i = 0; i < METER_COUNTERS; i++)
			stats->count[i] += each[c].count[i];
	free(each);
	watch_counts(live->watch, &stats->count[COUNT_LINK_DOWN], &stats->count[COUNT_LINK_UP]);
	return err;
}

const char *live_attachment(const struct live *live)
{
	return watch_attachment(live->watch);
}

unsigned live_interfaces(const struct live *live, struct live_interface out[INTERFACES_MAX])
{
	return watch_states(live->watch, out);
}

const char *live_interface(const struct live *live, uint32_t ifindex)
{
	return watch_name(live->watch, ifindex);
}

/* As the kernel reckons it. 0 where it does not say. */
static uint64_t map_bytes(const struct bpf_map *map)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	if (f)
		fclose(f);
	return bytes;
}

void live_size(const struct live *live, struct live_size *size)
{
	const struct bpf_map *map = NULL;

	*size = (struct live_size){.flows = live->settings.flows};
	while ((map = bpf_object__next_map(live->skel->obj, map)))
		size->bytes += map_bytes(map);
	size->flow_bytes =
		(map_bytes(live->skel->maps.flows) + map_bytes(live->skel->maps.buckets)) /
		size->flows;
}

void live_close(struct live *live)
{
	if (!live)
		return;
	watch_close(live->watch);
	ring_buffer__free(live->ring);
	for (int i = 0; i < 2; i++)
		karma_bpf__destroy(live->kind[i]);
	free(live);
}
