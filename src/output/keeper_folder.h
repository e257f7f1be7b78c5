/* The folder of the captures of alerts, within its bounds: what is in it is read seldom, and known
 * in between. For keeper_files.c. */
#ifndef KARMA_OUTPUT_KEEPER_FOLDER_H
#define KARMA_OUTPUT_KEEPER_FOLDER_H

#include "output/keeper.h"

enum { CAPTURE_NAME = ALERT_ID_TEXT + 5 }; /* "7hq2x1m4.pcap" */

struct folder;

/* NULL: memory is short. */
struct folder *folder_new(const char *path, const struct keeper_limits *limits);

/* Read what is in it. Where somebody else puts captures there or takes them away, that is seen at
 * the next time: folder_begin() reads it once a minute at most. */
void folder_look(struct folder *f);

/* A capture is to be written: the oldest go until all that are written, and this one, may grow as
 * they may. No more than limits.open at a time. */
void folder_begin(struct folder *f, const char *name);

/* It is complete; 0 bytes: there is none. */
void folder_end(struct folder *f, const char *name, uint64_t bytes);

/* Captures that gave way. */
uint64_t folder_removed(const struct folder *f);

/* NULL is fine. */
void folder_free(struct folder *f);

#endif
