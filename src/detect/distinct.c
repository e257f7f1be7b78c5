#include "detect/distinct.h"

#include <math.h>
#include <string.h>

static uint64_t mix(uint64_t h)
{
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93ULL;
	h = (h ^ (h >> 32)) * 0xd6e8feb86659fd93ULL;
	return h ^ (h >> 32);
}

static void set(uint64_t *word, uint32_t *ones, uint32_t bit)
{
	uint64_t mask = 1ULL << (bit % 64);

	*ones += !(word[bit / 64] & mask);
	word[bit / 64] |= mask;
}

void distinct_add_host(struct distinct_hosts *d, const uint8_t addr[16])
{
	uint64_t half[2];

	memcpy(half, addr, sizeof(half));
	set(d->word, &d->ones, (uint32_t)(mix(mix(half[0]) ^ half[1]) % DISTINCT_HOST_BITS));
}

void distinct_add_port(struct distinct_ports *d, uint16_t port)
{
	set(d->word, &d->ones, port);
}

uint64_t distinct_host_count(const struct distinct_hosts *d)
{
	double m = DISTINCT_HOST_BITS, zeros = m - d->ones;

	return (uint64_t)(m * log(m / fmax(zeros, 1)) + 0.5);
}
