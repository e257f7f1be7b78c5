/* karma top: a screen full of what a karma sees, or of what a history file has. */
#include <getopt.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/settings.h"
#include "output/history.h"
#include "top/top.h"

enum { OPT_SOCKET = 256, OPT_HISTORY };

static const struct option longs[] = {
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"history", required_argument, NULL, OPT_HISTORY},
	{NULL, 0, NULL, 0},
};

static int read_options(int argc, char **argv, struct top_options *o)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c == OPT_SOCKET)
			o->socket = optarg;
		else if (c == OPT_HISTORY)
			o->history = optarg;
		else if (c == ':')
			return usage_error("top", "'%s' needs a value", argv[optind - 1]);
		else
			return usage_error("top", "there is no option '%s'", argv[optind - 1]);
	}
	if (optind < argc)
		return usage_error("top", "'%s' is one argument too many", argv[optind]);
	if (o->socket && o->history)
		return usage_error(
			"top", "--socket is for what is now, --history for what was; choose one");
	return 0;
}

int cmd_top(int argc, char **argv)
{
	static struct settings settings;
	struct top_options o = {NULL, NULL};
	struct error e = {""};
	int status = read_options(argc, argv, &o);

	if (status)
		return status;
	settings_defaults(&settings);
	if (!o.socket && !o.history) {
		if (settings_read(&settings, NULL, &e) < 0)
			return fail("top", e.text);
		o.socket = settings.socket;
	}
	if (top_run(&o, &e) < 0)
		return fail("top", e.text);
	return EXIT_DONE;
}
