/* karma history: what was, and what a person says of it. karma explain: the same by a short name.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/history_cmd.h"
#include "util/clock.h"
#include "util/number.h"
#include "util/when.h"

enum {
	OPT_HISTORY = 256,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_HOST,
	OPT_PREFIX,
	OPT_CLASS,
	OPT_CONFIDENCE,
	OPT_TEXT,
	OPT_MARK,
	OPT_LIMIT,
	OPT_JSON,
	OPT_CSV,
};

static const struct option longs[] = {
	{"history", required_argument, NULL, OPT_HISTORY},
	{"since", required_argument, NULL, OPT_SINCE},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"host", required_argument, NULL, OPT_HOST},
	{"prefix", required_argument, NULL, OPT_PREFIX},
	{"class", required_argument, NULL, OPT_CLASS},
	{"confidence", required_argument, NULL, OPT_CONFIDENCE},
	{"text", required_argument, NULL, OPT_TEXT},
	{"mark", required_argument, NULL, OPT_MARK},
	{"limit", required_argument, NULL, OPT_LIMIT},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPT_JSON},
	{"csv", no_argument, NULL, OPT_CSV},
	{NULL, 0, NULL, 0},
};

enum { USUAL_LIMIT = 1000 };
static const int64_t usual_mute_ns = 86400 * 1000000000LL;

enum verb {
	LIST,
	SHOW,
	ACK,
	FALSE_ALARM,
	MUTE,
	UNMARK,
	EXPORT,
	HOSTS,
	MINUTES,
	BLOCKS,
	CARD,
	MUTES,
	EXPLAIN
};

/* What each takes. The last is a command of its own. */
static const struct {
	const char *name;
	enum verb verb;
	unsigned least, most; /* arguments */
	const char *options;  /* of those in `longs` but --history, set apart by blanks */
} verbs[] = {
	{"list", LIST, 0, 0, "since until host prefix class confidence text mark limit json csv"},
	{"show", SHOW, 1, 1, "json"},
	{"ack", ACK, 1, 1000, ""},
	{"false", FALSE_ALARM, 1, 1000, ""},
	{"mute", MUTE, 1, 1, "class until"},
	{"unmark", UNMARK, 1, 1000, ""},
	{"mutes", MUTES, 0, 0, "json csv"},
	{"hosts", HOSTS, 0, 0, "since until host prefix limit json csv"},
	{"minutes", MINUTES, 0, 0, "since until limit json csv"},
	{"blocks", BLOCKS, 0, 0, "since until host prefix limit json csv"},
	{"card", CARD, 0, 0, "json csv"},
	{"export", EXPORT, 0, 0, "since until host prefix class confidence text mark output"},
	{"explain", EXPLAIN, 0, 1, "json"},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) - 1 };

struct options {
	const char *name; /* of the command: "history", "explain" */
	size_t verb;      /* which of `verbs` */
	char path[HISTORY_PATH];
	struct history_query query;
	enum history_form form;
	const char *output;
	char words[HISTORY_WORDS_ROOM]; /* --text's */
	int64_t until_ns;
	char **argument;
	unsigned arguments;
};

/* ---- options ---- */

static bool takes(const struct options *o, const char *option)
{
	const char *list = verbs[o->verb].options;
	size_t n = strlen(option);

	for (const char *at = list; (at = strstr(at, option)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

static int wrong(const struct options *o, const char *option, const char *wants)
{
	return usage_error(o->name, "--%s takes %s, not '%s'", option, wants, optarg);
}

/* A time, forward from now for a mute, back for a search. */
static bool time_parse(const struct options *o, int64_t *ns)
{
	int64_t now = (int64_t)clock_now(CLOCK_REALTIME);

	return moment_parse(optarg, now, verbs[o->verb].verb == MUTE ? 1 : -1, ns);
}

static int take_option(struct options *o, int c)
{
	static const char a_time[] = "a time, such as 2h, 3d or 2026-11-23T09:10";
	struct history_query *q = &o->query;

	switch (c) {
	case OPT_HISTORY:
		snprintf(o->path, sizeof(o->path), "%s", optarg);
		return 0;
	case OPT_SINCE:
		return time_parse(o, &q->since_ns) ? 0 : wrong(o, "since", a_time);
	case OPT_UNTIL:
		return time_parse(o, &q->until_ns) ? 0 : wrong(o, "until", a_time);
	case OPT_HOST:
	case OPT_PREFIX:
		q->has_range = true;
		if (history_range(optarg, q->low, q->high) &&
			!strchr(optarg, '/') == (c == OPT_HOST))
			return 0;
		return c == OPT_HOST ? wrong(o, "host", "an address")
				     : wrong(o, "prefix", "ADDRESS/LENGTH");
	case OPT_CLASS:
		return history_class_parse(optarg, &q->class)
			       ? 0
			       : wrong(o, "class", "a class of attacks, such as Reconnaissance");
	case OPT_CONFIDENCE:
		return history_share_parse(optarg, &q->confidence)
			       ? 0
			       : wrong(o, "confidence", "0 to 1, or 0% to 100%");
	case OPT_TEXT:
		return history_words_parse(optarg, q, o->words) && q->words
			       ? 0
			       : wrong(o, "text", "one to eight words");
	case OPT_MARK:
		return history_mark_parse(optarg, &q->mark)
			       ? 0
			       : wrong(o, "mark", "ack, false or none");
	case OPT_LIMIT:
		return number_parse(optarg, 1, 1000000, &q->limit)
			       ? 0
			       : wrong(o, "limit", "a number from 1 to 1,000,000");
	case 'o':
		o->output = optarg;
		return 0;
	default:
		o->form = c == OPT_CSV ? FORM_CSV : FORM_JSON;
		return 0;
	}
}

/* The first argument that is no option may be a verb. */
static int read_verb(struct options *o, int *argc, char **argv)
{
	o->verb = 0;
	if (*argc < 2 || argv[1][0] == '-')
		return 0;
	while (o->verb < VERBS && strcmp(argv[1], verbs[o->verb].name) != 0)
		o->verb++;
	if (o->verb == VERBS)
		return usage_error(o->name, "'%s' is nothing that it does", argv[1]);
	memmove(argv + 1, argv + 2, (size_t)(*argc - 1) * sizeof(*argv));
	--*argc;
	return 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
	int c, at, status;

	history_default_path(o->path);
	o->query = (struct history_query){.class = -1, .mark = -1, .limit = USUAL_LIMIT};
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":o:", longs, &at)) != -1) {
		if (c == ':')
			return usage_error(o->name, "'%s' needs a value", argv[optind - 1]);
		if (c == '?')
			return usage_error(o->name, "there is no option '%s'", argv[optind - 1]);
		for (at = 0; longs[at].val != c;)
			at++;
		if (c != OPT_HISTORY && !takes(o, longs[at].name))
			return usage_error(
				o->name, "'%s' takes no --%s", verbs[o->verb].name, longs[at].name);
		status = take_option(o, c);
		if (status)
			return status;
	}
	o->argument = argv + optind;
	o->arguments = (unsigned)(argc - optind);
	if (o->arguments < verbs[o->verb].least)
		return usage_error(o->name, "'%s' needs an alert's id", verbs[o->verb].name);
	if (o->arguments > verbs[o->verb].most)
		return usage_error(
			o->name, "'%s' is one argument too many", o->argument[verbs[o->verb].most]);
	return 0;
}

/* ---- marks ---- */

static int mark_all(const struct options *o, enum history_mark mark, struct error *e)
{
	int err = 0;

	for (unsigned i = 0; i < o->arguments && !err; i++)
		err = history_mark(o->path, o->argument[i], mark, e);
	return err;
}

static int mute(const struct options *o, struct error *e)
{
	struct mute m = {.attacks = true, .class = -1};
	char until[EVE_TIME_TEXT], range[RANGE_TEXT];
	int err = 0;

	m.made_ns = (int64_t)clock_now(CLOCK_REALTIME);
	m.until_ns = o->query.until_ns ? o->query.until_ns : m.made_ns + usual_mute_ns;
	if (m.until_ns <= m.made_ns)
		return error_set(
			e, -EINVAL, "the mute would be over already; give a later --until");
	if (!history_range(o->argument[0], m.low, m.high))
		err = history_mute_of(o->path, o->argument[0], &m, e);
	if (o->query.class >= 0)
		m.class = o->query.class;
	if (!err)
		err = history_mute(o->path, &m, e);
	if (err)
		return err;
	eve_time(m.until_ns, until);
	until[10] = ' ';
	printf("%s alerts %s %s are not told until %.19s; they are kept in the history and in "
	       "EVE\n",
		m.class < 0 ? "all" : class_name((enum karma_class)m.class),
		m.attacks ? "of" : "of many against", mute_range(&m, range), until);
	return 0;
}

/* An alert's mark, and the mutes of its party; or those of an address. */
static int unmark(const struct options *o, struct error *e)
{
	int err = 0;

	for (unsigned i = 0; i < o->arguments && !err; i++) {
		struct mute m = {.attacks = true};
		bool is_range = history_range(o->argument[i], m.low, m.high);
		unsigned ended = 0;

		if (!is_range)
			err = history_mark(o->path, o->argument[i], MARK_NONE, e);
		if (!err && !is_range)
			err = history_mute_of(o->path, o->argument[i], &m, e);
		if (!err)
			err = history_unmute(o->path, m.low, m.high, &ended, e);
		if (!err && is_range && !ended)
			err = error_set(e, -ENOENT,
				"%s is not muted; 'karma history mutes' lists "
				"what is",
				o->argument[i]);
		if (ended)
			printf("%u mute%s ended\n", ended, ended == 1 ? "" : "s");
	}
	return err;
}

/* ---- what is read ---- */

static int read_history(const struct options *o, struct history_reader *r, struct error *e)
{
	struct history_query q = o->query;

	switch (verbs[o->verb].verb) {
	case EXPLAIN:
		if (!o->arguments)
			return history_print_alerts(r, &q, o->form, e);
		return history_show(r, o->argument[0], o->form == FORM_JSON, e);
	case SHOW:
		return history_show(r, o->argument[0], o->form == FORM_JSON, e);
	case HOSTS:
		return history_print_hosts(r, &q, o->form, e);
	case MINUTES:
		return history_print_minutes(r, &q, o->form, e);
	case BLOCKS:
		return history_print_blocks(r, &q, o->form, e);
	case CARD:
		return history_print_card(r, o->form, e);
	case MUTES:
		return history_print_mutes(r, o->form, e);
	case EXPORT:
		q.limit = 0;
		return history_export(r, &q, o->output ? o->output : "-", e);
	default:
		return history_print_alerts(r, &q, o->form, e);
	}
}

static int open_and_read(const struct options *o, struct error *e)
{
	struct history_reader *r = NULL;
	int err = history_reader_open(&r, o->path, e);
	const char *trouble;

	if (err)
		return err;
	err = read_history(o, r, e);
	trouble = history_reader_trouble(r);
	if (trouble && !err)
		fprintf(stderr, "karma %s: %s: nothing new is kept: %s\n", o->name, o->path,
			trouble);
	history_reader_close(r);
	if (!err && (fflush(stdout) != 0 || ferror(stdout)))
		err = error_set(e, -EIO, "standard output: cannot be written");
	return err;
}

static int act(const struct options *o, struct error *e)
{
	switch (verbs[o->verb].verb) {
	case ACK:
		return mark_all(o, MARK_ACK, e);
	case FALSE_ALARM:
		return mark_all(o, MARK_FALSE, e);
	case MUTE:
		return mute(o, e);
	case UNMARK:
		return unmark(o, e);
	default:
		return open_and_read(o, e);
	}
}

static int run(struct options *o, int argc, char **argv)
{
	struct error e = {""};
	int status = read_options(argc, argv, o);

	if (!status && act(o, &e) < 0)
		status = fail(o->name, e.text);
	return status;
}

int cmd_history(int argc, char **argv)
{
	struct options o = {.name = "history"};
	int status = read_verb(&o, &argc, argv);

	return status ? status : run(&o, argc, argv);
}

int cmd_explain(int argc, char **argv)
{
	struct options o = {.name = "explain", .verb = VERBS};

	return run(&o, argc, argv);
}
