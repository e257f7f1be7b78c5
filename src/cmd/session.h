/* What `karma run` and `karma read` have in common: a model, the detector behind it, the outputs,
 * and the totals. */
#ifndef KARMA_CMD_SESSION_H
#define KARMA_CMD_SESSION_H

#include <signal.h>

#include "desk/desk.h"
#include "detect/profile.h"
#include "lstm/model.h"
#include "output/history.h"
#include "output/keeper.h"
#include "output/output.h"
#include "respond/respond.h"
#include "util/outfile.h"

/* Told of every record as it has been weighed, and of every alert that arises. */
struct session_observer {
	void (*record)(void *context, const struct record *r, const struct verdict *v,
		const struct weight *w);
	void (*alert)(void *context, const struct alert *a);
	void *context;
};

struct session_options {
	const char *model;                       /* NULL: the bundled one */
	const char *profile;                     /* of the site; NULL: none */
	const struct session_observer *observer; /* NULL: none */
	const struct lstm_kernel *kernel; /* that steps the network; NULL: the fastest of float32 */
	const char *eve;                  /* NULL: none; as are those that follow */
	const char *eve_socket, *syslog, *journald, *notify, *webhook;
	const char *scores;   /* NULL: none */
	const char *verdicts; /* in place of the model's; NULL: the model's */
	const char *history;  /* NULL: none */
	const char *pcap_dir; /* NULL: no packets are kept */
	uint32_t flows;       /* how many may be open at a time; 0: no more than usual */
	enum sensitivity sensitivity;
	bool json; /* standard output: EVE instead of lines for people */
	bool live; /* the traffic waits for nothing; what a person has muted is not told */
	struct history_limits limits; /* of the history */
};

enum {
	SESSION_OUTPUTS = 7, /* that there may be; cmd/outputs.c lists them */
	SESSION_GONE = 9,    /* that there were */
};

/* An output that a reload has let go. */
struct session_gone {
	struct output output;      /* without a courier once it has ended */
	struct output_stats ended; /* then: how */
};

struct session {
	char model_path[4096];
	char model_id[9];
	bool has_scores;
	bool patient;        /* records wait for the history rather than that some of it is lost */
	struct model *model; /* with the profile's last layer, if it has one */
	const struct lstm_kernel *kernel;
	struct evidence_settings settings;
	uint32_t profile_sum; /* of what the profile says; 0: there is none */
	struct drift *drift;  /* of the traffic from the profile's; NULL: not looked for */
	const struct session_observer *observer;
	uint32_t flows;
	int bad; /* a verdict: `wrong` says why */
	struct output output[SESSION_OUTPUTS];
	unsigned outputs;
	unsigned opened; /* outputs, ever */
	struct session_gone gone[SESSION_GONE];
	unsigned gone_count;
	struct outfile scores;
	struct verdicts *verdicts; /* NULL: the model's */
	struct error wrong;        /* with them, when bad is not 0 */
	struct history *history;   /* NULL: none is kept */
	struct history_limits limits;
	uint64_t muted;                  /* alerts that were not told */
	struct keeper *keeper;           /* of packets; NULL: none are kept */
	char history_path[HISTORY_PATH]; /* where it is, or should be; "": none is wanted */
	const char *profile;             /* where the site's is; NULL: none */
	struct desk *desk;               /* for those who look on; NULL: nobody does. Its owner's */
	struct respond *respond; /* what acts upon alerts; NULL: nothing does. Its owner's */
	/* of the timeline that is being judged; NULL between two of them */
	struct judge *judge;
	struct detector *detector;
	struct origin origin;
	const struct live *live; /* knows the interfaces of records; NULL: a capture's */
	int64_t first_ns, last_ns;
	/* of those before */
	struct summary total;
};

/* How long (`age`: "90d") or in how much room ("256M") alerts are kept; of command `name`. 0, or
 * EXIT_USAGE, of which a line has told. */
int session_history_limit(struct session_options *o, const char *name, bool age, const char *text);

/* SIGINT or SIGTERM has come; session_open() takes both over, and ignores SIGPIPE: a reader that
 * is gone shows as an output that cannot be written. */
extern volatile sig_atomic_t session_stopped;

/* Load the model and what is laid over it, and nothing else. 0, or a negative errno and the line.
 * session_close() it either way. */
int session_load(struct session *s, const struct session_options *o, struct error *e);

/* Load the model, open the outputs. 0, or a negative errno and the line. session_close() it either
 * way. */
int session_open(struct session *s, const struct session_options *o, struct error *e);

/* Keep a history from now on; the `usual` one: the folder that it is in is made, too, and a file
 * that cannot be opened is tried again later; the figures say why. 0, or a negative errno and the
 * line; then it goes on without one. */
int session_keep_history(struct session *s, const char *path, bool usual, struct error *e);

/* The logs were moved away: their names are opened again. Call it outside of a signal's handler. */
void session_reopen(struct session *s);

/* What the outputs have still to say is delivered, and kept packets are written, within some
 * seconds. */
void session_settle(struct session *s);

/* An alert_sink and an alert_flow_sink: what the detector tells; public for benchmarks. */
void session_alert(void *session, const struct alert *a, enum alert_stage stage);
void session_flow(void *session, const struct alert *a, const struct alert_flow *f);

/* A caught_sink: packets among which those of alerts are kept, where they are. */
void session_packet(void *session, const struct caught *c);

/* A change of the block list, for the outputs: of struct respond_calls. */
void session_block(void *session, const struct block_change *c);

/* Begin a timeline with empty memory. 0, or a negative errno and the line. */
int session_begin(struct session *s, const struct origin *from, struct error *e);

/* A record_sink; -EINTR when session_stopped, -EPIPE when standard output is gone, another errno
 * and `wrong` when the verdicts do not fit. */
int session_record(void *session, const struct record *r);

/* The same where a signal ends the waiting for records, not their judging. */
int session_record_live(void *session, const struct record *r);

/* No record is at hand: what is still to be judged is, and time goes on. */
void session_flush(struct session *s, int64_t now_ns);

/* No more records come: what is still to be judged is, alerts end, the last news is told. May be
 * called twice. */
void session_finish(struct session *s);

/* End the timeline: finish it; its figures join the totals. */
void session_end(struct session *s);

/* Figures up to now: of the timelines that have ended and of the present one. */
void session_summary(const struct session *s, const struct meter_stats *meter, struct summary *out);

/* Each second, with a desk: tell it the figures, and of the session what it knows itself; the rest
 * of the facts is the caller's. */
void session_tick_desk(
	const struct session *s, const struct summary *figures, struct desk_facts *f);

/* Show them. `last`: the final ones. */
void session_show(struct session *s, const struct summary *figures, bool last);

/* Put the files in their places when `good`. 0, or a negative errno and the line: something could
 * not be written. */
int session_close(struct session *s, bool good, struct error *e);

#endif
