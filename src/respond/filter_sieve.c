/* The sieve over what is listed: the kernel reads its bits, which stand for several hosts, prefixes
 * or limits each now and then, and for how many is kept here. */
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
	KEYS_MAX = 255, /* that are counted of a bit: then it stays set */
};

struct filter_sieve {
	uint64_t *word; /* the map */
	size_t words, size;
	uint8_t *keys;                                    /* of each bit */
	uint32_t lengths[BLOCK_FAMILIES][BLOCK_HOST + 1]; /* prefixes of each */
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

void filter_sieve_add(struct filter *f, const struct flow_addr *key)
{
	uint32_t bit = sieve_bit(f->state, key);
	struct filter_sieve *s = f->sieve;

	if (s->keys[bit] < KEYS_MAX)
		s->keys[bit]++;
	set_word(&s->word[bit / 64], s->word[bit / 64] | 1ull << bit % 64);
}

void filter_sieve_del(struct filter *f, const struct flow_addr *key)
{
	uint32_t bit = sieve_bit(f->state, key);
	struct filter_sieve *s = f->sieve;

	if (s->keys[bit] == KEYS_MAX || --s->keys[bit])
		return;
	set_word(&s->word[bit / 64], s->word[bit / 64] & ~(1ull << bit % 64));
}

/* ---- prefixes ---- */

static struct flow_addr mask_of(unsigned bits)
{
	uint8_t bytes[16] = {0};
	struct flow_addr mask;

	memset(bytes, 0xff, bits / 8);
	if (bits % 8)
		bytes[bits / 8] = (uint8_t)(0xff00 >> bits % 8);
	memcpy(&mask, bytes, sizeof(mask));
	return mask;
}

/* Has it addresses of the family? Short ones have of both. */
static bool is_of(const struct block_prefix *p, int family)
{
	static const uint8_t ipv4[16] = {[10] = 0xff, [11] = 0xff};
	struct flow_addr mask = mask_of(p->bits < 96 ? p->bits : 96), a, b;
	bool in_ipv4;

	memcpy(&a, p->addr, sizeof(a));
	memcpy(&b, ipv4, sizeof(b));
	in_ipv4 =
		!((a.word[0] ^ b.word[0]) & mask.word[0] || (a.word[1] ^ b.word[1]) & mask.word[1]);
	return family == BLOCK_IPV4 ? in_ipv4 : !in_ipv4 || p->bits < 96;
}

/* Its key in the sieve. */
static struct flow_addr first_bits(const struct filter *f, const struct block_prefix *p, int family)
{
	struct flow_addr addr;

	memcpy(&addr, p->addr, sizeof(addr));
	return sieve_prefix(f->state, &addr, family);
}

static unsigned shortest_of(const struct filter_sieve *s, int family)
{
	unsigned bits = 0;

	while (bits < BLOCK_HOST && !s->lengths[family][bits])
		bits++;
	return bits;
}

/* All that are in the trie, by the present mask. */
static void each_prefix(const struct filter *f, int family,
	void (*change)(struct filter *f, const struct flow_addr *key), struct filter *to)
{
	int map = bpf_map__fd(f->skel->maps.prefixes);
	struct block_prefix at, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		at = next;
		if (is_of(&at, family)) {
			struct flow_addr key = first_bits(f, &at, family);

			change(to, &key);
		}
		more = bpf_map_get_next_key(map, &at, &next) == 0;
	}
}

/* Wait for the programs that run. The kernel does so when a map of maps is changed, and has no
 * other call for it everywhere: membarrier() refuses on machines with CPUs that have no tick
 * (nohz_full). Where no map can be had, a tenth of a second is long beyond the microseconds that
 * one runs. */
static void wait_for_programs(void)
{
	const uint32_t zero = 0;
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "karma_wait", 4, 4, 1, NULL), outer;
	struct bpf_map_create_opts of = {.sz = sizeof(of), .inner_map_fd = (uint32_t)inner};

	outer = inner < 0 ? -1
			  : bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "karma_wait", 4, 4, 1, &of);
	if (outer < 0 || bpf_map_update_elem(outer, &zero, &inner, BPF_ANY) != 0)
		usleep(100000);
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
}

/* The shortest has come or gone: all are in the sieve by as many bits as it has. Meanwhile the trie
 * is asked, once the packets that still go by the old mask are through. */
static void set_mask(struct filter *f, int family, unsigned bits)
{
	uint32_t *sieved = &f->state->sieved;

	__atomic_store_n(sieved, 0, __ATOMIC_SEQ_CST);
	if (shortest_of(f->sieve, family) < BLOCK_HOST)
		wait_for_programs();
	each_prefix(f, family, filter_sieve_del, f);
	f->state->mask[family] = mask_of(bits);
	each_prefix(f, family, filter_sieve_add, f);
	__atomic_store_n(sieved, 1, __ATOMIC_SEQ_CST);
}

void filter_sieve_add_prefix(struct filter *f, const struct block_prefix *p)
{
	for (int family = 0; family < BLOCK_FAMILIES; family++) {
		struct flow_addr key;

		if (!is_of(p, family))
			continue;
		if (p->bits < shortest_of(f->sieve, family))
			set_mask(f, family, p->bits);
		f->sieve->lengths[family][p->bits]++;
		key = first_bits(f, p, family);
		filter_sieve_add(f, &key);
	}
}

void filter_sieve_del_prefix(struct filter *f, const struct block_prefix *p)
{
	for (int family = 0; family < BLOCK_FAMILIES; family++) {
		struct flow_addr key;

		if (!is_of(p, family))
			continue;
		key = first_bits(f, p, family);
		filter_sieve_del(f, &key);
		if (--f->sieve->lengths[family][p->bits] == 0 &&
			p->bits < shortest_of(f->sieve, family))
			set_mask(f, family, shortest_of(f->sieve, family));
	}
}

/* ---- limits ---- */

void filter_sieve_add_limit(struct filter *f, const struct block_limit_key *key)
{
	struct flow_addr to = sieve_destination(key->addr), one = sieve_limit(key);

	filter_sieve_add(f, &to);
	filter_sieve_add(f, &one);
}

void filter_sieve_del_limit(struct filter *f, const struct block_limit_key *key)
{
	struct flow_addr to = sieve_destination(key->addr), one = sieve_limit(key);

	filter_sieve_del(f, &one);
	filter_sieve_del(f, &to);
}

/* ---- the whole ---- */

/* What was taken over, beginning with hosts; bits of what is gone are cleared. */
static void count_hosts(struct filter *f)
{
	int map = bpf_map__fd(f->skel->maps.hosts);
	struct flow_addr at, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		at = next;
		filter_sieve_add(f, &at);
		more = bpf_map_get_next_key(map, &at, &next) == 0;
	}
}

static void count_limits(struct filter *f)
{
	int map = bpf_map__fd(f->skel->maps.limits);
	struct block_limit_key at, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		at = next;
		filter_sieve_add_limit(f, &at);
		more = bpf_map_get_next_key(map, &at, &next) == 0;
	}
}

static void count_prefixes(struct filter *f)
{
	int map = bpf_map__fd(f->skel->maps.prefixes);
	struct block_prefix at, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;

	while (more) {
		at = next;
		for (int family = 0; family < BLOCK_FAMILIES; family++)
			f->sieve->lengths[family][at.bits] += is_of(&at, family);
		more = bpf_map_get_next_key(map, &at, &next) == 0;
	}
}

static void take_over(struct filter *f)
{
	struct filter_sieve *s = f->sieve;

	f->state->sieved = 0;
	count_hosts(f);
	count_limits(f);
	count_prefixes(f);
	for (int family = 0; family < BLOCK_FAMILIES; family++) {
		f->state->mask[family] = mask_of(shortest_of(s, family));
		each_prefix(f, family, filter_sieve_add, f);
	}
	for (size_t i = 0; i < s->words; i++) {
		uint64_t bits = 0;

		for (unsigned b = 0; b < 64; b++)
			bits |= (uint64_t)(s->keys[i * 64 + b] > 0) << b;
		set_word(&s->word[i], bits);
	}
	f->state->sieved = 1;
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
	s->keys = calloc(s->words, 64);
	words = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED,
		bpf_map__fd(f->skel->maps.sieve), 0);
	if (words == MAP_FAILED)
		return -errno;
	s->word = words;
	if (!s->keys)
		return -ENOMEM;
	if (taken_over) {
		take_over(f);
		return 0;
	}
	f->state->sieved = 1;
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
	free(s->keys);
	free(s);
}
