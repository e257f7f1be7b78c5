/* float32 with AVX-512. */
#ifdef __x86_64__
#define ISA "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"
#include "lstm/vec512.h"

enum { TILE = 6 };

#include "lstm/kernel_body.h"

static bool runs_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("fma");
}

const struct lstm_kernel kernel_avx512 = {
	.name = "avx512",
	.runs_here = runs_here,
	.cells = V,
	.layer = layer,
	.output = output,
};
#endif
