/* The dashboard: a server of HTTP in threads of its own, which is a client of the control socket
 * (control.h) and of the history file (history_read.h) like any other program, and touches nothing
 * else: whatever a browser does, detection goes on.
 *
 * Safe: it listens on the loopback unless told otherwise; elsewhere only with TLS, and then nothing
 * is told without the token. The names by which it is asked for are checked (a page of another site
 * cannot read it by a name of its own), and what acts needs the token and an origin that is this
 * server. Bounded: connections, live views, what a request may be long, what is kept for a view. */
#ifndef KARMA_WEB_H
#define KARMA_WEB_H

#include <stdbool.h>

#include "util/error.h"

/* Where it listens unless told otherwise. */
#define WEB_LISTEN "127.0.0.1:7766"

enum { WEB_LISTEN_ROOM = 64, WEB_PATH_ROOM = 512, WEB_NAME_ROOM = 256, WEB_URL_ROOM = 96 };

struct web_settings {
	char listen[WEB_LISTEN_ROOM];    /* ADDRESS:PORT */
	char certificate[WEB_PATH_ROOM]; /* PEM; "": no TLS */
	char key[WEB_PATH_ROOM];
	char token[WEB_PATH_ROOM]; /* the token's file; "": web.token in the state directory */
	char name[WEB_NAME_ROOM];  /* by which it is asked for, beside addresses; "": none */
	const char *socket;        /* of the karma whose live data and actions these are */
	const char *history;       /* NULL: none is kept */
};

struct web;

/* Listen, and answer from now on. 0, or a negative errno and the line. */
int web_open(struct web **w, const struct web_settings *s, struct error *e);

/* End it, whatever is being answered. NULL is fine. */
void web_close(struct web *w);

/* "http://127.0.0.1:7766/", and the path of the token's file. */
const char *web_url(const struct web *w);
const char *web_token_path(const struct web *w);

#endif
