#include "web/wire.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_open(struct wire *l, const char *path)
{
	snprintf(l->path, sizeof(l->path), "%s", path);
	pthread_mutex_init(&l->turn, NULL);
	pthread_mutex_init(&l->guard, NULL);
	l->fd = -1;
	l->ended = false;
}

/* A connection for each question: between two of them no client's place is taken. */
static bool begin(struct wire *l, struct error *e)
{
	int fd = control_connect(l->path, e);

	if (fd < 0)
		return false;
	pthread_mutex_lock(&l->guard);
	if (l->ended) {
		close(fd);
		fd = -1;
		error_set(e, -ESHUTDOWN, "karma is ending");
	}
	l->fd = fd;
	pthread_mutex_unlock(&l->guard);
	return fd >= 0;
}

static void end(struct wire *l)
{
	pthread_mutex_lock(&l->guard);
	close(l->fd);
	l->fd = -1;
	pthread_mutex_unlock(&l->guard);
}

json_t *wire_ask(struct wire *l, json_t *request, struct error *e)
{
	json_t *reply = NULL;

	pthread_mutex_lock(&l->turn);
	if (begin(l, e)) {
		reply = control_ask(l->fd, request, e);
		end(l);
	} else {
		json_decref(request);
	}
	pthread_mutex_unlock(&l->turn);
	return reply;
}

void wire_end(struct wire *l)
{
	pthread_mutex_lock(&l->guard);
	l->ended = true;
	if (l->fd >= 0)
		shutdown(l->fd, SHUT_RDWR);
	pthread_mutex_unlock(&l->guard);
}

void wire_close(struct wire *l)
{
	pthread_mutex_destroy(&l->turn);
	pthread_mutex_destroy(&l->guard);
}
