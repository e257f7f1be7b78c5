/* In which order an epoch's rows are trained on. Rows of length-one sequences are drawn in any
 * order, a batch at a time. Longer sequences are cut into pieces, the pieces laid one behind the
 * other in B lanes, and each update takes the next T rows of every lane; the memory runs on from
 * update to update until its piece ends. The same seed gives the same order.
 *
 * Spliced pieces: a network that has only seen hosts that attack, and hosts that work, learns who
 * and not what. So a share of the sequences is cut into shorter pieces, and a share of all pieces
 * begins with the memory of whatever its lane held before: another host's work, or its attack, in
 * either view (what a memory holds is then no sign of the view, which an input tells). */
#ifndef KARMA_LSTM_PLAN_H
#define KARMA_LSTM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/rng.h"

/* Rows first .. first + length - 1 follow each other in the memory of one host. */
struct train_sequence {
	uint32_t first, length;
	bool extra; /* of length one, and one of many: an epoch has no more of these than it has
		       other rows, drawn anew */
};

enum { PLAN_NONE = UINT32_MAX }; /* a row that only fills a lane */

/* What one update works on; N = steps * lanes. */
struct plan_update {
	int steps, lanes;
	uint32_t *row;  /* (T, B) or PLAN_NONE */
	uint64_t *draw; /* (T, B): random, the same for all rows of a piece; never 0 */
	uint8_t *start; /* (T, B): a piece starts here */
	float *state;   /* (B, S): memory of the lanes, to be renewed by the forward pass */
};

struct plan_piece {
	uint32_t first, length;
	bool joined; /* begins with the memory of the piece before it in its lane */
	uint64_t draw;
};

struct plan {
	const struct train_sequence *sequence;
	size_t sequences, state_size, rows; /* of an epoch */
	int batch, steps, most_lanes;
	uint32_t longest; /* rows of a piece */
	double splice;    /* share of sequences that are cut short, and of pieces that are joined */
	uint64_t seed;
	int epoch;
	struct rng rng;
	uint32_t *single;             /* first rows of the length-one sequences, extra ones last */
	size_t extras;                /* of them */
	size_t singles, singles_done; /* of an epoch */
	struct plan_piece *piece;
	size_t pieces, pieces_done, pieces_room, stream_rows, stream_done;
	struct plan_piece *lane; /* what is left of the piece in each lane */
	bool *fresh;             /* it has not begun */
	int lanes;
	float *lane_state;   /* (lanes, S) */
	float *single_state; /* (batch, S): where single rows leave theirs; never read */
	struct plan_update update;
};

/* Keeps `sequence`. An update has at most `batch` rows; a lane's part of it `steps`. Pieces have at
 * most `longest` rows; `splice` of them, 0 to 1, are spliced. 0 or -ENOMEM. */
int plan_init(struct plan *p, const struct train_sequence *sequence, size_t sequences,
	size_t state_size, int batch, int steps, uint32_t longest, double splice, uint64_t seed);
void plan_free(struct plan *p);

/* Begin epoch `epoch` (from 0). */
void plan_epoch(struct plan *p, int epoch);

/* The next update, which belongs to the plan; NULL: the epoch is over. */
struct plan_update *plan_next(struct plan *p);

#endif
