/* karma config: the configuration file, without a running karma. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/settings.h"

enum { OPT_JSON = 256 };

static const struct option longs[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{NULL, 0, NULL, 0},
};

struct options {
	const char *file; /* NULL: the usual one */
	bool show, json;
};

static int read_options(int argc, char **argv, struct options *o)
{
	const char *verb;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (c != OPT_JSON)
			return usage_error("config", "there is no option '%s'", argv[optind - 1]);
		o->json = true;
	}
	verb = optind < argc ? argv[optind++] : NULL;
	o->file = optind < argc ? argv[optind++] : NULL;
	if (!verb)
		return usage_error("config", "what is to be done? check or show");
	o->show = strcmp(verb, "show") == 0;
	if (!o->show && strcmp(verb, "check") != 0)
		return usage_error("config", "'%s' is neither check nor show", verb);
	if (optind < argc)
		return usage_error("config", "'%s' is one argument too many", argv[optind]);
	if (o->json && !o->show)
		return usage_error("config", "--json goes with show");
	return 0;
}

/* ---- check ---- */

/* What it names must be there, too: a model, a profile for it. */
static int check(const struct settings *s, struct error *e)
{
	struct session_options options = {.live = true};
	static struct session session; /* large */
	int err;

	settings_session(s, &options);
	err = session_load(&session, &options, e);
	if (!err)
		err = session_begin(&session, &(struct origin){NULL}, e);
	session_close(&session, false, NULL);
	if (!err)
		printf("%s: good\n",
			*s->file ? s->file : "no configuration file is there, and none need be");
	return err;
}

/* ---- show ---- */

/* Each line of a value. */
static void print_lines(const char *name, char *value, const char *from)
{
	char *line, *rest;

	if (!*value)
		printf("# %s =%s\n", name, from);
	for (line = strtok_r(value, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		printf("%s = %s%s\n", name, line, from);
}

struct showing {
	struct settings *settings;
	const struct config_section *section; /* the last one */
	json_t *all;
	bool failed;
};

static void print_key(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	struct showing *show = context;
	char *value = config_value(key, show->settings);
	int from = show->settings->from[n];
	char said[SETTINGS_PATH + 32];

	show->failed |= !value;
	if (!value)
		return;
	if (section != show->section)
		printf("%s[%s]\n", show->section ? "\n" : "", section->name);
	show->section = section;
	if (from == CONFIG_DEFAULT)
		strcpy(said, " ; default");
	else
		snprintf(said, sizeof(said), " ; %s:%d", show->settings->file, from);
	print_lines(key->name, value, said);
	free(value);
}

static json_t *value_json(const struct config_key *key, char *value)
{
	json_t *list;
	char *line, *rest;

	if (!key->type->clear)
		return *value ? json_string(value) : json_null();
	list = json_array();
	for (line = strtok_r(value, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		json_array_append_new(list, json_string(line));
	return list;
}

static void gather_key(
	void *context, const struct config_section *section, const struct config_key *key, size_t n)
{
	struct showing *show = context;
	char *value = config_value(key, show->settings);
	int from = show->settings->from[n];
	json_t *one = json_object(), *keys = json_object_get(show->all, section->name);

	show->failed |= !value;
	json_object_set_new(one, "value", value ? value_json(key, value) : json_null());
	json_object_set_new(one, "from", json_string(from ? "file" : "default"));
	if (from)
		json_object_set_new(one, "line", json_integer(from));
	if (!keys) {
		keys = json_object();
		json_object_set_new(show->all, section->name, keys);
	}
	json_object_set_new(keys, key->name, one);
	free(value);
}

static int show(struct settings *s, bool json, struct error *e)
{
	const struct config config = settings_config(s);
	struct showing showing = {.settings = s, .all = json ? json_object() : NULL};

	config_each(&config, json ? gather_key : print_key, &showing);
	if (json) {
		json_t *file = *s->file ? json_string(s->file) : json_null();
		json_t *all = json_pack("{so so}", "file", file, "settings", showing.all);
		char *text = json_dumps(all, JSON_COMPACT);

		showing.failed |= !text;
		if (text)
			puts(text);
		free(text);
		json_decref(all);
	}
	return showing.failed ? error_set(e, -ENOMEM, "not enough memory") : 0;
}

int cmd_config(int argc, char **argv)
{
	static struct settings settings; /* large */
	struct options o = {.file = NULL};
	struct error e = {""};
	int err = read_options(argc, argv, &o);

	if (err)
		return err;
	settings_defaults(&settings);
	err = settings_read(&settings, o.file, &e);
	if (!err)
		err = settings_finish(&settings, &e);
	if (!err)
		err = o.show ? show(&settings, o.json, &e) : check(&settings, &e);
	if (err)
		return fail("config", e.text);
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail("config", "standard output: cannot be written");
	return EXIT_DONE;
}
