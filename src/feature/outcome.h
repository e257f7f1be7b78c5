/* How a flow went, as its record tells. */
#ifndef KARMA_FEATURE_OUTCOME_H
#define KARMA_FEATURE_OUTCOME_H

#include <stdbool.h>

#include "flow/record.h"

/* ICMP's answers to a packet that could not be delivered. */
bool record_is_icmp_error(const struct record *r);

/* Of these, the ones that refuse; a path's packet size or length is not the target's word. */
bool record_is_unreachable(const struct record *r);

/* The destination answered with RST and nothing else, to a source that sent no data. */
bool record_is_refused(const struct record *r);

/* Asked, and no answer, where one is due. */
bool record_is_silent(const struct record *r);

/* TCP whose handshake the source began and did not end. */
bool record_is_half_open(const struct record *r);

#endif
