/* The kernel's flow table, made for one thing: a packet that finds its flow in as few cache lines
 * as can be, and a full table that is counted and gives way in order.
 *
 *   flows:   an array of slots of 512 bytes: the key and the flow
 *   buckets: an array of cache lines: a lock, and for each of 15 slots a tag, 32 bits of the hash
 *            of the key that is in it, or TAG_FREE, or TAG_TAKEN while one is put in or taken out
 *
 * A key belongs into one of two buckets: the first, unless that is nearly full and the second has
 * more room. So a table can be filled to nine tenths before one flow in a thousand is refused. A
 * hash map of the kernel's own costs a call, a hash of 40 bytes and a chain of pointers for each
 * packet, and its lock twice the time of this one (docs/performance.md).
 *
 * Locks are words taken by compare-and-exchange, a flow's in its slot and a bucket's for putting
 * in. Who holds one calls nothing that waits, and cannot be interrupted by another packet on its
 * CPU: TC programs run with softirqs disabled, the sweep locks with interrupts off. Waiting is
 * bounded all the same: a packet that waits in vain is counted (LOST_BUSY).
 *
 * Order: a bucket's lock before a flow's. Taking out needs the flow's alone: its tag is freed under
 * it. Whoever followed a tag to a slot checks the key and FLOW_GONE when it has the lock. */
#ifndef KARMA_BPF_TABLE_H
#define KARMA_BPF_TABLE_H

#include "flow/meter.h"

enum { WAYS = 15, TAG_FREE = 0, TAG_TAKEN = 1 };

/* What looking for a flow gives: 1 + the number of its slot, which is locked; or: */
enum { SLOT_NONE = 0, SLOT_BUSY = ~0u };

/* Some 1.3 ms: longer than an interrupt takes from who holds it, or a host from its guest's CPU. */
enum { LOCK_TRIES = 1 << 16 };
enum { TAKE_TRIES = 4 };     /* ways that another CPU takes before one is given up */
enum { ROOMY = 6 };          /* free slots with which the first bucket is taken */
enum { EVICTION_TRIES = 4 }; /* flows of a full bucket looked at for one that gives way */

struct bucket {
	__u32 lock;
	__u32 tag[WAYS];
};

/* The tag of a way below WAYS. 6.1's verifier wants the bound here, where the address is made: it
 * learns nothing from "is not 15", and of a number that it knows in two places only in one. */
#define bucket_tag(b, way)                                                                         \
	({                                                                                         \
		__u32 word_ = (way) + 1; /* the lock is word 0 */                                  \
		OPAQUE(word_);                                                                     \
		&(b)->lock + (word_ & WAYS);                                                       \
	})

/* Sizes are set before loading. Mappable arrays begin at a page: slots do not straddle lines. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WAYS);
	__type(key, __u32);
	__type(value, struct flow_slot);
} flows SEC(".maps");

const volatile __u32 bucket_count = 1;
const volatile __u64 hash_seed[5] = {1, 3, 5, 7, 9}; /* odd and secret */

/* ---- locks ---- */

struct waiting {
	__u32 *word;
	int taken;
};

static long try_lock(__u32 i, struct waiting *w)
{
	(void)i;
	w->taken = __sync_val_compare_and_swap(w->word, 0, 1) == 0;
	return w->taken;
}

static __always_inline int word_lock(__u32 *word)
{
	struct waiting w = {word, 0};

	if (__sync_val_compare_and_swap(word, 0, 1) == 0)
		return 1;
	bpf_loop(LOCK_TRIES, try_lock, &w, 0);
	return w.taken;
}

/* For where helpers must not be called, loops over them neither. */
static __always_inline int word_lock_calling_nothing(__u32 *word)
{
#pragma clang loop unroll(disable)
	for (int i = 0; i < 64; i++)
		if (__sync_val_compare_and_swap(word, 0, 1) == 0)
			return 1;
	return 0;
}

static __always_inline void word_unlock(__u32 *word)
{
#if defined(KARMA_STRONG_ORDER)
	/* The processor shows stores in their order: no need to wait until they have been seen. */
	asm volatile("" ::: "memory");
	*(volatile __u32 *)word = 0;
#else
	__sync_lock_test_and_set(word, 0);
#endif
}

/* ---- finding ---- */

/* Multilinear in the words of the key with secret factors, then mixed: who does not know them
 * cannot choose keys that meet in one bucket. */
static __always_inline __u64 key_hash(const struct flow_key *key)
{
	const __u64 *word = (const __u64 *)key;
	__u64 h = word[0] * hash_seed[0] + word[1] * hash_seed[1] + word[2] * hash_seed[2] +
		  word[3] * hash_seed[3] + word[4] * hash_seed[4];

	_Static_assert(sizeof(*key) == 40, "five words");
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ull;
	return h ^ h >> 29;
}

static __always_inline __u32 hash_tag(__u64 hash)
{
	return (__u32)hash | 2; /* neither TAG_FREE nor TAG_TAKEN */
}

static __always_inline __u32 hash_first(__u64 hash)
{
	return (hash >> 32) * bucket_count >> 32;
}

static __always_inline __u32 hash_second(__u64 hash)
{
	return (__u64)((__u32)hash * 0x9e3779b1u) * bucket_count >> 32;
}

static __always_inline int same_key(const struct flow_key *a, const struct flow_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

/* If the flow in slot `at` has this key, lock it: 1 + at; else SLOT_NONE, or SLOT_BUSY. */
static __always_inline __u32 slot_find(__u32 at, const struct flow_key *key)
{
	struct flow_slot *s = bpf_map_lookup_elem(&flows, &at);

	if (!s)
		return SLOT_NONE;
	if (!word_lock(&s->flow.lock))
		return SLOT_BUSY;
	if (same_key(&s->key, key) && !(s->flow.bits & FLOW_GONE))
		return at + 1;
	word_unlock(&s->flow.lock);
	return SLOT_NONE;
}

static __always_inline __u32 bucket_find(
	const struct bucket *b, __u32 index, __u32 tag, const struct flow_key *key)
{
#pragma clang loop unroll(disable)
	for (__u32 way = 0; way < WAYS; way++) {
		__u32 at;

		if (b->tag[way] != tag)
			continue;
		at = slot_find(index * WAYS + way, key);
		if (at != SLOT_NONE)
			return at;
	}
	return SLOT_NONE;
}

static __always_inline __u32 table_find(const struct flow_key *key, __u64 hash)
{
	__u32 index = hash_first(hash), at;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &index);

	at = b ? bucket_find(b, index, hash_tag(hash), key) : SLOT_NONE;
	if (at)
		return at;
	index = hash_second(hash);
	b = bpf_map_lookup_elem(&buckets, &index);
	return b ? bucket_find(b, index, hash_tag(hash), key) : SLOT_NONE;
}

/* The flow with this key, locked; or SLOT_NONE, SLOT_BUSY. */
__attribute__((noinline)) __u32 karma_find(struct flow_key *key, __u64 hash)
{
	return key ? table_find(key, hash) : SLOT_NONE;
}

/* ---- putting in ---- */

/* How many slots of it are free; `way` is one of them. Without branches, of which the verifier
 * would follow every combination. */
static __always_inline __u32 bucket_room(const struct bucket *b, __u32 *way)
{
	__u32 room = 0, last = WAYS;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WAYS; i++) {
		__u32 is_free = ((__u64)b->tag[i] - 1) >> 63; /* 0 - 1 wraps */

		OPAQUE(is_free);
		room += is_free;
		last ^= (last ^ i) & -is_free;
	}
	*way = last;
	return room;
}

/* Take a free slot of one bucket: 1 + its number, its tag TAG_TAKEN; or SLOT_NONE. */
static __always_inline __u32 bucket_take(struct bucket *b, __u32 index, __u32 way)
{
	if (way >= WAYS ||
		__sync_val_compare_and_swap(bucket_tag(b, way), TAG_FREE, TAG_TAKEN) != 0)
		return SLOT_NONE;
	return index * WAYS + way + 1;
}

/* A way that was free may be another CPU's by now, for which this bucket is the second: there may
 * be more of them. */
static __always_inline __u32 table_take(__u32 first, __u32 second)
{
	struct bucket *a = bpf_map_lookup_elem(&buckets, &first);
	struct bucket *b = bpf_map_lookup_elem(&buckets, &second);
	__u32 at = SLOT_NONE;

	if (!a || !b)
		return SLOT_NONE;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < TAKE_TRIES && at == SLOT_NONE; i++) {
		__u32 way, other, room = bucket_room(a, &way), more = 0;

		if (room < ROOMY)
			more = bucket_room(b, &other);
		if (!room && !more)
			break;
		at = more > room ? bucket_take(b, second, other) : bucket_take(a, first, way);
	}
	return at;
}

/* Is this no open connection (nobody answered it, it is half open, or it is over), and has all of
 * it been shown? Such a flow gives way to a new one; to a total, of which there is one for each
 * destination, one that was not shown gives way, too. */
static __always_inline int flow_gives_way(const struct flow *f, int to_total)
{
	__u32 news = to_total ? FLOW_TOTAL : FLOW_NEWS, bits = f->bits;

	return (bits & (FLOW_BEGUN | FLOW_GONE | news)) == FLOW_BEGUN &&
	       ((bits & (FLOW_ANSWERED | FLOW_CLOSED)) != FLOW_ANSWERED ||
		       (bits & (FLOW_SYN | FLOW_ESTABLISHED)) == FLOW_SYN);
}

enum { EVICTED = 1, EVICTED_REPORTED };

/* Take the slot of a flow that gives way. 0: it does not; EVICTED: it does, and had nothing more to
 * report; EVICTED_REPORTED: its last report is in `r`. */
static __always_inline int slot_evict(
	__u32 at, __u32 *tag, const struct packet *p, struct flow_report *r)
{
	struct flow_slot *s = bpf_map_lookup_elem(&flows, &at);
	int done = 0;

	if (!s || !word_lock(&s->flow.lock))
		return 0;
	if (flow_gives_way(&s->flow, p->total)) {
		done = EVICTED + flow_do(&s->flow, &s->key, DUE_LEAVE, p->ns, r);
		*tag = TAG_TAKEN;
	}
	word_unlock(&s->flow.lock);
	return done;
}

/* The number of a slot in bucket `index` whose flow gives way, or SLOT_NONE as above. */
static __always_inline __u32 bucket_candidate(
	__u32 index, const struct bucket *b, const struct packet *p)
{
	__u32 from = p->ns >> 8; /* any: not always the same */

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < EVICTION_TRIES; i++) {
		__u32 way = (from + i) & 15, at = index * WAYS + way;
		struct flow_slot *s;

		if (way >= WAYS || *bucket_tag(b, way) <= TAG_TAKEN)
			continue;
		s = bpf_map_lookup_elem(&flows, &at);
		if (s && flow_gives_way(&s->flow, p->total))
			return at + 1;
	}
	return SLOT_NONE;
}

#endif
