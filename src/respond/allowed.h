/* Whom a person has said is never to be blocked: the part of the allow list that is not in the
 * configuration. It is kept in a file, which is written anew at each change, beside its place and
 * renamed. */
#ifndef KARMA_RESPOND_ALLOWED_H
#define KARMA_RESPOND_ALLOWED_H

#include "respond/prefix.h"
#include "util/error.h"

enum { ALLOWED_MOST = 1024 };

struct allowed_one {
	struct prefix what;
	uint32_t uid;  /* who said so */
	int64_t at_ns; /* since 1970 */
};

struct allowed;

/* Read the file; there need be none. NULL: memory is short. Where it is broken, `e` has the line
 * and the list is empty; changes are refused then until the file is whole, or gone. */
struct allowed *allowed_open(const char *path, struct error *e);
void allowed_close(struct allowed *a);

/* Add one; one that is there already stays as it is. 0, or a negative errno and the line: -ENOSPC:
 * there is no more room; or the file cannot be written, and nothing has changed. */
int allowed_add(struct allowed *a, const struct allowed_one *one, struct error *e);

/* Take one out: of just this prefix. -ENOENT, without a line: it is not there. */
int allowed_del(struct allowed *a, const struct prefix *what, struct error *e);

/* Those that are there; until the next change. */
const struct allowed_one *allowed_all(const struct allowed *a, uint32_t *count);

/* Is just this prefix there? */
bool allowed_has(const struct allowed *a, const struct prefix *what);

#endif
