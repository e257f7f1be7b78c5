/* Bytes by application protocol in the last hour, as far as records have shown them: the looks at a
 * flow that goes on count what is new. Bounded: sums of SHARES_MINUTES minutes; SHARES_NAMED names,
 * of which the smallest gives way to a new one and counts among the others from then on; of
 * SHARES_FLOWS flows it is known what was counted already, and one that lost its place to another
 * counts on from what it has then. */
#ifndef KARMA_DESK_SHARES_H
#define KARMA_DESK_SHARES_H

#include <jansson.h>

#include "flow/record.h"

enum { SHARES_NAMED = 64, SHARES_FLOWS = 16384, SHARES_SHOWN = 12, SHARES_MINUTES = 60 };

struct shares;

/* NULL when memory is short. */
struct shares *shares_new(void);
void shares_free(struct shares *s);

/* A record of a flow; `app` NULL: its protocol is not known. `steady_ns`: now, by a clock that
 * nobody sets. */
void shares_add(struct shares *s, const struct record *r, const char *app, int64_t steady_ns);

/* The largest first: [{"name": "tls", "bytes": n, "flows": n}, ...]; "" for those without a name,
 * "others" for what is beyond SHARES_SHOWN or gave way. */
json_t *shares_json(struct shares *s, int64_t steady_ns);

#endif
