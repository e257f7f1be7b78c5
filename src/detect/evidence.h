/* Evidence adds up over records, as a sequential test adds it: each record moves a sum by the log
 * of a likelihood ratio, the sum never falls below 0 (CUSUM: Page, "Continuous inspection schemes",
 * Biometrika 1954) and halves with time. One strange record is not an attack; fifty are.
 *
 * A record of log-odds of attack l (natural log, from the model alone) scores
 *
 *     s = min(clip, log(1 - share + share * exp(l - margin)))
 *
 * the log-likelihood ratio of "this host attacks, but only `share` of its records show it" against
 * "it does not": work that an attacker also does hardly speaks for it (s >= log(1 - share)). */
#ifndef KARMA_DETECT_EVIDENCE_H
#define KARMA_DETECT_EVIDENCE_H

#include <jansson.h>

#include "detect/traffic.h"
#include "feature/feature.h"
#include "util/error.h"

/* How much of the threshold is enough. In a sequential test the threshold alone trades false alerts
 * for delay; scores, sums and what is remembered are the same for all three, so that whatever is
 * behind an alert with one of them is behind an alert with the higher ones, too. */
enum sensitivity { SENSITIVITY_NORMAL, SENSITIVITY_LOW, SENSITIVITY_HIGH };

/* How much is enough: from the model's header, tuned with the model on validation data. */
struct evidence_settings {
	float margin;                 /* log-odds at which a record says nothing */
	float share;                  /* of an attacker's records, 0..1, exclusive */
	float clip;                   /* the most that one record adds */
	float threshold;              /* an alert arises here */
	float half_life_s;            /* of the sum */
	enum sensitivity sensitivity; /* the user's choice, not the model's */
	/* Added to the margin for records of a kind of traffic: what the site's own traffic calls
	 * for (detect/learn.h); 0: nothing. */
	float shift[TRAFFICS];
};

/* What a record says for or against. */
struct finding {
	int64_t at_ns;
	uint64_t flow_id;
	float score;              /* evidence_score() */
	const float *probability; /* (CLASSES) */
	const uint8_t *peer;      /* (16): the other end of the record */
	int port;                 /* of the target's side; -1: none */
	bool amplified; /* more came back than was sent, to whom no handshake has proven */
};

/* The latest findings are kept until an alert takes them over, so that it can tell what led to it.
 */
enum { EVIDENCE_TRACES = 16 };

struct trace {
	uint8_t peer[16];
	int port;
};

/* What is held against a host: as an actor, or as a target. All zero: nothing. */
struct evidence {
	int64_t at_ns; /* when it was last brought up to date */
	float sum;
	float weight;        /* sum of the latest positive scores, with the half-life of `sum` */
	float mass[CLASSES]; /* class probabilities, weighted by the positive scores */
	float amplified;     /* the weight of amplified ones */
	float lent;          /* of an actor: what it added to the sums of its targets */
	uint8_t peer[16];    /* the other end that has most of the weight, if one has most of it: */
	float lead;          /* by how much it has (Boyer and Moore's majority vote) */
	uint32_t flows;      /* with a positive score since the sum was last 0 */
	uint64_t flow_id;    /* the last of them */
	int64_t first_ns;    /* the first of them */
	uint32_t traces;     /* left by them; the latest are in trace[traces % EVIDENCE_TRACES] */
	struct trace trace[EVIDENCE_TRACES];
};

/* The defaults, then what the object "detection" of a model's header says otherwise. -EINVAL for
 * values that make no sense. `name`: the model's, for the error's line. */
int evidence_settings_read(
	struct evidence_settings *s, const json_t *header, const char *name, struct error *e);

/* "low", "normal", "high"; false: another word. */
bool sensitivity_parse(const char *text, enum sensitivity *s);

const char *sensitivity_name(enum sensitivity s);

/* The sum at which an alert arises. */
float evidence_enough(const struct evidence_settings *s);

/* The score of a record of a kind of traffic, given the model's probability that it is normal. */
float evidence_score(const struct evidence_settings *s, float normal, enum traffic traffic);

/* Let time pass. */
void evidence_decay(const struct evidence_settings *s, struct evidence *e, int64_t now_ns);

/* Let time pass, then add a finding. */
void evidence_add(const struct evidence_settings *s, struct evidence *e, const struct finding *f);

/* Does one other end have most of the weight? Then it is `peer`. Sure for more than three quarters,
 * never for less than a half. */
bool evidence_is_led(const struct evidence *e);

/* Is a denial of service whose requests bear this host's address rather meant for it? Several are
 * asked, and answer with more than was sent. */
bool evidence_is_reflected(const struct evidence *e);

/* The class, not CLASS_NORMAL, with most mass. */
enum karma_class evidence_class(const struct evidence *e);

#endif
