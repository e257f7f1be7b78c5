#include "web/events.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "web/trail.h"

/* Bytes that several views read; the last one lets go of it. */
struct message {
	unsigned users;
	size_t length;
	char text[];
};

struct events {
	struct wire *wire;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t news;
	bool ended;
	unsigned views;
	uint64_t next;                        /* number of the event that comes next */
	struct message *message[EVENTS_KEPT]; /* event n at n % EVENTS_KEPT */
	struct trail *trail;
	/* of the thread's alone */
	json_int_t seq;
	double started;
};

struct view {
	struct events *events;
	uint64_t next;
	struct message *message; /* that is being read */
	size_t at;
};

enum { IDLE_S = TRAIL_STEP_S, PATIENCE_S = 15, POINTS = 60 };

/* ---- messages ---- */

static struct message *message_new(const char *event, const char *data)
{
	size_t room = strlen(event) + strlen(data) + 32;
	struct message *m = malloc(sizeof(*m) + room);

	if (!m)
		return NULL;
	m->users = 1;
	m->length = (size_t)snprintf(m->text, room, "event: %s\ndata: %s\n\n", event, data);
	return m;
}

/* Under the lock. */
static void message_drop(struct message *m)
{
	if (m && --m->users == 0)
		free(m);
}

static void publish(struct events *s, const char *event, const char *data)
{
	struct message *m = message_new(event, data), **place;

	if (!m)
		return;
	pthread_mutex_lock(&s->lock);
	place = &s->message[s->next % EVENTS_KEPT];
	message_drop(*place);
	*place = m;
	s->next++;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
}

/* ---- asking ---- */

/* A daemon that was started anew counts anew. */
static void take_live(struct events *s, const json_t *live)
{
	double started = json_number_value(json_object_get(live, "started"));

	pthread_mutex_lock(&s->lock);
	if (started != s->started)
		trail_clear(s->trail);
	trail_take(s->trail, json_object_get(live, "hosts"),
		json_number_value(json_object_get(live, "now")));
	pthread_mutex_unlock(&s->lock);
	s->seq = started == s->started || s->started == 0
			 ? json_integer_value(json_object_get(live, "seq"))
			 : 0;
	s->started = started;
}

static void ask(struct events *s, bool tell)
{
	struct error e = {""};
	json_t *live = wire_ask(s->wire,
		json_pack("{ss sI si}", "command", "live", "since", s->seq, "points", POINTS), &e);
	json_t *why = live ? NULL : json_pack("{ss}", "error", e.text);
	char *text;

	if (live)
		take_live(s, live);
	text = json_dumps(live ? live : why, JSON_COMPACT | JSON_REAL_PRECISION(15));
	if (text && tell)
		publish(s, live ? "live" : "down", text);
	free(text);
	json_decref(live);
	json_decref(why);
}

static void *run(void *events)
{
	struct events *s = events;
	struct timespec at;
	unsigned idle = 0;

	clock_gettime(CLOCK_MONOTONIC, &at);
	pthread_mutex_lock(&s->lock);
	while (!s->ended) {
		bool watched = s->views > 0;

		at.tv_sec++;
		while (!s->ended && pthread_cond_timedwait(&s->news, &s->lock, &at) != ETIMEDOUT)
			;
		if (s->ended || (!watched && ++idle < IDLE_S))
			continue;
		idle = 0;
		pthread_mutex_unlock(&s->lock);
		ask(s, watched);
		clock_gettime(CLOCK_MONOTONIC, &at);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int events_open(struct events **events, struct wire *wire, struct error *e)
{
	struct events *s = calloc(1, sizeof(*s));
	pthread_condattr_t monotonic;
	int err;

	*events = NULL;
	if (s)
		s->trail = trail_new();
	if (!s || !s->trail) {
		free(s);
		return error_set(e, -ENOMEM, "out of memory");
	}
	s->wire = wire;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->news, &monotonic);
	pthread_condattr_destroy(&monotonic);
	err = pthread_create(&s->thread, NULL, run, s);
	if (err) {
		trail_free(s->trail);
		free(s);
		return error_set(e, -err, "no thread for the dashboard: %s", strerror(err));
	}
	*events = s;
	return 0;
}

void events_end(struct events *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->news);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
}

void events_close(struct events *s)
{
	for (unsigned i = 0; i < EVENTS_KEPT; i++)
		message_drop(s->message[i]);
	trail_free(s->trail);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->news);
	free(s);
}

json_t *events_trail(struct events *s, const char *ip)
{
	json_t *list;

	pthread_mutex_lock(&s->lock);
	list = trail_json(s->trail, ip);
	pthread_mutex_unlock(&s->lock);
	return list;
}

/* ---- views ---- */

struct view *view_open(struct events *s)
{
	struct view *v = calloc(1, sizeof(*v));

	pthread_mutex_lock(&s->lock);
	if (!v || s->views == EVENTS_VIEWS) {
		free(v);
		v = NULL;
	} else {
		s->views++;
		v->events = s;
		v->next = s->next;
	}
	pthread_mutex_unlock(&s->lock);
	return v;
}

void view_close(struct view *v)
{
	struct events *s = v->events;

	pthread_mutex_lock(&s->lock);
	s->views--;
	message_drop(v->message);
	pthread_mutex_unlock(&s->lock);
	free(v);
}

/* Under the lock: the message that is to be read, when there is one. */
static void take_next(struct view *v)
{
	const struct events *s = v->events;

	v->at = 0;
	v->message = NULL;
	if (v->next + EVENTS_KEPT <= s->next) {
		v->next = s->next;
		v->message = message_new("missed", "{}");
	} else if (v->next < s->next) {
		v->message = s->message[v->next++ % EVENTS_KEPT];
		v->message->users++;
	}
}

/* A line that means nothing keeps the connection from looking dead. */
static ssize_t nothing(char *to, size_t room)
{
	static const char line[] = ":\n\n";
	size_t n = sizeof(line) - 1 < room ? sizeof(line) - 1 : room;

	memcpy(to, line, n);
	return (ssize_t)n;
}

ssize_t view_read(struct view *v, char *to, size_t room)
{
	struct events *s = v->events;
	struct timespec until;
	size_t n = 0;
	bool ended;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&s->lock);
	while (!s->ended && !v->message && err != ETIMEDOUT) {
		take_next(v);
		if (!v->message)
			err = pthread_cond_timedwait(&s->news, &s->lock, &until);
	}
	if (v->message) {
		n = v->message->length - v->at < room ? v->message->length - v->at : room;
		memcpy(to, v->message->text + v->at, n);
		v->at += n;
		if (v->at == v->message->length) {
			message_drop(v->message);
			v->message = NULL;
		}
	}
	ended = s->ended;
	pthread_mutex_unlock(&s->lock);
	return ended ? -1 : n ? (ssize_t)n : nothing(to, room);
}
