/* Lines for people: an alert is one line, coloured on a terminal unless NO_COLOR is set
 * (no-color.org). */
#include "output/output.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "detect/technique.h"
#include "util/number.h"

enum { ENDPOINT_TEXT = ADDR_TEXT + 48 };

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
	(void)e;
	o->stream = stdout;
	o->path = "standard output";
	o->colour = isatty(STDOUT_FILENO) && !(no_color && *no_color);
	return 0;
}

static void flush(struct output *o)
{
	if (fflush(o->stream) == 0 && !ferror(o->stream))
		return;
	if (!o->lost++)
		o->why = errno;
	clearerr(o->stream);
}

/* ---- alerts ---- */

static const char *severity_colour(int severity)
{
	return severity == 1 ? "\033[1;31m" : severity == 2 ? "\033[1;33m" : "\033[1;36m";
}

static const char *hosts_text(uint64_t count, char text[ENDPOINT_TEXT])
{
	char number[NUMBER_TEXT];

	snprintf(text, ENDPOINT_TEXT, "%s host%s", number_text(count, number),
		count == 1 ? "" : "s");
	return text;
}

/* "10.0.0.2", "10.0.0.2:22", "[2001:db8::1]:22", "10.0.0.7 and 12 others" */
static const char *target_text(const struct alert *a, char text[ENDPOINT_TEXT])
{
	const struct record *r = &a->record;
	char addr[ADDR_TEXT], number[NUMBER_TEXT];

	addr_text(a->target, addr);
	if (a->targets > 1)
		snprintf(text, ENDPOINT_TEXT, "%s and %s other%s", addr,
			number_text(a->targets - 1, number), a->targets == 2 ? "" : "s");
	else if (a->ports == 1)
		snprintf(text, ENDPOINT_TEXT, strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr,
			r->port[!a->actor]);
	else
		snprintf(text, ENDPOINT_TEXT, "%s", addr);
	return text;
}

static const char *const stage_text[] = {
	[ALERT_NEW] = "ALERT", [ALERT_UPDATE] = "still", [ALERT_END] = "ended"};

/* Before the first alert of one of several captures: its name, and the day. */
static void print_heading(struct output *o, const struct origin *from, const struct tm *tm)
{
	char day[16];

	if (!from->several || o->headed == from->capture)
		return;
	strftime(day, sizeof(day), "%Y-%m-%d", tm);
	fprintf(o->stream, "%s, %s:\n", from->capture, day);
	o->headed = from->capture;
}

static void terminal_alert(
	struct output *o, const struct alert *a, enum alert_stage stage, const struct origin *from)
{
	const struct technique *technique = alert_technique(a);
	char clock[16], who[ENDPOINT_TEXT], whom[ENDPOINT_TEXT], number[NUMBER_TEXT];
	char id[ALERT_ID_TEXT];
	time_t seconds = (time_t)(a->last_ns / 1000000000);
	struct tm tm;

	if (from->muted)
		return;
	terminal_status_clear();
	localtime_r(&seconds, &tm);
	print_heading(o, from, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	if (a->many)
		hosts_text(a->attackers, who);
	else
		addr_text(a->attacker, who);
	fprintf(o->stream, "%s %s %s  %s%s%s %.0f %%%s%s  %s -> %s  %s flow%s", clock,
		stage_text[stage], alert_id_text(a->id, id),
		o->colour ? severity_colour(alert_class(a->class)->severity) : "",
		class_name(a->class), o->colour ? "\033[0m" : "", 100 * (double)a->confidence,
		technique ? " " : "", technique ? technique->id : "", who, target_text(a, whom),
		number_text(a->flows, number), a->flows == 1 ? "" : "s");
	if (a->ports > 1)
		fprintf(o->stream, ", %s ports", number_text(a->ports, number));
	fprintf(o->stream, " in %s",
		duration_text((double)(a->last_ns - a->first_ns) / 1e9, number));
	if (a->refused)
		fprintf(o->stream, ", %s refused", number_text(a->refused, number));
	for (unsigned i = 0; i < a->reasons; i++)
		fprintf(o->stream, "%s%s", i ? "; " : ": ", a->reason[i]);
	if (from->reaction)
		fprintf(o->stream, " [%s]", from->reaction->text);
	fputc('\n', o->stream);
	flush(o);
}

/* ---- the block list ---- */

static void terminal_block(struct output *o, const struct block_change *c)
{
	char clock[16], what[REACTION_TEXT], time[REACTION_TEXT], why[REACTION_TEXT];
	time_t seconds = (time_t)(c->at_ns / 1000000000);
	char number[NUMBER_TEXT];
	struct tm tm;

	terminal_status_clear();
	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fprintf(o->stream, "%s %s%s %s", clock, c->entry.dry ? "dry run: " : "",
		block_change_name(c), block_what_text(&c->entry.what, what));
	if (c->event != POLICY_REMOVE && c->entry.until_ns)
		fprintf(o->stream, " for %s", block_time_text(c->entry.until_ns - c->at_ns, time));
	fprintf(o->stream, ": %s", block_change_why(c, why));
	if ((c->event == POLICY_RENEW || c->event == POLICY_REMOVE) && !c->entry.dry)
		fprintf(o->stream, "; %s packet%s dropped", number_text(c->counts.packets, number),
			c->counts.packets == 1 ? "" : "s");
	fputc('\n', o->stream);
	flush(o);
}

/* ---- summary ---- */

static void print_count(FILE *out, uint64_t count, const char *one, const char *more)
{
	char number[NUMBER_TEXT];

	fprintf(out, "%s %s", number_text(count, number), count == 1 ? one : more);
}

static void print_alerts(FILE *out, const struct alert_stats *s)
{
	uint64_t all = 0;
	const char *between = " (";
	char number[NUMBER_TEXT];

	for (int c = 0; c < CLASSES; c++)
		all += s->raised[c];
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

static void print_lost(FILE *out, const struct summary *s)
{
	const struct {
		uint64_t count;
		const char *one, *more;
	} forgotten[] = {
		{s->judge.hosts_forgotten, "host forgotten for others",
			"hosts forgotten for others"},
		{s->judge.events_forgotten, "flow that left the counters early",
			"flows that left the counters early"},
		{s->detect.evidence_forgotten, "host whose evidence gave way to others'",
			"hosts whose evidence gave way to others'"},
		{s->detect.alerts.ended_early, "alert that ended early for others",
			"alerts that ended early for others"},
		{s->history.lost, "alert that could not be written to the history",
			"alerts that could not be written to the history"},
		{s->block.refused_full, "block that found no room in the list",
			"blocks that found no room in the list"},
		{s->block.refused_fast, "block too many in its minute",
			"blocks too many in their minutes"},
		{s->block.protected_lost, "protected address that could not be looked up",
			"protected addresses that could not be looked up"},
		{s->history.lost_hosts, "host's counts that the history had no room for",
			"hosts' counts that the history had no room for"},
		{s->history.lost_minutes, "minute that could not be written to the history",
			"minutes that could not be written to the history"},
		{s->keeper.no_room, "packet of an alert whose capture is full",
			"packets of alerts whose captures are full"},
		{s->keeper.other_link, "packet of another link layer than its alert's capture",
			"packets of another link layer than their alerts' captures"},
		{s->keeper.failed, "packet of an alert that could not be written",
			"packets of alerts that could not be written"},
		{s->keeper.dropped, "packet that came too fast to be kept",
			"packets that came too fast to be kept"},
		{s->keeper.alerts_without, "alert without a capture: too many at a time",
			"alerts without a capture: too many at a time"},
	};
	char number[NUMBER_TEXT];
	bool any = false;

	for (int c = COUNT_EVICTED; c < LOST_MAP_FULL; c++)
		if (s->meter.count[c])
			fprintf(out, "%s %s\n", number_text(s->meter.count[c], number),
				meter_counter_text((enum meter_counter)c, s->meter.count[c]));
	if (s->blocks) {
		print_count(out, s->block.added, "entry put on the block list, ",
			"entries put on the block list, ");
		print_count(out, s->block.dropped + s->block.limited, "packet dropped; ",
			"packets dropped; ");
		print_count(out, s->block.refused_protected, "time let be: protected\n",
			"times let be: protected\n");
	}
	if (s->keeps) {
		print_count(out, s->keeper.packets, "packet kept in ", "packets kept in ");
		print_count(out, s->keeper.files, "capture", "captures");
		if (s->keeper.removed)
			fprintf(out, "; %s older gave way", number_text(s->keeper.removed, number));
		fputc('\n', out);
	}
	if (s->muted) {
		print_count(out, s->muted, "alert was muted", "alerts were muted");
		fputc('\n', out);
	}
	if (s->history.failing)
		fprintf(out, "the history is not written: %s\n", s->history.why);
	if (s->history.removed) {
		print_count(out, s->history.removed, "alert of the history gave way to a later one",
			"alerts of the history gave way to later ones");
		fputc('\n', out);
	}
	for (int c = LOST_MAP_FULL; c < METER_COUNTERS; c++) {
		if (!s->meter.count[c])
			continue;
		fprintf(out, "lost: %s %s\n", number_text(s->meter.count[c], number),
			meter_counter_text((enum meter_counter)c, s->meter.count[c]));
		any = true;
	}
	for (size_t i = 0; i < sizeof(forgotten) / sizeof(forgotten[0]); i++) {
		if (!forgotten[i].count)
			continue;
		fputs("lost: ", out);
		print_count(out, forgotten[i].count, forgotten[i].one, forgotten[i].more);
		fputc('\n', out);
		any = true;
	}
	if (!any)
		fputs("nothing lost\n", out);
}

static void terminal_summary(struct output *o, const struct summary *s, bool last)
{
	char text[NUMBER_TEXT];
	FILE *out = o->stream;

	if (!last)
		return;
	terminal_status_clear();
	if (s->origin) /* the times of several captures make no sum */
		fprintf(out, "%s: ", duration_text(s->seconds, text));
	print_count(out, s->meter.count[COUNT_PACKETS], "packet, ", "packets, ");
	print_count(out, s->meter.count[COUNT_FLOWS], "flow, ", "flows, ");
	print_count(out, s->judge.judged, "record judged\n", "records judged\n");
	print_alerts(out, &s->detect.alerts);
	print_lost(out, s);
	flush(o);
}

static void terminal_close(struct output *o)
{
	terminal_status_clear();
	flush(o);
}

const struct output_kind output_terminal = {"terminal", terminal_open, terminal_alert,
	terminal_summary, terminal_close, NULL, terminal_block};
