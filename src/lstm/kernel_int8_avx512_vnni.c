/* int8 with AVX-512 VNNI: four products of bytes and their sum in one instruction. */
#ifdef __x86_64__
#define ISA "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"
#include "lstm/vec512.h"

enum { TILE = 6, OFFSET = 128 };

FN ints dot(ints sum, ints x, ints w)
{
	return (ints)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
}

#define DOT dot
#include "lstm/kernel_body.h"

static bool runs_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma");
}

const struct lstm_kernel kernel_int8_avx512_vnni = {
	.name = "int8-avx512-vnni",
	.runs_here = runs_here,
	.cells = V,
	.int8 = true,
	.offset = true,
	.layer = layer,
	.output = output,
	.bytes = bytes,
};
#endif
