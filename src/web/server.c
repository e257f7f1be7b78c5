#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/clock.h"
#include "web/assets.h"
#include "web/inside.h"

enum { EVENTS_BLOCK = 16 << 10, THREAD_STACK = 1 << 20, FILE_MOST = 1 << 20, NICE = 5 };

/* ---- answers ---- */

struct reply reply_json(unsigned status, json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
	struct reply reply = {status, NULL};

	json_decref(object);
	if (!text)
		return reply;
	reply.response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (reply.response)
		MHD_add_response_header(
			reply.response, "Content-Type", "application/json; charset=utf-8");
	return reply;
}

struct reply reply_error(unsigned status, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return reply_json(status, json_pack("{sb ss}", "ok", 0, "error", text));
}

struct reply reply_file(char *bytes, size_t size, const char *type, const char *name)
{
	struct reply reply = {
		MHD_HTTP_OK, MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE)};
	char disposition[128];

	if (!reply.response)
		return reply;
	snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", name);
	MHD_add_response_header(reply.response, "Content-Type", type);
	MHD_add_response_header(reply.response, "Content-Disposition", disposition);
	return reply;
}

const char *argument(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* ---- live ---- */

static ssize_t read_view(void *view, uint64_t at, char *to, size_t room)
{
	ssize_t n = view_read(view, to, room);

	(void)at;
	return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

static void free_view(void *view)
{
	view_close(view);
}

static struct reply get_events(struct request *r)
{
	struct view *v = view_open(r->web->events);
	struct reply reply = {MHD_HTTP_OK, NULL};

	if (!v)
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE,
			"%d views are open already; close one", EVENTS_VIEWS);
	reply.response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, EVENTS_BLOCK, read_view, v, free_view);
	if (reply.response)
		MHD_add_response_header(reply.response, "Content-Type", "text/event-stream");
	else
		view_close(v);
	return reply;
}

static struct reply get_metrics(struct request *r)
{
	struct error e = {""};
	json_t *metrics = wire_ask(&r->web->wire, json_pack("{ss}", "command", "metrics"), &e);
	const char *text = json_string_value(json_object_get(metrics, "text"));
	struct reply reply = {MHD_HTTP_OK, NULL};

	if (!text) {
		json_decref(metrics);
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	}
	reply.response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);
	json_decref(metrics);
	if (reply.response)
		MHD_add_response_header(
			reply.response, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	return reply;
}

/* ---- files ---- */

/* The paths that are one page, which looks at its URL. */
static const char *asset_path(const char *url)
{
	static const char *const pages[] = {
		"/alerts", "/alert", "/host", "/blocks", "/model", "/system"};

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		if (strcmp(url, pages[i]) == 0)
			return "/";
	return url;
}

/* One that is asked for by its tag never changes; else it is asked for again by its ETag. */
static const char *asset_keeping(struct MHD_Connection *c, const struct web_asset *a)
{
	const char *tag = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "v");
	size_t n = tag ? strlen(tag) : 0;

	return n > 0 && strlen(a->etag) == n + 2 && strncmp(a->etag + 1, tag, n) == 0
		       ? "max-age=31536000, immutable"
		       : "no-cache";
}

static struct reply reply_asset(struct MHD_Connection *c, const char *url)
{
	const char *path = asset_path(url), *have = header(c, "If-None-Match");
	struct reply reply = {MHD_HTTP_OK, NULL};
	const struct web_asset *a = NULL;

	for (size_t i = 0; i < web_assets_count && !a; i++)
		if (strcmp(web_assets[i].path, path) == 0)
			a = &web_assets[i];
	if (!a)
		return reply_error(MHD_HTTP_NOT_FOUND, "there is no %.100s", url);
	if (have && strcmp(have, a->etag) == 0) {
		reply.status = MHD_HTTP_NOT_MODIFIED;
		reply.response =
			MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	} else {
		reply.response = MHD_create_response_from_buffer(
			a->size, (void *)a->data, MHD_RESPMEM_PERSISTENT);
	}
	if (!reply.response)
		return reply;
	MHD_add_response_header(reply.response, "ETag", a->etag);
	MHD_add_response_header(reply.response, "Cache-Control", asset_keeping(c, a));
	if (reply.status == MHD_HTTP_OK) {
		MHD_add_response_header(reply.response, "Content-Type", a->type);
		if (a->size > 1 && a->data[0] == 0x1f && a->data[1] == 0x8b)
			MHD_add_response_header(reply.response, "Content-Encoding", "gzip");
	}
	return reply;
}

/* ---- which of them ---- */

static const struct route own_routes[] = {
	{"GET", "/api/events", get_events, false},
	{"GET", "/metrics", get_metrics, false},
};

static const struct route *find_in(const struct route *routes, size_t count, const char *method,
	const char *path, bool *other_method)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		*other_method = true;
	}
	return NULL;
}

static const struct route *find_route(const char *method, const char *path, bool *other_method)
{
	const struct route *r = find_in(
		own_routes, sizeof(own_routes) / sizeof(own_routes[0]), method, path, other_method);

	if (!r)
		r = find_in(api_routes, api_routes_count, method, path, other_method);
	return r ? r : find_in(act_routes, act_routes_count, method, path, other_method);
}

/* ---- what every answer has ---- */

static void put_headers(const struct web *w, struct MHD_Response *r)
{
	static const char *const always[][2] = {
		{"Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
			"'none'; require-trusted-types-for 'script'; trusted-types 'none'"},
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Permissions-Policy", "camera=(), geolocation=(), microphone=()"},
	};

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		MHD_add_response_header(r, always[i][0], always[i][1]);
	/* What was told of hosts is not kept. */
	if (!MHD_get_response_header(r, "Cache-Control"))
		MHD_add_response_header(r, "Cache-Control", "no-store");
	if (w->auth.tls)
		MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
}

static enum MHD_Result send_reply(const struct web *w, struct MHD_Connection *c, struct reply reply)
{
	enum MHD_Result sent;

	if (!reply.response)
		return MHD_NO; /* the connection ends */
	put_headers(w, reply.response);
	if (reply.status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(reply.response, "WWW-Authenticate", "Bearer");
	sent = MHD_queue_response(c, reply.status, reply.response);
	MHD_destroy_response(reply.response);
	return sent;
}

/* ---- who may ---- */

/* NULL in `response`: it may. */
static struct reply refuse(
	const struct web *w, struct MHD_Connection *c, const struct route *route, bool has_token)
{
	const char *host = header(c, "Host"), *origin = header(c, "Origin");
	const char *type = header(c, "Content-Type");
	bool acts = route && strcmp(route->method, "POST") == 0;

	if (!auth_host(&w->auth, host))
		return reply_error(MHD_HTTP_MISDIRECTED_REQUEST,
			"this is not the host of that name; ask by the address, or set 'name' in "
			"[web] of karma.conf");
	if (!route)
		return (struct reply){0};
	if (auth_foreign(header(c, "Sec-Fetch-Site")) ||
		((origin || acts) && !auth_origin(&w->auth, host, origin)))
		return reply_error(MHD_HTTP_FORBIDDEN, "another site may not ask");
	if ((route->needs_token || !w->auth.loopback) && !has_token)
		return reply_error(MHD_HTTP_UNAUTHORIZED,
			"this needs the token; 'sudo cat %s' on the machine shows it",
			w->settings.token);
	if (acts && (!type || strncmp(type, "application/json", 16) != 0))
		return reply_error(MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "what acts takes JSON");
	return (struct reply){0};
}

/* ---- requests ---- */

static enum MHD_Result begin(struct web *w, struct MHD_Connection *c, const char *url,
	const char *method, void **context)
{
	bool other_method = false, has_token = auth_bearer(&w->auth, header(c, "Authorization"));
	const char *verb = strcmp(method, "HEAD") == 0 ? "GET" : method;
	const struct route *route = find_route(verb, url, &other_method);
	struct reply no = refuse(w, c, route, has_token);
	struct request *r;

	if (no.status)
		return send_reply(w, c, no);
	if (!route && (other_method || strcmp(verb, "GET") != 0))
		return send_reply(
			w, c, reply_error(MHD_HTTP_METHOD_NOT_ALLOWED, "not by %.20s", method));
	if (!route)
		return send_reply(w, c, reply_asset(c, url));
	r = calloc(1, sizeof(*r));
	if (!r)
		return MHD_NO;
	r->web = w;
	r->connection = c;
	r->route = route;
	r->has_token = has_token;
	*context = r;
	return MHD_YES;
}

static enum MHD_Result handle(void *web, struct MHD_Connection *c, const char *url,
	const char *method, const char *version, const char *data, size_t *size, void **context)
{
	struct request *r = *context;

	(void)version;
	if (!r)
		return begin(web, c, url, method, context);
	if (*size) {
		r->too_long |= *size > sizeof(r->body) - r->length;
		if (!r->too_long) {
			memcpy(r->body + r->length, data, *size);
			r->length += *size;
		}
		*size = 0;
		return MHD_YES;
	}
	if (r->too_long)
		return send_reply(r->web, c,
			reply_error(MHD_HTTP_CONTENT_TOO_LARGE, "a request is longer than %d bytes",
				WEB_BODY));
	return send_reply(r->web, c, r->route->handle(r));
}

static void completed(
	void *web, struct MHD_Connection *c, void **context, enum MHD_RequestTerminationCode why)
{
	(void)web;
	(void)c;
	(void)why;
	free(*context);
	*context = NULL;
}

static void say_nothing(void *context, const char *format, va_list args)
{
	(void)context;
	(void)format;
	(void)args;
}

/* ---- listening ---- */

static int listen_at(const struct web_settings *s, struct auth *a, struct error *e)
{
	struct sockaddr_storage at;
	socklen_t size = 0;
	int fd, on = 1, code;

	if (!auth_listen_parse(s->listen, &at, &size))
		return error_set(e, -EINVAL,
			"--web takes ADDRESS:PORT, such as 127.0.0.1:7766 or [::1]:7766, not '%s'",
			s->listen);
	a->loopback = auth_is_loopback(&at);
	a->tls = s->certificate[0] != '\0';
	if (!a->tls != !s->key[0])
		return error_set(e, -EINVAL,
			"TLS needs a certificate and its key; give both --web-cert and --web-key");
	if (!a->loopback && !a->tls)
		return error_set(e, -EINVAL,
			"--web %s: beyond this machine only with TLS; give --web-cert and "
			"--web-key, "
			"or listen on 127.0.0.1",
			s->listen);
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(fd, (const struct sockaddr *)&at, size) == 0 && listen(fd, 64) == 0)
		return fd;
	code = errno;
	if (fd >= 0)
		close(fd);
	return error_set(e, -code,
		"%s: the dashboard cannot listen there: %s; choose another by --web, or --no-web",
		s->listen, strerror(code));
}

/* A file of PEM, which is the caller's; NULL and the line. */
static char *read_pem(const char *path, struct error *e)
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(FILE_MOST) : NULL;
	size_t n = text ? fread(text, 1, FILE_MOST - 1, f) : 0;

	if (!f)
		error_set(e, -errno, "%s: %s", path, strerror(errno));
	else if (n == 0)
		error_set(e, -EINVAL, "%s: nothing is in it", path);
	if (text)
		text[n] = '\0';
	if (f)
		fclose(f);
	if (n)
		return text;
	free(text);
	return NULL;
}

struct begun {
	struct web *web;
	int listening;
	char *certificate, *key;
};

/* In a thread of its own, whose signals and priority those of the server inherit: signals are for
 * who watches, and detection goes before. */
static void *start(void *context)
{
	struct begun *b = context;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, b->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, b->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
			 MHD_USE_POLL | (b->certificate ? MHD_USE_TLS : 0);

	setpriority(PRIO_PROCESS, 0, NICE);
	b->web->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, b->web,
		MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL, MHD_OPTION_LISTEN_SOCKET,
		b->listening, MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_CONNECTIONS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		b->web->auth.loopback ? 0U : (unsigned)WEB_CONNECTIONS_EACH,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_HEADERS,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_IDLE_S, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t)THREAD_STACK, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
		MHD_OPTION_ARRAY, b->certificate ? tls : none, MHD_OPTION_END);
	return NULL;
}

static int start_apart(struct begun *b, struct error *e)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = events_open(&b->web->events, &b->web->wire, e);
	if (!err) {
		err = pthread_create(&thread, NULL, start, b);
		if (!err)
			pthread_join(thread, NULL);
		if (err || !b->web->daemon)
			err = error_set(e, -EIO,
				b->certificate ? "%s: the dashboard does not start; are %s and its "
						 "key whole?"
					       : "%s: the dashboard does not start%.0s",
				b->web->settings.listen, b->web->settings.certificate);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

static int serve(struct web *w, int listening, struct error *e)
{
	struct begun b = {.web = w, .listening = listening};
	int err = auth_token(&w->auth, w->settings.token, e);

	if (!err && w->auth.tls) {
		b.certificate = read_pem(w->settings.certificate, e);
		b.key = b.certificate ? read_pem(w->settings.key, e) : NULL;
		err = b.key ? 0 : -EINVAL;
	}
	if (!err)
		err = start_apart(&b, e);
	if (b.key)
		explicit_bzero(b.key, strlen(b.key));
	free(b.certificate);
	free(b.key);
	return err;
}

static void usual_token(struct web_settings *s)
{
	char path[HISTORY_PATH], *slash;

	if (s->token[0])
		return;
	slash = strrchr(history_default_path(path), '/');
	snprintf(s->token, sizeof(s->token), "%.*s/web.token", (int)(slash - path), path);
}

int web_open(struct web **web, const struct web_settings *s, struct error *e)
{
	struct web *w = calloc(1, sizeof(*w));
	int listening, err;

	*web = NULL;
	if (!w)
		return error_set(e, -ENOMEM, "out of memory");
	w->settings = *s;
	usual_token(&w->settings);
	w->auth.name = w->settings.name;
	wire_open(&w->wire, s->socket);
	listening = listen_at(&w->settings, &w->auth, e);
	snprintf(w->url, sizeof(w->url), "%s://%s/", w->auth.tls ? "https" : "http", s->listen);
	err = listening < 0 ? listening : serve(w, listening, e);
	if (err) {
		if (listening >= 0 && !w->daemon)
			close(listening);
		web_close(w);
		return err;
	}
	*web = w;
	return 0;
}

void web_close(struct web *w)
{
	if (!w)
		return;
	wire_end(&w->wire);
	if (w->events)
		events_end(w->events);
	if (w->daemon)
		MHD_stop_daemon(w->daemon);
	if (w->events)
		events_close(w->events);
	wire_close(&w->wire);
	explicit_bzero(&w->auth, sizeof(w->auth));
	free(w);
}

const char *web_url(const struct web *w)
{
	return w->url;
}

const char *web_token_path(const struct web *w)
{
	return w->settings.token;
}
