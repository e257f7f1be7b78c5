/* karma train: from labelled flow records to a model file. */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/dataset.h"
#include "cmd/train_log.h"
#include "lstm/checkpoint.h"
#include "lstm/loss.h"
#include "lstm/metrics.h"
#include "lstm/model.h"
#include "lstm/train.h"
#include "util/outfile.h"

enum alpha { ALPHA_NONE, ALPHA_ROOT, ALPHA_BALANCED };
static const char *const alpha_names[] = {"none", "root", "balanced"};

/* Augmentation of sequences: the network's delay, and rows without what only Karma's form has, as
 * UNSW-NB15's rows are; and the payload's sizes. */
static const double stretch_low = 0.2, stretch_high = 10, drop_share = 0.2, resize = 1.5;

struct options {
	const char *out;
	struct train_settings settings;
	int layers, hidden;
	enum alpha alpha;
	float gamma; /* of the focal loss */
	unsigned bins;
	double validation;    /* share of the data */
	double blank;         /* share of the features that a row is shown without */
	const char *features; /* NULL: those of the rows' form */
	bool cross_entropy, by_attack, as_published, json, resume;
	const char *log;
};

struct session {
	struct options options;
	struct dataset data;
	struct encoder encoder;
	bool live_only[FEATURE_MAX]; /* encoder's features that UNSW-NB15's files lack */
	struct model model;
	struct timespec began, shown;
	double before; /* seconds that the run took before it was interrupted */
	bool terminal;
	float *logits;      /* (rows, C) of the validation part, where the rows stand */
	float *probability; /* the same rows, from 0 on */
	struct metrics metrics;
	struct train_log log;
	char *checkpoint; /* its file, beside the model's; NULL: none */
	json_t *run;      /* what a checkpoint must have been made with */
	struct error *e;  /* of a failure within a hook */
};

static const uint8_t nobody[16];
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* ---- options ---- */

static bool read_number(const char *text, double low, double high, double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && *value >= low && *value <= high;
}

enum {
	OPT_LOSS = 256,
	OPT_GAMMA,
	OPT_ALPHA,
	OPT_EPOCHS,
	OPT_SEED,
	OPT_LAYERS,
	OPT_HIDDEN,
	OPT_LENGTH,
	OPT_MEMORY,
	OPT_SPLICE,
	OPT_BATCH,
	OPT_DROPOUT,
	OPT_LR,
	OPT_VALIDATION,
	OPT_PATIENCE,
	OPT_BLANK,
	OPT_DECAY,
	OPT_BINS,
	OPT_FEATURES,
	OPT_BY_ATTACK,
	OPT_AS_PUBLISHED,
	OPT_JSON,
	OPT_LOG,
	OPT_RESUME,
};

static const struct option long_options[] = {
	{"loss", required_argument, NULL, OPT_LOSS},
	{"gamma", required_argument, NULL, OPT_GAMMA},
	{"alpha", required_argument, NULL, OPT_ALPHA},
	{"epochs", required_argument, NULL, OPT_EPOCHS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"layers", required_argument, NULL, OPT_LAYERS},
	{"hidden", required_argument, NULL, OPT_HIDDEN},
	{"length", required_argument, NULL, OPT_LENGTH},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"splice", required_argument, NULL, OPT_SPLICE},
	{"batch", required_argument, NULL, OPT_BATCH},
	{"dropout", required_argument, NULL, OPT_DROPOUT},
	{"validation", required_argument, NULL, OPT_VALIDATION},
	{"patience", required_argument, NULL, OPT_PATIENCE},
	{"blank", required_argument, NULL, OPT_BLANK},
	{"lr", required_argument, NULL, OPT_LR},
	{"decay", required_argument, NULL, OPT_DECAY},
	{"bins", required_argument, NULL, OPT_BINS},
	{"features", required_argument, NULL, OPT_FEATURES},
	{"by-attack", no_argument, NULL, OPT_BY_ATTACK},
	{"as-published", no_argument, NULL, OPT_AS_PUBLISHED},
	{"json", no_argument, NULL, OPT_JSON},
	{"log", required_argument, NULL, OPT_LOG},
	{"resume", no_argument, NULL, OPT_RESUME},
	{NULL, 0, NULL, 0},
};

/* The options that are numbers, and their limits. */
static const struct {
	int option;
	const char *name;
	double low, high;
} numbers[] = {
	{OPT_GAMMA, "gamma", 0, 10},
	{OPT_EPOCHS, "epochs", 1, 10000},
	{OPT_SEED, "seed", 0, 0x1p53},
	{OPT_LAYERS, "layers", 1, LSTM_MAX_LAYERS},
	{OPT_HIDDEN, "hidden", 1, LSTM_MAX_HIDDEN},
	{OPT_LENGTH, "length", 1, 1024},
	{OPT_MEMORY, "memory", 1, 65536},
	{OPT_SPLICE, "splice", 0, 1},
	{OPT_BATCH, "batch", 1, 65536},
	{OPT_DROPOUT, "dropout", 0, 0.9},
	{OPT_VALIDATION, "validation", 0.01, 0.5},
	{OPT_PATIENCE, "patience", 0, 10000},
	{OPT_BLANK, "blank", 0, 0.9},
	{OPT_LR, "lr", 1e-8, 1},
	{OPT_DECAY, "decay", 0, 10},
	{OPT_BINS, "bins", 0, ENCODER_BINS},
};

static int number_option(struct options *o, int option, const char *text)
{
	struct train_settings *s = &o->settings;
	double value;
	size_t i = 0;

	while (numbers[i].option != option)
		i++;
	if (!read_number(text, numbers[i].low, numbers[i].high, &value))
		return usage_error("train", "--%s takes a number from %g to %g, not '%s'",
			numbers[i].name, numbers[i].low, numbers[i].high, text);
	if (option != OPT_GAMMA && option != OPT_DROPOUT && option != OPT_LR &&
		option != OPT_DECAY && option != OPT_BLANK && option != OPT_VALIDATION &&
		option != OPT_SPLICE && value != floor(value))
		return usage_error(
			"train", "--%s takes a whole number, not '%s'", numbers[i].name, text);
	switch (option) {
	case OPT_GAMMA:
		o->gamma = (float)value;
		break;
	case OPT_EPOCHS:
		s->epochs = (int)value;
		break;
	case OPT_SEED:
		s->seed = (uint64_t)value;
		break;
	case OPT_LAYERS:
		o->layers = (int)value;
		break;
	case OPT_HIDDEN:
		o->hidden = (int)value;
		break;
	case OPT_LENGTH:
		s->length = (int)value;
		break;
	case OPT_MEMORY:
		s->memory = (int)value;
		break;
	case OPT_SPLICE:
		s->splice = (float)value;
		break;
	case OPT_BATCH:
		s->batch = (int)value;
		break;
	case OPT_DROPOUT:
		s->dropout = (float)value;
		break;
	case OPT_VALIDATION:
		o->validation = value;
		break;
	case OPT_PATIENCE:
		s->patience = (int)value;
		break;
	case OPT_BLANK:
		o->blank = value;
		break;
	case OPT_DECAY:
		s->decay = (float)value;
		break;
	case OPT_BINS:
		o->bins = (unsigned)value;
		break;
	default:
		s->rate = (float)value;
	}
	return EXIT_DONE;
}

static int word_option(struct options *o, int option, const char *text)
{
	if (option == OPT_LOSS) {
		o->cross_entropy = strcmp(text, "ce") == 0;
		if (!o->cross_entropy && strcmp(text, "focal") != 0)
			return usage_error("train", "--loss is focal or ce, not '%s'", text);
		return EXIT_DONE;
	}
	for (int a = ALPHA_NONE; a <= ALPHA_BALANCED; a++)
		if (strcmp(text, alpha_names[a]) == 0) {
			o->alpha = (enum alpha)a;
			return EXIT_DONE;
		}
	return usage_error("train", "--alpha is none, root or balanced, not '%s'", text);
}

static int read_options(struct options *o, int argc, char **argv)
{
	int option, status;

	*o = (struct options){.settings = train_defaults,
		.gamma = 2,
		.layers = 2,
		.hidden = 128,
		.bins = 64,
		.validation = 0.05,
		.blank = 0.1,
		.cross_entropy = true};
	opterr = 0;
	while ((option = getopt_long(argc, argv, "o:", long_options, NULL)) != -1) {
		status = EXIT_DONE;
		switch (option) {
		case 'o':
			o->out = optarg;
			break;
		case OPT_LOSS:
		case OPT_ALPHA:
			status = word_option(o, option, optarg);
			break;
		case OPT_FEATURES:
			o->features = optarg;
			break;
		case OPT_BY_ATTACK:
			o->by_attack = true;
			break;
		case OPT_AS_PUBLISHED:
			o->as_published = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_LOG:
			o->log = optarg;
			break;
		case OPT_RESUME:
			o->resume = true;
			break;
		case '?':
			return usage_error(
				"train", "'%s' is no option or lacks its value", argv[optind - 1]);
		default:
			status = number_option(o, option, optarg);
		}
		if (status != EXIT_DONE)
			return status;
	}
	o->settings.loss.gamma = o->cross_entropy ? 0 : o->gamma;
	if (optind == argc)
		return usage_error("train", "no data; give CSV files with labelled flow records");
	if (!o->out)
		return usage_error("train", "no model file to write; name it with -o");
	if (o->json && strcmp(o->out, "-") == 0)
		return usage_error("train", "-o - and --json both want standard output");
	if (o->resume && strcmp(o->out, "-") == 0)
		return usage_error(
			"train", "--resume goes by the model file's name; give one with -o");
	return EXIT_DONE;
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
	if (!read_number(colon + 1, 1e-6, 1e6, &weight))
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

/* Better told now than after an hour. */
static int check_output(const char *path, struct error *e)
{
	struct outfile f;
	int err = outfile_open(&f, path, e);

	if (!err)
		outfile_abort(&f);
	return err;
}

static int load_data(struct session *s, char **files, int count, struct error *e)
{
	struct options *o = &s->options;
	int err = check_output(o->out, e);

	encoder_init(&s->encoder, o->as_published ? SET_PUBLISHED : SET_LIVE);
	if (!err)
		err = train_log_open(&s->log, o->log, e);
	if (!err && o->features)
		err = encoder_choose(&s->encoder, o->features, e);
	s->data.single = o->settings.memory == 1;
	s->data.by_attack = o->by_attack;
	for (int i = 0; i < count && !err; i++)
		err = add_file(s, files[i], e);
	if (err)
		return err;
	/* Without a host's second row there is no memory to be learnt. */
	if (s->data.sequences == s->data.rows)
		o->settings.memory = 1;
	err = dataset_split(
		&s->data, &s->encoder, o->validation, rng_derive(o->settings.seed, 's'), e);
	if (err)
		return err;
	err = dataset_check(&s->data, e);
	if (err)
		return err;
	if (encoder_fit(&s->encoder, s->data.row, s->data.training_rows, o->bins) != 0)
		return error_set(e, -ENOMEM, "not enough memory to fit the inputs");
	for (unsigned k = 0; k < s->encoder.features; k++)
		s->live_only[k] = !(features[s->encoder.feature[k]].sets & SET_PUBLISHED);
	return 0;
}

/* Rare classes count more: by 1 / share of the rows, or its root; 1 on average. */
static void weigh_classes(struct session *s)
{
	size_t count[CLASSES];
	double power = s->options.alpha == ALPHA_NONE   ? 0
		       : s->options.alpha == ALPHA_ROOT ? 0.5
							: 1;
	double sum = 0, rows = (double)s->data.training_rows;

	dataset_count(s->data.label, s->data.training_rows, count);
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
	if (memcmp(row->actor, nobody, sizeof(nobody)) == 0)
		return encoder_apply(&s->encoder, row, blank, x, entry);
	varied = *row;
	factor = stretch_low * pow(stretch_high / stretch_low, rng_uniform(&rng));
	row_stretch(&varied, factor);
	row_resize(&varied, pow(resize, 2 * rng_uniform(&rng) - 1));
	if (rng_uniform(&rng) < drop_share)
		for (unsigned k = 0; k < s->encoder.features; k++)
			blank[k] |= s->live_only[k];
	return encoder_apply(&s->encoder, &varied, blank, x, entry);
}

/* ---- validation and progress ---- */

/* Detection at 1 % false positives and the naming of classes, half and half. */
static double score(const struct metrics *m)
{
	return (m->binary.tpr[0] + m->macro_f1) / 2;
}

/* Metrics of the validation part with probabilities at `temperature`. */
static int measure(struct session *s, const struct lstm *net, float temperature)
{
	const struct dataset *d = &s->data;
	size_t rows = d->rows - d->training_rows;

	for (size_t r = 0; r < rows; r++)
		lstm_softmax(s->logits + (d->training_rows + r) * CLASSES, net->shape.classes,
			temperature, s->probability + r * CLASSES);
	return metrics_compute(
		&s->metrics, s->probability, d->label + d->training_rows, rows, CLASSES, s->e);
}

static double validate(void *context, const struct lstm *net)
{
	struct session *s = context;
	const struct dataset *d = &s->data;

	if (dataset_judge(d, &s->encoder, net, NULL, d->training, d->sequences, s->logits, s->e) !=
			0 ||
		measure(s, net, 1) != 0)
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
	if (p->best_epoch)
		fprintf(stderr, "  score %.4f (best %.4f in %d)", p->metric, p->best,
			p->best_epoch);
	fprintf(stderr, "  %d:%02d left\033[K", left / 60, left % 60);
}

static void show_line(const struct session *s, const struct train_progress *p)
{
	const struct metrics *m = &s->metrics;

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

static json_t *describe_settings(const struct options *o, const struct train_progress *last)
{
	const struct train_settings *s = &o->settings;

	return json_pack("{ss sf ss sb si si si si si sf si si sf sf sf sf sf sf sI}", "loss",
		o->cross_entropy ? "ce" : "focal", "gamma", (double)s->loss.gamma, "alpha",
		alpha_names[o->alpha], "by_attack", o->by_attack, "epochs", s->epochs, "best_epoch",
		last->best_epoch, "batch", s->batch, "length", s->length, "memory", s->memory,
		"splice", (double)s->splice, "bins", (int)o->bins, "patience", s->patience, "blank",
		o->blank, "lr", (double)s->rate, "weight_decay", (double)s->decay, "dropout",
		(double)s->dropout, "clip", (double)s->clip, "validation_share", o->validation,
		"seed", (json_int_t)s->seed);
}

static json_t *describe_classes(void)
{
	json_t *names = json_array();

	for (int c = 0; c < CLASSES; c++)
		json_array_append_new(names, json_string(class_name(c)));
	return names;
}

/* Everything about the model but its weights. No date and no path: the same data, settings and seed
 * give the same bytes. */
static json_t *describe(const struct session *s, const struct train_progress *last)
{
	const char *names[CLASSES];

	for (int c = 0; c < CLASSES; c++)
		names[c] = class_name(c);
	return json_pack("{so so ss so so so so s{sf sf}}", "classes", describe_classes(), "input",
		encoder_to_json(&s->encoder), "rows",
		s->options.as_published ? "as published" : "corrected", "settings",
		describe_settings(&s->options, last), "data", json_incref(s->data.description),
		"epochs", train_log_describe(&s->log), "scores",
		metrics_to_json(&s->metrics, names), "thresholds", "fpr_1e-2",
		s->metrics.binary.threshold[0], "fpr_1e-3", s->metrics.binary.threshold[1]);
}

/* Calibrate the trained network on the validation part, score it there and describe it. */
static int finish(struct session *s, const struct train_progress *last, struct error *e)
{
	const struct dataset *d = &s->data;
	struct model *m = &s->model;
	int err = dataset_judge(
		d, &s->encoder, &m->net, NULL, d->training, d->sequences, s->logits, e);

	if (err)
		return err;
	m->temperature = loss_temperature(s->logits + d->training_rows * CLASSES,
		d->label + d->training_rows, d->rows - d->training_rows, CLASSES);
	err = measure(s, &m->net, m->temperature);
	if (err)
		return err;
	m->header = describe(s, last);
	return m->header ? 0 : error_set(e, -ENOMEM, "not enough memory for the model's header");
}

/* ---- to stop and to go on ---- */

/* What decides what the training will do. */
static json_t *describe_run(const struct session *s)
{
	return json_pack("{so sO ss so s{si si}}", "input", encoder_to_json(&s->encoder), "data",
		s->data.description, "rows", s->options.as_published ? "as published" : "corrected",
		"settings", describe_settings(&s->options, &(struct train_progress){0}), "network",
		"layers", s->options.layers, "hidden", s->options.hidden);
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
	struct options *o = &s->options;
	struct dataset *d = &s->data;
	struct train_data data = {d->training_rows, d->label, d->weight, d->sequence, d->training,
		ENCODER_ENTRIES, input, s};
	struct train_hooks hooks = {
		validate, progress, keep, s->options.resume ? restore : NULL, s, &interrupted};
	struct lstm_shape shape = {
		(int)s->encoder.inputs, (int)s->encoder.dense, o->layers, o->hidden, CLASSES};
	int err = lstm_init(&s->model.net, shape);

	s->logits = lstm_floats(d->rows * CLASSES);
	s->probability = lstm_floats((d->rows - d->training_rows) * CLASSES);
	if (!err && (!s->logits || !s->probability))
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
	fprintf(stderr, "%zu rows to learn from, %zu to validate with; %u inputs, %d x %d cells\n",
		d->training_rows, d->rows - d->training_rows, s->encoder.inputs, o->layers,
		o->hidden);
	for (int i = 0; i < 2; i++)
		sigaction(i ? SIGTERM : SIGINT,
			&(struct sigaction){.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND},
			NULL);
	return train(&s->model.net, &data, &o->settings, &hooks, last, e);
}

static void report(const struct session *s, const struct train_progress *last)
{
	const struct metrics *m = &s->metrics;

	fprintf(stderr,
		"%s: best in epoch %d (of %d%s); validation: accuracy %.4f, macro-F1 %.4f, "
		"detection "
		"%.4f at 1%% and %.4f at 0.1%% false positives; temperature %.3f\n",
		s->options.out, last->best_epoch, last->epoch, interrupted ? ", interrupted" : "",
		m->accuracy, m->macro_f1, m->binary.tpr[0], m->binary.tpr[1],
		(double)s->model.temperature);
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
	status = read_options(&s->options, argc, argv);
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
	dataset_free(&s->data);
	json_decref(s->run);
	free(s->checkpoint);
	free(s->logits);
	free(s->probability);
	free(s);
	return status;
}
