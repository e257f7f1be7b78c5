/* The block list as the kernel (bpf/block.bpf.c) and filter.c share it; both lay it out alike.
 * Addresses are 16 bytes in network order, IPv4 as v4-mapped IPv6. */
#ifndef KARMA_RESPOND_BLOCK_H
#define KARMA_RESPOND_BLOCK_H

#include <linux/bpf.h>

#include "flow/types.h"

/* Of all that stands here: a list that was pinned with another one is not taken over. */
enum { BLOCK_LAYOUT = 2 };

enum { BLOCK_HOST = 128 }; /* bits of a prefix that is one host */

enum { BLOCK_IPV4, BLOCK_IPV6, BLOCK_FAMILIES };

struct block_prefix { /* as the kernel's tries have it */
	__u32 bits;
	__u32 addr[4];
};

struct block_note {
	__u64 word[4]; /* struct filter_note, which is user space's */
};

struct block_entry {
	__u64 packets, bytes; /* dropped */
	__u64 id;             /* of the entry, from 1 on: another one of this address has another */
	__u32 checked; /* hosts: the generation of an allow list that did not have it; 0: none */
	__u32 bits;    /* of the prefix: a trie finds shorter ones, too */
	struct block_note note;
};

struct block_limit_key {
	struct flow_addr addr; /* destination */
	__u16 port;            /* host order */
	__u8 proto;
	__u8 opens; /* 1: what opens connections (SYN) to any port; port 0 */
	__u8 zero[4];
};

/* A bucket of tokens, in units of 1e-9 packets, so that nothing is divided: a nanosecond adds
 * `rate`. */
struct block_limit {
	struct bpf_spin_lock lock;
	__u32 rate; /* packets a second */
	__u64 tokens;
	__u64 room;    /* for tokens: the burst */
	__u64 fill_ns; /* in which an empty one is full */
	__u64 last_ns;
	__u64 packets, bytes; /* dropped */
	struct block_note note;
};

enum { TOKENS_PACKET = 1000000000 };

/* Set by user space, which has it mapped. */
struct block_state {
	__u32 layout;     /* BLOCK_LAYOUT */
	__u32 generation; /* of the allow list, from 1 on */
	__u32 changes;    /* raised when an entry was taken out, or the allow list has changed */
	/* How much there is of each, so that look-ups which cannot hit are left out: raised before
	 * anything is added, lowered after it is taken out. */
	__u32 hosts, prefixes, limits, allowed, macs;
	/* The sieve: a key's bit is number sieve_bit() of a power of 2, of as many as 64 - shift.
	 */
	__u32 shift;
	__u32 sieved;    /* prefixes are in it; 0: while their masks change they are looked up */
	__u64 secret[2]; /* odd */
	/* A prefix is in the sieve by its first bits, as many as the shortest has: of those that
	 * have IPv4 addresses, of those that have others. */
	struct flow_addr mask[BLOCK_FAMILIES];
	__u64 next_id;
	__u64 full; /* additions that found no room */
};

/* Which bit of the sieve stands for an address: multiply-shift, by secret factors, so that who does
 * not know them cannot choose addresses whose bits are set. */
static inline __u32 sieve_bit(const struct block_state *s, const struct flow_addr *a)
{
	return (a->word[0] * s->secret[0] + a->word[1] * s->secret[1]) >> s->shift;
}

/* A prefix's first bits, as the sieve has them. */
static inline struct flow_addr sieve_prefix(
	const struct block_state *s, const struct flow_addr *a, int family)
{
	const struct flow_addr *mask = &s->mask[family];

	return (struct flow_addr){{a->word[0] & mask->word[0], a->word[1] & mask->word[1]}};
}

/* What stands for a destination that has limits, so that others need not be looked into; and for
 * each of its limits. */
static inline struct flow_addr sieve_destination(struct flow_addr a)
{
	return (struct flow_addr){{a.word[0] ^ 1, a.word[1]}};
}

static inline struct flow_addr sieve_limit(const struct block_limit_key *k)
{
	__u64 rest = (__u64)k->port << 16 | (__u64)k->proto << 8 | k->opens;

	return (struct flow_addr){{k->addr.word[0] ^ (rest << 24 | 1), k->addr.word[1]}};
}

/* Packets come in trains. What a CPU has dropped last, and has not yet counted in its entry:
 * packets of the same host are dropped without a look-up, as long as nothing was taken out or
 * allowed. */
struct block_train {
	struct flow_addr addr;
	__u64 mac; /* of the source, where any is allowed */
	__u64 id;
	__u64 packets, bytes;
	__u32 changes; /* the state's, at the time; 0 with id 0: none */
	__u32 zero;
};

struct block_cpu {
	/* Frames; struct filter_stats says what each is. */
	__u64 passed, allowed, dropped, limited, not_ip;
	struct block_train train;
};

#endif
