/* karma top without a terminal: the state from answers, also from such as no karma would give; text
 * that is shown safely; sparklines; lists whose rows change places; keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top/keys.h"
#include "top/list.h"
#include "top/safe.h"
#include "top/spark.h"
#include "top/state.h"

static struct state s;

static bool take(const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	bool good;

	assert_non_null(answer);
	good = state_take_live(&s, answer);
	json_decref(answer);
	return good;
}

static int begin(void **state)
{
	(void)state;
	state_forget(&s);
	return 0;
}

/* ---- the state ---- */

static const char first[] =
	"{\"ok\":true,\"now\":1000.5,\"seq\":7,\"started\":900,"
	"\"points\":[{\"at\":999,\"packets\":10,\"flows\":2},{\"at\":1000,\"packets\":30,\"flows\":"
	"4}],"
	"\"hosts\":[{\"ip\":\"10.0.0.9\",\"suspicion\":1.25,\"records\":77,\"first\":901,\"last\":"
	"999,"
	"\"attacks\":1,\"attacked\":0}],"
	"\"alerts\":[{\"src_ip\":\"10.0.0.9\",\"dest_ip\":\"10.0.0.2\",\"alert\":{\"category\":"
	"\"DoS\",\"action\":\"blocked\"},\"karma\":{\"alert_id\":\"7hq2x1m4\",\"stage\":\"new\","
	"\"first\":\"1970-01-01T00:16:39.500000+0000\",\"last\":\"1970-01-01T01:16:40.000000+"
	"0100\","
	"\"confidence\":0.93,\"flows\":621,\"ports\":12,\"targets\":3}}],"
	"\"losses\":{\"busy\":0,\"flow table full\":12},\"counted\":{\"not "
	"IP\":3},\"table\":{\"open\":5,\"room\":9},"
	"\"block\":{\"mode\":\"dry-run\",\"entries\":4,\"dropped\":8},"
	"\"latency\":{\"record\":{\"p50\":12.5,\"p99\":99,\"max\":1000,\"count\":3}},"
	"\"wrong\":[{\"severity\":\"error\",\"what\":\"eth0 is gone\",\"remedy\":\"bring it "
	"back\"}]}";

static void takes_all(void **state)
{
	const struct top_alert *a;

	(void)state;
	assert_true(take(first));
	assert_int_equal(s.seq, 7);
	assert_int_equal(s.points, 2);
	assert_true(state_point(&s, 0)->rate[RATE_PACKETS] == 30);
	assert_true(state_point(&s, 1)->rate[RATE_FLOWS] == 2);
	assert_null(state_point(&s, 2));
	assert_int_equal(s.hosts, 1);
	assert_true(s.host[0].suspicion == 1.25 && s.host[0].records == 77);
	a = state_alert(&s, "7hq2x1m4");
	assert_non_null(a);
	assert_string_equal(a->class, "DoS");
	assert_string_equal(a->whom, "10.0.0.2");
	assert_true(a->first == 999.5 && a->last == 1000);
	assert_true(a->blocked && !a->ended && a->flows == 621);
	assert_int_equal(s.losses, 1);
	assert_string_equal(s.loss[0].name, "flow table full");
	assert_int_equal(s.counteds, 1);
	assert_string_equal(s.counted[0].name, "not IP");
	assert_int_equal(s.blocking, BLOCKING_DRY);
	assert_int_equal(s.table_room, 9);
	assert_true(s.stage[0].p50 == 12.5);
	assert_true(s.wrongs == 1 && s.wrong[0].error);
	assert_string_equal(s.wrong[0].remedy, "bring it back");
}

static void goes_on(void **state)
{
	(void)state;
	assert_true(take(first));
	assert_true(take(
		"{\"ok\":true,\"seq\":9,\"started\":900,\"points\":[{\"at\":1000,\"packets\":5},"
		"{\"at\":1001,\"packets\":6}],\"losses\":{},\"wrong\":[],\"alerts\":[{\"alert\":"
		"{\"category\":\"Worms\"},\"karma\":{\"alert_id\":\"7hq2x1m4\",\"stage\":\"end\"}}]"
		"}"));
	assert_int_equal(s.points, 3); /* a second that was told of before is no new one */
	assert_true(state_point(&s, 1)->rate[RATE_PACKETS] == 5);
	assert_int_equal(s.alerts, 1);
	assert_true(s.alert[0].ended);
	assert_string_equal(s.alert[0].class, "Worms");
	assert_int_equal(s.losses, 0);
	assert_int_equal(s.wrongs, 0);
	assert_int_equal(s.hosts, 1); /* of which nothing was said */
}

static void forgets_what_was_before_a_restart(void **state)
{
	(void)state;
	assert_true(take(first));
	assert_false(take("{\"ok\":true,\"seq\":2,\"started\":1001,\"points\":[{\"at\":1002}]}"));
	assert_int_equal(s.seq, 0);
	assert_int_equal(s.alerts, 0);
	assert_int_equal(s.points, 0);
	assert_true(take("{\"ok\":true,\"seq\":2,\"started\":1001,\"points\":[{\"at\":1002}]}"));
	assert_int_equal(s.points, 1);
}

/* What is new goes on from there; what lay later is gone, also what the ring has no more. */
static void follows_a_clock_that_was_set_back(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_POINTS + 5; i++) {
		char text[96];

		snprintf(text, sizeof(text), "{\"seq\":%d,\"points\":[{\"at\":%d,\"packets\":%d}]}",
			i + 1, 10000 + i, i);
		assert_true(take(text));
	}
	assert_true(take("{\"seq\":9999,\"points\":[{\"at\":10007.5,\"packets\":77},"
			 "{\"at\":10008.5,\"packets\":78}]}"));
	assert_true(state_point(&s, 0)->rate[RATE_PACKETS] == 78);
	assert_true(state_point(&s, 1)->rate[RATE_PACKETS] == 77);
	assert_true(state_point(&s, 2)->at == 10007);
	assert_true(state_point(&s, 4)->at == 10005);
	assert_null(state_point(&s, 5));
	assert_true(take("{\"seq\":10000,\"points\":[{\"at\":3,\"packets\":5}]}"));
	assert_true(state_point(&s, 0)->rate[RATE_PACKETS] == 5);
	assert_null(state_point(&s, 1));
}

static void many(int from, int to, bool ended)
{
	char text[256];

	for (int i = from; i < to; i++) {
		snprintf(text, sizeof(text),
			"{\"seq\":1,\"alerts\":[{\"karma\":{\"alert_id\":\"a%d\",\"stage\":\"%s\"}}"
			"]}",
			i, ended ? "end" : "new");
		assert_true(take(text));
	}
}

static void keeps_so_many_alerts(void **state)
{
	(void)state;
	many(0, 10, false);
	many(10, 20, true);
	many(20, STATE_ALERTS + 5, false);
	assert_int_equal(s.alerts, STATE_ALERTS);
	assert_int_equal(s.alerts_left_out, 5);
	assert_non_null(state_alert(&s, "a0")); /* it goes on: what has ended gave way */
	assert_null(state_alert(&s, "a10"));
	assert_null(state_alert(&s, "a14"));
	assert_non_null(state_alert(&s, "a15"));
	many(STATE_ALERTS + 5, STATE_ALERTS + 11, false);
	assert_null(state_alert(&s, "a0")); /* nothing has ended: the oldest */
}

static void keeps_so_many_points(void **state)
{
	char text[128];

	(void)state;
	for (int i = 1; i <= STATE_POINTS + 7; i++) {
		snprintf(text, sizeof(text), "{\"seq\":1,\"points\":[{\"at\":%d,\"packets\":%d}]}",
			i, i);
		assert_true(take(text));
	}
	assert_true(state_point(&s, 0)->at == STATE_POINTS + 7);
	assert_true(state_point(&s, STATE_POINTS - 1)->at == 8);
	assert_null(state_point(&s, STATE_POINTS));
}

/* Nothing of it is what it should be. */
static void survives_nonsense(void **state)
{
	static const char *const odd[] = {"{}",
		"{\"points\":3,\"hosts\":null,\"alerts\":{},\"losses\":[1]}",
		"{\"points\":[1,null,{\"at\":\"x\",\"packets\":[]},{\"at\":5,\"packets\":-1e300}]}",
		"{\"hosts\":[7,{\"ip\":{}},{\"ip\":null,\"suspicion\":\"much\",\"records\":1e300}]"
		"}",
		"{\"alerts\":[3,null,[],{\"karma\":7},{\"karma\":{\"alert_id\":\"\"}},"
		"{\"karma\":{\"alert_id\":\"0123456789abcdef0123456789\",\"first\":\"soon\"},"
		"\"alert\":[]}]}",
		"{\"losses\":{\"a\":-1,\"b\":\"x\",\"c\":1e300},\"latency\":{\"a\":1},\"wrong\":[1,"
		"{}]}",
		"{\"block\":7,\"table\":[],\"step\":-1,\"started\":\"x\",\"seq\":-5}"};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		json_t *answer = json_loads(odd[i], 0, NULL);

		assert_non_null(answer);
		assert_true(state_take_live(&s, answer));
		state_take_status(&s, answer);
		state_take_blocks(&s, answer, false);
		state_take_allowed(&s, answer);
		state_take_marks(&s, answer);
		json_decref(answer);
	}
	assert_non_null(state_alert(&s, "0123456789abcde"));
	assert_true(state_point(&s, 0)->rate[RATE_PACKETS] == 0);
	assert_int_equal(s.loss[0].count, (uint64_t)1e18);
}

static void takes_lists(void **state)
{
	json_t *page = json_loads(
		"{\"entries\":[{\"what\":\"10.0.0.9\",\"kind\":\"block\",\"by\":\"alert\","
		"\"alert_id\":\"7hq2x1m4\",\"until\":1600.5,\"packets\":12},{\"what\":"
		"\"10.0.0.1:22/tcp\",\"kind\":\"limit\",\"by\":\"person\",\"uid\":1000,"
		"\"until\":null,\"dry_run\":true}]}",
		0, NULL);
	json_t *allow = json_loads("{\"allow\":[{\"what\":\"10.0.0.0/8\",\"by\":\"configuration\"},"
				   "{\"what\":\"::1\",\"by\":\"person\",\"uid\":7}]}",
		0, NULL);

	(void)state;
	state_take_blocks(&s, page, false);
	state_take_blocks(&s, page, true);
	assert_int_equal(s.blocks, 4);
	state_take_blocks(&s, page, false);
	assert_int_equal(s.blocks, 2);
	assert_string_equal(s.block[0].by, "alert 7hq2x1m4");
	assert_true(s.block[0].until == 1600.5 && !s.block[0].limit);
	assert_string_equal(s.block[1].by, "uid 1000");
	assert_true(s.block[1].until == 0 && s.block[1].limit && s.block[1].dry);
	assert_true(state_is_blocked(&s, "10.0.0.9"));
	assert_false(state_is_blocked(&s, "10.0.0.8"));
	for (int i = 0; i < STATE_BLOCKS; i++)
		state_take_blocks(&s, page, true);
	assert_int_equal(s.blocks, STATE_BLOCKS);
	assert_int_equal(s.blocks_left_out, STATE_BLOCKS + 2);
	state_take_allowed(&s, allow);
	assert_true(s.alloweds == 2 && s.allowed[0].fixed && !s.allowed[1].fixed);
	json_decref(page);
	json_decref(allow);
}

static void takes_marks(void **state)
{
	json_t *marks = json_pack("{ss}", "7hq2x1m4", "false"), *none = json_object();

	(void)state;
	assert_true(take(first));
	state_take_marks(&s, marks);
	assert_int_equal(s.alert[0].mark, TOP_FALSE);
	state_take_marks(&s, none);
	assert_int_equal(s.alert[0].mark, TOP_UNMARKED);
	json_decref(marks);
	json_decref(none);
}

/* ---- text ---- */

static void text_is(const char *from, int cells, bool utf8, const char *want, int columns)
{
	char to[64];

	assert_int_equal(safe_text(to, sizeof(to), from, cells, utf8), columns);
	assert_string_equal(to, want);
}

static void text_is_safe(void **state)
{
	(void)state;
	text_is("plain", 10, true, "plain", 5);
	text_is("cut here", 3, true, "cut", 3);
	text_is("\x1b[2J\x07\r\n\t\x7f", 40, true, "?[2J?????", 9);
	text_is("\xc2\x9b"
		"31m",
		40, true, "?31m", 4); /* a CSI of one character */
	text_is("a\u202eb\u2066c\u200fd\u061c", 40, true, "a?b?c?d?", 8);
	text_is("e\u0301\u200b", 40, true, "e??", 3); /* no column of their own */
	text_is("\xff\xc3(\xed\xa0\x80\xc0\xaf", 40, true, "\?\?(\?\?\?\?\?", 8); /* no UTF-8 */
	text_is("caf\u00e9", 40, true, "caf\u00e9", 4);
	text_is("caf\u00e9 \u4e16", 40, false, "caf? ?", 6);
	text_is("\u4e16\u754c", 3, true, "\u4e16", 2); /* of two columns: a half is none */
	text_is("\xe4\xb8", 40, true, "??", 2);
}

static void text_fits(void **state)
{
	char to[5];

	(void)state;
	assert_int_equal(safe_text(to, sizeof(to), "\u4e16\u754c", 40, true), 2);
	assert_string_equal(to, "\u4e16");
	assert_int_equal(safe_text(to, sizeof(to), "abcdefgh", 40, true), 4);
	assert_int_equal(safe_text(to, sizeof(to), "x", 0, true), 0);
}

/* ---- sparklines ---- */

static void sparks_are_means(void **state)
{
	double column[4];

	(void)state;
	assert_true(
		take("{\"seq\":1,\"points\":[{\"at\":90,\"packets\":8},{\"at\":97,\"packets\":2},"
		     "{\"at\":98,\"packets\":4},{\"at\":99,\"packets\":10},{\"at\":100,\"packets\":"
		     "30}]}"));
	assert_true(spark_columns(&s, RATE_PACKETS, 2, column, 4) == 20);
	assert_true(column[3] == 20 && column[2] == 3 && column[1] == -1 && column[0] == -1);
	assert_true(spark_columns(&s, RATE_PACKETS, 1, column, 1) == 30);
	assert_true(fabs(spark_columns(&s, RATE_PACKETS, 100, column, 2) - 10.8) < 1e-9);
	assert_true(column[0] == -1);
	state_forget(&s);
	assert_true(spark_columns(&s, RATE_PACKETS, 1, column, 4) == 0 && column[3] == -1);
	assert_true(spark_columns(&s, RATE_PACKETS, 1, column, 0) == 0);
}

/* Seconds of a busy machine are not all as long, and still each has its part. */
static void sparks_know_how_long_a_point_is(void **state)
{
	double column[4];

	(void)state;
	assert_true(take(
		"{\"seq\":1,\"points\":[{\"at\":96,\"packets\":7},{\"at\":98.5,\"packets\":25},"
		"{\"at\":100,\"packets\":3}]}"));
	assert_true(spark_span(&s, 0) == 1.5 && spark_span(&s, 1) == 2.5 && spark_span(&s, 2) == 1);
	assert_true(spark_columns(&s, RATE_PACKETS, 1, column, 4) == 10);
	assert_true(column[3] == 2 && column[2] == 6 && column[1] == 10 && column[0] == 10);
}

static void sparks_of_minutes(void **state)
{
	double column[4];

	(void)state;
	assert_true(take("{\"seq\":1,\"step\":60,\"points\":[{\"at\":120,\"packets\":60},"
			 "{\"at\":240,\"packets\":120},{\"at\":300,\"packets\":600}]}"));
	assert_true(spark_columns(&s, RATE_PACKETS, 60, column, 4) == 10);
	assert_true(column[3] == 10 && column[2] == 2 && column[1] == -1 && column[0] == 1);
}

static void bars_grow(void **state)
{
	(void)state;
	assert_string_equal(spark_bar(-1, 10, true), " ");
	assert_string_equal(spark_bar(0, 10, false), "_");
	assert_string_equal(spark_bar(0, 0, false), "_");
	assert_string_equal(spark_bar(0.001, 10, false), ".");
	assert_string_equal(spark_bar(10, 10, false), "#");
	assert_string_equal(spark_bar(10, 10, true), "\u2588");
	assert_string_equal(spark_bar(11, 10, true), "\u2588");
}

/* ---- lists ---- */

static const char *letter(const void *context, int row)
{
	static char one[2];

	one[0] = ((const char *)context)[row];
	return one;
}

static void a_choice_stays_with_its_row(void **state)
{
	struct list l = {.at = 0};

	(void)state;
	list_settle(&l, 3, 2, letter, "abc");
	list_settle(&l, 4, 2, letter, "Zabc"); /* at the top: what is newest */
	assert_int_equal(l.at, 0);
	list_move(&l, 2, letter, "Zabc"); /* b */
	list_settle(&l, 5, 2, letter, "YZabc");
	assert_int_equal(l.at, 3);
	assert_int_equal(l.first, 2);
	list_settle(&l, 4, 2, letter, "YZac"); /* it is gone: what came there */
	assert_int_equal(l.at, 3);
	assert_string_equal(l.key, "c");
	list_move(&l, 100, letter, "YZac");
	assert_int_equal(l.at, 3);
	list_settle(&l, 0, 2, letter, "");
	assert_true(l.at == 0 && l.first == 0);
	list_move(&l, 1, letter, "");
	list_settle(&l, 2, 0, letter, "ab");
	list_move(&l, -9, letter, "ab");
	assert_string_equal(l.key, "");
}

/* ---- keys ---- */

static void every_key_is_one(void **state)
{
	(void)state;
	for (unsigned i = 0; i < key_count; i++) {
		assert_non_null(keys[i].act);
		assert_true(strlen(keys[i].what) <= 65); /* fits into 80 columns */
		for (unsigned k = 0; k < i; k++) {
			assert_int_not_equal(keys[i].code, keys[k].code);
			assert_true(!keys[i].also || keys[i].also != keys[k].code);
			assert_true(!keys[k].also ||
				    (keys[k].also != keys[i].code && keys[k].also != keys[i].also));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(takes_all, begin),
		cmocka_unit_test_setup(goes_on, begin),
		cmocka_unit_test_setup(forgets_what_was_before_a_restart, begin),
		cmocka_unit_test_setup(keeps_so_many_alerts, begin),
		cmocka_unit_test_setup(keeps_so_many_points, begin),
		cmocka_unit_test_setup(follows_a_clock_that_was_set_back, begin),
		cmocka_unit_test_setup(survives_nonsense, begin),
		cmocka_unit_test_setup(takes_lists, begin),
		cmocka_unit_test_setup(takes_marks, begin),
		cmocka_unit_test(text_is_safe),
		cmocka_unit_test(text_fits),
		cmocka_unit_test_setup(sparks_are_means, begin),
		cmocka_unit_test_setup(sparks_know_how_long_a_point_is, begin),
		cmocka_unit_test_setup(sparks_of_minutes, begin),
		cmocka_unit_test_setup(bars_grow, begin),
		cmocka_unit_test(a_choice_stays_with_its_row),
		cmocka_unit_test(every_key_is_one),
	};
	int failed;

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	state_forget(&s);
	return failed;
}
