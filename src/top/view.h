/* Pictures of the state: each draws itself between the frame's first and last lines. */
#ifndef KARMA_TOP_VIEW_H
#define KARMA_TOP_VIEW_H

#include "top/top.h"

/* The whole screen: frame.c. */
void view_draw(struct top *t);

/* ---- views: in the lines from `y` on, of which there are `rows` ---- */

void view_overview(struct top *t, int y, int rows);
void view_blocks(struct top *t, int y, int rows);
void view_system(struct top *t, int y, int rows);
void view_alert(struct top *t, int y, int rows);
void view_help(struct top *t, int y, int rows);

/* Lists, with a line of titles; in `width` columns from `x` on. */
void view_alerts(struct top *t, int y, int x, int rows, int width);
void view_hosts(struct top *t, int y, int x, int rows, int width);

/* A title over columns: turned round where its list is the one that is acted on. */
void view_title(int y, int x, int width, bool active, const char *text);

/* ---- times and numbers ---- */

enum { VIEW_TEXT = 48 };

/* "09:10:11" of the day that `now` is in, "11-23 09:10" of another one; "" of 0. */
const char *view_time(double at, double now, char text[VIEW_TEXT]);

/* "1,234", "12.3", "0": of a rate. */
const char *view_rate(double value, char text[VIEW_TEXT]);

/* "812 us", "3.2 ms", "1.2 s" of microseconds. */
const char *view_micros(double us, char text[VIEW_TEXT]);

/* ---- pages: text of some lines ---- */

void page_begin(struct page *p, const struct top *t, int y, int rows);

/* A line: of a title and text beside it; either may be "". */
void page_line(struct page *p, const char *title, enum look look, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same of text without a title, `x` columns to the right of where it begins. */
void page_wide(struct page *p, enum look look, int x, const char *text);

/* It cannot be scrolled further than its end; say what of it is shown. */
void page_end(const struct page *p, struct top *t);

#endif
