#include "cmd/bench_peak.h"

#include "cmd/bench.h"
#include "lstm/kernel.h"

#ifdef __x86_64__
#include <immintrin.h>

/* Enough sums that none waits for itself: an instruction takes four to five cycles, two begin in
 * each. */
enum { SUMS = 12, TURNS = 100000 };

__attribute__((target("avx512f"))) static float spin_512(void)
{
	__m512 sum[SUMS], x = _mm512_set1_ps(0.999F), y = _mm512_set1_ps(1e-3F);
	float out[16], total = 0;

	for (int i = 0; i < SUMS; i++)
		sum[i] = _mm512_set1_ps((float)i);
	for (int t = 0; t < TURNS; t++)
#pragma GCC unroll 12
		for (int i = 0; i < SUMS; i++)
			sum[i] = _mm512_fmadd_ps(sum[i], x, y);
	for (int i = 0; i < SUMS; i++) {
		_mm512_storeu_ps(out, sum[i]);
		total += out[0];
	}
	return total;
}

__attribute__((target("avx2,fma"))) static float spin_256(void)
{
	__m256 sum[SUMS], x = _mm256_set1_ps(0.999F), y = _mm256_set1_ps(1e-3F);
	float out[8], total = 0;

	for (int i = 0; i < SUMS; i++)
		sum[i] = _mm256_set1_ps((float)i);
	for (int t = 0; t < TURNS; t++)
#pragma GCC unroll 12
		for (int i = 0; i < SUMS; i++)
			sum[i] = _mm256_fmadd_ps(sum[i], x, y);
	for (int i = 0; i < SUMS; i++) {
		_mm256_storeu_ps(out, sum[i]);
		total += out[0];
	}
	return total;
}

double bench_peak(void)
{
	static volatile float sink;
	int floats = kernel_avx512.runs_here() ? 16 : kernel_avx2.runs_here() ? 8 : 0;
	double began = bench_clock();

	if (floats == 0)
		return 0;
	sink = floats == 16 ? spin_512() : spin_256();
	(void)sink;
	return 2.0 * SUMS * TURNS * floats / (bench_clock() - began) * 1e-9;
}
#else
double bench_peak(void)
{
	return 0;
}
#endif
