/* What a history file says, as JSON: each opens the file, reads and closes it. A new object, or
 * NULL and the line. */
#ifndef KARMA_TOP_PAST_H
#define KARMA_TOP_PAST_H

#include <jansson.h>

#include "util/error.h"

/* As the daemon answers `live` from 0, but of the file: "points" are minutes ("step" is 60), hosts
 * are those of the most suspicion that ever was, alerts are the latest. "seq" is always 1. */
json_t *past_live(const char *path, struct error *e);

/* "ack" or "false" of the latest alerts that are marked, by id. */
json_t *past_marks(const char *path, struct error *e);

/* The alert's event, with "flows" and "flows_left_out". */
json_t *past_story(const char *path, const char *id, struct error *e);

#endif
