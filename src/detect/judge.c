#include "detect/judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/explain.h"
#include "detect/lru.h"
#include "feature/encode.h"
#include "feature/window.h"

struct memory {
	int64_t at_ns; /* 0: nothing yet */
	float state[]; /* lstm_state_size() */
};

struct judge {
	const struct model *model;
	struct encoder encoder;
	uint8_t class[LSTM_MAX_CLASSES]; /* enum karma_class of each output */
	struct lru *hosts;
	struct window *window;
	struct judge_stats stats;
	struct row row; /* the last record's */
	float *x;       /* (D) */
	float *before;  /* the state that the last step started from */
	float *state;   /* scratch of the same size */
	float *logits;  /* (C) */
	struct lstm_batch *stepper;
};

static int read_classes(struct judge *j, const char *name, struct error *e)
{
	const json_t *names = json_object_get(j->model->header, "classes");
	bool normal = false;

	for (int k = 0; k < j->model->net.shape.classes; k++) {
		const char *text = json_string_value(json_array_get(names, (size_t)k));
		int c = text ? class_of(text) : -1;

		if (c < 0)
			return error_set(e, -EINVAL,
				"%s: its class '%s' is unknown to this karma; make it again with "
				"'karma train'",
				name, text ? text : "");
		normal |= c == CLASS_NORMAL;
		j->class[k] = (uint8_t)c;
	}
	if (!normal)
		return error_set(e, -EINVAL,
			"%s: it knows no class 'Normal'; make it again with 'karma train'", name);
	return 0;
}

static int read_inputs(struct judge *j, const char *name, struct error *e)
{
	struct error why = {""};
	int err = encoder_from_json(&j->encoder, json_object_get(j->model->header, "input"), &why);

	if (err)
		return error_set(e, err, "%s: %s", name, why.text);
	if ((int)j->encoder.inputs != j->model->net.shape.dense ||
		j->model->net.shape.dense != j->model->net.shape.inputs)
		return error_set(e, -EINVAL,
			"%s: %u inputs described, %d in its network; make it again with "
			"'karma train'",
			name, j->encoder.inputs, j->model->net.shape.inputs);
	return 0;
}

int judge_new(struct judge **judge, const struct model *model, const char *name,
	const struct lstm_kernel *kernel, uint32_t hosts, uint32_t flows, struct error *e)
{
	struct judge *j = calloc(1, sizeof(*j));
	const struct lstm *net = &model->net;
	size_t state = lstm_state_size(net);
	int err = -ENOMEM;

	*judge = NULL;
	if (!j)
		return error_set(e, -ENOMEM, "not enough memory to judge");
	j->model = model;
	if ((err = read_classes(j, name, e)) || (err = read_inputs(j, name, e)))
		goto out;
	j->hosts = lru_new(
		hosts ? hosts : JUDGE_HOSTS, 16, sizeof(struct memory) + state * sizeof(float));
	j->window = window_new(window_events(flows));
	j->x = calloc((size_t)net->shape.dense, sizeof(float));
	j->before = calloc(state, sizeof(float));
	j->state = calloc(state, sizeof(float));
	j->logits = calloc((size_t)net->shape.classes, sizeof(float));
	j->stepper = lstm_batch_new(net, kernel, 1);
	if (!j->hosts || !j->window || !j->x || !j->before || !j->state || !j->logits ||
		!j->stepper) {
		err = error_set(e, -ENOMEM, "not enough memory to remember hosts");
		goto out;
	}
	*judge = j;
	return 0;
out:
	judge_free(j);
	return err;
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	lru_free(j->hosts);
	window_free(j->window);
	free(j->x);
	free(j->before);
	free(j->state);
	free(j->logits);
	lstm_batch_free(j->stepper);
	free(j);
}

/* x is set; advances `state`, leaves the probabilities in `logits`. */
static void step(struct judge *j, float *state)
{
	struct lstm_input x = {.dense = j->x};

	lstm_batch_step(j->stepper, 1, &x, &state, j->logits);
	lstm_softmax(j->logits, j->model->net.shape.classes, j->model->temperature, j->logits);
}

bool judge_record(struct judge *j, const struct record *r, struct verdict *v)
{
	size_t bytes = lstm_state_size(&j->model->net) * sizeof(float);
	struct memory *m;
	bool fresh;

	if (r->total)
		return false; /* nobody's doing: the flows of many who found no room */

	j->stats.records++;
	feature_row(j->window, r, &j->row);
	if (!r->news)
		return false;
	j->stats.judged++;
	memcpy(v->actor, j->row.actor, sizeof(v->actor));
	v->app = j->row.app;
	m = lru_use(j->hosts, v->actor, &fresh);
	if (!fresh && r->at_ns - m->at_ns > judge_idle_ns)
		memset(m->state, 0, bytes);
	m->at_ns = r->at_ns;
	memcpy(j->before, m->state, bytes);
	encoder_apply(&j->encoder, &j->row, j->x);
	step(j, m->state);
	memset(v->probability, 0, sizeof(v->probability));
	for (int k = 0; k < j->model->net.shape.classes; k++)
		v->probability[j->class[k]] += j->logits[k];
	return true;
}

/* ---- why ---- */

/* Log-odds of attack with the inputs in x, from where the last step started. */
static double log_odds(struct judge *j)
{
	double normal = 0;

	memcpy(j->state, j->before, lstm_state_size(&j->model->net) * sizeof(float));
	step(j, j->state);
	for (int k = 0; k < j->model->net.shape.classes; k++)
		if (j->class[k] == CLASS_NORMAL)
			normal += (double)j->logits[k];
	normal = fmin(fmax(normal, 1e-9), 1 - 1e-9);
	return log((1 - normal) / normal);
}

/* Put the inputs of a group of features to unknown, in x. */
static void blank(struct judge *j, const float *whole, float *without, const bool *in_group)
{
	for (unsigned f = 0; f < j->encoder.features; f++) {
		if (!in_group[f])
			continue;
		encoder_apply_without(&j->encoder, &j->row, f, without);
		for (unsigned i = 0; i < j->encoder.inputs; i++)
			if (without[i] != whole[i])
				j->x[i] = without[i];
	}
}

unsigned judge_explain(struct judge *j, unsigned most, size_t size, char (*reason)[size])
{
	const struct encoder *enc = &j->encoder;
	size_t bytes = enc->inputs * sizeof(float);
	float *whole = malloc(bytes), *without = malloc(bytes);
	struct telling *t = calloc(enc->features, sizeof(*t));
	unsigned count = 0, groups = 0;
	bool in_group[FEATURE_MAX];
	double all;

	if (!whole || !without || !t)
		goto out;
	encoder_apply(enc, &j->row, whole);
	memcpy(j->x, whole, bytes);
	all = log_odds(j);
	for (unsigned f = 0; f < enc->features; f++) {
		if (!explain_group(enc, &j->row, f, in_group, &t[groups].feature))
			continue;
		memcpy(j->x, whole, bytes);
		blank(j, whole, without, in_group);
		t[groups].weight = all - log_odds(j);
		groups++;
	}
	count = explain_words(t, groups, &j->row, most, size, reason);
out:
	free(whole);
	free(without);
	free(t);
	return count;
}

void judge_stats(const struct judge *j, struct judge_stats *s)
{
	*s = j->stats;
	s->hosts = lru_count(j->hosts);
	s->hosts_forgotten = lru_replaced(j->hosts);
	s->events_forgotten = window_forgotten(j->window);
}
