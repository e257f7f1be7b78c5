#include "detect/explain.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Less than this many nats is no reason. */
static const double hardly = 0.05;

/* The window of a counter over time: "10" of "src_ports_10s"; NULL: it has none. */
static const char *window_of(const char *name, int *digits)
{
	const char *end = name + strlen(name) - 1, *p = end;

	while (p > name && isdigit((unsigned char)p[-1]))
		p--;
	*digits = (int)(end - p);
	return *end == 's' && p < end && p > name && p[-1] == '_' ? p : NULL;
}

/* The nth of a reason's alternatives. Returns its length. */
static size_t alternative(const char *words, unsigned nth, const char **text)
{
	while (nth > 0 && *words) {
		words += strcspn(words, "|");
		words += *words == '|';
		nth--;
	}
	*text = words;
	return strcspn(words, "|");
}

/* The table's words for a value. Returns their length; 0: the value is no reason. */
static size_t words_for(const struct feature *f, double value, const char **words)
{
	unsigned nth = value == 0 ? 0 : value == 1 ? 1 : 2;

	if (!f->reason || isnan(value))
		return 0;
	return alternative(f->reason, f->kind == KIND_CATEGORY ? (unsigned)value : nth, words);
}

static bool same_reason(const struct feature *a, const struct feature *b)
{
	return a->reason && b->reason && strcmp(a->reason, b->reason) == 0;
}

/* Is it more to say that of `a` than what it is now? Of the same number, many say more the sooner
 * they came, one (or all, where it is a share) the longer it was so. */
static bool says_more(double a, double now)
{
	return a > now || (a == now && a <= 1);
}

bool explain_group(const struct encoder *enc, const struct row *row, unsigned first, bool *in_group,
	unsigned *named)
{
	const struct feature *lead = &features[enc->feature[first]];
	const char *words;
	bool found = false;

	if (!lead->reason)
		return false;
	for (unsigned f = 0; f < enc->features; f++) {
		double value = row->value[enc->feature[f]];

		in_group[f] = same_reason(lead, &features[enc->feature[f]]);
		if (f < first && in_group[f])
			return false; /* told of already */
		if (!in_group[f] || isnan(value))
			continue;
		if (!found || says_more(value, row->value[*named]))
			*named = enc->feature[f];
		found = true;
	}
	return found && words_for(&features[*named], row->value[*named], &words) > 0;
}

static int by_weight(const void *a, const void *b)
{
	double x = ((const struct telling *)a)->weight, y = ((const struct telling *)b)->weight;

	return (x < y) - (x > y);
}

/* The table's words with the value in the place of %s, and the window. */
static void put_words(const struct feature *f, double value, char *out, size_t size)
{
	const char *words = "", *window, *hole;
	int length = (int)words_for(f, value, &words), digits, n;
	char text[FEATURE_TEXT];

	hole = memmem(words, (size_t)length, "%s", 2);
	if (hole)
		n = snprintf(out, size, "%.*s%s%.*s", (int)(hole - words), words,
			feature_text(f, value, text), (int)(words + length - hole - 2), hole + 2);
	else
		n = snprintf(out, size, "%.*s", length, words);
	window = window_of(f->name, &digits);
	if (window && n > 0 && (size_t)n < size)
		snprintf(out + n, size - (size_t)n, " in %.*s s", digits, window);
}

/* ---- how many ports, of whom, and what came of it ---- */

/* Counters that say how wide an attack was; of the other one there was one only: then it is said
 * which. */
static const struct wide {
	const char *stem, *other;
	const char *of_one, *of_many;
} wides[] = {
	{"src_ports", "src_hosts", "ports of", "ports tried"},
	{"src_hosts", "src_ports", "hosts on port", "hosts tried"},
};

/* What became of the attempts: said with them. */
static const struct {
	const char *stem, *words;
} outcomes[] = {{"src_refused", "refused"}, {"src_unanswered", "unanswered"}};

/* The column of a counter over the same window as another column; -1: there is none. */
static int counter_like(const char *stem, const char *name)
{
	char column[64];
	int digits;
	const char *window = window_of(name, &digits);

	if (!window)
		return -1;
	snprintf(column, sizeof(column), "%s_%.*ss", stem, digits, window);
	return feature_find(column);
}

/* Is this counter, over whatever window, what a column counts, or has it its words? */
static bool counts(const char *stem, unsigned column)
{
	int same = counter_like(stem, features[column].name);

	return same >= 0 && same_reason(&features[same], &features[column]);
}

static const struct wide *wide_of(const struct telling *t, const struct row *row)
{
	for (size_t i = 0; i < sizeof(wides) / sizeof(wides[0]); i++)
		if (counts(wides[i].stem, t->feature) && row->value[t->feature] > 1)
			return &wides[i];
	return NULL;
}

static void put_wide(
	const struct wide *w, const struct row *row, unsigned column, char *out, size_t size)
{
	int other = counter_like(w->other, features[column].name);
	char count[FEATURE_TEXT], one[ADDR_TEXT];
	int end = row_target(row);
	bool of_one =
		other >= 0 && row->value[other] == 1 && (w == &wides[0] || row->port[end] != 0);

	if (w == &wides[0])
		addr_text(row->addr[end], one);
	else
		snprintf(one, sizeof(one), "%u", row->port[end]);
	snprintf(out, size, "%s %s%s%s", feature_text(&features[column], row->value[column], count),
		of_one ? w->of_one : w->of_many, of_one ? " " : "", of_one ? one : "");
}

/* "1,000 ports of 10.0.0.2 in 2 s, 994 refused". What is said of the outcome comes from a feature
 * that made the model surer; with that it is told, and its weight set to 0. */
static void put_attempts(const struct wide *w, struct telling *t, unsigned count, unsigned at,
	const struct row *row, char *out, size_t size)
{
	const char *name = features[t[at].feature].name, *window;
	char number[FEATURE_TEXT];
	int digits;
	size_t n;

	put_wide(w, row, t[at].feature, out, size);
	n = strlen(out);
	window = window_of(name, &digits);
	n += (size_t)snprintf(out + n, size - n, " in %.*s s", digits, window);
	for (size_t o = 0; o < sizeof(outcomes) / sizeof(outcomes[0]); o++) {
		int column = counter_like(outcomes[o].stem, name);

		for (unsigned i = 0; i < count && n < size; i++) {
			if (!(t[i].weight > 0) || !counts(outcomes[o].stem, t[i].feature))
				continue;
			t[i].weight = 0;
			if (column >= 0 && row->value[column] > 0)
				n += (size_t)snprintf(out + n, size - n, ", %s %s",
					feature_text(&features[column], row->value[column], number),
					outcomes[o].words);
		}
	}
}

unsigned explain_words(struct telling *t, unsigned count, const struct row *row, unsigned most,
	size_t size, char (*reason)[size])
{
	unsigned n = 0;

	qsort(t, count, sizeof(*t), by_weight);
	for (unsigned i = 0; i < count && n < most; i++) {
		const struct wide *wide = wide_of(&t[i], row);

		if (!(t[i].weight > hardly))
			continue;
		if (wide)
			put_attempts(wide, t, count, i, row, reason[n], size);
		else
			put_words(
				&features[t[i].feature], row->value[t[i].feature], reason[n], size);
		t[i].weight = 0;
		n++;
	}
	return n;
}
