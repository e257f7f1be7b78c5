#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/axis.h"
#include "report/report.h"
#include "report/svg.h"

static const char head[] =
	"<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
	"'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n";

static const char style[] =
	":root{--back:#f4f6f8;--card:#ffffff;--text:#1b2129;--quiet:#586069;--rule:#dde2e7;"
	"--accent:#0072b2}\n"
	"@media(prefers-color-scheme:dark){:root{--back:#0d1117;--card:#161b22;--text:#e6edf3;"
	"--quiet:#a3adb8;--rule:#2b323b;--accent:#56b4e9}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--back);color:var(--text);font:15px/1.5 system-ui,'Segoe UI',"
	"Roboto,'Noto Sans','DejaVu Sans',sans-serif}\n"
	"header,main,footer{max-width:1320px;margin:0 auto;padding:0 16px}\n"
	"header{padding-top:28px}h1{font-size:26px;line-height:1.25;margin:0;overflow-wrap:"
	"anywhere}"
	"h2{font-size:19px;margin:32px 0 12px}h3{font-size:15px;margin:0 0 8px}\n"
	"p{margin:6px 0}.quiet,figcaption{color:var(--quiet)}figcaption{font-size:13px;"
	"margin-top:8px}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:12px;"
	"margin:20px 0 0;padding:0}\n"
	".tile,.card{background:var(--card);border:1px solid var(--rule);border-radius:10px}\n"
	".tile{padding:12px 14px}.tile dt{font-size:13px;color:var(--quiet)}"
	".tile dd{margin:2px 0 "
	"0;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}\n"
	".grid{display:grid;gap:16px;grid-template-columns:minmax(0,1fr)}\n"
	".card{margin:0;padding:14px;min-width:0}.card svg{display:block;width:100%;"
	"max-width:520px;height:auto;margin:0 auto}\n"
	"@media(min-width:760px){.grid{grid-template-columns:repeat(2,minmax(0,1fr))}"
	".wide{grid-column:1/-1}}\n"
	"@media(min-width:1120px){.grid{grid-template-columns:repeat(3,minmax(0,1fr))}"
	".wide{grid-column:span 2}.full{grid-column:1/-1}}\n"
	".scroll{overflow:auto;max-width:100%}.tall{max-height:430px}\n"
	".scroll:focus-visible,summary:focus-visible{outline:2px solid var(--accent);"
	"outline-offset:2px}\n"
	"table{border-collapse:collapse;width:100%;font-size:13.5px;"
	"font-variant-numeric:tabular-nums}\n"
	"caption{text-align:left;font-weight:600;font-size:15px;padding-bottom:6px}\n"
	"th,td{padding:4px 8px;text-align:right;border-top:1px solid "
	"var(--rule);white-space:nowrap}"
	"th{font-weight:600}thead th{border-top:0;color:var(--quiet);font-size:12.5px;"
	"vertical-align:bottom;white-space:normal}"
	"th:first-child,td:first-child{text-align:left;padding-left:2px}tbody th{font-weight:400}\n"
	"td.mono{text-align:left;font:12px ui-monospace,'DejaVu Sans Mono',monospace;"
	"white-space:normal;overflow-wrap:anywhere;min-width:240px}"
	"th.left{text-align:left}.stack{display:grid;gap:16px;align-content:start;min-width:0}\n"
	".self{font-weight:600;color:var(--accent)}\n"
	"footer{color:var(--quiet);font-size:13px;padding-top:24px;padding-bottom:32px}\n"
	"@media(max-width:480px){header,main,footer{padding-left:8px;padding-right:8px}"
	".card{padding:8px}table{font-size:12.5px}th,td{padding:4px 4px}thead th{font-size:12px}}\n"
	"@media print{body{background:none}.card,.tile{break-inside:avoid}.scroll{overflow:visible;"
	"max-height:none}}\n";

/* ---- pieces ---- */

static void text(FILE *out, const char *what)
{
	svg_escape(out, what ? what : "-");
}

/* Four decimals for the eye, all of it for a program. */
static void value(FILE *out, const char *tag, double v)
{
	if (isnan(v))
		fprintf(out, "<%s>–</%s>", tag, tag);
	else
		fprintf(out, "<%s><data value=\"%.9g\">%.4f</data></%s>", tag, v, v, tag);
}

static void count(FILE *out, const char *tag, size_t n)
{
	char digits[32];

	axis_count(digits, n);
	fprintf(out, "<%s><data value=\"%zu\">%s</data></%s>", tag, n, digits, tag);
}

static void tile(FILE *out, const char *name, double v)
{
	fprintf(out, "<div class=\"tile\"><dt>%s</dt>", name);
	value(out, "dd", v);
	fputs("</div>\n", out);
}

/* A table in a box of its own, which scrolls where the page is narrow; the keyboard reaches it. */
static void table_begin(FILE *out, const char *id, const char *class, const char *caption,
	const char *const *columns)
{
	fprintf(out,
		"<div class=\"card %s\"><div class=\"scroll tall\" tabindex=\"0\" role=\"region\" "
		"aria-label=\"%s\"><table id=\"%s\"><caption>%s</caption>\n<thead><tr>",
		class, caption, id, caption);
	for (; *columns; columns++)
		fprintf(out, "<th scope=\"col\"%s>%s</th>",
			strcmp(*columns, "SHA-256") == 0 ? " class=\"left\"" : "", *columns);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void table_end(FILE *out)
{
	fputs("</tbody></table></div></div>\n", out);
}

static void row_begin(FILE *out, const char *name)
{
	fputs("<tr><th scope=\"row\">", out);
	text(out, name);
	fputs("</th>", out);
}

static void figure(FILE *out, const struct report *r, enum chart_name name)
{
	const struct chart *c = &charts[name];
	const char *lacks = c->lacks ? c->lacks(r) : NULL;

	if (lacks) {
		fprintf(out, "<div class=\"card\"><h3>%s</h3><p class=\"quiet\">%s</p></div>\n",
			c->title, lacks);
		return;
	}
	fprintf(out, "<figure class=\"card\" id=\"chart-%s\">\n", c->id);
	c->draw(out, r, false);
	fprintf(out, "<figcaption>%s</figcaption></figure>\n", c->note);
}

/* ---- tables ---- */

static void binary_table(FILE *out, const struct report *r)
{
	const struct metrics *m = r->metrics;
	const struct {
		const char *name;
		double value;
	} rows[] = {
		{"accuracy", m->binary.accuracy},
		{"precision", m->binary.precision},
		{"recall", m->binary.recall},
		{"F1", m->binary.f1},
		{"false positive rate", m->binary.fpr},
		{"area under ROC", m->binary.roc_auc},
		{"area under precision-recall", m->binary.pr_auc},
		{"detection at 1 % false positives", m->binary.tpr[0]},
		{"detection at 0.1 % false positives", m->binary.tpr[1]},
	};

	table_begin(out, "binary", "", "Attack or not, in figures",
		(const char *const[]){"figure", "value", NULL});
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row_begin(out, rows[i].name);
		value(out, "td", rows[i].value);
		fputs("</tr>\n", out);
	}
	table_end(out);
}

static void class_table(FILE *out, const struct report *r)
{
	const struct metrics *m = r->metrics;

	table_begin(out, "classes", "wide", "Each class",
		(const char *const[]){"class", "rows", "precision", "recall", "F1", NULL});
	for (int c = 0; c < m->classes; c++) {
		const struct metrics_class *k = &m->per_class[c];

		row_begin(out, r->names[c]);
		count(out, "td", k->support);
		value(out, "td", k->precision);
		value(out, "td", k->recall);
		value(out, "td", k->f1);
		fputs("</tr>\n", out);
	}
	row_begin(out, "macro-F1");
	fputs("<td></td><td></td><td></td>", out);
	value(out, "td", m->macro_f1);
	fputs("</tr>\n", out);
	row_begin(out, "weighted F1");
	fputs("<td></td><td></td><td></td>", out);
	value(out, "td", m->weighted_f1);
	fputs("</tr>\n", out);
	table_end(out);
}

static void confusion_table(FILE *out, const struct report *r)
{
	const struct metrics *m = r->metrics;
	const char *columns[LSTM_MAX_CLASSES + 2] = {"true class"};

	for (int c = 0; c < m->classes; c++)
		columns[c + 1] = r->names[c];
	table_begin(out, "counts", "full", "What each row was taken for, in rows", columns);
	for (int c = 0; c < m->classes; c++) {
		row_begin(out, r->names[c]);
		for (int o = 0; o < m->classes; o++) {
			char digits[32];

			axis_count(digits, m->confusion[c][o]);
			fprintf(out, "<td%s><data value=\"%zu\">%s</data></td>",
				c == o ? " class=\"self\"" : "", m->confusion[c][o], digits);
		}
		fputs("</tr>\n", out);
	}
	table_end(out);
}

static void importance_table(FILE *out, const struct report *r)
{
	table_begin(out, "features", "", "All features, by importance",
		(const char *const[]){
			"feature", "rise of the loss", "±", "fall of ROC area", NULL});
	for (size_t i = 0; i < r->features; i++) {
		row_begin(out, r->importance[i].name);
		value(out, "td", r->importance[i].loss);
		value(out, "td", r->importance[i].spread);
		value(out, "td", r->importance[i].auc);
		fputs("</tr>\n", out);
	}
	table_end(out);
}

/* ---- the model and the data ---- */

static void any(FILE *out, const json_t *v)
{
	char *dump;

	if (json_is_string(v)) {
		text(out, json_string_value(v));
		return;
	}
	dump = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
	text(out, dump);
	free(dump);
}

static void model_table(FILE *out, const struct report *r)
{
	json_t *settings = json_object_get(r->header, "settings"), *v;
	json_t *shape = json_object_get(r->header, "shape");
	const char *key;

	table_begin(
		out, "settings", "", "The model", (const char *const[]){"setting", "value", NULL});
	row_begin(out, "rows");
	fputs("<td>", out);
	any(out, json_object_get(r->header, "rows"));
	fputs("</td></tr>\n", out);
	row_begin(out, "temperature");
	fputs("<td>", out);
	any(out, json_object_get(r->header, "temperature"));
	fputs("</td></tr>\n", out);
	if (json_object_get(r->header, "attack")) {
		row_begin(out, "attack or not");
		fputs("<td>", out);
		any(out, json_object_get(r->header, "attack"));
		fputs("</td></tr>\n", out);
	}
	json_object_foreach (shape, key, v) {
		row_begin(out, key);
		fputs("<td>", out);
		any(out, v);
		fputs("</td></tr>\n", out);
	}
	json_object_foreach (settings, key, v) {
		row_begin(out, key);
		fputs("<td>", out);
		any(out, v);
		fputs("</td></tr>\n", out);
	}
	table_end(out);
}

static void data_table(FILE *out, const char *id, const char *caption, const json_t *data)
{
	const json_t *file;
	size_t i;

	table_begin(out, id, "", caption,
		(const char *const[]){"file", "rows", "weight", "form", "SHA-256", NULL});
	json_array_foreach (data, i, file) {
		row_begin(out, json_string_value(json_object_get(file, "name")));
		count(out, "td", (size_t)json_integer_value(json_object_get(file, "rows")));
		fputs("<td>", out);
		any(out, json_object_get(file, "weight"));
		fputs("</td><td>", out);
		text(out, json_string_value(json_object_get(file, "form")));
		fputs("</td><td class=\"mono\">", out);
		text(out, json_string_value(json_object_get(file, "sha256")));
		fputs("</td></tr>\n", out);
	}
	table_end(out);
}

/* ---- the page ---- */

static void header(FILE *out, const struct report *r)
{
	const struct metrics *m = r->metrics;
	char rows[32];

	axis_count(rows, m->rows);
	fputs("<header>\n<h1>How good is ", out);
	text(out, r->model);
	fprintf(out, "?</h1>\n<p class=\"quiet\">Scored by karma eval on %s labelled flow records",
		rows);
	fprintf(out, " of %zu file%s.</p>\n<dl class=\"tiles\">\n", json_array_size(r->data),
		json_array_size(r->data) == 1 ? "" : "s");
	tile(out, "area under ROC", m->binary.roc_auc);
	tile(out, "detected at 1 % false positives", m->binary.tpr[0]);
	tile(out, "detected at 0.1 % false positives", m->binary.tpr[1]);
	tile(out, "F1, attack or not", m->binary.f1);
	tile(out, "accuracy of the class", m->accuracy);
	tile(out, "macro-F1 of the classes", m->macro_f1);
	tile(out, "expected calibration error", m->ece);
	fputs("</dl>\n</header>\n", out);
}

static void section(FILE *out, const char *title)
{
	fprintf(out, "<section><h2>%s</h2>\n<div class=\"grid\">\n", title);
}

void page_write(FILE *out, const struct report *r)
{
	fputs(head, out);
	fputs("<title>", out);
	text(out, r->model);
	fputs(": how good is it?</title>\n<style>\n", out);
	fputs(style, out);
	svg_style(out);
	fputs("</style>\n</head>\n<body>\n", out);
	header(out, r);
	fputs("<main>\n", out);
	section(out, "Attack or not");
	figure(out, r, CHART_ROC);
	figure(out, r, CHART_ROC_LOG);
	figure(out, r, CHART_PRECISION);
	fputs("</div></section>\n", out);
	section(out, "Scores and how much they can be believed");
	figure(out, r, CHART_SCORES);
	figure(out, r, CHART_RELIABILITY);
	binary_table(out, r);
	fputs("</div></section>\n", out);
	section(out, "Which attack");
	figure(out, r, CHART_CONFUSION);
	class_table(out, r);
	confusion_table(out, r);
	fputs("</div></section>\n", out);
	section(out, "What it goes by, and how it learnt");
	figure(out, r, CHART_IMPORTANCE);
	importance_table(out, r);
	figure(out, r, CHART_TRAINING);
	fputs("</div></section>\n", out);
	section(out, "What was scored, and what was learnt from");
	model_table(out, r);
	fputs("<div class=\"wide stack\">\n", out);
	data_table(out, "scored", "Scored here", r->data);
	data_table(out, "learnt", "Learnt from and validated with",
		json_object_get(r->header, "data"));
	fputs("</div>\n", out);
	fputs("</div></section>\n</main>\n<footer>Written by karma eval --report. The pictures lie "
	      "beside this page as SVG files.</footer>\n</body>\n</html>\n",
		out);
}
