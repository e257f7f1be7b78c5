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
	bool waits;    /* for its step */
	float state[]; /* lstm_state_size() */
};

/* Records of different hosts that are stepped together. */
enum { TOGETHER = 32 };

/* One of them. */
struct waiting {
	struct record record;
	struct row row;
	struct lstm_input input;
	struct memory *memory; /* stays where it is: it was used later than all that do not wait */
};

struct judge {
	const struct model *model;
	struct encoder encoder;
	bool remembers;
	uint8_t class[LSTM_MAX_CLASSES]; /* enum karma_class of each output */
	struct lru *hosts;
	struct window *window;
	struct judge_stats stats;
	struct waiting *queue;    /* (TOGETHER) */
	int most, waiting;        /* how many may wait: no more than hosts are remembered; and do */
	int told;                 /* whose verdict was told last: judge_explain() is about it */
	float *x;                 /* (TOGETHER, D) */
	struct lstm_entry *entry; /* (TOGETHER, ENCODER_ENTRIES) */
	float *before;            /* (TOGETHER, S): the states that their steps start from */
	float *logits;            /* (TOGETHER, C) */
	float *state;             /* scratch: (S) */
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
	if ((int)j->encoder.inputs != j->model->net.shape.inputs ||
		(int)j->encoder.dense != j->model->net.shape.dense)
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
	j->remembers = model_remembers(model);
	if ((err = read_classes(j, name, e)) || (err = read_inputs(j, name, e)))
		goto out;
	hosts = hosts ? hosts : JUDGE_HOSTS;
	j->most = hosts < TOGETHER ? (int)hosts : TOGETHER;
	j->hosts = lru_new(hosts, 16, sizeof(struct memory) + state * sizeof(float));
	j->window = window_new(window_events(flows));
	j->queue = calloc(TOGETHER, sizeof(*j->queue));
	j->x = lstm_floats(TOGETHER * (size_t)net->shape.dense);
	j->entry = calloc((size_t)TOGETHER * ENCODER_ENTRIES, sizeof(*j->entry));
	j->before = lstm_floats(TOGETHER * state);
	j->logits = lstm_floats(TOGETHER * (size_t)net->shape.classes);
	j->state = lstm_floats(state);
	j->stepper = lstm_batch_new(net, kernel, TOGETHER);
	if (!j->hosts || !j->window || !j->queue || !j->x || !j->entry || !j->before ||
		!j->logits || !j->state || !j->stepper) {
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
	free(j->queue);
	free(j->x);
	free(j->entry);
	free(j->before);
	free(j->logits);
	free(j->state);
	lstm_batch_free(j->stepper);
	free(j);
}

void judge_inherit(struct judge *j, struct judge *from, bool memories)
{
	struct window *window = j->window;
	struct lru *hosts = j->hosts;

	j->window = from->window;
	from->window = window;
	j->stats = from->stats;
	if (memories) {
		j->hosts = from->hosts;
		from->hosts = hosts;
	} else {
		j->stats.hosts_forgotten += lru_replaced(from->hosts);
	}
}

/* The record in place `at` of the queue, without some features: its inputs, which stand there too.
 */
static void encode(struct judge *j, int at, const bool *blank)
{
	float *x = j->x + (ptrdiff_t)at * j->model->net.shape.dense;
	struct lstm_entry *entry = j->entry + (ptrdiff_t)at * ENCODER_ENTRIES;
	struct waiting *w = &j->queue[at];

	w->input = (struct lstm_input){x, entry, 0};
	w->input.entries = encoder_apply(&j->encoder, &w->row, blank, x, entry);
}

static void softmax(struct judge *j, float *logits)
{
	calibration_apply(&j->model->calibration, logits, j->model->net.shape.classes, logits);
}

static enum service service_of(const struct row *row)
{
	double value = row->value[COL_SERVICE];

	return value >= 0 && value < SERVICES ? (enum service)value : SERVICE_NONE;
}

void judge_flush(struct judge *j, judge_sink sink, void *context)
{
	const struct lstm_shape shape = j->model->net.shape;
	struct lstm_input x[TOGETHER];
	float *state[TOGETHER];
	int n = j->waiting;

	if (n <= 0)
		return;
	for (int i = 0; i < n; i++) {
		x[i] = j->queue[i].input;
		state[i] = j->queue[i].memory->state;
		j->queue[i].memory->waits = false;
	}
	lstm_batch_step(j->stepper, n, x, state, j->logits);
	j->waiting = 0;
	for (int i = 0; i < n; i++) {
		struct waiting *w = &j->queue[i];
		float *p = j->logits + (ptrdiff_t)i * shape.classes;
		struct verdict v = {.app = w->row.app,
			.traffic = traffic_of(&w->record, service_of(&w->row)),
			.row = &w->row};

		v.hidden = w->memory->state + (ptrdiff_t)(shape.layers - 1) * 2 * shape.hidden;

		softmax(j, p);
		memcpy(v.actor, w->row.actor, sizeof(v.actor));
		for (int k = 0; k < shape.classes; k++)
			v.probability[j->class[k]] += p[k];
		j->told = i;
		sink(context, &w->record, &v);
	}
}

void judge_record(struct judge *j, const struct record *r, judge_sink sink, void *context)
{
	size_t floats = lstm_state_size(&j->model->net);
	struct waiting *w = &j->queue[j->waiting];
	struct memory *m;
	bool fresh;

	if (r->total)
		return; /* nobody's doing: the flows of many who found no room */

	j->stats.records++;
	feature_row(j->window, r, &w->row);
	if (!r->news)
		return;
	j->stats.judged++;
	m = lru_use(j->hosts, w->row.actor, &fresh);
	if (m->waits) { /* one step after the other */
		judge_flush(j, sink, context);
		j->queue[0].row = w->row;
		w = &j->queue[0];
	}
	if (!fresh && (!j->remembers || r->at_ns - m->at_ns > judge_idle_ns))
		memset(m->state, 0, floats * sizeof(float));
	m->at_ns = r->at_ns;
	m->waits = true;
	w->record = *r;
	w->memory = m;
	memcpy(j->before + (size_t)j->waiting * floats, m->state, floats * sizeof(float));
	encode(j, j->waiting, NULL);
	if (++j->waiting == j->most)
		judge_flush(j, sink, context);
}

/* ---- why ---- */

/* Log-odds of attack of the record told last, without some features, from where its step started.
 */
static double log_odds(struct judge *j, const bool *blank)
{
	size_t floats = lstm_state_size(&j->model->net);
	float p[LSTM_MAX_CLASSES];
	double normal = 0;

	memcpy(j->state, j->before + (size_t)j->told * floats, floats * sizeof(float));
	encode(j, j->told, blank);
	lstm_batch_step(j->stepper, 1, &j->queue[j->told].input, &j->state, p);
	softmax(j, p);
	for (int k = 0; k < j->model->net.shape.classes; k++)
		if (j->class[k] == CLASS_NORMAL)
			normal += (double)p[k];
	normal = fmin(fmax(normal, 1e-9), 1 - 1e-9);
	return log((1 - normal) / normal);
}

unsigned judge_explain(struct judge *j, unsigned most, size_t size, char (*reason)[size])
{
	const struct encoder *enc = &j->encoder;
	const struct row *row = &j->queue[j->told].row;
	struct telling *t = calloc(enc->features, sizeof(*t));
	unsigned count = 0, groups = 0;
	bool in_group[FEATURE_MAX];
	double all;

	if (!t)
		return 0;
	all = log_odds(j, NULL);
	for (unsigned f = 0; f < enc->features; f++) {
		if (!explain_group(enc, row, f, in_group, &t[groups].feature))
			continue;
		t[groups].weight = all - log_odds(j, in_group);
		groups++;
	}
	count = explain_words(t, groups, row, most, size, reason);
	free(t);
	return count;
}

void judge_stats(const struct judge *j, struct judge_stats *s)
{
	*s = j->stats;
	s->hosts = lru_count(j->hosts);
	s->hosts_forgotten += lru_replaced(j->hosts);
	s->events_forgotten = window_forgotten(j->window);
}
