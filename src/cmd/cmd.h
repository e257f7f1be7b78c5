/* The sub-commands: one file each, and main.c is the table of them. */
#ifndef KARMA_CMD_H
#define KARMA_CMD_H

#define KARMA_VERSION "0.1.0"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* A sub-command gets its own argv (argv[0] is its name) and returns an exit status. */
struct command {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *usage;   /* arguments, without the name */
	const char *summary; /* one line */
};

int cmd_run(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_history(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_learn(int argc, char **argv);
int cmd_flows(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_block(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_bench(int argc, char **argv);

/* Print "karma NAME: message" and "try 'karma help NAME'" on stderr; returns EXIT_USAGE. */
int usage_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print "karma NAME: text" on stderr; returns EXIT_FAILED. */
int fail(const char *name, const char *text);

#endif
