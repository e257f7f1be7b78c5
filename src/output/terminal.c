/* Lines for people: an alert is one line, coloured on a terminal unless NO_COLOR is set
 * (no-color.org). */
#include "output/output.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output/line.h"
#include "output/log.h"
#include "output/losses.h"
#include "util/number.h"

static bool status_shown;

void terminal_status(const char *text)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
	status_shown = true;
}

void terminal_status_clear(void)
{
	if (!status_shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	status_shown = false;
}

static int terminal_open(struct output *o, const char *path, struct error *e)
{
	const char *no_color = getenv("NO_COLOR");

	(void)path;
	o->tty = isatty(STDOUT_FILENO);
	o->colour = o->tty && !(no_color && *no_color);
	return log_open(o, "-", e);
}

/* ---- a text on its way ---- */

struct text {
	FILE *stream; /* NULL: memory is short */
	char *all;
	size_t length;
};

/* Whatever state is shown by now gives way on the way: it is told in other threads. */
static void begin_text(const struct output *o, struct text *t)
{
	*t = (struct text){.stream = NULL};
	t->stream = open_memstream(&t->all, &t->length);
	terminal_status_clear();
	if (t->stream && o->tty)
		fputs("\r\033[K", t->stream);
}

static void end_text(struct output *o, struct text *t)
{
	if (t->stream && fclose(t->stream) != 0) {
		free(t->all);
		t->all = NULL;
	}
	courier_send(o->courier, t->all, t->length);
}

/* ---- alerts ---- */

static const char *severity_colour(int severity)
{
	return severity == 1 ? "\033[1;31m" : severity == 2 ? "\033[1;33m" : "\033[1;36m";
}

/* Before the first alert of one of several captures: its name, and the day. */
static void print_heading(
	struct output *o, FILE *out, const struct origin *from, const struct tm *tm)
{
	char day[16];

	if (!from->several || o->headed == from->capture)
		return;
	strftime(day, sizeof(day), "%Y-%m-%d", tm);
	fprintf(out, "%s, %s:\n", from->capture, day);
	o->headed = from->capture;
}

static void terminal_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	time_t seconds = (time_t)(a->last_ns / 1000000000);
	char clock[16];
	struct text t;
	struct tm tm;

	if (from->muted)
		return;
	begin_text(o, &t);
	if (t.stream) {
		localtime_r(&seconds, &tm);
		print_heading(o, t.stream, from, &tm);
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
		fprintf(t.stream, "%s ", clock);
		line_print(t.stream, a, stage, from,
			o->colour ? severity_colour(alert_class(a->class)->severity) : "");
		fputc('\n', t.stream);
	}
	end_text(o, &t);
}

/* ---- the block list ---- */

static void terminal_block(struct output *o, const struct block_change *c)
{
	char clock[16], what[REACTION_TEXT], time[REACTION_TEXT], why[REACTION_TEXT];
	time_t seconds = (time_t)(c->at_ns / 1000000000);
	char number[NUMBER_TEXT];
	struct text t;
	struct tm tm;

	begin_text(o, &t);
	if (!t.stream) {
		end_text(o, &t);
		return;
	}
	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fprintf(t.stream, "%s %s%s %s", clock, c->entry.dry ? "dry run: " : "",
		block_change_name(c), block_what_text(&c->entry.what, what));
	if (c->event != POLICY_REMOVE && c->entry.until_ns)
		fprintf(t.stream, " for %s", block_time_text(c->entry.until_ns - c->at_ns, time));
	fprintf(t.stream, ": %s", block_change_why(c, why));
	if ((c->event == POLICY_RENEW || c->event == POLICY_REMOVE) && !c->entry.dry)
		fprintf(t.stream, "; %s packet%s dropped", number_text(c->counts.packets, number),
			c->counts.packets == 1 ? "" : "s");
	fputc('\n', t.stream);
	end_text(o, &t);
}

/* ---- summary ---- */

static void print_count(FILE *out, uint64_t count, const char *one, const char *more)
{
	char number[NUMBER_TEXT];

	fprintf(out, "%s %s", number_text(count, number), count == 1 ? one : more);
}

static void print_alerts(FILE *out, const struct alert_stats *s)
{
	uint64_t all = alerts_raised(s);
	const char *between = " (";
	char number[NUMBER_TEXT];

	print_count(out, all, "alert", "alerts");
	for (int c = 0; c < CLASSES; c++) {
		if (!s->raised[c])
			continue;
		fprintf(out, "%s%s %s", between, class_name((enum karma_class)c),
			number_text(s->raised[c], number));
		between = ", ";
	}
	fputs(all ? ")\n" : "\n", out);
}

/* Of each output apart, with the reason. */
static bool print_outputs(FILE *out, const struct summary *s)
{
	bool any = false;

	for (unsigned i = 0; i < s->outputs; i++) {
		const struct output_stats *o = &s->output[i];
		char number[NUMBER_TEXT];

		if (o->of.limited)
			fprintf(out, "%s (%s): %s kept back: too many a minute\n", o->kind, o->path,
				number_text(o->of.limited, number));
		if (!o->of.lost)
			continue;
		any = true;
		fprintf(out, "lost: %s of %s (%s): %s\n", number_text(o->of.lost, number), o->kind,
			o->path, o->of.why);
	}
	return any;
}

static void print_blocks(FILE *out, const struct block_stats *s)
{
	print_count(
		out, s->added, "entry put on the block list, ", "entries put on the block list, ");
	print_count(out, s->dropped + s->limited, "packet dropped; ", "packets dropped; ");
	print_count(
		out, s->refused_protected, "time let be: protected\n", "times let be: protected\n");
}

static void print_kept(FILE *out, const struct keeper_stats *s)
{
	char number[NUMBER_TEXT];

	print_count(out, s->packets, "packet kept in ", "packets kept in ");
	print_count(out, s->files, "capture", "captures");
	if (s->removed)
		fprintf(out, "; %s older gave way", number_text(s->removed, number));
	fputc('\n', out);
}

static void print_history(FILE *out, const struct history_stats *s)
{
	if (s->failing)
		fprintf(out, "the history is not written: %s\n", s->why);
	if (s->removed)
		print_count(out, s->removed, "alert of the history gave way to a later one\n",
			"alerts of the history gave way to later ones\n");
}

static bool print_losses(FILE *out, const struct summary *s)
{
	uint64_t lost[LOSSES];
	char number[NUMBER_TEXT];

	losses_of(s, lost);
	for (unsigned i = 0; i < LOSSES; i++)
		if (lost[i])
			fprintf(out, "%s: %s %s\n", loss_is_real(loss_of(i)) ? "lost" : "counted",
				number_text(lost[i], number), loss_text(i, lost[i]));
	return losses_any(lost);
}

/* What else there was, and what there was not. */
static void print_rest(FILE *out, const struct summary *s)
{
	char number[NUMBER_TEXT];
	bool any;

	for (int c = COUNT_EVICTED; c < LOST_MAP_FULL; c++)
		if (s->meter.count[c])
			fprintf(out, "%s %s\n", number_text(s->meter.count[c], number),
				meter_counter_text((enum meter_counter)c, s->meter.count[c]));
	if (s->blocks)
		print_blocks(out, &s->block);
	if (s->keeps)
		print_kept(out, &s->keeper);
	if (s->muted)
		print_count(out, s->muted, "alert was muted\n", "alerts were muted\n");
	print_history(out, &s->history);
	any = print_outputs(out, s);
	any |= print_losses(out, s);
	if (!any)
		fputs("nothing lost\n", out);
}

static void terminal_summary(struct output *o, const struct summary *s, bool last)
{
	char text[NUMBER_TEXT];
	struct text t;

	if (!last)
		return;
	begin_text(o, &t);
	if (t.stream) {
		if (s->origin) /* the times of several captures make no sum */
			fprintf(t.stream, "%s: ", duration_text(s->seconds, text));
		print_count(t.stream, s->meter.count[COUNT_PACKETS], "packet, ", "packets, ");
		print_count(t.stream, s->meter.count[COUNT_FLOWS], "flow, ", "flows, ");
		print_count(t.stream, s->judge.judged, "record judged\n", "records judged\n");
		print_alerts(t.stream, &s->detect.alerts);
		print_rest(t.stream, s);
	}
	end_text(o, &t);
}

const struct output_kind output_terminal = {.name = "terminal",
	.open = terminal_open,
	.alert = terminal_alert,
	.summary = terminal_summary,
	.block = terminal_block,
	.must = true};
