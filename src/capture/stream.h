/* The bytes of a capture, as they come: a file, a file that grows, standard input. Who reads is
 * told when there is nothing to read at present, so that what has been read is not held back. */
#ifndef KARMA_CAPTURE_STREAM_H
#define KARMA_CAPTURE_STREAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* There is nothing to read; called again every 200 ms until there is. Not 0: end here. */
typedef int (*stream_wait)(void *context);

struct stream {
	uint8_t *buffer;
	size_t room, begin, end; /* of the buffer; of what is in it and not taken yet */
	int fd;
	bool regular; /* a file: there is always something to read, or its end */
	bool follow;  /* its end is not the end */
	bool stopped; /* ended by `stop` or by `wait`, not by the file's end */
	bool shrunk;  /* a followed file became shorter than what had been read of it */
	bool failed;  /* it cannot be read, or memory is short */
	off_t at;     /* bytes read so far */
	const volatile sig_atomic_t *stop;
	stream_wait wait;
	void *context;
};

/* Open a file ("-": standard input). `follow`: at the end of a file wait for more, until `stop` is
 * set or `wait` says so; a pipe ends when its writer does. 0, or a negative errno. */
int stream_open(struct stream *s, const char *path, bool follow, const volatile sig_atomic_t *stop,
	stream_wait wait, void *context);

/* The next `size` bytes, which stand until the next call; NULL where the stream ends before (which
 * may be the end of the waiting: `stopped`). stream_peek() leaves them there. */
const uint8_t *stream_take(struct stream *s, size_t size);
const uint8_t *stream_peek(struct stream *s, size_t size);

/* How many bytes are there where stream_take() or stream_peek() wanted more. */
static inline size_t stream_rest(const struct stream *s)
{
	return s->end - s->begin;
}

/* Harmless where stream_open() failed. */
void stream_close(struct stream *s);

#endif
