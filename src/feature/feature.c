#include "feature/feature.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "util/number.h"

/* ---- classes ---- */

static const char *const class_names[CLASSES] = {
	[CLASS_NORMAL] = "Normal",
	[CLASS_RECONNAISSANCE] = "Reconnaissance",
	[CLASS_DOS] = "DoS",
	[CLASS_FUZZERS] = "Fuzzers",
	[CLASS_EXPLOITS] = "Exploits",
	[CLASS_ANALYSIS] = "Analysis",
	[CLASS_BACKDOOR] = "Backdoor",
	[CLASS_GENERIC] = "Generic",
	[CLASS_SHELLCODE] = "Shellcode",
	[CLASS_WORMS] = "Worms",
	[CLASS_BRUTE_FORCE] = "Brute Force",
};

const char *class_name(enum karma_class c)
{
	return (unsigned)c < CLASSES ? class_names[c] : "?";
}

/* Equal but for case and spaces. */
static bool same_name(const char *a, const char *b)
{
	for (;;) {
		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

int class_of(const char *name)
{
	for (int c = 0; c < CLASSES; c++)
		if (same_name(name, class_names[c]))
			return c;
	return same_name(name, "Backdoors") ? CLASS_BACKDOOR : -1;
}

/* ---- looking up ---- */

int feature_find(const char *name)
{
	for (unsigned i = 0; i < feature_count; i++)
		if (same_name(name, features[i].name) ||
			(features[i].raw && same_name(name, features[i].raw)))
			return (int)i;
	return -1;
}

/* Names that mean the same to the network. The unreachables differ in who sent them, not in what
 * they say, but for "fragmentation needed"; ICMP is ICMP in both versions of IP. */
static const char *common_name(const char *name)
{
	if (strncasecmp(name, "UR", 2) == 0 && strcasecmp(name, "URF") != 0)
		return "UR";
	if (strcasecmp(name, "ipv6-icmp") == 0)
		return "icmp";
	return name;
}

int feature_category(const struct feature *f, const char *name)
{
	int i;

	if (!*name)
		return -1;
	name = common_name(name);
	for (i = 0; f->values[i]; i++)
		if (strcasecmp(name, f->values[i]) == 0)
			return i;
	return strcmp(f->values[i - 1], "other") == 0 ? i - 1 : -1;
}

/* ---- words ---- */

struct unit_step {
	double factor; /* below this */
	double scale;
	const char *unit;
};

static void scaled(char text[FEATURE_TEXT], double value, const struct unit_step *step)
{
	while (fabs(value) >= step->factor)
		step++;
	snprintf(text, FEATURE_TEXT, "%.3g %s", value * step->scale, step->unit);
}

static const struct unit_step seconds[] = {
	{1e-3, 1e6, "us"}, {1, 1e3, "ms"}, {120, 1, "s"}, {INFINITY, 1.0 / 60, "min"}};
static const struct unit_step bytes[] = {
	{1000, 1, "B"}, {1e6, 1e-3, "kB"}, {1e9, 1e-6, "MB"}, {INFINITY, 1e-9, "GB"}};
static const struct unit_step bits[] = {{1000, 1, "bit/s"}, {1e6, 1e-3, "kbit/s"},
	{1e9, 1e-6, "Mbit/s"}, {INFINITY, 1e-9, "Gbit/s"}};

/* Whole above 100. */
static const char *plain(double value, char text[NUMBER_TEXT])
{
	if (value >= 100 || value == floor(value))
		return number_text((uint64_t)(value + 0.5), text);
	snprintf(text, NUMBER_TEXT, "%.3g", value);
	return text;
}

_Static_assert((int)FEATURE_TEXT >= (int)NUMBER_TEXT, "a number fits");

const char *feature_text(const struct feature *f, double value, char text[FEATURE_TEXT])
{
	char number[NUMBER_TEXT];

	if (isnan(value))
		strcpy(text, "unknown");
	else if (f->kind == KIND_CATEGORY)
		snprintf(text, FEATURE_TEXT, "%s", f->values[(int)value]);
	else if (value == 0)
		strcpy(text, "0");
	else if (strcmp(f->unit, "s") == 0)
		scaled(text, value, seconds);
	else if (strcmp(f->unit, "ms") == 0)
		scaled(text, value * 1e-3, seconds);
	else if (strcmp(f->unit, "byte") == 0)
		scaled(text, value, bytes);
	else if (strcmp(f->unit, "bit/s") == 0)
		scaled(text, value, bits);
	else if (strcmp(f->unit, "share") == 0)
		snprintf(text, FEATURE_TEXT, "%.0f %%", value * 100);
	else if (strcmp(f->unit, "1/s") == 0)
		snprintf(text, FEATURE_TEXT, "%.36s/s", plain(value, number));
	else
		plain(value, text);
	return text;
}

static const char *scale_words(const struct feature *f, char *text, size_t size)
{
	switch (f->scale) {
	case SCALE_LOG:
		snprintf(text, size, "log(1 + x/%g)", f->step);
		break;
	case SCALE_LINEAR:
		snprintf(text, size, "x");
		break;
	default:
		snprintf(text, size, "%s",
			f->kind == KIND_CATEGORY && f->sets ? "one input per value" : "");
	}
	return text;
}

static void print_values(FILE *out, const struct feature *f)
{
	if (f->kind != KIND_CATEGORY)
		return;
	fputs(" Values:", out);
	for (int i = 0; f->values[i]; i++)
		fprintf(out, "%s `%s`", i ? "," : "", f->values[i]);
	fputc('.', out);
}

void feature_print_markdown(FILE *out)
{
	fputs("# Features\n\n"
	      "This page is what `karma help features` prints: the feature table "
	      "(src/feature/features.c)\nas a page. The columns of `karma flows` stand in this "
	      "order, the first 49 under the names\nof UNSW-NB15's raw files (in brackets where "
	      "they differ; ct_src_ltm without the space\nthat was published in it).\n\n"
	      "*live*: an input of the bundled model; known when a record is judged and no "
	      "artefact of\nthe networks it was trained on. *published*: an input where a model "
	      "is trained on\nUNSW-NB15's columns as published. What is unknown enters as nothing "
	      "at "
	      "all, or as\nits mean where a model has its numbers standardised, not in bins.\n\n"
	      "| # | feature | unit | used | scaled | meaning |\n"
	      "|--:|---|---|---|---|---|\n",
		out);
	for (unsigned i = 0; i < feature_count; i++) {
		const struct feature *f = &features[i];
		char scale[32];

		fprintf(out, "| %u | %s", i + 1, f->name);
		if (f->raw)
			fprintf(out, " (%s)", f->raw);
		fprintf(out, " | %s | %s%s%s | %s | %s", f->unit, f->sets & SET_LIVE ? "live" : "",
			(f->sets & SET_LIVE) && (f->sets & SET_PUBLISHED) ? ", " : "",
			f->sets & SET_PUBLISHED ? "published" : "",
			scale_words(f, scale, sizeof(scale)), f->meaning);
		print_values(out, f);
		fputs(" |\n", out);
	}
}

bool row_has_actor(const struct row *row)
{
	static const uint8_t nobody[16];

	return !addr_same(row->actor, nobody);
}

int row_target(const struct row *row)
{
	return addr_same(row->actor, row->addr[DST]) && !addr_same(row->actor, row->addr[SRC])
		       ? SRC
		       : DST;
}

/* ---- augmentation ---- */

void row_stretch(struct row *row, double factor)
{
	for (unsigned i = 0; i < feature_count; i++)
		if (features[i].delay == DELAY_TIME)
			row->value[i] *= factor;
		else if (features[i].delay == DELAY_RATE)
			row->value[i] /= factor;
}

void row_busy(struct row *row, double factor)
{
	for (unsigned i = 0; i < feature_count; i++)
		if (features[i].busy && row->value[i] > 1)
			row->value[i] = round(1 + (row->value[i] - 1) * factor);
}

static void resize_side(double *v, int side, double factor)
{
	double *all = &v[COL_SBYTES + side], *payload = &v[COL_SPAYLOAD + side];
	double more = *payload * (factor - 1);

	if (!(*payload > 0 && *all > 0))
		return;
	v[COL_SLOAD + side] *= 1 + more / *all;
	if (v[COL_SPKTS + side] > 0)
		v[COL_SMEAN + side] += more / v[COL_SPKTS + side];
	*all += more;
	*payload += more;
	for (int nth = 0; nth < FLOW_SIZES; nth++)
		v[(side == SRC ? COL_SSIZE1 : COL_DSIZE1) + nth] *= factor;
}

void row_resize(struct row *row, double factor)
{
	resize_side(row->value, SRC, factor);
	resize_side(row->value, DST, factor);
}
