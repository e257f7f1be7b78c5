/* The file of the history as its writer has it: what is new comes in batches, each written whole or
 * not at all, and what is oldest gives way. */
#ifndef KARMA_OUTPUT_HISTORY_STORE_H
#define KARMA_OUTPUT_HISTORY_STORE_H

#include "output/history.h"

struct batch_flow {
	int slot;        /* its place among the alert's first or last */
	uint64_t latest; /* which of the alert's records was its last */
	bool featured;   /* has a row of batch_alert.features */
	struct alert_flow flow;
};

/* An alert as it is now, and the flows that are new or otherwise. */
struct batch_alert {
	struct batch_alert *next;
	char id[ALERT_ID_TEXT];
	char model[HISTORY_MODEL]; /* that raised it */
	char *event;
	int64_t first_ns, last_ns;
	enum karma_class class;
	float confidence;
	bool many;
	uint8_t attacker[16], target[16];
	uint64_t flows, left_out;
	bool begun; /* else flows of its id in the file are of an earlier reading of its capture */
	bool ended;
	unsigned count;
	struct batch_flow *flow;
	float *features; /* (count, pack_count()); NULL: none */
};

/* What a host did since it was last written. */
struct batch_host {
	uint8_t addr[16];
	int64_t first_ns, last_ns;
	uint64_t flows[2], bytes[2]; /* answered flows: as their source, as their destination */
	float suspicion;             /* the most that was held against it */
	int64_t suspect_ns;
};

/* What a minute since 1970 has more of. */
struct batch_minute {
	int64_t minute;
	double seconds; /* of it that were watched */
	uint64_t packets, bytes, flows, records, alerts, lost;
	uint64_t hosts, open; /* as they are now */
};

/* Add what the figures `s` have more than those before. */
void minute_add(struct batch_minute *m, const struct summary *before, const struct summary *s);

/* A change of the block list. */
struct batch_block {
	int64_t at_ns;
	uint8_t low[16], high[16]; /* the addresses that it is about */
	char *event;               /* as EVE has it */
};

struct batch {
	char model[HISTORY_MODEL]; /* that judged in these minutes */
	struct batch_alert *alert; /* chained by `next`; NULL: none */
	struct batch_block *block;
	unsigned blocks;
	struct batch_host *host;
	unsigned hosts;
	struct batch_minute *minute;
	unsigned minutes;
};

void batch_free(struct batch *b);

/* Alerts in it. */
unsigned batch_alerts(const struct batch *b);

struct store;

/* Open the file, or make it, or make it this version's. 0, or a negative errno and the line. */
int store_open(struct store **s, const struct history_settings *settings, struct error *e);
void store_close(struct store *s);

/* Write a batch, whole or not at all, and keep the limits; `wait_ms`: for another program that
 * holds the file. NULL: keep the limits alone. SQLite's code; store_why() is its text. */
int store_write(struct store *s, const struct batch *b, int wait_ms);
const char *store_why(const struct store *s);

/* Alerts that gave way since the store was opened. */
uint64_t store_removed(const struct store *s);

/* What nobody wants to be told, if it has changed since the last time: true, and up to `most` of
 * them. */
bool store_mutes(struct store *s, struct mute *mute, unsigned most, unsigned *count);

#endif
