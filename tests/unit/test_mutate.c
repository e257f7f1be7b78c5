/* Captures with some bytes changed, cut or repeated, the same ones in every run: a crash, a leak
 * (under sanitizers) or an insane record is a failure. tests/fuzz looks further. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fuzz/capture.c"

enum { ROUNDS = 400, SIZE_MAX_CAPTURE = 16384 };

static uint64_t random_state;

/* SplitMix64. */
static uint32_t random_below(uint32_t n)
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ (z >> 31)) >> 32) % n;
}

static size_t mutate(uint8_t *data, size_t size)
{
	static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, 0x45, 0x60, 6, 17, 44, 58};

	for (uint32_t n = 1 + random_below(8); n > 0; n--) {
		uint32_t at = random_below((uint32_t)size);

		switch (random_below(4)) {
		case 0:
			data[at] ^= (uint8_t)(1u << random_below(8));
			break;
		case 1:
			data[at] = telling[random_below(sizeof(telling))];
			break;
		case 2:
			data[at] = (uint8_t)random_below(256);
			break;
		default:
			memmove(data + at, data + random_below((uint32_t)size - at + 1), 1);
			break;
		}
	}
	return random_below(8) ? size : 1 + random_below((uint32_t)size);
}

static void mutations_of(const char *path)
{
	static uint8_t whole[SIZE_MAX_CAPTURE], changed[SIZE_MAX_CAPTURE];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f)
		fail_msg("%s: not found; run this from the root of the repository", path);
	size = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	assert_true(size > 0 && size < sizeof(whole));
	random_state = 1;
	for (unsigned i = 0; i < ROUNDS; i++) {
		memcpy(changed, whole, size);
		LLVMFuzzerTestOneInput(changed, i ? mutate(changed, size) : size);
	}
}

static void web(void **unused)
{
	(void)unused;
	mutations_of("tests/captures/web.pcap");
}

static void scan(void **unused)
{
	(void)unused;
	mutations_of("tests/captures/scan.pcap");
}

static void long_flows(void **unused)
{
	(void)unused;
	mutations_of("tests/captures/long.pcap");
}

static void ipv6(void **unused)
{
	(void)unused;
	mutations_of("tests/captures/ipv6.pcap");
}

static void vlan(void **unused)
{
	(void)unused;
	mutations_of("tests/captures/vlan.pcap");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(web),
		cmocka_unit_test(scan),
		cmocka_unit_test(long_flows),
		cmocka_unit_test(ipv6),
		cmocka_unit_test(vlan),
	};

	return cmocka_run_group_tests_name("mutate", tests, NULL, NULL);
}
