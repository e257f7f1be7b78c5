#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/control.h"

static const struct timeval patience = {.tv_sec = 10};

/* `type`: SOCK_NONBLOCK, or 0. */
static int connect_to(const char *path, int type, struct error *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, code;

	if (strlen(path) >= sizeof(at.sun_path))
		return error_set(e, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
		connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	code = errno;
	if (fd >= 0)
		close(fd);
	if (code == ENOENT || code == ECONNREFUSED)
		return error_set(e, -code,
			"%s: no karma answers there; start one with 'karma run', or name its "
			"socket by --socket",
			path);
	if (code == EACCES)
		return error_set(e, -code,
			"%s: you may not use it; be root, or in the group that karma.conf names",
			path);
	return error_set(e, -code, "%s: cannot be reached: %s", path, strerror(code));
}

int control_connect(const char *path, struct error *e)
{
	return connect_to(path, 0, e);
}

int control_connect_now(const char *path, struct error *e)
{
	return connect_to(path, SOCK_NONBLOCK, e);
}

static bool say(int fd, json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	size_t length = line ? strlen(line) : 0, sent = 0;

	json_decref(request);
	if (line)
		line[length++] = '\n'; /* in the place of its end */
	while (line && sent < length) {
		ssize_t n = send(fd, line + sent, length - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	free(line);
	return line && sent == length;
}

/* A line, which is the caller's; NULL: none came. */
static char *hear(int fd, size_t *length)
{
	enum { STEP = 65536 };
	char *line = NULL;
	size_t n = 0;

	for (;;) {
		char *more = n < CONTROL_UNREAD ? realloc(line, n + STEP) : NULL;
		ssize_t got = more ? recv(fd, more + n, STEP, 0) : -1;

		line = more ? more : line;
		if (got < 0 && more && errno == EINTR)
			continue;
		if (got <= 0) {
			free(line);
			return NULL;
		}
		n += (size_t)got;
		if (line[n - 1] == '\n') {
			*length = n - 1;
			return line;
		}
	}
}

json_t *control_ask(int fd, json_t *request, struct error *e)
{
	size_t length = 0;
	char *line = request && say(fd, request) ? hear(fd, &length) : NULL;
	json_t *reply = line ? json_loadb(line, length, 0, NULL) : NULL;
	const char *why;

	free(line);
	if (!json_is_object(reply)) {
		json_decref(reply);
		error_set(e, -EPROTO, "karma did not answer; is it of the same version?");
		return NULL;
	}
	if (json_is_true(json_object_get(reply, "ok")))
		return reply;
	why = json_string_value(json_object_get(reply, "error"));
	error_set(e, -EPERM, "%s", why ? why : "refused");
	json_decref(reply);
	return NULL;
}
