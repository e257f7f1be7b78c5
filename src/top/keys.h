/* The keys: a row each. The help and the line at the foot of the screen are made from it. */
#ifndef KARMA_TOP_KEYS_H
#define KARMA_TOP_KEYS_H

#include "top/top.h"

struct key {
	int code, also;   /* ncurses's; `also` 0: no other */
	const char *name; /* as a person calls it */
	const char *what; /* it does: of the help */
	const char *hint; /* in a word, for the foot; NULL: not there */
	unsigned views;   /* in whose foot: bits of 1 << enum view */
	void (*act)(struct top *t);
};

extern const struct key keys[];
extern const unsigned key_count;

/* Do what a key is for. False: it is for nothing. */
bool keys_press(struct top *t, int code);

#endif
