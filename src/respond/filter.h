/* What the kernel drops: an XDP program and its block list (bpf/block.bpf.c). The list is the
 * kernel's maps; nothing of it is kept a second time. Decides nothing: policy does.
 *
 * Addresses are of 16 bytes, IPv4 as ::ffff:a.b.c.d, so that a prefix of IPv4 has 96 bits more than
 * it is written with. An entry concerns packets that come from it; a limit, those that go to it.
 * One thread at a time uses a filter. Functions that return int give 0, or a negative errno. */
#ifndef KARMA_RESPOND_FILTER_H
#define KARMA_RESPOND_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct filter;

struct filter_prefix {
	uint8_t addr[16]; /* bits behind the prefix are taken as 0 */
	uint8_t bits;     /* 128: one host */
};

/* What a person wants to know of an entry (who, why), which the kernel does not look at: it is
 * there so that a pinned list can be taken over whole. */
struct filter_note {
	int64_t since_ns, until_ns; /* wall clock; until 0: for ever */
	uint64_t alert;             /* id; 0: by hand */
	uint8_t class;  /* of traffic (detect/traffic.h, feature/truth.h): the caller's */
	uint8_t by;     /* policy or a person: the caller's */
	uint16_t times; /* how often it was blocked before */
	uint32_t uid;   /* of the person */
};

struct filter_counts {
	uint64_t packets, bytes; /* dropped; bytes of whole frames */
};

struct filter_entry {
	struct filter_prefix what;
	struct filter_note note;
	struct filter_counts counts;
};

/* A token bucket for what comes to a port (a flood from forged sources): of more than `rate`
 * packets a second, behind a burst of `burst`, the rest is dropped. */
struct filter_limit {
	uint8_t addr[16]; /* destination */
	uint8_t proto;
	bool opens;           /* TCP: what opens connections, to any port that has no limit */
	uint16_t port;        /* host byte order; 0: what has no ports, later fragments too */
	uint32_t rate, burst; /* 1 and more */
	struct filter_note note;
	struct filter_counts counts; /* out only */
};

struct filter_settings {
	uint32_t hosts, prefixes, allowed, limits; /* room; 0: as usual */
	const char *pin; /* folder in a bpffs where list and programs stay when the process goes;
			    its parent must be there; NULL: none */
};

/* ---- the whole ---- */

/* Load the programs and their maps, or take over what is pinned: the list, its limits and allow
 * list, with the room that they had, and the interfaces, which never stop dropping meanwhile. The
 * line says what is missing (-EPERM: CAP_BPF and CAP_NET_ADMIN; -EBUSY: another karma has the
 * folder; -EPROTO: it was pinned by another version). */
int filter_open(struct filter **f, const struct filter_settings *s, struct error *e);

/* Without a pin, programs and list vanish. With `keep`, what is pinned stays; else it is removed.
 * NULL is fine. */
void filter_close(struct filter *f, bool keep);

/* On an interface; `is_ip`: its packets have no link header (struct interface has it). Natively
 * where the driver can, generically else: `mode` gets "native" or "generic". Harmless where it is
 * attached already. An interface that went away is forgotten by itself. */
int filter_attach(struct filter *f, int ifindex, bool is_ip, const char **mode, struct error *e);
void filter_detach(struct filter *f, int ifindex);

/* From all interfaces but these: those of an earlier process whose list was taken over. */
void filter_detach_others(struct filter *f, const int *ifindex,
	unsigned count); /* harmless where it is not attached */

/* ---- the list ---- */

/* Add an entry; of one that is there already the note is changed, and its counts go on. -ENOSPC: it
 * is full, which is counted. */
int filter_add(struct filter *f, const struct filter_prefix *what, const struct filter_note *note);
int filter_del(struct filter *f, const struct filter_prefix *what); /* -ENOENT */
int filter_get(const struct filter *f, const struct filter_prefix *what, struct filter_entry *out);

/* Many at once, each as by filter_add(), new ones with the counts that they bring. Returns how many
 * are in the list now, fewer where it is full, or a negative errno. */
int filter_load(struct filter *f, const struct filter_entry *entries, uint32_t count);

/* Call for each entry; stops at a non-zero return, which it returns. The entry at hand may be
 * deleted or changed meanwhile. */
int filter_each(const struct filter *f, int (*each)(void *context, const struct filter_entry *e),
	void *context);

/* ---- what is never dropped ---- */

/* These, and no others, whatever list and limits say: by source address, and by source hardware
 * address. Those that were there already are not away for a moment. -ENOSPC: no room. */
int filter_allow(struct filter *f, const struct filter_prefix *prefixes, uint32_t count);
int filter_allow_macs(struct filter *f, const uint8_t (*macs)[6], uint32_t count);

/* ---- limits ---- */

/* Set one, or change one; counts go on. -ENOSPC. */
int filter_limit(struct filter *f, const struct filter_limit *l);
int filter_unlimit(struct filter *f, const struct filter_limit *l); /* -ENOENT */

/* Call for each limit; stops at a non-zero return, which it returns. The limit at hand may be
 * deleted or changed meanwhile. */
int filter_each_limit(const struct filter *f,
	int (*each)(void *context, const struct filter_limit *l), void *context);

/* ---- figures ---- */

struct filter_stats {
	uint32_t hosts, prefixes, limits, allowed; /* entries now */
	/* Frames: let through; those of them that the allow list saved; dropped by the list;
	 * dropped by a limit; not IP, or damaged, and let through. Where nothing is listed nothing
	 * is looked at, and all is let through. */
	uint64_t passed, allowed_packets, dropped, limited, not_ip;
	uint64_t full; /* additions that had no room */
};

/* 0, or a negative errno: then the frames' figures are not those of all. */
int filter_stats(const struct filter *f, struct filter_stats *s);

#endif
