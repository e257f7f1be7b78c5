/* Where alerts go. An output is a row of functions and a file of its own: it puts into words what
 * it is told and hands that to a courier (courier.h), which delivers it while detection goes on. */
#ifndef KARMA_OUTPUT_H
#define KARMA_OUTPUT_H

#include "capture/capture.h"
#include "detect/alert.h"
#include "detect/detect.h"
#include "detect/drift.h"
#include "detect/judge.h"
#include "output/courier.h"
#include "respond/reaction.h"
#include "util/error.h"

/* Where the records come from: one of the two is NULL. */
struct origin {
	const char *interface;
	const char *capture;
	const char *kept;                /* the capture that keeps an alert's packets; NULL: none */
	const struct reaction *reaction; /* what is done about an alert; NULL: nothing ever is */
	struct eve_event *event; /* room for an alert's event, made once for all who tell of it */
	bool several;            /* the capture is one of several: lines for people say which */
	bool muted;              /* an alert that nobody wants to be told: no line for people */
};

/* What became of packets that alerts' captures were to keep. */
struct keeper_stats {
	uint64_t packets, files;
	uint64_t removed;        /* captures, the oldest, that gave way to new ones */
	uint64_t no_room;        /* packets whose alert's capture is full */
	uint64_t other_link;     /* packets of another link layer than their capture's */
	uint64_t failed;         /* packets that could not be written */
	uint64_t queue_full;     /* packets that found no room on their way to a slow disk */
	uint64_t dropped;        /* packets that came faster than they were taken */
	uint64_t alerts_without; /* there were too many at a time */
};

/* What became of alerts in the history. */
struct history_stats {
	uint64_t removed;      /* the oldest, which gave way to new ones */
	uint64_t lost;         /* could not be written, and were forgotten for others */
	uint64_t lost_hosts;   /* hosts of a second that were too many, or could not be written */
	uint64_t lost_minutes; /* that could not be written */
	uint64_t lost_blocks;  /* changes of the block list, likewise */
	uint64_t failed;       /* times that the file could not be written; tried again */
	bool failing;          /* so it is now, or it cannot be opened yet */
	char why[256];         /* the latest time: file and reason */
};

/* What became of the block list. */
struct block_stats {
	uint32_t entries; /* now */
	uint64_t added, renewed, removed;
	uint64_t dropped, limited; /* packets: by the list, by limits */
	uint64_t refused_full, refused_fast, refused_protected;
	uint64_t protected_lost; /* looks at who is protected that did not find all */
};

enum {
	OUTPUTS = 16,      /* in a summary: those that there are, and that were */
	OUTPUT_PATH = 256, /* as people are told of it, cut where it is longer */
};

/* Where the system's logs listen. */
#define OUTPUT_SYSLOG "/dev/log"
#define OUTPUT_JOURNALD "/run/systemd/journal/socket"

/* What became of what an output had to say. */
struct output_stats {
	const char *kind; /* "eve" */
	unsigned number;
	char path[OUTPUT_PATH]; /* "/var/log/karma/eve.json" */
	bool must; /* what is lost is a failure of the whole; else who listens may be away */
	struct courier_stats of;
};

/* All that was seen, judged, said and lost. */
struct summary {
	const struct origin *origin; /* NULL: several captures */
	double seconds;              /* from the first record to the last; live: watched */
	int64_t now_ns;              /* since 1970 */
	struct meter_stats meter;
	struct judge_stats judge;
	struct detect_stats detect;
	struct history_stats history;
	uint64_t muted; /* alerts that no line for people told of */
	bool keeps;     /* packets: else all of `keeper` is 0 */
	struct keeper_stats keeper;
	bool has_profile; /* that says what the traffic was like */
	bool drifted;     /* it is so no more */
	bool blocks;      /* alerts are acted upon: else all of `block` is 0 */
	struct block_stats block;
	unsigned outputs;
	struct output_stats output[OUTPUTS];
};

struct output;

struct output_kind {
	const char *name;
	/* `path`: where to; "-" is standard output. 0, or a negative errno and the line. */
	int (*open)(struct output *o, const char *path, struct error *e);
	void (*alert)(struct output *o, const struct alert *a, enum alert_stage stage,
		const struct origin *from);
	/* What is not this output's is NULL. Figures so far; `last`: the final ones. */
	void (*summary)(struct output *o, const struct summary *s, bool last);
	/* The traffic has drifted from the profile, or is back. */
	void (*drift)(struct output *o, const struct drift_news *news, int64_t at_ns,
		const struct origin *from);
	/* The block list has changed. */
	void (*block)(struct output *o, const struct block_change *c);
	bool must; /* what is lost is a failure of the whole */
};

/* Terminal and EVE on standard output, or EVE in a file; EVE to a unix socket, lines to syslog,
 * fields to journald; a program, a URL. */
extern const struct output_kind output_terminal, output_eve, output_eve_socket, output_syslog,
	output_journald, output_notify, output_webhook;

struct output {
	const struct output_kind *kind;
	char path[OUTPUT_PATH]; /* as people are told of it */
	struct courier *courier;
	const char *headed; /* the capture whose lines these are; NULL: not said */
	unsigned place;     /* its owner's: which of those that there may be */
	unsigned number;    /* its owner's: no other ever has the same */
	bool live; /* nobody waits for it; set before it is opened. Else whoever tells it does */
	bool tty, colour; /* terminal */
	bool warned;      /* its owner has been told that it cannot be written */
};

/* `kind` and `live` are set. 0, or a negative errno and the line. */
int output_open(struct output *o, const char *path, struct error *e);

/* Its file is opened again by its name: the old one was moved away. No line is lost. */
void output_reopen(struct output *o);

/* The errno of the latest line that could not be written; 0: none was. */
int output_code(const struct output *o);

void output_stats(const struct output *o, struct output_stats *s);

/* It is told of nothing more, and ends by itself: courier_finish(). Close it once it has ended. */
void output_finish(struct output *o);
bool output_has_ended(const struct output *o);

/* What they have still to say is delivered within some seconds, or lost. */
void outputs_settle(struct output *o, unsigned count);

/* Settle, and close them: `s` has room for as many; how each ended. */
void outputs_close(struct output *o, unsigned count, struct output_stats *s);

/* A line about the state of things, on standard error when it is a terminal; it is replaced by the
 * next one and gives way to whatever else is printed. */
void terminal_status(const char *text);
void terminal_status_clear(void);

#endif
