/* The way to the karma whose dashboard this is: its control socket, one question at a time. */
#ifndef KARMA_WEB_LINK_H
#define KARMA_WEB_LINK_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "control/control.h"

struct link {
	char path[CONTROL_PATH_ROOM];
	pthread_mutex_t turn;  /* of who asks */
	pthread_mutex_t guard; /* of the two below */
	int fd;                /* that is being asked; -1: none */
	bool ended;
};

void link_open(struct link *l, const char *path);

/* Ask, and wait for the answer. `request` is released. NULL and the line: as control_ask(). */
json_t *link_ask(struct link *l, json_t *request, struct error *e);

/* Whoever waits for an answer waits no more, and nobody asks again. */
void link_end(struct link *l);
void link_close(struct link *l);

#endif
