/* What the files of the filter share, and with its benchmark; nobody else uses it. */
#ifndef KARMA_RESPOND_FILTER_INSIDE_H
#define KARMA_RESPOND_FILTER_INSIDE_H

#include <limits.h>
#include <stddef.h>

#include "respond/block.h"
#include "respond/filter.h"

#include "block.skel.h"

enum { FILTER_LINKS = FLOW_PLACES };

struct filter_link {
	int fd;
	int ifindex;
	bool is_ip;
	bool generic;
};

struct filter_sieve;

struct filter {
	struct block_bpf *skel;
	struct block_state *state; /* where the skeleton has it mapped */
	struct filter_sieve *sieve;
	struct filter_link link[FILTER_LINKS];
	unsigned links;
	int folder;          /* pinned: held, so that no other has it; -1: not pinned */
	char path[PATH_MAX]; /* of the folder */
};

/* ---- maps ---- */

/* Every CPU's figures: `count` of them, to be freed. NULL when memory is short. */
struct block_cpu *filter_cpus(const struct filter *f, int *count);

/* How many entries a map has; no key is larger than struct block_limit_key. */
uint32_t filter_count_keys(int map, size_t key_size);

/* The prefix as a key, without the bits behind it. */
struct block_prefix filter_key(const struct filter_prefix *what);

/* What a failed addition to a map returns: -ENOSPC, counted, where it was full. */
int filter_no_room(struct filter *f, int err);

/* Run the program that changes what stands in a map, as skel->bss->order says. -ENOENT. */
int filter_change(struct filter *f);

/* What was found out about packets stands no longer: an entry is gone, or the allow list changed.
 */
void filter_changed(struct filter *f);

/* ---- the sieve: what is listed is in it before it is in its map, and until it is out of it ----
 */

uint32_t filter_sieve_words(uint32_t hosts);
int filter_sieve_open(struct filter *f, bool taken_over);
void filter_sieve_close(struct filter *f);
void filter_sieve_add(struct filter *f, const struct flow_addr *key);
void filter_sieve_del(struct filter *f, const struct flow_addr *key);

/* The same of a prefix: before it is in the trie, and when it is there no more. */
void filter_sieve_add_prefix(struct filter *f, const struct block_prefix *p);
void filter_sieve_del_prefix(struct filter *f, const struct block_prefix *p);

/* The same of a limit. */
void filter_sieve_add_limit(struct filter *f, const struct block_limit_key *key);
void filter_sieve_del_limit(struct filter *f, const struct block_limit_key *key);

/* ---- pinning; each does nothing where nothing is pinned ---- */

/* Take hold of the folder, which is made where there is none, and make the maps in it those that
 * are about to be loaded. */
int filter_pin_open(struct filter *f, const char *path, bool *taken_over, struct error *e);

/* Pin what was loaded anew. */
int filter_pin_maps(struct filter *f, struct error *e);

/* Take over the interfaces: this process's program takes the place of the last one's. */
void filter_pin_links(struct filter *f);

int filter_pin_link(const struct filter *f, const struct filter_link *l);
void filter_unpin_link(const struct filter *f, const struct filter_link *l);

/* Nothing stays. */
void filter_pin_remove(struct filter *f);

/* ---- interfaces ---- */

/* Is it on its interface still? */
bool filter_link_lives(const struct filter_link *l);

int filter_program(const struct filter *f, bool is_ip);

#endif
