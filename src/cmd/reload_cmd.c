/* karma reload: a running karma takes up its configuration anew. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/reload.h"

enum { OPT_JSON = 256, OPT_SOCKET };

static const struct option longs[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{NULL, 0, NULL, 0},
};

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
			return usage_error("reload", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("reload", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_error("reload", "'%s' is one argument too many", argv[optind]);
	return 0;
}

static void print_json(json_t *answer)
{
	char *text;

	json_object_del(answer, "ok");
	text = json_dumps(answer, JSON_COMPACT);
	if (text)
		puts(text);
	free(text);
}

int cmd_reload(int argc, char **argv)
{
	static struct settings settings; /* large */
	const char *socket = NULL;
	struct error e = {""};
	bool json = false;
	json_t *answer;
	int status = read_options(argc, argv, &json, &socket), fd;

	if (status)
		return status;
	settings_defaults(&settings);
	if (!socket && settings_read(&settings, NULL, &e) < 0)
		return fail("reload", e.text);
	fd = control_connect(socket ? socket : settings.socket, &e);
	if (fd < 0)
		return fail("reload", e.text);
	answer = control_ask(fd, json_pack("{ss}", "command", "reload"), &e);
	close(fd);
	if (!answer)
		return fail("reload", e.text);
	if (json)
		print_json(answer);
	else
		reload_print(answer, "", stdout);
	json_decref(answer);
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail("reload", "standard output: cannot be written");
	return EXIT_DONE;
}
