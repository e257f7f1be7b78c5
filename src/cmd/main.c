#include "cmd/cmd.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "feature/feature.h"

static int cmd_help(int argc, char **argv);

/* In the order in which a user meets them. */
static const struct command commands[] = {
	{"run", cmd_run,
		"[-i IFACE[,IFACE]...] [-m MODEL] [--kernel NAME] [--eve FILE] [--json] [--outer] "
		"[--flows N] [--each-interface]",
		"watch interfaces and report attacks"},
	{"read", cmd_read,
		"FILE.pcap[ng]|DIR ... [-m MODEL] [--kernel NAME] [--eve FILE] [--json] [--outer] "
		"[--follow] "
		"[--scores FILE.csv] [--flows N] [--each-interface]",
		"find attacks in captures"},
	{"flows", cmd_flows,
		"FILE.pcap[ng]|DIR ... | -i IFACE[,IFACE]... [-o FILE.csv] [--outer] [--follow] "
		"[--steps] [--truth FILE] [--flows N] [--each-interface]",
		"flow records as CSV: UNSW-NB15's columns, then Karma's"},
	{"train", cmd_train,
		"DATA.csv[:WEIGHT] ... -o MODEL [--loss focal|ce] [--gamma G] "
		"[--alpha none|root|balanced] [--epochs N] [--seed S] [--layers L] [--hidden H] "
		"[--length T] [--batch B] [--dropout P] [--lr R] [--as-published] [--json] [--log "
		"FILE] [--resume]",
		"make a model from labelled flow records"},
	{"eval", cmd_eval, "-m MODEL DATA.csv ... [--kernel NAME] [--json] [--report DIR]",
		"how good a model is on labelled flow records"},
	{"model", cmd_model, "show FILE [--json]",
		"what a model file says: network, settings, scores, data"},
	{"bench", cmd_bench,
		"[kernel|latency|meter|detect|lstm|train|all] [-m MODEL] [--kernel NAME] [--json]",
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

static void print_overview(FILE *out)
{
	fputs("karma: an intrusion detection system: eBPF meters, an LSTM judges\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  karma %-6s %s\n               %s\n", commands[i].name,
			commands[i].usage, commands[i].summary);
	fputs("\n'karma help COMMAND' or 'man karma-COMMAND' says more; 'karma --version'.\n", out);
}

static int cmd_help(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		print_overview(stdout);
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "features") == 0) {
		feature_print_markdown(stdout);
		return EXIT_DONE;
	}
	c = find(argv[1]);
	if (!c)
		return usage_error("help", "there is no command '%s'", argv[1]);
	printf("usage: karma %s %s\n%s\n", c->name, c->usage, c->summary);
	return EXIT_DONE;
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
		return EXIT_DONE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_overview(stdout);
		return EXIT_DONE;
	}
	c = find(argv[1]);
	if (!c) {
		fprintf(stderr, "karma: there is no command '%s'; 'karma help' lists them\n",
			argv[1]);
		return EXIT_USAGE;
	}
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
		printf("usage: karma %s %s\n%s\n", c->name, c->usage, c->summary);
		return EXIT_DONE;
	}
	return c->main(argc - 1, argv + 1);
}
