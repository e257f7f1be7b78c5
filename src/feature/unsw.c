#include "feature/unsw.h"

#include <math.h>

#include "flow/record.h"

static const double COPY_S = 8e-6; /* between the two copies of a packet */
static const double PADDED = 46;   /* bytes of the least Ethernet payload */

static const double TICK_S = 1e-9; /* what is shorter has no rate */

struct direction {
	int packets, bytes, load, mean, gap, jitter, loss;
};

static const struct direction directions[2] = {
	{COL_SPKTS, COL_SBYTES, COL_SLOAD, COL_SMEAN, COL_SINPKT, COL_SJIT, COL_SLOSS},
	{COL_DPKTS, COL_DBYTES, COL_DLOAD, COL_DMEAN, COL_DINPKT, COL_DJIT, COL_DLOSS},
};

static bool is_odd(double count)
{
	return fmod(count, 2) == 1;
}

/* One odd direction of two is a copy that was lost; a row seen once is odd throughout. */
static bool seen_once(const double *v)
{
	double s = v[COL_SPKTS], d = v[COL_DPKTS];

	return (is_odd(s) && (is_odd(d) || d == 0)) || (s == 0 && is_odd(d));
}

/* n packets of B bytes in both copies: small ones were padded in one of them. */
static double true_bytes(double both, double n)
{
	if (n > 0 && both / n < 2 * PADDED)
		return fmax(both - PADDED * n, 0);
	return floor(both / 2);
}

/* Mean gap in ms of n packets, from that of the `doubled` ones. */
static double true_gap(double gap, double doubled, double n)
{
	if (n < 2)
		return 0;
	return fmax(gap * (doubled - 1) - COPY_S * 1e3, 0) / (n - 1);
}

static double load(double bytes, double packets, double dur)
{
	if (packets <= 1 || dur < TICK_S)
		return 0;
	return 8 * (bytes - floor(bytes / packets)) / dur;
}

static double rate(const double *v)
{
	return v[COL_DUR] >= TICK_S ? (v[COL_SPKTS] + v[COL_DPKTS] - 1) / v[COL_DUR] : 0;
}

static void correct_times(double *v)
{
	bool single = v[COL_SPKTS] + v[COL_DPKTS] <= 1;

	v[COL_DUR] = single ? 0 : fmax(v[COL_DUR] - COPY_S, 0);
	if (v[COL_SYNACK] > 0)
		v[COL_SYNACK] += COPY_S;
	if (v[COL_ACKDAT] > 0)
		v[COL_ACKDAT] += COPY_S;
	if (v[COL_TCPRTT] > 0)
		v[COL_TCPRTT] = v[COL_SYNACK] + v[COL_ACKDAT];
}

void unsw_correct(struct row *row)
{
	double *v = row->value;
	bool once = seen_once(v);

	for (int i = 0; i < 2; i++) {
		const struct direction *d = &directions[i];
		double doubled = v[d->packets], n = ceil(doubled / 2);

		v[d->jitter] = v[d->loss] = NAN;
		if (once)
			continue;
		v[d->packets] = n;
		v[d->bytes] = true_bytes(v[d->bytes], n);
		v[d->gap] = true_gap(v[d->gap], doubled, n);
		v[d->mean] = n > 0 ? floor(v[d->bytes] / n + 0.5) : 0;
	}
	if (once)
		return;
	correct_times(v);
	v[COL_RATE] = rate(v);
	for (int i = 0; i < 2; i++)
		v[directions[i].load] =
			load(v[directions[i].bytes], v[directions[i].packets], v[COL_DUR]);
}

void unsw_complete(struct row *row)
{
	double *v = row->value;

	if (isnan(v[COL_RATE]))
		v[COL_RATE] = rate(v);
	v[COL_EVENT] = RECORD_FINAL - RECORD_LOOK;
	v[COL_NEWS] = 1;
	v[COL_AGAIN] = 0;
}
