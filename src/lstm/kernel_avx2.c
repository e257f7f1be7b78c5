/* float32 with AVX2 and FMA. */
#ifdef __x86_64__
#define ISA "avx2,fma"
#include "lstm/vec256.h"

enum { TILE = 3 };

#include "lstm/kernel_body.h"

static bool runs_here(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const struct lstm_kernel kernel_avx2 = {
	.name = "avx2",
	.runs_here = runs_here,
	.cells = V,
	.layer = layer,
	.output = output,
};
#endif
