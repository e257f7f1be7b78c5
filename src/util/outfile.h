/* A file that is whole or not there: written beside its final name and renamed when complete.
 * Devices and pipes are written as they are. */
#ifndef KARMA_UTIL_OUTFILE_H
#define KARMA_UTIL_OUTFILE_H

#include <stdio.h>

#include "util/error.h"

struct outfile {
	FILE *stream;      /* write here */
	char path[4096];   /* final name; empty: standard output */
	char beside[4112]; /* the name while it is being written; empty: `path` itself */
};

/* Open `path` for writing ("-": standard output). 0, or a negative errno with the line in `e`. */
int outfile_open(struct outfile *f, const char *path, struct error *e);

/* Could it be opened? Nothing is left of it. */
int outfile_check(const char *path, struct error *e);

/* Flush, sync and rename to the final name. 0, or a negative errno; the partial file is gone. */
int outfile_commit(struct outfile *f, struct error *e);

/* Drop what was written; the final name is untouched. Harmless after a commit. */
void outfile_abort(struct outfile *f);

#endif
