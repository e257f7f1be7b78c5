/* Lists: alerts, hosts, who is blocked and who is allowed. Columns that the address does not need
 * are of fixed widths; a narrow screen cuts addresses, an alert's own page has them whole. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "top/spark.h"
#include "top/view.h"
#include "util/number.h"

enum { TIME = 11, ADDRESS = 39, GAP = 1 };

static bool has(const struct top *t, enum pane pane)
{
	return t->pane == pane;
}

/* The row of a list in line `i` of what is shown; -1: there is none. */
static int row_at(const struct top *t, enum pane pane, int i)
{
	int row = t->list[pane].first + i;

	return row < t->rows[pane] ? t->row[pane][row] : -1;
}

static void choose(const struct top *t, enum pane pane, int y, int x, int i, int width)
{
	if (has(t, pane) && t->list[pane].first + i == t->list[pane].at)
		screen_choose(y, x, width);
}

static void say_empty(const struct top *t, int y, int x, int width, const char *text)
{
	if (t->loaded)
		screen_put(y, x + 1, width - 1, LOOK_DIM,
			*t->filter ? "none that the filter lets through" : text);
}

/* ---- alerts ---- */

static const char *alert_word(const struct top_alert *a)
{
	return a->mark == TOP_ACK     ? "ack"
	       : a->mark == TOP_FALSE ? "false"
	       : a->muted             ? "muted"
	       : a->blocked           ? "blocked"
	       : a->ended             ? "ended"
				      : "now";
}

static enum look alert_look(const struct top_alert *a)
{
	return a->mark != TOP_UNMARKED || a->muted ? LOOK_DIM : a->ended ? LOOK_PLAIN : LOOK_BAD;
}

static const char *alert_who(const struct top_alert *a, char text[VIEW_TEXT])
{
	char number[NUMBER_TEXT];

	if (*a->who)
		snprintf(text, VIEW_TEXT, "%s", a->who);
	else
		snprintf(text, VIEW_TEXT, "%.20s host%s", number_text(a->attackers, number),
			a->attackers == 1 ? "" : "s");
	return text;
}

/* In so many columns: of an address that does not fit the end goes, never a figure of how many
 * others. */
static const char *alert_whom(const struct top_alert *a, int columns, char text[VIEW_TEXT + 24])
{
	char number[NUMBER_TEXT], others[24] = "";
	int room;

	if (a->targets > 1)
		snprintf(others, sizeof(others), " +%.20s", number_text(a->targets - 1, number));
	room = columns - (int)strlen(others);
	snprintf(text, VIEW_TEXT + 24, "%.*s%s", room > 0 && *others ? room : VIEW_TEXT, a->whom,
		others);
	return text;
}

static void draw_alert(const struct top *t, const struct top_alert *a, int y, int x, int address)
{
	enum look look = alert_look(a);
	char text[VIEW_TEXT + 24];

	screen_field(y, x, TIME, LOOK_PLAIN, view_time(a->first, t->state.now, text));
	screen_field(y, x + 12, 14, look, a->class);
	screen_putf(y, x + 27, 4, LOOK_PLAIN, "%3.0f%%", 100 * a->confidence);
	screen_field(y, x + 32, address, LOOK_PLAIN, alert_who(a, text));
	screen_field(y, x + 33 + address, address, LOOK_PLAIN, alert_whom(a, address, text));
	screen_number(y, x + 34 + 2 * address, 8, LOOK_PLAIN, number_text(a->flows, text));
	screen_field(y, x + 43 + 2 * address, 7, look, alert_word(a));
}

void view_alerts(struct top *t, int y, int x, int rows, int width)
{
	int address = (width - 50) / 2;
	char title[256];
	int place;

	address = address > ADDRESS ? ADDRESS : address;
	snprintf(title, sizeof(title), "%-*s %-14s %4s %-*s %-*s %8s %-7s", TIME, "alert since",
		"class", "sure", address, "attacker", address, "target", "flows", "state");
	view_title(y, x, width, has(t, PANE_ALERTS), title);
	rows_settle(t, PANE_ALERTS, rows - 1);
	for (int i = 0; i < rows - 1 && (place = row_at(t, PANE_ALERTS, i)) >= 0; i++) {
		draw_alert(t, &t->state.alert[place], y + 1 + i, x, address);
		choose(t, PANE_ALERTS, y + 1 + i, x, i, width);
	}
	if (!t->rows[PANE_ALERTS])
		say_empty(t, y + 1, x, width, "no alerts");
}

/* ---- hosts ---- */

enum { HOST_COLUMNS = 57, BAR = 10 };

static void draw_host(const struct top *t, const struct top_host *h, int y, int x, int address)
{
	bool past = !t->options.socket, blocked = state_is_blocked(&t->state, h->ip);
	enum look look = past || h->suspicion < 0.5 ? LOOK_PLAIN
			 : h->suspicion < 1         ? LOOK_WARN
						    : LOOK_BAD;
	char text[VIEW_TEXT];
	int bars = (int)(h->suspicion * BAR + 0.5);

	screen_field(y, x, address, LOOK_PLAIN, h->ip);
	x += address + GAP;
	screen_putf(y, x, 6, look, "%6.2f", h->suspicion);
	for (int i = 0; !past && i < BAR && i < bars; i++)
		screen_put(y, x + 7 + i, 1, look, screen_has_utf8() ? "\u2588" : "#");
	x += 7 + BAR + GAP;
	screen_number(y, x, 9, LOOK_PLAIN, number_text(h->records, text));
	screen_number(y, x + 10, 7, LOOK_PLAIN, number_text(h->attacks, text));
	screen_number(y, x + 18, 8, LOOK_PLAIN, number_text(h->attacked, text));
	screen_field(y, x + 27, TIME, blocked ? LOOK_BAD : LOOK_PLAIN,
		blocked ? "blocked" : view_time(h->last, t->state.now, text));
}

void view_hosts(struct top *t, int y, int x, int rows, int width)
{
	int address = width - HOST_COLUMNS;
	bool past = !t->options.socket;
	char title[256];
	int place;

	address = address > ADDRESS ? ADDRESS : address;
	snprintf(title, sizeof(title), "%-*s %-17s %9s %7s %8s %-*s", address,
		past ? "host" : "host by suspicion", past ? "  most held" : " 1 alerts",
		past ? "flows" : "records", "attacks", "attacked", TIME, "last seen");
	view_title(y, x, width, has(t, PANE_HOSTS), title);
	rows_settle(t, PANE_HOSTS, rows - 1);
	for (int i = 0; i < rows - 1 && (place = row_at(t, PANE_HOSTS, i)) >= 0; i++) {
		draw_host(t, &t->state.host[place], y + 1 + i, x, address);
		choose(t, PANE_HOSTS, y + 1 + i, x, i, width);
	}
	if (!t->rows[PANE_HOSTS])
		say_empty(t, y + 1, x, width, "nothing is held against anybody");
}

/* ---- who is blocked, who is allowed ---- */

static void draw_block(const struct top *t, const struct top_block *b, int y, int address)
{
	double left = b->until - (double)time(NULL);
	char text[VIEW_TEXT + 64];

	(void)t;
	screen_field(y, 0, address, LOOK_PLAIN, b->what);
	screen_field(
		y, address + 1, 7, b->limit ? LOOK_WARN : LOOK_BAD, b->limit ? "limit" : "block");
	screen_field(y, address + 9, 11, LOOK_PLAIN,
		b->until > 0 ? duration_text(left > 1 ? left : 1, text) : "for ever");
	screen_number(y, address + 21, 13, LOOK_PLAIN, number_text(b->packets, text));
	snprintf(text, sizeof(text), "%s%s%s%s", b->by, *b->class ? ", " : "", b->class,
		b->dry ? ", dry run" : "");
	screen_put(y, address + 35, screen_width() - address - 35, LOOK_PLAIN, text);
}

static void draw_blocks(struct top *t, int y, int rows)
{
	int address = screen_width() - 35 - 24;
	char title[256];
	int place;

	address = address > ADDRESS + 8 ? ADDRESS + 8 : address;
	snprintf(title, sizeof(title), "%-*s %-7s %-11s %13s by", address, "blocked", "kind",
		"left", "dropped");
	view_title(y, 0, screen_width(), has(t, PANE_BLOCKS), title);
	rows_settle(t, PANE_BLOCKS, rows - 1);
	for (int i = 0; i < rows - 1 && (place = row_at(t, PANE_BLOCKS, i)) >= 0; i++) {
		draw_block(t, &t->state.block[place], y + 1 + i, address);
		choose(t, PANE_BLOCKS, y + 1 + i, 0, i, screen_width());
	}
	if (!t->rows[PANE_BLOCKS])
		say_empty(t, y + 1, 0, screen_width(),
			!t->options.socket                  ? "not known: a history file was opened"
			: t->state.blocking <= BLOCKING_OFF ? "blocking is off: karma run --block"
							    : "nobody is blocked");
	else if (t->state.blocks_left_out)
		screen_putf(y, screen_width() - 24, 24, LOOK_WARN, "%.0f more not shown",
			(double)t->state.blocks_left_out);
}

static void draw_allowed(struct top *t, int y, int rows)
{
	int width = screen_width(), place;
	char title[256], text[VIEW_TEXT];

	snprintf(title, sizeof(title), "%-*s %-20s %s", ADDRESS, "allowed: never blocked", "by",
		"since");
	view_title(y, 0, width, has(t, PANE_ALLOWED), title);
	rows_settle(t, PANE_ALLOWED, rows - 1);
	for (int i = 0; i < rows - 1 && (place = row_at(t, PANE_ALLOWED, i)) >= 0; i++) {
		const struct top_allowed *a = &t->state.allowed[place];

		screen_field(y + 1 + i, 0, ADDRESS, LOOK_PLAIN, a->what);
		screen_field(y + 1 + i, ADDRESS + 1, 20, LOOK_PLAIN, a->by);
		screen_field(y + 1 + i, ADDRESS + 22, TIME, LOOK_PLAIN,
			view_time(a->at, t->state.now, text));
		choose(t, PANE_ALLOWED, y + 1 + i, 0, i, width);
	}
	if (!t->rows[PANE_ALLOWED])
		say_empty(t, y + 1, 0, width, "nobody by name");
}

void view_blocks(struct top *t, int y, int rows)
{
	int third = rows / 3;

	draw_blocks(t, y, rows - third);
	draw_allowed(t, y + rows - third, third);
}
