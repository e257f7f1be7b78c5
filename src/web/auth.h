/* Who may ask, and who may act. */
#ifndef KARMA_WEB_AUTH_H
#define KARMA_WEB_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "util/error.h"

enum { AUTH_TOKEN_BYTES = 32, AUTH_TOKEN_TEXT = 2 * AUTH_TOKEN_BYTES + 1 };

struct auth {
	char token[AUTH_TOKEN_TEXT];
	bool loopback; /* it listens there alone: who is on the machine may look */
	bool tls;
	const char *name; /* by which it may be asked for, too; NULL or "": none */
};

/* "127.0.0.1:7766", "[::1]:7766", "0.0.0.0:443": false for anything else. */
bool auth_listen_parse(const char *text, struct sockaddr_storage *at, socklen_t *size);
bool auth_is_loopback(const struct sockaddr_storage *at);

/* Read the token, or make one: in a file that is its owner's alone (0600; its folder is made where
 * it is missing). A file that others may read is refused. 0, or a negative errno and the line. */
int auth_token(struct auth *a, const char *path, struct error *e);

/* Is the header Host a name of this server? Addresses are, of the loopback where it listens there;
 * "localhost" is; a name that some DNS server made up is not. NULL: the header is missing. */
bool auth_host(const struct auth *a, const char *host);

/* Does the header Origin say that the page that asks came from this server, by that Host? */
bool auth_origin(const struct auth *a, const char *host, const char *origin);

/* Does Sec-Fetch-Site, where a browser sends it, say that another site's page asks? */
bool auth_foreign(const char *site);

/* Does the header Authorization bring the token? In a time that does not tell how much of it is
 * right. */
bool auth_bearer(const struct auth *a, const char *authorization);

#endif
