/* Writing SVG: the few shapes that the report's pictures consist of. Lengths are in the picture's
 * own units; colours come from classes, whose variables follow the reader's light or dark. */
#ifndef KARMA_REPORT_SVG_H
#define KARMA_REPORT_SVG_H

#include <stdbool.h>
#include <stdio.h>

/* The style of all pictures, for the page that holds them or a picture of its own. */
void svg_style(FILE *out);

/* `alone`: a file of its own, with the style in it. `title` and `description` are for those who
 * cannot see it; `id` makes them unique on a page. */
void svg_begin(FILE *out, const char *id, double width, double height, const char *title,
	const char *description, bool alone);
void svg_end(FILE *out);

/* Text with &, <, > and quotes written so that they are no markup; control characters become '?'.
 * Good for HTML, too. */
void svg_escape(FILE *out, const char *text);

/* Classes of text: "" starts at x, "m" has its middle there, "e" its end; with "soft" or "strong".
 * The base line is at y. */
void svg_text(FILE *out, double x, double y, const char *class, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* Read from below, ending (class "e") or with its middle (class "m") at y; its base line at x. */
void svg_text_up(FILE *out, double x, double y, const char *class, const char *text);

void svg_line(FILE *out, double x1, double y1, double x2, double y2, const char *class);
void svg_rect(FILE *out, double x, double y, double width, double height, const char *class,
	double opacity);

/* Marks that can be told apart without their colour. */
enum svg_mark { MARK_CIRCLE, MARK_SQUARE, MARK_TRIANGLE, MARK_DIAMOND };
void svg_mark(FILE *out, enum svg_mark mark, double x, double y, double radius, const char *class);

/* A line through many points; those that nobody could tell from the last are left out. */
struct svg_path {
	FILE *out;
	double x, y;       /* of the last that was written */
	double at_x, at_y; /* of the last that was given */
	bool begun;
};
struct svg_path svg_path_begin(FILE *out, const char *class);
void svg_path_to(struct svg_path *p, double x, double y);
void svg_path_end(struct svg_path *p);

#endif
