/* karma train: from labelled flow records to a model file. */
#include "cmd/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/dataset.h"
#include "cmd/dataset_weight.h"
#include "cmd/train_log.h"
#include "cmd/train_options.h"
#include "lstm/checkpoint.h"
#include "lstm/loss.h"
#include "lstm/metrics.h"
#include "lstm/model.h"
#include "lstm/train.h"
#include "util/outfile.h"

/* Augmentation of sequences: the network's delay, and rows without what only Karma's form has, as
 * UNSW-NB15's rows are; and the payload's sizes. */
static const double stretch_low = 0.2, stretch_high = 10, drop_share = 0.2, resize = 1.5;
/* Whoever works may be busier than those seen, whoever attacks slower. */
static const double busiest = 6, slowest = 1 / 3.0;

struct session {
	struct train_options options;
	struct dataset data;
	struct encoder encoder;
	bool live_only[FEATURE_MAX]; /* encoder's features that UNSW-NB15's files lack */
	struct model model;
	struct timespec began, shown;
	double before; /* seconds that the run took before it was interrupted */
	bool terminal;
	float *logits;      /* (rows, C) of the validation part, where the rows stand */
	float *probability; /* the same rows, from 0 on */
	float *weight;      /* of them: for how many each counts in the calibration */
	struct metrics metrics;
	struct train_log log;
	char *checkpoint;   /* its file, beside the model's; NULL: none */
	json_t *run;        /* what a checkpoint must have been made with */
	struct model given; /* of --calibration: header NULL without it */
	struct error *e;    /* of a failure within a hook */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* ---- how a model is made ---- */

static json_t *describe_settings(const struct train_options *o, const struct train_progress *last)
{
	const struct train_settings *s = &o->settings;

	return json_pack("{ss sf ss sb si si si si si sf si si sf sf sf sf sf sf sI}", "loss",
		o->cross_entropy ? "ce" : "focal", "gamma", (double)s->loss.gamma, "alpha",
		train_alpha_names[o->alpha], "by_attack", o->by_attack, "epochs", s->epochs,
		"best_epoch", last->best_epoch, "batch", s->batch, "length", s->length, "memory",
		s->memory, "splice", (double)s->splice, "bins", (int)o->bins, "patience",
		s->patience, "blank", o->blank, "lr", (double)s->rate, "weight_decay",
		(double)s->decay, "dropout", (double)s->dropout, "clip", (double)s->clip,
		"validation_share", o->validation, "seed", (json_int_t)s->seed);
}

static const char *rows_form(const struct train_options *o)
{
	return o->as_published ? "as published" : "corrected";
}

/* The settings, but for those that may differ between a model and the one whose calibration it
 * takes, as a file has them. NULL: none. */
static char *comparable(const json_t *settings)
{
	json_t *copy = json_deep_copy(settings);
	char *text;

	json_object_del(copy, "seed");
	json_object_del(copy, "validation_share");
	json_object_del(copy, "best_epoch");
	text = json_dumps(copy, JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
	json_decref(copy);
	return text;
}

/* A calibration fits networks that were made alike. */
static bool same_making(const struct session *s, const struct encoder *other)
{
	const struct train_options *o = &s->options;
	const json_t *header = s->given.header;
	const char *rows = json_string_value(json_object_get(header, "rows"));
	json_t *own = describe_settings(o, &(struct train_progress){0});
	char *a = comparable(own), *b = comparable(json_object_get(header, "settings"));
	bool same = a && b && strcmp(a, b) == 0 && rows && strcmp(rows, rows_form(o)) == 0 &&
		    s->given.net.shape.layers == o->layers &&
		    s->given.net.shape.hidden == o->hidden &&
		    s->given.net.shape.classes == CLASSES &&
		    other->features == s->encoder.features && other->views == s->encoder.views &&
		    memcmp(other->feature, s->encoder.feature,
			    other->features * sizeof(*other->feature)) == 0;

	json_decref(own);
	free(a);
	free(b);
	return same;
}

static int load_calibration(struct session *s, struct error *e)
{
	const char *path = s->options.calibration;
	struct error why = {""};
	struct encoder other;
	int err = model_load(&s->given, path, e);

	if (err)
		return err;
	err = encoder_from_json(&other, json_object_get(s->given.header, "input"), &why);
	if (err)
		return error_set(e, err, "%s: %s", path, why.text);
	if (!same_making(s, &other))
		return error_set(e, -EINVAL,
			"%s: made with other options, so that its calibration does not fit; take a "
			"model that differs in its data and --seed alone",
			path);
	if (!json_is_object(json_object_get(s->given.header, "scores")) ||
		!json_is_object(json_object_get(s->given.header, "thresholds")) ||
		!json_is_array(json_object_get(s->given.header, "data")))
		return error_set(e, -EINVAL,
			"%s: it lacks its scores or thresholds; take a model that some rows "
			"validated",
			path);
	return 0;
}

/* ---- data ---- */

/* "DATA.csv" or "DATA.csv:WEIGHT"; a file of that whole name goes first. */
static int add_file(struct session *s, const char *argument, struct error *e)
{
	const char *colon = strrchr(argument, ':');
	double weight = 1;
	char *path;
	int err;

	if (!colon || access(argument, F_OK) == 0)
		return dataset_add(&s->data, argument, 1, s->options.as_published, e);
	if (!train_read_number(colon + 1, 1e-6, 1e6, &weight))
		return error_set(e, -EINVAL,
			"%s: no such file; a weight behind a colon is a number from 1e-6 to 1e6",
			argument);
	path = strndup(argument, (size_t)(colon - argument));
	if (!path)
		return error_set(e, -ENOMEM, "not enough memory");
	err = dataset_add(&s->data, path, (float)weight, s->options.as_published, e);
	free(path);
	return err;
}

/* What validates; with --calibration nothing does. */
static int set_aside(struct session *s, struct error *e)
{
	const struct train_options *o = &s->options;

	if (o->calibration)
		return 0;
	if (o->validate)
		return dataset_add_validation(&s->data, o->validate, o->as_published, e);
	return dataset_split(
		&s->data, &s->encoder, o->validation, rng_derive(o->settings.seed, 's'), e);
}

static int load_data(struct session *s, char **files, int count, struct error *e)
{
	struct train_options *o = &s->options;
	int err = outfile_check(o->out, e); /* better told now than after an hour */

	encoder_init(&s->encoder, o->as_published ? SET_PUBLISHED : SET_LIVE);
	if (!err)
		err = train_log_open(&s->log, o->log, e);
	if (!err && o->features)
		err = encoder_choose(&s->encoder, o->features, e);
	s->data.single = o->settings.memory == 1;
	s->data.views = !s->data.single && !o->one_view;
	s->data.by_attack = o->by_attack;
	for (int i = 0; i < count && !err; i++)
		err = add_file(s, files[i], e);
	/* Without a host's second row there is no memory to be learnt. */
	if (s->data.sequences == s->data.rows) {
		o->settings.memory = 1;
		s->data.single = true;
		dataset_drop_target_view(&s->data);
		s->data.views = false;
	}
	if (s->data.rows > s->data.records)
		encoder_show_views(&s->encoder);
	if (!err && o->calibration)
		err = load_calibration(s, e);
	if (!err)
		err = set_aside(s, e);
	if (!err)
		err = dataset_check(&s->data, !o->calibration, e);
	if (err)
		return err;
	if (encoder_fit(&s->encoder, s->data.row, s->data.training_rows, o->bins) != 0)
		return error_set(e, -ENOMEM, "not enough memory to fit the inputs");
	for (unsigned k = 0; k < s->encoder.features; k++)
		s->live_only[k] = !(features[s->encoder.feature[k]].sets & SET_PUBLISHED);
	return 0;
}

/* Rare classes count more: by 1 / share of the labelled rows, or its root; 1 on average. */
static void weigh_classes(struct session *s)
{
	size_t count[CLASSES];
	double power = s->options.alpha == ALPHA_NONE   ? 0
		       : s->options.alpha == ALPHA_ROOT ? 0.5
							: 1;
	double sum = 0, rows = 0;

	dataset_count_learnt(&s->data, count);
	for (int c = 0; c < CLASSES; c++)
		rows += (double)count[c];
	for (int c = 0; c < CLASSES; c++)
		if (count[c])
			sum += (double)count[c] * pow(rows / (double)count[c], power);
	for (int c = 0; c < CLASSES; c++)
		s->options.settings.loss.alpha[c] =
			count[c] ? (float)(pow(rows / (double)count[c], power) * rows / sum) : 1;
}

/* An input row, varied by what `draw` says for its sequence. */
static int input(void *context, size_t at, uint64_t draw, float *x, struct lstm_entry *entry)
{
	const struct session *s = context;
	const struct row *row = &s->data.row[at];
	struct rng rng = {draw};
	bool blank[FEATURE_MAX];
	struct row varied;
	double factor;

	for (unsigned k = 0; k < s->encoder.features; k++)
		blank[k] = s->options.blank > 0 && rng_uniform(&rng) < s->options.blank;
	if (!row_has_actor(row))
		return encoder_apply(&s->encoder, row, blank, x, entry);
	varied = *row;
	factor = stretch_low * pow(stretch_high / stretch_low, rng_uniform(&rng));
	row_stretch(&varied, factor);
	row_resize(&varied, pow(resize, 2 * rng_uniform(&rng) - 1));
	row_busy(&varied, pow(row->label > CLASS_NORMAL ? slowest : busiest, rng_uniform(&rng)));
	if (rng_uniform(&rng) < drop_share)
		for (unsigned k = 0; k < s->encoder.features; k++)
			blank[k] |= s->live_only[k];
	return encoder_apply(&s->encoder, &varied, blank, x, entry);
}

static const float *target(void *context, size_t at)
{
	const struct session *s = context;

	return s->data.row[at].soft ? s->data.row[at].probability : NULL;
}

/* ---- validation and progress ---- */

/* Detection at 1 % false positives and the naming of classes, half and half. */
static double score(const struct metrics *m)
{
	return (m->binary.tpr[0] + m->macro_f1) / 2;
}

/* Metrics of the validation part. */
static int measure(struct session *s, const struct lstm *net, const struct calibration *calibration)
{
	const struct dataset *d = &s->data;
	size_t rows = d->rows - d->training_rows;

	for (size_t r = 0; r < rows; r++)
		calibration_apply(calibration, s->logits + (d->training_rows + r) * CLASSES,
			net->shape.classes, s->probability + r * CLASSES);
	return metrics_compute(
		&s->metrics, s->probability, d->label + d->training_rows, rows, CLASSES, s->e);
}

static double validate(void *context, const struct lstm *net)
{
	struct session *s = context;
	const struct dataset *d = &s->data;

	if (dataset_judge(d, &s->encoder, net, NULL, d->training, d->sequences, s->logits, s->e) !=
			0 ||
		measure(s, net, &calibration_none) != 0)
		return NAN;
	return score(&s->metrics);
}

static double seconds_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) * 1e-9;
}

static void show_bar(const struct session *s, const struct train_progress *p)
{
	enum { WIDTH = 24 };
	double part = (double)p->done / (double)p->rows;
	double whole = (p->epoch - 1 + part) / p->epochs;
	int left = (int)(seconds_since(&s->began) * (1 - whole) / (whole > 0 ? whole : 1));
	char bar[WIDTH + 1];

	memset(bar, '-', WIDTH);
	memset(bar, '#', (size_t)(whole * WIDTH));
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r[%s] epoch %d/%d  loss %.4f", bar, p->epoch, p->epochs, p->loss);
	if (!isnan(p->metric))
		fprintf(stderr, "  score %.4f (best %.4f in %d)", p->metric, p->best,
			p->best_epoch);
	fprintf(stderr, "  %d:%02d left\033[K", left / 60, left % 60);
}

static void show_line(const struct session *s, const struct train_progress *p)
{
	const struct metrics *m = &s->metrics;

	if (isnan(p->metric)) {
		fprintf(stderr, "epoch %d/%d  loss %.4f  %.0f s\n", p->epoch, p->epochs, p->loss,
			seconds_since(&s->began));
		return;
	}
	fprintf(stderr,
		"epoch %d/%d  loss %.4f  validation: score %.4f%s, detection at 1%% false "
		"positives %.4f, macro-F1 %.4f, accuracy %.4f  %.0f s\n",
		p->epoch, p->epochs, p->loss, p->metric, p->best_epoch == p->epoch ? " (best)" : "",
		m->binary.tpr[0], m->macro_f1, m->accuracy, seconds_since(&s->began));
}

static void progress(void *context, const struct train_progress *p)
{
	struct session *s = context;

	if (p->epoch_over && s->terminal)
		fputs("\r\033[K", stderr);
	if (p->epoch_over) {
		show_line(s, p);
		train_log_add(&s->log, p, &s->metrics, s->before + seconds_since(&s->began));
	}
	if (!p->epoch_over && s->terminal && seconds_since(&s->shown) > 0.1) {
		clock_gettime(CLOCK_MONOTONIC, &s->shown);
		show_bar(s, p);
	}
}

/* ---- the model ---- */

static json_t *describe_classes(void)
{
	json_t *names = json_array();

	for (int c = 0; c < CLASSES; c++)
		json_array_append_new(names, json_string(class_name(c)));
	return names;
}

/* What is known of the model before it is scored. No date and no path: the same data, settings and
 * seed give the same bytes. */
static json_t *describe(const struct session *s, const struct train_progress *last)
{
	/* Rows that weigh more than others in training are held for as many times likelier. */
	json_t *detection = s->options.by_attack
				    ? json_pack("{sf}", "margin", 1 + log(dataset_heaviest))
				    : NULL;

	return json_pack("{so so ss so sO so so*}", "classes", describe_classes(), "input",
		encoder_to_json(&s->encoder), "rows", rows_form(&s->options), "settings",
		describe_settings(&s->options, last), "data", s->data.description, "epochs",
		train_log_describe(&s->log), "detection", detection);
}

/* What the rows that validated say. */
static void describe_scores(struct session *s)
{
	const char *names[CLASSES];
	json_t *header = s->model.header;

	for (int c = 0; c < CLASSES; c++)
		names[c] = class_name(c);
	json_object_set_new(header, "scores", metrics_to_json(&s->metrics, names));
	json_object_set_new(header, "thresholds",
		json_pack("{sf sf}", "fpr_1e-2", s->metrics.binary.threshold[0], "fpr_1e-3",
			s->metrics.binary.threshold[1]));
}

/* The rest of the header where nothing validated: whose calibration it is, and what that was
 * scored with. */
static void take_calibration(struct session *s)
{
	const json_t *given = s->given.header;
	const char *path = s->options.calibration, *slash = strrchr(path, '/');

	s->model.calibration = s->given.calibration;
	json_object_set(s->model.header, "thresholds", json_object_get(given, "thresholds"));
	json_object_set_new(s->model.header, "calibration",
		json_pack("{ss sO sO}", "model", slash ? slash + 1 : path, "data",
			json_object_get(given, "data"), "scores",
			json_object_get(given, "scores")));
}

/* Calibrate the trained network on the validation part and score it there. */
static int calibrate(struct session *s, struct error *e)
{
	const struct dataset *d = &s->data;
	struct model *m = &s->model;
	/* What the target's view says of what validates is among the training sequences. */
	int err = dataset_judge(d, &s->encoder, &m->net, NULL, s->encoder.views ? 0 : d->training,
		d->sequences, s->logits, e);

	if (!err)
		err = dataset_join_views(d, CLASSES, s->logits, e);
	if (err)
		return err;
	weigh_hosts(d, d->training, s->weight);
	m->calibration = calibration_fit(
		&(struct calibration_rows){s->logits + d->training_rows * CLASSES,
			d->label + d->training_rows, s->options.by_attack ? s->weight : NULL,
			d->rows - d->training_rows, CLASSES},
		s->options.alpha != ALPHA_NONE);
	err = measure(s, &m->net, &m->calibration);
	if (!err)
		describe_scores(s);
	return err;
}

static int finish(struct session *s, const struct train_progress *last, struct error *e)
{
	s->model.header = describe(s, last);
	if (!s->model.header)
		return error_set(e, -ENOMEM, "not enough memory for the model's header");
	if (!s->options.calibration)
		return calibrate(s, e);
	take_calibration(s);
	return 0;
}

/* ---- to stop and to go on ---- */

/* What decides what the training will do. */
static json_t *describe_run(const struct session *s)
{
	return json_pack("{so sO ss so s{si si}}", "input", encoder_to_json(&s->encoder), "data",
		s->data.description, "rows", rows_form(&s->options), "settings",
		describe_settings(&s->options, &(struct train_progress){0}), "network", "layers",
		s->options.layers, "hidden", s->options.hidden);
}

/* A training that takes hours does not end for want of a checkpoint. */
static void keep(void *context, const struct train_state *state)
{
	struct session *s = context;
	struct error e = {""};

	if (!s->checkpoint || checkpoint_save(s->checkpoint, state, s->run, s->log.epochs, &e) == 0)
		return;
	fprintf(stderr, "karma train: %s; it goes on without a checkpoint\n", e.text);
	free(s->checkpoint);
	s->checkpoint = NULL;
}

static int restore(void *context, struct train_state *state, struct error *e)
{
	struct session *s = context;
	json_t *epochs, *last;
	int err = checkpoint_load(s->checkpoint, state, s->run, &epochs, e);

	if (err)
		return err;
	last = json_array_get(epochs, json_array_size(epochs) - 1);
	s->before = json_number_value(json_object_get(last, "seconds"));
	train_log_begin(&s->log, epochs);
	fprintf(stderr, "%s: goes on in epoch %d, after %" PRIu64 " updates of it\n", s->checkpoint,
		state->progress.epoch, state->updates);
	return 0;
}

static int prepare_checkpoint(struct session *s, struct error *e)
{
	const char *out = s->options.out;

	s->run = describe_run(s);
	if (!s->run ||
		(strcmp(out, "-") != 0 && asprintf(&s->checkpoint, "%s.checkpoint", out) < 0))
		return error_set(e, -ENOMEM, "not enough memory");
	return 0;
}

static int train_model(struct session *s, struct train_progress *last, struct error *e)
{
	struct train_options *o = &s->options;
	struct dataset *d = &s->data;
	struct train_data data = {d->training_rows, d->label, d->weight, target, d->sequence,
		d->training, ENCODER_ENTRIES, input, s};
	struct train_hooks hooks = {o->calibration ? NULL : validate, progress, keep,
		s->options.resume ? restore : NULL, s, &interrupted};
	struct lstm_shape shape = {
		(int)s->encoder.inputs, (int)s->encoder.dense, o->layers, o->hidden, CLASSES};
	int err = lstm_init(&s->model.net, shape);

	s->logits = lstm_floats(d->rows * CLASSES);
	s->probability = lstm_floats((d->rows - d->training_rows + 1) * CLASSES);
	s->weight = lstm_floats(d->rows - d->training_rows + 1);
	if (!err && (!s->logits || !s->probability || !s->weight))
		err = -ENOMEM;
	if (err)
		return error_set(e, err, "not enough memory to train");
	err = prepare_checkpoint(s, e);
	if (err)
		return err;
	if (!o->resume)
		train_log_begin(&s->log, NULL);
	weigh_classes(s);
	train_init_weights(&s->model.net, o->settings.seed);
	s->terminal = isatty(STDERR_FILENO);
	s->e = e;
	clock_gettime(CLOCK_MONOTONIC, &s->began);
	fprintf(stderr,
		"%zu rows to learn from%s, %zu to validate with; %u inputs, %d x %d cells\n",
		d->records - (d->rows - d->training_rows), s->encoder.views ? " in both views" : "",
		d->rows - d->training_rows, s->encoder.inputs, o->layers, o->hidden);
	for (int i = 0; i < 2; i++)
		sigaction(i ? SIGTERM : SIGINT,
			&(struct sigaction){.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND},
			NULL);
	return train(&s->model.net, &data, &o->settings, &hooks, last, e);
}

static void report_scores(const struct session *s, const struct train_progress *last)
{
	const struct metrics *m = &s->metrics;

	fprintf(stderr,
		"%s: best in epoch %d (of %d%s); validation: accuracy %.4f, macro-F1 %.4f, "
		"detection %.4f at 1%% and %.4f at 0.1%% false positives; attack by %.3f z %+.3f, "
		"which by temperature %.3f\n",
		s->options.out, last->best_epoch, last->epoch, interrupted ? ", interrupted" : "",
		m->accuracy, m->macro_f1, m->binary.tpr[0], m->binary.tpr[1],
		(double)s->model.calibration.slope, (double)s->model.calibration.offset,
		(double)s->model.calibration.temperature);
}

static void report(const struct session *s, const struct train_progress *last)
{
	if (s->options.calibration)
		fprintf(stderr, "%s: %d epochs%s on all rows; calibration of %s\n", s->options.out,
			last->best_epoch, interrupted ? ", interrupted," : "",
			s->options.calibration);
	else
		report_scores(s, last);
	if (!s->options.json)
		return;
	json_dumpf(
		s->model.header, stdout, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
	putchar('\n');
}

int cmd_train(int argc, char **argv)
{
	struct session *s = calloc(1, sizeof(*s));
	struct train_progress last = {0};
	struct error e = {""};
	int err, status;

	if (!s)
		return fail("train", "not enough memory");
	status = train_options_read(&s->options, argc, argv);
	if (status != EXIT_DONE)
		goto out;
	err = load_data(s, argv + optind, argc - optind, &e);
	if (!err)
		err = train_model(s, &last, &e);
	if (!err)
		err = finish(s, &last, &e);
	if (!err)
		err = model_save(&s->model, s->options.out, &e);
	if (err) {
		status = fail("train", e.text);
		goto out;
	}
	report(s, &last);
	if (s->checkpoint && !interrupted)
		unlink(s->checkpoint);
out:
	if (train_log_close(&s->log, &e) != 0)
		status = fail("train", e.text);
	model_free(&s->model);
	model_free(&s->given);
	dataset_free(&s->data);
	json_decref(s->run);
	free(s->checkpoint);
	free(s->logits);
	free(s->probability);
	free(s->weight);
	free(s);
	return status;
}
