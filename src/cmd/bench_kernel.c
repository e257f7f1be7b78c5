/* How much the kernel's meter costs a packet: BPF_PROG_TEST_RUN of the program, and of the program
 * that does nothing beside it. With one flow the frame is always the same; with many the program
 * under test gives the frame another source address before each run, and so does the empty one. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/kernel_table.h"
#include "cmd/bench.h"
#include "cmd/bench_meter.h"
#include "flow/table.h"
#include "karma.skel.h"

enum {
	REPEAT = 1 << 20,
	ROUNDS = 5,
	MIDDLE = ROUNDS / 2, /* the median, sorted */
	TABLE = 1 << 20,
	RING_PACKETS = 1 << 16,
	RING_ROUNDS = 16,
};

/* Nanoseconds a run, as the kernel measures them, or a negative errno. */
static int run_ns(int prog, int repeat)
{
	uint8_t bytes[BENCH_FRAME];
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = bytes, .data_size_in = sizeof(bytes)};
	int err;

	bench_frame(bytes);
	opts.repeat = repeat;
	err = bpf_prog_test_run_opts(prog, &opts);
	return err ? err : (int)opts.duration;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Both programs in turn; the medians of some rounds of many runs. */
static json_t *compare(int empty, int meter, struct error *e)
{
	int ns[2][ROUNDS], err = 0;
	double nothing, something;

	for (int i = 0; i < ROUNDS && !err; i++) {
		ns[0][i] = run_ns(empty, REPEAT);
		ns[1][i] = run_ns(meter, REPEAT);
		err = ns[0][i] < 0 ? ns[0][i] : ns[1][i] < 0 ? ns[1][i] : 0;
	}
	if (err) {
		error_set(e, err, "BPF_PROG_TEST_RUN failed: %s", strerror(-err));
		return NULL;
	}
	for (int i = 0; i < 2; i++)
		qsort(ns[i], ROUNDS, sizeof(ns[i][0]), by_value);
	nothing = ns[0][MIDDLE];
	something = ns[1][MIDDLE];
	return json_pack("{sf sf sf sf}", "empty_ns_per_packet", nothing, "ns_per_packet",
		something, "packets_per_s", 1e9 / something, "ratio", something / nothing);
}

static struct karma_bpf *load_meter(uint32_t flows)
{
	struct karma_bpf *skel = karma_bpf__open();
	uint32_t buckets;

	if (!skel)
		return NULL;
	bpf_program__set_autoload(skel->progs.karma_out, false);
	bpf_program__set_autoload(skel->progs.karma_sweep, false);
	bpf_program__set_autoload(skel->progs.karma_bench_empty, true);
	bpf_program__set_autoload(skel->progs.karma_bench_meter, true);
	bpf_program__set_autoload(skel->progs.karma_bench_ring, true);
	if (kernel_table_size(skel, flows, &buckets) == 0 && karma_bpf__load(skel) == 0)
		return skel;
	karma_bpf__destroy(skel);
	return NULL;
}

static int drop_report(void *context, const struct flow_report *report)
{
	(void)context;
	(void)report;
	return 0;
}

static int meter_packet(void *table, void *data, size_t size)
{
	struct packet p;

	if (size < offsetof(struct packet, zero))
		return 0;
	memcpy(&p, data, offsetof(struct packet, zero));
	return flow_table_packet(table, &p);
}

/* Nanoseconds a packet: in the kernel [0], in user space [1]. */
static int ring_ns(struct karma_bpf *skel, struct flow_table *table, double ns[2])
{
	int kernel = 0, err = 0;
	double start, user = 0;
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(skel->maps.reports), meter_packet, table, NULL);

	if (!ring)
		return -errno;
	for (int i = 0; i < RING_ROUNDS && err >= 0; i++) {
		err = run_ns(bpf_program__fd(skel->progs.karma_bench_ring), RING_PACKETS);
		kernel += err;
		start = bench_clock();
		if (err >= 0)
			err = ring_buffer__consume(ring);
		user += bench_clock() - start;
	}
	ring_buffer__free(ring);
	ns[0] = (double)kernel / RING_ROUNDS;
	ns[1] = user * 1e9 / RING_ROUNDS / RING_PACKETS;
	return err < 0 ? err : 0;
}

/* As many sources as 10.0.0.0/8 has, in a table of the usual size: nearly every packet is of a flow
 * that finds no room and goes by its destination. Beside it what was not chosen: each packet
 * through the ring to a table in user space. */
static json_t *overload(struct error *e)
{
	struct karma_bpf *skel = load_meter(KERNEL_FLOWS_DEFAULT);
	struct meter_stats stats = {{0}};
	struct flow_table *table = flow_table_new(0, drop_report, NULL, &stats);
	json_t *result = NULL;
	double ring[2] = {0, 0};
	int ns = -ENOMEM, err = -ENOMEM;

	if (skel && table) {
		skel->bss->bench.flows = 1 << 24;
		ns = run_ns(bpf_program__fd(skel->progs.karma_bench_meter), REPEAT); /* fills it */
		ns = ns < 0 ? ns : run_ns(bpf_program__fd(skel->progs.karma_bench_meter), REPEAT);
		err = ring_ns(skel, table, ring);
	}
	if (ns < 0 || err < 0)
		error_set(e, ns < 0 ? ns : err, "the benchmark of a full table failed: %s",
			strerror(-(ns < 0 ? ns : err)));
	else
		result = json_pack("{sf sf sf}", "ns_per_packet", (double)ns,
			"ring_ns_per_packet_in_the_kernel", ring[0],
			"ring_ns_per_packet_in_user_space", ring[1]);
	flow_table_free(table);
	karma_bpf__destroy(skel);
	return result;
}

static json_t *compare_many(struct karma_bpf *skel, uint32_t flows, struct error *e)
{
	int empty = bpf_program__fd(skel->progs.karma_bench_empty);
	int meter = bpf_program__fd(skel->progs.karma_bench_meter);
	int err;

	skel->bss->bench.flows = flows;
	err = run_ns(meter, (int)flows); /* makes the flows */
	if (err < 0) {
		error_set(e, err, "BPF_PROG_TEST_RUN failed: %s", strerror(-err));
		return NULL;
	}
	return compare(empty, meter, e);
}

/* The empty program: [bpf_ktime_get_ns();] return TC_ACT_UNSPEC. */
static int load_empty(bool with_clock)
{
	const struct bpf_insn program[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_ns},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1}, {.code = BPF_JMP | BPF_EXIT}};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "empty", "GPL", program + !with_clock,
		with_clock ? 3 : 2, NULL);
}

/* By how many flows; and what of it is the clock, which every packet must read. */
static json_t *run_all(struct karma_bpf *skel, int empty, int clock, struct error *e)
{
	json_t *read = compare(empty, clock, e);
	json_t *one = read ? compare(empty, bpf_program__fd(skel->progs.karma_in), e) : NULL;
	json_t *many = one ? compare_many(skel, 1 << 16, e) : NULL;
	json_t *most = many ? compare_many(skel, 1 << 20, e) : NULL;
	json_t *full = most ? overload(e) : NULL;
	json_t *result = NULL;

	if (full)
		result = json_pack("{sO sO sO sO sO}", "clock_alone", read, "1_flow", one,
			"64k_flows", many, "1m_flows", most, "full_table", full);
	json_decref(read);
	json_decref(one);
	json_decref(many);
	json_decref(most);
	json_decref(full);
	return result;
}

json_t *bench_kernel(const struct bench_options *o, struct error *e)
{
	int empty = load_empty(false), clock = load_empty(true);
	struct karma_bpf *skel = empty < 0 || clock < 0 ? NULL : load_meter(TABLE);
	json_t *result = NULL;

	(void)o;
	if (skel)
		result = run_all(skel, empty, clock, e);
	else
		error_set(e, -EPERM,
			"the kernel benchmark needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON; run "
			"with sudo");
	karma_bpf__destroy(skel);
	if (empty >= 0)
		close(empty);
	if (clock >= 0)
		close(clock);
	return result;
}
