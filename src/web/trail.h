/* What was held against hosts in the last hour: of the hosts that `live` names, each five seconds.
 */
#ifndef KARMA_WEB_TRAIL_H
#define KARMA_WEB_TRAIL_H

#include <jansson.h>

enum { TRAIL_HOSTS = 256, TRAIL_POINTS = 720, TRAIL_STEP_S = 5 };

struct trail;

/* NULL: memory is short. */
struct trail *trail_new(void);
void trail_free(struct trail *t);

/* The "hosts" of an answer to `live`, at that time; of two within a step the first is kept. Of
 * hosts beyond TRAIL_HOSTS, who was not seen for longest gives way. */
void trail_take(struct trail *t, const json_t *hosts, double now);

/* [[time, suspicion], ...] of a host, oldest first; empty where nothing is known. */
json_t *trail_json(const struct trail *t, const char *ip);

/* Forget all. */
void trail_clear(struct trail *t);

#endif
