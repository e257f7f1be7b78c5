/* karma block: the block list and the allow list of a running karma, by its control socket. */
#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/settings.h"
#include "respond/reaction.h"
#include "util/number.h"
#include "util/when.h"

enum { OPT_FOR = 256, OPT_DRY_RUN, OPT_JSON, OPT_SOCKET };

static const struct option longs[] = {
	{"for", required_argument, NULL, OPT_FOR},
	{"dry-run", no_argument, NULL, OPT_DRY_RUN},
	{"json", no_argument, NULL, OPT_JSON},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{NULL, 0, NULL, 0},
};

/* What can be done, and what it takes and gives. */
struct verb {
	const char *name, *command, *done; /* done: of an address */
	bool takes;                        /* addresses */
	bool lasts;                        /* --for goes with it */
	bool dry;                          /* --dry-run does */
};

static const struct verb verbs[] = {
	{"list", "block.list", NULL, false, false, false},
	{"add", "block.add", "blocked", true, true, true},
	{"del", "block.del", "unblocked", true, false, true},
	{"flush", "block.flush", NULL, false, false, true},
	{"allowed", "allow.list", NULL, false, false, false},
	{"allow", "allow.add", "allowed", true, false, false},
	{"disallow", "allow.del", "no longer allowed", true, false, false},
};

struct options {
	const struct verb *verb;
	char **addresses;
	int count;
	uint64_t seconds; /* 0: for ever */
	bool dry_run, json;
	const char *socket; /* NULL: the configuration's */
};

static bool is_verb(const struct options *o, const char *name)
{
	return strcmp(o->verb->name, name) == 0;
}

static int check_options(struct options *o, const char *verb)
{
	const struct verb *v = verbs;

	if (!verb)
		return usage_error("block",
			"what is to be done? list, add, del, flush, allowed, allow or disallow");
	while (v < verbs + sizeof(verbs) / sizeof(verbs[0]) && strcmp(verb, v->name) != 0)
		v++;
	if (v == verbs + sizeof(verbs) / sizeof(verbs[0]))
		return usage_error("block",
			"'%s' is none of list, add, del, flush, allowed, allow and disallow", verb);
	o->verb = v;
	if (v->takes && o->count == 0)
		return usage_error("block", "%s needs an address, or a prefix of some", verb);
	if (!v->takes && o->count > 0)
		return usage_error("block", "'%s' is one argument too many", o->addresses[0]);
	if (o->seconds && !v->lasts)
		return usage_error("block", "--for goes with add");
	if (o->dry_run && !v->dry)
		return usage_error("block", "--dry-run goes with add, del and flush");
	return 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
	const char *verb = NULL;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		switch (c) {
		case OPT_FOR:
			if (!duration_parse(optarg, &o->seconds))
				return usage_error("block",
					"--for takes a time such as 90s, 10m, 1h or 2d, not '%s'",
					optarg);
			break;
		case OPT_DRY_RUN:
			o->dry_run = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_SOCKET:
			o->socket = optarg;
			break;
		case ':':
			return usage_error("block", "'%s' needs a value", argv[optind - 1]);
		default:
			return usage_error("block", "there is no option '%s'", argv[optind - 1]);
		}
	}
	if (optind < argc) {
		verb = argv[optind];
		o->addresses = argv + optind + 1;
		o->count = argc - optind - 1;
	}
	return check_options(o, verb);
}

static void print_json(json_t *object)
{
	char *text;

	json_object_del(object, "ok");
	text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(15));
	if (text)
		puts(text);
	free(text);
}

/* ---- the list ---- */

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static int64_t count_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* "alert 7hq2x1m4, DoS", "kim" */
static const char *who_text(const json_t *entry, char text[128])
{
	const struct passwd *user;

	if (strcmp(text_of(entry, "by"), "alert") == 0) {
		snprintf(text, 128, "alert %.16s, %.40s", text_of(entry, "alert_id"),
			text_of(entry, "category"));
		return text;
	}
	user = getpwuid((uid_t)count_of(entry, "uid"));
	if (user)
		snprintf(text, 128, "%.100s", user->pw_name);
	else
		snprintf(text, 128, "uid %" PRId64, count_of(entry, "uid"));
	return text;
}

static const char *left_text(const json_t *entry, char text[REACTION_TEXT])
{
	double left = json_number_value(json_object_get(entry, "until")) - (double)time(NULL);

	if (json_is_null(json_object_get(entry, "until")))
		return strcpy(text, "for ever");
	return block_time_text((int64_t)((left > 0 ? left : 0) * 1e9), text);
}

static void print_entry(const json_t *entry)
{
	char left[REACTION_TEXT], packets[NUMBER_TEXT], who[128];

	printf("%-40s %-7s %-10s %15s  %s%s\n", text_of(entry, "what"), text_of(entry, "kind"),
		left_text(entry, left), number_text((uint64_t)count_of(entry, "packets"), packets),
		who_text(entry, who),
		json_is_true(json_object_get(entry, "dry_run")) ? ", dry run" : "");
}

static void print_list(const json_t *all)
{
	const json_t *entries = json_object_get(all, "entries"), *entry;
	char number[NUMBER_TEXT];
	size_t i;

	if (json_array_size(entries))
		printf("%-40s %-7s %-10s %15s  %s\n", "what", "kind", "left", "packets dropped",
			"by");
	json_array_foreach (entries, i, entry) {
		print_entry(entry);
	}
	printf("%s %s\n", number_text(json_array_size(entries), number),
		json_array_size(entries) == 1 ? "entry" : "entries");
}

/* Page by page, put together. */
static json_t *fetch_list(int fd, struct error *e)
{
	json_t *all = NULL, *page, *next = json_integer(0);

	while (json_is_integer(next)) {
		page = control_ask(
			fd, json_pack("{ss so}", "command", "block.list", "after", next), e);
		if (!page) {
			json_decref(all);
			return NULL;
		}
		next = json_incref(json_object_get(page, "next"));
		json_object_del(page, "next");
		if (all) {
			json_array_extend(
				json_object_get(all, "entries"), json_object_get(page, "entries"));
			json_decref(page);
		} else {
			all = page;
		}
	}
	json_decref(next);
	return all;
}

/* Who is on the allow list, and since when by whom. */
static void print_allowed(const json_t *all)
{
	const json_t *one;
	char who[128], since[32] = "";
	size_t i;

	json_array_foreach (json_object_get(all, "allow"), i, one) {
		time_t at = (time_t)json_number_value(json_object_get(one, "at"));
		struct tm tm;

		if (strcmp(text_of(one, "by"), "person") != 0) {
			printf("%-40s the configuration\n", text_of(one, "what"));
			continue;
		}
		localtime_r(&at, &tm);
		strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", &tm);
		printf("%-40s %s, %s\n", text_of(one, "what"), who_text(one, who), since);
	}
}

static int list(int fd, const struct options *o, struct error *e)
{
	bool allowed = is_verb(o, "allowed");
	json_t *all = allowed ? control_ask(fd, json_pack("{ss}", "command", o->verb->command), e)
			      : fetch_list(fd, e);

	if (!all)
		return -1;
	if (o->json)
		print_json(all);
	else if (allowed)
		print_allowed(all);
	else
		print_list(all);
	json_decref(all);
	return 0;
}

/* ---- changes ---- */

static void print_change(const struct options *o, const json_t *reply)
{
	bool dry = json_is_true(json_object_get(reply, "dry_run"));
	char time[REACTION_TEXT];

	if (is_verb(o, "flush"))
		printf("%s%" PRId64 " entries removed\n", dry ? "dry run: " : "",
			count_of(reply, "removed"));
	else
		printf("%s%s %s%s%s\n", dry ? "dry run: " : "", text_of(reply, "what"),
			o->verb->done,
			o->seconds          ? " for "
			: is_verb(o, "add") ? " until it is deleted"
					    : "",
			o->seconds ? block_time_text((int64_t)o->seconds * 1000000000, time) : "");
}

static int ask(int fd, const struct options *o, const char *address, struct error *e)
{
	json_t *request = json_pack("{ss}", "command", o->verb->command), *reply;

	if (o->dry_run)
		json_object_set_new(request, "dry_run", json_true());
	if (address)
		json_object_set_new(request, "address", json_string(address));
	if (o->seconds)
		json_object_set_new(request, "for", json_integer((json_int_t)o->seconds));
	reply = control_ask(fd, request, e);
	if (!reply)
		return -1;
	if (o->json)
		print_json(reply);
	else
		print_change(o, reply);
	json_decref(reply);
	return 0;
}

/* Of several addresses all are tried. */
static int change(int fd, const struct options *o, struct error *e)
{
	int err = 0;

	if (o->count == 0)
		return ask(fd, o, NULL, e);
	for (int i = 0; i < o->count; i++) {
		if (err)
			fail("block", e->text);
		err = ask(fd, o, o->addresses[i], e) < 0 || err ? -1 : 0;
	}
	return err;
}

int cmd_block(int argc, char **argv)
{
	struct options o = {.verb = verbs};
	static struct settings settings;
	struct error e = {""};
	int status = read_options(argc, argv, &o), fd, err;

	if (status)
		return status;
	settings_defaults(&settings);
	if (!o.socket && settings_read(&settings, NULL, &e) < 0)
		return fail("block", e.text);
	fd = control_connect(o.socket ? o.socket : settings.socket, &e);
	if (fd < 0)
		return fail("block", e.text);
	err = is_verb(&o, "list") || is_verb(&o, "allowed") ? list(fd, &o, &e) : change(fd, &o, &e);
	close(fd);
	if (err)
		return fail("block", e.text);
	if (fflush(stdout) != 0 || ferror(stdout))
		return fail("block", "standard output: cannot be written");
	return EXIT_DONE;
}
