#ifndef KARMA_UTIL_THREAD_H
#define KARMA_UTIL_THREAD_H

#include <pthread.h>

/* Begin a thread to which no signal comes: signals are the owner's. `name`: 15 characters at most.
 * 0, or a negative errno. */
int thread_begin(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

#endif
