#include "detect/tune.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/rng.h"

enum { SAMPLE = 4096, STEPS = 60 }; /* of the sample: each half */

static const float odd = 0.1F; /* probability of an attack from which on a record is odd */

/* How hard d is pulled to 0, and the most that it may be of the mean distance of an attack's column
 * from Normal's. */
static const double pull = 0.02, longest = 0.25;

struct memory {
	uint8_t actor[16], target[16];
	float normal;
	float h[];
};

struct half {
	unsigned char *memory;
	uint64_t seen;
};

struct tuner {
	const struct model *model;
	int hidden, classes, normal; /* the output that is CLASS_NORMAL; -1: none */
	size_t size;                 /* of a memory */
	struct half half[2];         /* ordinary ones, odd ones */
	struct rng rng;
};

static int normal_output(const struct model *m)
{
	const json_t *names = json_object_get(m->header, "classes");

	for (size_t k = 0; k < json_array_size(names); k++) {
		const char *name = json_string_value(json_array_get(names, k));

		if (name && class_of(name) == CLASS_NORMAL)
			return (int)k;
	}
	return -1;
}

struct tuner *tuner_new(const struct model *m)
{
	struct tuner *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->model = m;
	t->hidden = m->net.shape.hidden;
	t->classes = m->net.shape.classes;
	t->normal = normal_output(m);
	t->size = sizeof(struct memory) + (size_t)t->hidden * sizeof(float);
	for (int i = 0; i < 2; i++)
		t->half[i].memory = calloc(SAMPLE, t->size);
	if (t->normal < 0 || !t->half[0].memory || !t->half[1].memory) {
		tuner_free(t);
		return NULL;
	}
	return t;
}

void tuner_free(struct tuner *t)
{
	if (!t)
		return;
	for (int i = 0; i < 2; i++)
		free(t->half[i].memory);
	free(t);
}

static struct memory *memory_at(const struct tuner *t, unsigned half, uint64_t i)
{
	return (struct memory *)(t->half[half].memory + i * t->size);
}

static uint64_t memories(const struct half *h)
{
	return h->seen < SAMPLE ? h->seen : SAMPLE;
}

/* Every record of a half has the same chance to be in its sample (Vitter's algorithm R). */
void tuner_take(struct tuner *t, const struct verdict *v, const uint8_t target[16])
{
	float normal = v->probability[CLASS_NORMAL];
	unsigned half = 1 - normal >= odd;
	uint64_t at = t->half[half].seen++;
	struct memory *m;

	if (at >= SAMPLE)
		at = rng_below(&t->rng, at + 1);
	if (at >= SAMPLE)
		return;
	m = memory_at(t, half, at);
	memcpy(m->actor, v->actor, sizeof(m->actor));
	memcpy(m->target, target, sizeof(m->target));
	m->normal = normal;
	memcpy(m->h, v->hidden, (size_t)t->hidden * sizeof(float));
}

/* ---- fitting ---- */

struct fit {
	const struct tuner *t;
	uint32_t *at; /* (count): which memories, the odd half's from SAMPLE on */
	size_t count;
	double *basis; /* (vectors, H): orthonormal, of the directions that d must not have */
	int vectors;
	double apart; /* mean distance of an attack's column from Normal's */
};

static const struct memory *memory_of(const struct fit *f, size_t k)
{
	return memory_at(f->t, f->at[k] / SAMPLE, f->at[k] % SAMPLE);
}

static double dot(const double *a, const double *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Twice, since once leaves a rest where vectors are nearly parallel. */
static void project(const struct fit *f, double *d)
{
	int n = f->t->hidden;

	for (int k = 0; k < 2 * f->vectors; k++) {
		const double *v = f->basis + (ptrdiff_t)(k % f->vectors) * n;
		double along = dot(v, d, n);

		for (int i = 0; i < n; i++)
			d[i] -= along * v[i];
	}
}

/* One more vector, which stands behind the basis, if it has anything that is new. */
static void take_vector(struct fit *f)
{
	int n = f->t->hidden;
	double *v = f->basis + (ptrdiff_t)f->vectors * n, before = sqrt(dot(v, v, n)), after;

	project(f, v);
	after = sqrt(dot(v, v, n));
	if (after <= 1e-6 * before)
		return;
	for (int i = 0; i < n; i++)
		v[i] /= after;
	f->vectors++;
}

/* The mean of what is not odd, then the attacks. */
static void find_directions(struct fit *f)
{
	const struct tuner *t = f->t;
	const float *wo = t->model->net.wo;
	int n = t->hidden;

	for (size_t k = 0; k < f->count; k++)
		for (int i = 0; i < n && 1 - memory_of(f, k)->normal < odd; i++)
			f->basis[i] += (double)memory_of(f, k)->h[i];
	take_vector(f);
	for (int c = 0; c < t->classes; c++) {
		double *v = f->basis + (ptrdiff_t)f->vectors * n;

		for (int i = 0; i < n; i++)
			v[i] = (double)wo[i * t->classes + c] -
			       (double)wo[i * t->classes + t->normal];
		f->apart += sqrt(dot(v, v, n)) / fmax(1, t->classes - 1);
		take_vector(f);
	}
}

/* By how much the log-odds of Normal rise with its logit. */
static double steepness(const struct fit *f)
{
	const struct calibration *c = &f->t->model->calibration;

	return c->attack_apart ? (double)c->slope : 1 / (double)c->temperature;
}

/* Log-odds of Normal of a record, with d. */
static double normal_odds(const struct fit *f, const struct memory *m, const double *d)
{
	double p = fmin(fmax((double)m->normal, 1e-6), 1 - 1e-6), sum = 0;

	for (int i = 0; i < f->t->hidden; i++)
		sum += d[i] * (double)m->h[i];
	return log(p / (1 - p)) + sum * steepness(f);
}

static double cross_entropy(const struct fit *f, const double *d)
{
	double sum = 0;

	for (size_t k = 0; k < f->count; k++)
		sum += log1p(exp(-normal_odds(f, memory_of(f, k), d)));
	return sum / (double)f->count;
}

/* By what a step is safe: 1 over the most that the gradient can change (the logistic's curvature is
 * 1/4 at most). */
static double step_size(const struct fit *f)
{
	double steep = steepness(f), sum = 0;

	for (size_t k = 0; k < f->count; k++)
		for (int i = 0; i < f->t->hidden; i++)
			sum += pow((double)memory_of(f, k)->h[i], 2);
	return 1 / (pull + sum / (double)f->count / 4 * steep * steep);
}

static void descend(const struct fit *f, double *d, double *gradient)
{
	double steep = steepness(f), by = step_size(f), length;
	int n = f->t->hidden;

	for (int step = 0; step < STEPS; step++) {
		for (int i = 0; i < n; i++)
			gradient[i] = pull * d[i];
		for (size_t k = 0; k < f->count; k++) {
			const struct memory *m = memory_of(f, k);
			double wrong = 1 / (1 + exp(normal_odds(f, m, d)));

			for (int i = 0; i < n; i++)
				gradient[i] -= wrong * (double)m->h[i] * steep / (double)f->count;
		}
		for (int i = 0; i < n; i++)
			d[i] -= by * gradient[i];
		project(f, d);
		length = sqrt(dot(d, d, n));
		for (int i = 0; i < n && length > longest * f->apart; i++)
			d[i] *= longest * f->apart / length;
	}
}

/* All memories but those of records that are left out. */
static void choose(struct fit *f,
	bool (*left_out)(const void *context, const uint8_t actor[16], const uint8_t target[16]),
	const void *context)
{
	for (uint32_t half = 0; half < 2; half++)
		for (uint32_t i = 0; i < memories(&f->t->half[half]); i++) {
			const struct memory *m = memory_at(f->t, half, i);

			if (!left_out(context, m->actor, m->target))
				f->at[f->count++] = half * SAMPLE + i;
		}
}

bool tuner_fit(struct tuner *t,
	bool (*left_out)(const void *context, const uint8_t actor[16], const uint8_t target[16]),
	const void *context, struct tuning *out, struct tuned *how)
{
	size_t n = (size_t)t->hidden;
	struct fit f = {.t = t};
	double *d = calloc(2 * n, sizeof(*d));

	f.at = calloc(2 * (size_t)SAMPLE, sizeof(*f.at));
	f.basis = calloc((size_t)(t->classes + 1) * n, sizeof(*f.basis));
	memset(how, 0, sizeof(*how));
	if (d && f.at && f.basis) {
		choose(&f, left_out, context);
		find_directions(&f);
	}
	if (f.count) {
		how->records = (uint32_t)f.count;
		how->before = cross_entropy(&f, d);
		descend(&f, d, d + n);
		how->after = cross_entropy(&f, d);
		how->length = f.apart > 0 ? sqrt(dot(d, d, (int)n)) / f.apart : 0;
		out->hidden = t->hidden;
		for (size_t i = 0; i < n; i++)
			out->term[i] = (float)d[i];
	}
	free(d);
	free(f.at);
	free(f.basis);
	return f.count > 0;
}

/* ---- using it ---- */

bool tuning_apply(const struct tuning *t, struct model *m)
{
	int normal = normal_output(m);

	if (t->hidden != m->net.shape.hidden || normal < 0)
		return false;
	for (int i = 0; i < t->hidden; i++)
		m->net.wo[i * m->net.shape.classes + normal] += t->term[i];
	return true;
}

json_t *tuning_json(const struct tuning *t)
{
	json_t *term = json_array();

	for (int i = 0; i < t->hidden; i++)
		json_array_append_new(term, json_real((double)t->term[i]));
	return term;
}

int tuning_read(struct tuning *t, const json_t *j)
{
	size_t n = json_array_size(j);

	if (n < 1 || n > LSTM_MAX_HIDDEN)
		return -EINVAL;
	t->hidden = (int)n;
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_array_get(j, i);

		t->term[i] = (float)json_number_value(v);
		if (!json_is_number(v) || !(fabsf(t->term[i]) <= 1000))
			return -EINVAL;
	}
	return 0;
}
