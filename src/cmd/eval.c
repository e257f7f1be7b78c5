/* karma eval: how good a model is on labelled flow records. */
#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dataset.h"
#include "cmd/eval_report.h"
#include "lstm/kernel.h"
#include "lstm/metrics.h"
#include "lstm/model.h"

static const struct option long_options[] = {
	{"model", required_argument, NULL, 'm'},
	{"kernel", required_argument, NULL, 'k'},
	{"json", no_argument, NULL, 'j'},
	{"report", required_argument, NULL, 'r'},
	{NULL, 0, NULL, 0},
};

/* The encoder of the model, and its classes in Karma's order. */
static int read_model(const struct model *m, const char *path, struct encoder *enc, struct error *e)
{
	const json_t *classes = json_object_get(m->header, "classes");
	struct error why = {""};
	int err = encoder_from_json(enc, json_object_get(m->header, "input"), &why);

	if (err)
		return error_set(e, err, "%s: %s", path, why.text);
	if ((int)enc->inputs != m->net.shape.inputs || (int)enc->dense != m->net.shape.dense)
		return error_set(e, -EINVAL,
			"%s: %u inputs described, %d in its network; make it again with 'karma "
			"train'",
			path, enc->inputs, m->net.shape.inputs);
	for (int c = 0; c < m->net.shape.classes; c++) {
		const char *name = json_string_value(json_array_get(classes, (size_t)c));

		if (!name || class_of(name) != c)
			return error_set(e, -EINVAL,
				"%s: its class %d, '%s', stands in another place in this karma; "
				"make it again with 'karma train'",
				path, c, name ? name : "");
	}
	return 0;
}

static bool is_as_published(const struct model *m)
{
	const char *rows = json_string_value(json_object_get(m->header, "rows"));

	return rows && strcmp(rows, "as published") == 0;
}

/* Probabilities of the labelled rows, one behind the other, and their labels. */
static int judge(const struct model *m, const struct lstm_kernel *kernel, const struct encoder *enc,
	struct dataset *d, float *probability, struct error *e)
{
	size_t classes = (size_t)m->net.shape.classes, kept = 0;
	int err = dataset_judge(d, enc, &m->net, kernel, 0, d->sequences, probability, e);

	if (!err)
		err = dataset_join_views(d, (int)classes, probability, e);
	if (err)
		return err;
	for (size_t r = 0; r < d->rows; r++) {
		if (d->label[r] < 0 || d->row[r].view != VIEW_ACTOR)
			continue;
		if (d->label[r] >= (int)classes)
			return error_set(e, -EINVAL,
				"a row is labelled '%s', a class that the model does not know; "
				"leave such rows out",
				class_name(d->label[r]));
		calibration_apply(&m->calibration, probability + r * classes, (int)classes,
			probability + kept * classes);
		d->label[kept++] = d->label[r];
	}
	d->rows = kept;
	return 0;
}

static void print_figure(const char *name, double value)
{
	if (value == value)
		printf("  %-36s %.4f\n", name, value);
	else
		printf("  %-36s -\n", name);
}

static void print_cell(double value)
{
	if (value == value)
		printf("  %9.4f", value);
	else
		printf("  %9s", "-");
}

static void print_table(const struct metrics *m, const char *const *names)
{
	printf("%zu rows\n\nattack or not\n", m->rows);
	print_figure("accuracy", m->binary.accuracy);
	print_figure("precision", m->binary.precision);
	print_figure("recall", m->binary.recall);
	print_figure("F1", m->binary.f1);
	print_figure("false positive rate", m->binary.fpr);
	print_figure("area under ROC", m->binary.roc_auc);
	print_figure("area under precision-recall", m->binary.pr_auc);
	print_figure("detection at 1 % false positives", m->binary.tpr[0]);
	print_figure("detection at 0.1 % false positives", m->binary.tpr[1]);
	printf("\nclasses\n");
	print_figure("accuracy", m->accuracy);
	print_figure("macro-F1", m->macro_f1);
	print_figure("weighted F1", m->weighted_f1);
	print_figure("expected calibration error", m->ece);
	printf("\n  %-16s%8s  %9s  %9s  %9s\n", "class", "rows", "precision", "recall", "F1");
	for (int c = 0; c < m->classes; c++) {
		const struct metrics_class *k = &m->per_class[c];

		printf("  %-16s%8zu", names[c], k->support);
		print_cell(k->precision);
		print_cell(k->recall);
		print_cell(k->f1);
		putchar('\n');
	}
	printf("\nconfusion (a row: the true class; a column: what it was taken for)\n  %-16s", "");
	for (int c = 0; c < m->classes; c++)
		printf(" %7.7s", names[c]);
	putchar('\n');
	for (int c = 0; c < m->classes; c++) {
		printf("  %-16s", names[c]);
		for (int o = 0; o < m->classes; o++)
			printf(" %7zu", m->confusion[c][o]);
		putchar('\n');
	}
}

static int print(const struct metrics *m, bool json, struct error *e)
{
	const char *names[CLASSES];

	for (int c = 0; c < CLASSES; c++)
		names[c] = class_name(c);
	if (json) {
		json_t *figures = metrics_to_json(m, names);

		json_dumpf(figures, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
		putchar('\n');
		json_decref(figures);
	} else {
		print_table(m, names);
	}
	return fflush(stdout) == 0 ? 0 : error_set(e, -EIO, "standard output: cannot be written");
}

static int eval(const char *path, const struct lstm_kernel *kernel, char **files, int count,
	bool json, const char *report, struct error *e)
{
	struct model m = {0};
	struct encoder enc = {.features = 0};
	struct dataset d = {0};
	struct metrics *figures = calloc(1, sizeof(*figures));
	float *probability = NULL;
	int err = model_load(&m, path, e);

	if (!err)
		err = read_model(&m, path, &enc, e);
	if (!err) {
		d.single = !model_remembers(&m);
		d.views = enc.views;
	}
	for (int i = 0; i < count && !err; i++)
		err = dataset_add(&d, files[i], 1, is_as_published(&m), e);
	if (err)
		goto out;
	if (d.unlabelled == d.records) {
		err = error_set(e, -EINVAL,
			"no row has a label; fill in attack_cat and Label, or judge them with "
			"'karma read'");
		goto out;
	}
	if (d.unlabelled)
		fprintf(stderr, "karma eval: %zu rows without a label are not scored\n",
			d.unlabelled);
	probability = lstm_floats(d.rows * (size_t)m.net.shape.classes);
	if (!figures || !probability) {
		err = error_set(e, -ENOMEM, "not enough memory for %zu rows", d.rows);
		goto out;
	}
	err = judge(&m, kernel, &enc, &d, probability, e);
	if (!err)
		err = metrics_compute(
			figures, probability, d.label, d.rows, m.net.shape.classes, e);
	if (!err && report)
		err = eval_report(report, &m, path, &enc, &d, probability, d.label, figures, e);
	if (!err)
		err = print(figures, json, e);
out:
	model_free(&m);
	dataset_free(&d);
	free(probability);
	free(figures);
	return err;
}

int cmd_eval(int argc, char **argv)
{
	const char *model = NULL, *report = NULL;
	const struct lstm_kernel *kernel = NULL;
	struct error e = {""};
	bool json = false;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "m:", long_options, NULL)) != -1) {
		switch (option) {
		case 'm':
			model = optarg;
			break;
		case 'k':
			kernel = lstm_kernel_find(optarg, &e);
			if (!kernel)
				return usage_error("eval", "%s", e.text);
			break;
		case 'j':
			json = true;
			break;
		case 'r':
			report = optarg;
			break;
		default:
			return usage_error(
				"eval", "'%s' is no option or lacks its value", argv[optind - 1]);
		}
	}
	if (!model)
		return usage_error("eval", "no model; give one with -m");
	if (optind == argc)
		return usage_error("eval", "no data; give CSV files with labelled flow records");
	if (eval(model, kernel, argv + optind, argc - optind, json, report, &e) != 0)
		return fail("eval", e.text);
	return EXIT_DONE;
}
