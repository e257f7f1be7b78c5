/* Link layers of captures: where the network header is, and what it is. */
#ifndef KARMA_CAPTURE_LINK_H
#define KARMA_CAPTURE_LINK_H

#include "flow/decode.h"

/* Decode a frame: 0, or the meter_counter under which it is lost. */
typedef int (*link_decode)(struct packet *p, const struct frame *f);

/* Of a link type as libpcap numbers it (DLT_...); NULL: not understood. */
link_decode link_of(int dlt);

/* The understood ones, for a message. */
#define LINK_NAMES "Ethernet, raw IP, loopback, Linux cooked (v1, v2)"

#endif
