#include "lstm/train.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/adam.h"
#include "lstm/bptt.h"

const struct train_settings train_defaults = {
	.loss = {.gamma = 0, .alpha = {[0 ... LSTM_MAX_CLASSES - 1] = 1}},
	.epochs = 30,
	.batch = 512,
	.length = 16,
	.memory = 1024,
	.splice = 0,
	.rate = 3e-3f,
	.warmup = 1,
	.decay = 0.1f,
	.clip = 1,
	.dropout = 0.4f,
	.patience = 0,
	.threads = 2,
	.seed = 1,
};

enum { WORTH_A_THREAD = 128 /* rows of a shard: fewer are done before it has begun */ };

/* Rows that go forward and back together; the rest of a half follows. What the forward pass leaves
 * is still in the caches when the backward pass wants it, and memory does not grow with the batch.
 */
enum { PART_ROWS = 256 };

/* One half of an update's lanes. */
struct shard {
	struct trainer *trainer;
	int from, lanes; /* of the update */
	int first, part; /* lanes that are worked on: of the update, and how many */
	struct bptt pass;
	struct lstm grad;
	struct rng dropout;
	struct lstm_input *input; /* (T, B): of the two that follow */
	float *x;                 /* (T, B, D) */
	struct lstm_entry *entry; /* (T, B, most entries) */
	float *logits;            /* (T, B, C), then their gradient */
	uint8_t *start;           /* (T, B) */
	double loss, weight;
};

struct trainer {
	struct lstm *net;
	const struct train_data *data;
	const struct train_settings *settings;
	struct packed packed;
	struct plan plan;
	struct plan_update *update;
	struct adam adam;
	struct lstm best;
	struct shard shard[TRAIN_SHARDS];
	float scale;         /* of a row's loss: 1 / (rows of a batch * mean weight) */
	uint64_t updates;    /* done of this epoch */
	double loss, weight; /* sums over them */
};

void train_init_weights(struct lstm *net, uint64_t seed)
{
	struct rng rng = {rng_derive(seed, 'w')};
	float scale = 1 / sqrtf((float)net->shape.hidden);

	for (size_t i = 0; i < net->count; i++)
		net->data[i] = (float)(2 * rng_uniform(&rng) - 1) * scale;
	for (int l = 0; l < net->shape.layers; l++)
		for (int j = 0; j < net->shape.hidden; j++)
			net->b[l][net->shape.hidden + j] += 1;
}

/* ---- one update ---- */

/* The shard's inputs out of the update's rows, lane by lane of each step. */
static void shard_inputs(struct shard *s)
{
	const struct plan_update *u = s->trainer->update;
	const struct train_data *d = s->trainer->data;
	size_t inputs = (size_t)s->trainer->net->shape.dense;
	struct lstm_entry *entry = s->entry;
	float *x = s->x;
	int at = 0;

	for (int t = 0; t < u->steps; t++)
		for (int i = 0; i < s->part; i++, at++, x += inputs, entry += d->entries) {
			int from = t * u->lanes + s->first + i;

			s->start[at] = u->start[from];
			s->input[at] = (struct lstm_input){x, entry, 0};
			if (u->row[from] == PLAN_NONE)
				memset(x, 0, inputs * sizeof(*x));
			else
				s->input[at].entries =
					d->input(d->context, u->row[from], u->draw[from], x, entry);
		}
}

/* Loss of each row and its gradient, which takes the logits' place. */
static void shard_loss(struct shard *s)
{
	const struct plan_update *u = s->trainer->update;
	const struct train_data *d = s->trainer->data;
	int classes = s->trainer->net->shape.classes;
	float *z = s->logits;

	for (int t = 0; t < u->steps; t++)
		for (int i = 0; i < s->part; i++, z += classes) {
			uint32_t row = u->row[t * u->lanes + s->first + i];
			float weight = row == PLAN_NONE ? 0 : d->weight[row];

			s->loss += loss_row(&s->trainer->settings->loss, classes, z,
				row == PLAN_NONE ? 0 : d->label[row],
				row == PLAN_NONE || !d->target ? NULL : d->target(d->context, row),
				weight, z);
			s->weight += (double)weight;
			for (int c = 0; c < classes; c++)
				z[c] *= s->trainer->scale;
		}
}

static void shard_part(struct shard *s)
{
	struct trainer *r = s->trainer;
	float *state = r->update->state + (size_t)s->first * lstm_state_size(r->net);

	shard_inputs(s);
	bptt_forward(&s->pass, r->net, &r->packed, r->update->steps, s->part, s->input, s->start,
		state, s->logits, &s->dropout, r->settings->dropout);
	shard_loss(s);
	bptt_backward(&s->pass, &r->packed, s->logits, &s->grad);
}

static void *shard_run(void *arg)
{
	struct shard *s = arg;
	const struct plan_update *u = s->trainer->update;
	int end = s->from + s->lanes;

	s->loss = s->weight = 0;
	memset(s->grad.data, 0, s->grad.count * sizeof(*s->grad.data));
	for (s->first = s->from; s->first < end; s->first += s->part) {
		s->part = u->steps < PART_ROWS ? PART_ROWS / u->steps : 1;
		if (s->part > end - s->first)
			s->part = end - s->first;
		shard_part(s);
	}
	return NULL;
}

/* Both halves, then their gradients summed in the first. */
static void run_shards(struct trainer *r)
{
	struct shard *a = &r->shard[0], *b = &r->shard[1];
	pthread_t thread;
	bool beside;

	a->from = 0;
	a->lanes = (r->update->lanes + 1) / 2;
	b->from = a->lanes;
	b->lanes = r->update->lanes - a->lanes;
	beside = r->settings->threads > 1 && b->lanes * r->update->steps >= WORTH_A_THREAD &&
		 pthread_create(&thread, NULL, shard_run, b) == 0;
	shard_run(a);
	if (beside)
		pthread_join(thread, NULL);
	else
		shard_run(b);
	for (size_t i = 0; b->lanes > 0 && i < a->grad.count; i++)
		a->grad.data[i] += b->grad.data[i];
}

/* `at`: epochs done, with their fractions. */
static float rate_at(const struct train_settings *s, double at)
{
	double rise = fmin((double)s->warmup, s->epochs / 4.0);
	double fall = (at - rise) / (s->epochs - rise);

	if (at < rise)
		return s->rate * (float)(0.01 + 0.99 * at / rise);
	return s->rate * (float)(0.01 + 0.99 * 0.5 * (1 + cos(M_PI * fall)));
}

static void update(struct trainer *r, float rate)
{
	packed_fill(&r->packed, r->net);
	run_shards(r);
	grad_clip(&r->shard[0].grad, (double)r->settings->clip);
	adam_step(&r->adam, r->net, &r->shard[0].grad, rate);
}

/* ---- epochs ---- */

static void begin_epoch(struct trainer *r, struct train_progress *p, int epoch)
{
	p->epoch = epoch;
	p->done = 0;
	r->updates = 0;
	r->loss = r->weight = 0;
	plan_epoch(&r->plan, epoch - 1);
}

/* A view of the trainer; the blocks are its memory. */
static struct train_state view(struct trainer *r)
{
	struct train_state s = {
		.updates = r->updates,
		.loss = r->loss,
		.weight = r->weight,
		.adam_steps = r->adam.steps,
		.block = {{r->net->data, r->net->count}, {r->best.data, r->best.count},
			{r->adam.mean.data, r->adam.mean.count},
			{r->adam.square.data, r->adam.square.count},
			{r->plan.lane_state, (size_t)r->plan.most_lanes * r->plan.state_size}},
	};

	for (int i = 0; i < TRAIN_SHARDS; i++)
		s.dropout[i] = r->shard[i].dropout.state;
	return s;
}

/* `next`: the epoch to go on with; p->epoch where it was stopped within. */
static void keep(struct trainer *r, const struct train_hooks *hooks, const struct train_progress *p,
	int next)
{
	struct train_state s = view(r);

	if (!hooks->keep)
		return;
	s.progress = *p;
	s.progress.epoch = next;
	if (next != p->epoch) {
		s.updates = 0;
		s.loss = s.weight = 0;
	}
	hooks->keep(hooks->context, &s);
}

/* Where the plan of an epoch stands after some updates follows from its seed, but for the memory
 * of its lanes, which came with the state. -EINVAL: no epoch has so many updates. */
static int replay(struct trainer *r, struct train_progress *p, const struct train_state *s)
{
	size_t size = s->block[TRAIN_BLOCKS - 1].count * sizeof(float);
	float *memory = malloc(size);
	bool good = true;

	if (!memory)
		return -ENOMEM;
	memcpy(memory, r->plan.lane_state, size);
	begin_epoch(r, p, p->epoch);
	while (good && r->updates < s->updates) {
		good = plan_next(&r->plan) != NULL;
		r->updates++;
	}
	memcpy(r->plan.lane_state, memory, size);
	free(memory);
	p->done = r->plan.singles_done + r->plan.stream_done;
	r->loss = s->loss;
	r->weight = s->weight;
	return good ? 0 : -EINVAL;
}

/* `next` becomes the epoch to go on with. */
static int restore(struct trainer *r, const struct train_hooks *hooks, struct train_progress *p,
	int *next, struct error *e)
{
	struct train_state s = view(r);
	int err = 0;

	if (!hooks->restore)
		return 0;
	s.progress = *p;
	err = hooks->restore(hooks->context, &s, e);
	if (err)
		return err;
	*next = s.progress.epoch;
	p->epoch = s.updates ? *next : *next - 1;
	p->loss = s.progress.loss;
	p->metric = s.progress.metric;
	p->best = s.progress.best;
	p->best_epoch = s.progress.best_epoch;
	r->adam.steps = s.adam_steps;
	for (int i = 0; i < TRAIN_SHARDS; i++)
		r->shard[i].dropout.state = s.dropout[i];
	if (s.updates)
		err = replay(r, p, &s);
	if (err == -EINVAL)
		return error_set(e, err,
			"the checkpoint does not fit the data; leave --resume out to begin anew");
	return err ? error_set(e, err, "not enough memory to train; take a smaller --batch") : 0;
}

static bool stopped(const struct train_hooks *h)
{
	return h->stop && *h->stop;
}

static int run_epoch(struct trainer *r, const struct train_hooks *hooks, struct train_progress *p,
	struct error *e)
{
	while (!stopped(hooks) && (r->update = plan_next(&r->plan))) {
		double at = p->epoch - 1 + (double)p->done / (double)p->rows;

		update(r, rate_at(r->settings, at));
		r->updates++;
		r->loss += r->shard[0].loss + r->shard[1].loss;
		r->weight += r->shard[0].weight + r->shard[1].weight;
		p->done = r->plan.singles_done + r->plan.stream_done;
		p->loss = r->weight > 0 ? r->loss / r->weight : 0;
		if (!isfinite(r->loss))
			return error_set(e, -EDOM,
				"the loss is no number any more in epoch %d; take a lower learning "
				"rate (--lr)",
				p->epoch);
		if (hooks->progress)
			hooks->progress(hooks->context, p);
	}
	return 0;
}

static bool all_finite(const struct lstm *net)
{
	for (size_t i = 0; i < net->count; i++)
		if (!isfinite(net->data[i]))
			return false;
	return true;
}

static int judge(struct trainer *r, const struct train_hooks *hooks, struct train_progress *p,
	struct error *e)
{
	/* The last update's step is in no loss yet. */
	if (!all_finite(r->net))
		return error_set(e, -EDOM,
			"the weights are no numbers any more in epoch %d; take a lower learning "
			"rate (--lr)",
			p->epoch);
	if (hooks->validate)
		p->metric = hooks->validate(hooks->context, r->net);
	if (hooks->validate && isnan(p->metric))
		return -EDOM; /* the hook knows why */
	if (p->best_epoch == 0 || p->metric > p->best || r->settings->patience == 0) {
		p->best = p->metric;
		p->best_epoch = p->epoch;
		memcpy(r->best.data, r->net->data, r->net->count * sizeof(*r->net->data));
	}
	p->epoch_over = true;
	if (hooks->progress)
		hooks->progress(hooks->context, p);
	p->epoch_over = false;
	return 0;
}

static bool enough(const struct trainer *r, const struct train_progress *p, int next)
{
	int patience = r->settings->patience;

	return next > p->epochs ||
	       (patience && p->best_epoch && next - 1 - p->best_epoch >= patience);
}

/* From epoch `next` on, or within it where p->epoch says that it has begun. */
static int run(struct trainer *r, const struct train_hooks *hooks, struct train_progress *p,
	int next, struct error *e)
{
	while (!enough(r, p, next) && !(stopped(hooks) && p->best_epoch)) {
		int err;

		if (p->epoch != next)
			begin_epoch(r, p, next);
		err = run_epoch(r, hooks, p, e);
		if (!err && stopped(hooks))
			keep(r, hooks, p, next);
		/* A part of an epoch counts only where there is nothing better to leave. */
		if (!err && (!stopped(hooks) || p->best_epoch == 0))
			err = judge(r, hooks, p, e);
		if (err)
			return err;
		if (stopped(hooks))
			break;
		keep(r, hooks, p, ++next);
	}
	memcpy(r->net->data, r->best.data, r->net->count * sizeof(*r->net->data));
	return 0;
}

/* ---- memory ---- */

static int shard_init(struct shard *s, struct trainer *r, uint64_t number)
{
	struct lstm_shape shape = r->net->shape;
	int batch = r->settings->batch;
	/* Half of the lanes, rounded up: never more rows than half a batch and a lane. */
	size_t rows = (size_t)(batch + 1) / 2 + (size_t)r->plan.steps;
	size_t part = r->plan.steps > PART_ROWS ? (size_t)r->plan.steps : PART_ROWS;

	rows = rows < part ? rows : part;

	s->trainer = r;
	s->dropout.state = rng_derive(r->settings->seed, 'd' + number);
	s->input = calloc(rows, sizeof(*s->input));
	s->x = lstm_floats(rows * (size_t)shape.dense);
	s->entry = calloc(rows * (size_t)r->data->entries + 1, sizeof(*s->entry));
	s->logits = lstm_floats(rows * (size_t)shape.classes);
	s->start = calloc(rows, 1);
	if (!s->input || !s->x || !s->entry || !s->logits || !s->start ||
		lstm_init(&s->grad, shape) != 0)
		return -ENOMEM;
	return bptt_init(&s->pass, shape, (int)rows);
}

static int trainer_init(struct trainer *r)
{
	struct lstm_shape shape = r->net->shape;
	const struct train_settings *s = r->settings;
	double weight = 0;
	int err = plan_init(&r->plan, r->data->sequence, r->data->sequences,
		lstm_state_size(r->net), s->batch, s->length, (uint32_t)s->memory,
		(double)s->splice, rng_derive(s->seed, 'p'));

	if (!err)
		err = packed_init(&r->packed, shape);
	if (!err)
		err = adam_init(&r->adam, shape, s->decay);
	if (!err)
		err = lstm_init(&r->best, shape);
	for (int i = 0; !err && i < TRAIN_SHARDS; i++)
		err = shard_init(&r->shard[i], r, (uint64_t)i);
	for (size_t i = 0; i < r->data->sequences; i++)
		for (uint32_t k = 0; k < r->data->sequence[i].length; k++)
			weight += (double)r->data->weight[r->data->sequence[i].first + k];
	r->scale = (float)((double)r->data->rows / (weight * s->batch));
	return err;
}

static void trainer_free(struct trainer *r)
{
	for (int i = 0; i < TRAIN_SHARDS; i++) {
		struct shard *s = &r->shard[i];

		free(s->input);
		free(s->x);
		free(s->entry);
		free(s->logits);
		free(s->start);
		lstm_free(&s->grad);
		bptt_free(&s->pass);
	}
	plan_free(&r->plan);
	packed_free(&r->packed);
	adam_free(&r->adam);
	lstm_free(&r->best);
}

int train(struct lstm *net, const struct train_data *data, const struct train_settings *settings,
	const struct train_hooks *hooks, struct train_progress *last, struct error *e)
{
	struct trainer r = {.net = net, .data = data, .settings = settings};
	int next = 1, err = trainer_init(&r);

	*last = (struct train_progress){
		.epochs = settings->epochs, .rows = r.plan.rows, .metric = NAN, .best = NAN};
	if (err)
		error_set(e, err, "not enough memory to train; take a smaller --batch");
	else
		err = restore(&r, hooks, last, &next, e);
	if (!err)
		err = run(&r, hooks, last, next, e);
	trainer_free(&r);
	return err;
}
