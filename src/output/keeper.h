/* The packets of alerts: a capture for each in a folder, from some seconds before it on, as far
 * back as the latest packets are still held in memory, until it ends. Of whose packets: the
 * attacker's with whomever, or where the attackers are many the target's.
 *
 * Bounded: what is held in memory, each packet, each capture, all captures in the folder, of which
 * the oldest go. What is not kept is counted. A capture is complete whenever it is looked at.
 *
 * Live, nobody waits for the folder's disk: a thread has the files (keeper_files.h), and what is to
 * be written waits for it in a queue. What finds no room there is counted. */
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
	unsigned files;        /* all of them; more than `open` */
	unsigned open;         /* alerts at a time */
	int64_t before_ns;     /* an alert's first flow */
	size_t queue_bytes;    /* of packets on their way to the disk */
	int64_t end_ns;        /* for what waits at the end */
};

/* 32 MiB, 512 B, 8 MiB, 1 GiB, 10,000 captures, 64 alerts, 5 s, 32 MiB, 10 s. */
extern const struct keeper_limits keeper_limits;

struct keeper;

/* Make the folder if it is not there. `live`: by a thread; else whoever calls writes, and loses
 * nothing. 0, or a negative errno and the line. */
int keeper_open(struct keeper **k, const char *folder, const struct keeper_limits *limits,
	bool live, struct error *e);

/* A caught_sink, of a keeper. */
void keeper_packet(void *keeper, const struct caught *c);

/* An alert has arisen: its capture begins. */
void keeper_begin(struct keeper *k, const struct alert *a);

/* It has ended. */
void keeper_end(struct keeper *k, const struct alert *a);

/* Another timeline begins: packets of the one before belong to no alert of it. */
void keeper_reset(struct keeper *k);

/* Where its packets are, or will be in a moment, as long as it has not ended; NULL: nowhere. Valid
 * until the next call. */
const char *keeper_path(struct keeper *k, const struct alert *a);

/* Write out what is still in memory: live, soon. */
void keeper_flush(struct keeper *k);

/* At the end: wait until all is written, no longer than limits.end_ns. What has no turn by then is
 * counted as that which found no room, as is all that comes later. */
void keeper_settle(struct keeper *k);

void keeper_stats(struct keeper *k, struct keeper_stats *s);

/* Settle, and end it. A thread that a disk holds for ever is left behind, with what it uses. NULL
 * is fine. */
void keeper_close(struct keeper *k);

#endif
