#include "detect/evidence.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The sum stops at twice the threshold: when an attack is over, one half-life later so is the
 * evidence, however long the attack was. */
static const float most = 2;

/* Probabilities nearer to 0 or 1 than this are rounding, not knowledge. */
static const float certain = 1e-6F;

/* Chosen on runs of the range that a model trained without them was shown. */
static const struct evidence_settings defaults = {
	.margin = 1,
	.share = 0.5F,
	.clip = 3,
	.threshold = 6,
	.half_life_s = 60,
};

static int read_setting(
	const json_t *detection, const char *key, double least, double largest, float *value)
{
	const json_t *v = json_object_get(detection, key);
	double x = json_number_value(v);

	if (!v)
		return 0;
	if (!json_is_number(v) || !(x >= least && x <= largest))
		return -EINVAL;
	*value = (float)x;
	return 0;
}

int evidence_settings_read(
	struct evidence_settings *s, const json_t *header, const char *name, struct error *e)
{
	const json_t *d = json_object_get(header, "detection");

	*s = defaults;
	if (d && (!json_is_object(d) || read_setting(d, "margin", -20, 20, &s->margin) ||
			 read_setting(d, "share", 0.001, 0.999, &s->share) ||
			 read_setting(d, "clip", 0.01, 100, &s->clip) ||
			 read_setting(d, "threshold", 0.01, 1e6, &s->threshold) ||
			 read_setting(d, "half_life_s", 0.1, 1e6, &s->half_life_s)))
		return error_set(e, -EINVAL,
			"%s: \"detection\" in its header makes no sense; make the model again with "
			"'karma train'",
			name);
	return 0;
}

/* With the default threshold and clip, low needs three of the most telling records within seconds,
 * normal and high two; one is never enough, and low lies below what the sum may hold. */
static const struct {
	const char *name;
	float factor;
} sensitivities[] = {
	[SENSITIVITY_NORMAL] = {"normal", 1},
	[SENSITIVITY_LOW] = {"low", 1.5F},
	[SENSITIVITY_HIGH] = {"high", 1 / 1.5F},
};

bool sensitivity_parse(const char *text, enum sensitivity *s)
{
	for (size_t i = 0; i < sizeof(sensitivities) / sizeof(sensitivities[0]); i++)
		if (strcmp(text, sensitivities[i].name) == 0) {
			*s = (enum sensitivity)i;
			return true;
		}
	return false;
}

const char *sensitivity_name(enum sensitivity s)
{
	return sensitivities[s].name;
}

float evidence_enough(const struct evidence_settings *s)
{
	return s->threshold * sensitivities[s->sensitivity].factor;
}

float evidence_score(const struct evidence_settings *s, float normal, enum traffic traffic)
{
	float p = fminf(fmaxf(normal, certain), 1 - certain);
	float odds = (1 - p) / p * expf(-s->margin - s->shift[traffic]);

	return fminf(logf(1 - s->share + s->share * odds), s->clip);
}

void evidence_decay(const struct evidence_settings *s, struct evidence *e, int64_t now_ns)
{
	float keep;

	if (e->sum > 0 && now_ns > e->at_ns) {
		keep = exp2f((float)(now_ns - e->at_ns) / 1e9F / -s->half_life_s);
		e->sum *= keep;
		e->weight *= keep;
		e->lead *= keep;
		e->amplified *= keep;
		e->lent *= keep;
		for (int c = 0; c < CLASSES; c++)
			e->mass[c] *= keep;
	}
	if (now_ns > e->at_ns)
		e->at_ns = now_ns;
}

static void vote(struct evidence *e, const uint8_t *peer, float score)
{
	if (memcmp(e->peer, peer, sizeof(e->peer)) == 0) {
		e->lead += score;
	} else if (e->lead >= score) {
		e->lead -= score;
	} else {
		memcpy(e->peer, peer, sizeof(e->peer));
		e->lead = score - e->lead;
	}
}

/* What has weight for the class and the peer is the latest evidence, no more of it than the sum may
 * hold: after a flood of thousands of records a few of another kind are seen for what they are. */
static void forget(const struct evidence_settings *s, struct evidence *e)
{
	float keep = most * s->threshold / e->weight;

	if (keep >= 1)
		return;
	e->weight *= keep;
	e->lead *= keep;
	e->amplified *= keep;
	for (int c = 0; c < CLASSES; c++)
		e->mass[c] *= keep;
}

static void leave_trace(struct evidence *e, const struct finding *f)
{
	struct trace *t = &e->trace[e->traces++ % EVIDENCE_TRACES];

	memcpy(t->peer, f->peer, sizeof(t->peer));
	t->port = f->port;
}

void evidence_add(const struct evidence_settings *s, struct evidence *e, const struct finding *f)
{
	evidence_decay(s, e, f->at_ns);
	e->sum = fminf(e->sum + f->score, most * s->threshold);
	if (!(e->sum > 0)) {
		*e = (struct evidence){.at_ns = f->at_ns};
		return;
	}
	if (f->score <= 0)
		return;
	if (e->flows == 0)
		e->first_ns = f->at_ns;
	if (e->flows == 0 || e->flow_id != f->flow_id)
		e->flows += e->flows < UINT32_MAX;
	e->flow_id = f->flow_id;
	e->weight += f->score;
	for (int c = 0; c < CLASSES; c++)
		e->mass[c] += f->score * f->probability[c];
	e->amplified += f->amplified ? f->score : 0;
	vote(e, f->peer, f->score);
	forget(s, e);
	leave_trace(e, f);
}

bool evidence_is_led(const struct evidence *e)
{
	return e->lead > e->weight / 2;
}

bool evidence_is_reflected(const struct evidence *e)
{
	return evidence_class(e) == CLASS_DOS && !evidence_is_led(e) &&
	       e->amplified > e->weight / 2;
}

enum karma_class evidence_class(const struct evidence *e)
{
	enum karma_class best = CLASS_NORMAL + 1;

	for (int c = best + 1; c < CLASSES; c++)
		if (e->mass[c] > e->mass[best])
			best = (enum karma_class)c;
	return best;
}
