#include "capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_MS = 200,
	PIECE = 256 << 10, /* the C library's 4 KiB take longer to read than to meter */
};

static bool is_readable(const struct stream *s, int timeout_ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	return s->regular || poll(&p, 1, timeout_ms) != 0;
}

static void pause_until_readable(const struct stream *s)
{
	const struct timespec t = {.tv_nsec = WAIT_MS * 1000000L};

	if (s->regular)
		nanosleep(&t, NULL);
	else
		is_readable(s, WAIT_MS);
}

static bool is_shorter(const struct stream *s)
{
	struct stat st;

	return s->regular && fstat(s->fd, &st) == 0 && st.st_size < s->at;
}

/* What the C library calls for more. A signal interrupts every wait. */
static ssize_t fill(void *cookie, char *bytes, size_t size)
{
	struct stream *s = cookie;

	while (!s->stopped && !(s->stop && *s->stop)) {
		if (is_readable(s, 0)) {
			ssize_t n = read(s->fd, bytes, size);

			if (n > 0) {
				s->at += n;
				return n;
			}
			if (n < 0 && errno != EINTR && errno != EAGAIN)
				return -1;
			if (n == 0 && !(s->follow && s->regular))
				return 0;
			if (is_shorter(s)) {
				s->shrunk = true;
				return 0;
			}
		}
		s->stopped = s->wait(s->context) != 0;
		if (!s->stopped)
			pause_until_readable(s);
	}
	s->stopped = true;
	return 0;
}

int stream_open(struct stream *s, const char *path, bool follow, const volatile sig_atomic_t *stop,
	stream_wait wait, void *context)
{
	struct stat st;

	*s = (struct stream){
		.follow = follow, .stop = stop, .wait = wait, .context = context, .fd = -1};
	s->fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				       : open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	s->regular = S_ISREG(st.st_mode);
	s->buffer = malloc(PIECE);
	s->file = s->buffer ? fopencookie(s, "rb", (cookie_io_functions_t){.read = fill}) : NULL;
	if (!s->file)
		return -ENOMEM;
	setvbuf(s->file, s->buffer, _IOFBF, PIECE);
	__fsetlocking(s->file, FSETLOCKING_BYCALLER); /* one thread reads */
	return 0;
}

void stream_close(struct stream *s)
{
	if (s->file)
		fclose(s->file);
	if (s->fd >= 0)
		close(s->fd);
	free(s->buffer);
}
