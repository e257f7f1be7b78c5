/* UNSW-NB15's ct_* counters: over blocks of 100 final records, later ones included. */
#ifndef KARMA_FEATURE_CT_H
#define KARMA_FEATURE_CT_H

#include "feature/feature.h"

enum { CT_BLOCK = 100 };

/* Fill the seven ct_* counters of the rows of one block:
 * ct_srv_src, ct_srv_dst: rows of the same service and source, service and destination;
 * ct_dst_ltm, ct_src_ltm, ct_src_dport_ltm, ct_dst_sport_ltm, ct_dst_src_ltm: rows with the same
 * second of last time and the same destination; source; source and destination port; destination
 * and source port; destination and source.
 *
 * That is what reproduces UNSW-NB15, whose counters were made by cutting the records, in the order
 * of their last time, into blocks of 100 (rows 100-198 of the raw file: 100 % on all seven). */
void ct_fill(struct row *const *rows, unsigned count);

/* Holds back final records until they can be put in the order of their last time and their block is
 * full. A record is final up to a minute after its last packet; so long they wait, unless
 * CT_WAITING do: then the one that was silent longest goes on. Memory grows with use, 1.6 KB a
 * record. */
enum { CT_WAITING = 8192 };
struct ct_block;

/* Takes a record and its row. A negative return ends the work and is passed on. */
typedef int (*ct_sink)(void *context, const struct record *r, const struct row *row);

struct ct_block *ct_new(void); /* NULL when memory is short */
void ct_free(struct ct_block *b);

/* Hand a record on to `sink`: at once where it is not final, with the others of its block where it
 * is. Records come in the order of at_ns. */
int ct_add(struct ct_block *b, const struct record *r, const struct row *row, ct_sink sink,
	void *context);

/* No more records come: hand on those that wait. The last block may be shorter. */
int ct_flush(struct ct_block *b, ct_sink sink, void *context);

#endif
