/* An alert as fields: for the journal, and for the environment of a program. */
#ifndef KARMA_OUTPUT_FIELDS_H
#define KARMA_OUTPUT_FIELDS_H

#include <stdio.h>

#include "output/output.h"

/* "KARMA_CLASS=Reconnaissance" and the others, each with this character behind it. Characters that
 * control something are replaced by '?'. */
void fields_put_alert(FILE *out, const struct alert *a, enum alert_stage stage,
	const struct origin *from, char end);

/* One of them: the name, "NAME=", then its value. */
void fields_put(FILE *out, char end, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
