#include "capture/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Bytes read at a time: in 4 KiB they take longer to read than to meter. Less for the fuzzer, whose
 * captures are small. */
#ifndef STREAM_PIECE
#define STREAM_PIECE (256 << 10)
#endif

enum { WAIT_MS = 200, PIECE = STREAM_PIECE };

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

/* Some more bytes; 0 at the end, -1. A signal interrupts every wait. */
static ssize_t read_some(struct stream *s, uint8_t *bytes, size_t size)
{
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
	s->room = 2 * (size_t)PIECE;
	s->buffer = malloc(s->room);
	return s->buffer ? 0 : -ENOMEM;
}

/* Room for `size` bytes from the beginning of what is there. */
static bool make_room(struct stream *s, size_t size)
{
	uint8_t *grown;

	memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
	s->end -= s->begin;
	s->begin = 0;
	if (size <= s->room)
		return true;
	grown = realloc(s->buffer, size);
	if (!grown)
		return false;
	s->buffer = grown;
	s->room = size;
	return true;
}

const uint8_t *stream_peek(struct stream *s, size_t size)
{
	if (s->end - s->begin >= size)
		return s->buffer + s->begin;
	if (!make_room(s, size)) {
		s->failed = true;
		return NULL;
	}
	while (s->end < size) {
		size_t room = s->room - s->end;
		ssize_t n = read_some(s, s->buffer + s->end, room < PIECE ? room : PIECE);

		s->failed = n < 0;
		if (n <= 0)
			return NULL;
		s->end += (size_t)n;
	}
	return s->buffer;
}

const uint8_t *stream_take(struct stream *s, size_t size)
{
	const uint8_t *bytes = stream_peek(s, size);

	if (bytes)
		s->begin += size;
	return bytes;
}

void stream_close(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->buffer);
}
