/* The flow table of user space: the kernel's map and its sweep for captures, around the same
 * meter.h, so that the same packets make the same reports.
 *
 *   index: open addressing over (32 bits of hash, entry), at most two thirds full
 *   entry: one array, taken from the front, freed ones first: a small capture touches little
 *   wheel: buckets of 2^24 ns (16.8 ms) by the time at which a flow is looked at next; the clock
 *          is the packets' own, and a bucket is swept when the clock has passed it */
#ifndef KARMA_FLOW_TABLE_H
#define KARMA_FLOW_TABLE_H

#include <stddef.h>

#include "flow/counter.h"
#include "flow/packet.h"

enum { FLOW_TABLE_DEFAULT = 131072, FLOW_TABLE_BATCH = 32 };

struct flow_table;

/* Called for each report, in the order of their times. A negative return ends the work and is
 * passed on. The report is the callee's only during the call. */
typedef int (*report_sink)(void *context, const struct flow_report *report);

/* A table of at most `flows` flows (0: FLOW_TABLE_DEFAULT), about 0.5 KiB each, and of a thousand
 * totals by destination for what finds no room among them. Counts into `stats`. NULL when memory is
 * short. */
struct flow_table *flow_table_new(
	uint32_t flows, report_sink sink, void *context, struct meter_stats *stats);

/* NULL is fine. Flows still open are dropped without a report. */
void flow_table_free(struct flow_table *t);

/* Move the clock to the packet's time (never back), sweep what is due before it, meter it.
 * 0, or what the sink returned. */
int flow_table_packet(struct flow_table *t, const struct packet *p);

/* The same for up to FLOW_TABLE_BATCH packets, in their order, without a wait for memory at each:
 * what the later ones need is fetched while the earlier ones are metered. */
int flow_table_packets(struct flow_table *t, const struct packet *p, size_t count);

/* Move the clock: time passes without packets. */
int flow_table_advance(struct flow_table *t, uint64_t now_ns);

/* Close every open flow, those first that were silent longest. */
int flow_table_close(struct flow_table *t);

#endif
