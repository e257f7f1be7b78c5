/* The terminal, through ncurses: lines of text in one of a few looks. All text that is put passes
 * safe_text(), so that nothing that came from a network can do anything but stand there. */
#ifndef KARMA_TOP_SCREEN_H
#define KARMA_TOP_SCREEN_H

#include <stdbool.h>

#include "util/error.h"

/* The least that everything fits in. */
enum { SCREEN_WIDTH = 80, SCREEN_HEIGHT = 24 };

enum look {
	LOOK_PLAIN,
	LOOK_DIM,
	LOOK_STRONG,
	LOOK_GOOD,
	LOOK_WARN,
	LOOK_BAD,
	LOOK_BAR, /* a line that parts others */
	LOOK_KEY,
	LOOK_SPARK,
	LOOKS
};

/* Take the terminal over. 0, or a negative errno and the line: then it is as it was. */
int screen_begin(struct error *e);

/* Give it back as it was. */
void screen_end(void);

int screen_width(void);
int screen_height(void);
bool screen_has_utf8(void);

/* Begin a new picture; show it. */
void screen_clear(void);
void screen_show(void);

/* Draw the whole screen anew: something else may have written on it. */
void screen_redraw(void);

/* Put text at a place, in up to `width` columns; where it is longer, it is cut. Returns the column
 * after it. */
int screen_put(int y, int x, int width, enum look look, const char *text);
int screen_putf(int y, int x, int width, enum look look, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* The same in just so many columns, filled with blanks, to the left or to the right. */
void screen_field(int y, int x, int width, enum look look, const char *text);
void screen_number(int y, int x, int width, enum look look, const char *text);

/* Turn a line round: the one that is chosen. */
void screen_choose(int y, int x, int width);

/* One of spark_bar()'s. */
void screen_bar(int y, int x, const char *bar);

/* Show the cursor there, in this picture. */
void screen_cursor(int y, int x);

/* A key: of ncurses's codes; -1: none has been pressed. */
int screen_key(void);

#endif
