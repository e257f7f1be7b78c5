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
	uint64_t skipped; /* bad rows left out */
	char sha256[65];  /* of the file as read; "" for standard input... see csv.c */
};

/* Read a file ("-": standard input) by its header, columns in any order. UNSW-NB15 forms are
 * corrected for the double capture unless `as_published`. A bad row is an error that names line
 * and column. The rows are the table's; table_free() them. */
int table_read(struct table *t, const char *path, bool as_published, struct error *e);
void table_free(struct table *t);

/* The header line and a row of Karma's form: the 49 raw columns in their order, then Karma's. */
int csv_write_header(FILE *out);
int csv_write_row(FILE *out, const struct record *r, const struct row *row);

#endif
