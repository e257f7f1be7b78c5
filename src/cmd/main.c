#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "feature/feature.h"

enum { WIDTH = 78 }; /* of lines for people */

static int cmd_help(int argc, char **argv);

/* In the order in which a user meets them. */
static const struct command commands[] = {
	{"run", cmd_run,
		"[-i IFACE[,IFACE]...] [-m MODEL] [--profile FILE] [--sensitivity low|normal|high] "
		"[--kernel NAME] [--eve FILE] [--eve-socket PATH] [--json] [--syslog] [--journald] "
		"[--notify PROGRAM] [--webhook URL] [--history FILE] [--no-history] "
		"[--history-age TIME] [--history-size SIZE] [--pcap-dir DIR] "
		"[--block[=off|dry-run|on]] [--keep-blocks] [--web ADDRESS:PORT] [--no-web] "
		"[--web-cert FILE] [--web-key FILE] [--config FILE] [--socket PATH] [--outer] "
		"[--flows N] [--each-interface]",
		"watch interfaces and report attacks"},
	{"read", cmd_read,
		"FILE.pcap[ng]|DIR ... [-m MODEL] [--profile FILE] [--sensitivity low|normal|high] "
		"[--kernel NAME] [--eve FILE] [--json] [--history FILE] "
		"[--history-age TIME] [--history-size SIZE] [--pcap-dir DIR] [--outer] "
		"[--follow] [--scores FILE.csv] [--verdicts FILE.csv] [--flows N] "
		"[--each-interface]",
		"find attacks in captures"},
	{"status", cmd_status, "[--json] [--socket PATH]",
		"how a running karma does, and what is wrong, if anything is"},
	{"history", cmd_history,
		"[list] | show ID | ack ID | false ID | mute ID | unmark ID | mutes | hosts | "
		"minutes | blocks | card | export "
		"[--since TIME] [--until TIME] [--host ADDRESS] [--prefix ADDRESS/LENGTH] "
		"[--class CLASS] [--confidence P] [--text WORDS] [--mark ack|false|none] "
		"[--limit N] [--json] [--csv] [-o FILE] [--history FILE]",
		"the alerts that were, what is behind each, what you say of them"},
	{"explain", cmd_explain, "[ALERT-ID] [--history FILE] [--json]",
		"what was behind an alert, flow by flow: short for karma history"},
	{"top", cmd_top, "[--socket PATH | --history FILE]",
		"a screen of what a running karma sees, and keys to act"},
	{"block", cmd_block,
		"list | add|del ADDRESS[/LENGTH] ... | flush | allowed | allow|disallow "
		"ADDRESS[/LENGTH] ... [--for TIME] [--dry-run] [--json] [--socket PATH]",
		"whom a running karma stops: look, and lend a hand"},
	{"config", cmd_config, "check [FILE] | show [FILE] [--json]",
		"is the configuration good; what holds, and from where"},
	{"reload", cmd_reload, "[--json] [--socket PATH]",
		"let a running karma take up its configuration anew"},
	{"learn", cmd_learn,
		"FILE.pcap[ng]|DIR ... | -i IFACE[,IFACE]... [--for TIME] -o FILE [-m MODEL] "
		"[--false-alerts N] [--trust all|ADDRESS[,ADDRESS]...] [--tune] [--outer] "
		"[--flows N] [--each-interface]",
		"a profile of a site: margins that keep its false alerts rare"},
	{"flows", cmd_flows,
		"FILE.pcap[ng]|DIR ... | -i IFACE[,IFACE]... [-o FILE.csv] [--outer] [--follow] "
		"[--steps] [--truth FILE] [--flows N] [--each-interface]",
		"flow records as CSV: UNSW-NB15's columns, then Karma's"},
	{"train", cmd_train,
		"DATA.csv[:WEIGHT] ... -o MODEL [--loss focal|ce] [--gamma G] "
		"[--alpha none|root|balanced] [--by-attack] [--one-view] [--epochs N] [--seed S] "
		"[--layers L] [--hidden H] [--length T] [--memory N] [--splice P] [--batch B] "
		"[--bins N] "
		"[--dropout P] [--blank P] [--lr R] [--decay D] [--validation P | --validate FILE "
		"| --calibration MODEL] [--patience N] [--features LIST] [--as-published] [--json] "
		"[--log FILE] [--resume]",
		"make a model from labelled flow records"},
	{"eval", cmd_eval, "-m MODEL DATA.csv ... [--kernel NAME] [--json] [--report DIR]",
		"how good a model is on labelled flow records"},
	{"model", cmd_model, "show FILE [--json]",
		"what a model file says: network, settings, scores, data"},
	{"bench", cmd_bench,
		"[kernel|block|latency|meter|detect|desk|output|lstm|train] [-m MODEL] "
		"[--kernel NAME] [--json]",
		"how fast it is on this machine"},
	{"help", cmd_help, "[COMMAND|features]",
		"what a command does and takes; the table of all features"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* What was to be read is on standard output; EXIT_FAILED and a line if it is not. */
static int printed(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fputs("karma: standard output: cannot be written\n", stderr);
	return EXIT_FAILED;
}

/* Where the word ends that a line is not broken in: an option keeps its value. */
static size_t word_length(const char *text)
{
	int depth = 0;
	size_t n = 0;

	for (; text[n] && (text[n] != ' ' || depth); n++)
		depth += (text[n] == '[') - (text[n] == ']');
	return n;
}

/* A command's usage in lines of WIDTH, all but the first from `indent` on, where the first is. */
static void print_usage(FILE *out, const char *usage, int indent)
{
	int at = indent;

	while (*usage) {
		size_t n = word_length(usage);

		if (at > indent && at + 1 + (int)n > WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else if (at > indent) {
			fputc(' ', out);
			at++;
		}
		fprintf(out, "%.*s", (int)n, usage);
		at += (int)n;
		usage += n + (usage[n] == ' ');
	}
	fputc('\n', out);
}

static void print_overview(FILE *out)
{
	const int indent = 16;

	fputs("karma: an intrusion detection system: eBPF meters, an LSTM judges\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++) {
		fprintf(out, "  karma %-7s ", commands[i].name);
		print_usage(out, commands[i].usage, indent);
		fprintf(out, "%*s%s\n", indent, "", commands[i].summary);
	}
	fputs("\n'karma help COMMAND' or 'man karma-COMMAND' says more; 'karma --version'.\n", out);
}

static int print_help(const struct command *c)
{
	int indent = printf("usage: karma %s ", c->name);

	print_usage(stdout, c->usage, indent);
	printf("%s\n", c->summary);
	if (c->main == cmd_help)
		puts("See man karma.");
	else
		printf("See man karma-%s.\n", c->name);
	return printed();
}

static int cmd_help(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stdout);
		return printed();
	}
	if (argc > 2)
		return usage_error("help", "'%s' is one argument too many", argv[2]);
	if (strcmp(argv[1], "features") == 0) {
		feature_print_markdown(stdout);
		return printed();
	}
	c = find(argv[1]);
	return c ? print_help(c) : usage_error("help", "there is no command '%s'", argv[1]);
}

int usage_error(const char *name, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "karma %s: ", name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; try 'karma help%s%s'\n", strcmp(name, "help") ? " " : "",
		strcmp(name, "help") ? name : "");
	return EXIT_USAGE;
}

int fail(const char *name, const char *text)
{
	fprintf(stderr, "karma %s: %s\n", name, text);
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("karma " KARMA_VERSION);
		return printed();
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_overview(stdout);
		return printed();
	}
	c = find(argv[1]);
	if (!c) {
		fprintf(stderr, "karma: there is no command '%s'; 'karma help' lists them\n",
			argv[1]);
		return EXIT_USAGE;
	}
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
		return print_help(c);
	return c->main(argc - 1, argv + 1);
}
