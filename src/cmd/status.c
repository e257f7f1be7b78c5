/* karma status: how a running karma does, on one screen. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/question.h"
#include "util/number.h"

static const int heading = 12; /* columns of a line's first word */

/* ---- values ---- */

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static uint64_t count_of(const json_t *o, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(o, name));

	return n > 0 ? (uint64_t)n : 0;
}

static double number_of(const json_t *o, const char *name)
{
	return json_number_value(json_object_get(o, name));
}

/* What comes over the socket may have been named on the network or in a file: no escapes. */
static void print_text(const char *text)
{
	for (const char *c = text; *c; c++)
		putchar((unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c);
}

static void print_heading(const char *name)
{
	printf("%-*s ", heading, name);
}

static void print_count(uint64_t n, const char *one, const char *more)
{
	char number[NUMBER_TEXT];

	printf("%s %s", number_text(n, number), n == 1 ? one : more);
}

/* ---- lines ---- */

static void print_first(const json_t *status)
{
	size_t wrong = json_array_size(json_object_get(status, "wrong"));
	char up[NUMBER_TEXT];

	printf("karma %s, process %" PRIu64 ", for %s: ", text_of(status, "version"),
		count_of(status, "pid"),
		duration_text(number_of(status, "now") - number_of(status, "started"), up));
	if (wrong)
		print_count(wrong, "thing is wrong\n", "things are wrong\n");
	else
		puts("all is well");
}

static void print_wrong(const json_t *status)
{
	const json_t *one;
	size_t i;

	json_array_foreach (json_object_get(status, "wrong"), i, one) {
		print_heading(text_of(one, "severity"));
		print_text(text_of(one, "what"));
		printf("\n%*s ", heading, "");
		print_text(text_of(one, "remedy"));
		putchar('\n');
	}
}

static void print_interfaces(const json_t *status)
{
	const json_t *one;
	size_t i;

	print_heading("interfaces");
	json_array_foreach (json_object_get(status, "interfaces"), i, one) {
		const char *state = !json_is_true(json_object_get(one, "there")) ? "gone"
				    : !json_is_true(json_object_get(one, "up"))
					    ? "down"
					    : text_of(one, "attached");

		printf("%s%s (%s)", i ? ", " : "", text_of(one, "name"), state);
	}
	putchar('\n');
}

static void print_traffic(const json_t *status)
{
	const json_t *p = json_object_get(status, "point"),
		     *table = json_object_get(status, "table");
	char open[NUMBER_TEXT], room[NUMBER_TEXT];

	print_heading("traffic");
	if (json_is_object(p)) {
		print_count(count_of(p, "packets"), "packet, ", "packets, ");
		print_count(count_of(p, "flows"), "new flow, ", "new flows, ");
		print_count(count_of(p, "records"), "record in the last second; ",
			"records in the last second; ");
		print_count(count_of(p, "hosts"), "host\n", "hosts\n");
	} else {
		puts("none seen yet");
	}
	print_heading("flow table");
	printf("%s open of %s\n", number_text(count_of(table, "open"), open),
		number_text(count_of(table, "room"), room));
}

static void print_alerts(const json_t *status)
{
	json_t *alerts = json_object_get(status, "alerts"), *n;
	json_t *raised = json_object_get(alerts, "raised");
	const char *class, *between = ": ";
	uint64_t all = 0;

	json_object_foreach (raised, class, n)
		all += (uint64_t)json_integer_value(n);
	print_heading("alerts");
	printf("%" PRIu64 " active, ", count_of(alerts, "active"));
	print_count(all, "since the start", "since the start");
	json_object_foreach (raised, class, n) {
		printf("%s%s %" PRIu64, between, class, (uint64_t)json_integer_value(n));
		between = ", ";
	}
	putchar('\n');
}

static void print_model(const json_t *status)
{
	const json_t *model = json_object_get(status, "model");
	const json_t *profile = json_object_get(status, "profile");

	print_heading("model");
	print_text(text_of(model, "path"));
	printf(" (id %s, kernel %s, sensitivity %s)\n", text_of(model, "id"),
		text_of(model, "kernel"), text_of(model, "sensitivity"));
	if (!json_is_object(profile))
		return;
	print_heading("profile");
	print_text(text_of(profile, "path"));
	puts(json_is_true(json_object_get(profile, "drifted")) ? ", drifted" : "");
}

/* What became of its lines, if they are not just written. */
static void print_output(const json_t *one)
{
	bool failing = json_is_true(json_object_get(one, "failing"));
	char since[NUMBER_TEXT];

	if (failing) {
		printf(", fails for %s, ", duration_text(number_of(one, "failing_s"), since));
		print_count(count_of(one, "waiting"), "line waits", "lines wait");
	}
	if (count_of(one, "lost")) {
		fputs(", ", stdout);
		print_count(count_of(one, "lost"), "line lost", "lines lost");
	}
	if (failing || count_of(one, "lost")) {
		fputs(": ", stdout);
		print_text(text_of(one, "why"));
	}
	if (count_of(one, "limited")) {
		fputs("; ", stdout);
		print_count(count_of(one, "limited"), "kept back: too many a minute",
			"kept back: too many a minute");
	}
}

static void print_outputs(const json_t *status)
{
	const json_t *history = json_object_get(status, "history"), *one;
	size_t i;

	print_heading("history");
	print_text(json_is_object(history) ? text_of(history, "path") : "none is kept");
	puts(json_is_true(json_object_get(history, "failing")) ? ", not written" : "");
	json_array_foreach (json_object_get(status, "outputs"), i, one) {
		print_heading(i ? "" : "outputs");
		printf("%s, ", text_of(one, "kind"));
		print_text(text_of(one, "path"));
		print_output(one);
		putchar('\n');
	}
}

static void print_block(const json_t *status)
{
	const json_t *block = json_object_get(status, "block");
	const char *attached = text_of(block, "attached");

	print_heading("block list");
	if (strcmp(text_of(block, "mode"), "off") == 0) {
		puts("off");
		return;
	}
	printf("%s%s%s, ", text_of(block, "mode"), *attached ? ", XDP " : "", attached);
	print_count(count_of(block, "entries"), "entry, ", "entries, ");
	print_count(count_of(block, "dropped"), "packet dropped\n", "packets dropped\n");
}

/* A list of causes, those that there were; whether there were any. */
static bool print_causes(const json_t *status, const char *list, const char *name)
{
	json_t *causes = json_object_get(status, list), *n;
	const char *cause;
	bool any = false;

	json_object_foreach (causes, cause, n) {
		char number[NUMBER_TEXT];

		if (json_integer_value(n) <= 0)
			continue;
		print_heading(any ? "" : name);
		printf("%s: %s\n", cause, number_text((uint64_t)json_integer_value(n), number));
		any = true;
	}
	return any;
}

static void print_losses(const json_t *status)
{
	if (!print_causes(status, "losses", "lost")) {
		print_heading("lost");
		puts("nothing");
	}
	print_causes(status, "counted", "no loss"); /* but counted */
}

static void print_rest(const json_t *status)
{
	const json_t *web = json_object_get(status, "web");

	if (!json_is_object(web))
		return;
	print_heading("dashboard");
	print_text(text_of(web, "url"));
	putchar('\n');
}

static void print_status(const json_t *status)
{
	print_first(status);
	print_wrong(status);
	print_interfaces(status);
	print_traffic(status);
	print_alerts(status);
	print_model(status);
	print_outputs(status);
	print_block(status);
	print_losses(status);
	print_rest(status);
}

int cmd_status(int argc, char **argv)
{
	bool json = false, well;
	json_t *status;
	int err = question_ask("status", argc, argv, &json, &status);

	if (err)
		return err;
	well = json_array_size(json_object_get(status, "wrong")) == 0;
	if (json)
		question_print_json(status, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	else
		print_status(status);
	json_decref(status);
	err = question_end("status");
	if (err)
		return err;
	return well ? EXIT_DONE : EXIT_FAILED;
}
