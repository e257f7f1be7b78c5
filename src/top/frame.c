/* What is around every view: who, whether all is well, which views there are; at the foot what was
 * just done, and the keys. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top/keys.h"
#include "top/view.h"
#include "util/number.h"

static const double slow_s = 3; /* an answer that is owed so long is told of */

enum { HEAD = 3, FOOT = 2, MESSAGE_LINES = 3 };

/* ---- times and numbers ---- */

const char *view_time(double at, double now, char text[VIEW_TEXT])
{
	time_t then = (time_t)at, today = (time_t)now;
	struct tm a, b;

	text[0] = '\0';
	if (at <= 0 || at > 4e11)
		return text;
	localtime_r(&then, &a);
	localtime_r(&today, &b);
	strftime(text, VIEW_TEXT,
		a.tm_yday == b.tm_yday && a.tm_year == b.tm_year ? "%H:%M:%S" : "%m-%d %H:%M", &a);
	return text;
}

const char *view_rate(double value, char text[VIEW_TEXT])
{
	if (value > 0 && value < 9.95)
		snprintf(text, VIEW_TEXT, "%.1f", value);
	else
		number_text((uint64_t)(value < 0 ? 0 : value > 1e15 ? 1e15 : value + 0.5), text);
	return text;
}

const char *view_micros(double us, char text[VIEW_TEXT])
{
	if (us < 9.95)
		snprintf(text, VIEW_TEXT, "%.1f us", us);
	else if (us < 995)
		snprintf(text, VIEW_TEXT, "%.0f us", us);
	else if (us < 999500)
		snprintf(text, VIEW_TEXT, us < 9950 ? "%.1f ms" : "%.0f ms", us / 1000);
	else
		snprintf(text, VIEW_TEXT, "%.1f s", us / 1e6);
	return text;
}

void view_title(int y, int x, int width, bool active, const char *text)
{
	screen_field(y, x, width, active ? LOOK_BAR : LOOK_STRONG, text);
}

/* ---- the first lines ---- */

static void draw_name(const struct top *t)
{
	const struct state *s = &t->state;
	char line[512], at[VIEW_TEXT], lasting[NUMBER_TEXT];
	int width = screen_width();
	time_t now = time(NULL);
	struct tm tm;
	size_t n;

	n = (size_t)snprintf(line, sizeof(line), " karma top  ");
	if (!t->options.socket)
		n += (size_t)snprintf(
			line + n, sizeof(line) - n, "history %.200s", t->options.history);
	for (unsigned i = 0; i < s->interfaces && n < sizeof(line) - 40; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%s%s", i ? "," : "",
			s->interface[i].name, s->interface[i].there ? "" : " (gone)");
	if (s->started > 0 && s->now >= s->started && n < sizeof(line) - 40)
		snprintf(line + n, sizeof(line) - n, "  up %s",
			duration_text(s->now - s->started, lasting));
	screen_field(0, 0, width, LOOK_BAR, line);
	localtime_r(&now, &tm);
	strftime(at, sizeof(at), " %H:%M:%S ", &tm);
	screen_put(0, width - 10, 10, LOOK_BAR, at);
}

static unsigned going_on(const struct state *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->alerts; i++)
		n += !s->alert[i].ended;
	return n;
}

static void draw_wrong(const struct top *t, int width)
{
	const struct state *s = &t->state;
	enum look look = LOOK_WARN;

	for (unsigned i = 0; i < s->wrongs; i++)
		look = s->wrong[i].error ? LOOK_BAD : look;
	if (s->wrongs == 1)
		screen_putf(1, 0, width, look, " WRONG: %s (5 shows it)", s->wrong[0].what);
	else
		screen_putf(1, 0, width, look, " WRONG: %u things (5 shows them): %s", s->wrongs,
			s->wrong[0].what);
}

/* Whether all is well, or why that is not known. */
static void draw_health(const struct top *t)
{
	unsigned n = going_on(&t->state);
	double silent = link_silent(&t->link, t->now_ns);
	int width = screen_width();

	if (t->paused)
		screen_put(1, 0, width, LOOK_WARN, " PAUSED: nothing here changes; p goes on");
	else if (t->options.socket && t->link.fd < 0)
		screen_putf(1, 0, width, LOOK_BAD, " NOT CONNECTED: %s", t->link.why);
	else if (silent > slow_s)
		screen_putf(1, 0, width, LOOK_BAD, " NO ANSWER from karma for %.0f s", silent);
	else if (*t->refusal)
		screen_putf(1, 0, width, LOOK_BAD, " karma answers: %s", t->refusal);
	else if (!t->options.socket && *t->file_why)
		screen_putf(1, 0, width, LOOK_BAD, " %s", t->file_why);
	else if (!t->loaded)
		screen_put(1, 0, width, LOOK_PLAIN, " waiting for the first answer");
	else if (t->state.wrongs)
		draw_wrong(t, width);
	else if (!t->options.socket)
		screen_put(1, 0, width, LOOK_PLAIN, " what was; what karma sees now: karma top");
	else
		screen_putf(1, 0, width, n ? LOOK_STRONG : LOOK_GOOD,
			n ? " karma is well; %u alert%s going on"
			  : " all is well: no alert is going on",
			n, n == 1 ? " is" : "s are");
}

static void draw_tabs(const struct top *t)
{
	static const char *const name[] = {"Overview", "Alerts", "Hosts", "Blocked", "System"};
	const struct state *s = &t->state;
	const unsigned count[] = {0, s->alerts, s->hosts, s->blocks, s->wrongs};
	enum view shown = t->view > VIEW_SYSTEM ? t->before : t->view;
	int x = 1, width = screen_width();

	for (int v = 0; v <= VIEW_SYSTEM; v++) {
		enum look look = v == (int)shown ? LOOK_BAR : LOOK_PLAIN;

		x = screen_putf(2, x, width - x, look, count[v] ? "%d %s %u" : "%d %s", v + 1,
			    name[v], count[v]) +
		    2;
	}
	if (*t->filter)
		screen_putf(2, x, width - x, LOOK_WARN, "filter: %s (Esc ends it)", t->filter);
}

/* ---- the foot ---- */

/* A long message has the lines above it, too. */
static void draw_message(const struct top *t, int y)
{
	int width = screen_width() - 2, length = (int)strlen(t->message);
	int lines = (length + width - 1) / width;

	if (t->now_ns > t->message_until_ns)
		return;
	lines = lines > MESSAGE_LINES ? MESSAGE_LINES : lines;
	for (int i = 0; i < lines; i++) {
		screen_field(y - lines + 1 + i, 0, width + 2, LOOK_PLAIN, "");
		screen_put(y - lines + 1 + i, 1, width, t->message_look, t->message + i * width);
	}
}

static void draw_keys(const struct top *t, int y)
{
	int x = 1, width = screen_width();

	for (unsigned i = 0; i < key_count; i++) {
		const struct key *k = &keys[i];
		int room = k->hint ? (int)strcspn(k->name, " ") + 1 + (int)strlen(k->hint) : 0;

		if (!k->hint || !(k->views & 1U << t->view) || x + room > width)
			continue;
		x = screen_put(y, x, (int)strcspn(k->name, " "), LOOK_KEY, k->name);
		x = screen_putf(y, x, width - x, LOOK_PLAIN, " %s", k->hint) + 2;
	}
}

/* ---- all of it ---- */

static void draw_view(struct top *t, int y, int rows)
{
	int width = screen_width();

	if (t->view == VIEW_OVERVIEW)
		view_overview(t, y, rows);
	else if (t->view == VIEW_ALERTS)
		view_alerts(t, y, 0, rows, width);
	else if (t->view == VIEW_HOSTS)
		view_hosts(t, y, 0, rows, width);
	else if (t->view == VIEW_BLOCKS)
		view_blocks(t, y, rows);
	else if (t->view == VIEW_SYSTEM)
		view_system(t, y, rows);
	else if (t->view == VIEW_ALERT)
		view_alert(t, y, rows);
	else
		view_help(t, y, rows);
}

void view_draw(struct top *t)
{
	int width = screen_width(), height = screen_height(), first;

	screen_clear();
	if (width < SCREEN_WIDTH || height < SCREEN_HEIGHT) {
		screen_putf(0, 0, width, LOOK_STRONG, "too small: %d x %d", width, height);
		screen_putf(1, 0, width, LOOK_PLAIN, "needs %d x %d", SCREEN_WIDTH, SCREEN_HEIGHT);
		screen_put(2, 0, width, LOOK_PLAIN, "q quits");
	} else {
		first = t->page_first;
		draw_view(t, HEAD, height - HEAD - FOOT);
		if (t->page_first != first) { /* it was beyond the page's end */
			screen_clear();
			draw_view(t, HEAD, height - HEAD - FOOT);
		}
		draw_name(t);
		draw_health(t);
		draw_tabs(t);
		draw_message(t, height - FOOT);
		if (t->prompt.kind != PROMPT_NONE)
			prompt_draw(t, height - 1);
		else
			draw_keys(t, height - 1);
	}
	screen_show();
}
