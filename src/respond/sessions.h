/* Who is logged in from where: so that nobody who keeps this machine is cut off from it. */
#ifndef KARMA_RESPOND_SESSIONS_H
#define KARMA_RESPOND_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Call for the other end of each open login session. Two places are asked:
 *
 * - OpenSSH's processes: one that serves a user who has logged in says so in its title, and the
 *   first TCP socket that it holds is the session's. That somebody has a connection to sshd open
 *   says nothing: who guesses passwords has one, too. Sessions without a terminal count.
 * - utmp, for whatever else lets people in from afar.
 *
 * Processes of other network namespaces are left out. False: what others do cannot be looked at,
 * which needs CAP_SYS_PTRACE; the sessions that can be seen are told all the same. */
bool sessions_each(void (*each)(void *context, const uint8_t addr[16]), void *context);

/* Is this the title of a process of sshd's that serves a user who has logged in? "sshd: kim@pts/0"
 * is; "sshd: kim [priv]", "sshd: kim [net]" and "sshd: [accepted]" are not. */
bool sessions_is_title(const char *title);

#endif
