/* What a service manager is told (sd_notify(3)): that karma is ready, takes up its configuration,
 * ends, and, where it asks for that, that it is alive. Nothing where there is none. */
#ifndef KARMA_CMD_MANAGER_H
#define KARMA_CMD_MANAGER_H

#include <stdint.h>

struct manager {
	uint64_t every_ns; /* a sign of life is due; 0: nobody waits for one */
	uint64_t given_ns; /* the last one: monotonic */
};

/* Ready; `status`: a line of what it does. */
void manager_ready(struct manager *s, const char *status);

/* In each turn of the loop that does the work, and nowhere else: a sign of life, when it is due. */
void manager_alive(struct manager *s);

void manager_reloading(void);
void manager_reloaded(void);
void manager_ends(void);

#endif
