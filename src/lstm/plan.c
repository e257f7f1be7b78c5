#include "lstm/plan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHORTEST = 8 /* rows of a piece that is cut short */ };

static void count_sequences(struct plan *p)
{
	uint32_t shortest = p->splice > 0 && p->longest > SHORTEST ? SHORTEST : p->longest;
	size_t drawn;

	for (size_t s = 0; s < p->sequences; s++) {
		uint32_t length = p->sequence[s].length;

		if (p->sequence[s].extra) {
			p->extras++;
			continue;
		}
		p->rows += length;
		if (length == 1) {
			p->singles++;
			continue;
		}
		p->stream_rows += length;
		/* A cut at any place gives one piece more than a cut into full ones. */
		p->pieces_room += length / shortest + 2;
	}
	drawn = p->extras < p->rows ? p->extras : p->rows;
	p->singles += drawn;
	p->rows += drawn;
}

int plan_init(struct plan *p, const struct train_sequence *sequence, size_t sequences,
	size_t state_size, int batch, int steps, uint32_t longest, double splice, uint64_t seed)
{
	size_t n = (size_t)batch, lanes;

	memset(p, 0, sizeof(*p));
	p->sequence = sequence;
	p->sequences = sequences;
	p->state_size = state_size;
	p->batch = batch;
	p->steps = steps < batch ? steps : batch;
	p->most_lanes = batch / p->steps;
	p->longest = longest;
	p->splice = splice;
	p->seed = seed;
	count_sequences(p);
	lanes = (size_t)p->most_lanes;
	p->single = calloc(p->singles + p->extras + 1, sizeof(*p->single));
	p->piece = calloc(p->pieces_room + 1, sizeof(*p->piece));
	p->lane = calloc(lanes, sizeof(*p->lane));
	p->fresh = calloc(lanes, sizeof(*p->fresh));
	p->update.row = calloc(n, sizeof(*p->update.row));
	p->update.draw = calloc(n, sizeof(*p->update.draw));
	p->update.start = calloc(n, sizeof(*p->update.start));
	p->lane_state = calloc(lanes * state_size, sizeof(*p->lane_state));
	p->single_state = calloc(n * state_size, sizeof(*p->single_state));
	if (p->single && p->piece && p->lane && p->fresh && p->update.row && p->update.draw &&
		p->update.start && p->lane_state && p->single_state)
		return 0;
	plan_free(p);
	return -ENOMEM;
}

void plan_free(struct plan *p)
{
	free(p->single);
	free(p->piece);
	free(p->lane);
	free(p->fresh);
	free(p->update.row);
	free(p->update.draw);
	free(p->update.start);
	free(p->lane_state);
	free(p->single_state);
	memset(p, 0, sizeof(*p));
}

static bool draw_splice(struct plan *p)
{
	return p->splice > 0 && rng_uniform(&p->rng) < p->splice;
}

/* Rows of a sequence's pieces: short ones are as likely as long ones. */
static uint32_t draw_longest(struct plan *p)
{
	double most = p->longest;

	if (!draw_splice(p) || most <= SHORTEST)
		return p->longest;
	return (uint32_t)(SHORTEST * pow(most / SHORTEST, rng_uniform(&p->rng)));
}

/* Pieces of at most `longest` rows. The first cut falls anywhere, so that in another epoch other
 * rows stand at a start. */
static void cut_sequence(struct plan *p, struct train_sequence s)
{
	uint32_t length = s.length, longest = draw_longest(p);

	if (length > longest)
		length = 1 + (uint32_t)rng_below(&p->rng, longest);
	while (s.length > 0) {
		p->piece[p->pieces++] =
			(struct plan_piece){s.first, length, draw_splice(p), rng_next(&p->rng) | 1};
		s.first += length;
		s.length -= length;
		length = s.length < longest ? s.length : longest;
	}
}

static void shuffle_pieces(struct plan *p)
{
	for (size_t i = p->pieces; i > 1; i--) {
		size_t j = (size_t)rng_below(&p->rng, i);
		struct plan_piece t = p->piece[i - 1];

		p->piece[i - 1] = p->piece[j];
		p->piece[j] = t;
	}
}

/* Behind the first `n` of single[]. */
static void draw_extras(struct plan *p, size_t n)
{
	size_t end = n;

	for (size_t s = 0; s < p->sequences; s++)
		if (p->sequence[s].extra)
			p->single[end++] = p->sequence[s].first;
	rng_shuffle(&p->rng, p->single + n, end - n);
}

void plan_epoch(struct plan *p, int epoch)
{
	size_t n = 0;

	p->epoch = epoch;
	p->rng.state = rng_derive(p->seed, (uint64_t)epoch);
	p->pieces = p->pieces_done = p->stream_done = p->singles_done = 0;
	for (size_t s = 0; s < p->sequences; s++) {
		if (p->sequence[s].length > 1)
			cut_sequence(p, p->sequence[s]);
		else if (!p->sequence[s].extra)
			p->single[n++] = p->sequence[s].first;
	}
	draw_extras(p, n);
	rng_shuffle(&p->rng, p->single, p->singles);
	shuffle_pieces(p);
	p->lanes = 0;
	while (p->lanes < p->most_lanes && p->pieces_done < p->pieces) {
		p->fresh[p->lanes] = true;
		p->lane[p->lanes++] = p->piece[p->pieces_done++];
	}
}

static struct plan_update *next_singles(struct plan *p)
{
	struct plan_update *u = &p->update;
	size_t left = p->singles - p->singles_done;

	u->steps = 1;
	u->state = p->single_state;
	u->lanes = left < (size_t)p->batch ? (int)left : p->batch;
	for (int i = 0; i < u->lanes; i++) {
		u->row[i] = p->single[p->singles_done++];
		u->draw[i] = rng_next(&p->rng) | 1;
		u->start[i] = 1;
	}
	return u;
}

/* Lanes whose piece is over get the next one, or go. */
static void refill(struct plan *p)
{
	for (int i = 0; i < p->lanes;) {
		if (p->lane[i].length == 0 && p->pieces_done < p->pieces) {
			p->lane[i] = p->piece[p->pieces_done++];
			p->fresh[i] = !p->lane[i].joined;
		}
		if (p->lane[i].length > 0) {
			i++;
			continue;
		}
		p->lanes--;
		p->lane[i] = p->lane[p->lanes];
		p->fresh[i] = p->fresh[p->lanes];
		memcpy(p->lane_state + (size_t)i * p->state_size,
			p->lane_state + (size_t)p->lanes * p->state_size,
			p->state_size * sizeof(*p->lane_state));
	}
}

static struct plan_update *next_stream(struct plan *p)
{
	struct plan_update *u = &p->update;

	u->steps = p->steps;
	u->state = p->lane_state;
	u->lanes = p->lanes;
	for (int i = 0; i < u->lanes; i++) {
		struct plan_piece *lane = &p->lane[i];

		for (int t = 0; t < u->steps; t++) {
			int at = t * u->lanes + i;

			if (lane->length == 0 && p->pieces_done < p->pieces) {
				*lane = p->piece[p->pieces_done++];
				p->fresh[i] = !lane->joined;
			}
			u->start[at] = p->fresh[i] || lane->length == 0;
			u->draw[at] = lane->draw;
			u->row[at] = PLAN_NONE;
			p->fresh[i] = false;
			if (lane->length == 0)
				continue;
			u->row[at] = lane->first++;
			lane->length--;
			p->stream_done++;
		}
	}
	return u;
}

struct plan_update *plan_next(struct plan *p)
{
	size_t singles = p->singles - p->singles_done, stream = p->stream_rows - p->stream_done;

	if (singles + stream == 0)
		return NULL;
	/* Both kinds thin out together over the epoch. */
	if (rng_below(&p->rng, singles + stream) < singles)
		return next_singles(p);
	refill(p);
	return next_stream(p);
}
