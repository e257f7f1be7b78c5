/* Live metering: load the kernel's programs, attach them to an interface, read the reports, run the
 * sweep. */
#include "capture/capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture/kernel_table.h"
#include "karma.skel.h"

enum {
	SWEEP_MS = 200,       /* in which the whole table is swept */
	SWEEP_BUCKETS = 2048, /* at a time, for at most some 0.5 ms */
	/* Attach types newer than Debian 12's headers (Linux 6.6). */
	TCX_INGRESS = 46,
	TCX_EGRESS = 47,
	/* Our filters where there is no TCX: fixed, so that what a killed karma left is replaced.
	 */
	FILTER_HANDLE = 0x6b61,
	FILTER_PRIORITY = 0x6b61,
};

struct live {
	struct karma_bpf *skel;
	struct ring_buffer *ring;
	char name[IF_NAMESIZE];
	int ifindex;
	bool loopback;
	int link[2]; /* TCX: ingress, egress; -1: none */
	bool clsact;
	bool made_clsact; /* the qdisc is ours to remove */
	bool detached;
	uint32_t buckets;
	uint32_t next_bucket; /* to sweep */
	int64_t clock_ns;     /* added to the kernel's monotonic times: the time since 1970 */
	uint64_t next_sweep_ns;
	/* During live_poll() and live_drain(). */
	record_sink sink;
	void *context;
	int records;
};

static uint64_t clock_now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- the interface ---- */

static int no_such_interface(const char *name, struct error *e)
{
	struct if_nameindex *all = if_nameindex();
	char list[256] = "";
	size_t used = 0;

	for (struct if_nameindex *i = all; i && i->if_index && used < sizeof(list); i++)
		used += (size_t)snprintf(
			list + used, sizeof(list) - used, "%s%s", used ? ", " : "", i->if_name);
	if (all)
		if_freenameindex(all);
	return error_set(e, -ENODEV, "there is no interface '%s'; there are: %s", name, list);
}

/* What the interface is: does it have Ethernet headers or none, is it the loopback? */
static int interface_kind(struct live *live, bool *is_ip, struct error *e)
{
	struct ifreq request = {0};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int type, err;

	if (s < 0)
		return error_set(
			e, -errno, "no socket to ask about %s: %s", live->name, strerror(errno));
	memcpy(request.ifr_name, live->name, IF_NAMESIZE);
	err = ioctl(s, SIOCGIFHWADDR, &request) < 0 ? -errno : 0;
	close(s);
	if (err)
		return error_set(e, err, "cannot ask what %s is: %s", live->name, strerror(-err));
	type = request.ifr_hwaddr.sa_family;
	live->loopback = type == ARPHRD_LOOPBACK;
	switch (type) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		*is_ip = false;
		return 0;
	case ARPHRD_NONE:
	case ARPHRD_PPP:
	case ARPHRD_RAWIP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		*is_ip = true;
		return 0;
	default:
		return error_set(e, -EPROTONOSUPPORT,
			"%s has link type %d: only Ethernet, loopback and raw IP interfaces can "
			"be watched",
			live->name, type);
	}
}

/* ---- loading ---- */

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int load_skeleton(struct live *live, const struct meter_settings *settings, bool is_ip)
{
	int err;

	live->skel = karma_bpf__open();
	if (!live->skel)
		return -errno;
	live->skel->rodata->link_is_ip = is_ip;
	live->skel->rodata->meter_outer = settings && settings->outer;
	err = kernel_table_size(live->skel, settings ? settings->flows : 0, &live->buckets);
	return err ? err : karma_bpf__load(live->skel);
}

static int load(
	struct live *live, const struct meter_settings *settings, bool is_ip, struct error *e)
{
	libbpf_print_fn_t print = libbpf_set_print(quiet);
	struct utsname kernel = {0};
	int err = load_skeleton(live, settings, is_ip);

	libbpf_set_print(print);
	if (!err)
		return 0;
	if (err == -EPERM)
		return error_set(e, err,
			"karma needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON to watch %s; run "
			"with sudo",
			live->name);
	if (err == -ENOMEM)
		return error_set(
			e, err, "the kernel has no memory for the flow table; ask for fewer flows");
	uname(&kernel);
	return error_set(e, err,
		"the kernel (%s) refuses the meter: %s; karma needs Linux 6.1 or later with "
		"CONFIG_BPF_SYSCALL",
		kernel.release, strerror(-err));
}

/* ---- attaching ---- */

/* libbpf 1.1 has no wrapper for TCX: 0, or a negative errno (before Linux 6.6: -EINVAL). A TCX link
 * vanishes with the process. */
static int attach_tcx(struct live *live)
{
	int in = bpf_program__fd(live->skel->progs.karma_in);
	int out = bpf_program__fd(live->skel->progs.karma_out);

	live->link[0] = bpf_link_create(in, live->ifindex, (enum bpf_attach_type)TCX_INGRESS, NULL);
	if (live->link[0] < 0)
		return live->link[0];
	if (live->loopback)
		return 0;
	live->link[1] = bpf_link_create(out, live->ifindex, (enum bpf_attach_type)TCX_EGRESS, NULL);
	if (live->link[1] < 0) {
		close(live->link[0]);
		live->link[0] = -1;
		return live->link[1];
	}
	return 0;
}

/* libbpf refuses a structure whose padding is not zero, which an initialiser does not promise. */
static void clsact_hook(
	struct bpf_tc_hook *hook, const struct live *live, enum bpf_tc_attach_point point)
{
	memset(hook, 0, sizeof(*hook));
	hook->sz = sizeof(*hook);
	hook->ifindex = live->ifindex;
	hook->attach_point = point;
}

static void clsact_filter(struct bpf_tc_opts *filter)
{
	memset(filter, 0, sizeof(*filter));
	filter->sz = sizeof(*filter);
	filter->handle = FILTER_HANDLE;
	filter->priority = FILTER_PRIORITY;
}

static void detach_clsact(struct live *live)
{
	libbpf_print_fn_t print = libbpf_set_print(quiet);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;

	for (int i = 0; i < 2; i++) {
		clsact_hook(&hook, live, i ? BPF_TC_EGRESS : BPF_TC_INGRESS);
		clsact_filter(&filter);
		bpf_tc_detach(&hook, &filter);
	}
	if (live->made_clsact) {
		clsact_hook(&hook, live, BPF_TC_INGRESS | BPF_TC_EGRESS);
		bpf_tc_hook_destroy(&hook);
	}
	libbpf_set_print(print);
}

static int attach_clsact(struct live *live)
{
	libbpf_print_fn_t print = libbpf_set_print(quiet);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts filter;
	int err;

	clsact_hook(&hook, live, BPF_TC_INGRESS | BPF_TC_EGRESS);
	err = bpf_tc_hook_create(&hook);
	live->clsact = true;
	live->made_clsact = err == 0;
	if (err == -EEXIST)
		err = 0;
	for (int i = 0; i < 2 && !err; i++) {
		if (i && live->loopback)
			break;
		clsact_hook(&hook, live, i ? BPF_TC_EGRESS : BPF_TC_INGRESS);
		clsact_filter(&filter);
		filter.flags = BPF_TC_F_REPLACE;
		filter.prog_fd = bpf_program__fd(
			i ? live->skel->progs.karma_out : live->skel->progs.karma_in);
		err = bpf_tc_attach(&hook, &filter);
	}
	libbpf_set_print(print);
	if (err)
		detach_clsact(live);
	return err;
}

static int attach(struct live *live, struct error *e)
{
	int err = attach_tcx(live);

	if (err == -EINVAL)
		err = attach_clsact(live);
	if (err)
		return error_set(e, err, "the kernel refuses to attach the meter to %s: %s",
			live->name, strerror(-err));
	return 0;
}

static void detach(struct live *live)
{
	if (live->detached)
		return;
	live->detached = true;
	if (live->clsact)
		detach_clsact(live);
	for (int i = 0; i < 2; i++)
		if (live->link[i] >= 0)
			close(live->link[i]);
}

/* ---- records ---- */

/* The kernel's clock counts from boot. Asked again at each sweep, so that a clock that is set or
 * slewed is followed. */
static void follow_clock(struct live *live)
{
	live->clock_ns = (int64_t)(clock_now(CLOCK_REALTIME) - clock_now(CLOCK_MONOTONIC));
}

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
	return err < 0 ? err : 0;
}

int live_open(struct live **result, const char *interface, const struct meter_settings *settings,
	struct error *e)
{
	struct live *live = calloc(1, sizeof(*live));
	bool is_ip = false;
	int err;

	if (!live)
		return error_set(e, -ENOMEM, "out of memory");
	live->link[0] = live->link[1] = -1;
	live->detached = true;
	live->ifindex = (int)if_nametoindex(interface);
	if (!live->ifindex || strlen(interface) >= IF_NAMESIZE) {
		err = no_such_interface(interface, e);
		goto out;
	}
	strcpy(live->name, interface);
	err = interface_kind(live, &is_ip, e);
	if (err)
		goto out;
	err = load(live, settings, is_ip, e);
	if (err)
		goto out;
	live->ring =
		ring_buffer__new(bpf_map__fd(live->skel->maps.reports), take_report, live, NULL);
	if (!live->ring) {
		err = error_set(e, -errno, "no ring buffer: %s", strerror(errno));
		goto out;
	}
	follow_clock(live);
	live->detached = false;
	err = attach(live, e);
out:
	if (err) {
		live_close(live);
		live = NULL;
	}
	*result = live;
	return err;
}

/* ---- the sweep ---- */

/* Sweep `count` buckets. Where the ring is nearly full it is read, and the sweep goes on. */
static int sweep_buckets(struct live *live, uint32_t first, uint32_t count, bool drain)
{
	unsigned char frame[64] = {0}; /* what the program is run on; it looks at none of it */
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = frame, .data_size_in = sizeof(frame)};
	int err;

	live->skel->bss->sweep.drain = drain;
	live->skel->bss->sweep.first = first;
	live->skel->bss->sweep.count = count;
	do {
		err = bpf_prog_test_run_opts(bpf_program__fd(live->skel->progs.karma_sweep), &opts);
		if (err)
			return err;
		err = ring_buffer__consume(live->ring);
	} while (err >= 0 && live->skel->bss->sweep.count);
	return err < 0 ? err : 0;
}

/* All of the table, once; part by part, since no packet can come in while a part is swept. */
static int sweep_all(struct live *live, bool drain)
{
	int err = 0;

	for (uint32_t first = 0; first < live->buckets && !err; first += SWEEP_BUCKETS) {
		uint32_t left = live->buckets - first;

		err = sweep_buckets(
			live, first, left < SWEEP_BUCKETS ? left : SWEEP_BUCKETS, drain);
	}
	return err;
}

/* The part of the table whose turn it is. */
static int sweep_if_time(struct live *live)
{
	uint64_t now = clock_now(CLOCK_MONOTONIC);
	uint32_t parts = (live->buckets + SWEEP_BUCKETS - 1) / SWEEP_BUCKETS;
	uint32_t first = live->next_bucket, left = live->buckets - first;
	int err;

	if (now < live->next_sweep_ns)
		return 0;
	if (first == 0 && !if_nametoindex(live->name))
		return -ENODEV;
	follow_clock(live);
	err = sweep_buckets(live, first, left < SWEEP_BUCKETS ? left : SWEEP_BUCKETS, false);
	live->next_bucket = left > SWEEP_BUCKETS ? first + SWEEP_BUCKETS : 0;
	live->next_sweep_ns = clock_now(CLOCK_MONOTONIC) + SWEEP_MS * 1000000ull / parts;
	return err;
}

static void take_records(struct live *live, record_sink sink, void *context)
{
	live->sink = sink;
	live->context = context;
	live->records = 0;
}

int live_poll(struct live *live, int timeout_ms, record_sink sink, void *context)
{
	uint64_t end = clock_now(CLOCK_MONOTONIC) + (uint64_t)timeout_ms * 1000000;
	uint64_t now;
	int err;

	take_records(live, sink, context);
	do {
		err = sweep_if_time(live);
		if (err < 0 || live->records)
			break;
		now = clock_now(CLOCK_MONOTONIC);
		if (now < end && now < live->next_sweep_ns) {
			uint64_t until = end < live->next_sweep_ns ? end : live->next_sweep_ns;

			err = ring_buffer__poll(live->ring, (int)((until - now) / 1000000) + 1);
		} else {
			err = ring_buffer__consume(live->ring);
		}
	} while (err >= 0 && !live->records && clock_now(CLOCK_MONOTONIC) < end);
	return err < 0 ? err : live->records;
}

int live_drain(struct live *live, record_sink sink, void *context)
{
	int err;

	take_records(live, sink, context);
	detach(live);
	follow_clock(live);
	err = ring_buffer__consume(live->ring);
	if (err >= 0)
		err = sweep_all(live, true);
	return err < 0 ? err : live->records;
}

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
	return err;
}

const char *live_attachment(const struct live *live)
{
	return live->clsact ? "clsact" : "tcx";
}

void live_close(struct live *live)
{
	if (!live)
		return;
	detach(live);
	ring_buffer__free(live->ring);
	karma_bpf__destroy(live->skel);
	free(live);
}
