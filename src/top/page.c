#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "top/view.h"

enum { TITLE = 13, LINE = 1024 };

void page_begin(struct page *p, const struct top *t, int y, int rows)
{
	*p = (struct page){.y = y, .rows = rows, .first = t->page_first};
}

/* The line of the screen that the next one is in; -1: it is not shown. */
static int next(struct page *p)
{
	int at = p->count++ - p->first;

	return at >= 0 && at < p->rows ? p->y + at : -1;
}

void page_line(struct page *p, const char *title, enum look look, const char *format, ...)
{
	int y = next(p);
	char text[LINE];
	va_list args;

	if (y < 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	screen_field(y, 1, TITLE, LOOK_STRONG, title);
	screen_put(y, TITLE + 2, screen_width() - TITLE - 2, look, text);
}

void page_wide(struct page *p, enum look look, int x, const char *text)
{
	int y = next(p);
	int length = (int)strlen(text);

	if (y >= 0)
		screen_put(y, 1, screen_width() - 1, look, text + (x < length ? x : length));
}

void page_end(const struct page *p, struct top *t)
{
	int most = p->count > p->rows ? p->count - p->rows : 0;

	if (t->page_first > most)
		t->page_first = most;
	if (p->count > p->rows)
		screen_putf(p->y + p->rows, screen_width() - 30, 29, LOOK_DIM,
			"line %d to %d of %d", p->first + 1,
			p->first + p->rows < p->count ? p->first + p->rows : p->count, p->count);
}
