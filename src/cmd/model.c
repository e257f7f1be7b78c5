/* karma model: what a model file says of itself. */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lstm/model.h"
#include "util/error.h"

static const struct option long_options[] = {
	{"json", no_argument, NULL, 'j'},
	{NULL, 0, NULL, 0},
};

/* ---- values, which another's file may lack or have of another kind ---- */

/* Text of a file goes to the terminal without what would steer it. */
static void put_text(const json_t *v, int width)
{
	const char *text = json_is_string(v) ? json_string_value(v) : "-";
	int shown = 0;

	for (const char *p = text; *p; p++) {
		bool control = (unsigned char)*p < ' ' || *p == 0x7f;

		putchar(control ? '?' : *p);
		shown += ((unsigned char)*p & 0xc0) != 0x80; /* UTF-8: a letter, not a byte */
	}
	printf("%*s", shown < width ? width - shown : 0, "");
}

static void put_figure(const json_t *v, int width)
{
	if (json_is_number(v))
		printf("%*.4f", width, json_number_value(v));
	else
		printf("%*s", width, "-");
}

static void put_whole(const json_t *v, int width)
{
	if (json_is_integer(v))
		printf("%*" JSON_INTEGER_FORMAT, width, json_integer_value(v));
	else
		printf("%*s", width, "-");
}

static void put_any(const json_t *v)
{
	if (json_is_integer(v))
		put_whole(v, 0);
	else if (json_is_real(v))
		printf("%.6g", json_real_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes" : "no", stdout);
	else
		put_text(v, 0);
}

static void put_line(const char *name, const json_t *figure)
{
	printf("  %-36s", name);
	put_figure(figure, 0);
	putchar('\n');
}

/* ---- parts ---- */

static const char *remembered(const struct model *m)
{
	const json_t *input = json_object_get(m->header, "input");

	if (!model_remembers(m))
		return "nothing, each record is judged by itself";
	return json_is_true(json_object_get(input, "views"))
		       ? "what each host did, and what was done to it"
		       : "what each host did";
}

static void show_network(const struct model *m)
{
	const json_t *thresholds = json_object_get(m->header, "thresholds");
	const json_t *calibration = json_object_get(m->header, "calibration");
	const json_t *margin = json_object_get(json_object_get(m->header, "detection"), "margin");
	struct lstm_shape s = m->net.shape;

	printf("network: %d inputs, %d x %d cells, %d classes; %zu weights, %.2f MB\nrows: ",
		s.inputs, s.layers, s.hidden, s.classes, m->net.count,
		(double)m->net.count * sizeof(float) / 1e6);
	put_text(json_object_get(m->header, "rows"), 0);
	printf("\nremembers: %s", remembered(m));
	printf("\ntemperature: %.4f", (double)m->calibration.temperature);
	if (m->calibration.attack_apart)
		printf(" of which attack; attack or not: log-odds * %.4f %+.4f",
			(double)m->calibration.slope, (double)m->calibration.offset);
	if (margin)
		printf("\nevidence of an attack from log-odds of: %.4f", json_number_value(margin));
	if (calibration) {
		fputs("\ncalibrated by rows that another model left aside: ", stdout);
		put_text(json_object_get(calibration, "model"), 0);
	}
	fputs("\nan attack from: ", stdout);
	put_figure(json_object_get(thresholds, "fpr_1e-2"), 0);
	fputs(" at 1 % false positives, ", stdout);
	put_figure(json_object_get(thresholds, "fpr_1e-3"), 0);
	fputs(" at 0.1 %\n", stdout);
}

static void show_inputs(const json_t *list)
{
	const json_t *feature;
	size_t i;
	int column = 0;

	printf("\n%zu features\n", json_array_size(list));
	json_array_foreach (list, i, feature) {
		const char *name = json_string_value(json_object_get(feature, "name"));
		int length = name ? (int)strlen(name) : 1;

		if (column > 0 && column + length + 2 > 96) {
			putchar('\n');
			column = 0;
		}
		fputs(column ? ", " : "  ", stdout);
		put_text(json_object_get(feature, "name"), 0);
		column += length + 2;
	}
	if (column)
		putchar('\n');
}

static void show_settings(json_t *settings)
{
	const char *key;
	json_t *value;

	puts("\nsettings");
	json_object_foreach (settings, key, value) {
		printf("  %-36s", key);
		put_any(value);
		putchar('\n');
	}
}

static void show_scores(const json_t *scores)
{
	static const char *const binary[][2] = {
		{"accuracy", "accuracy"},
		{"precision", "precision"},
		{"recall", "recall"},
		{"f1", "F1"},
		{"fpr", "false positive rate"},
		{"roc_auc", "area under ROC"},
		{"pr_auc", "area under precision-recall"},
		{"tpr_at_fpr_1e-2", "detection at 1 % false positives"},
		{"tpr_at_fpr_1e-3", "detection at 0.1 % false positives"},
	};
	static const char *const all[][2] = {
		{"accuracy", "accuracy"},
		{"macro_f1", "macro-F1"},
		{"weighted_f1", "weighted F1"},
		{"ece", "expected calibration error"},
	};
	const json_t *two = json_object_get(scores, "binary");

	fputs("\nscores of the rows that validated it: ", stdout);
	put_whole(json_object_get(scores, "rows"), 0);
	puts("\n attack or not");
	for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++)
		put_line(binary[i][1], json_object_get(two, binary[i][0]));
	puts(" classes");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		put_line(all[i][1], json_object_get(scores, all[i][0]));
}

/* Rows of a class in all files. */
static json_int_t rows_of(const json_t *data, const char *class)
{
	const json_t *file;
	json_int_t rows = 0;
	size_t i;

	json_array_foreach (data, i, file) {
		rows += json_integer_value(
			json_object_get(json_object_get(file, "classes"), class));
	}
	return rows;
}

static void show_classes(const json_t *scores, const json_t *data)
{
	const json_t *class;
	size_t i;

	printf("\n  %-16s%10s %11s %10s %10s %10s\n", "class", "rows", "validating", "precision",
		"recall", "F1");
	json_array_foreach (json_object_get(scores, "classes"), i, class) {
		const char *name = json_string_value(json_object_get(class, "name"));

		fputs("  ", stdout);
		put_text(json_object_get(class, "name"), 16);
		printf("%10" JSON_INTEGER_FORMAT " ", name ? rows_of(data, name) : 0);
		put_whole(json_object_get(class, "support"), 11);
		put_figure(json_object_get(class, "precision"), 11);
		put_figure(json_object_get(class, "recall"), 11);
		put_figure(json_object_get(class, "f1"), 11);
		putchar('\n');
	}
}

static void show_epochs(const json_t *epochs, const json_t *best)
{
	const json_t *epoch;
	size_t i;

	if (json_array_size(epochs) == 0)
		return;
	printf("\n  %5s %10s %10s %10s %10s %10s\n", "epoch", "loss", "score", "at 1 %", "macro-F1",
		"accuracy");
	json_array_foreach (epochs, i, epoch) {
		fputs("  ", stdout);
		put_whole(json_object_get(epoch, "epoch"), 5);
		put_figure(json_object_get(epoch, "loss"), 11);
		put_figure(json_object_get(epoch, "score"), 11);
		put_figure(json_object_get(epoch, "tpr_at_fpr_1e-2"), 11);
		put_figure(json_object_get(epoch, "macro_f1"), 11);
		put_figure(json_object_get(epoch, "accuracy"), 11);
		puts(json_equal(json_object_get(epoch, "epoch"), best) ? "  best" : "");
	}
}

static void show_data(const json_t *data)
{
	const json_t *file;
	json_int_t rows = 0;
	size_t i;

	json_array_foreach (data, i, file) {
		rows += json_integer_value(json_object_get(file, "rows"));
	}
	printf("\ndata: %zu files, %" JSON_INTEGER_FORMAT " rows\n", json_array_size(data), rows);
	json_array_foreach (data, i, file) {
		fputs("  ", stdout);
		put_text(json_object_get(file, "name"), 24);
		put_whole(json_object_get(file, "rows"), 9);
		fputs(" rows, weight ", stdout);
		put_any(json_object_get(file, "weight"));
		fputs(", ", stdout);
		put_text(json_object_get(file, "form"), 0);
		fputs("\n    sha256 ", stdout);
		put_text(json_object_get(file, "sha256"), 0);
		putchar('\n');
	}
}

static int show(const char *path, bool json, struct error *e)
{
	struct model m;
	int err = model_load(&m, path, e);
	const json_t *scores, *data;
	json_t *settings;

	if (err)
		return err;
	if (json) {
		json_dumpf(
			m.header, stdout, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
		putchar('\n');
	} else {
		scores = json_object_get(m.header, "scores");
		settings = json_object_get(m.header, "settings");
		data = json_object_get(m.header, "data");
		show_network(&m);
		show_inputs(json_object_get(json_object_get(m.header, "input"), "features"));
		show_settings(settings);
		show_scores(scores);
		show_classes(scores, data);
		show_epochs(json_object_get(m.header, "epochs"),
			json_object_get(settings, "best_epoch"));
		show_data(data);
	}
	model_free(&m);
	return fflush(stdout) == 0 ? 0 : error_set(e, -EIO, "standard output: cannot be written");
}

int cmd_model(int argc, char **argv)
{
	struct error e = {""};
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option != 'j')
			return usage_error("model", "'%s' is no option", argv[optind - 1]);
		json = true;
	}
	if (optind == argc || strcmp(argv[optind], "show") != 0)
		return usage_error("model", "it begins with 'show'");
	if (argc - optind != 2)
		return usage_error("model", "'show' takes one model file");
	return show(argv[optind + 1], json, &e) == 0 ? EXIT_DONE : fail("model", e.text);
}
