/* What was learnt of a site, as a file (JSON):
 *
 *   "karma_profile"  1, the version of this form
 *   "model"          id of the model that it was learnt with: it fits no other
 *   "learnt"         "from", "seconds", "records", "kept", "left_out": for people, not read back
 *   "false_alerts"   a day: "asked", "before", "after": the same
 *   "margins"        {"http": 1.5}: what is added to the margin for a kind of traffic
 *   "traffic"        what the site's traffic is like (detect/drift.h); may be missing
 *   "last_layer"     tuned weights (detect/tune.h); may be missing */
#ifndef KARMA_DETECT_PROFILE_H
#define KARMA_DETECT_PROFILE_H

#include "detect/drift.h"
#include "detect/evidence.h"
#include "detect/learn.h"
#include "detect/tune.h"
#include "util/error.h"

enum { PROFILE_VERSION = 1 };

struct profile {
	float shift[TRAFFICS];
	bool has_site, has_tuning;
	struct drift_site site;
	struct tuning tuning;
};

/* Put a profile beside `path` and rename it. `from`: what was learnt from, `learnt` and `per_day`
 * (what was asked for) are told in it. 0, or a negative errno and the line. */
int profile_write(const struct profile *p, const char *path, const char *model_id, const char *from,
	const struct learnt *learnt, double per_day, struct error *e);

/* 0, or a negative errno and the line: not a profile, of another model, damaged. */
int profile_read(struct profile *p, const char *path, const char *model_id, struct error *e);

#endif
