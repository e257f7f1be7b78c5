/* Text from the network as a terminal may have it. */
#ifndef KARMA_TOP_SAFE_H
#define KARMA_TOP_SAFE_H

#include <stdbool.h>
#include <stddef.h>

/* Copy as much of `from` (UTF-8, or what claims to be) as takes up `cells` columns and has room.
 * Whatever is no printable character is a '?': control characters, and with them escape sequences;
 * what turns the direction of writing round or takes up no column; broken UTF-8; and, where the
 * terminal has no UTF-8, all that is not ASCII. Returns the columns taken up. */
int safe_text(char *to, size_t room, const char *from, int cells, bool utf8);

#endif
