/* 16 floats: AVX-512. ISA, the instructions that the including file may use, is set there. */
#include <immintrin.h>
#include <stdint.h>

#define FN static inline __attribute__((always_inline, target(ISA)))

enum { V = 16 };

/* Not the types of immintrin.h, which may stand for anything: arrays of these stay in registers. */
typedef float vec __attribute__((vector_size(4 * V)));
typedef int32_t ints __attribute__((vector_size(4 * V)));

FN vec vec_set(float x)
{
	return _mm512_set1_ps(x);
}

FN vec vec_load(const float *p)
{
	return _mm512_loadu_ps(p);
}

FN void vec_store(float *p, vec v)
{
	_mm512_storeu_ps(p, v);
}

/* b where one of the two is NAN. */
FN vec vec_min(vec a, vec b)
{
	return _mm512_min_ps(a, b);
}

/* 2 ** y to 2e-7, relative. Whole and rest; a polynomial of degree 5 for the rest. */
FN vec exp2_fast(vec y)
{
	vec n = _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	vec r = y - n;
	vec p = vec_set(1.3276472e-3f);

	p = p * r + vec_set(9.675541e-3f);
	p = p * r + vec_set(5.5507131e-2f);
	p = p * r + vec_set(2.4022120e-1f);
	p = p * r + vec_set(6.9314694e-1f);
	p = p * r + vec_set(1.0f);
	return _mm512_scalef_ps(p, n);
}

FN ints ints_load(const void *p)
{
	return (ints)_mm512_loadu_si512(p);
}

/* Four bytes, again and again. */
FN ints ints_repeat(const uint8_t *p)
{
	int32_t four;

	__builtin_memcpy(&four, p, sizeof(four));
	return (ints)_mm512_set1_epi32(four);
}

FN vec ints_to_vec(ints v)
{
	return _mm512_cvtepi32_ps((__m512i)v);
}

/* Rounded; within -128 .. 127. */
FN void vec_to_bytes(uint8_t *to, vec v, uint8_t offset)
{
	__m128i b = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v));

	_mm_storeu_si128((__m128i *)(void *)to, _mm_xor_si128(b, _mm_set1_epi8((char)offset)));
}
