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

unsigned explain_words(struct telling *t, unsigned count, const struct row *row, unsigned most,
	size_t size, char (*reason)[size])
{
	unsigned n = 0;

	qsort(t, count, sizeof(*t), by_weight);
	while (n < count && n < most && t[n].weight > hardly) {
		put_words(&features[t[n].feature], row->value[t[n].feature], reason[n], size);
		n++;
	}
	return n;
}
