/* UNSW-NB15's ct_* counters: over blocks of 100 final records, later ones included. */
#ifndef KARMA_FEATURE_CT_H
#define KARMA_FEATURE_CT_H

#include "feature/feature.h"

enum { CT_BLOCK = 100, CT_COUNTERS = COL_CT_DST_SRC_LTM + 1 - COL_CT_SRV_SRC };

/* What the counters compare rows by. */
struct ct_key {
	uint8_t addr[2][16];
	double service, ltime; /* categories and whole seconds, as in the row */
	uint16_t port[2];
};

struct ct_key ct_key(const struct row *row);

/* The seven counters of the rows of one block, from COL_CT_SRV_SRC on:
 * ct_srv_src, ct_srv_dst: rows of the same service and source, service and destination;
 * ct_dst_ltm, ct_src_ltm, ct_src_dport_ltm, ct_dst_sport_ltm, ct_dst_src_ltm: rows with the same
 * second of last time and the same destination; source; source and destination port; destination
 * and source port; destination and source.
 *
 * That is what reproduces UNSW-NB15, whose counters were made by cutting the records, in the order
 * of their last time, into blocks of 100 (tests/reference/ct.sh). */
void ct_count(const struct ct_key *keys, unsigned count, uint32_t (*counters)[CT_COUNTERS]);

/* Holds back the lines of final records until they can be put in the order of their last time and
 * their block is full. A record is final up to a minute after its last packet; so long they wait,
 * unless CT_WAITING do: then the one that was silent longest goes on. Each takes 0.7 KiB. */
enum { CT_WAITING = 8192 };
struct ct_block;

/* Takes a line of CSV, its end included. A negative return ends the work and is passed on. */
typedef int (*ct_sink)(void *context, const char *line, size_t length);

struct ct_block *ct_new(void); /* NULL when memory is short */
void ct_free(struct ct_block *b);

/* Take a final record. They come in the order of at_ns. 0, what the sink returned, or -ENOMEM. */
int ct_add(struct ct_block *b, const struct record *r, const struct row *row, ct_sink sink,
	void *context);

/* No more records come: hand on those that wait. The last block may be shorter. */
int ct_flush(struct ct_block *b, ct_sink sink, void *context);

#endif
