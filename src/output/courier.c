#include "output/courier.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/thread.h"

enum {
	THREADS = 8,
	FIRST_PAUSE_MS = 1000,
	LONGEST_PAUSE_MS = 60000,
	LAST_WAIT_MS = 500, /* for a thread that has been told that it is over */
};

static const uint64_t millisecond = 1000000, minute = 60 * 1000000000ULL;

/* An attempt that takes longer will not succeed: no program and no server is given so long. */
static const uint64_t stuck_ns = 20 * 1000000000ULL;

struct message {
	char *text;
	size_t length;
};

struct courier {
	struct courier_settings settings;
	void *own;
	atomic_int code;
	atomic_bool over;
	int over_fd; /* readable once it is */
	pthread_t thread[THREADS];
	unsigned threads;

	pthread_mutex_t lock;  /* of all that follows */
	pthread_cond_t wake;   /* threads that have nothing to do: a message, a nudge or the end */
	pthread_cond_t retry;  /* threads between two attempts: a nudge or the end */
	pthread_cond_t idle;   /* courier_settle(): a message is done with */
	struct message *queue; /* (settings.messages), a ring */
	unsigned oldest, count;
	size_t bytes;
	unsigned busy;    /* threads that deliver */
	uint64_t done_ns; /* when an attempt ended last, or the first began */
	bool nudged, closing;
	double tokens; /* messages that the rate allows now */
	uint64_t counted_ns;
	struct courier_stats stats;
};

/* ---- figures; the lock is held ---- */

static void set_why(struct courier *c, int code, const char *text)
{
	if (!c->stats.failing)
		c->stats.failing_ns = clock_now(CLOCK_MONOTONIC);
	c->stats.failing = true;
	c->stats.code = code;
	atomic_store(&c->code, code);
	snprintf(c->stats.why, sizeof(c->stats.why), "%.150s", text);
}

static void count_result(struct courier *c, int result, const struct error *why)
{
	if (!result) {
		c->stats.told++;
		c->stats.failing = false;
		c->stats.failing_ns = 0;
		return;
	}
	c->stats.failed++;
	set_why(c, result < 0 ? -result : result,
		why->text[0] ? why->text : strerror(result < 0 ? -result : result));
}

/* ---- the threads ---- */

static void pause_until(struct courier *c, uint64_t until_ns)
{
	struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};

	pthread_cond_timedwait(&c->retry, &c->lock, &until);
}

/* Between two attempts. False: there is no other. */
static bool wait_for_retry(struct courier *c, unsigned tries)
{
	uint64_t pause_ms = FIRST_PAUSE_MS, until_ns;

	if (c->settings.tries && tries >= c->settings.tries)
		return false;
	for (unsigned i = 1; i < tries && pause_ms < LONGEST_PAUSE_MS; i++)
		pause_ms *= 2;
	if (pause_ms > LONGEST_PAUSE_MS)
		pause_ms = LONGEST_PAUSE_MS;
	until_ns = clock_now(CLOCK_MONOTONIC) + pause_ms * millisecond;
	while (!c->closing && !c->nudged && clock_now(CLOCK_MONOTONIC) < until_ns)
		pause_until(c, until_ns);
	return true;
}

static int attempt(struct courier *c, const struct message *m)
{
	struct error why = {""};
	bool nudged = c->nudged;
	int result;

	c->nudged = false;
	if (c->busy <= 1)
		c->done_ns = clock_now(CLOCK_MONOTONIC);
	pthread_mutex_unlock(&c->lock);
	if (nudged)
		c->settings.nudge(c->own);
	result = c->settings.deliver(c->own, c, m->text, m->length, &why);
	pthread_mutex_lock(&c->lock);
	c->done_ns = clock_now(CLOCK_MONOTONIC);
	count_result(c, result, &why);
	return result;
}

/* At the end a message that cannot be delivered is not tried again, and nor is what waits behind it
 * tried at all. */
static void deliver(struct courier *c, const struct message *m)
{
	bool again = true;
	int result = 1;

	for (unsigned tries = 1; again; tries++) {
		bool last = c->closing;

		result = attempt(c, m);
		again = result > 0 && !last && wait_for_retry(c, tries);
		if (result > 0 && last)
			atomic_store(&c->over, true);
	}
	c->stats.lost += result != 0;
	free(m->text);
}

static struct message take(struct courier *c)
{
	struct message m = c->queue[c->oldest];

	c->oldest = (c->oldest + 1) % c->settings.messages;
	c->count--;
	c->bytes -= m.length;
	return m;
}

static void *run(void *courier)
{
	struct courier *c = courier;

	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->over) && (c->count || !c->closing)) {
		struct message m;

		if (!c->count && c->nudged) {
			c->nudged = false;
			pthread_mutex_unlock(&c->lock);
			c->settings.nudge(c->own);
			pthread_mutex_lock(&c->lock);
			continue;
		}
		if (!c->count) {
			pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		m = take(c);
		c->busy++;
		deliver(c, &m);
		c->busy--;
		pthread_cond_broadcast(&c->idle);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static int begin_threads(struct courier *c)
{
	int err = 0;

	while (!err && c->threads < c->settings.threads) {
		err = thread_begin(&c->thread[c->threads], c->settings.name, run, c);
		c->threads += !err;
	}
	return err;
}

/* ---- its owner's side ---- */

static void release(struct courier *c)
{
	while (c->count)
		free(take(c).text);
	if (c->settings.release)
		c->settings.release(c->own);
	if (c->over_fd >= 0)
		close(c->over_fd);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	pthread_cond_destroy(&c->retry);
	pthread_cond_destroy(&c->idle);
	free(c->queue);
	free(c);
}

int courier_open(struct courier **result, const struct courier_settings *settings, void *own,
	struct error *e)
{
	struct courier *c = calloc(1, sizeof(*c));
	pthread_condattr_t monotonic;
	int err = 0;

	*result = NULL;
	if (!c) {
		if (settings->release)
			settings->release(own);
		return error_set(e, -ENOMEM, "not enough memory for the outputs");
	}
	c->settings = *settings;
	c->own = own;
	c->tokens = settings->per_minute;
	c->counted_ns = clock_now(CLOCK_MONOTONIC);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, &monotonic);
	pthread_cond_init(&c->retry, &monotonic);
	pthread_cond_init(&c->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	c->over_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->queue = calloc(settings->messages + 1, sizeof(*c->queue));
	if (!c->queue || c->over_fd < 0)
		err = error_set(e, -ENOMEM, "not enough memory for the outputs");
	if (!err && begin_threads(c) < 0)
		err = error_set(e, -EAGAIN, "no thread can be begun for the outputs");
	if (err)
		courier_close(c, 0, NULL);
	else
		*result = c;
	return err;
}

/* As many at once as a minute may have, then as they come back. */
static bool is_allowed(struct courier *c)
{
	uint64_t now_ns = clock_now(CLOCK_MONOTONIC);

	if (!c->settings.per_minute)
		return true;
	c->tokens += (double)(now_ns - c->counted_ns) / (double)minute * c->settings.per_minute;
	c->counted_ns = now_ns;
	if (c->tokens > c->settings.per_minute)
		c->tokens = c->settings.per_minute;
	if (c->tokens < 1)
		return false;
	c->tokens--;
	return true;
}

/* The lock is held. False: there is no room. */
static bool put(struct courier *c, char *text, size_t length)
{
	unsigned at = (c->oldest + c->count) % c->settings.messages;

	if (c->count == c->settings.messages || c->bytes + length > c->settings.bytes)
		return false;
	c->queue[at] = (struct message){text, length};
	c->count++;
	c->bytes += length;
	return true;
}

void courier_send(struct courier *c, char *text, size_t length)
{
	const struct message m = {text, length};
	bool wake = false;

	pthread_mutex_lock(&c->lock);
	if (!text) {
		c->stats.lost++;
		set_why(c, ENOMEM, "not enough memory");
	} else if (!is_allowed(c)) {
		c->stats.limited++;
		free(text);
	} else if (!c->settings.threads) {
		c->stats.lost += attempt(c, &m) != 0;
		free(text);
	} else if (!put(c, text, length)) {
		c->stats.lost++;
		if (!c->stats.failing)
			set_why(c, EAGAIN, "more is waiting than there is room for");
		free(text);
	} else {
		wake = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (wake) /* without the lock: else whoever wakes has to wait for it */
		pthread_cond_signal(&c->wake);
}

void courier_nudge(struct courier *c)
{
	if (!c->settings.nudge)
		return;
	if (!c->settings.threads) {
		c->settings.nudge(c->own);
		return;
	}
	pthread_mutex_lock(&c->lock);
	c->nudged = true;
	pthread_cond_broadcast(&c->wake);
	pthread_cond_broadcast(&c->retry);
	pthread_mutex_unlock(&c->lock);
}

int courier_wait(struct courier *c, int fd, short events, int ms)
{
	struct pollfd p[2] = {{fd, events, 0}, {c->over_fd, POLLIN, 0}};
	int n;

	do
		n = poll(p, 2, ms);
	while (n < 0 && errno == EINTR && !c->settings.threads);
	if (courier_is_over(c) || p[1].revents)
		return -ECANCELED;
	return n > 0;
}

bool courier_is_over(const struct courier *c)
{
	return atomic_load(&c->over);
}

void courier_stats(struct courier *c, struct courier_stats *s)
{
	pthread_mutex_lock(&c->lock);
	*s = c->stats;
	s->waiting = c->count + c->busy;
	if (!s->failing && c->busy && clock_now(CLOCK_MONOTONIC) - c->done_ns > stuck_ns) {
		s->failing = true;
		s->failing_ns = c->done_ns;
		s->code = ETIMEDOUT;
		snprintf(s->why, sizeof(s->why), "nobody takes what it says");
	}
	pthread_mutex_unlock(&c->lock);
}

int courier_code(const struct courier *c)
{
	return atomic_load(&c->code);
}

void courier_settle(struct courier *c, uint64_t until_ns)
{
	const struct timespec until = {
		(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};

	pthread_mutex_lock(&c->lock);
	while ((c->count || c->busy) && clock_now(CLOCK_MONOTONIC) < until_ns)
		pthread_cond_timedwait(&c->idle, &c->lock, &until);
	for (; c->count; c->stats.lost++)
		free(take(c).text);
	pthread_mutex_unlock(&c->lock);
}

static bool join_by(struct courier *c, uint64_t until_ns)
{
	const struct timespec until = {
		(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};

	while (c->threads) {
		if (pthread_clockjoin_np(
			    c->thread[c->threads - 1], NULL, CLOCK_MONOTONIC, &until) != 0)
			return false;
		c->threads--;
	}
	return true;
}

void courier_finish(struct courier *c)
{
	pthread_mutex_lock(&c->lock);
	c->closing = true;
	pthread_cond_broadcast(&c->wake);
	pthread_cond_broadcast(&c->retry);
	pthread_mutex_unlock(&c->lock);
}

bool courier_has_ended(struct courier *c)
{
	bool ended;

	pthread_mutex_lock(&c->lock);
	ended = c->closing && !c->busy && (!c->count || atomic_load(&c->over));
	pthread_mutex_unlock(&c->lock);
	return ended;
}

void courier_close(struct courier *c, uint64_t until_ns, struct courier_stats *s)
{
	const uint64_t one = 1;
	bool ended;

	if (!c)
		return;
	courier_finish(c);
	ended = join_by(c, until_ns);
	if (!ended) {
		atomic_store(&c->over, true);
		if (c->over_fd >= 0 && write(c->over_fd, &one, sizeof(one)) < 0)
			errno = 0; /* then it says so by `over` alone */
		ended = join_by(c, clock_now(CLOCK_MONOTONIC) + LAST_WAIT_MS * millisecond);
	}
	pthread_mutex_lock(&c->lock);
	c->stats.lost += c->count + (ended ? 0 : c->busy);
	if (s)
		*s = c->stats;
	pthread_mutex_unlock(&c->lock);
	if (ended)
		release(c);
	else
		for (unsigned i = 0; i < c->threads; i++)
			pthread_detach(c->thread[i]);
}
