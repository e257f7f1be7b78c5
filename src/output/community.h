/* Community ID v1 (github.com/corelight/community-id-spec): the same short text for a flow in
 * every tool that sees it, whichever end it calls the source. */
#ifndef KARMA_OUTPUT_COMMUNITY_H
#define KARMA_OUTPUT_COMMUNITY_H

#include "flow/record.h"

enum { COMMUNITY_TEXT = 32 };

/* "1:" and the base64 of SHA-1 over seed 0, addresses, protocol and ports. ARP has none: then ""
 * is left. Returns `text`. */
const char *community_id(const struct record *r, char text[COMMUNITY_TEXT]);

#endif
