/* The overview: rates, losses, hosts by suspicion, live alerts. */
#include <stdio.h>

#include "top/spark.h"
#include "top/view.h"
#include "util/number.h"

enum { RATE_LINES = 4, NAME_END = 11, NUMBER_END = 23, HIGHEST = 15, WIDE = 150 };

/* ---- rates ---- */

/* Of the latest minute, for what comes rarely. */
static double latest(const struct state *s, enum rate rate)
{
	const struct point *p = state_point(s, 0), *one;
	double sum = 0;

	if (!p || rate != RATE_ALERTS)
		return p ? p->rate[rate] / spark_span(s, 0) : 0;
	for (uint64_t back = 0; (one = state_point(s, back)) && p->at - one->at < 60; back++)
		sum += one->rate[rate];
	return sum;
}

/* Alerts are counted: so many in a minute, the most in a column. */
static const char *value_text(enum rate rate, double value, char text[VIEW_TEXT])
{
	return rate == RATE_ALERTS ? number_text((uint64_t)(value + 0.99), text)
				   : view_rate(value, text);
}

static void draw_rate(const struct top *t, int y, const char *name, enum rate rate)
{
	const struct state *s = &t->state;
	double column[SPARK_COLUMNS], highest, seconds = t->zoom * s->step;
	int width = screen_width() - NUMBER_END - 1 - HIGHEST;
	char text[VIEW_TEXT];

	width = width > SPARK_COLUMNS ? SPARK_COLUMNS : width;
	highest = spark_columns(s, rate, seconds, column, width);
	screen_put(y, 1, NAME_END, LOOK_PLAIN, name);
	screen_number(y, NAME_END + 1, NUMBER_END - NAME_END - 1, LOOK_STRONG,
		value_text(rate, latest(s, rate), text));
	for (int i = 0; i < width; i++)
		screen_bar(y, NUMBER_END + 1 + i, spark_bar(column[i], highest, screen_has_utf8()));
	screen_putf(y, screen_width() - HIGHEST + 1, HIGHEST - 1, LOOK_DIM, "max %s",
		value_text(rate, rate == RATE_ALERTS ? highest * seconds : highest, text));
}

static const char *column_text(const struct top *t, char text[NUMBER_TEXT])
{
	double seconds = t->zoom * t->state.step;

	snprintf(text, NUMBER_TEXT, seconds < 60 ? "%.0f s" : "%.0f min",
		seconds < 60 ? seconds : seconds / 60);
	return text;
}

/* ---- how full, what was lost ---- */

static void draw_figures(const struct top *t, int y)
{
	static const char *const mode[] = {"", "blocking off", "blocking: dry run", "blocking on"};
	const struct state *s = &t->state;
	char open[VIEW_TEXT], room[VIEW_TEXT], more[VIEW_TEXT];
	const struct point *p = state_point(s, 0);
	bool full = s->table_room && s->table_open > s->table_room / 10 * 9;
	int x = 1, width = screen_width();

	if (s->table_room)
		x = screen_putf(y, x, width, full ? LOOK_BAD : LOOK_PLAIN, "open flows %s of %s   ",
			number_text(s->table_open, open), number_text(s->table_room, room));
	if (p)
		x = screen_putf(y, x, width, LOOK_PLAIN, "hosts %s   ",
			number_text((uint64_t)p->rate[RATE_HOSTS], more));
	x = screen_put(y, x, width, LOOK_PLAIN, mode[s->blocking]);
	if (s->blocking > BLOCKING_OFF)
		screen_putf(y, x, width, LOOK_PLAIN, ", %s blocked, %s dropped",
			number_text(s->entries, open), number_text(s->dropped, more));
}

static void draw_losses(const struct top *t, int y)
{
	const struct state *s = &t->state;
	char number[NUMBER_TEXT];
	int x = 1, width = screen_width();

	if (!t->loaded)
		return;
	if (!s->losses)
		x = screen_put(y, 1, width, LOOK_GOOD, "nothing lost");
	else
		x = screen_put(y, 1, width, LOOK_BAD, "LOST");
	for (unsigned i = 0; i < s->losses; i++)
		x = screen_putf(y, x, width - x, LOOK_BAD, "%s %s: %s", i ? "," : "",
			s->loss[i].name, number_text(s->loss[i].count, number));
	if (x < width - 30)
		screen_putf(y, width - HIGHEST + 1, HIGHEST, LOOK_DIM, "1 col %s",
			column_text(t, number));
}

void view_overview(struct top *t, int y, int rows)
{
	static const struct {
		const char *name;
		enum rate rate;
	} line[RATE_LINES] = {{"packets/s", RATE_PACKETS}, {"flows/s", RATE_FLOWS},
		{"records/s", RATE_RECORDS}, {"alerts/min", RATE_ALERTS}};
	int width = screen_width(), third;

	for (int i = 0; i < RATE_LINES; i++)
		draw_rate(t, y + i, line[i].name, line[i].rate);
	draw_figures(t, y + RATE_LINES);
	draw_losses(t, y + RATE_LINES + 1);
	y += RATE_LINES + 2;
	rows -= RATE_LINES + 2;
	third = rows * 2 / 5;
	if (width >= WIDE) {
		view_hosts(t, y, 0, rows, width * 2 / 5 - 2);
		view_alerts(t, y, width * 2 / 5, rows, width - width * 2 / 5);
		return;
	}
	view_hosts(t, y, 0, third, width);
	view_alerts(t, y + third, 0, rows - third, width);
}
