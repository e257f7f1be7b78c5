/* Errors that a person reads: one line that says what, where and the remedy.
 *
 * Library code returns a negative errno and leaves the line in a struct error that its caller
 * handed in; only src/cmd/ prints it and exits. */
#ifndef KARMA_UTIL_ERROR_H
#define KARMA_UTIL_ERROR_H

struct error {
	char text[384];
};

/* Write the line and return `code` (a negative errno) so that a caller can `return error_set(...)`.
 * `e` may be NULL: then only the code is passed on. A longer line is cut. */
int error_set(struct error *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
