/* Streams of bytes that a test has made. */
#ifndef KARMA_TESTS_STREAMS_H
#define KARMA_TESTS_STREAMS_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/stream.h"

static int stream_has_no_more(void *context)
{
	(void)context;
	return 1;
}

/* stream_close() it. */
static inline void stream_of_bytes(struct stream *s, const void *bytes, size_t size)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	char path[64];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(stream_open(s, path, false, NULL, stream_has_no_more, NULL), 0);
	close(fd);
}

#endif
