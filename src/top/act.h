/* What the keys do. */
#ifndef KARMA_TOP_ACT_H
#define KARMA_TOP_ACT_H

#include "top/top.h"

/* ---- move.c: about the screen ---- */

void act_quit(struct top *t);
void act_help(struct top *t);
void act_up(struct top *t);
void act_down(struct top *t);
void act_page_up(struct top *t);
void act_page_down(struct top *t);
void act_home(struct top *t);
void act_end(struct top *t);
void act_left(struct top *t);
void act_right(struct top *t);
void act_other(struct top *t);
void act_open(struct top *t);
void act_back(struct top *t);
void act_overview(struct top *t);
void act_alerts(struct top *t);
void act_hosts(struct top *t);
void act_blocks(struct top *t);
void act_system(struct top *t);
void act_filter(struct top *t);
void act_pause(struct top *t);
void act_zoom(struct top *t);
void act_redraw(struct top *t);

/* ---- mark.c: in the history ---- */

void act_ack(struct top *t);
void act_false(struct top *t);
void act_clear(struct top *t);
void act_mute(struct top *t);
void act_unmute(struct top *t);

/* ---- block.c: in the kernel ---- */

void act_block(struct top *t);
void act_block_typed(struct top *t);
void act_unblock(struct top *t);
void act_allow(struct top *t);

/* The address that an alert, a host or an entry is of; "": none, and it is said why. */
const char *act_address(struct top *t);

/* A job of the filer is done. */
void act_done(struct top *t, struct filer_job *job);

#endif
