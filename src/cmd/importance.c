#include "cmd/importance.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/rng.h"

enum { SEED = 1 };

struct probe {
	struct dataset part; /* the drawn sequences; the rows are the whole data set's */
	const struct encoder *enc;
	const struct model *model;
	uint32_t *row; /* (rows): the drawn ones */
	size_t rows;
	int *label;         /* (scored rows) */
	float *logits;      /* of the whole data set's rows */
	float *probability; /* (scored rows, C) */
	double *kept;       /* (rows): a feature's values as they were */
	uint32_t *order;    /* (rows) */
	struct metrics figures;
};

/* Sequences in an order drawn by lot until there are enough rows; the last is cut. In their actors'
 * view: dealt out anew there, a value would stay in the other. */
static void draw(struct probe *p, const struct dataset *d, uint32_t *lot)
{
	struct rng rng = {rng_derive(SEED, 'i')};

	for (size_t s = 0; s < d->sequences; s++)
		lot[s] = (uint32_t)s;
	rng_shuffle(&rng, lot, d->sequences);
	for (size_t s = 0; s < d->sequences && p->rows < IMPORTANCE_ROWS; s++) {
		struct train_sequence drawn = d->sequence[lot[s]];

		if (d->row[drawn.first].view != VIEW_ACTOR)
			continue;
		if (drawn.length > IMPORTANCE_ROWS - p->rows)
			drawn.length = (uint32_t)(IMPORTANCE_ROWS - p->rows);
		p->part.sequence[p->part.sequences++] = drawn;
		for (uint32_t i = 0; i < drawn.length; i++)
			p->row[p->rows++] = drawn.first + i;
	}
}

static int probe_init(struct probe *p, const struct dataset *d, size_t all_rows)
{
	size_t classes = (size_t)p->model->net.shape.classes;
	uint32_t *lot = calloc(d->sequences + 1, sizeof(*lot));

	p->part.row = d->row;
	p->part.sequence = calloc(d->sequences + 1, sizeof(*p->part.sequence));
	p->row = calloc(IMPORTANCE_ROWS, sizeof(*p->row));
	p->label = calloc(IMPORTANCE_ROWS, sizeof(*p->label));
	p->kept = calloc(IMPORTANCE_ROWS, sizeof(*p->kept));
	p->order = calloc(IMPORTANCE_ROWS, sizeof(*p->order));
	p->logits = lstm_floats(all_rows * classes);
	p->probability = lstm_floats(IMPORTANCE_ROWS * classes);
	if (lot && p->part.sequence && p->row && p->label && p->kept && p->order && p->logits &&
		p->probability) {
		draw(p, d, lot);
		free(lot);
		return 0;
	}
	free(lot);
	return -ENOMEM;
}

static void probe_free(struct probe *p)
{
	free(p->part.sequence);
	free(p->row);
	free(p->label);
	free(p->kept);
	free(p->order);
	free(p->logits);
	free(p->probability);
}

/* The mean cross-entropy of the rows as they stand, and the area under ROC. */
static int score(struct probe *p, double *loss, double *auc, struct error *e)
{
	const struct model *m = p->model;
	size_t classes = (size_t)m->net.shape.classes, scored = 0;
	int err =
		dataset_judge(&p->part, p->enc, &m->net, NULL, 0, p->part.sequences, p->logits, e);

	*loss = 0;
	for (size_t i = 0; i < p->rows && !err; i++) {
		int label = p->part.row[p->row[i]].label;
		float *row = p->probability + scored * classes;

		if (label < 0)
			continue;
		calibration_apply(
			&m->calibration, p->logits + p->row[i] * classes, (int)classes, row);
		*loss -= log(fmax((double)row[label], 1e-12));
		p->label[scored++] = label;
	}
	if (!err && scored)
		err = metrics_compute(
			&p->figures, p->probability, p->label, scored, (int)classes, e);
	*loss = scored ? *loss / (double)scored : NAN;
	*auc = scored ? p->figures.binary.roc_auc : NAN;
	return err;
}

static void deal(struct probe *p, unsigned k, uint64_t round)
{
	struct rng rng = {rng_derive(rng_derive(SEED, round), k)};
	unsigned at = p->enc->feature[k];

	for (size_t i = 0; i < p->rows; i++) {
		p->order[i] = (uint32_t)i;
		p->kept[i] = p->part.row[p->row[i]].value[at];
	}
	rng_shuffle(&rng, p->order, p->rows);
	for (size_t i = 0; i < p->rows; i++)
		p->part.row[p->row[i]].value[at] = p->kept[p->order[i]];
}

static void put_back(struct probe *p, unsigned k)
{
	for (size_t i = 0; i < p->rows; i++)
		p->part.row[p->row[i]].value[p->enc->feature[k]] = p->kept[i];
}

static int measure(struct probe *p, unsigned k, double loss, double auc, struct importance *out,
	struct error *e)
{
	double least = INFINITY, greatest = -INFINITY;

	*out = (struct importance){.name = features[p->enc->feature[k]].name};
	for (int round = 0; round < IMPORTANCE_ROUNDS; round++) {
		double l, a;
		int err;

		deal(p, k, (uint64_t)round);
		err = score(p, &l, &a, e);
		put_back(p, k);
		if (err)
			return err;
		out->loss += (l - loss) / IMPORTANCE_ROUNDS;
		out->auc += (auc - a) / IMPORTANCE_ROUNDS;
		least = fmin(least, l);
		greatest = fmax(greatest, l);
	}
	out->spread = (greatest - least) / 2;
	return 0;
}

static int by_falling_loss(const void *a, const void *b)
{
	const struct importance *x = a, *y = b;

	if (x->loss != y->loss)
		return x->loss < y->loss ? 1 : -1;
	return strcmp(x->name, y->name);
}

int importance_measure(const struct dataset *d, const struct encoder *enc, const struct model *m,
	struct importance *list, size_t *rows, struct error *e)
{
	struct probe p = {.enc = enc, .model = m};
	size_t all = 0;
	double loss = NAN, auc = NAN;
	int err;

	for (size_t s = 0; s < d->sequences; s++)
		all = all > d->sequence[s].first + d->sequence[s].length
			      ? all
			      : d->sequence[s].first + d->sequence[s].length;
	err = probe_init(&p, d, all);
	if (err)
		error_set(e, err, "not enough memory to measure the importance of features");
	else
		err = score(&p, &loss, &auc, e);
	for (unsigned k = 0; k < enc->features && !err; k++)
		err = measure(&p, k, loss, auc, &list[k], e);
	qsort(list, enc->features, sizeof(*list), by_falling_loss);
	*rows = p.rows;
	probe_free(&p);
	return err;
}
