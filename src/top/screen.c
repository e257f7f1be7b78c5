#include "top/screen.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>
#include <term.h>

#include "top/safe.h"

enum { LINE = 1024, ESCAPE_MS = 100 };

static SCREEN *screen;
static attr_t look_attr[LOOKS];
static bool utf8;

static void set_looks(void)
{
	static const short colour[LOOKS] = {[LOOK_GOOD] = COLOR_GREEN,
		[LOOK_WARN] = COLOR_YELLOW,
		[LOOK_BAD] = COLOR_RED,
		[LOOK_KEY] = COLOR_CYAN,
		[LOOK_SPARK] = COLOR_CYAN};
	const char *no_color = getenv("NO_COLOR");
	bool coloured = !(no_color && *no_color) && has_colors() && start_color() == OK;

	if (coloured)
		use_default_colors();
	look_attr[LOOK_DIM] = A_DIM;
	look_attr[LOOK_STRONG] = look_attr[LOOK_WARN] = look_attr[LOOK_BAD] = A_BOLD;
	look_attr[LOOK_BAR] = A_REVERSE;
	look_attr[LOOK_KEY] = A_BOLD;
	for (short l = 0; l < LOOKS && coloured; l++)
		if (colour[l] && init_pair(l, colour[l], -1) == OK)
			look_attr[l] |= (attr_t)COLOR_PAIR(l);
}

int screen_begin(struct error *e)
{
	const char *term = getenv("TERM");
	int found = 0;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(e, -ENOTTY,
			"it needs a terminal; karma status and karma history write to anything");
	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (setupterm(NULL, STDOUT_FILENO, &found) != OK || !tigetstr("cup"))
		return error_set(e, -EINVAL,
			"the terminal '%.40s' is not known, or cannot do it; set TERM to what it "
			"is",
			term ? term : "");
	set_escdelay(ESCAPE_MS);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return error_set(e, -EINVAL, "the terminal '%.40s' cannot be used", term);
	set_looks();
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return 0;
}

void screen_end(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

int screen_width(void)
{
	return COLS;
}

int screen_height(void)
{
	return LINES;
}

bool screen_has_utf8(void)
{
	return utf8;
}

void screen_clear(void)
{
	erase();
	curs_set(0);
}

void screen_show(void)
{
	refresh();
}

void screen_redraw(void)
{
	clearok(curscr, TRUE);
}

/* ---- text ---- */

int screen_put(int y, int x, int width, enum look look, const char *text)
{
	char line[LINE];
	int used;

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return x;
	width = width > COLS - x ? COLS - x : width;
	used = safe_text(line, sizeof(line), text, width, utf8);
	attrset(look_attr[look]);
	mvaddstr(y, x, line);
	attrset(A_NORMAL);
	return x + used;
}

int screen_putf(int y, int x, int width, enum look look, const char *format, ...)
{
	char text[LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return screen_put(y, x, width, look, text);
}

void screen_field(int y, int x, int width, enum look look, const char *text)
{
	int end = screen_put(y, x, width, look, text);

	screen_putf(y, end, x + width - end, look, "%*s", x + width - end, "");
}

void screen_number(int y, int x, int width, enum look look, const char *text)
{
	char line[LINE];
	int used = safe_text(line, sizeof(line), text, width, utf8);

	screen_putf(y, x, width - used, look, "%*s", width - used, "");
	screen_put(y, x + width - used, used, look, text);
}

void screen_choose(int y, int x, int width)
{
	if (y >= 0 && y < LINES)
		mvchgat(y, x, width, A_REVERSE, 0, NULL);
}

void screen_bar(int y, int x, const char *bar)
{
	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	attrset(look_attr[LOOK_SPARK]);
	mvaddstr(y, x, bar);
	attrset(A_NORMAL);
}

void screen_cursor(int y, int x)
{
	curs_set(1);
	move(y, x < COLS ? x : COLS - 1);
}

int screen_key(void)
{
	return getch();
}
