/* Questions in the last line. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <ncurses.h>

#include "top/top.h"

enum { ESCAPE = 27 };

static void ask(struct top *t, enum prompt_kind kind, const char *preset,
	void (*done)(struct top *, const char *), const char *format, va_list args)
{
	struct prompt *p = &t->prompt;

	*p = (struct prompt){.kind = kind, .done = done};
	vsnprintf(p->question, sizeof(p->question), format, args);
	if (kind == PROMPT_CHOICE)
		snprintf(p->choices, sizeof(p->choices), "%s", preset);
	else
		snprintf(p->text, sizeof(p->text), "%s", preset);
}

void prompt_text(struct top *t, const char *preset, void (*done)(struct top *, const char *),
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ask(t, PROMPT_TEXT, preset, done, format, args);
	va_end(args);
}

void prompt_choice(struct top *t, const char *choices, void (*done)(struct top *, const char *),
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	ask(t, PROMPT_CHOICE, choices, done, format, args);
	va_end(args);
}

/* It is over before its answer is dealt with: that may ask the next one. */
static void answer(struct top *t, const char *text)
{
	struct prompt p = t->prompt;
	char copy[sizeof(p.text)];

	snprintf(copy, sizeof(copy), "%s", text);
	t->prompt.kind = PROMPT_NONE;
	p.done(t, copy);
}

static void text_key(struct top *t, int code)
{
	char *text = t->prompt.text;
	size_t n = strlen(text);

	if (code == '\r' || code == '\n' || code == KEY_ENTER) {
		answer(t, text);
	} else if ((code == KEY_BACKSPACE || code == 127 || code == '\b') && n) {
		text[n - 1] = '\0';
	} else if (code == ('U' & 0x1f)) {
		text[0] = '\0';
	} else if (code >= 0x20 && code < 0x7f && n + 1 < sizeof(t->prompt.text)) {
		text[n] = (char)code;
		text[n + 1] = '\0';
	}
}

void prompt_key(struct top *t, int code)
{
	if (code == ESCAPE || code == ('G' & 0x1f)) {
		t->prompt.kind = PROMPT_NONE;
		top_say(t, LOOK_PLAIN, "nothing was done");
	} else if (t->prompt.kind == PROMPT_TEXT) {
		text_key(t, code);
	} else if (code > 0 && code < 0x7f && strchr(t->prompt.choices, code)) {
		answer(t, (const char[]){(char)code, '\0'});
	}
}

void prompt_draw(const struct top *t, int y)
{
	const struct prompt *p = &t->prompt;
	int x = screen_put(y, 0, screen_width(), LOOK_STRONG, p->question);
	int room = screen_width() - x - 2;
	int n = (int)strlen(p->text);

	/* Of a long one its end is shown, where it is being written. */
	if (p->kind == PROMPT_TEXT)
		x = screen_put(y, x + 1, room, LOOK_PLAIN, p->text + (n > room ? n - room : 0));
	screen_cursor(y, x);
}
