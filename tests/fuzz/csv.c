/* libFuzzer's entry: the bytes are a CSV file. Whatever they are, reading ends, and what it accepts
 * is sane. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "feature/csv.h"
#include "feature/encode.h"

#define SANE(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void check_row(const struct row *row)
{
	SANE(row->label >= -1 && row->label < CLASSES);
	for (unsigned i = 0; i < feature_count; i++) {
		double value = row->value[i];

		SANE(!isinf(value));
		if (features[i].kind != KIND_CATEGORY || isnan(value))
			continue;
		for (int k = 0; k <= (int)value; k++)
			SANE(features[i].values[k]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	struct table t;
	struct error e = {""};
	struct encoder enc;
	float x[1024];
	struct lstm_entry entry[ENCODER_ENTRIES];
	int fd = memfd_create("csv", 0);
	int code, entries;

	SANE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	code = table_read(&t, path, size % 2, &e);
	SANE(code <= 0 && (code == 0 || e.text[0]));
	SANE(code < 0 || t.rows > 0);
	encoder_init(&enc, SET_LIVE | SET_PUBLISHED);
	SANE(enc.inputs <= sizeof(x) / sizeof(x[0]));
	if (code == 0)
		SANE(encoder_fit(&enc, t.row, t.rows, size % 3 ? 0 : 8) == 0);
	for (size_t r = 0; code == 0 && r < t.rows; r++) {
		check_row(&t.row[r]);
		entries = encoder_apply(&enc, &t.row[r], NULL, x, entry);
		for (unsigned i = 0; i < enc.dense; i++)
			SANE(x[i] >= -8 && x[i] <= 8);
		for (int i = 0; i < entries; i++)
			SANE(entry[i].row < enc.inputs && entry[i].value >= 0 &&
				entry[i].value <= 1);
	}
	table_free(&t);
	close(fd);
	return 0;
}
