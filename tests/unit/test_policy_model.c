/* The policy's property: whatever comes in whatever order, its list is that of a model simple
 * enough to be read. */
#include "policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "respond/allowed.h"
#include "util/rng.h"

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
	bool allowed[2][256], allowed_net[2]; /* 10.0.N.M, 10.0.N.0/24 */
} model;

/* The allow list under test: whom it names the policy leaves alone. */
static struct allowed *allow_list;
static char allow_file[64];

static const char *list_protects(void *context, const struct policy_what *what)
{
	uint32_t n;
	const struct allowed_one *one = allowed_all(allow_list, &n);

	(void)context;
	for (uint32_t i = 0; i < n; i++)
		if (prefix_overlaps(one[i].what.addr, one[i].what.bits, what->addr, what->bits))
			return "on the allow list";
	return NULL;
}

static const struct policy_calls list_calls = {list_protects, change, packets, NULL};

/* The same by the model. */
static bool is_allowed(const struct policy_what *what)
{
	unsigned net = what->addr[14], from = what->addr[15], to = what->bits == 128 ? from : 255;

	for (unsigned i = from; i <= to; i++)
		if (model.allowed[net][i])
			return true;
	return model.allowed_net[net];
}

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
	if (hosts < model.s->net4 || now < net->pardoned || is_allowed(&w))
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
	bool wide = c->ports > 4;
	struct slot *s;

	memcpy(w.addr, c->target, 16);
	w.opens = wide;
	w.port = wide ? 0 : c->port;
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
	if ((address && is_allowed(&w)) || now < s->pardoned ||
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

	if (is_allowed(w) || !room_for(s))
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

static void open_allowed(void)
{
	struct error e = {""};

	allow_list = allowed_open(allow_file, &e);
	assert_non_null(allow_list);
	assert_string_equal(e.text, "");
}

/* A person allows a host or a net, or does no longer. */
static void allow_some(struct policy *p, struct rng *r, const struct policy_what *what, int64_t now)
{
	bool *flag = what->bits == 128 ? &model.allowed[what->addr[14]][what->addr[15]]
				       : &model.allowed_net[what->addr[14]];
	struct allowed_one one = {.what.bits = what->bits};
	struct error e = {""};

	memcpy(one.what.addr, what->addr, sizeof(one.what.addr));
	if (rng_below(r, 3) == 0) {
		assert_int_equal(allowed_add(allow_list, &one, &e), 0);
		*flag = true;
	} else {
		assert_int_equal(allowed_del(allow_list, &one.what, &e), *flag ? 0 : -ENOENT);
		*flag = false;
	}
	for (unsigned i = 0; i < model.slots; i++)
		if (model.slot[i].what.kind == POLICY_ADDRESS && is_allowed(&model.slot[i].what))
			model.slot[i].in = false;
	policy_recheck(p, now);
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
			!(s->what.kind == POLICY_ADDRESS && is_allowed(&s->what));
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
	allowed_close(allow_list);
	open_allowed();
	p = policy_new(model.s, &list_calls);
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
	c.ports = 1 + rng_below(r, 6);
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
		allow_some(*p, r, &w, now);
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
	/* In memory where that is at hand: each change is synced. */
	snprintf(allow_file, sizeof(allow_file), "%s/karma-allow-%d",
		access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (int)getpid());
	for (unsigned run = 0; run < 200; run++) {
		struct policy *p = policy_new(&s, &list_calls);
		int64_t now = start;

		assert_non_null(p);
		memset(&kernel, 0, sizeof(kernel));
		unlink(allow_file);
		open_allowed();
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
		allowed_close(allow_list);
	}
	unlink(allow_file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
