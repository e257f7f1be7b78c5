#include "output/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/eve.h"

enum { WAITING = 8192, WAITING_BYTES = 16 << 20 };

struct log {
	char *path; /* NULL: standard output */
	int fd;     /* -1: a pipe that nobody reads yet, or it could not be opened again */
	bool live;
	bool torn; /* the end of the last line is missing */
};

/* A pipe has no reader yet: no reason to wait, nor to give up. */
static int open_file(const struct log *s)
{
	int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (s->live ? O_NONBLOCK : 0);

	return open(s->path, flags, 0640);
}

static bool same_file(int a, int b)
{
	struct stat at, bt;

	return fstat(a, &at) == 0 && fstat(b, &bt) == 0 && at.st_dev == bt.st_dev &&
	       at.st_ino == bt.st_ino;
}

/* Where that fails the old file goes on: no line is lost. */
static void reopen(void *log)
{
	struct log *s = log;
	int fd = s->path ? open_file(s) : -1;

	if (fd < 0)
		return;
	if (s->fd >= 0) {
		s->torn = s->torn && same_file(s->fd, fd);
		close(s->fd);
	}
	s->fd = fd;
}

static void release(void *log)
{
	struct log *s = log;

	if (s->path && s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s);
}

/* 0, or a negative errno. */
static int write_all(struct log *s, struct courier *c, const char *text, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t n = write(s->fd, text + done, length - done);

		if (n > 0) {
			done += (size_t)n;
			s->torn = done < length;
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			if (courier_wait(c, s->fd, POLLOUT, -1) == -ECANCELED)
				return -ECANCELED;
		} else if (n == 0 || errno != EINTR) {
			return n == 0 ? -EIO : -errno;
		}
	}
	return 0;
}

/* Standard output that nobody reads will never be read again. */
static int deliver(void *log, struct courier *c, const char *text, size_t length, struct error *why)
{
	struct log *s = log;
	int err = 0;

	if (s->fd < 0)
		s->fd = open_file(s);
	if (s->fd < 0)
		err = -errno;
	if (!err && s->torn)
		err = write_all(s, c, "\n", 1);
	if (!err)
		err = write_all(s, c, text, length);
	if (!err)
		return 0;
	error_set(why, err, "%s", err == -ENXIO ? "nobody reads it" : strerror(-err));
	if (err == -EPIPE && s->path) { /* a pipe: the next reader begins with a whole line */
		close(s->fd);
		s->fd = -1;
		s->torn = false;
	}
	return s->live && s->path ? -err : err;
}

int log_open(struct output *o, const char *path, struct error *e)
{
	const struct courier_settings settings = {.name = o->kind->name,
		.threads = o->live,
		.messages = WAITING,
		.bytes = WAITING_BYTES,
		.deliver = deliver,
		.nudge = reopen,
		.release = release};
	struct log *s = calloc(1, sizeof(*s));

	bool is_file = strcmp(path, "-") != 0;

	snprintf(o->path, sizeof(o->path), "%s", is_file ? path : "standard output");
	if (s && is_file)
		s->path = strdup(path);
	if (!s || (is_file && !s->path)) {
		free(s);
		return error_set(e, -ENOMEM, "not enough memory for the outputs");
	}
	s->live = o->live;
	s->fd = is_file ? open_file(s) : STDOUT_FILENO;
	if (s->fd < 0 && !(o->live && errno == ENXIO)) {
		int code = errno;

		release(s);
		return error_set(e, -code,
			"%s: cannot be written: %s; choose a folder you may write to", path,
			strerror(code));
	}
	return courier_open(&o->courier, &settings, s, e);
}

const struct output_kind output_eve = {.name = "eve",
	.open = log_open,
	.alert = eve_tell_alert,
	.summary = eve_tell_summary,
	.drift = eve_tell_drift,
	.block = eve_tell_block,
	.must = true};
