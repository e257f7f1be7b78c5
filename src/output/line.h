/* An alert in one line, for people. */
#ifndef KARMA_OUTPUT_LINE_H
#define KARMA_OUTPUT_LINE_H

#include <stdio.h>

#include "output/output.h"

/* "ALERT 7hq2x1m4  Reconnaissance 86 % T1046  10.0.0.9 -> 10.0.0.2  4 flows in 13 ms: ...", without
 * a line end; the class in this colour ("": in none). */
void line_print(FILE *out, const struct alert *a, enum alert_stage stage, const struct origin *from,
	const char *colour);

#endif
