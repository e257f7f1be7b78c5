/* 8 floats: AVX2 with FMA. ISA, the instructions that the including file may use, is set there. */
#include <immintrin.h>
#include <stdint.h>

#define FN static inline __attribute__((always_inline, target(ISA)))

enum { V = 8 };

/* Not the types of immintrin.h, which may stand for anything: arrays of these stay in registers. */
typedef float vec __attribute__((vector_size(4 * V)));
typedef int32_t ints __attribute__((vector_size(4 * V)));

FN vec vec_set(float x)
{
	return _mm256_set1_ps(x);
}

FN vec vec_load(const float *p)
{
	return _mm256_loadu_ps(p);
}

FN void vec_store(float *p, vec v)
{
	_mm256_storeu_ps(p, v);
}

/* b where one of the two is NAN. */
FN vec vec_min(vec a, vec b)
{
	return _mm256_min_ps(a, b);
}

/* 2 ** y to 2e-7, relative; below 2 ** -126 that. Whole and rest; a polynomial of degree 5 for the
 * rest. */
FN vec exp2_fast(vec y)
{
	vec x = _mm256_max_ps(vec_set(-126.0f), y);
	vec n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	vec r = x - n;
	vec p = vec_set(1.3276472e-3f);
	__m256i two_n = _mm256_slli_epi32(
		_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);

	p = p * r + vec_set(9.675541e-3f);
	p = p * r + vec_set(5.5507131e-2f);
	p = p * r + vec_set(2.4022120e-1f);
	p = p * r + vec_set(6.9314694e-1f);
	p = p * r + vec_set(1.0f);
	return p * _mm256_castsi256_ps(two_n);
}

FN ints ints_load(const void *p)
{
	return (ints)_mm256_loadu_si256((const __m256i *)p);
}

/* Four bytes, again and again. */
FN ints ints_repeat(const uint8_t *p)
{
	int32_t four;

	__builtin_memcpy(&four, p, sizeof(four));
	return (ints)_mm256_set1_epi32(four);
}

FN vec ints_to_vec(ints v)
{
	return _mm256_cvtepi32_ps((__m256i)v);
}

/* Rounded; within -128 .. 127. */
FN void vec_to_bytes(uint8_t *to, vec v, uint8_t offset)
{
	__m256i i = _mm256_cvtps_epi32(v);
	__m128i half = _mm_packs_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
	__m128i b = _mm_packs_epi16(half, half);

	_mm_storel_epi64((__m128i *)(void *)to, _mm_xor_si128(b, _mm_set1_epi8((char)offset)));
}
