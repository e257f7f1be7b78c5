/* The hosts against which most is held, in a table of fixed size: one against which more is held
 * takes the place of one against which less is. What is held halves with time, as evidence does
 * (detect/evidence.h); a host that nothing speaks against costs a look at its set's tags. */
#ifndef KARMA_DESK_SUSPECTS_H
#define KARMA_DESK_SUSPECTS_H

#include <stdint.h>

enum { SUSPECTS = 4096 };

struct suspect {
	uint8_t addr[16];
	float sum; /* held against it as an actor; suspects_top() has it as it is now */
	int64_t at_ns;
	double rank;               /* orders sums of different times */
	int64_t first_ns, last_ns; /* of its records since it is here */
	uint64_t records;
	uint64_t attacks, attacked; /* alerts with it as the attacker, as the target */
};

struct suspects;

/* NULL when memory is short. */
struct suspects *suspects_new(void);
void suspects_free(struct suspects *t);

/* A record of a host was weighed: so much is held against it now, and halves in `half_life_s`. */
void suspects_weigh(
	struct suspects *t, const uint8_t addr[16], int64_t at_ns, float sum, float half_life_s);

/* An alert has arisen: NULL where an end is not known. */
void suspects_alert(struct suspects *t, const uint8_t *attacker, const uint8_t *target,
	int64_t at_ns, float half_life_s);

/* The first `most` of them, those against whom most is held first; with what is held at `now_ns`.
 * Those against whom nothing is held any more come if an alert concerned them. Returns how many. */
unsigned suspects_top(const struct suspects *t, int64_t now_ns, float half_life_s,
	struct suspect *out, unsigned most);

/* Hosts that gave way to others, or found no room. */
uint64_t suspects_left_out(const struct suspects *t);

#endif
