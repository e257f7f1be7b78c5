#include <errno.h>
#include <math.h>
#include <string.h>

#include "feature/csv.h"
#include "util/decimal.h"

/* Each of these writes a field at `at` and returns where it ends. */

static char *put_text(char *at, const char *text)
{
	return stpcpy(at, text);
}

/* Nanoseconds since 1970 as seconds, whole. */
static char *put_time(char *at, int64_t ns)
{
	if (ns < 0) {
		*at++ = '-';
		ns = -ns;
	}
	at = decimal_whole(at, (uint64_t)ns / 1000000000);
	*at++ = '.';
	return decimal_padded(at, (uint64_t)ns % 1000000000, 9);
}

static char *put_address(char *at, const uint8_t addr[16])
{
	char text[ADDR_TEXT];

	return put_text(at, addr_text(addr, text));
}

/* Of the columns that are no plain numbers: what a row's numbers do not hold, or hold less exactly.
 */
static char *put_field(char *at, int column, const struct record *r, const struct row *row)
{
	double value = row->value[column];

	switch (column) {
	case COL_SRCIP:
		return put_address(at, r->addr[SRC]);
	case COL_DSTIP:
		return put_address(at, r->addr[DST]);
	case COL_ACTOR:
		return put_address(at, row->actor);
	case COL_APP:
		return put_text(at, row->app ? row->app : "-");
	case COL_FLOW_ID:
		return decimal_whole(at, r->flow_id);
	case COL_PROTO:
		return put_text(at, record_proto_name(r->net, r->proto));
	case COL_STATE:
		return put_text(at, record_state_name(r->state));
	case COL_AT:
		return put_time(at, r->at_ns);
	case COL_FIRST:
		return put_time(at, r->first_ns);
	case COL_LAST:
		return put_time(at, r->last_ns);
	case COL_ATTACK_CAT:
		return put_text(at, row->label < 0 ? "" : class_name(row->label));
	case COL_LABEL:
		return put_text(at, row->label < 0 ? "" : row->label == CLASS_NORMAL ? "0" : "1");
	default:
		if (features[column].kind == KIND_CATEGORY)
			return put_text(
				at, isnan(value) ? "" : features[column].values[(int)value]);
		return decimal_number(at, value); /* whole seconds */
	}
}

static int put_line(FILE *out, const char *line, const char *end)
{
	size_t length = (size_t)(end - line);

	return fwrite(line, 1, length, out) == length ? 0 : -EIO;
}

int csv_write_header(FILE *out)
{
	char line[CSV_LINE] = "", *at = line;

	for (unsigned i = 0; i < feature_count; i++) {
		/* Published with a blunder, "ct_src_ ltm", which is not worth passing on. */
		if (i < RAW_COLUMNS && features[i].raw && i != COL_CT_SRC_LTM)
			at = put_text(at, features[i].raw);
		else
			at = put_text(at, features[i].name);
		*at++ = i + 1 < feature_count ? ',' : '\n';
	}
	return put_line(out, line, at);
}

/* The fields of columns `from` .. `to` - 1, a comma before each but column 0's. */
static char *put_fields(
	char *at, unsigned from, unsigned to, const struct record *r, const struct row *row)
{
	for (unsigned i = from; i < to; i++) {
		double value = row->value[i];

		if (i)
			*at++ = ',';
		if (features[i].kind != KIND_NUMBER)
			at = put_field(at, (int)i, r, row);
		else if (value == 0)
			*at++ = '0';
		else
			at = decimal_number(at, value);
	}
	return at;
}

int csv_write_row(FILE *out, const struct record *r, const struct row *row)
{
	char line[CSV_LINE], *at = put_fields(line, 0, feature_count, r, row);

	*at++ = '\n';
	return put_line(out, line, at);
}

void csv_make_line(struct csv_line *l, const struct record *r, const struct row *row)
{
	char *at = put_fields(l->text, 0, COL_CT_SRV_SRC, r, row);

	l->gap = (size_t)(at - l->text) + 1;
	at = put_fields(at, COL_CT_DST_SRC_LTM + 1, feature_count, r, row);
	*at++ = '\n';
	l->length = (size_t)(at - l->text);
}
