/* The policy: what it answers to alerts and to people, and a property: whatever comes in whatever
 * order, its list is that of a model simple enough to be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "respond/policy.h"
#include "respond/prefix.h"
#include "util/rng.h"

static const int64_t second = 1000000000LL;
static const int64_t minute = 60 * 1000000000LL;
static const int64_t start = 1000 * 1000000000LL;

/* ---- what the policy is told by and tells ---- */

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

static int place_of(const struct policy_what *what)
{
	for (unsigned i = 0; i < kernel.count; i++)
		if (memcmp(&kernel.e[i].what, what, sizeof(*what)) == 0)
			return (int)i;
	return -1;
}

static bool covers(const struct policy_what *w, const uint8_t addr[16])
{
	struct policy_what of = {.bits = w->bits};

	memcpy(of.addr, addr, 16);
	prefix_trim(of.addr, of.bits);
	return memcmp(of.addr, w->addr, 16) == 0;
}

static void host(uint8_t addr[16], unsigned net, unsigned number)
{
	const uint8_t v4[16] = {
		[10] = 0xff, [11] = 0xff, [12] = 10, [14] = (uint8_t)net, [15] = (uint8_t)number};

	memcpy(addr, v4, 16);
}

static const char *protects(void *context, const struct policy_what *what)
{
	uint8_t addr[16];

	(void)context;
	host(addr, 0, kernel.protected_host);
	return kernel.protected_host && covers(what, addr) ? "a gateway" : NULL;
}

static int change(void *context, const struct policy_entry *e, enum policy_event event,
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

static uint64_t packets(void *context, const struct policy_entry *e)
{
	int at = place_of(&e->what);

	(void)context;
	return at < 0 ? 0 : kernel.packets[at];
}

static const struct policy_calls calls = {protects, change, packets, NULL};

static struct policy *begin(const struct policy_settings *s)
{
	struct policy *p = policy_new(s, &calls);

	memset(&kernel, 0, sizeof(kernel));
	assert_non_null(p);
	return p;
}

static struct policy_case attack(enum karma_class class, unsigned number)
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

static enum policy_verdict verdict(struct policy *p, const struct policy_case *c, int64_t now_ns)
{
	return policy_alert(p, c, now_ns).verdict;
}

static struct policy_what prefix(unsigned net, unsigned number, unsigned bits)
{
	struct policy_what w = {.bits = (uint8_t)bits};

	host(w.addr, net, number);
	prefix_trim(w.addr, w.bits);
	return w;
}

/* ---- one thing each ---- */

static void blocks_and_forgets(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_case c = attack(CLASS_BRUTE_FORCE, 1);
	struct policy_answer a = policy_alert(p, &c, start);

	(void)state;
	assert_int_equal(a.verdict, POLICY_BLOCKED);
	assert_true(a.fresh);
	assert_int_equal(a.entry->until_ns - start, 10 * minute);
	assert_int_equal(kernel.count, 1);
	a = policy_alert(p, &c, start + second);
	assert_int_equal(a.verdict, POLICY_BLOCKED);
	assert_false(a.fresh);
	policy_tick(p, start + 10 * minute - 1);
	assert_int_equal(kernel.count, 1);
	policy_tick(p, start + 10 * minute);
	assert_int_equal(kernel.count, 0);
	assert_int_equal(kernel.why, POLICY_WHY_EXPIRED);
	policy_free(p);
}

static void doubles_up_to_the_limit(void **state)
{
	struct policy_settings s = policy_defaults;
	struct policy_case c = attack(CLASS_BRUTE_FORCE, 1);
	int64_t now = start, expected[] = {10, 20, 40, 80, 90, 90};
	struct policy *p;

	(void)state;
	s.longest_ns = 90 * minute;
	p = begin(&s);
	for (unsigned i = 0; i < 6; i++) {
		struct policy_answer a = policy_alert(p, &c, now);

		assert_true(a.fresh);
		assert_int_equal(a.entry->until_ns - now, expected[i] * minute);
		assert_int_equal(a.entry->times, i);
		now = a.entry->until_ns;
		policy_tick(p, now);
		assert_int_equal(kernel.count, 0);
		now += minute;
	}
	now += s.memory_ns;
	assert_int_equal(policy_alert(p, &c, now).entry->until_ns - now, 10 * minute);
	policy_free(p);
}

static void renews_what_still_attacks(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_case c = attack(CLASS_RECONNAISSANCE, 1);
	int64_t end = policy_alert(p, &c, start).entry->until_ns;

	(void)state;
	kernel.packets[0] = 5000;
	policy_tick(p, end - minute);
	kernel.packets[0] += 10;
	policy_tick(p, end);
	assert_int_equal(kernel.count, 1);
	assert_int_equal(kernel.events[POLICY_RENEW], 1);
	assert_int_equal(kernel.e[0].until_ns, end + 20 * minute);
	assert_int_equal(kernel.e[0].since_ns, start);
	/* What came before its probation does not count, nor do a few packets in it. */
	end = kernel.e[0].until_ns;
	kernel.packets[0] += 100000;
	policy_tick(p, end - minute);
	kernel.packets[0] += 9;
	policy_tick(p, end);
	assert_int_equal(kernel.count, 0);
	policy_free(p);
}

static void asks_for_confidence(void **state)
{
	struct policy_settings s = policy_defaults;
	struct policy_case c = attack(CLASS_BRUTE_FORCE, 1);
	struct policy *p;

	(void)state;
	s.rule[CLASS_GENERIC].action = POLICY_OFF;
	p = begin(&s);
	c.confidence = 0.69F;
	assert_int_equal(verdict(p, &c, start), POLICY_UNSURE);
	c.confidence = 0.71F;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	c = attack(CLASS_GENERIC, 2);
	assert_int_equal(verdict(p, &c, start), POLICY_IS_OFF);
	assert_int_equal(kernel.count, 1);
	policy_free(p);
}

static void dry_run_is_said_only(void **state)
{
	struct policy_settings s = policy_defaults;
	struct policy_case c = attack(CLASS_EXPLOITS, 1);
	struct policy *p = begin(&s);
	struct policy_answer a = policy_alert(p, &c, start);

	(void)state;
	assert_int_equal(a.verdict, POLICY_WOULD);
	assert_true(a.fresh && a.entry->dry);
	assert_false(policy_alert(p, &c, start).fresh);
	/* Another class, whose rule is to block, makes it real. */
	c.class = CLASS_BRUTE_FORCE;
	a = policy_alert(p, &c, start);
	assert_int_equal(a.verdict, POLICY_BLOCKED);
	assert_true(a.fresh && !a.entry->dry);
	assert_int_equal(kernel.count, 1);
	policy_free(p);
	s.dry_run = true;
	p = begin(&s);
	assert_int_equal(verdict(p, &c, start), POLICY_WOULD);
	policy_free(p);
}

static void never_a_protected_one(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_case c = attack(CLASS_BRUTE_FORCE, 1);
	struct policy_what net = prefix(0, 0, 96 + 24);
	struct policy_answer a;

	(void)state;
	kernel.protected_host = 1;
	a = policy_alert(p, &c, start);
	assert_int_equal(a.verdict, POLICY_PROTECTED);
	assert_string_equal(a.why, "a gateway");
	a = policy_add(p, &net, 0, 1000, false, start);
	assert_int_equal(a.verdict, POLICY_PROTECTED);
	assert_int_equal(kernel.count, 0);
	/* Who comes to be protected is let go of. */
	kernel.protected_host = 0;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	kernel.protected_host = 1;
	policy_recheck(p, start);
	assert_int_equal(kernel.count, 0);
	assert_int_equal(kernel.why, POLICY_WHY_PROTECTED);
	policy_free(p);
}

/* A target whose answers look like an attack on its attacker. */
static void never_a_victim(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_case there = attack(CLASS_RECONNAISSANCE, 1), back = there;

	(void)state;
	memcpy(back.attacker, there.target, 16);
	memcpy(back.target, there.attacker, 16);
	assert_int_equal(verdict(p, &there, start), POLICY_BLOCKED);
	assert_int_equal(verdict(p, &back, start + second), POLICY_VICTIM);
	/* That it was accused as well does not help the attacker. */
	there.alert++;
	assert_int_equal(policy_del(p, &kernel.e[0].what, 0, start), 0);
	assert_int_equal(verdict(p, &there, start + 11 * minute), POLICY_BLOCKED);
	/* Long after, it may be an attacker as any other. */
	assert_int_equal(verdict(p, &back, start + 13 * minute), POLICY_BLOCKED);
	policy_free(p);
	p = begin(&policy_defaults);
	there.many = true;
	there.class = CLASS_DOS;
	assert_int_equal(verdict(p, &there, start), POLICY_BLOCKED);
	memset(back.target, 7, 16);
	assert_int_equal(verdict(p, &back, start), POLICY_VICTIM);
	policy_free(p);
}

static void limits_what_may_be_forged(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_case c = attack(CLASS_DOS, 1);
	struct policy_stats st;

	(void)state;
	c.proven = false;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	assert_int_equal(kernel.e[0].what.kind, POLICY_PORT);
	assert_int_equal(kernel.e[0].what.port, 22);
	assert_memory_equal(kernel.e[0].what.addr, c.target, 16);
	/* A thousand sources of a flood are one limit. */
	c.many = true;
	for (unsigned i = 0; i < 1000; i++) {
		host(c.attacker, i >> 8, i);
		assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	}
	assert_int_equal(kernel.count, 1);
	policy_stats(p, &st);
	assert_int_equal(st.limits, 1);
	/* Many ports have none to limit; guessing without a connection is nobody's. */
	c.ports = 5;
	c.port = 80;
	assert_int_equal(verdict(p, &c, start), POLICY_FORGED);
	c = attack(CLASS_BRUTE_FORCE, 1);
	c.proven = false;
	assert_int_equal(verdict(p, &c, start), POLICY_FORGED);
	/* A scan that has looked at enough is one. */
	c.class = CLASS_RECONNAISSANCE;
	c.ports = 7;
	assert_int_equal(verdict(p, &c, start), POLICY_FORGED);
	c.ports = 8;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	assert_int_equal(kernel.e[1].what.kind, POLICY_ADDRESS);
	policy_free(p);
}

static void is_bounded(void **state)
{
	struct policy_settings s = policy_defaults;
	struct policy_what one = prefix(1, 1, 128);
	struct policy_stats st;
	struct policy_case c;
	struct policy *p;

	(void)state;
	s.entries = 6;
	s.new_a_minute = 4;
	s.limits = 1;
	s.net4 = 0;
	p = begin(&s);
	for (unsigned i = 1; i <= 8; i++) {
		c = attack(CLASS_BRUTE_FORCE, i);
		assert_int_equal(verdict(p, &c, start + i), i <= 4 ? POLICY_BLOCKED : POLICY_FAST);
	}
	for (unsigned i = 5; i <= 8; i++) {
		c = attack(CLASS_BRUTE_FORCE, i);
		assert_int_equal(verdict(p, &c, start + minute + second),
			i <= 6 ? POLICY_BLOCKED : POLICY_FULL);
	}
	assert_int_equal(policy_add(p, &one, 0, 0, false, start).verdict, POLICY_FULL);
	policy_stats(p, &st);
	assert_int_equal(st.entries, 6);
	assert_int_equal(st.refused_fast, 4);
	assert_int_equal(st.refused_full, 3);
	policy_flush(p, 0, start);
	/* A kernel that is full is no entry. */
	kernel.full = true;
	c = attack(CLASS_BRUTE_FORCE, 9);
	assert_int_equal(verdict(p, &c, start + 3 * minute), POLICY_FULL);
	assert_int_equal(policy_add(p, &one, 0, 0, false, start).verdict, POLICY_FULL);
	kernel.full = false;
	policy_stats(p, &st);
	assert_int_equal(st.entries, 0);
	/* So are limits. */
	c = attack(CLASS_DOS, 9);
	c.many = true;
	assert_int_equal(verdict(p, &c, start + 3 * minute), POLICY_BLOCKED);
	c.port = 23;
	assert_int_equal(verdict(p, &c, start + 3 * minute), POLICY_FULL);
	policy_free(p);
}

static void many_of_a_net(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_case c;
	struct policy_answer a = {.verdict = POLICY_FULL};

	(void)state;
	for (unsigned i = 1; i <= 16; i++) {
		c = attack(CLASS_BRUTE_FORCE, i);
		a = policy_alert(p, &c, start);
		assert_int_equal(a.verdict, POLICY_BLOCKED);
		assert_int_equal(kernel.count, i < 16 ? i : 1);
	}
	assert_int_equal(a.entry->what.bits, 96 + 24);
	assert_int_equal(a.entry->until_ns, start + 10 * minute);
	c = attack(CLASS_BRUTE_FORCE, 200);
	assert_false(policy_alert(p, &c, start).fresh);
	policy_free(p);
	/* Not with somebody in it who is protected. */
	p = begin(&policy_defaults);
	kernel.protected_host = 99;
	for (unsigned i = 1; i <= 20; i++) {
		c = attack(CLASS_BRUTE_FORCE, i);
		verdict(p, &c, start);
	}
	assert_int_equal(kernel.count, 20);
	policy_free(p);
	/* Nor for scans, whose senders may be forged. */
	p = begin(&policy_defaults);
	for (unsigned i = 1; i <= 20; i++) {
		c = attack(CLASS_RECONNAISSANCE, i);
		c.proven = false;
		c.ports = 100;
		assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	}
	assert_int_equal(kernel.count, 20);
	policy_free(p);
}

static void a_persons_hand(void **state)
{
	struct policy *p = begin(&policy_defaults);
	struct policy_what w = prefix(0, 1, 128), net = prefix(3, 0, 96 + 24);
	struct policy_case c = attack(CLASS_BRUTE_FORCE, 1);
	struct policy_answer a;

	(void)state;
	assert_int_equal(policy_add(p, &w, minute, 1000, true, start).verdict, POLICY_WOULD);
	assert_int_equal(kernel.count, 0);
	a = policy_add(p, &net, 0, 1000, false, start);
	assert_int_equal(a.verdict, POLICY_BLOCKED);
	assert_int_equal(a.entry->until_ns, 0);
	assert_int_equal(a.entry->uid, 1000);
	c.attacker[14] = 3;
	a = policy_alert(p, &c, start);
	assert_int_equal(a.verdict, POLICY_BLOCKED);
	assert_false(a.fresh);
	policy_tick(p, start + 1000000 * minute);
	assert_int_equal(kernel.count, 1);
	/* With a time it ends, though it still attacks. */
	policy_add(p, &w, minute, 1000, false, start);
	policy_tick(p, start + 59 * second);
	kernel.packets[1] = 1000;
	policy_tick(p, start + minute);
	assert_int_equal(kernel.count, 1);
	/* What a person removes stays away for a while. */
	c = attack(CLASS_BRUTE_FORCE, 1);
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	assert_int_equal(policy_del(p, &w, 1001, start), 0);
	assert_int_equal(kernel.uid, 1001);
	assert_int_equal(policy_del(p, &w, 1001, start), -ENOENT);
	assert_int_equal(verdict(p, &c, start + 10 * minute - 1), POLICY_PARDONED);
	assert_int_equal(verdict(p, &c, start + 10 * minute), POLICY_BLOCKED);
	assert_int_equal(policy_flush(p, 0, start), 2);
	assert_int_equal(kernel.count, 0);
	policy_free(p);
}

static void pages_in_order(void **state)
{
	struct policy *p = begin(&policy_defaults);
	const struct policy_entry *e = NULL;
	uint64_t number = 0;
	unsigned n = 0;

	(void)state;
	for (unsigned i = 1; i <= 9; i++) {
		struct policy_what w = prefix(1, i, 128);

		policy_add(p, &w, 0, 0, false, start);
	}
	while ((e = policy_next(p, number))) {
		assert_int_equal(e->what.addr[15], ++n);
		number = e->number;
	}
	assert_int_equal(n, 9);
	policy_free(p);
}

/* ---- the property ---- */

enum { SLOTS = 64 };

/* An address as the model knows it. */
struct slot {
	struct policy_what what;
	bool in, dry, person, watched, times_known;
	int64_t until, ended, pardoned;
	unsigned times, past_times;
	uint64_t seen;
	enum karma_class class;
};

static struct model {
	const struct policy_settings *s;
	struct slot slot[SLOTS];
	unsigned slots;
	int64_t minute;
	unsigned this_minute;
} model;

static struct slot *slot_of(const struct policy_what *what)
{
	struct slot *s = model.slot;

	while (s < model.slot + model.slots && memcmp(&s->what, what, sizeof(*what)) != 0)
		s++;
	if (s == model.slot + model.slots) {
		assert_true(model.slots < SLOTS);
		model.slots++;
		*s = (struct slot){.what = *what};
	}
	return s;
}

static unsigned how_many(bool limits)
{
	unsigned n = 0;

	for (unsigned i = 0; i < model.slots; i++)
		n += model.slot[i].in && (!limits || model.slot[i].what.kind == POLICY_PORT);
	return n;
}

static int64_t how_long(enum karma_class class, unsigned times)
{
	double ns =
		(double)model.s->rule[class].first_ns * (double)(1ULL << (times < 40 ? times : 40));

	return ns < (double)model.s->longest_ns ? (int64_t)ns : model.s->longest_ns;
}

static int64_t last_part(int64_t ns)
{
	return model.s->probation_ns < ns / 2 ? model.s->probation_ns : ns / 2;
}

static bool room_for(const struct slot *s)
{
	return s->in ||
	       (how_many(false) < model.s->entries &&
		       (s->what.kind == POLICY_ADDRESS || how_many(true) < model.s->limits));
}

/* What is in force against an address. */
static const struct slot *against(const uint8_t addr[16], bool dry)
{
	for (unsigned i = 0; i < model.slots; i++)
		if (model.slot[i].in && model.slot[i].dry == dry &&
			model.slot[i].what.kind == POLICY_ADDRESS &&
			covers(&model.slot[i].what, addr))
			return &model.slot[i];
	return NULL;
}

static void model_net(const struct slot *host, int64_t now)
{
	struct policy_what w = host->what;
	struct slot *net, *s;
	unsigned hosts = 0;

	w.bits = 96 + 24;
	prefix_trim(w.addr, w.bits);
	net = slot_of(&w);
	for (s = model.slot; s < model.slot + model.slots; s++)
		hosts += s->in && !s->dry && !s->person && s->what.kind == POLICY_ADDRESS &&
			 s->what.bits == 128 && covers(&w, s->what.addr);
	if (hosts < model.s->net4 || now < net->pardoned || protects(NULL, &w))
		return;
	net->times = net->past_times && now - net->ended < model.s->memory_ns ? net->past_times : 0;
	net->in = true;
	net->dry = net->person = net->watched = false;
	net->class = host->class;
	net->until = now + how_long(net->class, net->times);
	for (s = model.slot; s < model.slot + model.slots; s++)
		if (s != net && !s->dry && !s->person && s->what.kind == POLICY_ADDRESS &&
			s->what.bits == 128 && covers(&w, s->what.addr))
			s->in = false;
}

static void model_alert(const struct policy_case *c, int64_t now)
{
	const struct policy_rule *rule = &model.s->rule[c->class];
	bool dry = rule->action == POLICY_DRY_RUN, address = !c->many && c->proven;
	struct policy_what w = {
		.bits = 128, .kind = POLICY_PORT, .proto = c->proto, .port = c->port};
	struct policy_what net;
	struct slot *s;

	memcpy(w.addr, c->target, 16);
	if (address) {
		w = (struct policy_what){.bits = 128};
		memcpy(w.addr, c->attacker, 16);
	} else if (c->class != CLASS_DOS) {
		return;
	}
	if (rule->action == POLICY_OFF || c->confidence < rule->confidence)
		return;
	if (!c->many && (against(c->attacker, false) || (dry && against(c->attacker, true))))
		return;
	s = slot_of(&w);
	if (s->in && (!s->dry || dry))
		return;
	net = w;
	net.bits = 96 + 24;
	prefix_trim(net.addr, net.bits);
	if ((address && protects(NULL, &w)) || now < s->pardoned ||
		(address && now < slot_of(&net)->pardoned) || !room_for(s))
		return;
	if (now - model.minute >= minute) {
		model.minute = now;
		model.this_minute = 0;
	}
	if (model.this_minute == model.s->new_a_minute)
		return;
	model.this_minute++;
	s->times = s->past_times && now - s->ended < model.s->memory_ns ? s->past_times : 0;
	s->in = true;
	s->dry = dry;
	s->person = s->watched = false;
	s->class = c->class;
	s->until = now + how_long(c->class, s->times);
	if (address && !dry && model.s->net4)
		model_net(s, now);
}

static void model_add(const struct policy_what *w, int64_t for_ns, int64_t now)
{
	struct slot *s = slot_of(w);

	if (protects(NULL, w) || !room_for(s))
		return;
	s->in = s->person = true;
	s->dry = s->watched = false;
	s->times = 0;
	s->class = CLASS_NORMAL;
	s->until = for_ns ? now + for_ns : 0;
}

static void model_del(struct slot *s, int64_t now)
{
	if (s->in && !s->person) {
		s->past_times = 0;
		s->ended = now;
		s->pardoned = now + how_long(s->class, 0);
	}
	s->in = false;
}

/* Before the policy's own tick, which changes the counts' places. */
static void model_tick(int64_t now)
{
	for (struct slot *s = model.slot; s < model.slot + model.slots; s++) {
		struct policy_entry e = {.what = s->what};
		bool alert = !s->person && !s->dry;

		if (!s->in || !s->until)
			continue;
		if (now < s->until) {
			if (alert && !s->watched &&
				s->until - now <= last_part(how_long(s->class, s->times))) {
				s->watched = true;
				s->seen = packets(NULL, &e);
			}
		} else if (s->watched && packets(NULL, &e) >= s->seen + 10) {
			s->times++;
			s->watched = false;
			s->until = now + how_long(s->class, s->times);
		} else {
			s->in = false;
			if (!s->person) {
				s->past_times = s->times + 1;
				s->ended = now;
				s->pardoned = now < s->pardoned ? s->pardoned : 0;
			}
		}
	}
}

/* The process ends; the kernel's list stays, and what was only said or remembered does not. */
static struct policy *restart(struct policy *p, int64_t now)
{
	struct policy_entry kept[KERNEL];
	uint64_t counts[KERNEL];
	unsigned n = 0;

	policy_free(p);
	for (unsigned i = 0; i < kernel.count; i++) {
		if (kernel.e[i].dry)
			continue;
		kept[n] = kernel.e[i];
		kept[n].watched = false;
		counts[n++] = kernel.packets[i];
	}
	memcpy(kernel.e, kept, sizeof(kept));
	memcpy(kernel.packets, counts, sizeof(counts));
	kernel.count = n;
	for (struct slot *s = model.slot; s < model.slot + model.slots; s++) {
		struct policy_entry e = {.what = s->what};

		s->in = s->in && !s->dry &&
			!(s->what.kind == POLICY_ADDRESS && protects(NULL, &s->what));
		s->past_times = 0;
		s->pardoned = 0;
		s->watched = false;
		if (s->in && s->until && s->until <= now && !s->person) {
			s->until = now + last_part(how_long(s->class, s->times));
			s->watched = true;
			s->seen = packets(NULL, &e);
		}
	}
	model.minute = model.this_minute = 0;
	p = policy_new(model.s, &calls);
	assert_non_null(p);
	for (unsigned i = 0; i < n; i++) {
		int err = policy_take(p, &kept[i], now);
		int at = place_of(&kept[i].what);

		assert_true(err == 0 || err == -EPERM);
		if (err) { /* the caller's to remove */
			kernel.count--;
			kernel.e[at] = kernel.e[kernel.count];
			kernel.packets[at] = kernel.packets[kernel.count];
		}
	}
	return p;
}

static void compare(const struct policy *p)
{
	const struct policy_entry *e = NULL;
	unsigned n = 0;

	for (uint64_t at = 0; (e = policy_next(p, at)); at = e->number, n++) {
		const struct slot *s = slot_of(&e->what);
		int place = place_of(&e->what);

		assert_true(s->in);
		assert_int_equal(e->until_ns, s->until);
		assert_int_equal(e->times, s->times);
		assert_int_equal(e->dry, s->dry);
		assert_int_equal(e->by == POLICY_BY_PERSON, s->person);
		assert_true(place >= 0);
		assert_int_equal(kernel.e[place].until_ns, s->until);
	}
	assert_int_equal(n, how_many(false));
	assert_int_equal(n, kernel.count);
}

static struct policy_case any_case(struct rng *r)
{
	static const enum karma_class classes[] = {
		CLASS_RECONNAISSANCE, CLASS_DOS, CLASS_BRUTE_FORCE, CLASS_EXPLOITS, CLASS_WORMS};
	struct policy_case c = attack(classes[rng_below(r, 5)], 0);

	c.alert = rng_next(r) | 1;
	c.confidence = 0.6F + (float)rng_uniform(r) * 0.4F;
	c.many = rng_below(r, 6) == 0;
	c.proven = rng_below(r, 3) > 0;
	host(c.attacker, (unsigned)rng_below(r, 2), 1 + (unsigned)rng_below(r, 10));
	c.port = (uint16_t)(20 + rng_below(r, 4));
	return c;
}

static void one_step(struct policy **p, struct rng *r, int64_t now)
{
	unsigned net = (unsigned)rng_below(r, 2), number = 1 + (unsigned)rng_below(r, 10);
	struct policy_what w = prefix(net, number, rng_below(r, 8) ? 128 : 96 + 24);
	struct policy_case c = any_case(r);

	switch (rng_below(r, 12)) {
	case 0:
		model_add(&w, (int64_t)rng_below(r, 3) * minute, now);
		policy_add(*p, &w, (int64_t)0, 0, true, now);
		policy_add(
			*p, &w, slot_of(&w)->until ? slot_of(&w)->until - now : 0, 0, false, now);
		break;
	case 1:
		if (slot_of(&w)->in) {
			model_del(slot_of(&w), now);
			assert_int_equal(policy_del(*p, &w, 0, now), 0);
		} else {
			assert_int_equal(policy_del(*p, &w, 0, now), -ENOENT);
		}
		break;
	case 2:
		kernel.protected_host = rng_below(r, 2) ? (uint8_t)number : 0;
		for (unsigned i = 0; i < model.slots; i++)
			if (model.slot[i].what.kind == POLICY_ADDRESS &&
				protects(NULL, &model.slot[i].what))
				model.slot[i].in = false;
		policy_recheck(*p, now);
		break;
	case 3:
		if (rng_below(r, 5) == 0)
			*p = restart(*p, now);
		break;
	case 4:
		if (rng_below(r, 20) == 0) {
			for (unsigned i = 0; i < model.slots; i++)
				model_del(&model.slot[i], now);
			policy_flush(*p, 0, now);
		}
		break;
	default:
		model_alert(&c, now);
		policy_alert(*p, &c, now);
	}
}

static void equals_the_model(void **state)
{
	struct policy_settings s = policy_defaults;
	struct rng r = {4711};

	(void)state;
	s.entries = 14;
	s.new_a_minute = 5;
	s.limits = 3;
	s.net4 = 4;
	s.longest_ns = 100 * minute;
	s.memory_ns = 60 * minute;
	s.rule[CLASS_WORMS].action = POLICY_OFF;
	s.rule[CLASS_BRUTE_FORCE].first_ns = 3 * minute;
	for (unsigned run = 0; run < 200; run++) {
		struct policy *p = begin(&s);
		int64_t now = start;

		model = (struct model){.s = &s};
		for (unsigned step = 0; step < 400; step++) {
			now += (int64_t)rng_below(&r, 60) * second /
			       (1 + (int64_t)rng_below(&r, 4));
			for (unsigned i = 0; i < kernel.count; i++)
				kernel.packets[i] += rng_below(&r, 3) ? 0 : rng_below(&r, 20);
			model_tick(now);
			policy_tick(p, now);
			compare(p);
			one_step(&p, &r, now);
			compare(p);
		}
		policy_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_and_forgets),
		cmocka_unit_test(doubles_up_to_the_limit),
		cmocka_unit_test(renews_what_still_attacks),
		cmocka_unit_test(asks_for_confidence),
		cmocka_unit_test(dry_run_is_said_only),
		cmocka_unit_test(never_a_protected_one),
		cmocka_unit_test(never_a_victim),
		cmocka_unit_test(limits_what_may_be_forged),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(many_of_a_net),
		cmocka_unit_test(a_persons_hand),
		cmocka_unit_test(pages_in_order),
		cmocka_unit_test(equals_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
