/* The alert book: folding, classes that wobble, updates, the end, and its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "detect/alert.h"
#include "detect/technique.h"

static const int64_t second = 1000000000LL;
static const int64_t start = 1700000000LL * 1000000000LL;

static const struct evidence_settings settings = {
	.margin = 2, .share = 0.25F, .clip = 3, .threshold = 10, .half_life_s = 60};

enum { EVENTS = 4096 };

static struct {
	struct {
		struct alert a;
		enum alert_stage stage;
	} event[EVENTS];
	unsigned count, of[3];
} told;

static void tell(void *context, const struct alert *a, enum alert_stage stage)
{
	(void)context;
	if (told.count < EVENTS) {
		told.event[told.count].a = *a;
		told.event[told.count].stage = stage;
	}
	told.count++;
	told.of[stage]++;
}

static struct alert_book *new_book(uint32_t capacity)
{
	memset(&told, 0, sizeof(told));
	return alert_book_new(capacity, tell, NULL);
}

static struct record record_of(uint8_t src, uint64_t flow, int64_t at_ns)
{
	struct record r = {.flow_id = flow,
		.port = {40000, (uint16_t)flow},
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.news = true,
		.at_ns = at_ns};

	r.addr[SRC][15] = src;
	r.addr[DST][15] = 200;
	return r;
}

static void add(struct evidence *e, int64_t at_ns, uint64_t flow_id, float score, const float *p,
	const uint8_t *peer, int port)
{
	struct finding f = {at_ns, flow_id, score, p, peer, port, false};

	evidence_add(&settings, e, &f);
}

/* A record with all its probability on one class, folded as the detector does it. */
static void fold(
	struct alert_book *b, struct evidence *e, const struct record *r, enum karma_class c)
{
	struct alert_flow f = {.flow_id = r->flow_id, .again = r->again};
	float p[CLASSES] = {0};
	struct alert *a;

	p[c] = 1;
	alert_tick(b, r->at_ns);
	add(e, r->at_ns, r->flow_id, 1, p, r->addr[DST], r->port[DST]);
	a = alert_open(b, r->addr[SRC], false, e, r->at_ns);
	alert_add(a, e, r, SRC, NULL);
	alert_count(a, &f);
	if (alert_is_due(a, r->at_ns))
		alert_show(b, a, r->at_ns);
}

static void repeats_fold_into_one_alert(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e = {0};

	(void)state;
	for (uint64_t i = 0; i < 12000; i++) {
		struct record r = record_of(1, i + 1, start + (int64_t)i * second / 100);

		fold(b, &e, &r, CLASS_DOS);
	}
	assert_int_equal(told.of[ALERT_NEW], 1);
	/* 2 minutes: tenfold growths, then doublings of the age */
	assert_in_range(told.of[ALERT_UPDATE], 3, 10);
	alert_tick(b, start + 120 * second + 59 * second);
	assert_int_equal(told.of[ALERT_END], 0);
	alert_tick(b, start + 120 * second + 61 * second);
	assert_int_equal(told.of[ALERT_END], 1);
	assert_int_equal(told.event[told.count - 1].a.flows, 12000);
	assert_int_equal(told.event[told.count - 1].a.ports, 12000);
	assert_int_equal(told.event[told.count - 1].a.first_ns, start);
	alert_book_free(b);
}

static void lines_are_a_second_apart(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e = {0};

	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		struct record r = record_of(1, i + 1, start + (int64_t)i * second / 10000);

		fold(b, &e, &r, CLASS_DOS);
	}
	assert_int_equal(told.count, 1); /* half a second */
	alert_tick(b, start + 2 * second);
	assert_int_equal(told.of[ALERT_UPDATE], 1); /* without another record */
	assert_int_equal(told.event[1].a.flows, 5000);
	alert_book_free(b);
}

static void a_wobbling_class_is_one_alert(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e = {0};
	struct alert_stats s;

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		struct record r = record_of(1, i + 1, start + (int64_t)i * second / 10);

		fold(b, &e, &r,
			i < 2             ? CLASS_EXPLOITS
			: i < 10 && i % 2 ? CLASS_FUZZERS
					  : CLASS_RECONNAISSANCE);
	}
	alert_end_all(b);
	assert_int_equal(told.of[ALERT_NEW], 1);
	assert_int_equal(told.event[told.count - 1].a.class, CLASS_RECONNAISSANCE);
	assert_int_equal(told.event[told.count - 1].a.flows, 40);
	assert_int_equal(told.event[0].a.id, told.event[told.count - 1].a.id);
	alert_book_stats(b, &s);
	assert_int_equal(s.raised[CLASS_RECONNAISSANCE], 1);
	assert_int_equal(s.raised[CLASS_EXPLOITS], 0);
	assert_int_equal(s.arose[told.event[0].a.class], 1); /* for counters, which may not fall */
	for (int c = 0; c < CLASSES; c++)
		assert_int_equal(s.arose[c], c == (int)told.event[0].a.class);
	assert_int_not_equal(told.event[0].a.class, CLASS_RECONNAISSANCE);
	alert_book_free(b);
}

static void a_later_attack_of_another_class_is_another_alert(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e = {0};

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		struct record r = record_of(1, i + 1, start + (int64_t)i * second);

		fold(b, &e, &r, i < 100 ? CLASS_RECONNAISSANCE : CLASS_BRUTE_FORCE);
	}
	alert_end_all(b);
	assert_int_equal(told.of[ALERT_NEW], 2);
	assert_int_equal(told.of[ALERT_END], 2);
	assert_int_equal(told.event[told.count - 1].a.class, CLASS_BRUTE_FORCE);
	alert_book_free(b);
}

static void a_flood_right_behind_a_scan_is_another_alert(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e = {0};

	(void)state;
	for (uint64_t i = 0; i < 2100; i++) {
		struct record r = record_of(1, i + 1, start + (int64_t)i * second / 1000);

		fold(b, &e, &r,
			i < 1000   ? CLASS_RECONNAISSANCE
			: i < 2000 ? CLASS_DOS
				   : CLASS_BRUTE_FORCE);
	}
	alert_end_all(b);
	assert_int_equal(told.of[ALERT_NEW], 3);
	assert_int_equal(told.of[ALERT_END], 3);
	alert_book_free(b);
}

static void a_flow_counts_once(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		for (uint64_t f = 1; f <= 20; f++) {
			struct record r = record_of(1, f, start + i * second);

			r.again = i > 0;
			fold(b, &e, &r, CLASS_DOS);
		}
	}
	alert_end_all(b);
	assert_int_equal(told.event[told.count - 1].a.flows, 20);
	alert_book_free(b);
}

static void attackers_have_alerts_of_their_own(void **state)
{
	struct alert_book *b = new_book(16);
	struct evidence e[3] = {{0}};

	(void)state;
	for (uint64_t i = 0; i < 30; i++) {
		struct record r = record_of((uint8_t)(i % 3 + 1), i + 1, start + (int64_t)i);

		fold(b, &e[i % 3], &r, CLASS_DOS);
	}
	assert_int_equal(told.of[ALERT_NEW], 3);
	alert_book_free(b);
}

static void a_full_book_ends_the_quietest(void **state)
{
	struct alert_book *b = new_book(4);
	struct alert_stats s;

	(void)state;
	for (uint8_t i = 0; i < 10; i++) {
		struct record r = record_of(i + 1, i + 1, start + i);
		struct evidence e = {0};

		fold(b, &e, &r, CLASS_DOS);
	}
	alert_book_stats(b, &s);
	assert_int_equal(s.active, 4);
	assert_int_equal(s.ended_early, 6);
	assert_int_equal(told.of[ALERT_END], 6);
	assert_int_equal(told.event[4].stage, ALERT_END); /* told before the fifth */
	assert_int_equal(told.event[4].a.attacker[15], 1);
	alert_book_free(b);
}

static void ports_before_the_threshold_count(void **state)
{
	struct alert_book *b = new_book(4);
	struct evidence e = {0};
	float p[CLASSES] = {0};
	struct record r = record_of(1, 100, start + second);

	(void)state;
	p[CLASS_DOS] = 1;
	for (uint64_t f = 1; f <= 7; f++)
		add(&e, start, f, 1, p, r.addr[DST], (int)f);
	fold(b, &e, &r, CLASS_DOS);
	assert_int_equal(told.event[0].a.ports, 8);
	assert_int_equal(told.event[0].a.first_ns, start);
	alert_book_free(b);
}

static void every_class_is_described(void **state)
{
	(void)state;
	for (int c = 0; c < CLASSES; c++) {
		const struct alert_class *k = alert_class((enum karma_class)c);

		assert_non_null(k->words);
		assert_in_range(k->severity, 1, 3);
	}
}

/* From an address, of a class, over a protocol, with this much said. */
static const char *technique_id(
	const char *attacker, enum karma_class c, uint8_t proto, uint64_t payload, const char *app)
{
	struct alert a = {.class = c, .record = {.proto = proto, .net = NET_IPV4}, .app = app};
	const struct technique *t;

	a.many = !addr_parse(attacker, a.attacker);
	a.record.side[SRC].payload = payload;
	t = alert_technique(&a);
	return t ? t->id : "none";
}

static void techniques_follow_class_and_flow(void **state)
{
	const enum karma_class scan = CLASS_RECONNAISSANCE;

	(void)state;
	for (int i = 0; i < 2; i++) {
		static const char *const inside[] = {"10.1.2.3", "fd00::7"};
		static const char *const outside[] = {"198.51.100.7", "2001:db8::7"};

		assert_string_equal(technique_id(inside[i], scan, IPPROTO_TCP, 0, NULL), "T1046");
		assert_string_equal(technique_id(outside[i], scan, IPPROTO_TCP, 0, NULL), "T1595");
	}
	assert_string_equal(technique_id("172.15.0.1", scan, IPPROTO_TCP, 0, NULL), "T1595");
	assert_string_equal(technique_id("172.31.0.1", scan, IPPROTO_TCP, 0, NULL), "T1046");
	assert_string_equal(technique_id("many", scan, IPPROTO_TCP, 0, NULL), "T1595");
	assert_string_equal(technique_id("many", CLASS_DOS, IPPROTO_TCP, 0, NULL), "T1499.001");
	assert_string_equal(technique_id("many", CLASS_DOS, IPPROTO_TCP, 500, "http"), "T1499.002");
	assert_string_equal(technique_id("many", CLASS_DOS, IPPROTO_UDP, 500, NULL), "T1498");
	assert_string_equal(
		technique_id("10.0.0.1", CLASS_BRUTE_FORCE, IPPROTO_TCP, 9, "ssh"), "T1110");
	assert_string_equal(
		technique_id("10.0.0.1", CLASS_BACKDOOR, IPPROTO_UDP, 9, "dns"), "T1071.004");
	assert_string_equal(
		technique_id("10.0.0.1", CLASS_BACKDOOR, IPPROTO_TCP, 9, "tls"), "T1071.001");
	assert_string_equal(
		technique_id("10.0.0.1", CLASS_BACKDOOR, IPPROTO_TCP, 9, NULL), "T1071");
	assert_string_equal(
		technique_id("10.0.0.1", CLASS_BACKDOOR, IPPROTO_ICMP, 9, NULL), "T1095");
	assert_string_equal(technique_id("10.0.0.1", CLASS_GENERIC, IPPROTO_TCP, 9, NULL), "none");
	for (int c = CLASS_NORMAL + 1; c < CLASSES; c++)
		if (c != CLASS_GENERIC)
			assert_int_equal(
				technique_id("10.0.0.1", (enum karma_class)c, 6, 9, NULL)[0], 'T');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeats_fold_into_one_alert),
		cmocka_unit_test(lines_are_a_second_apart),
		cmocka_unit_test(a_wobbling_class_is_one_alert),
		cmocka_unit_test(a_later_attack_of_another_class_is_another_alert),
		cmocka_unit_test(a_flood_right_behind_a_scan_is_another_alert),
		cmocka_unit_test(a_flow_counts_once),
		cmocka_unit_test(attackers_have_alerts_of_their_own),
		cmocka_unit_test(a_full_book_ends_the_quietest),
		cmocka_unit_test(ports_before_the_threshold_count),
		cmocka_unit_test(every_class_is_described),
		cmocka_unit_test(techniques_follow_class_and_flow),
	};

	return cmocka_run_group_tests_name("alert", tests, NULL, NULL);
}
