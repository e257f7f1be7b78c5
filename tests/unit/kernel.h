/* The kernel's meter for tests: loaded, not attached; frames go through it by BPF_PROG_TEST_RUN,
 * its reports are kept. Needs CAP_BPF; a test is skipped without. */
#ifndef KARMA_TESTS_KERNEL_H
#define KARMA_TESTS_KERNEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "capture/kernel_table.h"
#include "flow/meter.h"
#include "karma.skel.h"

struct reports {
	struct flow_report *at;
	size_t count, room;
};

struct kernel {
	struct karma_bpf *skel;
	struct ring_buffer *ring;
	uint32_t buckets;
	struct reports reports;
};

static inline void keep(struct reports *r, const struct flow_report *report)
{
	if (r->count == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->at = realloc(r->at, r->room * sizeof(*r->at));
		assert_non_null(r->at);
	}
	r->at[r->count++] = *report;
}

static inline int keep_kernel(void *context, void *data, size_t size)
{
	assert_true(size >= sizeof(struct flow_report));
	keep(context, data);
	return 0;
}

/* Does this process load programs at all? Two instructions tell: return XDP_PASS. */
static inline bool may_load(void)
{
	const struct bpf_insn pass[] = {{.code = 0xb7, .imm = 2}, {.code = 0x95}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", pass, 2, NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* A table of `flows`; `outer`: tunnels are metered as what they are outside. */
static inline struct kernel *kernel_new(uint32_t flows, bool outer)
{
	struct kernel *k;

	if (!may_load()) {
		print_message("skipped: needs CAP_BPF\n");
		skip();
	}
	k = calloc(1, sizeof(*k));
	assert_non_null(k);
	k->skel = karma_bpf__open();
	assert_non_null(k->skel);
	k->skel->rodata->time_is_tstamp = true;
	k->skel->rodata->meter_outer = outer;
	assert_int_equal(kernel_table_size(k->skel, flows, &k->buckets), 0);
	assert_int_equal(karma_bpf__load(k->skel), 0);
	k->ring = ring_buffer__new(
		bpf_map__fd(k->skel->maps.reports), keep_kernel, &k->reports, NULL);
	assert_non_null(k->ring);
	return k;
}

/* Sweep the whole table; `drain`: every flow leaves. */
static inline void kernel_sweep(struct kernel *k, uint64_t now, bool drain)
{
	unsigned char dummy[64] = {0};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = dummy, .data_size_in = sizeof(dummy)};

	k->skel->bss->sweep.now_ns = now;
	k->skel->bss->sweep.drain = drain;
	k->skel->bss->sweep.first = 0;
	k->skel->bss->sweep.count = k->buckets;
	do {
		assert_int_equal(
			bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.karma_sweep), &opts),
			0);
		assert_true(ring_buffer__consume(k->ring) >= 0);
	} while (k->skel->bss->sweep.count);
}

static inline void kernel_counts(const struct kernel *k, uint64_t sum[METER_COUNTERS])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t(*each)[METER_COUNTERS] = calloc((size_t)cpus, sizeof(*each));
	const uint32_t zero = 0;

	assert_non_null(each);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(k->skel->maps.counters), &zero, each), 0);
	memset(sum, 0, METER_COUNTERS * sizeof(*sum));
	for (int c = 0; c < cpus; c++)
		for (int i = 0; i < METER_COUNTERS; i++)
			sum[i] += each[c][i];
	free(each);
}

static inline void kernel_free(struct kernel *k)
{
	ring_buffer__free(k->ring);
	karma_bpf__destroy(k->skel);
	free(k->reports.at);
	free(k);
}

#endif
