#include "top/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t second = 1000000000;
static const int64_t patience_s = 30; /* with a daemon that does not answer */

enum { STEP = 65536 };

void link_begin(struct link *l, const char *path, link_answered answered, void *context)
{
	*l = (struct link){.fd = -1, .answered = answered, .context = context};
	snprintf(l->path, sizeof(l->path), "%s", path);
	snprintf(l->why, sizeof(l->why), "%s: not connected yet", path);
}

static void forget_first(struct link *l)
{
	free(l->waiting[0].line);
	memmove(&l->waiting[0], &l->waiting[1], (l->count - 1) * sizeof(l->waiting[0]));
	l->count--;
	l->owed = false;
	l->sent = 0;
}

/* What was asked goes unanswered: it may have been done or not. */
static void let_go(struct link *l, const char *why)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	while (l->count)
		forget_first(l);
	free(l->answer);
	l->answer = NULL;
	l->length = l->room = 0;
	snprintf(l->why, sizeof(l->why), "%s", why);
}

void link_end(struct link *l)
{
	let_go(l, "");
}

bool link_ask(struct link *l, const struct link_note *note, json_t *request)
{
	char *line = l->fd >= 0 && l->count < LINK_WAITING && request
			     ? json_dumps(request, JSON_COMPACT)
			     : NULL;

	json_decref(request);
	if (!line)
		return false;
	line[strlen(line)] = '\n'; /* in the place of its end: its length is known by that */
	l->waiting[l->count].note = *note;
	l->waiting[l->count++].line = line;
	return true;
}

bool link_has(const struct link *l, int kind)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->waiting[i].note.kind == kind)
			return true;
	return false;
}

static size_t line_length(const char *line)
{
	return (size_t)((const char *)rawmemchr(line, '\n') - line) + 1;
}

static bool unsent(const struct link *l)
{
	return l->count && l->sent < line_length(l->waiting[0].line);
}

short link_events(const struct link *l)
{
	return unsent(l) ? POLLIN | POLLOUT : POLLIN;
}

double link_silent(const struct link *l, int64_t now_ns)
{
	return l->fd >= 0 && l->owed ? (double)(now_ns - l->asked_ns) / 1e9 : 0;
}

/* ---- sending ---- */

static void send_on(struct link *l, int64_t now_ns)
{
	while (unsent(l)) {
		const char *line = l->waiting[0].line;
		ssize_t n = send(l->fd, line + l->sent, line_length(line) - l->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			let_go(l, "karma has ended");
			return;
		}
		if (!l->owed)
			l->asked_ns = now_ns;
		l->owed = true;
		l->sent += (size_t)n;
	}
}

/* ---- answers ---- */

static void take_line(struct link *l, size_t length)
{
	json_t *answer = json_loadb(l->answer, length, 0, NULL);
	struct link_note note;

	l->length -= length + 1;
	memmove(l->answer, l->answer + length + 1, l->length);
	if (!l->count || !json_is_object(answer)) {
		json_decref(answer);
		let_go(l, "what answers there is no karma of this version");
		return;
	}
	note = l->waiting[0].note;
	forget_first(l);
	l->answered(l->context, &note, answer);
	json_decref(answer);
}

/* Room for a step more; false: the answer is too long. */
static bool make_room(struct link *l)
{
	char *more;

	if (l->room - l->length >= STEP)
		return true;
	more = l->room < LINK_ANSWER ? realloc(l->answer, l->room + 4 * STEP) : NULL;
	if (!more)
		return false;
	l->answer = more;
	l->room += 4 * STEP;
	return true;
}

static void hear(struct link *l)
{
	while (l->fd >= 0) {
		ssize_t n;
		char *end;

		if (!make_room(l)) {
			let_go(l, "karma's answer is too long");
			return;
		}
		n = recv(l->fd, l->answer + l->length, STEP, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			let_go(l, "karma has ended");
			return;
		}
		end = memchr(l->answer + l->length, '\n', (size_t)n);
		l->length += (size_t)n;
		while (end && l->fd >= 0) {
			take_line(l, (size_t)(end - l->answer));
			end = l->length ? memchr(l->answer, '\n', l->length) : NULL;
		}
	}
}

bool link_serve(struct link *l, int64_t now_ns)
{
	struct error e = {""};
	bool anew = false;

	if (l->fd < 0 && (!l->tried_ns || now_ns - l->tried_ns >= second)) {
		l->tried_ns = now_ns;
		l->fd = control_connect_now(l->path, &e);
		anew = l->fd >= 0;
		l->fd = anew ? l->fd : -1;
		snprintf(l->why, sizeof(l->why), "%s", e.text);
	}
	if (l->fd >= 0)
		hear(l);
	if (l->fd >= 0)
		send_on(l, now_ns);
	if (link_silent(l, now_ns) > (double)patience_s)
		let_go(l, "karma does not answer");
	return anew && l->fd >= 0;
}
