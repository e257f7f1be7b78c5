#include "respond/protected.h"

#include <stdlib.h>
#include <string.h>

const int64_t protected_kept_ns = 5 * 60 * 1000000000LL;

const char *protected_text(enum protected_why why)
{
	static const char *const text[] = {
		[PROTECTED_OWN] = "an address of this machine",
		[PROTECTED_GATEWAY] = "a gateway",
		[PROTECTED_DNS] = "a DNS server in use",
		[PROTECTED_SESSION] = "the other end of a login session",
		[PROTECTED_ALLOWED] = "on the allow list",
		[PROTECTED_LOOPBACK] = "loopback",
		[PROTECTED_MULTICAST] = "multicast",
		[PROTECTED_BROADCAST] = "broadcast",
		[PROTECTED_UNSPECIFIED] = "the unspecified address",
	};

	return text[why];
}

static const struct protected_one *find(
	const struct protected_list *l, const uint8_t addr[16], unsigned bits)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->one[i].what.bits == bits && memcmp(l->one[i].what.addr, addr, 16) == 0)
			return &l->one[i];
	return NULL;
}

static void add(struct protected_list *l, const struct protected_one *new)
{
	struct protected_one *more;

	if (find(l, new->what.addr, new->what.bits))
		return;
	if (l->count == l->room) {
		uint32_t room = l->room ? 2 * l->room : 64;

		more = room <= PROTECTED_MOST ? realloc(l->one, room * sizeof(*more)) : NULL;
		if (!more) {
			l->lost++;
			return;
		}
		l->one = more;
		l->room = room;
	}
	l->one[l->count++] = *new;
}

void protected_add(
	struct protected_list *l, const uint8_t addr[16], unsigned bits, enum protected_why why)
{
	struct protected_one new = {.what.bits = (uint8_t)bits, .why = why, .found_ns = l->at_ns};

	memcpy(new.what.addr, addr, sizeof(new.what.addr));
	prefix_trim(new.what.addr, bits);
	add(l, &new);
}

void protected_keep(struct protected_list *l, const struct protected_list *before, unsigned kinds)
{
	for (uint32_t i = 0; i < before->count; i++) {
		const struct protected_one *one = &before->one[i];

		if ((kinds >> one->why & 1) && l->at_ns - one->found_ns <= protected_kept_ns)
			add(l, one);
	}
}

void protected_add_fixed(struct protected_list *l)
{
	static const struct {
		const char *prefix;
		enum protected_why why;
	} fixed[] = {
		{"127.0.0.0/8", PROTECTED_LOOPBACK},
		{"::1", PROTECTED_LOOPBACK},
		{"224.0.0.0/4", PROTECTED_MULTICAST},
		{"ff00::/8", PROTECTED_MULTICAST},
		{"255.255.255.255", PROTECTED_BROADCAST},
		{"0.0.0.0/8", PROTECTED_UNSPECIFIED},
		{"::", PROTECTED_UNSPECIFIED},
	};
	struct prefix p;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (prefix_parse(fixed[i].prefix, &p))
			protected_add(l, p.addr, p.bits, fixed[i].why);
}

const char *protected_find(const struct protected_list *l, const uint8_t addr[16], unsigned bits)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (prefix_overlaps(l->one[i].what.addr, l->one[i].what.bits, addr, bits))
			return protected_text(l->one[i].why);
	return NULL;
}

bool protected_same(const struct protected_list *a, const struct protected_list *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!find(b, a->one[i].what.addr, a->one[i].what.bits))
			return false;
	return true;
}

void protected_free(struct protected_list *l)
{
	free(l->one);
	*l = (struct protected_list){0};
}
