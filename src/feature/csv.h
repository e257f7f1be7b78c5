/* Flow records as CSV: UNSW-NB15's partition, its raw files, and Karma's own. */
#ifndef KARMA_FEATURE_CSV_H
#define KARMA_FEATURE_CSV_H

#include "feature/feature.h"
#include "util/error.h"

enum csv_form { CSV_PARTITION, CSV_RAW, CSV_KARMA };

struct table {
	struct row *row;
	size_t rows;
	enum csv_form form;
	char sha256[65]; /* of the file as read, in hex */
};

/* Read a file ("-": standard input) by its header, columns in any order; columns that the feature
 * table does not know are passed over. A file without a header whose rows start with an address
 * and have 49 columns is one of UNSW-NB15's raw files, which are published so. A bad row is an
 * error that names line and column.
 *
 * Rows of UNSW-NB15's forms are corrected for the double capture unless `as_published`
 * (feature/unsw.h); they have no actor: all its attacks come from four addresses that do hardly
 * anything else, so that a memory per host would learn who attacks. Rows of Karma's form are put
 * in the order of their time. What a form does not have is NAN.
 *
 * Columns p_CLASS (p_Normal, p_DoS, ...) make a row soft where they are not blank: it has
 * probabilities of the classes, which sum to 1, and no label. A class without a column has 0.
 *
 * 0, or a negative errno. The rows are the table's; table_free() them, also after an error. */
int table_read(struct table *t, const char *path, bool as_published, struct error *e);
void table_free(struct table *t);

/* The header line and a row of Karma's form: the 49 raw columns in their order, then Karma's.
 * Numbers have up to 6 decimals, times 9; NAN is empty; attack_cat and Label follow row->label.
 * -EIO when the stream refuses. */
int csv_write_header(FILE *out);
int csv_write_row(FILE *out, const struct record *r, const struct row *row);

/* The same line, its end included, without the ct_* counters and their commas: they go in at `gap`.
 * (The longest field is an address.) */
enum { CSV_LINE = FEATURE_MAX * 48 };
struct csv_line {
	char text[CSV_LINE];
	size_t length, gap;
};
void csv_make_line(struct csv_line *l, const struct record *r, const struct row *row);

#endif
