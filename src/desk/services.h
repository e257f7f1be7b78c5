/* Bytes by application protocol since the start, as far as records have shown them: the looks at a
 * flow that goes on count what is new. Bounded: SERVICES_NAMED names, the others together; of
 * SERVICES_FLOWS flows it is known what was counted already, and one that lost its place to another
 * counts on from what it has then. */
#ifndef KARMA_DESK_SERVICES_H
#define KARMA_DESK_SERVICES_H

#include <jansson.h>

#include "flow/record.h"

enum { SERVICES_NAMED = 64, SERVICES_FLOWS = 16384, SERVICES_SHOWN = 12 };

struct services;

/* NULL when memory is short. */
struct services *services_new(void);
void services_free(struct services *s);

/* A record of a flow; `app` NULL: its protocol is not known. */
void services_add(struct services *s, const struct record *r, const char *app);

/* The largest first: [{"name": "tls", "bytes": n, "flows": n}, ...]; "" for those without a name,
 * "others" for what is beyond SERVICES_SHOWN or found no place. */
json_t *services_json(const struct services *s);

#endif
