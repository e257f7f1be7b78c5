/* The block list as the kernel (bpf/block.bpf.c) and filter.c share it; both lay it out alike.
 * Addresses are 16 bytes in network order, IPv4 as v4-mapped IPv6. */
#ifndef KARMA_RESPOND_BLOCK_H
#define KARMA_RESPOND_BLOCK_H

#include <linux/bpf.h>

#include "flow/types.h"

/* Of all that stands here: a list that was pinned with another one is not taken over. */
enum { BLOCK_LAYOUT = 1 };

enum { BLOCK_HOST = 128 }; /* bits of a prefix that is one host */

struct block_prefix { /* as the kernel's tries have it */
	__u32 bits;
	__u32 addr[4];
};

struct block_note {
	__u64 word[4]; /* struct filter_note, which is user space's */
};

struct block_entry {
	__u64 packets, bytes; /* dropped */
	__u32 checked; /* hosts: the generation of an allow list that did not have it; 0: none */
	__u32 bits;    /* of the prefix: a trie finds shorter ones, too */
	struct block_note note;
};

struct block_limit_key {
	struct flow_addr addr; /* destination */
	__u16 port;            /* host order */
	__u8 proto;
	__u8 zero[5];
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

/* How much there is of each, so that look-ups which cannot hit are left out. Set by user space,
 * which has it mapped: before anything is added, after it is taken out. */
struct block_state {
	__u32 layout;     /* BLOCK_LAYOUT */
	__u32 generation; /* of the allow list, from 1 on: raised when it has changed */
	__u32 hosts, prefixes, limits;
	__u32 allowed, macs;
	__u32 zero;
	__u64 full; /* additions that found no room */
};

struct block_counters { /* frames; struct filter_stats says what each is */
	__u64 passed, allowed, dropped, limited, not_ip;
};

#endif
