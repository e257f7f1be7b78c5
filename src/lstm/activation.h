/* exp, sigmoid and tanh without branches or calls, so that loops over cells vectorise.
 *
 * expf_fast: Cephes' expf (S. Moshier): x = n ln 2 + r, a polynomial of degree 5 on |r| <= ln(2)/2,
 * times 2^n. Within 2 units in the last place for -87 <= x <= 88, clamped outside. sigmoid and tanh
 * are within 2e-7 of the true value (absolute). NAN comes out of NAN. */
#ifndef KARMA_LSTM_ACTIVATION_H
#define KARMA_LSTM_ACTIVATION_H

#include <stdint.h>
#include <string.h>

#include "lstm/clones.h"

INLINE float expf_fast(float x)
{
	/* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */
	const float round = 12582912.0f;
	float sum, n, r, p, two_n;
	uint32_t bits;

	x = x > 88.0f ? 88.0f : x;
	x = x < -87.0f ? -87.0f : x;
	sum = x * 1.44269504088896341f + round;
	n = sum - round;
	r = x - n * 0.693359375f;
	r = r - n * -2.12194440e-4f;
	p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.0f;
	memcpy(&bits, &sum, sizeof(bits));
	bits = (bits - 0x4b400000u + 127u) << 23;
	memcpy(&two_n, &bits, sizeof(two_n));
	return p * two_n;
}

INLINE float sigmoidf_fast(float x)
{
	return 1.0f / (1.0f + expf_fast(-x));
}

INLINE float tanhf_fast(float x)
{
	return 2.0f / (1.0f + expf_fast(-2.0f * x)) - 1.0f;
}

#endif
