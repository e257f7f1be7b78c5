/* Has the traffic drifted away from what a profile was learnt on? Records are counted by what they
 * are, in several ways (measures), and a window of the latest is compared with what was learnt by
 * the population stability index: the sum over the bins of (p - q) * log(p / q), which is the
 * Kullback-Leibler divergence both ways. 0.25 is by custom a shift that matters; where the site's
 * own windows differed more while it was learnt, twice the most that they did is the limit.
 *
 * A block is DRIFT_BLOCK records or more that took DRIFT_BLOCK_NS or longer; a window is two. */
#ifndef KARMA_DETECT_DRIFT_H
#define KARMA_DETECT_DRIFT_H

#include <jansson.h>
#include <stdbool.h>

#include "detect/judge.h"

enum { DRIFT_BINS = 32, DRIFT_BLOCK = 500 };
static const int64_t drift_block_ns = 60 * 1000000000LL;

enum drift_measure { DRIFT_TRAFFIC, DRIFT_STATE, DRIFT_BYTES, DRIFT_ODDS, DRIFT_MEASURES };

struct drift_counts {
	uint32_t records;
	uint32_t bin[DRIFT_MEASURES][DRIFT_BINS];
};

/* Count a record. */
void drift_count(struct drift_counts *c, const struct record *r, const struct verdict *v);

/* The index of a measure. Each share is taken half a record in a window larger than it is, so that
 * what never came is no infinity. */
double drift_index(
	const struct drift_counts *a, const struct drift_counts *b, enum drift_measure m);

/* What a profile knows of a site's traffic. */
struct drift_site {
	struct drift_counts counts;
	double limit[DRIFT_MEASURES]; /* of the index */
};

json_t *drift_site_json(const struct drift_site *site);
/* -EINVAL: not what drift_site_json() makes. */
int drift_site_read(struct drift_site *site, const json_t *j);

/* ---- learning ---- */

struct drift_learner;

/* NULL when memory is short. */
struct drift_learner *drift_learner_new(void);
void drift_learner_free(struct drift_learner *d);

/* The records that follow have a clock of their own. */
void drift_learner_begin(struct drift_learner *d);
void drift_learner_take(struct drift_learner *d, const struct record *r, const struct verdict *v);

/* A record of which it is known only at the end whether it belongs to the baseline: where it stands
 * in it. */
struct drift_mark {
	uint32_t block;
	uint8_t bin[DRIFT_MEASURES];
};

struct drift_mark drift_learner_mark(
	const struct drift_learner *d, const struct record *r, const struct verdict *v);

/* It does belong to it. */
void drift_learner_add(struct drift_learner *d, const struct drift_mark *mark);

/* false: fewer than four blocks, too little to tell what is usual. */
bool drift_learner_site(const struct drift_learner *d, struct drift_site *site);

/* ---- watching ---- */

struct drift;

struct drift_news {
	bool drifted;               /* else the traffic is as it was learnt again */
	enum drift_measure measure; /* that is farthest over its limit, or nearest to it */
	double index, limit;
	int bin;          /* that moved most */
	double now, then; /* its share of the records */
};

struct drift *drift_new(const struct drift_site *site);
void drift_free(struct drift *d);
void drift_begin(struct drift *d);

/* Take in a record. true: there is news. */
bool drift_take(
	struct drift *d, const struct record *r, const struct verdict *v, struct drift_news *news);

/* At the end of what there is, where the second half of the window may be short, or not there. */
bool drift_end(struct drift *d, struct drift_news *news);

bool drift_is_on(const struct drift *d);

/* "service", "state", "bytes", "log-odds" */
const char *drift_measure_name(enum drift_measure m);

/* "http 61 % of the records, learnt 2 % (service: index 1.32, usual up to 0.25)". Returns `text`.
 */
enum { DRIFT_TEXT = 192 };
const char *drift_text(const struct drift_news *n, char text[DRIFT_TEXT]);

#endif
