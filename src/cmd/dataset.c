#include "cmd/dataset.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dataset_weight.h"
#include "feature/csv.h"

static const char *const forms[] = {[CSV_PARTITION] = "UNSW-NB15 partition",
	[CSV_RAW] = "UNSW-NB15 raw",
	[CSV_KARMA] = "Karma"};

static int no_memory(struct error *e)
{
	return error_set(e, -ENOMEM, "not enough memory for so many rows; give fewer files");
}

void dataset_free(struct dataset *d)
{
	free(d->row);
	free(d->label);
	free(d->weight);
	free(d->record);
	free(d->sequence);
	json_decref(d->description);
	memset(d, 0, sizeof(*d));
}

void dataset_count(const int *label, size_t count, size_t per_class[CLASSES])
{
	memset(per_class, 0, CLASSES * sizeof(*per_class));
	for (size_t i = 0; i < count; i++)
		if (label[i] >= 0 && label[i] < CLASSES)
			per_class[label[i]]++;
}

void dataset_count_learnt(const struct dataset *d, size_t per_class[CLASSES])
{
	memset(per_class, 0, CLASSES * sizeof(*per_class));
	for (size_t r = 0; r < d->training_rows; r++)
		if (d->row[r].view == VIEW_ACTOR && d->label[r] >= 0 && d->label[r] < CLASSES)
			per_class[d->label[r]]++;
}

/* ---- reading ---- */

static int grow(struct dataset *d, size_t rows)
{
	size_t all = d->rows + rows;
	void *p;

#define GROW(array)                                                                                \
	do {                                                                                       \
		p = reallocarray(d->array, all, sizeof(*d->array));                                \
		if (!p)                                                                            \
			return -ENOMEM;                                                            \
		d->array = p;                                                                      \
	} while (0)
	GROW(row);
	GROW(label);
	GROW(weight);
	GROW(record);
	p = reallocarray(d->sequence, d->sequences + rows, sizeof(*d->sequence));
	if (!p)
		return -ENOMEM;
	d->sequence = p;
#undef GROW
	return 0;
}

/* A row of a table, and whose sequence it belongs to. */
struct place {
	const uint8_t *host;
	size_t at;
};

static int by_host(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int order = memcmp(x->host, y->host, 16);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* ---- sequences ---- */

/* The table's rows that a view has, host by host: how many. */
static size_t sort_hosts(const struct table *t, enum host_view view, struct place *order)
{
	size_t n = 0;

	for (size_t i = 0; i < t->rows; i++) {
		const struct row *row = &t->row[i];

		if (view == VIEW_ACTOR)
			order[n++] = (struct place){row->actor, i};
		else if (row_has_actor(row))
			order[n++] = (struct place){row->addr[row_target(row)], i};
	}
	qsort(order, n, sizeof(*order), by_host);
	return n;
}

/* Rows of the table behind those at hand, as sequences. `weight`: of each row of the table. */
static void lay(struct dataset *d, const struct table *t, enum host_view view,
	const struct place *order, size_t count, const float *weight)
{
	for (size_t i = 0; i < count; i++, d->rows++) {
		const struct row *row = &t->row[order[i].at];

		d->row[d->rows] = *row;
		d->row[d->rows].view = view;
		d->label[d->rows] = row->label;
		d->weight[d->rows] = weight[order[i].at];
		d->record[d->rows] = (uint32_t)(d->records + order[i].at);
		if (d->single || i == 0 || !row_has_actor(row) ||
			memcmp(order[i].host, order[i - 1].host, 16) != 0)
			d->sequence[d->sequences++] =
				(struct train_sequence){(uint32_t)d->rows, 0, row->soft};
		if (++d->sequence[d->sequences - 1].length > 1)
			d->sequence[d->sequences - 1].extra = false;
	}
}

/* What each row of the table weighs. -ENOMEM. */
static int weigh(struct dataset *d, const struct table *t, float each, float *weight)
{
	for (size_t i = 0; i < t->rows; i++) {
		const struct row *row = &t->row[i];

		weight[i] = row->label < 0 && !row->soft ? 0 : each;
		d->unlabelled += row->label < 0;
		d->soft += row->soft;
	}
	return d->by_attack ? weigh_attacks(t->row, t->rows, weight) : 0;
}

/* The table behind what is at hand, view by view; the actors' view last if it validates. */
static int append(struct dataset *d, const struct table *t, float each, bool validates)
{
	int views = d->views ? HOST_VIEWS : 1;
	struct place *order = calloc(t->rows, sizeof(*order));
	float *weight = calloc(t->rows, sizeof(*weight));
	int err = order && weight ? grow(d, t->rows * (size_t)views) : -ENOMEM;

	if (!err)
		err = weigh(d, t, each, weight);
	for (int i = 0; !err && i < views; i++) {
		enum host_view view = (validates && views > 1) ? !i : i;

		if (view == VIEW_ACTOR) {
			d->last_sequence = d->sequences;
			d->last_row = d->rows;
		}
		lay(d, t, view, order, sort_hosts(t, view, order), weight);
	}
	d->records += t->rows;
	free(order);
	free(weight);
	return err;
}

static json_t *describe(
	const struct table *t, const char *path, float weight, const int *label, size_t soft)
{
	json_t *classes = json_object();
	char *copy = strdup(path);
	size_t count[CLASSES];
	json_t *file;

	dataset_count(label, t->rows, count);
	for (int c = 0; c < CLASSES; c++)
		if (count[c])
			json_object_set_new(
				classes, class_name(c), json_integer((json_int_t)count[c]));
	file = json_pack("{ss ss sI ss sf so}", "name", copy ? basename(copy) : path, "form",
		forms[t->form], "rows", (json_int_t)t->rows, "sha256", t->sha256, "weight",
		(double)weight, "classes", classes);
	free(copy);
	if (soft)
		json_object_set_new(file, "soft", json_integer((json_int_t)soft));
	return file;
}

static int add(struct dataset *d, const char *path, float weight, bool as_published, bool validates,
	struct error *e)
{
	struct table t = {0};
	size_t before = d->rows, soft = d->soft;
	int err = table_read(&t, path, as_published, e);

	if (err)
		goto out;
	if (t.rows == 0) {
		err = error_set(e, -EINVAL, "%s: no rows; give a file with flow records", path);
		goto out;
	}
	if (before + t.rows > UINT32_MAX / 2 / HOST_VIEWS) {
		err = error_set(
			e, -E2BIG, "%s: more rows than karma can number; give fewer files", path);
		goto out;
	}
	err = append(d, &t, weight, validates);
	if (err) {
		no_memory(e);
		goto out;
	}
	d->files++;
	d->training = d->sequences;
	d->training_rows = d->rows;
	if (!d->description)
		d->description = json_array();
	json_array_append_new(
		d->description, describe(&t, path, weight, d->label + d->last_row, d->soft - soft));
out:
	table_free(&t);
	return err;
}

int dataset_add(
	struct dataset *d, const char *path, float weight, bool as_published, struct error *e)
{
	return add(d, path, weight, as_published, false, e);
}

int dataset_add_validation(struct dataset *d, const char *path, bool as_published, struct error *e)
{
	size_t rows = d->rows;
	int err = add(d, path, 1, as_published, true, e);

	if (err)
		return err;
	d->training = d->last_sequence;
	d->training_rows = d->last_row;
	for (size_t r = rows; r < d->training_rows; r++)
		d->weight[r] = 0; /* in their targets' view */
	json_object_set_new(json_array_get(d->description, json_array_size(d->description) - 1),
		"validates", json_true());
	for (size_t r = d->training_rows; r < d->rows; r++)
		if (d->label[r] < 0)
			return error_set(e, -EINVAL,
				"%s: a row without a label; what validates needs one", path);
	return 0;
}

/* Where no host has two rows there is no memory, and one view is enough. */
void dataset_drop_target_view(struct dataset *d)
{
	size_t rows = 0;

	for (size_t r = 0; r < d->rows; r++) {
		if (d->row[r].view != VIEW_ACTOR)
			continue;
		d->row[rows] = d->row[r];
		d->label[rows] = d->label[r];
		d->weight[rows] = d->weight[r];
		d->record[rows] = d->record[r];
		d->sequence[rows] = d->sequence[r];
		d->sequence[rows].first = (uint32_t)rows;
		rows++;
	}
	d->rows = d->sequences = d->training = d->training_rows = rows;
}

/* ---- training and validation ---- */

/* FNV-1a over a row's inputs. */
static uint64_t hash_inputs(const struct row *row, const struct encoder *enc)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (unsigned k = 0; k < enc->features; k++) {
		double value = row->value[enc->feature[k]];
		uint64_t bits;

		if (isnan(value)) /* there are many NANs */
			value = NAN;
		memcpy(&bits, &value, sizeof(bits));
		hash = (hash ^ rng_mix(bits)) * 0x100000001b3u;
	}
	return hash;
}

/* The first attack of a sequence, or Normal: what it is there to teach. */
static int class_of_sequence(const struct dataset *d, struct train_sequence s)
{
	for (uint32_t i = 0; i < s.length; i++)
		if (d->label[s.first + i] > CLASS_NORMAL)
			return d->label[s.first + i];
	return CLASS_NORMAL;
}

/* A record validates once, in its actor's view. Probabilities that somebody gave are nothing to
 * validate with. */
static bool may_validate(const struct dataset *d, struct train_sequence s)
{
	for (uint32_t i = 0; i < s.length; i++)
		if (d->row[s.first + i].soft || d->row[s.first + i].view != VIEW_ACTOR)
			return false;
	return true;
}

struct ticket {
	uint64_t draw;
	size_t sequence;
};

static int by_draw(const void *a, const void *b)
{
	const struct ticket *x = a, *y = b;

	if (x->draw != y->draw)
		return x->draw < y->draw ? -1 : 1;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* Of the longer sequences of a class: those with the lowest draws validate. */
static void draw_class(const struct dataset *d, int class, double share, uint64_t seed,
	struct ticket *ticket, bool *validates)
{
	size_t n = 0, go;

	for (size_t s = 0; s < d->sequences; s++)
		if (d->sequence[s].length > 1 && may_validate(d, d->sequence[s]) &&
			class_of_sequence(d, d->sequence[s]) == class)
			ticket[n++] = (struct ticket){
				rng_derive(seed, d->record[d->sequence[s].first]), s};
	qsort(ticket, n, sizeof(*ticket), by_draw);
	go = (size_t)((double)n * share + 0.5);
	for (size_t i = 0; i < go; i++)
		validates[ticket[i].sequence] = true;
}

/* Put the rows in the order of `from` (new place -> old place), within the array: each cycle of the
 * permutation is walked once. `from` is used up. */
static void reorder(struct dataset *d, uint32_t *from)
{
	for (uint32_t start = 0; start < d->rows; start++) {
		struct row row = d->row[start];
		int label = d->label[start];
		float weight = d->weight[start];
		uint32_t record = d->record[start], to = start;

		while (from[to] != start) {
			uint32_t next = from[to];

			d->row[to] = d->row[next];
			d->label[to] = d->label[next];
			d->weight[to] = d->weight[next];
			d->record[to] = d->record[next];
			from[to] = to;
			to = next;
		}
		d->row[to] = row;
		d->label[to] = label;
		d->weight[to] = weight;
		d->record[to] = record;
		from[to] = to;
	}
}

/* Training sequences first, each part in its old order. */
static void part(
	struct dataset *d, const bool *validates, struct train_sequence *old, uint32_t *from)
{
	uint32_t row = 0;
	size_t at = 0;

	memcpy(old, d->sequence, d->sequences * sizeof(*old));
	for (int pass = 0; pass < 2; pass++) {
		for (size_t s = 0; s < d->sequences; s++) {
			if (validates[s] != (pass == 1))
				continue;
			d->sequence[at++] =
				(struct train_sequence){row, old[s].length, old[s].extra};
			for (uint32_t i = 0; i < old[s].length; i++)
				from[row++] = old[s].first + i;
		}
		if (pass == 0) {
			d->training = at;
			d->training_rows = row;
		}
	}
	reorder(d, from);
}

/* Of the single rows: those with equal inputs go together, unless they are so many that the
 * validation part would show little else (a fifth of UNSW-NB15's rows are one and the same
 * look-up); then they are for learning. */
static void draw_singles(const struct dataset *d, const struct encoder *enc, double share,
	uint64_t seed, struct ticket *ticket, bool *validates)
{
	size_t n = 0, most;

	for (size_t s = 0; s < d->sequences; s++)
		if (d->sequence[s].length == 1 && !d->sequence[s].extra &&
			may_validate(d, d->sequence[s]))
			ticket[n++] =
				(struct ticket){hash_inputs(&d->row[d->sequence[s].first], enc), s};
	qsort(ticket, n, sizeof(*ticket), by_draw);
	most = 1 + (size_t)((double)n * share / 10);
	for (size_t from = 0, to; from < n; from = to) {
		double draw = (double)rng_derive(seed, ticket[from].draw) * 0x1p-64;

		for (to = from; to < n && ticket[to].draw == ticket[from].draw;)
			to++;
		for (size_t i = from; i < to && to - from <= most; i++)
			validates[ticket[i].sequence] = draw < share;
	}
}

/* What validates in one view teaches nothing in the other: it only goes on with the memory.
 * -ENOMEM.
 */
static int blind_target_view(struct dataset *d)
{
	bool *validates = calloc(d->records + 1, sizeof(*validates));

	if (!validates)
		return -ENOMEM;
	for (size_t r = d->training_rows; r < d->rows; r++)
		validates[d->record[r]] = true;
	for (size_t r = 0; r < d->training_rows; r++)
		if (validates[d->record[r]])
			d->weight[r] = 0;
	free(validates);
	return 0;
}

int dataset_split(
	struct dataset *d, const struct encoder *enc, double share, uint64_t seed, struct error *e)
{
	bool *validates = calloc(d->sequences + 1, sizeof(*validates));
	struct ticket *ticket = calloc(d->sequences + 1, sizeof(*ticket));
	struct train_sequence *old = calloc(d->sequences + 1, sizeof(*old));
	uint32_t *from = calloc(d->rows + 1, sizeof(*from));
	int err = 0;

	if (!validates || !ticket || !old || !from) {
		err = no_memory(e);
		goto out;
	}
	for (int c = 0; c < CLASSES; c++)
		draw_class(d, c, share, seed, ticket, validates);
	draw_singles(d, enc, share, seed, ticket, validates);
	part(d, validates, old, from);
	if (blind_target_view(d) != 0)
		err = no_memory(e);
out:
	free(validates);
	free(ticket);
	free(old);
	free(from);
	return err;
}

static void list_classes(const char *what, const bool listed[CLASSES])
{
	const char *between = ": ";

	for (int c = 0; c < CLASSES; c++) {
		if (!listed[c])
			continue;
		fprintf(stderr, "%s%s%s", *between == ':' ? what : "", between, class_name(c));
		between = ", ";
	}
	if (*between != ':')
		putc('\n', stderr);
}

static size_t attacks_of(const size_t count[CLASSES])
{
	size_t attacks = 0;

	for (int c = 0; c < CLASSES; c++)
		attacks += c == CLASS_NORMAL ? 0 : count[c];
	return attacks;
}

/* Is there what each class needs? One that is in the data must be learnt; one that is not, or that
 * none of the validating rows shows, is only told of. */
static int check_classes(const struct dataset *d, bool validates, struct error *e)
{
	size_t all[CLASSES], learnt[CLASSES], rest[CLASSES];
	bool lacking[CLASSES], unseen[CLASSES];

	dataset_count_learnt(d, learnt);
	dataset_count(d->label + d->training_rows, d->rows - d->training_rows, rest);
	for (int c = 0; c < CLASSES; c++) {
		all[c] = learnt[c] + rest[c];
		lacking[c] = !all[c];
		unseen[c] = all[c] && !rest[c];
		if (all[c] && !learnt[c])
			return error_set(e, -EINVAL,
				"all %zu rows of '%s' validate and none is left to learn from; "
				"give "
				"more rows of it, leave it out, or take another --seed",
				all[c], class_name(c));
	}
	if (!all[CLASS_NORMAL] || !attacks_of(all))
		return error_set(e, -EINVAL,
			"%s are '%s'; both attacks and ordinary traffic are needed",
			all[CLASS_NORMAL] ? "all rows" : "no rows", class_name(CLASS_NORMAL));
	if (validates && (!rest[CLASS_NORMAL] || !attacks_of(rest)))
		return error_set(e, -EINVAL,
			"%s of the %zu rows that validate are '%s', so nothing can be told from "
			"them; give more rows that differ",
			rest[CLASS_NORMAL] ? "all" : "none", d->rows - d->training_rows,
			class_name(CLASS_NORMAL));
	list_classes("not in the data, so the model will not know them", lacking);
	if (validates)
		list_classes("no row of them validates, so nothing says how well they are learnt",
			unseen);
	return 0;
}

int dataset_check(const struct dataset *d, bool validates, struct error *e)
{
	if (d->unlabelled > d->soft)
		return error_set(e, -EINVAL,
			"%zu of %zu rows have no label; fill in attack_cat and Label, or leave "
			"them "
			"out",
			d->unlabelled - d->soft, d->records);
	if (validates && (d->training_rows == 0 || d->training_rows == d->rows))
		return error_set(e, -EINVAL,
			"%zu rows in %zu sequence%s are too few to learn from and to validate "
			"with; "
			"give more, of more hosts",
			d->rows, d->sequences, d->sequences == 1 ? "" : "s");
	return check_classes(d, validates, e);
}

/* ---- judging ---- */

int dataset_join_views(const struct dataset *d, int classes, float *logits, struct error *e)
{
	uint32_t *other = calloc(d->records + 1, sizeof(*other)); /* 1 + the row; 0: none */

	if (!other)
		return no_memory(e);
	for (size_t r = 0; r < d->rows; r++)
		if (d->row[r].view == VIEW_TARGET)
			other[d->record[r]] = (uint32_t)r + 1;
	for (size_t r = 0; r < d->rows; r++) {
		float *own = logits + r * (size_t)classes, *its;

		if (d->row[r].view == VIEW_TARGET || !other[d->record[r]])
			continue;
		its = logits + (size_t)(other[d->record[r]] - 1) * (size_t)classes;
		for (int c = 0; c < classes; c++)
			own[c] = (own[c] + its[c]) / 2;
	}
	free(other);
	return 0;
}

enum { TOGETHER = 256 }; /* sequences that are stepped side by side */

static int by_falling_length(const void *a, const void *b)
{
	const struct train_sequence *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? 1 : -1;
	return (x->first > y->first) - (x->first < y->first);
}

struct stepper {
	struct lstm_batch *batch;
	float *x;                 /* (TOGETHER, D) */
	struct lstm_entry *entry; /* (TOGETHER, ENCODER_ENTRIES) */
	float *memory;            /* (TOGETHER, S) */
	float *logits;            /* (TOGETHER, C) */
	float *state[TOGETHER];
	struct lstm_input input[TOGETHER];
};

/* `n` sequences, longest first: all that last that long take step t together. */
static void step_group(const struct dataset *d, const struct encoder *enc, const struct lstm *net,
	struct stepper *s, const struct train_sequence *group, int n, float *logits)
{
	size_t classes = (size_t)net->shape.classes;

	memset(s->memory, 0, (size_t)n * lstm_state_size(net) * sizeof(*s->memory));
	for (uint32_t t = 0; t < group[0].length; t++) {
		while (group[n - 1].length <= t)
			n--;
		for (int i = 0; i < n; i++)
			s->input[i].entries = encoder_apply(enc, &d->row[group[i].first + t], NULL,
				s->x + (size_t)i * (size_t)net->shape.dense,
				s->entry + (size_t)i * ENCODER_ENTRIES);
		lstm_batch_step(s->batch, n, s->input, s->state, s->logits);
		for (int i = 0; i < n; i++)
			memcpy(logits + (size_t)(group[i].first + t) * classes,
				s->logits + (size_t)i * classes, classes * sizeof(*logits));
	}
}

int dataset_judge(const struct dataset *d, const struct encoder *enc, const struct lstm *net,
	const struct lstm_kernel *kernel, size_t from, size_t to, float *logits, struct error *e)
{
	struct stepper s = {0};
	size_t count = to - from, size = lstm_state_size(net);
	struct train_sequence *order = calloc(count + 1, sizeof(*order));
	int err = 0;

	s.batch = lstm_batch_new(net, kernel, TOGETHER);
	s.x = lstm_floats(TOGETHER * (size_t)net->shape.dense);
	s.entry = calloc((size_t)TOGETHER * ENCODER_ENTRIES, sizeof(*s.entry));
	s.memory = lstm_floats(TOGETHER * size);
	s.logits = lstm_floats(TOGETHER * (size_t)net->shape.classes);
	if (!order || !s.batch || !s.x || !s.entry || !s.memory || !s.logits) {
		err = no_memory(e);
		goto out;
	}
	for (size_t i = 0; i < TOGETHER; i++) {
		s.state[i] = s.memory + i * size;
		s.input[i].dense = s.x + i * (size_t)net->shape.dense;
		s.input[i].entry = s.entry + i * ENCODER_ENTRIES;
	}
	memcpy(order, d->sequence + from, count * sizeof(*order));
	qsort(order, count, sizeof(*order), by_falling_length);
	for (size_t i = 0; i < count; i += TOGETHER) {
		size_t n = count - i < TOGETHER ? count - i : TOGETHER;

		step_group(d, enc, net, &s, order + i, (int)n, logits);
	}
out:
	free(order);
	free(s.x);
	free(s.entry);
	free(s.memory);
	free(s.logits);
	lstm_batch_free(s.batch);
	return err;
}
