/* The sieve over the hosts that are listed: the kernel reads its bits, which have several hosts
 * each now and then, and how many is kept here. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "respond/filter_inside.h"

enum {
	BITS_A_HOST =
		8, /* of the room: one address in nine is looked up in vain when that is full */
	HOSTS_MAX = 255, /* that are counted of a bit: then it stays set */
};

struct filter_sieve {
	uint64_t *word; /* the map */
	size_t words, size;
	uint8_t *hosts; /* of each bit */
};

uint32_t filter_sieve_words(uint32_t hosts)
{
	uint64_t words = 1;

	while (words * 64 < (uint64_t)hosts * BITS_A_HOST)
		words *= 2;
	return (uint32_t)words;
}

/* Words are stored whole: the kernel reads them meanwhile. */
static void set_word(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

void filter_sieve_add(struct filter *f, const struct flow_addr *host)
{
	uint32_t bit = sieve_bit(f->state, host);
	struct filter_sieve *s = f->sieve;

	if (s->hosts[bit] < HOSTS_MAX)
		s->hosts[bit]++;
	set_word(&s->word[bit / 64], s->word[bit / 64] | 1ull << bit % 64);
}

void filter_sieve_del(struct filter *f, const struct flow_addr *host)
{
	uint32_t bit = sieve_bit(f->state, host);
	struct filter_sieve *s = f->sieve;

	if (s->hosts[bit] == HOSTS_MAX || --s->hosts[bit])
		return;
	set_word(&s->word[bit / 64], s->word[bit / 64] & ~(1ull << bit % 64));
}

/* Those that were taken over; bits of hosts that are gone are cleared. */
static void count_hosts(struct filter *f)
{
	int map = bpf_map__fd(f->skel->maps.hosts);
	struct filter_sieve *s = f->sieve;
	struct flow_addr at, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		at = next;
		filter_sieve_add(f, &at);
		more = bpf_map_get_next_key(map, &at, &next) == 0;
	}
	for (size_t i = 0; i < s->words; i++) {
		uint64_t bits = 0;

		for (unsigned b = 0; b < 64; b++)
			bits |= (uint64_t)(s->hosts[i * 64 + b] > 0) << b;
		set_word(&s->word[i], bits);
	}
}

int filter_sieve_open(struct filter *f, bool taken_over)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct filter_sieve *s = calloc(1, sizeof(*s));
	void *words;

	f->sieve = s;
	if (!s)
		return -ENOMEM;
	s->words = bpf_map__max_entries(f->skel->maps.sieve);
	s->size = (s->words * sizeof(*s->word) + page - 1) / page * page;
	s->hosts = calloc(s->words, 64);
	words = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(f->skel->maps.sieve), 0);
	if (words == MAP_FAILED)
		return -errno;
	s->word = words;
	if (!s->hosts)
		return -ENOMEM;
	if (taken_over) {
		count_hosts(f);
		return 0;
	}
	f->state->shift = 64 - (uint32_t)__builtin_ctzll(s->words * 64);
	if (getrandom(f->state->secret, sizeof(f->state->secret), 0) < 0)
		return -errno;
	f->state->secret[0] |= 1;
	f->state->secret[1] |= 1;
	return 0;
}

void filter_sieve_close(struct filter *f)
{
	struct filter_sieve *s = f->sieve;

	if (!s)
		return;
	if (s->word)
		munmap(s->word, s->size);
	free(s->hosts);
	free(s);
}
