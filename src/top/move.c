/* Keys that move about. */
#include <stdio.h>
#include <string.h>

#include "top/act.h"

enum { PAN = 8, FAR = 1 << 20 };

void act_quit(struct top *t)
{
	t->quit = true;
}

void act_help(struct top *t)
{
	top_show(t, VIEW_HELP);
}

/* ---- rows, or the lines of a page ---- */

static bool is_page(const struct top *t)
{
	return t->view == VIEW_SYSTEM || t->view == VIEW_ALERT || t->view == VIEW_HELP;
}

/* Further than its end a page is not scrolled: page_end() sees to it. */
static void move(struct top *t, int by)
{
	if (is_page(t))
		t->page_first = t->page_first + by > 0 ? t->page_first + by : 0;
	else
		rows_move(t, t->pane, by);
}

static int screenful(const struct top *t)
{
	int rows = is_page(t) ? screen_height() - 6 : t->list[t->pane].rows;

	return rows > 1 ? rows - 1 : 1;
}

void act_up(struct top *t)
{
	move(t, -1);
}

void act_down(struct top *t)
{
	move(t, 1);
}

void act_page_up(struct top *t)
{
	move(t, -screenful(t));
}

void act_page_down(struct top *t)
{
	move(t, screenful(t));
}

void act_home(struct top *t)
{
	t->page_x = 0;
	move(t, -FAR);
}

void act_end(struct top *t)
{
	move(t, FAR);
}

/* ---- views ---- */

static void step(struct top *t, int by)
{
	int places = VIEW_SYSTEM + 1;

	if (t->view <= VIEW_SYSTEM)
		top_show(t, (enum view)(((int)t->view + by + places) % places));
}

void act_left(struct top *t)
{
	if (t->view == VIEW_ALERT)
		t->page_x = t->page_x > PAN ? t->page_x - PAN : 0;
	else
		step(t, -1);
}

void act_right(struct top *t)
{
	if (t->view == VIEW_ALERT)
		t->page_x += t->page_x < FAR ? PAN : 0;
	else
		step(t, 1);
}

void act_other(struct top *t)
{
	if (t->view == VIEW_OVERVIEW)
		t->pane = t->pane == PANE_ALERTS ? PANE_HOSTS : PANE_ALERTS;
	else if (t->view == VIEW_BLOCKS)
		t->pane = t->pane == PANE_BLOCKS ? PANE_ALLOWED : PANE_BLOCKS;
}

void act_overview(struct top *t)
{
	top_show(t, VIEW_OVERVIEW);
}

void act_alerts(struct top *t)
{
	top_show(t, VIEW_ALERTS);
}

void act_hosts(struct top *t)
{
	top_show(t, VIEW_HOSTS);
}

void act_blocks(struct top *t)
{
	top_show(t, VIEW_BLOCKS);
}

void act_system(struct top *t)
{
	top_show(t, VIEW_SYSTEM);
}

void act_open(struct top *t)
{
	const struct top_alert *a = t->view == VIEW_ALERT ? NULL : rows_alert(t);
	const struct top_host *h = rows_host(t);

	if (is_page(t))
		return;
	if (a) {
		snprintf(t->story_id, sizeof(t->story_id), "%s", a->id);
		top_show(t, VIEW_ALERT);
	} else if (h) {
		snprintf(t->filter, sizeof(t->filter), "%s", h->ip);
		top_show(t, VIEW_ALERTS);
	}
}

void act_back(struct top *t)
{
	if (t->view == VIEW_ALERT || t->view == VIEW_HELP)
		top_show(t, t->before);
	else
		t->filter[0] = '\0';
	rows_make(t);
}

/* ---- what is shown ---- */

static void take_filter(struct top *t, const char *text)
{
	snprintf(t->filter, sizeof(t->filter), "%.63s", text);
	rows_make(t);
}

void act_filter(struct top *t)
{
	prompt_text(t, t->filter, take_filter, "filter:");
}

void act_pause(struct top *t)
{
	t->paused = !t->paused;
	t->live_ns = t->lists_ns = t->file_ns = 0;
}

void act_zoom(struct top *t)
{
	t->zoom = t->zoom < 10 ? 10 : t->zoom < 60 ? 60 : 1;
}

void act_redraw(struct top *t)
{
	(void)t;
	screen_redraw();
}
