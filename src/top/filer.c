#include "top/filer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "top/past.h"
#include "util/clock.h"
#include "util/thread.h"

static const int64_t patience_ns = 200 * 1000000LL; /* with a job, at the end */

/* ---- jobs ---- */

static void do_job(struct filer_job *j)
{
	unsigned ended = 0;
	int err;

	switch (j->kind) {
	case FILER_PAST:
		j->answer = past_live(j->path, &j->e);
		return;
	case FILER_MARKS:
		j->answer = past_marks(j->path, &j->e);
		return;
	case FILER_STORY:
		j->answer = past_story(j->path, j->id, &j->e);
		return;
	case FILER_MARK:
		err = history_mark(j->path, j->id, j->mark, &j->e);
		break;
	case FILER_MUTE:
		err = history_mute(j->path, &j->mute, &j->e);
		break;
	default:
		err = history_unmute(j->path, j->mute.low, j->mute.high, &ended, &j->e);
		break;
	}
	if (!err)
		j->answer = json_pack("{sb si}", "ok", 1, "ended", (int)ended);
}

/* ---- the thread ---- */

static void *work(void *filer)
{
	struct filer *f = filer;

	pthread_mutex_lock(&f->lock);
	while (!f->end) {
		struct filer_job *j = f->first, **last = &f->done;

		if (!j) {
			pthread_cond_wait(&f->news, &f->lock);
			continue;
		}
		f->first = j->next;
		pthread_mutex_unlock(&f->lock);
		do_job(j);
		pthread_mutex_lock(&f->lock);
		j->next = NULL;
		while (*last)
			last = &(*last)->next;
		*last = j;
		f->waiting--;
		(void)!write(f->tell[1], "", 1); /* where it is full, it is readable */
	}
	f->running = false;
	pthread_cond_signal(&f->news);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

int filer_begin(struct filer *f, struct error *e)
{
	int code;

	memset(f, 0, sizeof(*f));
	if (pipe2(f->tell, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set(e, -errno, "no pipe can be made: %s", strerror(errno));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->news, NULL);
	f->running = true;
	code = thread_begin(&f->thread, "filer", work, f);
	if (code) {
		close(f->tell[0]);
		close(f->tell[1]);
		return error_set(e, code, "no thread can be started: %s", strerror(-code));
	}
	return 0;
}

static void free_all(struct filer_job *j)
{
	while (j) {
		struct filer_job *next = j->next;

		filer_free(j);
		j = next;
	}
}

void filer_end(struct filer *f)
{
	int64_t until_ns = (int64_t)clock_now(CLOCK_REALTIME) + patience_ns;
	struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
	bool left;

	pthread_mutex_lock(&f->lock);
	f->end = true;
	pthread_cond_signal(&f->news);
	while (f->running && pthread_cond_timedwait(&f->news, &f->lock, &until) == 0)
		;
	left = f->running;
	pthread_mutex_unlock(&f->lock);
	if (left)
		return; /* it hangs, and uses all this until the process is no more */
	pthread_join(f->thread, NULL);
	free_all(f->first);
	free_all(f->done);
	close(f->tell[0]);
	close(f->tell[1]);
}

bool filer_ask(struct filer *f, const struct filer_job *job)
{
	struct filer_job *j = NULL, **last = &f->first;

	pthread_mutex_lock(&f->lock);
	if (f->waiting < FILER_WAITING)
		j = malloc(sizeof(*j));
	if (j) {
		*j = *job;
		j->answer = NULL;
		j->next = NULL;
		while (*last)
			last = &(*last)->next;
		*last = j;
		f->waiting++;
		pthread_cond_signal(&f->news);
	}
	pthread_mutex_unlock(&f->lock);
	return j != NULL;
}

unsigned filer_waiting(struct filer *f)
{
	unsigned n;

	pthread_mutex_lock(&f->lock);
	n = f->waiting;
	pthread_mutex_unlock(&f->lock);
	return n;
}

int filer_fd(const struct filer *f)
{
	return f->tell[0];
}

struct filer_job *filer_take(struct filer *f)
{
	struct filer_job *j;
	char bytes[64];

	pthread_mutex_lock(&f->lock);
	j = f->done;
	if (j)
		f->done = j->next;
	else
		(void)!read(f->tell[0], bytes, sizeof(bytes));
	pthread_mutex_unlock(&f->lock);
	return j;
}

void filer_free(struct filer_job *j)
{
	if (j)
		json_decref(j->answer);
	free(j);
}
