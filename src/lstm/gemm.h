/* Matrix products for training and batches: C += A B and C += A^T B, row-major float32.
 *
 * B is packed first: weights once per update, and then used for every time step and shard.
 * Sums run over k in order, whatever m and n are: a row's result does not depend on the batch it
 * stands in. */
#ifndef KARMA_LSTM_GEMM_H
#define KARMA_LSTM_GEMM_H

#include <stddef.h>

enum { GEMM_PANEL = 32 }; /* columns that are worked on together */

/* Floats of a packed B (k, n): (ceil(n / PANEL), k, PANEL), the last panel filled with zeros. The
 * block must be aligned to 64 bytes (lstm_floats() is). */
size_t gemm_packed_size(int k, int n);
void gemm_pack(int k, int n, const float *b, int ldb, float *packed);
/* B is the transpose of b (n, k). */
void gemm_pack_transposed(int k, int n, const float *b, int ldb, float *packed);

/* c (m, n) += a (m, k) B (k, n); lda and ldc are the floats from one row to the next. */
void gemm(int m, int n, int k, const float *a, int lda, const float *packed, float *c, int ldc);
/* c (m, n) += A^T B (k, n) with a (k, m). */
void gemm_ta(int m, int n, int k, const float *a, int lda, const float *packed, float *c, int ldc);

#endif
