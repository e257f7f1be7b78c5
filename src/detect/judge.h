/* What the model says of a record, in the light of what its host did before and of what was done to
 * its target: features, one step of each one's memory (the LSTM's state), class probabilities of
 * both together; and why. */
#ifndef KARMA_DETECT_JUDGE_H
#define KARMA_DETECT_JUDGE_H

#include "detect/traffic.h"
#include "feature/feature.h"
#include "lstm/kernel.h"
#include "lstm/model.h"
#include "util/error.h"

/* Hosts that are remembered by default, in each view: 64 MB a view with two layers of 128. */
enum { JUDGE_HOSTS = 32768 };

/* A host of which nothing was seen in a view for so long starts anew there. */
static const int64_t judge_idle_ns = 600 * 1000000000LL;

struct judge;

struct verdict {
	uint8_t actor[16];          /* whose doing it is */
	float probability[CLASSES]; /* sums to 1 */
	const char *app;            /* application protocol of the flow; NULL: not known */
	enum traffic traffic;       /* what kind the flow is of */
	const struct row *row;      /* of all features; the callee's only during the call */
	const float *hidden; /* (H): the memory in the last layer, of which all this is made: the
				mean of both views'; the callee's only during the call */
};

struct judge_stats {
	uint64_t records, judged;
	uint32_t hosts;            /* whose doings are remembered now */
	uint64_t hosts_forgotten;  /* gave way to others, in either view, before they were idle */
	uint64_t events_forgotten; /* flows that left the counters over time early */
};

/* `hosts`: how many are remembered (0: JUDGE_HOSTS). `flows`: how many may be open at a time (0: no
 * more than usual), by which the counters over time are sized. The model stays the caller's and
 * must outlive the judge. `name`: the model's, for the error's line. `kernel`: steps
 * the network. -EINVAL: a model whose inputs
 * or classes are not those of this program; -ENOMEM. */
int judge_new(struct judge **judge, const struct model *model, const char *name,
	const struct lstm_kernel *kernel, uint32_t hosts, uint32_t flows, struct error *e);
void judge_free(struct judge *j);

/* Go on where another judge was, with which no verdicts wait, and which is to be freed then: with
 * its counters over time, which must be sized alike, and its figures; `memories`: with the hosts'
 * memories, too, which are those of the same network. */
void judge_inherit(struct judge *j, struct judge *from, bool memories);

/* What is told of a record; in the order in which they came. */
typedef void (*judge_sink)(void *context, const struct record *r, const struct verdict *v);

/* Take a record into account, in the order of at_ns. Its verdict may wait: records are stepped
 * together, those that share a host one after the other. One that has nothing new corrects
 * counters, is no step of a memory, and nothing is told of it. */
void judge_record(struct judge *j, const struct record *r, judge_sink sink, void *context);

/* Tell the verdicts that wait. To be called when no record is at hand. */
void judge_flush(struct judge *j, judge_sink sink, void *context);

/* Why the record whose verdict was told last looks like an attack; in the sink, or before the next
 * record: the features without which the model would be less sure, most telling first, in words.
 * Returns how many; each costs a step of the network per feature and view, so ask only for what is
 * shown. `size`: bytes in a reason. */
unsigned judge_explain(struct judge *j, unsigned most, size_t size, char (*reason)[size]);

/* Figures so far. */
void judge_stats(const struct judge *j, struct judge_stats *s);

#endif
