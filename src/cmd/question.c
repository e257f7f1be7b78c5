#include "cmd/question.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/settings.h"

enum { OPT_JSON = 256, OPT_SOCKET };

static const struct option longs[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{NULL, 0, NULL, 0},
};

static int read_options(const char *name, int argc, char **argv, bool *json, const char **socket)
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
			return usage_error(name, "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error(name, "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_error(name, "'%s' is one argument too many", argv[optind]);
	return 0;
}

int question_ask(const char *name, int argc, char **argv, bool *json, json_t **answer)
{
	static struct settings settings; /* large */
	const char *socket = NULL;
	struct error e = {""};
	int err = read_options(name, argc, argv, json, &socket), fd;

	if (err)
		return err;
	settings_defaults(&settings);
	if (!socket && settings_read(&settings, NULL, &e) < 0)
		return fail(name, e.text);
	fd = control_connect(socket ? socket : settings.socket, &e);
	if (fd < 0)
		return fail(name, e.text);
	*answer = control_ask(fd, json_pack("{ss}", "command", name), &e);
	close(fd);
	if (!*answer)
		return fail(name, e.text);
	json_object_del(*answer, "ok");
	return 0;
}

void question_print_json(const json_t *answer, size_t flags)
{
	char *text = json_dumps(answer, flags);

	if (text)
		puts(text);
	free(text);
}

int question_end(const char *name)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail(name, "standard output: cannot be written");
	return 0;
}
