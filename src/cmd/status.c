/* karma status: how a running karma does, on one screen. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/settings.h"
#include "util/number.h"

enum { OPT_JSON = 256, OPT_SOCKET };

static const struct option longs[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{NULL, 0, NULL, 0},
};

static const int heading = 12; /* columns of a line's first word */

static int read_options(int argc, char **argv, bool *json, const char **socket)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			*json = true;
			break;
		case OPT_SOCKET:
			*socket = optarg;
			break;
		case ':':
			return usage_error("status", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("status", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_error("status", "'%s' is one argument too many", argv[optind]);
	return 0;
}

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
		if (count_of(one, "lost")) {
			fputs(", ", stdout);
			print_count(count_of(one, "lost"), "line lost: ", "lines lost: ");
			print_text(text_of(one, "why"));
		}
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

static void print_losses(const json_t *status)
{
	json_t *losses = json_object_get(status, "losses"), *n;
	const char *cause;
	bool any = false;

	json_object_foreach (losses, cause, n) {
		char number[NUMBER_TEXT];

		if (json_integer_value(n) <= 0)
			continue;
		print_heading(any ? "" : "lost");
		printf("%s: %s\n", cause, number_text((uint64_t)json_integer_value(n), number));
		any = true;
	}
	if (!any) {
		print_heading("lost");
		puts("nothing");
	}
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

static void print_json(json_t *status)
{
	char *text;

	json_object_del(status, "ok");
	text = json_dumps(status, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	if (text)
		puts(text);
	free(text);
}

int cmd_status(int argc, char **argv)
{
	static struct settings settings;
	const char *socket = NULL;
	struct error e = {""};
	bool json = false, well;
	int status = read_options(argc, argv, &json, &socket), fd;
	json_t *reply;

	if (status)
		return status;
	settings_defaults(&settings);
	if (!socket && settings_read(&settings, NULL, &e) < 0)
		return fail("status", e.text);
	fd = control_connect(socket ? socket : settings.socket, &e);
	if (fd < 0)
		return fail("status", e.text);
	reply = control_ask(fd, json_pack("{ss}", "command", "status"), &e);
	close(fd);
	if (!reply)
		return fail("status", e.text);
	well = json_array_size(json_object_get(reply, "wrong")) == 0;
	if (json)
		print_json(reply);
	else
		print_status(reply);
	json_decref(reply);
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail("status", "standard output: cannot be written");
	return well ? EXIT_DONE : EXIT_FAILED;
}
