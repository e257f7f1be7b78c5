#include <errno.h>
#include <math.h>
#include <string.h>

#include "feature/csv.h"

static void add_text(struct csv_line *l, const char *text)
{
	size_t n = strlen(text);

	memcpy(l->text + l->length, text, n);
	l->length += n;
}

static void add_digits(struct csv_line *l, uint64_t value, int at_least)
{
	static const char two[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";
	char digit[20];
	int at = sizeof(digit);

	if (value < 10 && at_least == 1) {
		l->text[l->length++] = (char)('0' + value);
		return;
	}
	while (value) {
		at -= 2;
		memcpy(digit + at, two + value % 100 * 2, 2);
		value /= 100;
	}
	if (at < (int)sizeof(digit) && digit[at] == '0')
		at++;
	while (at > (int)sizeof(digit) - at_least)
		digit[--at] = '0';
	memcpy(l->text + l->length, digit + at, sizeof(digit) - (size_t)at);
	l->length += sizeof(digit) - (size_t)at;
}

/* Up to 6 decimals, zeros at the end left out. printf() takes ten times as long. */
static void add_number(struct csv_line *l, double value)
{
	static const double million = 1e6, exact = 549755813888; /* 2^39 */
	uint64_t fixed;

	if (isnan(value))
		return;
	/* Most are small and whole; below 2^39 all ways write the same. */
	if (value >= 0 && value < 10 && value == (int)value) {
		l->text[l->length++] = (char)('0' + (int)value);
		return;
	}
	if (value >= 0 && value < exact && value == (double)(uint64_t)value) {
		add_digits(l, (uint64_t)value, 1);
		return;
	}
	if (!(fabs(value) < 9e12)) {
		l->length += (size_t)sprintf(l->text + l->length, "%.9g", value);
		return;
	}
	fixed = (uint64_t)(fabs(value) * million + 0.5);
	if (value < 0 && fixed)
		l->text[l->length++] = '-';
	add_digits(l, fixed / 1000000, 1);
	if (fixed % 1000000 == 0)
		return;
	l->text[l->length++] = '.';
	add_digits(l, fixed % 1000000, 6);
	while (l->text[l->length - 1] == '0')
		l->length--;
}

/* Nanoseconds since 1970 as seconds, whole. */
static void add_time(struct csv_line *l, int64_t ns)
{
	if (ns < 0) {
		l->text[l->length++] = '-';
		ns = -ns;
	}
	add_digits(l, (uint64_t)ns / 1000000000, 1);
	l->text[l->length++] = '.';
	add_digits(l, (uint64_t)ns % 1000000000, 9);
}

static void add_address(struct csv_line *l, const uint8_t addr[16])
{
	char text[ADDR_TEXT];

	add_text(l, addr_text(addr, text));
}

/* The fields that a row's numbers do not hold, or hold less exactly. */
static void add_field(struct csv_line *l, int column, const struct record *r, const struct row *row)
{
	double value = row->value[column];

	switch (column) {
	case COL_SRCIP:
		add_address(l, r->addr[SRC]);
		break;
	case COL_DSTIP:
		add_address(l, r->addr[DST]);
		break;
	case COL_ACTOR:
		add_address(l, row->actor);
		break;
	case COL_APP:
		add_text(l, row->app ? row->app : "-");
		break;
	case COL_FLOW_ID:
		add_digits(l, r->flow_id, 1);
		break;
	case COL_PROTO:
		add_text(l, record_proto_name(r->net, r->proto));
		break;
	case COL_STATE:
		add_text(l, record_state_name(r->state));
		break;
	case COL_AT:
		add_time(l, r->at_ns);
		break;
	case COL_FIRST:
		add_time(l, r->first_ns);
		break;
	case COL_LAST:
		add_time(l, r->last_ns);
		break;
	case COL_ATTACK_CAT:
		add_text(l, row->label < 0 ? "" : class_name(row->label));
		break;
	case COL_LABEL:
		add_text(l, row->label < 0 ? "" : row->label == CLASS_NORMAL ? "0" : "1");
		break;
	default:
		if (features[column].kind == KIND_CATEGORY)
			add_text(l, isnan(value) ? "" : features[column].values[(int)value]);
		else
			add_number(l, value); /* whole seconds */
	}
}

static int put(FILE *out, struct csv_line *l)
{
	l->text[l->length++] = '\n';
	return fwrite(l->text, 1, l->length, out) == l->length ? 0 : -EIO;
}

int csv_write_header(FILE *out)
{
	struct csv_line l = {.length = 0};

	for (unsigned i = 0; i < feature_count; i++) {
		if (i)
			l.text[l.length++] = ',';
		/* Published with a blunder, "ct_src_ ltm", which is not worth passing on. */
		if (i < RAW_COLUMNS && features[i].raw && i != COL_CT_SRC_LTM)
			add_text(&l, features[i].raw);
		else
			add_text(&l, features[i].name);
	}
	return put(out, &l);
}

/* The fields of columns `from` .. `to` - 1, a comma before each but column 0's. */
static void add_fields(struct csv_line *l, unsigned from, unsigned to, const struct record *r,
	const struct row *row)
{
	for (unsigned i = from; i < to; i++) {
		if (i)
			l->text[l->length++] = ',';
		if (features[i].kind == KIND_NUMBER)
			add_number(l, row->value[i]);
		else
			add_field(l, (int)i, r, row);
	}
}

int csv_write_row(FILE *out, const struct record *r, const struct row *row)
{
	struct csv_line l;

	l.length = 0;
	add_fields(&l, 0, feature_count, r, row);
	return put(out, &l);
}

void csv_make_line(struct csv_line *l, const struct record *r, const struct row *row)
{
	l->length = 0;
	add_fields(l, 0, COL_CT_SRV_SRC, r, row);
	l->gap = l->length + 1;
	add_fields(l, COL_CT_DST_SRC_LTM + 1, feature_count, r, row);
	l->text[l->length++] = '\n';
}
