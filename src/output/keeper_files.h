/* The captures of alerts as files: the keeper's side that waits for the disk. For keeper.c. */
#ifndef KARMA_OUTPUT_KEEPER_FILES_H
#define KARMA_OUTPUT_KEEPER_FILES_H

#include "output/keeper.h"

enum {
	CAPTURE_HEADER = 24, /* bytes, of libpcap's format */
	PACKET_HEADER = 16,
};

struct files;

/* NULL: memory is short. */
struct files *files_new(const char *folder, const struct keeper_limits *limits);

/* Read what is in the folder; else that is done when the first capture begins. */
void files_look(struct files *f);

/* A packet of the alert that has this place, of limits.open. With its first one a capture begins,
 * whose link layer all of its packets have. */
void files_packet(struct files *f, unsigned place, uint64_t alert, const struct caught *c);

/* The place's capture is complete. */
void files_end(struct files *f, unsigned place);

/* Write what is still in memory. */
void files_flush(struct files *f);

/* Sets packets, removed and failed. */
void files_stats(const struct files *f, struct keeper_stats *s);

/* Captures that have not ended do now. NULL is fine. */
void files_free(struct files *f);

#endif
