/* The way to the karma whose dashboard this is: its control socket, one question at a time. */
#ifndef KARMA_WEB_WIRE_H
#define KARMA_WEB_WIRE_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "control/control.h"

struct wire {
	char path[CONTROL_PATH_ROOM];
	pthread_mutex_t turn;  /* of who asks */
	pthread_mutex_t guard; /* of the two below */
	int fd;                /* that is being asked; -1: none */
	bool ended;
};

void wire_open(struct wire *l, const char *path);

/* Ask, and wait for the answer. `request` is released. NULL and the line: as control_ask(). */
json_t *wire_ask(struct wire *l, json_t *request, struct error *e);

/* Whoever waits for an answer waits no more, and nobody asks again. */
void wire_end(struct wire *l);
void wire_close(struct wire *l);

#endif
