/* One question to a running karma, by its control socket: what karma status and karma reload are.
 */
#ifndef KARMA_CMD_QUESTION_H
#define KARMA_CMD_QUESTION_H

#include <jansson.h>
#include <stdbool.h>

/* Take the options --json and --socket of the command `name`, and ask a running karma for `name`:
 * at the socket that was given, else at the one of the configuration. 0: `answer`, which is to be
 * freed, without its "ok"; else an exit status, of which a line has told. */
int question_ask(const char *name, int argc, char **argv, bool *json, json_t **answer);

/* Print the answer as one object, with blanks by the flags JSON_COMPACT or JSON_INDENT(). */
void question_print_json(const json_t *answer, size_t flags);

/* 0, or an exit status when what was printed could not be written, of which a line has told. */
int question_end(const char *name);

#endif
