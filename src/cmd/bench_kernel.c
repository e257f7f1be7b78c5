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
#include "cmd/bench_meter.h"
#include "karma.skel.h"

enum {
	REPEAT = 1 << 20,
	ROUNDS = 5,
	TABLE = 1200000, /* room for a million flows */
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
	return json_pack("{sf sf sf sf}", "empty_ns_per_packet", (double)ns[0][ROUNDS / 2],
		"ns_per_packet", (double)ns[1][ROUNDS / 2], "packets_per_s",
		1e9 / ns[1][ROUNDS / 2], "ratio", (double)ns[1][ROUNDS / 2] / ns[0][ROUNDS / 2]);
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

static struct karma_bpf *load_meter(void)
{
	struct karma_bpf *skel = karma_bpf__open();
	uint32_t buckets;

	if (!skel)
		return NULL;
	bpf_program__set_autoload(skel->progs.karma_sweep, false);
	bpf_program__set_autoload(skel->progs.karma_bench_empty, true);
	bpf_program__set_autoload(skel->progs.karma_bench_meter, true);
	if (kernel_table_size(skel, TABLE, &buckets) == 0 && karma_bpf__load(skel) == 0)
		return skel;
	karma_bpf__destroy(skel);
	return NULL;
}

/* By how many flows; and what of it is the clock, which every packet must read. */
static json_t *run_all(struct karma_bpf *skel, int empty, int clock, struct error *e)
{
	json_t *read = compare(empty, clock, e);
	json_t *one = read ? compare(empty, bpf_program__fd(skel->progs.karma_meter), e) : NULL;
	json_t *many = one ? compare_many(skel, 1 << 16, e) : NULL;
	json_t *most = many ? compare_many(skel, 1 << 20, e) : NULL;
	json_t *result = NULL;

	if (most)
		result = json_pack("{sO sO sO sO}", "clock_alone", read, "1_flow", one, "64k_flows",
			many, "1m_flows", most);
	json_decref(read);
	json_decref(one);
	json_decref(many);
	json_decref(most);
	return result;
}

json_t *bench_kernel(struct error *e)
{
	int empty = load_empty(false), clock = load_empty(true);
	struct karma_bpf *skel = empty < 0 || clock < 0 ? NULL : load_meter();
	json_t *result = NULL;

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
