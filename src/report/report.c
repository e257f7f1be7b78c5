#include "report/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/outfile.h"

static const char *lacks_two_kinds(const struct report *r)
{
	return r->curves->attacks && r->curves->normals
		       ? NULL
		       : "It takes rows of attacks and of normal traffic to draw it.";
}

static const char *lacks_features(const struct report *r)
{
	return r->features && !isnan(r->importance[0].loss)
		       ? NULL
		       : "No labelled row was drawn to measure it with.";
}

static const char *lacks_epochs(const struct report *r)
{
	return json_array_size(json_object_get(r->header, "epochs"))
		       ? NULL
		       : "The model file has no record of its epochs; one that this karma trains "
			 "has.";
}

const struct chart charts[CHARTS] = {
	[CHART_ROC] = {"roc", "ROC curve",
		"How many attacks are detected for how many false alarms, as the threshold falls. "
		"Dashed: what chance would do.",
		chart_roc, lacks_two_kinds},
	[CHART_ROC_LOG] = {"roc-log", "ROC curve, few false alarms",
		"The same curve with false alarms on a logarithmic scale: what matters where most "
		"traffic is normal.",
		chart_roc_log, lacks_two_kinds},
	[CHART_PRECISION] = {"precision-recall", "Precision and recall",
		"How many alarms are right for how many attacks detected. Dashed: the share of "
		"attacks among these rows, which precision depends on.",
		chart_precision, lacks_two_kinds},
	[CHART_SCORES] = {"scores", "Scores",
		"Rows by score, on a logarithmic scale. The farther apart the two heaps, the "
		"better. Dashed: the thresholds.",
		chart_scores, lacks_two_kinds},
	[CHART_CONFUSION] = {"confusion", "Confusion matrix (% of the true class)",
		"The diagonal is right. Classes without rows that nothing was taken for are left "
		"out.",
		chart_confusion, NULL},
	[CHART_RELIABILITY] = {"reliability", "Reliability",
		"On the dashed line the network is right just as often as it says. Below it, it "
		"is too sure.",
		chart_reliability, NULL},
	[CHART_IMPORTANCE] = {"importance", "Importance of features",
		"What the loss rises by when a feature's values are dealt out anew among the rows. "
		"Features that say the same stand in for each other, so either may look "
		"unimportant.",
		chart_importance, lacks_features},
	[CHART_TRAINING] = {"training", "Training",
		"Epoch by epoch, from the model file. Dashed: the epoch whose weights were kept.",
		chart_training, lacks_epochs},
};

/* `chart` NULL: the page. What cannot be drawn leaves no file of an earlier report either. */
static int write_file(
	const char *directory, const struct chart *chart, const struct report *r, struct error *e)
{
	char path[4096];
	struct outfile f;
	int err, length = snprintf(
			 path, sizeof(path), "%s/%s", directory, chart ? chart->id : "index.html");

	if (chart && length < (int)sizeof(path))
		length += snprintf(path + length, sizeof(path) - (size_t)length, ".svg");
	if (length >= (int)sizeof(path))
		return error_set(
			e, -ENAMETOOLONG, "%.64s...: the folder's name is too long", directory);
	if (chart && chart->lacks && chart->lacks(r)) {
		unlink(path);
		return 0;
	}
	err = outfile_open(&f, path, e);
	if (err)
		return err;
	if (chart)
		chart->draw(f.stream, r, true);
	else
		page_write(f.stream, r);
	return outfile_commit(&f, e);
}

int report_write(const char *directory, const struct report *r, struct error *e)
{
	int err = 0;

	if (mkdir(directory, 0777) != 0 && errno != EEXIST)
		return error_set(e, -errno,
			"%s: cannot be made: %s; choose a folder you may write to", directory,
			strerror(errno));
	for (int c = 0; c < CHARTS && !err; c++)
		err = write_file(directory, &charts[c], r, e);
	return err ? err : write_file(directory, NULL, r, e);
}
