/* The block list's property: whatever is added and taken out, what is dropped is what a simple
 * model of it says. */
#include "filter.h"

#include "util/rng.h"

/* Hosts and the prefixes that they are in: what is listed, and how much was dropped by it. */
enum { HOSTS = 64, NETS = 8, ENTRIES = HOSTS + 2 * NETS, STEPS = 30000 };

struct model {
	bool listed[ENTRIES], allowed[ENTRIES];
	uint64_t packets[ENTRIES], times[ENTRIES];
};

/* Entry i: a host, or a prefix of 8, or one of 16 of them. */
static struct filter_prefix entry(int i)
{
	if (i < HOSTS)
		return v4((uint8_t)i, 32);
	if (i < HOSTS + NETS)
		return v4((uint8_t)((i - HOSTS) * 8), 29);
	return v4((uint8_t)((i - HOSTS - NETS) * 16), 28);
}

static bool is_in(int host, int i)
{
	if (i < HOSTS)
		return host == i;
	return i < HOSTS + NETS ? host / 8 == i - HOSTS : host / 16 == i - HOSTS - NETS;
}

/* The most narrow entry of a set that a host is in, or -1. */
static int entry_of(const bool *set, int host)
{
	for (int i = 0; i < ENTRIES; i++)
		if (set[i] && is_in(host, i))
			return i;
	return -1;
}

static void model_allow(struct filter *f, struct model *m, struct rng *r)
{
	struct filter_prefix set[ENTRIES];
	uint32_t count = 0;

	for (int i = 0; i < ENTRIES; i++) {
		m->allowed[i] = rng_below(r, 30) == 0;
		if (m->allowed[i])
			set[count++] = entry(i);
	}
	assert_int_equal(filter_allow(f, set, count), 0);
}

static void model_packet(struct filter *f, struct model *m, int host)
{
	struct spec s = udp(NET_IPV4, (uint8_t)host);
	int i = entry_of(m->listed, host);

	if (i >= 0 && entry_of(m->allowed, host) >= 0)
		i = -1;
	assert_int_equal(drops(f, &s), i >= 0);
	if (i >= 0)
		m->packets[i]++;
}

static void model_change(struct filter *f, struct model *m, struct rng *r, uint64_t step)
{
	int i = (int)rng_below(r, ENTRIES);
	struct filter_prefix p = entry(i);
	struct filter_note note = {.alert = step};

	if (rng_below(r, 2)) {
		assert_int_equal(filter_add(f, &p, &note), 0);
		if (!m->listed[i])
			m->packets[i] = 0;
		m->listed[i] = true;
		m->times[i] = step;
	} else {
		assert_int_equal(filter_del(f, &p), m->listed[i] ? 0 : -ENOENT);
		m->listed[i] = false;
	}
}

static void model_check(const struct filter *f, const struct model *m, int i)
{
	struct filter_prefix p = entry(i);
	struct filter_entry e;

	assert_int_equal(filter_get(f, &p, &e), m->listed[i] ? 0 : -ENOENT);
	if (!m->listed[i])
		return;
	assert_int_equal(e.counts.packets, m->packets[i]);
	assert_int_equal(e.note.alert, m->times[i]);
	assert_memory_equal(&e.what, &p, sizeof(p));
}

struct listing {
	const struct model *m;
	struct filter *f;
	uint32_t count, deleted;
};

static int check_each(void *context, const struct filter_entry *e)
{
	struct listing *l = context;

	for (int i = 0; i < ENTRIES; i++) {
		struct filter_prefix p = entry(i);

		if (memcmp(&e->what, &p, sizeof(p)) != 0)
			continue;
		assert_true(l->m->listed[i]);
		assert_int_equal(e->counts.packets, l->m->packets[i]);
		l->count++;
		if (l->f && i % 2) { /* may go while all are gone through */
			assert_int_equal(filter_del(l->f, &p), 0);
			l->deleted++;
		}
		return 0;
	}
	fail_msg("an entry that nobody made");
	return 1;
}

static void random_changes_agree_with_a_model(void **state)
{
	struct filter *f = filter_new();
	struct model m = {.listed = {0}};
	struct rng r = {11};
	struct listing all = {.m = &m}, going = {.m = &m, .f = f};
	struct filter_stats stats;
	uint32_t listed = 0, left = 0;

	(void)state;
	for (uint64_t step = 1; step <= STEPS; step++) {
		int host = (int)rng_below(&r, HOSTS);

		switch (rng_below(&r, 40)) {
		case 0:
			model_allow(f, &m, &r);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
			model_change(f, &m, &r, step);
			break;
		case 5:
			model_check(f, &m, (int)rng_below(&r, ENTRIES));
			break;
		default: /* a train */
			for (uint64_t n = 1 + rng_below(&r, 4); n > 0; n--)
				model_packet(f, &m, host);
		}
	}
	for (int i = 0; i < ENTRIES; i++) {
		model_check(f, &m, i);
		listed += m.listed[i];
	}
	assert_int_equal(filter_each(f, check_each, &all), 0);
	assert_int_equal(all.count, listed);
	assert_int_equal(filter_each(f, check_each, &going), 0);
	assert_int_equal(going.count, listed);
	assert_int_equal(filter_each(f, count_entry, &left), 0);
	assert_int_equal(left, listed - going.deleted);
	assert_int_equal(filter_stats(f, &stats), 0);
	assert_int_equal(stats.hosts + stats.prefixes, left);
	filter_close(f, false);
}

/* ---- prefixes of every length, of both families: the sieve before the trie changes its mask with
 * the shortest ---- */

enum { LENGTHS = 24, LENGTH_STEPS = 20000 };

/* Entry i: 12 of IPv4, 12 of IPv6; the last is of both. */
static struct filter_prefix long_or_short(int i)
{
	static const uint8_t bits[LENGTHS] = {8, 12, 16, 20, 24, 25, 26, 27, 28, 29, 30, 31, 16, 32,
		48, 56, 64, 96, 112, 120, 124, 126, 127, 0};
	uint8_t host = (uint8_t)(i % 12 * 21);

	return i < 12 ? v4(host, bits[i]) : v6(host, bits[i]);
}

static bool has(const struct filter_prefix *p, const struct filter_prefix *host)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	return memcmp(p->addr, host->addr, whole) == 0 &&
	       (!rest || !((p->addr[whole] ^ host->addr[whole]) & (0xff00 >> rest) & 0xff));
}

static void prefixes_of_every_length(void **state)
{
	struct filter *f = filter_new();
	bool listed[LENGTHS] = {false};
	struct rng r = {12};

	(void)state;
	for (int step = 0; step < LENGTH_STEPS; step++) {
		int i = (int)rng_below(&r, LENGTHS);
		int net = rng_below(&r, 2) ? NET_IPV4 : NET_IPV6;
		struct spec s = udp(net, (uint8_t)rng_next(&r));
		struct filter_prefix p = long_or_short(i),
				     host = net == NET_IPV4 ? v4(s.src, 32) : v6(s.src, 128);
		bool wanted = false;

		/* Short ones are there now and then. */
		if (rng_below(&r, 20) == 0 && listed[i]) {
			del(f, p);
			listed[i] = false;
		} else if (rng_below(&r, 20) == 0 && (p.bits % 96 > 20 || rng_below(&r, 8) == 0)) {
			add(f, p);
			listed[i] = true;
		}
		for (int k = 0; k < LENGTHS; k++) {
			struct filter_prefix one = long_or_short(k);

			wanted |= listed[k] && has(&one, &host);
		}
		assert_int_equal(drops(f, &s), wanted);
	}
	filter_close(f, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes_agree_with_a_model),
		cmocka_unit_test(prefixes_of_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
