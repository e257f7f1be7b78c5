#include "control/control.h"

#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
	int fd; /* -1: none */
	struct control_peer peer;
	uint64_t heard; /* a number that grows: when it last said something */
	size_t length;  /* of `request` so far */
	char request[CONTROL_REQUEST];
	char *unread; /* of answers, from `at` on */
	size_t at, size;
	bool last; /* to be let go of when it has been told */
};

struct control {
	char path[CONTROL_PATH_ROOM];
	int listening, epoll;
	struct set {
		const struct control_command *commands;
		size_t count;
		void *context;
	} set[CONTROL_SETS];
	size_t sets;
	uint64_t heard;
	struct client client[CONTROL_CLIENTS];
};

json_t *control_refusal(const char *format, ...)
{
	char text[384];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return json_pack("{sb ss}", "ok", 0, "error", text);
}

/* ---- clients ---- */

static void let_go(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->unread);
	*c = (struct client){.fd = -1};
}

static void wait_for(const struct control *s, const struct client *c, int operation)
{
	struct epoll_event event = {
		.events = c->size ? EPOLLOUT : EPOLLIN, .data.u32 = (uint32_t)(c - s->client)};

	epoll_ctl(s->epoll, operation, c->fd, &event);
}

static void take_in(struct control *s)
{
	int fd = accept4(s->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c = &s->client[0];
	struct ucred who = {0};
	socklen_t size = sizeof(who);

	if (fd < 0)
		return;
	for (struct client *x = s->client; x < s->client + CONTROL_CLIENTS && c->fd >= 0; x++)
		if (x->fd < 0 || x->heard < c->heard)
			c = x;
	let_go(c);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) < 0) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->peer = (struct control_peer){who.uid, who.pid};
	c->heard = ++s->heard;
	wait_for(s, c, EPOLL_CTL_ADD);
}

/* ---- answers ---- */

/* Send what it will take; it is asked for again when there is room for the rest. */
static void send_on(struct control *s, struct client *c)
{
	while (c->at < c->size) {
		ssize_t n = send(c->fd, c->unread + c->at, c->size - c->at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for(s, c, EPOLL_CTL_MOD);
			return;
		}
		if (n < 0) {
			let_go(c);
			return;
		}
		c->at += (size_t)n;
	}
	c->at = c->size = 0;
	if (c->last)
		let_go(c);
	else
		wait_for(s, c, EPOLL_CTL_MOD);
}

/* Put an answer behind what is to be sent; it is released. */
static void answer(struct client *c, json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL, *more;
	size_t length = line ? strlen(line) : 0;

	json_decref(object);
	more = line && c->size + length + 1 <= CONTROL_UNREAD
		       ? realloc(c->unread, c->size + length + 1)
		       : NULL;
	if (more) {
		c->unread = more;
		memcpy(more + c->size, line, length + 1);
		more[c->size + length] = '\n';
		c->size += length + 1;
	}
	free(line);
	if (!more)
		c->last = true; /* it is owed an answer that it cannot have */
}

static json_t *obey(const struct control *s, const struct control_peer *from, const char *name,
	const json_t *request)
{
	for (const struct set *x = s->set; x < s->set + s->sets; x++)
		for (size_t i = 0; i < x->count; i++)
			if (strcmp(x->commands[i].name, name) == 0)
				return x->commands[i].handle(x->context, from, request);
	return NULL;
}

static json_t *handle(const struct control *s, const struct client *c, const char *line)
{
	json_error_t where;
	json_t *request = json_loadb(line, strlen(line), JSON_REJECT_DUPLICATES, &where), *reply;
	const char *name = json_string_value(json_object_get(request, "command"));

	if (!request)
		reply = control_refusal("a request is a JSON object on one line: %s", where.text);
	else if (!name)
		reply = control_refusal("a request has a \"command\"");
	else {
		reply = obey(s, &c->peer, name, request);
		if (!reply)
			reply = control_refusal("there is no command '%.40s'", name);
	}
	json_decref(request);
	return reply;
}

/* ---- requests ---- */

/* Each line that is whole. */
static void take_lines(struct control *s, struct client *c)
{
	char *end;

	while (c->fd >= 0 && !c->last && (end = memchr(c->request, '\n', c->length))) {
		size_t used = (size_t)(end - c->request) + 1;

		*end = '\0';
		answer(c, strlen(c->request) + 1 == used
				  ? handle(s, c, c->request)
				  : control_refusal("a request has no byte 0"));
		c->length -= used;
		memmove(c->request, end + 1, c->length);
	}
	if (c->length == sizeof(c->request)) {
		answer(c, control_refusal("a request is longer than %d bytes", CONTROL_REQUEST));
		c->length = 0;
		c->last = true;
	}
}

static void hear(struct control *s, struct client *c)
{
	ssize_t n = recv(c->fd, c->request + c->length, sizeof(c->request) - c->length, 0);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		let_go(c);
		return;
	}
	c->heard = ++s->heard;
	c->length += (size_t)n;
	take_lines(s, c);
	if (c->size || c->last)
		send_on(s, c);
}

void control_serve(struct control *s)
{
	struct epoll_event events[CONTROL_CLIENTS + 1];
	int n = epoll_wait(s->epoll, events, CONTROL_CLIENTS + 1, 0);

	for (int i = 0; i < n; i++) {
		struct client *c = &s->client[events[i].data.u32 % CONTROL_CLIENTS];

		if (events[i].data.u32 == CONTROL_CLIENTS)
			continue;
		if (c->fd >= 0 && (events[i].events & EPOLLOUT))
			send_on(s, c);
		else if (c->fd >= 0)
			hear(s, c);
	}
	/* Last: a new client may take an old one's place. */
	for (int i = 0; i < n; i++)
		if (events[i].data.u32 == CONTROL_CLIENTS)
			take_in(s);
}

int control_fd(const struct control *c)
{
	return c->epoll;
}

/* ---- the socket ---- */

/* A socket that nobody listens at any more is in the way. */
static int clear_way(const struct sockaddr_un *at, struct error *e)
{
	int fd, code;
	struct stat st;

	if (lstat(at->sun_path, &st) < 0)
		return 0; /* nothing is; or bind() says why it cannot be there */
	if (!S_ISSOCK(st.st_mode))
		return error_set(e, -EEXIST,
			"%s: is there, and is no socket; choose another by --socket", at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	code = fd < 0 ? errno : 0;
	if (fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0)
		code = errno;
	if (fd >= 0)
		close(fd);
	if (code == ECONNREFUSED && unlink(at->sun_path) < 0)
		code = errno;
	else if (code == ECONNREFUSED || code == ENOENT)
		code = 0;
	else if (code == 0 || code == EAGAIN)
		return error_set(e, -EADDRINUSE,
			"%s: another karma is running; end it, or give this one a --socket of its "
			"own",
			at->sun_path);
	return code ? error_set(e, -code, "%s: cannot be replaced: %s; remove it", at->sun_path,
			      strerror(code))
		    : 0;
}

static int set_owner(const char *path, const char *group, struct error *e)
{
	const struct group *g = group ? getgrnam(group) : NULL;

	if (group && !g)
		return error_set(e, -ENOENT,
			"there is no group '%s' for the socket; make it (groupadd), or name "
			"another",
			group);
	/* What it was made with lets nobody else in. */
	if ((g && chown(path, (uid_t)-1, g->gr_gid) < 0) || chmod(path, 0660) < 0)
		return error_set(e, -errno, "%s: its owner and mode cannot be set: %s", path,
			strerror(errno));
	return 0;
}

static void make_folder(const char *path)
{
	char folder[CONTROL_PATH_ROOM];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		mkdir(folder, 0755); /* where it cannot be made, bind() says so */
	}
}

static int listen_at(struct control *c, const char *group, struct error *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = CONTROL_CLIENTS};
	mode_t mask;
	int err;

	memcpy(at.sun_path, c->path, sizeof(at.sun_path));
	make_folder(c->path);
	err = clear_way(&at, e);
	if (err)
		return err;
	c->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mask = umask(0177);
	err = c->listening < 0 ||
			      bind(c->listening, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
			      listen(c->listening, CONTROL_CLIENTS) < 0
		      ? -errno
		      : 0;
	umask(mask);
	if (err) {
		c->path[0] = '\0'; /* not ours to remove */
		return error_set(e, err,
			"%s: no socket can be made there: %s; choose another by "
			"--socket",
			at.sun_path, strerror(-err));
	}
	err = set_owner(c->path, group, e);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!err && (c->epoll < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->listening, &event) < 0))
		err = error_set(
			e, -errno, "%s: cannot be waited for: %s", c->path, strerror(errno));
	return err;
}

void control_add(
	struct control *c, const struct control_command *commands, size_t count, void *context)
{
	if (c->sets < CONTROL_SETS)
		c->set[c->sets++] = (struct set){commands, count, context};
}

int control_open(struct control **control, const char *path, const char *group,
	const struct control_command *commands, size_t count, void *context, struct error *e)
{
	struct control *c = calloc(1, sizeof(*c));
	int err;

	*control = NULL;
	if (!c)
		return error_set(e, -ENOMEM, "out of memory");
	c->listening = c->epoll = -1;
	control_add(c, commands, count, context);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
	if (strlen(path) >= sizeof(c->path)) {
		free(c);
		return error_set(e, -ENAMETOOLONG,
			"%s: too long for a socket; choose a path of less than %d characters", path,
			CONTROL_PATH_ROOM);
	}
	strcpy(c->path, path);
	err = listen_at(c, group, e);
	if (err) {
		control_close(c);
		return err;
	}
	*control = c;
	return 0;
}

void control_close(struct control *c)
{
	if (!c)
		return;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		let_go(&c->client[i]);
	if (c->listening >= 0 && c->path[0])
		unlink(c->path);
	if (c->listening >= 0)
		close(c->listening);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c);
}
