/* Bytes by application protocol since the start, as far as records have shown them: the looks at a
 * flow that goes on count what is new. Bounded: SHARES_NAMED names, the others together; of
 * SHARES_FLOWS flows it is known what was counted already, and one that lost its place to another
 * counts on from what it has then. */
#ifndef KARMA_DESK_SHARES_H
#define KARMA_DESK_SHARES_H

#include <jansson.h>

#include "flow/record.h"

enum { SHARES_NAMED = 64, SHARES_FLOWS = 16384, SHARES_SHOWN = 12 };

struct shares;

/* NULL when memory is short. */
struct shares *shares_new(void);
void shares_free(struct shares *s);

/* A record of a flow; `app` NULL: its protocol is not known. */
void shares_add(struct shares *s, const struct record *r, const char *app);

/* The largest first: [{"name": "tls", "bytes": n, "flows": n}, ...]; "" for those without a name,
 * "others" for what is beyond SHARES_SHOWN or found no place. */
json_t *shares_json(const struct shares *s);

#endif
