/* The block list: an XDP program that drops what comes from listed addresses before the stack has
 * seen it, and what comes to a limited port faster than it may. Only the UAPI headers are needed.
 *
 *   hosts      exact addresses, a hash      allowed, macs   never dropped, whatever the list says
 *   prefixes   a trie                       limits          token buckets by destination and port
 *
 * Before each stands the sieve: a packet that passes costs a bit of its source, another one where
 * there are prefixes, and one of its destination where there are limits. Where nothing is listed it
 * is not looked at. The allow list is asked only for a packet that would be dropped. Whatever
 * cannot be decoded passes. A tunnel goes by what it is outside. */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "flow/decode.h"
#include "respond/block.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* ---- maps; their sizes are set before loading ---- */

/* A map of its own, which is pinned with the others. */
struct block_state state SEC(".data.state");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct block_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct flow_addr);
	__type(value, struct block_entry);
} hosts SEC(".maps");

/* Set bits: there may be something listed of that hash. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sieve SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct block_prefix);
	__type(value, struct block_entry);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct block_limit_key);
	__type(value, struct block_limit);
} limits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct block_prefix);
	__type(value, __u32);
} allowed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64); /* the bytes in their order, then zeros */
	__type(value, __u32);
} macs SEC(".maps");

/* ---- packets ---- */

/* What is at hand of a packet. */
struct here {
	struct xdp_md *ctx;
	struct block_cpu *cpu;
	bool is_ip;   /* no link header */
	__u32 type;   /* of the network header: IPv4 or IPv6 */
	__u32 offset; /* where it is */
	/* The source as a trie's key: bits and addr stand side by side. */
	__u32 bits;
	struct flow_addr addr;
};

_Static_assert(offsetof(struct here, addr) == offsetof(struct here, bits) + 4, "side by side");

static __always_inline void frame_bytes(struct frame *f, const struct xdp_md *ctx)
{
	f->data = (const __u8 *)(long)ctx->data;
	f->end = (const __u8 *)(long)ctx->data_end;
}

/* Tags and the like are rare: verified once, by itself. */
__attribute__((noinline)) int karma_block_follow(struct xdp_md *ctx, struct layer *at)
{
	struct frame f;

	if (!at)
		return LOST_NOT_IP;
	frame_bytes(&f, ctx);
	return layer_follow(&f, at);
}

static __always_inline __u64 frame_length(const struct here *h)
{
	return bpf_xdp_get_buff_len(h->ctx);
}

/* ---- what is never dropped ---- */

/* The source's, as a key of macs; 0 where none is allowed, or there is none. */
static __always_inline __u64 mac_of(const struct here *h)
{
	__u64 mac = 0;
	struct frame f;
	const __u8 *p;

	if (!state.macs || h->is_ip)
		return 0;
	frame_bytes(&f, h->ctx);
	p = frame_at(&f, 0, 14);
	if (p)
		__builtin_memcpy(&mac, p + 6, 6);
	return mac;
}

static __always_inline bool mac_allowed(__u64 mac)
{
	return mac && bpf_map_lookup_elem(&macs, &mac);
}

static __always_inline bool addr_allowed(const struct here *h)
{
	return state.allowed && bpf_map_lookup_elem(&allowed, &h->bits);
}

/* For a listed host the answer is kept in its entry until the allow list changes. */
static __always_inline bool host_allowed(const struct here *h, struct block_entry *e)
{
	__u32 generation = *(volatile __u32 *)&state.generation;

	if (e->checked == generation)
		return false;
	if (addr_allowed(h))
		return true;
	e->checked = generation;
	return false;
}

/* ---- limits ---- */

/* What a limit goes by, and where the transport header is: 0 in fragments behind the first. */
struct limited {
	struct block_limit_key key;
	__u32 offset;
};

static __always_inline bool limited_v4(struct limited *l, const struct frame *f, __u32 offset)
{
	const __u8 *p = frame_at(f, offset, 20);

	if (!p)
		return false;
	l->key.addr = load_v4(p + 16);
	l->key.proto = p[9];
	if (!(load16(p + 6) & 0x1fff))
		l->offset = offset + (p[0] & 15) * 4;
	return true;
}

static __always_inline bool limited_v6(struct limited *l, const struct frame *f, __u32 offset)
{
	const __u8 *p = frame_at(f, offset, 40);
	bool later = false;

	if (!p)
		return false;
	l->key.addr = load_v6(p + 24);
	l->key.proto = p[6];
	offset += 40;
#pragma clang loop unroll(disable)
	for (int i = 0; i < PACKET_EXTENSIONS && ipv6_is_extension(l->key.proto) && !later; i++) {
		p = frame_at(f, offset, 8);
		if (!p)
			return false;
		later = l->key.proto == 44 && (load16(p + 2) & 0xfff8);
		offset += l->key.proto == 44 ? 8 : 8 + p[1] * 8;
		l->key.proto = p[0];
	}
	if (!later)
		l->offset = offset;
	return true;
}

static __always_inline bool in_sieve(const struct flow_addr *key)
{
	__u32 bit = sieve_bit(&state, key), at = bit / 64;
	const __u64 *word = bpf_map_lookup_elem(&sieve, &at);

	return word && *word >> bit % 64 & 1;
}

static __always_inline struct block_limit *limit_find(const struct block_limit_key *key)
{
	struct flow_addr shown = sieve_limit(key);

	return in_sieve(&shown) ? bpf_map_lookup_elem(&limits, key) : NULL;
}

/* The limit of its port, which is 0 where there is none to be seen; else that of what opens
 * connections, if it does. */
static __always_inline struct block_limit *limit_of(struct limited *at, const struct frame *f)
{
	bool tcp = at->key.proto == PROTO_TCP;
	struct block_limit *l;
	const __u8 *p = NULL;

	if (at->offset && at->offset <= PACKET_DEEPEST &&
		(tcp || at->key.proto == PROTO_UDP || at->key.proto == PROTO_UDPLITE ||
			at->key.proto == PROTO_SCTP))
		p = frame_at(f, at->offset, 4);
	at->key.port = p ? load16(p + 2) : 0;
	l = limit_find(&at->key);
	if (l || !p || !tcp)
		return l;
	p = frame_at(f, at->offset, 14);
	if (!p || (p[13] & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		return NULL;
	at->key.port = 0;
	at->key.opens = 1;
	return limit_find(&at->key);
}

/* Take a packet's token. */
static __always_inline bool token_taken(struct block_limit *l, __u64 now)
{
	__u64 passed = now - l->last_ns;

	if ((__s64)passed > 0) { /* another CPU's clock may be ahead */
		l->tokens = passed >= l->fill_ns ? l->room : l->tokens + passed * l->rate;
		if (l->tokens > l->room)
			l->tokens = l->room;
		l->last_ns = now;
	}
	if (l->tokens < TOKENS_PACKET)
		return false;
	l->tokens -= TOKENS_PACKET;
	return true;
}

/* Is anything that comes to its destination limited? Each family by itself: not every verifier
 * follows a length that is one of two. */
static __always_inline bool may_be_limited(const struct here *h)
{
	struct flow_addr shown;
	struct frame f;
	const __u8 *p;

	if (!state.limits || h->offset > PACKET_DEEPEST)
		return false;
	frame_bytes(&f, h->ctx);
	if (h->type == ETHERTYPE_IPV4) {
		p = frame_at(&f, h->offset, 20);
		if (!p)
			return false;
		shown = sieve_destination(load_v4(p + 16));
	} else {
		p = frame_at(&f, h->offset, 40);
		if (!p)
			return false;
		shown = sieve_destination(load_v6(p + 24));
	}
	return in_sieve(&shown);
}

/* XDP_DROP where the packet's destination is limited and it comes too soon. */
__attribute__((noinline)) static int limit(struct here *h)
{
	struct limited at = {};
	struct block_limit *l;
	struct frame f;
	__u64 now, length;
	bool taken;

	frame_bytes(&f, h->ctx);
	if (h->offset > PACKET_DEEPEST)
		return XDP_PASS;
	if (!(h->type == ETHERTYPE_IPV4 ? limited_v4(&at, &f, h->offset)
					: limited_v6(&at, &f, h->offset)))
		return XDP_PASS;
	l = limit_of(&at, &f);
	if (!l)
		return XDP_PASS;
	if (mac_allowed(mac_of(h)) || addr_allowed(h)) {
		h->cpu->allowed++;
		return XDP_PASS;
	}
	now = bpf_ktime_get_ns();
	length = frame_length(h);
	bpf_spin_lock(&l->lock);
	taken = token_taken(l, now);
	if (!taken) {
		l->packets++;
		l->bytes += length;
	}
	bpf_spin_unlock(&l->lock);
	return taken ? XDP_PASS : XDP_DROP;
}

/* ---- the list ---- */

static __always_inline bool may_be_in_prefix(const struct here *h)
{
	struct flow_addr first;

	if (!state.prefixes)
		return false;
	if (!*(volatile __u32 *)&state.sieved)
		return true;
	first = sieve_prefix(&state, &h->addr, h->type == ETHERTYPE_IPV4 ? BLOCK_IPV4 : BLOCK_IPV6);
	return in_sieve(&first);
}

static __always_inline void count_dropped(struct block_entry *e, __u64 packets, __u64 bytes)
{
	__sync_fetch_and_add(&e->packets, packets);
	__sync_fetch_and_add(&e->bytes, bytes);
}

/* What a train that is over has left uncounted. */
__attribute__((noinline)) static int train_ends(struct block_train *t)
{
	struct flow_addr addr = t->addr;
	struct block_entry *e = bpf_map_lookup_elem(&hosts, &addr);

	if (e && e->id == t->id)
		count_dropped(e, t->packets, t->bytes);
	t->packets = 0;
	t->bytes = 0;
	return 0;
}

/* The next packet of the train, dropped. */
static __always_inline bool train_goes_on(const struct here *h)
{
	struct block_train *t = &h->cpu->train;

	if (t->addr.word[1] != h->addr.word[1] || t->addr.word[0] != h->addr.word[0] ||
		t->changes != *(volatile __u32 *)&state.changes || t->mac != mac_of(h))
		return false;
	t->packets++;
	t->bytes += frame_length(h);
	return true;
}

static __always_inline void train_begins(const struct here *h, __u64 mac, __u64 id, __u32 changes)
{
	struct block_train *t = &h->cpu->train;

	if (t->packets)
		train_ends(t);
	t->addr = h->addr;
	t->mac = mac;
	t->id = id;
	t->changes = changes;
}

/* ---- the verdict ---- */

static __always_inline int drop(const struct here *h)
{
	h->cpu->dropped++;
	return XDP_DROP;
}

static __always_inline int pass(struct here *h)
{
	if (may_be_limited(h) && limit(h) == XDP_DROP) {
		h->cpu->limited++;
		return XDP_DROP;
	}
	h->cpu->passed++;
	return XDP_PASS;
}

static __always_inline int judge(struct here *h)
{
	__u32 changes = *(volatile __u32 *)&state.changes;
	struct block_entry *e = NULL;
	bool is_host;
	__u64 mac;

	if (in_sieve(&h->addr)) {
		if (train_goes_on(h))
			return drop(h);
		e = bpf_map_lookup_elem(&hosts, &h->addr);
	}
	is_host = e;
	if (!e && may_be_in_prefix(h))
		e = bpf_map_lookup_elem(&prefixes, &h->bits);
	if (!e)
		return pass(h);
	mac = mac_of(h);
	if (mac_allowed(mac) || (is_host ? host_allowed(h, e) : addr_allowed(h))) {
		h->cpu->allowed++;
		h->cpu->passed++;
		return XDP_PASS;
	}
	count_dropped(e, 1, frame_length(h));
	if (is_host)
		train_begins(h, mac, e->id, changes);
	return drop(h);
}

/* The source that the network header gives. */
static __always_inline bool source_of(struct here *h, const struct frame *f)
{
	const __u8 *p;

	if (h->type == ETHERTYPE_IPV4) {
		p = frame_at(f, h->offset, 20);
		if (!p || p[0] >> 4 != 4)
			return false;
		h->addr = load_v4(p + 12);
		return true;
	}
	if (h->type != ETHERTYPE_IPV6)
		return false;
	p = frame_at(f, h->offset, 40);
	if (!p || p[0] >> 4 != 6)
		return false;
	h->addr = load_v6(p + 8);
	return true;
}

/* From the link layer to the network header. */
static __always_inline bool network_of(struct here *h, const struct frame *f)
{
	struct layer at = {.type = LAYER_IP};
	const __u8 *p;

	if (!h->is_ip) {
		p = frame_at(f, 0, 14);
		if (!p)
			return false;
		at.type = load16(p + 12);
		at.offset = 14;
	}
	if (!layer_is_network(at.type) && karma_block_follow(h->ctx, &at))
		return false;
	h->type = at.type;
	h->offset = at.offset;
	return h->offset <= PACKET_DEEPEST;
}

static __always_inline int filter(struct xdp_md *ctx, bool is_ip)
{
	const __u32 zero = 0;
	struct here h = {.ctx = ctx, .is_ip = is_ip, .bits = BLOCK_HOST};
	struct frame f;

	h.cpu = bpf_map_lookup_elem(&cpus, &zero);
	if (!h.cpu)
		return XDP_PASS;
	if (!(state.hosts | state.prefixes | state.limits)) {
		h.cpu->passed++;
		return XDP_PASS;
	}
	frame_bytes(&f, ctx);
	if (network_of(&h, &f) && source_of(&h, &f))
		return judge(&h);
	h.cpu->not_ip++;
	return XDP_PASS;
}

SEC("xdp.frags")
int karma_block(struct xdp_md *ctx)
{
	return filter(ctx, false);
}

/* For interfaces without a link header. */
SEC("xdp.frags")
int karma_block_ip(struct xdp_md *ctx)
{
	return filter(ctx, true);
}

/* ---- changes ---- */

/* What of an entry or a limit is changed where it stands: the map's own update would put another in
 * its place, and lose what was counted meanwhile. Set by user space. */
struct {
	struct block_prefix what;
	struct block_limit_key limit;
	struct block_note note;
	__u64 room, fill_ns; /* for a limit, as rate */
	__u32 rate;          /* 0: an entry */
	__u32 zero;
} order;

static __always_inline int change_entry(void)
{
	struct block_prefix what = order.what;
	struct block_entry *e = what.bits == BLOCK_HOST ? bpf_map_lookup_elem(&hosts, &what.addr)
							: bpf_map_lookup_elem(&prefixes, &what);

	if (!e || e->bits != what.bits)
		return 1;
	e->note = order.note;
	return 0;
}

static __always_inline int change_limit(void)
{
	struct block_limit_key key = order.limit;
	struct block_limit *l = bpf_map_lookup_elem(&limits, &key);

	if (!l)
		return 1;
	bpf_spin_lock(&l->lock);
	l->rate = order.rate;
	l->room = order.room;
	l->fill_ns = order.fill_ns;
	if (l->tokens > l->room)
		l->tokens = l->room;
	bpf_spin_unlock(&l->lock);
	l->note = order.note;
	return 0;
}

/* Attached to nothing, run by BPF_PROG_TEST_RUN. 1: there is none. */
SEC("tc")
int karma_block_change(struct __sk_buff *skb)
{
	(void)skb;
	return order.rate ? change_limit() : change_entry();
}

/* ---- for karma bench: loaded by it alone ---- */

struct {
	__u32 packets;
	__u32 first; /* IPv4 address, from which on there are so many */
	__u32 sources;
} bench;

/* Give the frame, which is IPv4 over Ethernet, another source address, in an order that no cache
 * follows. */
static __always_inline void bench_next_source(struct xdp_md *ctx)
{
	__u32 i = bench.packets++, random = i * 2654435769u ^ i >> 5;
	struct frame f;
	__u8 *source;

	frame_bytes(&f, ctx);
	source = (__u8 *)frame_at(&f, 26, 4);
	if (source)
		*(__u32 *)source = NET32(bench.first + ((__u64)random * bench.sources >> 32));
}

SEC("?xdp")
int karma_bench_empty(struct xdp_md *ctx)
{
	bench_next_source(ctx);
	return XDP_PASS;
}

SEC("?xdp.frags")
int karma_bench_block(struct xdp_md *ctx)
{
	bench_next_source(ctx);
	return filter(ctx, false);
}
