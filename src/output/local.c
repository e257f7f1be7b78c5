#include "output/local.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "output/eve.h"

enum { WAITING = 4096, WAITING_BYTES = 8 << 20 };

struct local {
	struct sockaddr_un to;
	int type; /* SOCK_STREAM or SOCK_DGRAM */
	int fd;   /* -1: not connected */
};

static void hang_up(struct local *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void release(void *local)
{
	hang_up(local);
	free(local);
}

static int connect_as(struct local *l, int type)
{
	l->type = type;
	l->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd >= 0 && connect(l->fd, (const struct sockaddr *)&l->to, sizeof(l->to)) == 0)
		return 0;
	return -errno;
}

/* 0, or a negative errno. */
static int connect_to(struct local *l)
{
	int err = connect_as(l, l->type);

	if (err == -EPROTOTYPE) {
		hang_up(l);
		err = connect_as(l, l->type == SOCK_DGRAM ? SOCK_STREAM : SOCK_DGRAM);
	}
	if (err)
		hang_up(l);
	return err;
}

/* A message that was cut short is sent again as a whole to the next who listens. */
static int send_all(struct local *l, struct courier *c, const char *text, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = send(l->fd, text + done, length - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EAGAIN)
			return -errno;
		else if (courier_wait(c, l->fd, POLLOUT, -1) == -ECANCELED)
			return -ECANCELED;
	}
	return 0;
}

/* Who listened may have been replaced since the last message: that is worth one attempt more. */
static int deliver(
	void *local, struct courier *c, const char *text, size_t length, struct error *why)
{
	struct local *l = local;
	bool was_connected = l->fd >= 0;
	int err = was_connected ? 0 : connect_to(l);

	if (!err)
		err = send_all(l, c, text, length);
	if (err && was_connected && err != -EMSGSIZE && err != -ECANCELED) {
		hang_up(l);
		err = connect_to(l);
		if (!err)
			err = send_all(l, c, text, length);
	}
	if (!err)
		return 0;
	error_set(why, err, "%s",
		err == -ENOENT || err == -ECONNREFUSED ? "nobody listens there" : strerror(-err));
	if (err == -EMSGSIZE)
		return err;
	hang_up(l);
	return -err;
}

int local_open(struct output *o, const char *path, bool datagrams, struct error *e)
{
	const struct courier_settings settings = {.name = o->kind->name,
		.threads = 1,
		.messages = WAITING,
		.bytes = WAITING_BYTES,
		.deliver = deliver,
		.release = release};
	struct local *l = calloc(1, sizeof(*l));

	if (!l)
		return error_set(e, -ENOMEM, "not enough memory for the outputs");
	l->fd = -1;
	l->type = datagrams ? SOCK_DGRAM : SOCK_STREAM;
	l->to.sun_family = AF_UNIX;
	snprintf(o->path, sizeof(o->path), "%s", path);
	if (!*path || strlen(path) >= sizeof(l->to.sun_path)) {
		free(l);
		return error_set(e, -ENAMETOOLONG,
			"'%s' is no name for a socket; it has 1 to %zu characters", path,
			sizeof(l->to.sun_path) - 1);
	}
	strcpy(l->to.sun_path, path);
	return courier_open(&o->courier, &settings, l, e);
}

static int eve_socket_open(struct output *o, const char *path, struct error *e)
{
	return local_open(o, path, false, e);
}

const struct output_kind output_eve_socket = {.name = "eve-socket",
	.open = eve_socket_open,
	.alert = eve_tell_alert,
	.summary = eve_tell_summary,
	.drift = eve_tell_drift,
	.block = eve_tell_block};
