/* The feature table: one row is a feature: its names, unit, source, scale and words. The CSV
 * header, the network's inputs, docs/features.md and the reasons of an alert all read it. */
#ifndef KARMA_FEATURE_H
#define KARMA_FEATURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "flow/record.h"

enum { FEATURE_MAX = 128 };

enum feature_kind {
	KIND_TEXT, /* addresses and the flow's id: struct row holds them, value[] does not */
	KIND_TIME, /* seconds since 1970 */
	KIND_NUMBER,
	KIND_CATEGORY, /* one input per value (one-hot): protocol, state, service */
	KIND_LABEL,    /* attack_cat, Label */
};

enum feature_scale {
	SCALE_NONE, /* not for the network */
	SCALE_LINEAR,
	SCALE_LOG, /* log(1 + x / step) */
};

/* Who may use a feature as an input. */
enum {
	SET_LIVE = 1 << 0, /* known when a record is judged live: the set of the bundled model */
	SET_PUBLISHED = 1 << 1, /* columns of the published UNSW-NB15 partition without artefacts */
};

/* How a feature follows the network's delay; row_stretch() applies it. */
enum feature_delay {
	DELAY_NONE,
	DELAY_TIME, /* grows with it */
	DELAY_RATE, /* shrinks by it */
};

/* Classes: UNSW-NB15's, then those that Karma adds. */
enum karma_class {
	CLASS_NORMAL,
	CLASS_RECONNAISSANCE,
	CLASS_DOS,
	CLASS_FUZZERS,
	CLASS_EXPLOITS,
	CLASS_ANALYSIS,
	CLASS_BACKDOOR,
	CLASS_GENERIC,
	CLASS_SHELLCODE,
	CLASS_WORMS,
	CLASS_BRUTE_FORCE,
	CLASSES,
};

const char *class_name(enum karma_class c);
/* Index or -1. Leading spaces, case and "Backdoors" of the raw files are understood. */
int class_of(const char *name);

/* In whose memory a record is a step: what a host does, and what is done to it. */
enum host_view { VIEW_ACTOR, VIEW_TARGET, HOST_VIEWS };

/* One record as numbers. value[i] belongs to feature i of the table; NAN: not known. Categories
 * hold their index. */
struct row {
	double value[FEATURE_MAX];
	uint8_t addr[2][16]; /* all zero where the file has no addresses */
	uint16_t port[2];
	uint8_t actor[16];   /* whose doing it is; all zero: not known */
	enum host_view view; /* in which it is shown to the network; not in files */
	int64_t at_ns;
	uint64_t flow_id;
	const char *app; /* application protocol; NULL: not known, or read from a file */
	int label;       /* enum karma_class, or -1: not known */
	/* In place of the label, where a file says so (feature/csv.h): the class's probabilities,
	 * which sum to 1. Not set in a row that was not read. */
	bool soft;
	float probability[CLASSES];
};

/* Is it known whose doing it is? */
bool row_has_actor(const struct row *row);

/* The end that the actor acts upon: its target's. */
int row_target(const struct row *row);

/* What a feature's value is computed from (feature/value.h). */
struct feature_source;

struct feature {
	const char *name;    /* Karma's and the partition's: "sload" */
	const char *raw;     /* in the raw files, where another: "Sload"; NULL: the same */
	const char *unit;    /* "s", "byte", "1/s", "" */
	const char *meaning; /* a sentence for docs/features.md */
	/* For an alert: alternatives set apart by '|', of a number "none|one|more, %s of them", of
	 * a category one for each value; an empty one: no reason. Features with the same words are
	 * one reason. NULL: never a reason. */
	const char *reason;
	const char *const *values; /* KIND_CATEGORY: names, NULL-terminated */
	double (*get)(const struct feature_source *, int arg); /* NULL: a record has none */
	double step; /* SCALE_LOG: the unit step, below which differences do not matter */
	enum feature_scale scale;
	enum feature_kind kind;
	enum feature_delay delay;
	bool busy;     /* a number of flows: a host that does more of the same has more */
	unsigned sets; /* SET_* */
	int arg;       /* handed to get(): side, window */
};

/* Places in the table that code names; all others are found by feature_find(). */
enum column {
	COL_SRCIP,
	COL_SPORT,
	COL_DSTIP,
	COL_DPORT,
	COL_PROTO,
	COL_STATE,
	COL_DUR,
	COL_SBYTES,
	COL_DBYTES,
	COL_STTL,
	COL_DTTL,
	COL_SLOSS,
	COL_DLOSS,
	COL_SERVICE,
	COL_SLOAD,
	COL_DLOAD,
	COL_SPKTS,
	COL_DPKTS,
	COL_SWIN,
	COL_DWIN,
	COL_STCPB,
	COL_DTCPB,
	COL_SMEAN,
	COL_DMEAN,
	COL_TRANS_DEPTH,
	COL_RESPONSE_BODY_LEN,
	COL_SJIT,
	COL_DJIT,
	COL_STIME,
	COL_LTIME,
	COL_SINPKT,
	COL_DINPKT,
	COL_TCPRTT,
	COL_SYNACK,
	COL_ACKDAT,
	COL_IS_SM_IPS_PORTS,
	COL_CT_STATE_TTL,
	COL_CT_FLW_HTTP_MTHD,
	COL_IS_FTP_LOGIN,
	COL_CT_FTP_CMD,
	COL_CT_SRV_SRC,
	COL_CT_SRV_DST,
	COL_CT_DST_LTM,
	COL_CT_SRC_LTM,
	COL_CT_SRC_DPORT_LTM,
	COL_CT_DST_SPORT_LTM,
	COL_CT_DST_SRC_LTM,
	COL_ATTACK_CAT,
	COL_LABEL,
	RAW_COLUMNS, /* of UNSW-NB15's raw files */
	COL_RATE = RAW_COLUMNS,
	COL_FLOW_ID,
	COL_EVENT,
	COL_PART,
	COL_NEWS,
	COL_AGAIN,
	COL_AT,
	COL_FIRST,
	COL_LAST,
	COL_ACTOR,
	COL_APP,
	COL_SPAYLOAD,
	COL_DPAYLOAD,
	COL_SSIZE1 = COL_DPAYLOAD + 13, /* behind the flags */
	COL_DSIZE1 = COL_SSIZE1 + 4,
};

extern const struct feature features[];
extern const unsigned feature_count;

/* Index by either name (case counts not; spaces count not), or -1. */
int feature_find(const char *name);

/* Index of a category's value by its name: "tcp". Names that Karma does not tell apart fall into
 * the last value, "other"; -1 when the name is empty. */
int feature_category(const struct feature *f, const char *name);

/* A value in words, with its unit, for people: "1,012", "1.5 s", "34 kB", "tcp". Returns `text`. */
enum { FEATURE_TEXT = 40 };
const char *feature_text(const struct feature *f, double value, char text[FEATURE_TEXT]);

/* The table as a page of Markdown: docs/features.md. */
void feature_print_markdown(FILE *out);

/* The row as it would look with the network's delay `factor` times as long: times grow with it,
 * rates shrink. For training: a model must not learn the delay of the network it was made on. */
void row_stretch(struct row *row, double factor);

/* The row as it would look if its host, and those who talk to its target, did `factor` times as
 * much of the same: numbers of flows follow, numbers of different hosts and ports do not. For
 * training: that a host is busy is no attack, and an attack that takes its time is one. */
void row_busy(struct row *row, double factor);

/* The row as it would look with `factor` times the payload in each packet: sizes and loads follow,
 * the number of packets and what their headers take stay. For training: a model must not learn the
 * pages and words of the network it was made on. Nothing happens where the payload is not known. */
void row_resize(struct row *row, double factor);

#endif
