#include "feature/csv.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "feature/unsw.h"

enum { MAX_COLUMNS = 1024, IGNORED = -1, SOFT = -2 /* - class */ };

struct reader {
	FILE *in;
	const char *name; /* of the file, for messages */
	bool as_published;
	struct error *e;
	struct table *t;
	size_t room;
	unsigned long line;
	int columns;
	int feature[MAX_COLUMNS]; /* of each column; IGNORED; SOFT - class */
	char *field[MAX_COLUMNS]; /* of the line at hand */
};

/* ---- lines and fields ---- */

/* Cut a line into fields in place. A field in quotes may hold commas, and quotes doubled. Returns
 * how many, at most MAX_COLUMNS, or -1 when a quote is not closed. */
static int split(char *line, char **field)
{
	int n = 0;
	char *p = line;

	for (;;) {
		char *to;

		if (n == MAX_COLUMNS)
			return n;
		if (*p != '"') {
			field[n++] = p;
			p = strchrnul(p, ',');
		} else {
			field[n++] = to = ++p;
			for (; *p && !(*p == '"' && p[1] != '"'); p++) {
				p += *p == '"';
				*to++ = *p;
			}
			if (!*p)
				return -1;
			p = strchrnul(p + 1, ',');
			*to = '\0';
		}
		if (!*p)
			return n;
		*p++ = '\0';
	}
}

static int bad_field(const struct reader *r, int column, const char *what)
{
	return error_set(r->e, -EINVAL, "%s:%lu: column %s: '%.40s' %s; correct or remove the line",
		r->name, r->line, features[r->feature[column]].name, r->field[column], what);
}

/* ---- numbers ---- */

/* A plain decimal of up to 18 digits: exact where the digits stay below 2^53, as all of these
 * files' do, and ten times as fast as strtod(). False: something else. */
static bool plain_decimal(const char *text, double *value)
{
	static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
	const char *p = text + (*text == '-');
	uint64_t digits = 0;
	int n = 0, decimals = 0;

	for (; isdigit((unsigned char)*p) && n < 18; p++, n++)
		digits = digits * 10 + (uint64_t)(*p - '0');
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p) && n < 18; p++, n++, decimals++)
			digits = digits * 10 + (uint64_t)(*p - '0');
	if (*p || n == 0 || digits >= 1ULL << 53)
		return false;
	*value = (double)digits / power[decimals];
	if (*text == '-')
		*value = -*value;
	return true;
}

/* Blank and "-" are unknown; ports may be hexadecimal, as in the raw files. */
static bool parse_number(const char *text, double *value)
{
	char *end;

	if (plain_decimal(text, value))
		return true;
	while (*text == ' ')
		text++;
	if (!*text || strcmp(text, "-") == 0) {
		*value = NAN;
		return true;
	}
	if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+' && *text != '.')
		return false; /* strtod() would take "inf" and "nan" */
	*value = strtod(text, &end);
	while (*end == ' ')
		end++;
	return !*end && isfinite(*value);
}

/* Seconds with up to 9 decimals, to the nanosecond. */
static bool parse_time(const char *text, int64_t *ns)
{
	bool negative = *text == '-';
	int64_t s = 0, fraction = 0;
	int n = 0;

	text += negative;
	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text) && n < 10; text++, n++)
		s = s * 10 + (*text - '0');
	if (s > INT64_MAX / 1000000000 - 1)
		return false;
	n = 0;
	if (*text == '.')
		for (text++; isdigit((unsigned char)*text); text++)
			if (n < 9) {
				fraction = fraction * 10 + (*text - '0');
				n++;
			}
	for (; n < 9; n++)
		fraction *= 10;
	*ns = s * 1000000000 + fraction;
	if (negative)
		*ns = -*ns;
	return !*text;
}

/* ---- a row ---- */

static int text_field(const struct reader *r, int column, struct row *row)
{
	const char *text = r->field[column];
	char *end;

	switch (r->feature[column]) {
	case COL_SRCIP:
	case COL_DSTIP:
		if (!addr_parse(text, row->addr[r->feature[column] == COL_DSTIP]))
			return bad_field(r, column, "is no address");
		return 0;
	case COL_ACTOR:
		if (*text && !addr_parse(text, row->actor))
			return bad_field(r, column, "is no address");
		return 0;
	case COL_APP:
		return 0; /* for people */
	default:
		row->flow_id = strtoull(text, &end, 10);
		return *end || !isdigit((unsigned char)*text) ? bad_field(r, column, "is no number")
							      : 0;
	}
}

static int number_field(const struct reader *r, int column, struct row *row)
{
	int feature = r->feature[column];
	double *value = &row->value[feature];

	if (!parse_number(r->field[column], value))
		return bad_field(r, column, "is no number");
	if (fabs(*value) > 1e18)
		return bad_field(r, column, "is out of all proportion");
	if (features[feature].kind == KIND_TIME && fabs(*value) > 9e9)
		return bad_field(r, column, "is no time in seconds since 1970");
	if (feature == COL_AT && !parse_time(r->field[column], &row->at_ns))
		return bad_field(r, column, "is no time");
	if (feature != COL_SPORT && feature != COL_DPORT)
		return 0;
	if (!isnan(*value) && (*value < 0 || *value > 65535 || *value != floor(*value)))
		return bad_field(r, column, "is no port");
	row->port[feature == COL_DPORT] = isnan(*value) ? 0 : (uint16_t)*value;
	return 0;
}

static int label_field(const struct reader *r, int column, struct row *row)
{
	const char *text = r->field[column];

	if (text[strspn(text, " ")] == '\0')
		return 0;
	if (r->feature[column] == COL_ATTACK_CAT) {
		row->label = class_of(text);
		return row->label < 0 ? bad_field(r, column, "is no class that karma knows") : 0;
	}
	if (!parse_number(text, &row->value[COL_LABEL]) ||
		(row->value[COL_LABEL] != 0 && row->value[COL_LABEL] != 1))
		return bad_field(r, column, "is neither 0 nor 1");
	return 0;
}

/* The two labels together: blank attack_cat is Normal where Label says 0, unknown where it is
 * blank as well. */
static int settle_label(const struct reader *r, struct row *row)
{
	double label = row->value[COL_LABEL];

	if (row->label < 0 && label == 0)
		row->label = CLASS_NORMAL;
	if (row->label < 0 && label == 1)
		return error_set(r->e, -EINVAL,
			"%s:%lu: Label is 1, but attack_cat is empty; name the class", r->name,
			r->line);
	if (!isnan(label) && (row->label > CLASS_NORMAL) != (label == 1))
		return error_set(r->e, -EINVAL,
			"%s:%lu: attack_cat '%s' and Label %.0f contradict each other; correct or "
			"remove the line",
			r->name, r->line, class_name(row->label), label);
	row->value[COL_ATTACK_CAT] = row->label < 0 ? NAN : row->label;
	return 0;
}

/* The probability of a class. */
static int soft_field(const struct reader *r, int column, struct row *row)
{
	int class = SOFT - r->feature[column];
	double value;

	if (!parse_number(r->field[column], &value) || value < 0 || value > 1)
		return error_set(r->e, -EINVAL,
			"%s:%lu: column p_%s: '%.40s' is no probability; correct or remove the "
			"line",
			r->name, r->line, class_name(class), r->field[column]);
	if (isnan(value))
		return 0;
	row->soft = true;
	row->probability[class] = (float)value;
	return 0;
}

/* They were rounded when they were written. */
static int settle_soft(const struct reader *r, struct row *row)
{
	float sum = 0;

	if (!row->soft)
		return 0;
	for (int c = 0; c < CLASSES; c++)
		sum += row->probability[c];
	if (row->label >= 0)
		return error_set(r->e, -EINVAL,
			"%s:%lu: both a label and probabilities of the classes; leave one blank",
			r->name, r->line);
	if (fabsf(sum - 1) > 0.001f)
		return error_set(r->e, -EINVAL,
			"%s:%lu: the classes' probabilities sum to %.4f, not to 1; correct or "
			"remove the line",
			r->name, r->line, (double)sum);
	for (int c = 0; c < CLASSES; c++)
		row->probability[c] /= sum;
	return 0;
}

static int category_field(const struct reader *r, int column, struct row *row)
{
	int index = feature_category(&features[r->feature[column]], r->field[column]);

	row->value[r->feature[column]] = index < 0 ? NAN : index;
	return 0;
}

static int parse_row(const struct reader *r, struct row *row)
{
	int code = 0;

	memset(row, 0, sizeof(*row));
	for (int i = 0; i < FEATURE_MAX; i++)
		row->value[i] = NAN;
	row->label = -1;
	for (int c = 0; c < r->columns && code == 0; c++) {
		if (r->feature[c] == IGNORED)
			continue;
		if (r->feature[c] <= SOFT) {
			code = soft_field(r, c, row);
			continue;
		}
		switch (features[r->feature[c]].kind) {
		case KIND_TEXT:
			code = text_field(r, c, row);
			break;
		case KIND_LABEL:
			code = label_field(r, c, row);
			break;
		case KIND_CATEGORY:
			code = category_field(r, c, row);
			break;
		default:
			code = number_field(r, c, row);
		}
	}
	if (code == 0)
		code = settle_label(r, row);
	if (code == 0)
		code = settle_soft(r, row);
	if (code || r->t->form == CSV_KARMA)
		return code;
	unsw_complete(row);
	if (!isnan(row->value[COL_LTIME]))
		row->at_ns = (int64_t)row->value[COL_LTIME] * 1000000000;
	if (!r->as_published)
		unsw_correct(row);
	return 0;
}

/* ---- the header ---- */

static const char *const needed[3][10] = {
	[CSV_PARTITION] = {"dur", "proto", "state", "spkts", "dpkts", "sbytes", "dbytes"},
	[CSV_RAW] = {"srcip", "dstip", "dsport", "proto", "state", "dur", "Spkts", "Dpkts",
		"Ltime"},
	[CSV_KARMA] = {"srcip", "dstip", "proto", "state", "flow_id", "event", "at", "actor"},
};

/* SOFT - the class of a column "p_CLASS", or IGNORED. */
static int find_soft(const char *name)
{
	int class = strncasecmp(name, "p_", 2) == 0 ? class_of(name + 2) : -1;

	return class < 0 ? IGNORED : SOFT - class;
}

/* Which of its fields are which features, and so which form it is. */
static int read_header(struct reader *r)
{
	bool has[FEATURE_MAX] = {false}, soft[CLASSES] = {false};

	for (int c = 0; c < r->columns; c++) {
		int f = feature_find(r->field[c]), class;

		r->feature[c] = f < 0 ? find_soft(r->field[c]) : f;
		class = SOFT - r->feature[c];
		if (class >= 0 && soft[class])
			return error_set(r->e, -EINVAL, "%s:1: column p_%s stands there twice",
				r->name, class_name(class));
		if (class >= 0)
			soft[class] = true;
		if (f >= 0 && has[f])
			return error_set(r->e, -EINVAL, "%s:1: column %s stands there twice",
				r->name, features[f].name);
		if (f >= 0)
			has[f] = true;
	}
	r->t->form = has[COL_FLOW_ID] ? CSV_KARMA : has[COL_SRCIP] ? CSV_RAW : CSV_PARTITION;
	for (int i = 0; i < 10 && needed[r->t->form][i]; i++)
		if (!has[feature_find(needed[r->t->form][i])])
			return error_set(r->e, -EINVAL,
				"%s:1: no column '%s'; a header line with UNSW-NB15's or karma "
				"flows' column names is needed",
				r->name, needed[r->t->form][i]);
	return 0;
}

/* The raw files are published without their header: 49 columns that begin with an address. */
static bool is_bare_raw(struct reader *r)
{
	uint8_t addr[16];

	if (r->columns != RAW_COLUMNS || !addr_parse(r->field[0], addr))
		return false;
	for (int c = 0; c < RAW_COLUMNS; c++)
		r->feature[c] = c;
	r->t->form = CSV_RAW;
	return true;
}

/* ---- the file ---- */

static int add_row(struct reader *r)
{
	struct table *t = r->t;

	if (t->rows == r->room) {
		size_t room = r->room ? r->room * 2 : 1024;
		struct row *row = reallocarray(t->row, room, sizeof(*row));

		if (!row)
			return error_set(r->e, -ENOMEM, "%s:%lu: memory is short for more rows",
				r->name, r->line);
		t->row = row;
		r->room = room;
	}
	return parse_row(r, &t->row[t->rows]) ?: (t->rows++, 0);
}

static int take_line(struct reader *r, char *line, size_t length)
{
	int columns;

	if (strlen(line) != length)
		return error_set(
			r->e, -EINVAL, "%s:%lu: a zero byte; is it a CSV file?", r->name, r->line);
	line[strcspn(line, "\r\n")] = '\0';
	if (r->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3;
	if (!*line)
		return 0;
	columns = split(line, r->field);
	if (columns < 0)
		return error_set(r->e, -EINVAL, "%s:%lu: a quote is not closed", r->name, r->line);
	if (r->columns == 0) {
		r->columns = columns;
		if (!is_bare_raw(r))
			return read_header(r);
	}
	if (columns != r->columns)
		return error_set(r->e, -EINVAL,
			"%s:%lu: %d columns instead of %d; is the file cut short?", r->name,
			r->line, columns, r->columns);
	return add_row(r);
}

struct place {
	int64_t at_ns;
	size_t row;
};

static int by_time(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->row < y->row ? -1 : 1; /* as they stand in the file */
}

/* Rows of Karma's form are in the order of their time but for the final ones, which `karma flows`
 * holds back until their block is full. */
static int put_in_order(struct reader *r)
{
	struct table *t = r->t;
	struct place *order;
	struct row *row;
	size_t i = 1;

	while (i < t->rows && t->row[i - 1].at_ns <= t->row[i].at_ns)
		i++;
	if (i >= t->rows)
		return 0;
	order = calloc(t->rows, sizeof(*order));
	row = calloc(t->rows, sizeof(*row));
	if (!order || !row) {
		free(order);
		free(row);
		return error_set(
			r->e, -ENOMEM, "%s: memory is short for %zu rows", r->name, t->rows);
	}
	for (i = 0; i < t->rows; i++)
		order[i] = (struct place){t->row[i].at_ns, i};
	qsort(order, t->rows, sizeof(*order), by_time);
	for (i = 0; i < t->rows; i++)
		row[i] = t->row[order[i].row];
	free(order);
	free(t->row);
	t->row = row;
	return 0;
}

static int read_lines(struct reader *r)
{
	struct sha256_ctx sha;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int code = 0;

	sha256_init(&sha);
	errno = 0;
	while (code == 0 && (length = getline(&line, &room, r->in)) >= 0) {
		sha256_update(&sha, (size_t)length, (const uint8_t *)line);
		r->line++;
		code = take_line(r, line, (size_t)length);
	}
	if (code == 0 && ferror(r->in))
		code = error_set(r->e, errno ? -errno : -EIO, "%s: cannot be read: %s", r->name,
			strerror(errno ? errno : EIO));
	free(line);
	if (code)
		return code;
	if (r->t->rows == 0)
		return error_set(r->e, -ENODATA, "%s: no rows; is it the right file?", r->name);
	sha256_digest(&sha, sizeof(digest), digest);
	for (int i = 0; i < SHA256_DIGEST_SIZE; i++)
		sprintf(r->t->sha256 + 2 * i, "%02x", digest[i]);
	return r->t->form == CSV_KARMA ? put_in_order(r) : 0;
}

int table_read(struct table *t, const char *path, bool as_published, struct error *e)
{
	bool standard = strcmp(path, "-") == 0;
	struct reader *r = calloc(1, sizeof(*r));
	int code;

	memset(t, 0, sizeof(*t));
	if (!r)
		return error_set(e, -ENOMEM, "%s: memory is short", path);
	r->name = standard ? "standard input" : path;
	r->as_published = as_published;
	r->e = e;
	r->t = t;
	r->in = standard ? stdin : fopen(path, "r");
	if (r->in) {
		code = read_lines(r);
		if (!standard)
			fclose(r->in);
	} else {
		code = error_set(e, -errno, "%s: %s; name a CSV file that can be read", path,
			strerror(errno));
	}
	free(r);
	return code;
}

void table_free(struct table *t)
{
	free(t->row);
	memset(t, 0, sizeof(*t));
}
