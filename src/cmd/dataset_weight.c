#include "cmd/dataset_weight.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A flood has thousands of records, a wrong-doer's one connection a few: what they teach should not
 * differ as much. An attack of as many records as this has rows of weight 1, of n times as many of
 * 1 / sqrt(n); of fewer rows it has heavier ones, up to a limit. */
static const double usual = 16;

/* What one host does of one class, or has done to it. */
struct share {
	const uint8_t *host;
	int label;
	size_t row;
};

static int by_share(const void *a, const void *b)
{
	const struct share *x = a, *y = b;
	int order = memcmp(x->host, y->host, 16);

	return order ? order : x->label - y->label;
}

static void measure_shares(struct share *share, size_t count, double *most)
{
	qsort(share, count, sizeof(*share), by_share);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i; end < count && by_share(&share[i], &share[end]) == 0; end++)
			;
		for (size_t k = i; k < end; k++)
			most[share[k].row] = fmax(most[share[k].row], (double)(end - i));
	}
}

static float weight_of(double most)
{
	return (float)fmin(sqrt(usual / most), dataset_heaviest);
}

int weigh_attacks(const struct row *row, size_t rows, float *weight)
{
	size_t count = 0;
	struct share *share = calloc(rows + 1, sizeof(*share));
	double *most = calloc(rows + 1, sizeof(*most)); /* records of the row's attack */

	if (!share || !most) {
		free(share);
		free(most);
		return -ENOMEM;
	}
	for (int target = 0; target <= 1; target++) {
		count = 0;
		for (size_t i = 0; i < rows; i++) {
			const struct row *r = &row[i];

			if (r->label <= CLASS_NORMAL || !row_has_actor(r))
				continue;
			share[count++] = (struct share){
				target ? r->addr[row_target(r)] : r->actor, r->label, i};
		}
		measure_shares(share, count, most);
	}
	for (size_t i = 0; i < rows; i++)
		if (most[i] > 0)
			weight[i] *= weight_of(most[i]);
	free(share);
	free(most);
	return 0;
}

void weigh_hosts(const struct dataset *d, size_t from, float *weight)
{
	for (size_t s = from; s < d->sequences; s++) {
		struct train_sequence q = d->sequence[s];
		float *own = weight + (q.first - d->sequence[from].first);
		size_t count[CLASSES];

		dataset_count(d->label + q.first, q.length, count);
		for (uint32_t i = 0; i < q.length; i++)
			own[i] = row_has_actor(&d->row[q.first + i])
					 ? weight_of((double)count[d->label[q.first + i]])
					 : d->weight[q.first + i];
	}
}
