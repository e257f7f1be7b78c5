/* How fast packets are metered: in the kernel's program, by BPF_PROG_TEST_RUN with the program that
 * does nothing beside it, and in user space from frames in memory. */
#include "cmd/bench_meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "flow/table.h"
#include "karma.skel.h"

enum {
	FRAME = 74, /* a UDP packet with 32 bytes of payload */
	PAYLOAD = 32,
	PACKETS = 1 << 21, /* measured in user space, after a first round over all flows */
	KERNEL_REPEAT = 1 << 18,
	KERNEL_MANY = 1 << 16,
	KERNEL_ROUNDS = 3,
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- frames ---- */

static void frame_init(uint8_t *frame)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0,
		FRAME - 14, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 1, 0, 1, 0x30, 0x39, 0x23,
		0x28, 0, 8 + PAYLOAD, 0, 0};

	memset(frame, 0x5a, FRAME);
	memcpy(frame, head, sizeof(head));
}

/* Make it the frame of flow `n`: another source address. Neighbours in number are far apart in the
 * table. */
static void frame_of_flow(uint8_t *frame, uint32_t n)
{
	frame[27] = (uint8_t)(n >> 16);
	frame[28] = (uint8_t)(n >> 8);
	frame[29] = (uint8_t)n;
}

/* The i-th flow of a round: the first round makes the flows in order, later ones come in an order
 * that neither the table's nor any cache's follows. */
static uint32_t flow_of(uint32_t i, uint32_t flows, bool first)
{
	return (first ? i : i * 2654435769u ^ i >> 5) & (flows - 1);
}

/* ---- user space ---- */

static int drop_report(void *context, const struct flow_report *report)
{
	(void)report;
	++*(uint64_t *)context;
	return 0;
}

static int meter_frames(
	struct flow_table *table, uint8_t *bytes, uint32_t flows, bool first, uint64_t *ns)
{
	uint32_t count = first ? flows : PACKETS;

	for (uint32_t i = 0; i < count; i++) {
		struct frame f = {.data = bytes,
			.end = bytes + FRAME,
			.length = FRAME,
			.segments = 1,
			.ns = *ns += 100};
		struct packet p;
		int err;

		frame_of_flow(bytes, flow_of(i, flows, first));
		if (packet_ethernet(&p, &f))
			return -EPROTO;
		packet_copy_data(&p, &f);
		err = flow_table_packet(table, &p);
		if (err)
			return err;
	}
	return 0;
}

static json_t *meter_flows(uint32_t flows, struct error *e)
{
	uint64_t reports = 0, ns = 1000000000;
	struct meter_stats stats = {{0}};
	struct flow_table *table = flow_table_new(flows, drop_report, &reports, &stats);
	uint8_t bytes[FRAME];
	double start, took;
	int err;

	if (!table) {
		error_set(e, -ENOMEM, "no memory for a table of %u flows", flows);
		return NULL;
	}
	frame_init(bytes);
	err = meter_frames(table, bytes, flows, true, &ns);
	start = now_s();
	if (!err)
		err = meter_frames(table, bytes, flows, false, &ns);
	took = now_s() - start;
	flow_table_free(table);
	if (err) {
		error_set(e, err, "metering frames in memory failed: %s", strerror(-err));
		return NULL;
	}
	return json_pack(
		"{sf sf}", "ns_per_packet", took * 1e9 / PACKETS, "packets_per_s", PACKETS / took);
}

json_t *bench_meter(struct error *e)
{
	static const struct {
		const char *name;
		uint32_t flows;
	} sizes[] = {{"1_flow", 1}, {"64k_flows", 1 << 16}, {"1m_flows", 1 << 20}};
	json_t *all = json_object();

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		json_t *one = meter_flows(sizes[i].flows, e);

		if (!one) {
			json_decref(all);
			return NULL;
		}
		json_object_set_new(all, sizes[i].name, one);
	}
	return all;
}

/* ---- the kernel ---- */

/* Run `prog` on a frame `repeat` times. Nanoseconds a run, as the kernel measures them, or a
 * negative errno. */
static int run_ns(int prog, uint8_t *bytes, int repeat)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = bytes, .data_size_in = FRAME, .repeat = repeat};
	int err = bpf_prog_test_run_opts(prog, &opts);

	return err ? err : (int)opts.duration;
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* One flow: the median of some rounds of many runs. */
static double one_flow_ns(int prog, uint8_t *bytes)
{
	int ns[KERNEL_ROUNDS], middle = KERNEL_ROUNDS / 2;

	for (int i = 0; i < KERNEL_ROUNDS; i++) {
		ns[i] = run_ns(prog, bytes, KERNEL_REPEAT);
		if (ns[i] < 0)
			return ns[i];
	}
	qsort(ns, KERNEL_ROUNDS, sizeof(ns[0]), by_value);
	return ns[middle];
}

/* Many flows: every run has another frame, so that each is a call by itself; the median of the runs
 * after a round that makes the flows. The call's own cost is in the empty program's figure, too. */
static double many_flows_ns(int prog, uint8_t *bytes)
{
	int *ns = calloc(KERNEL_MANY, sizeof(*ns)), middle = KERNEL_MANY / 2;
	double result = -ENOMEM;

	for (int round = 0; ns && round < 2; round++) {
		for (uint32_t i = 0; i < KERNEL_MANY; i++) {
			frame_of_flow(bytes, flow_of(i, KERNEL_MANY, round == 0));
			ns[i] = run_ns(prog, bytes, 1);
			if (ns[i] < 0) {
				result = ns[i];
				goto out;
			}
		}
	}
	if (ns) {
		qsort(ns, KERNEL_MANY, sizeof(*ns), by_value);
		result = ns[middle];
	}
out:
	free(ns);
	return result;
}

static int load_empty(void)
{
	/* return TC_ACT_UNSPEC */
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = -1}, {.code = BPF_JMP | BPF_EXIT}};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "empty", "GPL", pass, 2, NULL);
}

static struct karma_bpf *load_meter(void)
{
	struct karma_bpf *skel = karma_bpf__open();

	if (!skel)
		return NULL;
	bpf_program__set_autoload(skel->progs.karma_sweep, false);
	bpf_program__set_autoload(skel->progs.karma_sweep_tc, false);
	if (karma_bpf__load(skel) == 0)
		return skel;
	karma_bpf__destroy(skel);
	return NULL;
}

static json_t *compare(double empty, double meter, struct error *e)
{
	if (empty < 0 || meter < 0) {
		error_set(e, (int)(empty < 0 ? empty : meter), "BPF_PROG_TEST_RUN failed: %s",
			strerror((int)-(empty < 0 ? empty : meter)));
		return NULL;
	}
	return json_pack("{sf sf sf}", "empty_ns_per_packet", empty, "meter_ns_per_packet", meter,
		"ratio", empty > 0 ? meter / empty : 0.0);
}

json_t *bench_kernel(struct error *e)
{
	int empty = load_empty(), meter;
	struct karma_bpf *skel = empty < 0 ? NULL : load_meter();
	json_t *one = NULL, *many = NULL, *result = NULL;
	uint8_t bytes[FRAME];

	if (!skel) {
		error_set(e, -EPERM,
			"the kernel benchmark needs root or CAP_BPF+CAP_NET_ADMIN+CAP_PERFMON; run "
			"with sudo");
		goto out;
	}
	meter = bpf_program__fd(skel->progs.karma_meter);
	frame_init(bytes);
	one = compare(one_flow_ns(empty, bytes), one_flow_ns(meter, bytes), e);
	many = one ? compare(many_flows_ns(empty, bytes), many_flows_ns(meter, bytes), e) : NULL;
	if (many)
		result = json_pack("{sO sO}", "1_flow", one, "64k_flows", many);
out:
	json_decref(one);
	json_decref(many);
	karma_bpf__destroy(skel);
	if (empty >= 0)
		close(empty);
	return result;
}
