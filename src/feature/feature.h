/* The feature table: one row is a feature: its names, unit, source, scale and words. The CSV
 * header, the network's inputs, docs/features.md and the reasons of an alert all read it. */
#ifndef KARMA_FEATURE_H
#define KARMA_FEATURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "flow/record.h"

enum { FEATURE_MAX = 160 };

enum feature_kind {
	KIND_ADDRESS, /* text; never an input */
	KIND_NUMBER,
	KIND_CATEGORY, /* one input per value (one-hot): protocol, state, service */
	KIND_LABEL,    /* attack_cat, Label */
};

enum feature_scale {
	SCALE_NONE, /* not for the network */
	SCALE_LINEAR,
	SCALE_LOG, /* log(1 + x / unit step) */
};

/* Who may use a feature as an input. */
enum {
	SET_LIVE = 1 << 0, /* known when a record is judged live: the set of the bundled model */
	SET_PUBLISHED = 1 << 1, /* columns of the published UNSW-NB15 partition without artefacts */
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
/* Index or -1. Blank, leading spaces, case and "Backdoors" of the raw files are understood. */
int class_of(const char *name);

/* One record as numbers. value[i] belongs to feature i of the table; NAN: not known. Categories
 * hold their index. */
struct row {
	double value[FEATURE_MAX];
	uint8_t addr[2][16]; /* all zero where the file has no addresses */
	uint16_t port[2];
	uint8_t actor[16]; /* whose memory the record advances; all zero: nobody's */
	int64_t at_ns;
	uint64_t flow_id;
	int label; /* enum karma_class, or -1: not known */
};

struct feature {
	const char *name; /* Karma's and the partition's: "sload" */
	const char *raw;  /* in the raw files, where another: "Sload"; NULL: the same */
	const char *unit; /* "s", "byte", "1/s", "" */
	enum feature_kind kind;
	enum feature_scale scale;
	unsigned sets;
	double step;         /* SCALE_LOG: the unit step, below which differences do not matter */
	bool is_time;        /* stretches with the network's delay (augmentation) */
	const char *meaning; /* a sentence for docs/features.md */
	const char
		*reason; /* words for an alert, with one %s for the value; NULL: never a reason */
	const char *const *values; /* KIND_CATEGORY: names, NULL-terminated */
};

extern const struct feature features[];
extern const unsigned feature_count;

/* Index by either name (case counts not; spaces count not), or -1. */
int feature_find(const char *name);

#endif
