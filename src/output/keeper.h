/* The packets of alerts: a capture for each in a folder, from some seconds before it on, as far
 * back as the latest packets are still held in memory, until it ends. Of whose packets: the
 * attacker's with whomever, or where the attackers are many the target's.
 *
 * Bounded: what is held in memory, each packet, each capture, all captures in the folder, of which
 * the oldest go. What is not kept is counted. A capture is complete whenever it is looked at. */
#ifndef KARMA_OUTPUT_KEEPER_H
#define KARMA_OUTPUT_KEEPER_H

#include "capture/caught.h"
#include "detect/alert.h"
#include "output/output.h"
#include "util/error.h"

struct keeper_limits {
	size_t recent_bytes;   /* of the latest packets in memory */
	uint32_t packet_bytes; /* the rest of a packet is cut off */
	uint64_t file_bytes;   /* of an alert's capture */
	uint64_t folder_bytes; /* of all of them; no less than `open` of them may grow to */
	unsigned open;         /* alerts at a time */
	int64_t before_ns;     /* an alert's first flow */
};

/* 32 MiB, 512 B, 8 MiB, 1 GiB, 64 alerts, 5 s. */
extern const struct keeper_limits keeper_limits;

struct keeper;

/* Make the folder if it is not there. 0, or a negative errno and the line. */
int keeper_open(
	struct keeper **k, const char *folder, const struct keeper_limits *limits, struct error *e);

/* A caught_sink, of a keeper. */
void keeper_packet(void *keeper, const struct caught *c);

/* An alert has arisen: its capture begins. */
void keeper_begin(struct keeper *k, const struct alert *a);

/* It has ended. */
void keeper_end(struct keeper *k, const struct alert *a);

/* Another timeline begins: packets of the one before belong to no alert of it. */
void keeper_reset(struct keeper *k);

/* Where its packets are, as long as it has not ended; NULL: nowhere. */
const char *keeper_path(const struct keeper *k, const struct alert *a);

/* Write out what is still in memory. */
void keeper_flush(struct keeper *k);

void keeper_stats(const struct keeper *k, struct keeper_stats *s);

/* NULL is fine. */
void keeper_close(struct keeper *k);

#endif
