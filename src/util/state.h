/* Where Karma keeps what outlives it. */
#ifndef KARMA_UTIL_STATE_H
#define KARMA_UTIL_STATE_H

enum { STATE_PATH = 4096 };

/* The path of a file in the state directory: STATE_DIRECTORY, as systemd sets it, else
 * /var/lib/karma. Returns `path`. */
const char *state_path(char path[STATE_PATH], const char *name);

#endif
