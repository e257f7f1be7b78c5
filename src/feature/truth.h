/* What really happened: a file that says when who attacked whom, to label captures with.
 *
 * A line is "start end attacker target category [service [scenario]]", fields separated by blanks:
 * times in seconds since 1970 with decimals; ADDR, ADDR/LEN or * for anyone; a class as class_of()
 * knows it, with _ for its spaces (Brute_Force), or - where the class is not to be told; tcp,
 * tcp/80 or - for any; a name for people and for scores, not read here. An ICMP error is of any
 * service. # begins a comment. Where lines overlap the first one counts. */
#ifndef KARMA_FEATURE_TRUTH_H
#define KARMA_FEATURE_TRUTH_H

#include "feature/feature.h"
#include "util/error.h"

struct truth;

/* 0, or a negative errno with file, line and what is wrong with it. truth_free() it. */
int truth_read(struct truth **truth, const char *path, struct error *e);

/* The class of a record: that of a line whose attacker and target are its two ends, either way
 * round, whose service is its own and whose time overlaps it, -1 where the line does not tell it;
 * CLASS_NORMAL when there is no such line. */
int truth_class(const struct truth *truth, const struct record *r);

/* NULL is fine. */
void truth_free(struct truth *truth);

#endif
