/* Who listens to the outputs in a benchmark: a process that stands in for each consumer at once,
 * and takes what comes, and another that looks on; or they are stuck: they are there, have asked,
 * and never read. */
#ifndef KARMA_CMD_BENCH_STAND_IN_H
#define KARMA_CMD_BENCH_STAND_IN_H

#include <stdbool.h>
#include <sys/types.h>

#include "util/error.h"

/* Where they are: all in one folder. */
struct bench_places {
	char folder[64];
	char eve[96];      /* a file; of the stuck a pipe that is full */
	char socket[96];   /* EVE's, a stream */
	char syslog[96];   /* datagrams */
	char journald[96]; /* likewise */
	char notify[96];   /* a program; of the stuck one that never ends */
	char history[96];  /* of the stuck a file that somebody else holds */
	char url[64];      /* a server of HTTP; of the stuck one that never answers */
	char control[96];  /* Karma's own socket: who looks on asks there each second */
	char token[96];    /* of the dashboard */
	char web[32];      /* its address: a browser looks on, and Prometheus asks each second */
};

struct bench_stand_in {
	pid_t pid, looker;
	struct bench_places at;
};

/* 0, or a negative errno and the line. */
int bench_stand_in_begin(struct bench_stand_in *s, bool stuck, struct error *e);
/* It listens no more, and holds nothing. */
void bench_stand_in_stop(struct bench_stand_in *s);

/* The same, and its folder goes. */
void bench_stand_in_end(struct bench_stand_in *s);

#endif
