/* The block list in tests: frames go through its programs by BPF_PROG_TEST_RUN, nothing is
 * attached. Needs CAP_BPF; without it the tests are skipped. */
#ifndef KARMA_TESTS_FILTER_H
#define KARMA_TESTS_FILTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>

#include "frame.h"
#include "respond/filter_inside.h"

static const struct filter_note no_note = {0};

/* ---- set-up ---- */

/* Does this process load programs at all? Two instructions tell: return XDP_PASS. */
static inline bool may_load(void)
{
	const struct bpf_insn pass[] = {{.code = 0xb7, .imm = XDP_PASS}, {.code = 0x95}};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", pass, 2, NULL);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static inline struct filter *filter_of(const struct filter_settings *s)
{
	struct error e = {""};
	struct filter *f;

	if (!may_load()) {
		print_message("skipped: needs CAP_BPF\n");
		skip();
	}
	if (filter_open(&f, s, &e) != 0)
		fail_msg("%s", e.text);
	return f;
}

static inline struct filter *filter_new(void)
{
	return filter_of(&(struct filter_settings){0});
}

/* ---- frames ---- */

static inline uint32_t run(
	const struct filter *f, bool is_ip, const uint8_t *bytes, uint32_t n, int repeat)
{
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts), .data_in = bytes, .data_size_in = n, .repeat = repeat};

	assert_int_equal(bpf_prog_test_run_opts(filter_program(f, is_ip), &opts), 0);
	assert_true(opts.retval == XDP_PASS || opts.retval == XDP_DROP);
	return opts.retval;
}

/* Is it dropped? */
static inline bool drops(const struct filter *f, const struct spec *s)
{
	uint8_t bytes[FRAME_MAX];

	return run(f, s->raw, bytes, frame_make(bytes, s), 1) == XDP_DROP;
}

static inline struct spec udp(int net, uint8_t src)
{
	return (struct spec){
		.net = net, .proto = PROTO_UDP, .src = src, .dst = 200, .sport = 1, .dport = 53};
}

/* The host of frame.h's addresses, or a prefix of it. */
static inline struct filter_prefix v4(uint8_t host, uint8_t bits)
{
	struct filter_prefix p = {.bits = (uint8_t)(96 + bits), .addr = {[10] = 0xff, [11] = 0xff}};

	put_v4(p.addr + 12, host);
	return p;
}

static inline struct filter_prefix v6(uint8_t host, uint8_t bits)
{
	struct filter_prefix p = {.bits = bits};

	put_v6(p.addr, host);
	return p;
}

static inline void add(struct filter *f, struct filter_prefix p)
{
	assert_int_equal(filter_add(f, &p, &no_note), 0);
}

static inline void del(struct filter *f, struct filter_prefix p)
{
	assert_int_equal(filter_del(f, &p), 0);
}

static inline uint64_t packets(const struct filter *f, struct filter_prefix p)
{
	struct filter_entry e;

	assert_int_equal(filter_get(f, &p, &e), 0);
	return e.counts.packets;
}

/* ---- limits ---- */

static inline struct filter_limit limit_of(
	int net, uint8_t proto, uint16_t port, uint32_t rate, uint32_t burst)
{
	struct filter_limit l = {.proto = proto, .port = port, .rate = rate, .burst = burst};

	memcpy(l.addr, net == NET_IPV6 ? v6(200, 128).addr : v4(200, 32).addr, sizeof(l.addr));
	return l;
}

static inline int count_entry(void *context, const struct filter_entry *e)
{
	(void)e;
	++*(uint32_t *)context;
	return 0;
}

#endif
