#include "detect/drift.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	WINDOWS = 256,        /* that are kept while learning */
	FEWEST = 3,           /* with which something can be said */
	RECORDS = 1000000000, /* that are counted while learning; what follows is not */
	OFFSET = DRIFT_BINS / 2,
};

static const double custom = 0.25;   /* an index that matters */
static const double usual = 2;       /* times what the site's own windows reach */
static const double near_limit = .8; /* of it: below, a drift is over */

static const char *const names[DRIFT_MEASURES] = {
	[DRIFT_TRAFFIC] = "service",
	[DRIFT_STATE] = "state",
	[DRIFT_BYTES] = "bytes",
	[DRIFT_ODDS] = "log-odds",
};

const char *drift_measure_name(enum drift_measure m)
{
	return names[m];
}

/* Bins of bytes are four times as wide as the one before, those of log-odds one wide. */
static int bin_of(enum drift_measure m, const struct record *r, const struct verdict *v)
{
	double normal = fmin(fmax((double)v->probability[CLASS_NORMAL], 1e-6), 1 - 1e-6);
	uint64_t bytes = r->side[SRC].bytes + r->side[DST].bytes;

	switch (m) {
	case DRIFT_TRAFFIC:
		return (int)v->traffic;
	case DRIFT_STATE:
		return r->state;
	case DRIFT_BYTES:
		return bytes ? (63 - __builtin_clzll(bytes)) / 2 : 0;
	default:
		return OFFSET + (int)floor(log((1 - normal) / normal));
	}
}

static void bin_text(enum drift_measure m, int bin, char text[64])
{
	switch (m) {
	case DRIFT_TRAFFIC:
		snprintf(text, 64, "%s", bin < TRAFFICS ? traffic_name((enum traffic)bin) : "?");
		break;
	case DRIFT_STATE:
		snprintf(text, 64, "%s", record_state_name((enum record_state)bin));
		break;
	case DRIFT_BYTES:
		snprintf(text, 64, "from %.3g bytes on", bin ? pow(4, bin) : 0);
		break;
	default:
		snprintf(text, 64, "from %d to %d", bin - OFFSET, bin - OFFSET + 1);
		break;
	}
}

void drift_count(struct drift_counts *c, const struct record *r, const struct verdict *v)
{
	_Static_assert((int)STATES <= DRIFT_BINS && (int)TRAFFICS <= DRIFT_BINS, "a bin for each");

	c->records++;
	for (int m = 0; m < DRIFT_MEASURES; m++)
		c->bin[m][bin_of((enum drift_measure)m, r, v)]++;
}

static double share(const struct drift_counts *c, enum drift_measure m, int bin)
{
	return c->records ? (double)c->bin[m][bin] / c->records : 0;
}

/* What a bin adds to the index. */
static double part(
	const struct drift_counts *a, const struct drift_counts *b, enum drift_measure m, int bin)
{
	const double half = 0.5 / (2 * DRIFT_BLOCK);
	double p = share(a, m, bin) + half, q = share(b, m, bin) + half;

	return (p - q) * log(p / q);
}

double drift_index(const struct drift_counts *a, const struct drift_counts *b, enum drift_measure m)
{
	double sum = 0;

	for (int k = 0; k < DRIFT_BINS; k++)
		sum += part(a, b, m, k);
	return sum;
}

static void add(struct drift_counts *to, const struct drift_counts *c)
{
	to->records += c->records;
	for (int m = 0; m < DRIFT_MEASURES; m++)
		for (int k = 0; k < DRIFT_BINS; k++)
			to->bin[m][k] += c->bin[m][k];
}

static struct drift_counts without(const struct drift_counts *all, const struct drift_counts *c)
{
	struct drift_counts rest = *all;

	rest.records -= c->records;
	for (int m = 0; m < DRIFT_MEASURES; m++)
		for (int k = 0; k < DRIFT_BINS; k++)
			rest.bin[m][k] -= c->bin[m][k];
	return rest;
}

/* ---- blocks ---- */

struct window {
	struct drift_counts before, block; /* the last whole block, and the one that grows */
	int64_t last_ns, took_ns;
	bool begins;
};

/* The next record's clock has nothing to do with the last one's. */
static void window_begin(struct window *w)
{
	w->begins = true;
}

/* true: the block is whole. */
static bool window_take(struct window *w, const struct record *r, const struct verdict *v)
{
	if (!w->begins && r->at_ns > w->last_ns)
		w->took_ns += r->at_ns - w->last_ns;
	w->begins = false;
	w->last_ns = r->at_ns;
	drift_count(&w->block, r, v);
	return w->block.records >= DRIFT_BLOCK && w->took_ns >= drift_block_ns;
}

static struct drift_counts window_counts(const struct window *w)
{
	struct drift_counts both = w->before;

	add(&both, &w->block);
	return both;
}

static void window_next(struct window *w)
{
	w->before = w->block;
	w->block = (struct drift_counts){0};
	w->took_ns = 0;
}

/* ---- learning ---- */

struct drift_learner {
	struct window window;
	struct drift_counts all;
	struct drift_counts kept[WINDOWS];
	uint32_t block[WINDOWS]; /* the second one of each */
	unsigned count;
	uint32_t blocks;
	uint64_t windows, each; /* of so many windows, one in `each` is kept */
};

struct drift_learner *drift_learner_new(void)
{
	struct drift_learner *d = calloc(1, sizeof(*d));

	if (d) {
		d->each = 1;
		window_begin(&d->window);
	}
	return d;
}

void drift_learner_free(struct drift_learner *d)
{
	free(d);
}

void drift_learner_begin(struct drift_learner *d)
{
	window_begin(&d->window);
}

/* When there is no room, every other one goes, and half as many come. */
static void keep(struct drift_learner *d)
{
	if (d->windows++ % d->each)
		return;
	if (d->count == WINDOWS) {
		for (unsigned i = 0; i < WINDOWS / 2; i++)
			d->kept[i] = d->kept[2 * i], d->block[i] = d->block[2 * i];
		d->count = WINDOWS / 2;
		d->each *= 2;
	}
	d->block[d->count] = d->blocks;
	d->kept[d->count++] = window_counts(&d->window);
}

void drift_learner_take(struct drift_learner *d, const struct record *r, const struct verdict *v)
{
	if (d->all.records >= RECORDS)
		return;
	drift_count(&d->all, r, v);
	if (!window_take(&d->window, r, v))
		return;
	if (d->window.before.records)
		keep(d);
	window_next(&d->window);
	d->blocks++;
}

struct drift_mark drift_learner_mark(
	const struct drift_learner *d, const struct record *r, const struct verdict *v)
{
	struct drift_mark mark = {.block = d->blocks};

	for (int m = 0; m < DRIFT_MEASURES; m++)
		mark.bin[m] = (uint8_t)bin_of((enum drift_measure)m, r, v);
	return mark;
}

static void add_mark(struct drift_counts *to, const struct drift_mark *mark)
{
	to->records++;
	for (int m = 0; m < DRIFT_MEASURES; m++)
		to->bin[m][mark->bin[m]]++;
}

void drift_learner_add(struct drift_learner *d, const struct drift_mark *mark)
{
	if (d->all.records >= RECORDS)
		return;
	add_mark(&d->all, mark);
	for (unsigned i = 0; i < d->count; i++)
		if (d->block[i] == mark->block || d->block[i] == mark->block + 1)
			add_mark(&d->kept[i], mark);
}

bool drift_learner_site(const struct drift_learner *d, struct drift_site *site)
{
	if (d->count < FEWEST)
		return false;
	site->counts = d->all;
	for (int m = 0; m < DRIFT_MEASURES; m++) {
		double most = 0;

		for (unsigned i = 0; i < d->count; i++) {
			struct drift_counts rest = without(&d->all, &d->kept[i]);

			most = fmax(most, drift_index(&d->kept[i], &rest, (enum drift_measure)m));
		}
		site->limit[m] = fmax(custom, usual * most);
	}
	return true;
}

/* ---- watching ---- */

struct drift {
	struct drift_site site;
	struct window window;
	bool on;
};

struct drift *drift_new(const struct drift_site *site)
{
	struct drift *d = calloc(1, sizeof(*d));

	if (d) {
		d->site = *site;
		window_begin(&d->window);
	}
	return d;
}

void drift_free(struct drift *d)
{
	free(d);
}

void drift_begin(struct drift *d)
{
	window_begin(&d->window);
}

bool drift_is_on(const struct drift *d)
{
	return d->on;
}

static int most_moved(
	const struct drift_counts *now, const struct drift_counts *then, enum drift_measure m)
{
	int best = 0;

	for (int k = 1; k < DRIFT_BINS; k++)
		if (part(now, then, m, k) > part(now, then, m, best))
			best = k;
	return best;
}

static bool look(struct drift *d, struct drift_news *news)
{
	struct drift_counts now = window_counts(&d->window);
	double most = -1, limit = d->on ? near_limit : 1;

	*news = (struct drift_news){.drifted = false};
	for (int m = 0; m < DRIFT_MEASURES; m++) {
		double index = drift_index(&now, &d->site.counts, (enum drift_measure)m);

		if (index / d->site.limit[m] <= most)
			continue;
		most = index / d->site.limit[m];
		news->measure = (enum drift_measure)m;
		news->index = index;
		news->limit = d->site.limit[m];
	}
	news->drifted = most > limit;
	news->bin = most_moved(&now, &d->site.counts, news->measure);
	news->now = share(&now, news->measure, news->bin);
	news->then = share(&d->site.counts, news->measure, news->bin);
	if (news->drifted == d->on)
		return false;
	d->on = news->drifted;
	return true;
}

bool drift_take(
	struct drift *d, const struct record *r, const struct verdict *v, struct drift_news *news)
{
	bool is_news = false;

	if (!window_take(&d->window, r, v))
		return false;
	if (d->window.before.records)
		is_news = look(d, news);
	window_next(&d->window);
	return is_news;
}

bool drift_end(struct drift *d, struct drift_news *news)
{
	return d->window.before.records && look(d, news);
}

/* "61", "2.3": a share in percent. */
static const char *percent(double share, char text[16])
{
	snprintf(text, 16, share < 0.1 ? "%.1f" : "%.0f", 100 * share);
	return text;
}

const char *drift_text(const struct drift_news *n, char text[DRIFT_TEXT])
{
	char bin[64], now[16], then[16];

	bin_text(n->measure, n->bin, bin);
	snprintf(text, DRIFT_TEXT,
		"%s %s: %s %% of the records, %s %% when learnt (index %.2f, usual up to %.2f)",
		drift_measure_name(n->measure), bin, percent(n->now, now), percent(n->then, then),
		n->index, n->limit);
	return text;
}

/* ---- in the profile ---- */

json_t *drift_site_json(const struct drift_site *site)
{
	json_t *all = json_object();

	json_object_set_new(all, "records", json_integer(site->counts.records));
	for (int m = 0; m < DRIFT_MEASURES; m++) {
		json_t *bins = json_array();

		for (int k = 0; k < DRIFT_BINS; k++)
			json_array_append_new(bins, json_integer(site->counts.bin[m][k]));
		json_object_set_new(all, names[m],
			json_pack("{sf so}", "limit", site->limit[m], "counts", bins));
	}
	return all;
}

static bool read_count(const json_t *j, uint32_t most, uint32_t *count)
{
	json_int_t v = json_integer_value(j);

	if (!json_is_integer(j) || v < 0 || v > most)
		return false;
	*count = (uint32_t)v;
	return true;
}

static bool read_measure(struct drift_site *site, enum drift_measure m, const json_t *j)
{
	const json_t *bins = json_object_get(j, "counts");
	const json_t *limit = json_object_get(j, "limit");
	uint64_t sum = 0;

	site->limit[m] = json_number_value(limit);
	if (!json_is_number(limit) || !(site->limit[m] >= custom && site->limit[m] <= 1e6))
		return false;
	if (json_array_size(bins) != DRIFT_BINS)
		return false;
	for (size_t k = 0; k < DRIFT_BINS; k++) {
		if (!read_count(json_array_get(bins, k), RECORDS, &site->counts.bin[m][k]))
			return false;
		sum += site->counts.bin[m][k];
	}
	return sum == site->counts.records;
}

int drift_site_read(struct drift_site *site, const json_t *j)
{
	if (!read_count(json_object_get(j, "records"), RECORDS, &site->counts.records) ||
		!site->counts.records)
		return -EINVAL;
	for (int m = 0; m < DRIFT_MEASURES; m++)
		if (!read_measure(site, (enum drift_measure)m, json_object_get(j, names[m])))
			return -EINVAL;
	return 0;
}
