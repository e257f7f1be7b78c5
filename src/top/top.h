/* karma top: a screen full of what a karma sees, and keys to act on it. It is a client: of the
 * daemon's control socket for what is now, of the history file for what was and for marks. Nothing
 * in it waits for either.
 *
 *   link, filer -> state -> rows -> views          keys -> act -> link, filer
 */
#ifndef KARMA_TOP_TOP_H
#define KARMA_TOP_TOP_H

#include "top/filer.h"
#include "top/link.h"
#include "top/list.h"
#include "top/screen.h"
#include "top/state.h"

struct top_options {
	const char *socket;  /* the daemon's; NULL: a history file is looked at */
	const char *history; /* that file */
};

/* Until it is quit. 0, or a negative errno and the line; the terminal is as it was. */
int top_run(const struct top_options *options, struct error *e);

/* ---- what its files share ---- */

enum view {
	VIEW_OVERVIEW,
	VIEW_ALERTS,
	VIEW_HOSTS,
	VIEW_BLOCKS,
	VIEW_SYSTEM,
	VIEW_ALERT,
	VIEW_HELP,
	VIEWS
};

/* The lists that one can be in. */
enum pane { PANE_ALERTS, PANE_HOSTS, PANE_BLOCKS, PANE_ALLOWED, PANES };

/* What requests were about. */
enum note { NOTE_LIVE, NOTE_STATUS, NOTE_BLOCKS, NOTE_BLOCKS_MORE, NOTE_ALLOWED, NOTE_ACT };

struct top;

enum prompt_kind { PROMPT_NONE, PROMPT_TEXT, PROMPT_CHOICE };

/* A question in the last line. Its answer goes to `done`: a line of text, or the letter that was
 * chosen. Esc: none. */
struct prompt {
	enum prompt_kind kind;
	char question[160];
	char choices[8]; /* letters */
	char text[80];
	void (*done)(struct top *t, const char *answer);
};

/* What is to be done once the questions about it are answered. */
struct pending {
	char address[64];
	char id[16], class[24];
	uint64_t seconds;
	struct mute mute;
};

/* Text of some lines, of which some are shown. */
struct page {
	int y, rows; /* where, and how many */
	int first;   /* the first that is shown */
	int count;   /* so far */
};

struct top {
	struct top_options options;
	struct state state;
	struct link link;
	struct filer filer;
	int64_t now_ns; /* of a clock that goes on */
	bool quit, paused;

	enum view view, before; /* `before` an alert or the help was opened */
	enum pane pane;         /* whose row is acted upon */
	struct list list[PANES];
	int row[PANES][STATE_BLOCKS]; /* places in the state, filtered, in the order shown */
	int rows[PANES];
	char filter[64];
	double zoom;            /* seconds of a column */
	int page_first, page_x; /* of the page that is shown: scrolled down, to the right */

	char story_id[16]; /* the alert that was opened */
	json_t *story;     /* from the history; NULL: not read yet */
	char story_why[384];

	struct prompt prompt;
	struct pending pending;
	char message[512];
	enum look message_look;
	int64_t message_until_ns;
	char refusal[256];  /* of `live`; "": it is answered */
	char file_why[384]; /* why the history cannot be read; "": it can */
	bool loaded;        /* something is known */

	int64_t live_ns, lists_ns, file_ns; /* when they were asked for last */
};

/* Say something in the last line but one, for some seconds. */
void top_say(struct top *t, enum look look, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Open a view; ask for the story of the alert that is open. */
void top_show(struct top *t, enum view view);
void top_read_story(struct top *t);

/* The history file that marks go to; "": there is none. */
const char *top_history(const struct top *t);

/* ---- rows.c: what is in the lists ---- */

/* Which there are, after the state or the filter has changed. */
void rows_make(struct top *t);

/* The name of a row. */
const char *rows_key(const struct top *t, enum pane pane, int row);

void rows_settle(struct top *t, enum pane pane, int height);
void rows_move(struct top *t, enum pane pane, int by);

/* What is chosen; NULL: nothing. */
const struct top_alert *rows_alert(struct top *t);
const struct top_host *rows_host(const struct top *t);
const struct top_block *rows_block(const struct top *t);
const struct top_allowed *rows_allowed(const struct top *t);

/* ---- prompt.c ---- */

void prompt_text(struct top *t, const char *preset, void (*done)(struct top *, const char *),
	const char *format, ...) __attribute__((format(printf, 4, 5)));
void prompt_choice(struct top *t, const char *choices, void (*done)(struct top *, const char *),
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A key, while there is a question. */
void prompt_key(struct top *t, int code);

/* Draw the question in line `y`. */
void prompt_draw(const struct top *t, int y);

#endif
