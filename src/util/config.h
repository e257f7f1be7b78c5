/* A configuration file: sections of keys and values, as INI files have them (libinih). What may
 * stand in it is a table: a section is a row of keys, a key says who takes its value. Whatever else
 * stands there is an error that names file, line, and what was meant. */
#ifndef KARMA_UTIL_CONFIG_H
#define KARMA_UTIL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct config_key;

/* Take a value of a key to `at`, a place in what its section fills. False, and what it would have
 * to be in `e` ("a number from 1 to 10"). */
typedef bool (*config_take)(
	void *at, const struct config_key *key, const char *value, struct error *e);

struct config_key {
	const char *name;
	config_take take;
	size_t offset;      /* of the place */
	double least, most; /* of numbers, and of times in seconds; of text: its room */
};

struct config_section {
	const char *name;
	const struct config_key *keys;
	size_t count;
	void *into;
};

/* Read a file: 0, or a negative errno and the line. -ENOENT: it is not there. What was read before
 * an error has been taken. */
int config_read(
	const char *path, const struct config_section *sections, size_t count, struct error *e);

/* ---- who takes values ---- */

bool config_number(void *at, const struct config_key *key, const char *value, struct error *e);
bool config_time(void *at, const struct config_key *key, const char *value, struct error *e);
bool config_flag(void *at, const struct config_key *key, const char *value, struct error *e);
bool config_text(void *at, const struct config_key *key, const char *value, struct error *e);

/* The one of some names that is most like `name`, for "did you mean"; NULL: none is. `step`: from
 * one to the next, in bytes, of structs that begin with their name. */
const char *config_suggest(const char *name, const void *names, size_t count, size_t step);

#endif
