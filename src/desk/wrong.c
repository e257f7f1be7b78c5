/* What is wrong, with what to do about it: what a person would want to be told. What was lost is
 * wrong for a minute; the totals stand beside. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "desk/inside.h"
#include "util/number.h"

static const int64_t minute = 60 * 1000000000LL;
static const int64_t behind_ns = 1000000000LL; /* that records may wait */

/* Broken packets are wrong if they are so large a part of all, and late reports of all reports. */
static const double few_share = 0.01;
static const uint64_t few = 100;

/* A full memory in which the oldest gives way is as it should be, unless it is all anew within the
 * hour. */
static const uint64_t minutes_remembered = 60;

static void say(struct desk *d, bool grave, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void say(struct desk *d, bool grave, const char *remedy, const char *format, ...)
{
	struct desk_wrong *w = &d->wrong[d->wrongs];
	va_list args;

	if (d->wrongs == DESK_WRONG)
		return;
	d->wrongs++;
	w->grave = grave;
	snprintf(w->remedy, sizeof(w->remedy), "%s", remedy);
	va_start(args, format);
	vsnprintf(w->what, sizeof(w->what), format, args);
	va_end(args);
}

/* The figures of a minute ago, or from the beginning. */
static const struct desk_before *a_minute_ago(const struct desk *d)
{
	return &d->before[d->befores < DESK_BEFORE ? 0 : d->befores % DESK_BEFORE];
}

static void look_at_interfaces(struct desk *d)
{
	for (unsigned i = 0; i < d->facts.interfaces; i++) {
		const struct live_interface *x = &d->facts.interface[i];

		if (!x->there)
			say(d, true, "it is taken up by itself when it comes back",
				"%s is gone: nothing is seen there", x->name);
		else if (!x->up)
			say(d, false, "ip link set up; it is watched as soon as it is up",
				"%s is down", x->name);
	}
}

static void look_at_history(struct desk *d)
{
	const struct history_stats *h = &d->facts.figures.history;

	if (d->facts.history && h->failing)
		say(d, true, "make room, or name another file with --history; detection goes on",
			"the history is not written: %.150s", h->why);
}

/* A reload may have changed which outputs there are. */
static uint64_t lost_before(const struct desk_before *b, unsigned number)
{
	for (unsigned i = 0; i < OUTPUTS; i++)
		if (b->output[i].number == number)
			return b->output[i].lost;
	return 0;
}

/* What waits is not lost yet, but nobody has it. Where nothing waits the last was given up: whether
 * it works again only the next shows. */
static void say_failing(struct desk *d, const struct output_stats *o, uint64_t lost)
{
	char since[NUMBER_TEXT], number[NUMBER_TEXT], more[NUMBER_TEXT + 32] = "";

	duration_text(desk_failing_s(&d->facts, o), since);
	if (lost)
		snprintf(more, sizeof(more), ", %s lost in the last minute",
			number_text(lost, number));
	if (o->of.waiting)
		say(d, true,
			"see whether it can be reached and has room; what waits is tried again",
			"%s, %.60s: not written for %s: %.60s; %u line%s wait%s%s", o->kind,
			o->path, since, o->of.why, o->of.waiting, o->of.waiting == 1 ? "" : "s",
			o->of.waiting == 1 ? "s" : "", more);
	else
		say(d, lost > 0,
			"see whether it can be reached; the next line shows whether it works again",
			"%s, %.60s: the last line, %s ago, failed: %.60s%s", o->kind, o->path,
			since, o->of.why, more);
}

static void look_at_outputs(struct desk *d, const struct desk_before *b)
{
	for (unsigned i = 0; i < d->facts.figures.outputs; i++) {
		const struct output_stats *o = &d->facts.figures.output[i];
		uint64_t lost = counter_rise(lost_before(b, o->number), o->of.lost);
		char number[NUMBER_TEXT];

		if (o->of.failing)
			say_failing(d, o, lost);
		else if (lost)
			say(d, true, "see whether it can be written to, and has room",
				"%s, %.80s: %s lines lost in the last minute: %s", o->kind, o->path,
				number_text(lost, number), o->of.why);
	}
}

static bool is_many(uint64_t some, uint64_t all)
{
	return some >= few && (double)some >= few_share * (double)all;
}

/* Is it more than a network that is well has of it? */
static bool is_wrong(
	const struct desk *d, const struct desk_before *b, enum loss_kind kind, uint64_t some)
{
	const uint64_t *now = d->facts.figures.meter.count;

	switch (kind) {
	case LOSS_OTHER:
		return false;
	case LOSS_UNKNOWN:
		return is_many(some, counter_rise(b->packets, now[COUNT_PACKETS]));
	case LOSS_LATE:
		return is_many(some, counter_rise(b->records, now[COUNT_RECORDS]));
	case LOSS_AGED: /* of two memories as large as this one, or of this */
		return some * minutes_remembered > d->facts.figures.judge.hosts;
	default:
		return some > 0;
	}
}

static void look_at_losses(struct desk *d, const struct desk_before *b)
{
	char number[NUMBER_TEXT];

	for (unsigned i = 0; i < LOSSES; i++) {
		const struct loss *l = loss_of(i);
		uint64_t some = counter_rise(b->lost[i], d->lost[i]);

		if (some && is_wrong(d, b, l->kind, some))
			say(d, false, l->remedy, "%s in the last minute: %s: %s",
				loss_is_real(l) ? "lost" : "many", l->name,
				number_text(some, number));
	}
}

static void look_at_table(struct desk *d)
{
	uint64_t open = d->facts.figures.meter.count[COUNT_OPEN];
	char is[NUMBER_TEXT], room[NUMBER_TEXT];

	if (d->facts.room && open * 10 > (uint64_t)d->facts.room * 9)
		say(d, false, "give it more room with --flows",
			"the flow table is %.0f %% full: %s of %s flows",
			100 * (double)open / (double)d->facts.room, number_text(open, is),
			number_text(d->facts.room, room));
}

static void look_at_time(struct desk *d)
{
	const struct desk_latency *wait = &d->stage[DESK_WAIT];
	double late = latency_quantile(&wait->all, &wait->before, 0.99);
	char text[NUMBER_TEXT];

	if (late > (double)behind_ns)
		say(d, false, "give the machine more processor time, or a faster --kernel",
			"detection is behind: records wait %s", duration_text(late / 1e9, text));
	if (d->jumped_ns && d->facts.steady_ns - d->jumped_ns < minute)
		say(d, false, "see what sets it; let it be slewed", "the clock was set by %s%s",
			d->jump_ns < 0 ? "-" : "",
			duration_text(
				(double)(d->jump_ns < 0 ? -d->jump_ns : d->jump_ns) / 1e9, text));
}

static void look_at_blocking(struct desk *d)
{
	if (strcmp(d->facts.block, "on") == 0 && !*d->facts.block_attached)
		say(d, true, "its line at the start, or when an interface came, says why",
			"nothing is blocked: the program is on no interface");
}

void desk_look(struct desk *d)
{
	const struct desk_before *b = a_minute_ago(d);

	d->wrongs = 0;
	look_at_interfaces(d);
	look_at_history(d);
	look_at_outputs(d, b);
	look_at_blocking(d);
	look_at_table(d);
	look_at_time(d);
	look_at_losses(d, b);
	if (d->facts.figures.drifted)
		say(d, false, "if this is how it is now, learn it again with 'karma learn'",
			"the traffic has drifted from the profile");
}

unsigned desk_wrong(const struct desk *d, const struct desk_wrong **wrong)
{
	*wrong = d->wrong;
	return d->wrongs;
}
