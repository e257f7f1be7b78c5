/* Those who look on, in a benchmark: the desk of a session, the control socket and the dashboard,
 * as `karma run` has them. */
#ifndef KARMA_CMD_BENCH_LOOK_H
#define KARMA_CMD_BENCH_LOOK_H

#include "cmd/bench_stand_in.h"
#include "cmd/session.h"
#include "control/control.h"
#include "web/web.h"

struct bench_look {
	struct session *session;
	struct control *control;
	struct control_part part;
	struct web *web;
	int64_t started_ns;
};

/* 0, or a negative errno and the line. */
int bench_look_open(
	struct bench_look *l, struct session *s, const struct bench_places *at, struct error *e);

/* Does anybody ask? karma run's loop learns that where it waits for records. */
bool bench_look_is_asked(const struct bench_look *l);

/* Answer; and what is due each second. */
void bench_look_serve(struct bench_look *l);
void bench_look_tick(struct bench_look *l, const struct summary *figures);

void bench_look_close(struct bench_look *l);

#endif
