/* What the files of the web server share. */
#ifndef KARMA_WEB_INSIDE_H
#define KARMA_WEB_INSIDE_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdbool.h>

#include "output/history_read.h"
#include "web/auth.h"
#include "web/events.h"
#include "web/wire.h"
#include "web/web.h"

enum {
	WEB_BODY = 4096,        /* of a request, bytes */
	WEB_HEADERS = 32 << 10, /* memory of a connection: the request's head and the answer's */
	WEB_CONNECTIONS = 48,
	WEB_CONNECTIONS_EACH = 12, /* of an address beyond the loopback: two browsers' */
	WEB_IDLE_S = 20,
	WEB_PAGE = 500, /* most alerts in an answer */
};

struct web {
	struct web_settings settings;
	struct auth auth;
	struct wire wire;
	struct events *events;
	struct MHD_Daemon *daemon;
	char url[WEB_URL_ROOM];
};

struct request {
	struct web *web;
	struct MHD_Connection *connection;
	const struct route *route;
	bool has_token;
	bool too_long;
	size_t length;
	char body[WEB_BODY];
};

/* What is to be answered: a response, which is released once it is sent. NULL: memory is short. */
struct reply {
	unsigned status;
	struct MHD_Response *response;
};

typedef struct reply (*route_handler)(struct request *r);

struct route {
	const char *method;
	const char *path;
	route_handler handle;
	bool needs_token; /* also of who asks from the loopback */
};

/* ---- answers (server.c) ---- */

/* The object, which is released; its status. */
struct reply reply_json(unsigned status, json_t *object);
struct reply reply_error(unsigned status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes that were malloc()ed, as a file to keep. */
struct reply reply_file(char *bytes, size_t size, const char *type, const char *name);

/* An argument of the request's URL; NULL: it is not there. */
const char *argument(const struct request *r, const char *name);

/* All that the daemon has live, its pages together, of its points the last so many; it is the
 * caller's. NULL and the line. */
json_t *live_all(struct wire *wire, unsigned points, struct error *e);

/* ---- the answers of each route ---- */

extern const struct route api_routes[], act_routes[];
extern const size_t api_routes_count, act_routes_count;

/* ---- the history (query.c) ---- */

/* Open it. NULL: `reply` says why not. */
struct history_reader *open_history(const struct request *r, struct reply *reply);

/* What the URL asks for: since, until, host, class, mark, confidence, text, sort, way, skip, limit.
 * `words` is what q->word points into. False: `wrong` names the argument. */
bool query_of(const struct request *r, struct history_query *q, char words[HISTORY_WORDS_ROOM],
	const char **wrong);

/* The same by a function that knows the arguments; NULL: not given. */
typedef const char *(*argument_of)(const void *context, const char *name);
bool query_parse(argument_of get, const void *context, int64_t now_ns, struct history_query *q,
	char words[HISTORY_WORDS_ROOM], const char **wrong);

/* Whole minutes, in seconds, so few that a picture of q's time has some hundreds of them. */
int64_t query_step(const struct history_query *q, int64_t now_ns);

/* Is it an alert's id? */
bool is_alert_id(const char *text);

#endif
