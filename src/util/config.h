/* A configuration file: sections of keys and values, as INI files have them (libinih). What may
 * stand in it is a table: a section is a row of keys, a key says of what type its value is.
 * Whatever else stands there is an error that names file, line, and what was meant. */
#ifndef KARMA_UTIL_CONFIG_H
#define KARMA_UTIL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/error.h"

struct config_key;

/* What kind of value a key has. */
struct config_type {
	/* Take a value to `at`, a place in what the configuration fills. False, and what it would
	 * have to be in `e` ("a number from 1 to 10"). */
	bool (*take)(void *at, const struct config_key *key, const char *value, struct error *e);
	/* Write it as a file has it; nothing where there is none. Of a list, each on a line. */
	void (*show)(const void *at, const struct config_key *key, FILE *out);
	/* Empty a list, to which each line of its key adds; NULL: it is none. */
	void (*clear)(void *at);
	/* What take() says is a whole sentence, not what the value would have to be. */
	bool sentence;
};

struct config_key {
	const char *name;
	const struct config_type *type;
	size_t offset;            /* of the place */
	double least, most;       /* of numbers, and of times in seconds; of text: its room */
	const char *const *names; /* of a choice: what 0, 1... are called, up to NULL */
	bool live;                /* a change is taken up without a restart */
};

struct config_section {
	const char *name;
	const struct config_key *keys;
	size_t count;
};

/* Where a value comes from: a line of the file, or one of these. */
enum { CONFIG_DEFAULT = 0, CONFIG_ARGUMENT = -1 };

struct config {
	const struct config_section *sections;
	size_t count;
	void *into;
	int *from; /* of each key, in the table's order */
};

/* Read a file: 0, or a negative errno and the line. -ENOENT: it is not there. What was read before
 * an error has been taken. */
int config_read(const struct config *c, const char *path, struct error *e);

/* Set a key, which there must be, as an argument of the command line does. `as`: what the error's
 * line calls it. False and the line: the value is none. */
bool config_set(const struct config *c, const char *section, const char *key, const char *value,
	const char *as, struct error *e);

/* Where the value of a key, which there must be, comes from. */
int config_from(const struct config *c, const char *section, const char *key);

/* Every key in the table's order; `n`: its place there. */
typedef void (*config_sink)(void *context, const struct config_section *section,
	const struct config_key *key, size_t n);
void config_each(const struct config *c, config_sink sink, void *context);

/* A value as text, to be freed: lines, of a list; "": there is none. NULL: memory is short. */
char *config_value(const struct config_key *key, const void *into);

/* ---- types ---- */

extern const struct config_type config_number; /* uint32_t */
extern const struct config_type config_time;   /* int64_t, nanoseconds */
extern const struct config_type config_size;   /* uint64_t, bytes: "256M", "2G" */
extern const struct config_type config_flag;   /* bool: yes or no */
extern const struct config_type config_text;   /* char[] */
extern const struct config_type config_choice; /* enum */

/* The one of some names that is most like `name`, for "did you mean"; NULL: none is. `step`: from
 * one to the next, in bytes, of structs that begin with their name. */
const char *config_suggest(const char *name, const void *names, size_t count, size_t step);

#endif
