#include "cmd/train_options.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "feature/encode.h"

const char *const train_alpha_names[] = {"none", "root", "balanced"};

bool train_read_number(const char *text, double low, double high, double *value)
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
	OPT_VALIDATE,
	OPT_CALIBRATION,
	OPT_PATIENCE,
	OPT_BLANK,
	OPT_DECAY,
	OPT_BINS,
	OPT_FEATURES,
	OPT_BY_ATTACK,
	OPT_ONE_VIEW,
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
	{"validate", required_argument, NULL, OPT_VALIDATE},
	{"calibration", required_argument, NULL, OPT_CALIBRATION},
	{"patience", required_argument, NULL, OPT_PATIENCE},
	{"blank", required_argument, NULL, OPT_BLANK},
	{"lr", required_argument, NULL, OPT_LR},
	{"decay", required_argument, NULL, OPT_DECAY},
	{"bins", required_argument, NULL, OPT_BINS},
	{"features", required_argument, NULL, OPT_FEATURES},
	{"by-attack", no_argument, NULL, OPT_BY_ATTACK},
	{"one-view", no_argument, NULL, OPT_ONE_VIEW},
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

static int number_option(struct train_options *o, int option, const char *text)
{
	struct train_settings *s = &o->settings;
	double value;
	size_t i = 0;

	while (numbers[i].option != option)
		i++;
	if (!train_read_number(text, numbers[i].low, numbers[i].high, &value))
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
		o->share_given = true;
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

static int word_option(struct train_options *o, int option, const char *text)
{
	if (option == OPT_LOSS) {
		o->cross_entropy = strcmp(text, "ce") == 0;
		if (!o->cross_entropy && strcmp(text, "focal") != 0)
			return usage_error("train", "--loss is focal or ce, not '%s'", text);
		return EXIT_DONE;
	}
	for (int a = ALPHA_NONE; a <= ALPHA_BALANCED; a++)
		if (strcmp(text, train_alpha_names[a]) == 0) {
			o->alpha = (enum alpha)a;
			return EXIT_DONE;
		}
	return usage_error("train", "--alpha is none, root or balanced, not '%s'", text);
}

/* One answer to which rows validate; none without a validation is best. */
static int check_validation(struct train_options *o)
{
	if (o->share_given + !!o->validate + !!o->calibration > 1)
		return usage_error("train",
			"--validation, --validate and --calibration exclude each other; give one");
	if (o->calibration && o->settings.patience)
		return usage_error("train",
			"--patience needs rows that validate; with --calibration there are none");
	if (o->validate || o->calibration)
		o->validation = 0;
	return EXIT_DONE;
}

int train_options_read(struct train_options *o, int argc, char **argv)
{
	int option, status;

	*o = (struct train_options){.settings = train_defaults,
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
		case OPT_VALIDATE:
			o->validate = optarg;
			break;
		case OPT_CALIBRATION:
			o->calibration = optarg;
			break;
		case OPT_FEATURES:
			o->features = optarg;
			break;
		case OPT_BY_ATTACK:
			o->by_attack = true;
			break;
		case OPT_ONE_VIEW:
			o->one_view = true;
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
	return check_validation(o);
}
