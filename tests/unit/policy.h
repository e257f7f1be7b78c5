/* The policy in tests: what it is told by and tells. A list as the kernel would have it, in memory,
 * and cases to make it act. */
#ifndef KARMA_TESTS_POLICY_H
#define KARMA_TESTS_POLICY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "respond/policy.h"
#include "respond/prefix.h"

static const int64_t second = 1000000000LL;
static const int64_t minute = 60 * 1000000000LL;
static const int64_t start = 1000 * 1000000000LL;

enum { KERNEL = 256 };

/* The list as the calls made it, with counts. */
static struct {
	struct policy_entry e[KERNEL];
	uint64_t packets[KERNEL];
	unsigned count;
	uint8_t protected_host; /* 10.0.0.N; 0: nobody */
	bool full;
	unsigned events[3];
	enum policy_why why;
	uint32_t uid;
} kernel;

static inline int place_of(const struct policy_what *what)
{
	for (unsigned i = 0; i < kernel.count; i++)
		if (memcmp(&kernel.e[i].what, what, sizeof(*what)) == 0)
			return (int)i;
	return -1;
}

static inline bool covers(const struct policy_what *w, const uint8_t addr[16])
{
	struct policy_what of = {.bits = w->bits};

	memcpy(of.addr, addr, 16);
	prefix_trim(of.addr, of.bits);
	return memcmp(of.addr, w->addr, 16) == 0;
}

static inline void host(uint8_t addr[16], unsigned net, unsigned number)
{
	const uint8_t v4[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 10, [14] = (uint8_t)net, [15] = (uint8_t)number};

	memcpy(addr, v4, 16);
}

static inline const char *protects(void *context, const struct policy_what *what)
{
	uint8_t addr[16];

	(void)context;
	host(addr, 0, kernel.protected_host);
	return kernel.protected_host && covers(what, addr) ? "a gateway" : NULL;
}

static inline int change(void *context, const struct policy_entry *e, enum policy_event event,
	enum policy_why why, uint32_t uid)
{
	int at = place_of(&e->what);

	(void)context;
	kernel.why = why;
	kernel.uid = uid;
	if (event == POLICY_ADD && kernel.full)
		return -ENOSPC;
	kernel.events[event]++;
	if (event == POLICY_ADD && at < 0) {
		at = (int)kernel.count++;
		assert_true(kernel.count <= KERNEL);
		kernel.packets[at] = 0;
	}
	assert_true(at >= 0);
	kernel.e[at] = *e;
	if (event == POLICY_REMOVE) {
		kernel.count--;
		kernel.e[at] = kernel.e[kernel.count];
		kernel.packets[at] = kernel.packets[kernel.count];
	}
	return 0;
}

static inline uint64_t packets(void *context, const struct policy_entry *e)
{
	int at = place_of(&e->what);

	(void)context;
	return at < 0 ? 0 : kernel.packets[at];
}

static const struct policy_calls calls = {protects, change, packets, NULL};

static inline struct policy *begin(const struct policy_settings *s)
{
	struct policy *p = policy_new(s, &calls);

	memset(&kernel, 0, sizeof(kernel));
	assert_non_null(p);
	return p;
}

static inline struct policy_case attack(enum karma_class class, unsigned number)
{
	struct policy_case c = {.alert = 77,
		.class = class,
		.confidence = 0.9F,
		.proven = true,
		.proto = 6,
		.port = 22,
		.ports = 1,
		.targets = 1};

	host(c.attacker, 0, number);
	host(c.target, 9, 9);
	return c;
}

static inline struct policy_what prefix(unsigned net, unsigned number, unsigned bits)
{
	struct policy_what w = {.bits = (uint8_t)bits};

	host(w.addr, net, number);
	prefix_trim(w.addr, w.bits);
	return w;
}

#endif
