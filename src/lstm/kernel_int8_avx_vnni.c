/* int8 with AVX-VNNI: four products of bytes and their sum in one instruction. */
#ifdef __x86_64__
#include <cpuid.h>

#define ISA "avxvnni,avx2,fma"
#include "lstm/vec256.h"

enum { TILE = 3, OFFSET = 128 };

FN ints dot(ints sum, ints x, ints w)
{
	return (ints)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)w);
}

#define DOT dot
#include "lstm/kernel_body.h"

/* gcc knows whether the system keeps the registers, and only its newer versions this instruction.
 */
static bool runs_here(void)
{
	unsigned a, b, c, d;

	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1U << 4);
}

const struct lstm_kernel kernel_int8_avx_vnni = {
	.name = "int8-avx-vnni",
	.runs_here = runs_here,
	.cells = V,
	.int8 = true,
	.offset = true,
	.layer = layer,
	.output = output,
	.bytes = bytes,
};
#endif
