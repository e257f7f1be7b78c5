/* What a host did lately: counters over the last 2, 10 and 60 seconds, exact and bounded. */
#ifndef KARMA_FEATURE_WINDOW_H
#define KARMA_FEATURE_WINDOW_H

#include "feature/feature.h"

struct window;

/* `events`: how many flows are remembered at the most (0: 262144), and as many hosts; when more
 * happen within 60 s the oldest are forgotten early and counted. Memory grows with use up to
 * window_bytes(), some 300 bytes an event. NULL when memory is short. */
struct window *window_new(uint32_t events);

/* How many events to remember where so many flows may be open at a time: no fewer than those, and
 * than the default. */
uint32_t window_events(uint32_t flows);

/* The memory of a window that is full of them. */
uint64_t window_bytes(uint32_t events);

void window_free(struct window *w);
uint64_t window_forgotten(const struct window *w);

/* Whose doing a record is: its source, except that an ICMP error is the doing of the host that it
 * is sent to. */
const uint8_t *record_actor(const struct record *r);

/* Take a record into account (each flow once, its outcome corrected when a later record knows
 * better) and fill every feature of `row` that is known at this moment. Records come in the order
 * of at_ns; one that is late is taken as of now. The label stays -1. */
void feature_row(struct window *w, const struct record *r, struct row *row);

/* Take a record into account that needs no row. */
void feature_pass(struct window *w, const struct record *r);

#endif
