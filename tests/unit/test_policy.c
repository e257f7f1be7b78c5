/* The policy: what it answers to alerts and to people. test_policy_model.c holds its list against a
 * model. */
#include "policy.h"

static enum policy_verdict verdict(struct policy *p, const struct policy_case *c, int64_t now_ns)
{
	return policy_alert(p, c, now_ns).verdict;
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
	/* Of many ports what opens connections is limited, of what has no connections nothing. */
	c.ports = 5;
	c.port = 80;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	assert_int_equal(kernel.e[1].what.kind, POLICY_PORT);
	assert_int_equal(kernel.e[1].what.opens, 1);
	assert_int_equal(kernel.e[1].what.port, 0);
	c.port = 81;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	assert_int_equal(kernel.count, 2);
	c.proto = 17;
	assert_int_equal(verdict(p, &c, start), POLICY_FORGED);
	/* Guessing without a connection is nobody's. */
	c = attack(CLASS_BRUTE_FORCE, 1);
	c.proven = false;
	assert_int_equal(verdict(p, &c, start), POLICY_FORGED);
	/* A scan that has looked at enough is one. */
	c.class = CLASS_RECONNAISSANCE;
	c.ports = 7;
	assert_int_equal(verdict(p, &c, start), POLICY_FORGED);
	c.ports = 8;
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	assert_int_equal(kernel.e[2].what.kind, POLICY_ADDRESS);
	policy_free(p);
}

/* An alert asks again with each of its records. */
static void what_an_alert_does_not_get_is_counted_once(void **state)
{
	struct policy_case first = attack(CLASS_BRUTE_FORCE, 1), c = attack(CLASS_BRUTE_FORCE, 2);
	struct policy_settings s = policy_defaults;
	struct policy_what there = prefix(0, 1, 128);
	struct policy_stats st;
	struct policy *p;

	(void)state;
	s.entries = 1;
	s.new_a_minute = 2;
	p = begin(&s);
	assert_int_equal(verdict(p, &first, start), POLICY_BLOCKED);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(verdict(p, &c, start + i), POLICY_FULL);
	policy_stats(p, &st);
	assert_int_equal(st.refused_full, 1);
	c.alert++;
	assert_int_equal(verdict(p, &c, start), POLICY_FULL);
	policy_stats(p, &st);
	assert_int_equal(st.refused_full, 2);
	/* One that it got, and that has ended, is another than the next. */
	assert_int_equal(policy_del(p, &there, 0, start), 0);
	assert_int_equal(verdict(p, &c, start), POLICY_BLOCKED);
	policy_tick(p, start + 10 * minute);
	kernel.full = true;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(verdict(p, &c, start + 11 * minute), POLICY_FULL);
	kernel.full = false;
	kernel.protected_host = 2;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(verdict(p, &c, start + 11 * minute), POLICY_PROTECTED);
	policy_stats(p, &st);
	assert_int_equal(st.refused_full, 3);
	assert_int_equal(st.refused_protected, 1);
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

static void other_settings_hold_for_what_comes(void **state)
{
	struct policy_settings s = policy_defaults;
	struct policy_case first = attack(CLASS_BRUTE_FORCE, 1),
			   next = attack(CLASS_BRUTE_FORCE, 2);
	struct policy *p = begin(&policy_defaults);
	int64_t until = policy_alert(p, &first, start).entry->until_ns;

	(void)state;
	s.rule[CLASS_BRUTE_FORCE].action = POLICY_OFF;
	s.rule[CLASS_RECONNAISSANCE].first_ns = minute;
	s.entries = 1;
	s.dry_run = true; /* neither is taken up */
	policy_change(p, &s);
	assert_int_equal(verdict(p, &next, start), POLICY_IS_OFF);
	assert_int_equal(kernel.count, 1);
	assert_int_equal(kernel.e[0].until_ns, until);
	next.class = CLASS_RECONNAISSANCE;
	assert_int_equal(policy_alert(p, &next, start).entry->until_ns - start, minute);
	assert_int_equal(kernel.count, 2);
	assert_false(kernel.e[1].dry);
	policy_free(p);
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
		cmocka_unit_test(what_an_alert_does_not_get_is_counted_once),
		cmocka_unit_test(is_bounded),
		cmocka_unit_test(many_of_a_net),
		cmocka_unit_test(a_persons_hand),
		cmocka_unit_test(pages_in_order),
		cmocka_unit_test(other_settings_hold_for_what_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
