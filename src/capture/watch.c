#include "capture/watch.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/attach.h"

enum { KNOWN = 64, LINE = 512 };

struct watched {
	const char *name;
	struct attachment at;
	int refused; /* the number of one that could not be watched, which was told */
	bool lost;   /* what it was attached to has been taken away */
	bool up;
};

struct watch {
	struct interface_list list;
	struct watched watched[INTERFACES_MAX];
	struct watch_calls calls;
	int events;
	bool clsact;
	uint64_t down, up;
	/* A ring of those that programs were put on. */
	struct {
		int ifindex;
		const char *name;
	} known[KNOWN];
	unsigned attached; /* how many so far */
};

static void tell(const struct watch *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const struct watch *w, const char *format, ...)
{
	char line[LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	w->calls.tell(w->calls.tell_context, line);
}

/* ---- one interface ---- */

static int put_on(struct watch *w, struct watched *x, const struct interface *i, struct error *e)
{
	unsigned place = (unsigned)(x - w->watched);
	int prog[2], err;

	err = w->calls.programs(w->calls.context, place, i, prog, e);
	if (err)
		return err;
	err = attach(&x->at, i->ifindex, prog);
	if (err)
		return error_set(e, err, "the kernel refuses to attach the meter to %s: %s",
			x->name, strerror(-err));
	w->clsact = x->at.clsact;
	w->known[w->attached % KNOWN].ifindex = i->ifindex;
	w->known[w->attached % KNOWN].name = x->name;
	w->attached++;
	x->refused = 0;
	x->lost = false;
	return 0;
}

static void tell_state(const struct watch *w, const struct watched *x, enum interface_state state)
{
	if (state == INTERFACE_DOWN)
		tell(w, "%s is down; waiting for it", x->name);
	else if (state == INTERFACE_NO_CARRIER)
		tell(w, "%s has no carrier; waiting for it", x->name);
	else
		tell(w, "%s is up again", x->name);
}

/* Whether it is up is told when it changes; that one is down in another way is no news. */
static void set_up(struct watch *w, struct watched *x, bool up)
{
	w->down += x->up && !up;
	w->up += !x->up && up;
	x->up = up;
}

/* Let go of one that is no more, or is another. */
static void let_go(struct watch *w, struct watched *x)
{
	struct interface now;
	int err = interface_look(x->name, &now, NULL);

	if (!x->at.ifindex)
		return;
	/* That it cannot be looked at does not say that it is gone. */
	if (!x->lost && err != -ENODEV && (err || now.ifindex == x->at.ifindex))
		return;
	detach(&x->at);
	set_up(w, x, false);
	tell(w, "%s is gone; waiting for its return", x->name);
}

/* Take up one that has come, and say whether it is up. */
static void take_up(struct watch *w, struct watched *x)
{
	struct error e = {""};
	struct interface now;
	int err = interface_look(x->name, &now, &e);
	bool up = !err && now.state == INTERFACE_UP;

	if (x->at.ifindex) {
		if (up != x->up)
			tell_state(w, x, now.state);
		set_up(w, x, up);
		return;
	}
	if (!err)
		err = put_on(w, x, &now, &e);
	if (!err) {
		tell(w, "%s is back%s", x->name, up ? "" : ", but not up yet");
		set_up(w, x, up);
	} else if (err != -ENODEV && now.ifindex != x->refused) {
		x->refused = now.ifindex;
		tell(w, "%s", e.text);
	}
}

/* ---- all of them ---- */

static bool any_up(const struct watch *w)
{
	for (unsigned i = 0; i < w->list.count; i++)
		if (w->watched[i].up)
			return true;
	return false;
}

static void one_is_gone(void *context, int ifindex)
{
	struct watch *w = context;

	for (unsigned i = 0; i < w->list.count; i++)
		if (!ifindex || w->watched[i].at.ifindex == ifindex)
			w->watched[i].lost = true;
}

void watch_follow(struct watch *w)
{
	bool was_up = any_up(w);

	if (!interface_events_read(w->events, one_is_gone, w))
		return;
	/* First all that goes: a name may have passed from one interface to another. */
	for (unsigned i = 0; i < w->list.count; i++)
		let_go(w, &w->watched[i]);
	for (unsigned i = 0; i < w->list.count; i++)
		take_up(w, &w->watched[i]);
	if (was_up && !any_up(w) && w->list.count > 1)
		tell(w, "none of the interfaces is up; waiting");
}

/* Put programs on all of them, when each has been found to be there and to be another one. */
static int open_all(struct watch *w, struct error *e)
{
	struct interface now[INTERFACES_MAX];
	int err = 0;

	for (unsigned i = 0; i < w->list.count && !err; i++) {
		w->watched[i].name = w->list.name[i];
		err = interface_look(w->list.name[i], &now[i], e);
		for (unsigned j = 0; j < i && !err; j++)
			if (now[j].ifindex == now[i].ifindex)
				err = error_set(e, -EINVAL,
					"%s and %s are two names of one interface; give one of "
					"them",
					w->list.name[j], w->list.name[i]);
	}
	for (unsigned i = 0; i < w->list.count && !err; i++) {
		struct watched *x = &w->watched[i];

		err = put_on(w, x, &now[i], e);
		x->up = now[i].state == INTERFACE_UP;
		if (!err && !x->up)
			tell_state(w, x, now[i].state);
	}
	return err;
}

int watch_open(struct watch **watch, const struct interface_list *interfaces,
	const struct watch_calls *calls, struct error *e)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err;

	*watch = NULL;
	if (!w)
		return error_set(e, -ENOMEM, "out of memory");
	w->list = *interfaces;
	w->calls = *calls;
	/* Before they are looked at, so that nothing is missed in between. */
	w->events = interface_events_open(0, e);
	err = w->events < 0 ? w->events : open_all(w, e);
	if (err) {
		watch_close(w);
		return err;
	}
	*watch = w;
	return 0;
}

int watch_fd(const struct watch *w)
{
	return w->events;
}

const char *watch_name(const struct watch *w, unsigned ifindex)
{
	/* The latest first: a number may be given again. */
	for (unsigned n = 1; n <= w->attached && n <= KNOWN; n++)
		if ((unsigned)w->known[(w->attached - n) % KNOWN].ifindex == ifindex)
			return w->known[(w->attached - n) % KNOWN].name;
	return NULL;
}

void watch_counts(const struct watch *w, uint64_t *down, uint64_t *up)
{
	*down = w->down;
	*up = w->up;
}

unsigned watch_states(const struct watch *w, struct live_interface out[INTERFACES_MAX])
{
	for (unsigned i = 0; i < w->list.count; i++) {
		const struct watched *x = &w->watched[i];
		bool there = x->at.ifindex != 0;

		out[i] = (struct live_interface){.name = x->name,
			.attached = !there         ? ""
				    : x->at.clsact ? "clsact"
						   : "tcx",
			.there = there,
			.up = there && x->up};
	}
	return w->list.count;
}

const char *watch_attachment(const struct watch *w)
{
	return w->clsact ? "clsact" : "tcx";
}

void watch_detach(struct watch *w)
{
	for (unsigned i = 0; i < w->list.count; i++)
		detach(&w->watched[i].at);
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	watch_detach(w);
	if (w->events >= 0)
		close(w->events);
	free(w);
}
