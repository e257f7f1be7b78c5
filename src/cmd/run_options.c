#include "cmd/run_options.h"

#include <getopt.h>
#include <string.h>

#include "cmd/cmd.h"

struct run_option {
	const char *name;
	int letter; /* 0: none */
	int argument;
	const char *section, *key; /* that it sets; NULL: --config, which names the file */
	const char *value;         /* without an argument */
};

static const struct run_option run_options[] = {
	{"config", 0, required_argument, NULL, NULL, NULL},
	{"interface", 'i', required_argument, "watch", "interfaces", NULL},
	{"flows", 0, required_argument, "watch", "flows", NULL},
	{"outer", 0, no_argument, "watch", "outer", "yes"},
	{"each-interface", 0, no_argument, "watch", "each-interface", "yes"},
	{"model", 'm', required_argument, "model", "file", NULL},
	{"profile", 0, required_argument, "model", "profile", NULL},
	{"sensitivity", 0, required_argument, "model", "sensitivity", NULL},
	{"kernel", 0, required_argument, "model", "kernel", NULL},
	{"history", 0, required_argument, "history", "file", NULL},
	{"no-history", 0, no_argument, "history", "off", "yes"},
	{"history-age", 0, required_argument, "history", "age", NULL},
	{"history-size", 0, required_argument, "history", "size", NULL},
	{"eve", 0, required_argument, "output", "eve", NULL},
	{"eve-socket", 0, required_argument, "output", "eve-socket", NULL},
	{"syslog", 0, no_argument, "output", "syslog", "yes"},
	{"journald", 0, no_argument, "output", "journald", "yes"},
	{"notify", 0, required_argument, "output", "notify", NULL},
	{"webhook", 0, required_argument, "output", "webhook", NULL},
	{"json", 0, no_argument, "output", "json", "yes"},
	{"pcap-dir", 0, required_argument, "output", "pcap-dir", NULL},
	{"block", 0, optional_argument, "block", "mode", "on"},
	{"keep-blocks", 0, no_argument, "block", "keep", "yes"},
	{"socket", 0, required_argument, "control", "socket", NULL},
	{"web", 0, required_argument, "web", "listen", NULL},
	{"no-web", 0, no_argument, "web", "listen", "off"},
	{"web-cert", 0, required_argument, "web", "certificate", NULL},
	{"web-key", 0, required_argument, "web", "key", NULL},
};

enum { OPTIONS = sizeof(run_options) / sizeof(run_options[0]), FIRST = 256 };

/* For getopt_long(). */
static void make_longs(struct option longs[OPTIONS + 1])
{
	memset(longs, 0, (OPTIONS + 1) * sizeof(*longs));
	for (int i = 0; i < OPTIONS; i++)
		longs[i] = (struct option){
			run_options[i].name, run_options[i].argument, NULL, FIRST + i};
}

static const struct run_option *option_of(int c)
{
	if (c >= FIRST)
		return &run_options[c - FIRST];
	for (int i = 0; i < OPTIONS; i++)
		if (run_options[i].letter == c)
			return &run_options[i];
	return NULL;
}

/* Take the command line: 0, or an exit status. `file`: that it names, else untouched. */
static int take_arguments(int argc, char **argv, struct settings *s, const char **file)
{
	const struct config config = settings_config(s);
	struct option longs[OPTIONS + 1];
	int c;

	make_longs(longs);
	opterr = 0;
	optind = 0; /* from the beginning: it is gone through twice */
	while ((c = getopt_long(argc, argv, ":i:m:", longs, NULL)) != -1) {
		const struct run_option *o = option_of(c);
		struct error e = {""};
		char as[64];

		if (c == ':')
			return usage_error("run", "'%s' needs a value", argv[optind - 1]);
		if (!o)
			return usage_error("run", "there is no option '%s'", argv[optind - 1]);
		if (!o->key) {
			*file = optarg;
			continue;
		}
		if (c < FIRST)
			snprintf(as, sizeof(as), "-%c", c);
		else
			snprintf(as, sizeof(as), "--%s", o->name);
		if (!config_set(&config, o->section, o->key, optarg ? optarg : o->value, as, &e))
			return usage_error("run", "%s", e.text);
	}
	if (optind < argc)
		return usage_error("run", "'%s' is one argument too many", argv[optind]);
	return 0;
}

int run_settings(int argc, char **argv, struct settings *s, struct error *e)
{
	const char *file = NULL;
	int err;

	settings_defaults(s);
	err = take_arguments(argc, argv, s, &file);
	if (err)
		return err;
	settings_defaults(s);
	err = settings_read(s, file, e);
	if (!err)
		err = take_arguments(argc, argv, s, &file);
	return err ? err : settings_finish(s, e);
}
