#include "detect/judge.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detect/explain.h"
#include "detect/lru.h"
#include "feature/encode.h"
#include "feature/window.h"

/* What is known of a host in one view. */
struct memory {
	int64_t at_ns; /* of its latest step; 0: nothing yet */
	int steps;     /* that wait */
	float state[]; /* lstm_state_size() */
};

/* Records that wait for their steps, and the steps of a record's. */
enum { TOGETHER = 32, STEPS = TOGETHER * HOST_VIEWS };

struct step {
	struct lstm_input input;
	struct memory *memory; /* stays where it is: it was used later than all that do not wait */
	int turn;              /* from 1: steps of one memory follow each other */
	bool anew;             /* it starts from nothing */
};

/* A record with its steps, one a view that the model knows. */
struct waiting {
	struct record record;
	struct row row;
	struct step step[HOST_VIEWS];
};

struct judge {
	const struct model *model;
	struct encoder encoder;
	bool remembers;
	int views;                       /* that the model knows: the actor's, or both */
	uint8_t class[LSTM_MAX_CLASSES]; /* enum karma_class of each output */
	struct lru *hosts[HOST_VIEWS]; /* of struct memory; no view that the model does not know */
	struct window *window;
	struct judge_stats stats;
	struct waiting *queue; /* (TOGETHER) */
	int most, waiting;     /* how many may wait: no more than hosts are remembered; and do */
	int told;              /* whose verdict was told last: judge_explain() is about it */
	/* Of the steps, a record's side by side: */
	float *x;                 /* (STEPS, D) */
	struct lstm_entry *entry; /* (STEPS, ENCODER_ENTRIES) */
	float *before;            /* (STEPS, S): the states that they start from */
	float *after;             /* (STEPS, H): what they leave in the last layer */
	float *said;              /* (STEPS, C): the logits */
	float *logits;            /* scratch: (STEPS, C) */
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
	j->views = j->encoder.views ? HOST_VIEWS : 1;
	for (int v = 0; v < j->views; v++)
		j->hosts[v] = lru_new(hosts, 16, sizeof(struct memory) + state * sizeof(float));
	j->window = window_new(window_events(flows));
	j->queue = calloc(TOGETHER, sizeof(*j->queue));
	j->x = lstm_floats(STEPS * (size_t)net->shape.dense);
	j->entry = calloc((size_t)STEPS * ENCODER_ENTRIES, sizeof(*j->entry));
	j->before = lstm_floats(STEPS * state);
	j->after = lstm_floats(STEPS * (size_t)net->shape.hidden);
	j->said = lstm_floats(STEPS * (size_t)net->shape.classes);
	j->logits = lstm_floats(STEPS * (size_t)net->shape.classes);
	j->state = lstm_floats(state);
	j->stepper = lstm_batch_new(net, kernel, STEPS);
	if (!j->hosts[VIEW_ACTOR] || !j->hosts[j->views - 1] || !j->window || !j->queue || !j->x ||
		!j->entry || !j->before || !j->after || !j->said || !j->logits || !j->state ||
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
	for (int v = 0; v < HOST_VIEWS; v++)
		lru_free(j->hosts[v]);
	window_free(j->window);
	free(j->queue);
	free(j->x);
	free(j->entry);
	free(j->before);
	free(j->after);
	free(j->said);
	free(j->logits);
	free(j->state);
	lstm_batch_free(j->stepper);
	free(j);
}

void judge_inherit(struct judge *j, struct judge *from, bool memories)
{
	struct window *window = j->window;

	j->window = from->window;
	from->window = window;
	j->stats = from->stats;
	for (int v = 0; v < j->views && memories; v++) {
		struct lru *hosts = j->hosts[v];

		j->hosts[v] = from->hosts[v];
		from->hosts[v] = hosts;
	}
}

/* Where the step of a waiting record in a view has its place in the arrays. */
static size_t place_of(int at, int view)
{
	return (size_t)at * HOST_VIEWS + (size_t)view;
}

/* The inputs of a waiting record's step in a view, without some features. */
static void encode(struct judge *j, int at, int view, const bool *blank)
{
	float *x = j->x + place_of(at, view) * (size_t)j->model->net.shape.dense;
	struct lstm_entry *entry = j->entry + place_of(at, view) * ENCODER_ENTRIES;
	struct waiting *w = &j->queue[at];

	w->row.view = (enum host_view)view;
	w->step[view].input = (struct lstm_input){x, entry, 0};
	w->step[view].input.entries = encoder_apply(&j->encoder, &w->row, blank, x, entry);
}

/* Both views count alike: logits are averaged, and with them, since the last layer is linear, the
 * memories behind them. `of`: (views, n) side by side, the mean takes the first one's place. */
static void average(const struct judge *j, float *of, int n)
{
	for (int v = 1; v < j->views; v++)
		for (int i = 0; i < n; i++)
			of[i] += of[v * n + i];
	for (int i = 0; i < n; i++)
		of[i] /= (float)j->views;
}

static enum service service_of(const struct row *row)
{
	double value = row->value[COL_SERVICE];

	return value >= 0 && value < SERVICES ? (enum service)value : SERVICE_NONE;
}

/* All steps whose turn it is; false: there are none. */
static bool take_turn(struct judge *j, int records, int turn)
{
	const struct lstm_shape shape = j->model->net.shape;
	size_t size = lstm_state_size(&j->model->net), classes = (size_t)shape.classes;
	size_t last = (size_t)(shape.layers - 1) * 2 * (size_t)shape.hidden;
	struct lstm_input x[STEPS];
	float *state[STEPS];
	size_t place[STEPS];
	int n = 0;

	for (int i = 0; i < records; i++)
		for (int v = 0; v < j->views; v++) {
			struct step *s = &j->queue[i].step[v];

			if (s->turn != turn)
				continue;
			place[n] = place_of(i, v);
			x[n] = s->input;
			state[n] = s->memory->state;
			if (s->anew)
				memset(state[n], 0, size * sizeof(float));
			memcpy(j->before + place[n] * size, state[n], size * sizeof(float));
			s->memory->steps = 0;
			n++;
		}
	if (n == 0)
		return false;
	lstm_batch_step(j->stepper, n, x, state, j->logits);
	for (int i = 0; i < n; i++) {
		memcpy(j->said + place[i] * classes, j->logits + (size_t)i * classes,
			classes * sizeof(float));
		memcpy(j->after + place[i] * (size_t)shape.hidden, state[i] + last,
			(size_t)shape.hidden * sizeof(float));
	}
	return true;
}

static void tell(struct judge *j, int at, judge_sink sink, void *context)
{
	const struct lstm_shape shape = j->model->net.shape;
	float *p = j->said + place_of(at, 0) * (size_t)shape.classes;
	float *h = j->after + place_of(at, 0) * (size_t)shape.hidden;
	struct waiting *w = &j->queue[at];
	struct verdict v = {.app = w->row.app,
		.traffic = traffic_of(&w->record, service_of(&w->row)),
		.row = &w->row,
		.hidden = h};

	average(j, p, shape.classes);
	average(j, h, shape.hidden);
	calibration_apply(&j->model->calibration, p, shape.classes, p);
	memcpy(v.actor, w->row.actor, sizeof(v.actor));
	for (int k = 0; k < shape.classes; k++)
		v.probability[j->class[k]] += p[k];
	j->told = at;
	sink(context, &w->record, &v);
}

void judge_flush(struct judge *j, judge_sink sink, void *context)
{
	int n = j->waiting;

	for (int turn = 1; take_turn(j, n, turn); turn++)
		;
	j->waiting = 0;
	for (int i = 0; i < n; i++)
		tell(j, i, sink, context);
}

/* The memory of a host in a view. One that gives way to it is forgotten, unless it would start anew
 * anyway. */
static struct memory *memory_of(
	struct judge *j, enum host_view view, const uint8_t host[16], int64_t at_ns, bool *fresh)
{
	struct lru *hosts = j->hosts[view];

	if (lru_count(hosts) == lru_capacity(hosts) && !lru_find(hosts, host)) {
		const struct memory *oldest = lru_oldest(hosts);

		j->stats.hosts_forgotten += at_ns - oldest->at_ns <= judge_idle_ns;
	}
	return lru_use(hosts, host, fresh);
}

/* The last waiting record's step of a host's memory. */
static void wait_for_step(struct judge *j, enum host_view view, const uint8_t host[16])
{
	struct waiting *w = &j->queue[j->waiting];
	int64_t at_ns = w->record.at_ns;
	bool fresh;
	struct memory *m = memory_of(j, view, host, at_ns, &fresh);

	w->step[view] = (struct step){.memory = m,
		.turn = ++m->steps,
		.anew = fresh || !j->remembers || at_ns - m->at_ns > judge_idle_ns};
	m->at_ns = at_ns;
	encode(j, j->waiting, view, NULL);
}

void judge_record(struct judge *j, const struct record *r, judge_sink sink, void *context)
{
	struct waiting *w = &j->queue[j->waiting];

	if (r->total)
		return; /* nobody's doing: the flows of many who found no room */

	j->stats.records++;
	feature_row(j->window, r, &w->row);
	if (!r->news)
		return;
	j->stats.judged++;
	w->record = *r;
	wait_for_step(j, VIEW_ACTOR, w->row.actor);
	if (j->views > 1)
		wait_for_step(j, VIEW_TARGET, w->row.addr[row_target(&w->row)]);
	if (++j->waiting == j->most)
		judge_flush(j, sink, context);
}

/* ---- why ---- */

/* Log-odds of attack of the record told last, without some features, from where its steps started.
 */
static double log_odds(struct judge *j, const bool *blank)
{
	size_t floats = lstm_state_size(&j->model->net);
	int classes = j->model->net.shape.classes;
	float p[HOST_VIEWS * LSTM_MAX_CLASSES] = {0};
	double normal = 0;

	for (int v = 0; v < j->views; v++) {
		memcpy(j->state, j->before + place_of(j->told, v) * floats, floats * sizeof(float));
		encode(j, j->told, v, blank);
		lstm_batch_step(j->stepper, 1, &j->queue[j->told].step[v].input, &j->state,
			p + v * classes);
	}
	average(j, p, classes);
	calibration_apply(&j->model->calibration, p, classes, p);
	for (int k = 0; k < classes; k++)
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
	s->hosts = lru_count(j->hosts[VIEW_ACTOR]);
	s->events_forgotten = window_forgotten(j->window);
}
