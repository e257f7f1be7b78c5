#include "report/svg.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* Blue, orange and green of Okabe and Ito's set, which people see apart who confuse red and green;
 * each darkened or lightened until it is read on its ground. Lines differ by their dashes as well.
 */
static const char style[] =
	".karma{--ground:#ffffff;--ink:#1b2129;--soft:#586069;--grid:#e4e8ec;--edge:#8b949e;"
	"--blue:#0072b2;--orange:#c75000;--green:#007a5a;--pink:#a8497d;--heat:#56b4e9}\n"
	"@media(prefers-color-scheme:dark){.karma{--ground:#161b22;--ink:#e6edf3;--soft:#a3adb8;"
	"--grid:#2b323b;--edge:#6e7781;--blue:#56b4e9;--orange:#f0913a;--green:#2fbf94;"
	"--pink:#e08fbd;--heat:#0a6aa6}}\n"
	".karma text{font:11px system-ui,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif;"
	"fill:var(--ink)}\n"
	".karma .soft{fill:var(--soft)}.karma .strong{font-weight:600;font-size:13px}"
	".karma .small{font-size:9.5px}"
	".karma .m{text-anchor:middle}.karma .e{text-anchor:end}\n"
	".karma .ground{fill:var(--ground)}.karma .grid{stroke:var(--grid);stroke-width:1}"
	".karma .edge{stroke:var(--edge);stroke-width:1}"
	".karma .guide{stroke:var(--edge);stroke-width:1;stroke-dasharray:4 3;fill:none}\n"
	".karma .line{fill:none;stroke-width:1.8;stroke-linejoin:round}"
	".karma .blue{stroke:var(--blue)}.karma .orange{stroke:var(--orange)}"
	".karma .green{stroke:var(--green)}.karma .pink{stroke:var(--pink)}"
	".karma .dash{stroke-dasharray:6 3}.karma .dots{stroke-dasharray:2 2.5}"
	".karma .mixed{stroke-dasharray:8 3 2 3}\n"
	".karma .fill-blue{fill:var(--blue)}.karma .fill-orange{fill:var(--orange)}"
	".karma .fill-green{fill:var(--green)}.karma .fill-pink{fill:var(--pink)}"
	".karma .heat{fill:var(--heat)}.karma .cell{fill:none;stroke:var(--grid)}\n"
	".karma .mark{stroke:var(--ground);stroke-width:1}\n";

void svg_style(FILE *out)
{
	fputs(style, out);
}

void svg_escape(FILE *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p, out);
		}
	}
}

void svg_begin(FILE *out, const char *id, double width, double height, const char *title,
	const char *description, bool alone)
{
	fprintf(out,
		"<svg %sclass=\"karma\" role=\"img\" viewBox=\"0 0 %g %g\" "
		"aria-labelledby=\"%s-title %s-desc\">\n<title id=\"%s-title\">",
		alone ? "xmlns=\"http://www.w3.org/2000/svg\" " : "", width, height, id, id, id);
	svg_escape(out, title);
	fprintf(out, "</title>\n<desc id=\"%s-desc\">", id);
	svg_escape(out, description);
	fputs("</desc>\n", out);
	if (alone) {
		fputs("<style>\n", out);
		svg_style(out);
		fputs("</style>\n", out);
	}
	svg_rect(out, 0, 0, width, height, "ground", 1);
	svg_text(out, 8, 18, "strong", "%s", title);
}

void svg_end(FILE *out)
{
	fputs("</svg>\n", out);
}

void svg_text(FILE *out, double x, double y, const char *class, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(out, "<text x=\"%.2f\" y=\"%.2f\" class=\"%s\">", x, y, class);
	svg_escape(out, text);
	fputs("</text>\n", out);
}

void svg_text_up(FILE *out, double x, double y, const char *class, const char *text)
{
	fprintf(out, "<text transform=\"translate(%.2f %.2f) rotate(-90)\" class=\"%s\">", x, y,
		class);
	svg_escape(out, text);
	fputs("</text>\n", out);
}

void svg_line(FILE *out, double x1, double y1, double x2, double y2, const char *class)
{
	fprintf(out, "<line x1=\"%.2f\" y1=\"%.2f\" x2=\"%.2f\" y2=\"%.2f\" class=\"%s\"/>\n", x1,
		y1, x2, y2, class);
}

void svg_rect(FILE *out, double x, double y, double width, double height, const char *class,
	double opacity)
{
	fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" class=\"%s\"", x,
		y, width, height, class);
	if (opacity < 1)
		fprintf(out, " fill-opacity=\"%.3f\"", opacity);
	fputs("/>\n", out);
}

void svg_mark(FILE *out, enum svg_mark mark, double x, double y, double radius, const char *class)
{
	double r = radius;

	switch (mark) {
	case MARK_CIRCLE:
		fprintf(out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f\" class=\"mark %s\"/>\n", x,
			y, r, class);
		break;
	case MARK_SQUARE:
		fprintf(out, "<path d=\"M%.2f %.2fh%.2fv%.2fh%.2fz\" class=\"mark %s\"/>\n",
			x - r * 0.9, y - r * 0.9, 1.8 * r, 1.8 * r, -1.8 * r, class);
		break;
	case MARK_TRIANGLE:
		fprintf(out, "<path d=\"M%.2f %.2fl%.2f %.2fh%.2fz\" class=\"mark %s\"/>\n", x,
			y - 1.2 * r, 1.15 * r, 2.1 * r, -2.3 * r, class);
		break;
	default:
		fprintf(out,
			"<path d=\"M%.2f %.2fl%.2f %.2fl%.2f %.2fl%.2f %.2fz\" class=\"mark "
			"%s\"/>\n",
			x, y - 1.25 * r, 1.25 * r, 1.25 * r, -1.25 * r, 1.25 * r, -1.25 * r,
			-1.25 * r, class);
	}
}

struct svg_path svg_path_begin(FILE *out, const char *class)
{
	fprintf(out, "<path class=\"line %s\" d=\"", class);
	return (struct svg_path){.out = out};
}

static void write_point(struct svg_path *p, double x, double y)
{
	fprintf(p->out, "%s%.2f %.2f", p->begun ? " L" : "M", x, y);
	p->x = x;
	p->y = y;
	p->begun = true;
}

void svg_path_to(struct svg_path *p, double x, double y)
{
	if (!p->begun || hypot(x - p->x, y - p->y) >= 0.5) {
		/* The corner before a long step is a point of its own. */
		if (p->begun && hypot(x - p->at_x, y - p->at_y) >= 2 &&
			(p->at_x != p->x || p->at_y != p->y))
			write_point(p, p->at_x, p->at_y);
		write_point(p, x, y);
	}
	p->at_x = x;
	p->at_y = y;
}

void svg_path_end(struct svg_path *p)
{
	if (p->begun && (p->at_x != p->x || p->at_y != p->y))
		write_point(p, p->at_x, p->at_y);
	fputs("\"/>\n", p->out);
}
