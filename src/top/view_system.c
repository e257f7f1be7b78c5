/* The system: what is wrong and what helps, losses, how long each stage takes, what karma is. */
#include <stdio.h>

#include "top/spark.h"
#include "top/view.h"
#include "util/number.h"

static void put_wrong(struct page *p, const struct top *t)
{
	const struct state *s = &t->state;

	if (!s->wrongs)
		page_line(p, "wrong", LOOK_GOOD, "%s", t->loaded ? "nothing" : "not known yet");
	for (unsigned i = 0; i < s->wrongs; i++) {
		page_line(p, i ? "" : "wrong", s->wrong[i].error ? LOOK_BAD : LOOK_WARN, "%s",
			s->wrong[i].what);
		if (*s->wrong[i].remedy)
			page_line(p, "", LOOK_PLAIN, "  %s", s->wrong[i].remedy);
	}
}

static void put_losses(struct page *p, const struct top *t)
{
	const struct state *s = &t->state;
	char number[NUMBER_TEXT];

	if (!s->losses)
		page_line(p, "lost", LOOK_GOOD, "%s", t->loaded ? "nothing" : "not known yet");
	for (unsigned i = 0; i < s->losses; i++)
		page_line(p, i ? "" : "lost", LOOK_BAD, "%12s  %s",
			number_text(s->loss[i].count, number), s->loss[i].name);
	for (unsigned i = 0; i < s->counteds; i++)
		page_line(p, i ? "" : "no loss", LOOK_PLAIN, "%12s  %s",
			number_text(s->counted[i].count, number), s->counted[i].name);
}

static void put_latency(struct page *p, const struct state *s)
{
	char p50[VIEW_TEXT], p99[VIEW_TEXT], most[VIEW_TEXT], count[NUMBER_TEXT];

	if (!s->stages)
		return;
	page_line(p, "latency", LOOK_STRONG, "%-10s %10s %10s %10s %14s", "stage", "median", "99 %",
		"longest", "times");
	for (unsigned i = 0; i < s->stages; i++)
		page_line(p, "", LOOK_PLAIN, "%-10s %10s %10s %10s %14s", s->stage[i].name,
			view_micros(s->stage[i].p50, p50), view_micros(s->stage[i].p99, p99),
			view_micros(s->stage[i].max, most), number_text(s->stage[i].count, count));
}

static void put_figures(struct page *p, const struct state *s)
{
	const struct point *now = state_point(s, 0);
	char a[VIEW_TEXT], b[VIEW_TEXT];

	if (now)
		page_line(p, "traffic", LOOK_PLAIN, "%s bytes/s, %s hosts",
			view_rate(now->rate[RATE_BYTES] / spark_span(s, 0), a),
			number_text((uint64_t)now->rate[RATE_HOSTS], b));
	if (s->table_room)
		page_line(p, "flow table", LOOK_PLAIN, "%s of %s", number_text(s->table_open, a),
			number_text(s->table_room, b));
	if (s->alerts_left_out)
		page_line(p, "alerts", LOOK_PLAIN, "%s older ones are not shown: karma history",
			number_text(s->alerts_left_out, a));
}

static void put_blocking(struct page *p, const struct state *s)
{
	static const char *const mode[] = {"", "off", "dry run: nothing is dropped", "on"};
	char a[NUMBER_TEXT], b[NUMBER_TEXT];

	if (s->blocking == BLOCKING_UNKNOWN)
		return;
	page_line(p, "blocking", LOOK_PLAIN, "%s%s%s%s", mode[s->blocking],
		*s->block_attached ? " (" : "", s->block_attached, *s->block_attached ? ")" : "");
	if (s->blocking > BLOCKING_OFF)
		page_line(p, "", LOOK_PLAIN, "entries: %s, packets dropped: %s",
			number_text(s->entries, a), number_text(s->dropped, b));
}

static void put_outputs(struct page *p, const struct state *s)
{
	char since[NUMBER_TEXT], waiting[NUMBER_TEXT], lost[NUMBER_TEXT];

	for (unsigned i = 0; i < s->outputs; i++) {
		const struct top_output *o = &s->output[i];
		const char *heading = i ? "" : "outputs";

		number_text(o->lost, lost);
		if (o->failing)
			page_line(p, heading, LOOK_BAD, "%s %s: FAILS for %s, %s wait, %s lost: %s",
				o->kind, o->path, duration_text(o->failing_s, since),
				number_text(o->waiting, waiting), lost, o->why);
		else if (o->lost)
			page_line(p, heading, LOOK_BAD, "%s %s: LOST %s: %s", o->kind, o->path,
				lost, o->why);
		else
			page_line(p, heading, LOOK_PLAIN, "%s %s", o->kind, o->path);
		if (o->limited)
			page_line(p, "", LOOK_PLAIN, "  %s kept back: too many a minute",
				number_text(o->limited, lost));
	}
}

static void put_karma(struct page *p, const struct top *t)
{
	const struct state *s = &t->state;

	for (unsigned i = 0; i < s->interfaces; i++)
		page_line(p, i ? "" : "interfaces", s->interface[i].there ? LOOK_PLAIN : LOOK_BAD,
			"%s%s%s", s->interface[i].name, s->interface[i].there ? " by " : " is GONE",
			s->interface[i].there ? s->interface[i].attached : "");
	if (*s->model)
		page_line(p, "model", LOOK_PLAIN, "%s, %s, sensitivity %s", s->model, s->kernel,
			s->sensitivity);
	if (*s->profile)
		page_line(p, "profile", s->drifted ? LOOK_WARN : LOOK_PLAIN, "%s%s", s->profile,
			s->drifted ? ": the traffic has DRIFTED away from it" : "");
	if (*top_history(t))
		page_line(p, "history", *s->history_why ? LOOK_BAD : LOOK_PLAIN, "%s%s%s",
			top_history(t), *s->history_why ? ": NOT written: " : "", s->history_why);
	if (*s->web)
		page_line(p, "browser", LOOK_PLAIN, "%s", s->web);
	if (*s->version)
		page_line(p, "version", LOOK_PLAIN, "%s", s->version);
}

void view_system(struct top *t, int y, int rows)
{
	struct page p;

	page_begin(&p, t, y, rows);
	put_wrong(&p, t);
	put_losses(&p, t);
	put_figures(&p, &t->state);
	put_blocking(&p, &t->state);
	put_outputs(&p, &t->state);
	put_latency(&p, &t->state);
	put_karma(&p, t);
	if (*t->file_why)
		page_line(&p, "history", LOOK_BAD, "%s", t->file_why);
	page_end(&p, t);
}
