#include "lstm/gemm.h"

#include <string.h>

#include "lstm/clones.h"

enum {
	LANES = 16,
	VECTORS = GEMM_PANEL / LANES,
	TILE = 8,      /* rows of C in registers */
	K_BLOCK = 256, /* a block of a panel, 32 KB, stays in the first cache */
};

/* Two of them are a panel's row. gcc makes of it one AVX-512 register, two of AVX, or four of SSE.
 */
typedef float vector __attribute__((vector_size(LANES * sizeof(float)), may_alias));

size_t gemm_packed_size(int k, int n)
{
	return (size_t)((n + GEMM_PANEL - 1) / GEMM_PANEL) * (size_t)k * GEMM_PANEL;
}

void gemm_pack(int k, int n, const float *b, int ldb, float *packed)
{
	for (int j = 0; j < n; j += GEMM_PANEL) {
		int columns = n - j < GEMM_PANEL ? n - j : GEMM_PANEL;

		for (int i = 0; i < k; i++, packed += GEMM_PANEL) {
			memcpy(packed, b + (size_t)i * (size_t)ldb + j,
				(size_t)columns * sizeof(*b));
			for (int q = columns; q < GEMM_PANEL; q++)
				packed[q] = 0;
		}
	}
}

void gemm_pack_transposed(int k, int n, const float *b, int ldb, float *packed)
{
	for (int j = 0; j < n; j += GEMM_PANEL)
		for (int i = 0; i < k; i++, packed += GEMM_PANEL)
			for (int q = 0; q < GEMM_PANEL; q++)
				packed[q] = j + q < n ? b[(size_t)(j + q) * (size_t)ldb + i] : 0;
}

/* c (rows, columns) += a B for one panel. Element (r, p) of a stands at r * row + p * step; one of
 * the two is the constant 1 where this is called. `rows` is a constant there as well, so that the
 * sums stay in registers. */
INLINE void tile(int rows, int columns, int k, const float *a, size_t row, size_t step,
	const float *b, float *c, size_t ldc)
{
	vector sum[TILE][VECTORS];
	float whole[GEMM_PANEL] __attribute__((aligned(64)));

	for (int r = 0; r < rows; r++)
		for (int v = 0; v < VECTORS; v++)
			sum[r][v] = (vector){0};
	for (int p = 0; p < k; p++, b += GEMM_PANEL, a += step)
#pragma GCC unroll 8
		for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
			for (int v = 0; v < VECTORS; v++)
				sum[r][v] += a[(size_t)r * row] * ((const vector *)b)[v];
	for (int r = 0; r < rows; r++) {
		memcpy(whole, sum[r], sizeof(whole));
		for (int j = 0; j < columns; j++)
			c[(size_t)r * ldc + (size_t)j] += whole[j];
	}
}

/* All rows of C for one panel and one block of k. */
INLINE void panel(int m, int columns, int k, const float *a, size_t row, size_t step,
	const float *b, float *c, size_t ldc)
{
	int i = 0;

	for (; i + TILE <= m; i += TILE)
		tile(TILE, columns, k, a + (size_t)i * row, row, step, b, c + (size_t)i * ldc, ldc);
	for (; i + 2 <= m; i += 2)
		tile(2, columns, k, a + (size_t)i * row, row, step, b, c + (size_t)i * ldc, ldc);
	for (; i < m; i++)
		tile(1, columns, k, a + (size_t)i * row, row, step, b, c + (size_t)i * ldc, ldc);
}

INLINE void product(int m, int n, int k, const float *a, size_t row, size_t step,
	const float *packed, float *c, size_t ldc)
{
	for (int p = 0; p < k; p += K_BLOCK) {
		int depth = k - p < K_BLOCK ? k - p : K_BLOCK;

		for (int j = 0; j < n; j += GEMM_PANEL) {
			const float *b = packed + ((size_t)j * (size_t)k) + (size_t)p * GEMM_PANEL;
			const float *from = a + (size_t)p * step;

			if (n - j >= GEMM_PANEL) /* a constant lets the store be vectors too */
				panel(m, GEMM_PANEL, depth, from, row, step, b, c + j, ldc);
			else
				panel(m, n - j, depth, from, row, step, b, c + j, ldc);
		}
	}
}

CLONES void gemm(
	int m, int n, int k, const float *a, int lda, const float *packed, float *c, int ldc)
{
	product(m, n, k, a, (size_t)lda, 1, packed, c, (size_t)ldc);
}

CLONES void gemm_ta(
	int m, int n, int k, const float *a, int lda, const float *packed, float *c, int ldc)
{
	product(m, n, k, a, 1, (size_t)lda, packed, c, (size_t)ldc);
}
