/* What the model says of a record, in the light of what its host did before: features, one step of
 * the host's memory (the LSTM's state), class probabilities; and why. */
#ifndef KARMA_DETECT_JUDGE_H
#define KARMA_DETECT_JUDGE_H

#include "feature/feature.h"
#include "lstm/kernel.h"
#include "lstm/model.h"
#include "util/error.h"

/* Hosts that are remembered by default: 64 MB with two layers of 128. */
enum { JUDGE_HOSTS = 32768 };

/* A host that did nothing for so long starts anew, as its sequences did in training. */
static const int64_t judge_idle_ns = 600 * 1000000000LL;

struct judge;

struct verdict {
	uint8_t actor[16];          /* whose doing it is */
	float probability[CLASSES]; /* sums to 1 */
	const char *app;            /* application protocol of the flow; NULL: not known */
};

struct judge_stats {
	uint64_t records, judged;
	uint32_t hosts;            /* remembered now */
	uint64_t hosts_forgotten;  /* gave way to others */
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

/* Take a record into account, in the order of at_ns. True: `v` is filled. False: the record has
 * nothing new; it corrects counters and is no step of the memory. */
bool judge_record(struct judge *j, const struct record *r, struct verdict *v);

/* Why the last judged record looks like an attack: the features without which the model would be
 * less sure, most telling first, in words. Returns how many; each costs a step of the network per
 * feature, so ask only for what is shown. `size`: bytes in a reason. */
unsigned judge_explain(struct judge *j, unsigned most, size_t size, char (*reason)[size]);

void judge_stats(const struct judge *j, struct judge_stats *s);

#endif
