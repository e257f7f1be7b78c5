/* The kernel's meter: a TC program that decodes every packet and counts it in its flow, and a sweep
 * that shows open flows and closes idle ones. No packet goes to user space, only reports.
 *
 * Only the UAPI headers are needed, no type information of the target kernel: it loads on 6.1 and
 * later. The block list (XDP) gets programs and maps of its own beside these; metering stays at
 * TC, where both directions are seen on every driver. */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "flow/meter.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* ---- settings, fixed before loading ---- */

const volatile bool link_is_ip;           /* the interface has no link header (tun, WireGuard) */
const volatile bool time_is_tstamp;       /* time is skb->tstamp, which a test can set */
const volatile __u32 ring_high = 6 << 20; /* the sweep waits while more bytes than this wait */

/* ---- maps; their sizes are set before loading ---- */

/* A hash with locks rather than an LRU one: it refuses new flows when full, which can be counted,
 * where the LRU forgets old ones silently and allows no lock; without a lock about 2 % of the
 * counts are lost when two CPUs meter one direction. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072);
	__type(key, struct flow_key);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} reports SEC(".maps");

struct counters {
	__u64 count[METER_COUNTERS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps");

/* The sweep's orders and answer, shared with user space. */
struct {
	__u64 now_ns; /* 0: take the clock */
	__u32 drain;  /* close every flow */
	__u32 paused; /* answer: the ring was nearly full, run again when it has been read */
} sweep;

/* An empty flow for inserting; not a struct flow, since no read-only map may hold a lock. */
static const __u64 no_flow[sizeof(struct flow) / 8];

/* ---- packets ---- */

/* clang would fold these loads into others and address the context by a computed offset, which the
 * verifier refuses: "dereference of modified ctx ptr". */
#define CTX_POINTER(skb, field)                                                                    \
	({                                                                                         \
		const __u8 *pointer_;                                                              \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                              \
			     : "=r"(pointer_)                                                      \
			     : "r"(skb), "i"(offsetof(struct __sk_buff, field)));                  \
		pointer_;                                                                          \
	})

enum { HEADERS = 192 }; /* bytes that must lie in one piece to be decoded */

static __always_inline void frame_bytes(struct frame *f, struct __sk_buff *skb)
{
	f->skb = skb;
	f->data = CTX_POINTER(skb, data);
	f->end = CTX_POINTER(skb, data_end);
	f->length = skb->len;
}

/* An skb as a frame, its headers in one piece. */
static __always_inline void frame_of(struct frame *f, struct __sk_buff *skb)
{
	__u32 linear;

	frame_bytes(f, skb);
	linear = f->end - f->data;
	if (linear < HEADERS && linear < f->length) {
		bpf_skb_pull_data(skb, f->length < HEADERS ? f->length : HEADERS);
		frame_bytes(f, skb);
	}
	f->segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	f->segment_size = skb->gso_size;
	f->ifindex = skb->ifindex;
	f->ns = time_is_tstamp ? skb->tstamp : bpf_ktime_get_ns();
}

/* Functions that are not static are verified by themselves, once: what the verifier knows of the
 * many ways through a packet's headers does not multiply with the ways through its TCP options and
 * through the meter. */
__attribute__((noinline)) __u32 karma_tcp_options(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	struct frame f;

	if (offset >= HEADERS)
		return WSCALE_NONE;
	frame_bytes(&f, skb);
	return tcp_options(&f, offset, end);
}

/* 0, or the counter under which the packet is lost. */
__attribute__((noinline)) int karma_decode(struct __sk_buff *skb, struct packet *p)
{
	struct frame f;

	if (!p)
		return LOST_NOT_IP;
	frame_of(&f, skb);
	return link_is_ip ? packet_ip(p, &f, 0) : packet_ethernet(p, &f);
}

/* The value of a flow, made if need be; NULL when there is no room. A new one is all zero: whoever
 * locks it first begins it, so that two CPUs may insert it at the same time. One that the sweep is
 * deleting is gone in an instant, which a few tries outlast. */
static __always_inline struct flow *flow_get(struct counters *c, const struct flow_key *key)
{
	struct flow *f = bpf_map_lookup_elem(&flows, key);

	for (int i = 0; i < 4 && (!f || (f->bits & FLOW_GONE)); i++) {
		if (bpf_map_update_elem(&flows, key, no_flow, BPF_NOEXIST) == 0)
			c->count[COUNT_OPEN]++;
		f = bpf_map_lookup_elem(&flows, key);
	}
	return f;
}

/* The first payload bytes, which may lie outside the linear part, if the flow lacks any. */
static __always_inline void packet_load_data(
	struct packet *p, struct __sk_buff *skb, const struct flow *f, unsigned expect)
{
	const struct flow_side *side = p->from == f->from ? &f->side[0] : &f->side[1];
	__u32 n = p->payload < FLOW_PAYLOAD ? p->payload : FLOW_PAYLOAD;

	if (n == 0 || (side->data_len == FLOW_PAYLOAD && !(expect & METER_ENDED)))
		return;
	if (bpf_skb_load_bytes(skb, p->payload_offset, p->data, n) == 0)
		p->data_len = n;
}

static __always_inline struct flow_report *report_reserve(int wanted)
{
	return wanted ? bpf_ringbuf_reserve(&reports, sizeof(struct flow_report), 0) : NULL;
}

static __always_inline void report_finish(struct flow_report *r, int filled)
{
	if (!r)
		return;
	if (filled)
		bpf_ringbuf_submit(r, 0);
	else
		bpf_ringbuf_discard(r, 0);
}

static __always_inline void count_packet(
	struct counters *c, const struct packet *p, unsigned done, int metered)
{
	if (!metered) {
		c->count[LOST_MAP_FULL] += p->segments;
		return;
	}
	c->count[COUNT_PACKETS] += p->segments;
	c->count[COUNT_BYTES] += p->length;
	if (!done)
		return;
	if (done & METER_BEGUN)
		c->count[COUNT_FLOWS]++;
	c->count[COUNT_RECORDS] += !!(done & METER_ENDED) + !!(done & METER_CLOSED);
	if (done & METER_NO_ROOM)
		c->count[LOST_RING_FULL]++;
	if (done & METER_TIME)
		c->count[LOST_TIME]++;
}

/* Count a packet in its flow. Room for reports is made before the lock is taken: nothing may be
 * called under it. */
static __always_inline void meter(struct counters *c, struct packet *p, struct __sk_buff *skb)
{
	struct flow_report *ended, *closed;
	struct flow *f = flow_get(c, &p->key);
	unsigned expect, done = 0;
	int gone;

	if (!f) {
		count_packet(c, p, 0, 0);
		return;
	}
	expect = flow_expect(f, p);
	packet_load_data(p, skb, f, expect);
	ended = report_reserve(expect & METER_ENDED);
	closed = report_reserve(expect & METER_CLOSED);
	bpf_spin_lock(&f->lock);
	gone = f->bits & FLOW_GONE;
	if (!gone)
		done = flow_meter(f, p, ended, closed);
	bpf_spin_unlock(&f->lock);
	report_finish(ended, done & METER_ENDED);
	report_finish(closed, done & METER_CLOSED);
	count_packet(c, p, done, !gone);
}

SEC("tc")
int karma_meter(struct __sk_buff *skb)
{
	const __u32 zero = 0;
	struct counters *c = bpf_map_lookup_elem(&counters, &zero);
	struct packet p = {0};
	__u32 lost;

	if (!c)
		return TC_ACT_UNSPEC;
	lost = karma_decode(skb, &p);
	if (!lost)
		meter(c, &p, skb);
	else if (lost < METER_COUNTERS)
		c->count[lost] += skb->gso_segs > 1 ? skb->gso_segs : 1;
	return TC_ACT_UNSPEC;
}

/* ---- the sweep ---- */

/* For each flow: report and delete what time asks for. Returns 1 to stop. */
static long sweep_flow(void *map, const struct flow_key *key, struct flow *f, const __u64 *now)
{
	const __u32 zero = 0;
	struct counters *c;
	struct flow_report *r = NULL;
	enum flow_due due = sweep.drain ? DUE_LEAVE : flow_due(f, key, *now);
	int reported, leaves;

	(void)map;
	if (due == DUE_NOTHING)
		return 0;
	c = bpf_map_lookup_elem(&counters, &zero);
	if (!c)
		return 1;
	if (flow_due_reports(f, due)) {
		if (bpf_ringbuf_query(&reports, BPF_RB_AVAIL_DATA) <= ring_high)
			r = bpf_ringbuf_reserve(&reports, sizeof(*r), 0);
		if (!r) {
			sweep.paused = 1;
			return 1;
		}
	}
	/* A packet may have come meanwhile. What it made due without room waits for the next. */
	bpf_spin_lock(&f->lock);
	due = sweep.drain ? DUE_LEAVE : flow_due(f, key, *now);
	reported = flow_do(f, key, due, *now, r);
	leaves = f->bits & FLOW_GONE;
	bpf_spin_unlock(&f->lock);
	report_finish(r, reported);
	c->count[COUNT_RECORDS] += reported;
	if (leaves && bpf_map_delete_elem(&flows, key) == 0)
		c->count[COUNT_OPEN]--;
	return 0;
}

static __always_inline int sweep_all(void)
{
	__u64 now = sweep.now_ns ? sweep.now_ns : bpf_ktime_get_ns();

	sweep.paused = 0;
	bpf_for_each_map_elem(&flows, sweep_flow, &now, 0);
	return 0;
}

SEC("syscall")
int karma_sweep(void *ctx)
{
	(void)ctx;
	return sweep_all();
}

/* Before 6.7 programs of type syscall may not use maps with locks: there the sweep runs as a TC
 * program that is attached to nothing. It cannot be interrupted by the scheduler. */
SEC("tc")
int karma_sweep_tc(struct __sk_buff *skb)
{
	(void)skb;
	return sweep_all();
}
