/* The kernel's meter: a TC program that decodes every packet and counts it in its flow, and a sweep
 * that shows open flows and closes idle ones. No packet goes to user space, only reports.
 *
 * Only the UAPI headers are needed, no type information of the target kernel: it loads on 6.1 and
 * later. The block list (block.bpf.c, XDP) has programs and maps of its own beside these; metering
 * stays at TC, where both directions are seen on every driver. */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "flow/meter.h"
#include "table.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* ---- settings, fixed before loading ---- */

const volatile bool link_is_ip;           /* the interface has no link header (tun, WireGuard) */
const volatile bool meter_outer;          /* a tunnel is metered as what it is outside */
const volatile bool each_interface;       /* flows are of one interface; see places */
const volatile bool time_is_tstamp;       /* time is skb->tstamp, which a test can set */
const volatile __u32 ring_high = 6 << 20; /* the sweep waits while more bytes than this wait */

/* ---- maps; their sizes are set before loading ---- */

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

/* What a CPU has at hand. The packet is too large to be cleared on the stack each time. Packets
 * come in trains: the next one mostly belongs to the same flow as the last, whose slot the
 * processor then goes on with before the hash and the bucket would have told it. */
struct here {
	struct packet packet;
	struct flow_key last_key;
	__u32 last_at;
	__u32 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct here);
} heres SEC(".maps");

/* The interfaces that are watched, by number (0: none there): with each_interface a packet's place
 * in the list, from 1 on, is part of its flow's key. Set by user space. */
__u32 places[FLOW_PLACES];

/* The sweep's orders and answers, shared with user space. */
struct {
	__u64 now_ns; /* 0: take the clock */
	__u32 first;  /* buckets to look at; afterwards where it stopped */
	__u32 count;  /* how many; afterwards how many are left: the ring was nearly full */
	__u32 drain;  /* close every flow */
} sweep;

static __always_inline struct counters *counters_here(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

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

enum { HEADERS = 192 }; /* bytes from the first layer on that must lie in one piece */

/* The bytes of an skb, as far as they lie in one piece. */
static __always_inline void frame_bytes(struct frame *f, struct __sk_buff *skb)
{
	f->skb = skb;
	f->data = CTX_POINTER(skb, data);
	f->end = CTX_POINTER(skb, data_end);
	f->length = skb->len;
}

static __always_inline void frame_reach(struct frame *f, __u32 headers)
{
	__u32 linear;

	frame_bytes(f, f->skb);
	linear = f->end - f->data;
	if (linear < headers && linear < f->length) {
		bpf_skb_pull_data(f->skb, f->length < headers ? f->length : headers);
		frame_bytes(f, f->skb);
	}
}

/* Functions that are not static are verified by themselves, once: what the verifier knows of the
 * many ways through a packet's headers does not multiply with the ways through its TCP options,
 * through what is in it, and through the meter. */
__attribute__((noinline)) __u32 karma_tcp_options(struct __sk_buff *skb, __u32 offset, __u32 end)
{
	struct frame f;

	if (offset > 0x3fff)
		return WSCALE_NONE;
	frame_bytes(&f, skb);
	return tcp_options(&f, offset, end);
}

__attribute__((noinline)) int karma_follow(struct __sk_buff *skb, struct layer *at)
{
	struct frame f;

	if (!at)
		return LOST_NOT_IP;
	frame_bytes(&f, skb);
	return layer_follow(&f, at);
}

/* Where a generic XDP program has run, kernels that had to copy the packet for it have forgotten
 * that its link header was stepped over: the skb begins at the network header. `type`: what stands
 * where the link header would have its type. */
static __always_inline int is_bare(struct __sk_buff *skb, __u32 type)
{
	__u32 network = NET16(skb->protocol);
	__u8 link[2];

	if (network == type || !layer_is_network(network))
		return 0;
	return bpf_skb_load_bytes_relative(skb, 12, link, sizeof(link), BPF_HDR_START_MAC) == 0 &&
	       load16(link) != type;
}

/* The packet whose first layer, of type `type`, is at `offset`: the link's (offset and end 0), or
 * one inside the packet that was decoded into `p` before, which ends at `end`. 0, or the counter
 * under which it is lost. */
__attribute__((noinline)) int karma_decode(
	struct __sk_buff *skb, struct packet *p, __u32 offset, __u32 type, __u32 end)
{
	struct frame f = {.skb = skb};
	const __u8 *h;

	if (!p)
		return LOST_NOT_IP;
	if (offset > PACKET_DEEPEST)
		return LOST_EXTENSIONS;
	frame_reach(&f, offset + HEADERS);
	f.segments = skb->gso_segs > 1 ? skb->gso_segs : 1;
	f.segment_size = skb->gso_size;
	if (end) {
		f.length = end;
		f.ns = p->ns;
	} else {
		f.ns = time_is_tstamp ? skb->tstamp : bpf_ktime_get_ns();
	}
	if (type == LAYER_ETHERNET) {
		h = frame_at(&f, offset, 14);
		if (!h)
			return LOST_TRUNCATED;
		type = load16(h + 12);
		if (!end && is_bare(skb, type))
			type = NET16(skb->protocol);
		else
			offset += 14;
	}
	if (!layer_is_network(type)) {
		struct layer at = {.offset = offset, .type = type};
		int lost = karma_follow(skb, &at);

		if (lost)
			return lost;
		offset = at.offset;
		type = at.type;
	}
	if (offset > PACKET_DEEPEST)
		return LOST_EXTENSIONS;
	return packet_network(p, &f, type, offset);
}

__attribute__((noinline)) int karma_tunnel(
	struct __sk_buff *skb, const struct packet *p, struct layer *inner)
{
	struct frame f = {.skb = skb};

	if (!p || !inner)
		return LOST_NOT_IP;
	frame_reach(&f, p->payload_offset + HEADERS);
	return tunnel_header(p, &f, inner);
}

static __always_inline int decode(struct __sk_buff *skb, struct packet *p)
{
	struct layer at = {.type = link_is_ip ? LAYER_IP : LAYER_ETHERNET};
	int lost = karma_decode(skb, p, 0, at.type, 0);

	return lost || meter_outer || !packet_may_carry(p) ? lost : packet_inner(p, skb, at);
}

/* ---- reports ---- */

/* Room for a report. Whether there is any is kept beside the pointer: 6.1's verifier forgets that
 * such a pointer was compared with NULL, and takes a second comparison for a way on which the room
 * is never given back. */
static __always_inline struct flow_report *report_reserve(int wanted, int *have)
{
	struct flow_report *r =
		wanted ? bpf_ringbuf_reserve(&reports, sizeof(struct flow_report), 0) : NULL;

	*have = 0;
	if (r) {
		*have = 1;
		OPAQUE(*have);
	}
	return r;
}

static __always_inline void report_finish(struct flow_report *r, int filled, __u64 flags)
{
	if (filled)
		bpf_ringbuf_submit(r, flags);
	else
		bpf_ringbuf_discard(r, flags);
}

/* ---- new flows ---- */

/* Where both buckets are full a flow that is no open connection, and has been shown, gives way:
 * under a flood from forged sources the table goes on taking in flows as fast as they are judged.
 */
static __always_inline __u32 evict(struct counters *c, const struct packet *p, __u64 hash)
{
	__u32 index = hash & 1 ? hash_first(hash) : hash_second(hash);
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);
	struct flow_report *r;
	__u32 at, way;
	int done = 0;

	/* An answer whose question found no room would make its host the one that began. */
	if (!b || (!p->total && !packet_to_server(p)))
		return SLOT_NONE;
	at = bucket_candidate(index, b, p);
	if (!at)
		return SLOT_NONE;
	r = bpf_ringbuf_reserve(&reports, sizeof(*r), 0);
	if (!r)
		return SLOT_NONE;
	way = at - 1 - index * WAYS;
	if (way < WAYS)
		done = slot_evict(at - 1, bucket_tag(b, way), p, r);
	report_finish(r, done == EVICTED_REPORTED, 0);
	if (!done)
		return SLOT_NONE;
	c->count[COUNT_RECORDS] += done == EVICTED_REPORTED;
	c->count[COUNT_EVICTED]++;
	c->count[COUNT_OPEN]--;
	return at;
}

/* Fill the slot that was taken, and show it under its tag. It stays locked. */
static __always_inline __u32 slot_fill(__u32 at, const struct packet *p, __u64 hash)
{
	__u32 index = hash_first(hash), way = at - index * WAYS;
	struct flow_slot *s = bpf_map_lookup_elem(&flows, &at);
	struct bucket *b;

	if (way >= WAYS) {
		index = hash_second(hash);
		way = at - index * WAYS;
	}
	b = bpf_map_lookup_elem(&buckets, &index);
	if (!b || !s || way >= WAYS)
		return SLOT_NONE;
	if (!word_lock(&s->flow.lock)) {
		word_unlock(bucket_tag(b, way)); /* TAG_FREE */
		return SLOT_BUSY;
	}
	s->key = p->key;
	s->flow.bits = 0;
	__sync_lock_test_and_set(bucket_tag(b, way), hash_tag(hash));
	return at + 1;
}

/* Make a flow, unless another CPU has just made it: 1 + its slot, which is locked, or SLOT_NONE
 * where there is no room, SLOT_BUSY. Two CPUs that put in one key meet at its first bucket. */
__attribute__((noinline)) __u32 karma_insert(struct packet *p, __u64 hash)
{
	struct counters *c = counters_here();
	__u32 first = hash_first(hash), at;
	struct bucket *home = bpf_map_lookup_elem(&buckets, &first);

	if (!p || !c || !home)
		return SLOT_NONE;
	if (!word_lock(&home->lock))
		return SLOT_BUSY;
	at = table_find(&p->key, hash);
	if (at == SLOT_NONE) {
		at = table_take(first, hash_second(hash));
		if (!at)
			at = evict(c, p, hash);
		if (at)
			at = slot_fill(at - 1, p, hash);
		if (at && at != SLOT_BUSY)
			c->count[COUNT_OPEN]++;
	}
	word_unlock(&home->lock);
	return at;
}

/* ---- metering ---- */

/* The first payload bytes, which may lie outside the linear part, if the flow lacks any. */
static __always_inline void packet_load_data(
	struct packet *p, struct __sk_buff *skb, const struct flow *f, unsigned expect)
{
	const struct flow_side *side =
		p->from == ((f->bits & FLOW_FROM1) != 0) ? &f->side[0] : &f->side[1];
	__u32 n = p->payload < FLOW_PAYLOAD ? p->payload : FLOW_PAYLOAD;

	if (n == 0)
		return;
	if ((f->bits & FLOW_BEGUN) && side->data_len == FLOW_PAYLOAD && !(expect & METER_ENDED))
		return;
	__builtin_memset(p->data, 0, sizeof(p->data));
	/* 6.1's verifier does not learn from a comparison that n is not 0. */
	_Static_assert((FLOW_PAYLOAD & (FLOW_PAYLOAD - 1)) == 0, "a mask bounds it");
	n--;
	OPAQUE(n);
	n = (n & (FLOW_PAYLOAD - 1)) + 1;
	if (bpf_skb_load_bytes(skb, p->payload_offset, p->data, n) == 0)
		p->data_len = n;
}

static __always_inline void count_packet(struct counters *c, const struct packet *p, unsigned done)
{
	c->count[COUNT_PACKETS] += p->segments;
	c->count[COUNT_BYTES] += p->length;
	if (!done)
		return;
	if (done & METER_BEGUN)
		c->count[COUNT_FLOWS]++;
	c->count[COUNT_RECORDS] += !!(done & METER_ENDED) + !!(done & METER_CLOSED);
	if (done & METER_NO_ROOM)
		c->count[LOST_RING_FULL]++;
	/* The kernel's clock never goes backwards; one CPU has waited for another. */
	if (time_is_tstamp && (done & METER_TIME))
		c->count[LOST_TIME]++;
}

static __always_inline void count_again(struct counters *c, const struct packet *p)
{
	c->count[COUNT_SEEN_AGAIN] += p->segments;
	if (p->total)
		c->count[COUNT_TOTAL] -= p->segments;
}

/* Count a packet in its flow, which is locked. */
static __always_inline void meter(
	struct counters *c, struct packet *p, struct __sk_buff *skb, struct flow *f)
{
	struct flow_report *ended, *closed;
	int have_ended, have_closed;
	unsigned expect, done;

	if (flow_again(f, p)) {
		word_unlock(&f->lock);
		count_again(c, p);
		return;
	}
	expect = flow_expect(f, p);
	ended = report_reserve(expect & METER_ENDED, &have_ended);
	closed = report_reserve(expect & METER_CLOSED, &have_closed);
	packet_load_data(p, skb, f, expect);
	done = flow_meter(f, p, ended, closed);
	word_unlock(&f->lock);
	if (have_ended)
		report_finish(ended, done & METER_ENDED, 0);
	if (have_closed)
		report_finish(closed, done & METER_CLOSED, 0);
	count_packet(c, p, done);
}

/* The packet's flow, found or made: 1 + its slot, which is locked, or SLOT_NONE, SLOT_BUSY. */
static __always_inline __u32 find_or_insert(struct here *h)
{
	__u64 hash = key_hash(&h->packet.key);
	__u32 at = karma_find(&h->packet.key, hash);

	return at == SLOT_NONE ? karma_insert(&h->packet, hash) : at;
}

static __always_inline __u32 flow_of_packet(struct here *h)
{
	__u32 at = SLOT_NONE;

	if (same_key(&h->last_key, &h->packet.key))
		at = slot_find(h->last_at, &h->packet.key);
	if (at != SLOT_NONE)
		return at;
	at = find_or_insert(h);
	if (at != SLOT_NONE && at != SLOT_BUSY) {
		h->last_key = h->packet.key;
		h->last_at = at - 1;
	}
	return at;
}

static __always_inline __u8 place_of(__u32 ifindex)
{
	__u8 place = 0;

	for (int i = 0; i < FLOW_PLACES; i++)
		if (places[i] == ifindex)
			place = i + 1;
	OPAQUE(place);
	return place;
}

static __always_inline int meter_skb(struct __sk_buff *skb, int egress)
{
	const __u32 zero = 0;
	struct counters *c = counters_here();
	struct here *h = bpf_map_lookup_elem(&heres, &zero);
	struct flow_slot *s;
	__u32 lost, at;

	if (!c || !h)
		return TC_ACT_UNSPEC;
	lost = decode(skb, &h->packet);
	if (lost) {
		if (lost < METER_COUNTERS)
			c->count[lost] += skb->gso_segs > 1 ? skb->gso_segs : 1;
		return TC_ACT_UNSPEC;
	}
	h->packet.hook = FLOW_HOOK(skb->ifindex, egress);
	if (each_interface)
		h->packet.key.at = place_of(skb->ifindex);
	at = flow_of_packet(h);
	if (at == SLOT_NONE) {
		packet_total(&h->packet);
		at = flow_of_packet(h);
		c->count[COUNT_TOTAL] +=
			at == SLOT_NONE || at == SLOT_BUSY ? 0 : h->packet.segments;
	}
	if (at == SLOT_NONE || at == SLOT_BUSY) {
		c->count[at == SLOT_NONE ? LOST_MAP_FULL : LOST_BUSY] += h->packet.segments;
		return TC_ACT_UNSPEC;
	}
	at--;
	s = bpf_map_lookup_elem(&flows, &at);
	if (s)
		meter(c, &h->packet, skb, &s->flow);
	return TC_ACT_UNSPEC;
}

/* One at each hook of an interface, so that a packet's hook is known without being looked up. */
SEC("tc")
int karma_in(struct __sk_buff *skb)
{
	return meter_skb(skb, 0);
}

SEC("tc")
int karma_out(struct __sk_buff *skb)
{
	return meter_skb(skb, 1);
}

/* ---- for karma bench: loaded by it alone ---- */

struct {
	__u32 packets;
	__u32 flows; /* a power of 2 */
} bench;

/* Give the frame, which is IPv4 over Ethernet, the source address of the next flow: each round over
 * all flows is in an order that no cache follows. */
static __always_inline void bench_next_flow(struct __sk_buff *skb)
{
	__u32 i = bench.packets++, flow = (i * 2654435769u ^ i >> 5) & (bench.flows - 1);
	__u8 *source = (__u8 *)CTX_POINTER(skb, data) + 26;

	OPAQUE(source);
	if (source + 4 <= CTX_POINTER(skb, data_end))
		*(__u32 *)source = NET32(0x0a000000 | flow);
}

SEC("?tc")
int karma_bench_empty(struct __sk_buff *skb)
{
	bench_next_flow(skb);
	return TC_ACT_UNSPEC;
}

SEC("?tc")
int karma_bench_meter(struct __sk_buff *skb)
{
	bench_next_flow(skb);
	return meter_skb(skb, 0);
}

/* What was not chosen: hand every decoded packet to user space, which meters it there. */
SEC("?tc")
int karma_bench_ring(struct __sk_buff *skb)
{
	const __u32 zero = 0;
	struct here *h = bpf_map_lookup_elem(&heres, &zero);

	bench_next_flow(skb);
	if (h && decode(skb, &h->packet) == 0)
		bpf_ringbuf_output(
			&reports, &h->packet, offsetof(struct packet, zero), BPF_RB_NO_WAKEUP);
	return TC_ACT_UNSPEC;
}

/* ---- the sweep ---- */

/* Interrupts are off while it is held. 6.1's BPF_PROG_TEST_RUN leaves them on: a packet that came
 * between the sweep and the flow that it has locked would wait in vain. */
struct guard {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct guard);
} guards SEC(".maps");

/* Report and take out what time asks for. 1: the ring is nearly full. */
__attribute__((noinline)) int karma_sweep_slot(__u32 index, __u32 way, __u64 now)
{
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);
	__u32 at = index * WAYS + way;
	struct flow_slot *s = bpf_map_lookup_elem(&flows, &at);
	struct counters *c = counters_here();
	const __u32 zero = 0;
	struct guard *g = bpf_map_lookup_elem(&guards, &zero);
	struct flow_report *r;
	int reported = 0;
	enum flow_due due;

	if (!b || !s || !c || !g || way >= WAYS)
		return 0;
	if (bpf_ringbuf_query(&reports, BPF_RB_AVAIL_DATA) > ring_high)
		return 1;
	r = bpf_ringbuf_reserve(&reports, sizeof(*r), 0);
	if (!r)
		return 1;
	bpf_spin_lock(&g->lock);
	if (word_lock_calling_nothing(&s->flow.lock)) { /* else next time */
		/* What was due may have changed meanwhile, and another have been given the slot. */
		if (FRESH(s->flow.bits) & FLOW_GONE)
			due = DUE_NOTHING;
		else
			due = sweep.drain ? DUE_LEAVE : flow_due(&s->flow, &s->key, now);
		reported = flow_do(&s->flow, &s->key, due, now, r);
		if (due == DUE_LEAVE) {
			word_unlock(bucket_tag(b, way)); /* TAG_FREE */
			c->count[COUNT_OPEN]--;
		}
		word_unlock(&s->flow.lock);
		c->count[COUNT_RECORDS] += reported;
	}
	bpf_spin_unlock(&g->lock);
	report_finish(r, reported, BPF_RB_NO_WAKEUP);
	return 0;
}

static long sweep_bucket(__u32 i, const __u64 *now)
{
	__u32 index = sweep.first;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);

	(void)i;
	if (!b)
		return 1;
#pragma clang loop unroll(disable)
	for (__u32 way = 0; way < WAYS; way++) {
		__u32 at = index * WAYS + way;
		struct flow_slot *s;

		if (b->tag[way] <= TAG_TAKEN)
			continue;
		s = bpf_map_lookup_elem(&flows, &at);
		if (!s || (!sweep.drain && flow_due(&s->flow, &s->key, *now) == DUE_NOTHING))
			continue;
		if (karma_sweep_slot(index, way, *now))
			return 1;
	}
	sweep.first = index + 1;
	sweep.count--;
	return 0;
}

/* A part of the table, so that neither packets nor records wait long. It is a TC program that is
 * attached to nothing, run by BPF_PROG_TEST_RUN. */
SEC("tc")
int karma_sweep(struct __sk_buff *skb)
{
	__u64 now = sweep.now_ns ? sweep.now_ns : bpf_ktime_get_ns();

	(void)skb;
	bpf_loop(sweep.count, sweep_bucket, &now, 0);
	return 0;
}
