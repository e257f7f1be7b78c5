/* int8 with AVX2, which multiplies bytes without a sign by bytes with one: |h| by the weight with
 * h's sign. A pair's sum is at most 2 * 127 * 127 and fits 16 bits. */
#ifdef __x86_64__
#define ISA "avx2,fma"
#include "lstm/vec256.h"

enum { TILE = 2, OFFSET = 0 };

FN ints dot(ints sum, ints x, ints w)
{
	__m256i h = (__m256i)x;
	__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(h), _mm256_sign_epi8((__m256i)w, h));

	return sum + (ints)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

#define DOT dot
#include "lstm/kernel_body.h"

static bool runs_here(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct lstm_kernel kernel_int8_avx2 = {
	.name = "int8-avx2",
	.runs_here = runs_here,
	.cells = V,
	.int8 = true,
	.layer = layer,
	.output = output,
	.bytes = bytes,
};
#endif
