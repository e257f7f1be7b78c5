#include "detect/explain.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Less than this many nats is no reason. */
static const double hardly = 0.05;

/* How much of a name is left without a window: "src_ports" of "src_ports_10s"; 0: has none. */
static size_t stem_length(const char *name)
{
	const char *end = name + strlen(name), *p = end - 1;

	if (end == name || *p != 's')
		return 0;
	while (p > name && isdigit((unsigned char)p[-1]))
		p--;
	return p < end - 1 && p > name && p[-1] == '_' ? (size_t)(p - 1 - name) : 0;
}

static bool same_stem(const char *a, const char *b)
{
	size_t n = stem_length(a);

	return n > 0 && n == stem_length(b) && memcmp(a, b, n) == 0;
}

bool explain_group(const struct encoder *enc, const struct row *row, unsigned first, bool *in_group,
	unsigned *named)
{
	const struct feature *lead = &features[enc->feature[first]];
	bool found = false;

	if (!lead->reason)
		return false;
	for (unsigned f = 0; f < enc->features; f++) {
		const struct feature *other = &features[enc->feature[f]];
		double value = row->value[enc->feature[f]];

		in_group[f] = f == first || same_stem(lead->name, other->name);
		if (f < first && in_group[f])
			return false; /* told of already */
		if (!in_group[f] || isnan(value) || (f != first && !other->reason))
			continue;
		if (!found || value > row->value[*named])
			*named = enc->feature[f];
		found = true;
	}
	/* That nothing was counted is a state of peace, not a reason. */
	return found && !(stem_length(lead->name) > 0 && row->value[*named] == 0);
}

static int by_weight(const void *a, const void *b)
{
	double x = ((const struct telling *)a)->weight, y = ((const struct telling *)b)->weight;

	return (x < y) - (x > y);
}

/* The table's words with the value in the place of %s. */
static void put_words(const struct feature *f, double value, char *out, size_t size)
{
	const char *hole = strstr(f->reason, "%s");
	char text[FEATURE_TEXT];

	if (hole)
		snprintf(out, size, "%.*s%s%s", (int)(hole - f->reason), f->reason,
			feature_text(f, value, text), hole + 2);
	else
		snprintf(out, size, "%s", f->reason);
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
