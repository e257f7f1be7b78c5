/* Alerts: what a person gets to see. All that one attacker does of one class is one alert, which
 * is updated while it lasts and ends when it has been quiet for a minute. */
#ifndef KARMA_DETECT_ALERT_H
#define KARMA_DETECT_ALERT_H

#include "detect/evidence.h"
#include "feature/feature.h"

enum { ALERT_REASONS = 4, ALERT_REASON_TEXT = 128 };

static const int64_t alert_quiet_ns = 60 * 1000000000LL;

enum alert_stage { ALERT_NEW, ALERT_UPDATE, ALERT_END };

/* A flow behind an alert, as its latest judged record has it. */
struct alert_flow {
	uint64_t flow_id;
	int64_t at_ns;             /* when that record was made */
	int64_t start_ns;          /* of the flow */
	int64_t first_ns, last_ns; /* of the record */
	uint8_t addr[2][16];
	uint16_t port[2];
	uint8_t proto, net, state;
	uint8_t actor; /* the end that attacks: SRC, DST */
	bool again;    /* an earlier record of it was judged */
	bool refused;  /* record_is_refused() */
	uint64_t packets[2], bytes[2];
	const char *app; /* application protocol; NULL: not known */
	float score;     /* evidence_score() */
	enum karma_class class;
	float probability; /* of that class, the likeliest that is no work */
	/* (pack_count()) of the record, see feature/pack.h; the callee's only during the call;
	 * NULL: not known, and in an alert's first and last. */
	const float *features;
};

struct alert {
	uint64_t id; /* alert_id_text(): of who, and of the record that it arose with, so that the
			same capture has the same alerts, and no others have its ids */
	int64_t first_ns, last_ns; /* of the records behind it */
	bool many;      /* the attackers are many, or forged: then only their target is known */
	bool reflected; /* `many`, who answer requests that bear the target's address */
	uint8_t attacker[16]; /* all zero when `many` */
	uint8_t target[16];   /* the one, or the latest of several */
	enum karma_class class;
	float confidence;            /* probability of the class, mean over the records behind it */
	float probability[CLASSES];  /* of all of them */
	uint64_t flows;              /* behind it, each counted once */
	uint64_t attackers, targets; /* different ones; estimated within 1 % above some hundreds */
	uint64_t ports;              /* different ports of the target's side */
	uint64_t refused;            /* of the flows, as their first record says */
	unsigned reasons;
	char reason[ALERT_REASONS][ALERT_REASON_TEXT];
	struct alert_flow first, last; /* of the flows behind it */
	struct record record;          /* the latest behind it */
	int actor;                     /* the end of the record that attacks: SRC, DST */
	bool sure; /* what speaks against that end alone would do for an alert, also of `many` */
	/* Of that alone: the class, and its probability. */
	enum karma_class own_class;
	float own_confidence;
	const char *app; /* application protocol of the record's flow; NULL: not known */
};

/* Called when an alert arises, has news worth a line, and has ended. The alert is the callee's only
 * during the call. */
typedef void (*alert_sink)(void *context, const struct alert *a, enum alert_stage stage);

/* Called for each record that is put behind an alert, in order of time: also of a flow that is
 * there already. An alert's first ones come before it is handed to an alert_sink. */
typedef void (*alert_flow_sink)(void *context, const struct alert *a, const struct alert_flow *f);

/* What a class is to those who handle alerts. */
struct alert_class {
	const char *words; /* "port or host scan" */
	int severity;      /* as Suricata has it: 1 high, 3 low */
};

const struct alert_class *alert_class(enum karma_class c);

/* "7hq2x1m4": eight digits and letters, none of them easily taken for another. Returns `text`. */
enum { ALERT_ID_TEXT = 9 };
const char *alert_id_text(uint64_t id, char text[ALERT_ID_TEXT]);

/* The alerts that have not ended. */
struct alert_book;

struct alert_book *alert_book_new(uint32_t capacity, alert_sink sink, void *context);
void alert_book_free(struct alert_book *b);

/* The alert that has this party as its attacker, or, if `many`, as its target, and this class; NULL
 * when there is none. */
struct alert *alert_find(
	const struct alert_book *b, const uint8_t party[16], bool many, enum karma_class c);

/* The alert that evidence against a party belongs to: one that there is, a new one, or one whose
 * class was still open and becomes this evidence's. When the book is full, the alert that has been
 * quiet longest ends early. */
struct alert *alert_open(struct alert_book *b, const uint8_t party[16], bool many,
	const struct evidence *e, int64_t now_ns);

/* Put a record behind an alert, and with it what the evidence has gathered since the last one: the
 * record itself is among it. `actor`: which end of the record (SRC, DST)
 * attacks. `app`: the application protocol of its flow, or NULL. */
void alert_add(
	struct alert *a, struct evidence *e, const struct record *r, int actor, const char *app);

/* Count a flow that is behind it, in order of time: the record that was added among them. */
void alert_count(struct alert *a, const struct alert_flow *f);

/* Is there something to show: a new alert, another class, ten times the flows, twice the age? */
bool alert_is_due(const struct alert *a, int64_t now_ns);

/* Are there none yet, or of when it was half the size, or of another class, or is it due? Not more
 * often than that: reasons are dear. */
bool alert_wants_reasons(const struct alert *a, int64_t now_ns);

/* a->reason has `count` new ones; 0: the old ones stay. */
void alert_explained(struct alert *a, unsigned count);

/* Hand an alert to the sink. */
void alert_show(struct alert_book *b, struct alert *a, int64_t now_ns);

/* Show what is due and end what has been quiet for a minute. */
void alert_tick(struct alert_book *b, int64_t now_ns);

/* End all. */
void alert_end_all(struct alert_book *b);

struct alert_stats {
	uint32_t active;
	uint64_t raised[CLASSES]; /* by the class that an alert had when it was last shown */
	uint64_t arose[CLASSES];  /* by the one that it had when it was first shown: none falls */
	uint64_t ended_early;
};

/* All of them. */
uint64_t alerts_raised(const struct alert_stats *s);

void alert_book_stats(const struct alert_book *b, struct alert_stats *s);

#endif
