/* Reasons in words: what is said of features, and of which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "detect/explain.h"

enum { MOST = 4 };

static char reason[MOST][128];

/* A row of a scan of 10.0.0.2, or of more hosts. */
static struct row a_row(double ports, double hosts, double refused, double silent)
{
	static const char *const windows[] = {"2s", "10s", "60s"};
	struct row row = {.port = {40000, 445}};

	for (int w = 0; w < 3; w++) {
		const struct {
			const char *stem;
			double value;
		} counts[] = {{"src_ports", ports}, {"src_hosts", hosts}, {"src_refused", refused},
			{"src_unanswered", silent}};

		for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
			char name[40];

			snprintf(name, sizeof(name), "%s_%s", counts[i].stem, windows[w]);
			row.value[feature_find(name)] = counts[i].value;
		}
	}
	addr_parse("10.0.0.9", row.addr[SRC]);
	addr_parse("10.0.0.2", row.addr[DST]);
	memcpy(row.actor, row.addr[SRC], 16);
	return row;
}

static struct telling telling(const char *name, double weight)
{
	return (struct telling){(unsigned)feature_find(name), weight};
}

static void a_scan_names_ports_target_time_and_refusals(void **state)
{
	struct row row = a_row(1000, 1, 994, 0);
	struct telling t[] = {
		telling("src_refused_10s", 0.5), telling("src_ports_2s", 2), telling("dpkts", 0.2)};

	(void)state;
	assert_int_equal(explain_words(t, 3, &row, MOST, sizeof(reason[0]), reason), 2);
	assert_string_equal(reason[0], "1,000 ports of 10.0.0.2 in 2 s, 994 refused");
	assert_string_equal(reason[1], "nothing was sent back");
}

static void a_sweep_names_its_port(void **state)
{
	struct row row = a_row(1, 254, 0, 250);
	struct telling t[] = {telling("src_unanswered_2s", 3), telling("src_hosts_10s", 4)};

	(void)state;
	assert_int_equal(explain_words(t, 2, &row, MOST, sizeof(reason[0]), reason), 1);
	assert_string_equal(reason[0], "254 hosts on port 445 in 10 s, 250 unanswered");
	row.port[DST] = 0;
	t[0] = telling("src_hosts_10s", 4);
	assert_int_equal(explain_words(t, 1, &row, MOST, sizeof(reason[0]), reason), 1);
	assert_string_equal(reason[0], "254 hosts tried in 10 s");
}

/* Of several, it is not said of which; what the model did not look at is not said at all. */
static void only_what_told_is_said(void **state)
{
	struct row row = a_row(30, 20, 25, 0);
	struct telling t[] = {telling("src_ports_60s", 2), telling("src_refused_60s", -0.1)};

	(void)state;
	assert_int_equal(explain_words(t, 2, &row, MOST, sizeof(reason[0]), reason), 1);
	assert_string_equal(reason[0], "30 ports tried in 60 s");
}

/* Where the refusals tell most, the ports come behind them. */
static void the_most_telling_comes_first(void **state)
{
	struct row row = a_row(30, 1, 25, 0);
	struct telling t[] = {telling("src_ports_60s", 1), telling("refused_share_60s", 2)};

	(void)state;
	row.value[feature_find("refused_share_60s")] = 0.8;
	t[1] = telling("src_refused_60s", 2);
	assert_int_equal(explain_words(t, 2, &row, MOST, sizeof(reason[0]), reason), 2);
	assert_string_equal(reason[0], "25 connections refused in 60 s");
	assert_string_equal(reason[1], "30 ports of 10.0.0.2 in 60 s");
}

static void a_short_place_is_not_overrun(void **state)
{
	struct row row = a_row(1000, 1, 994, 0);
	char place[2][12];

	(void)state;
	for (size_t size = 2; size <= sizeof(place[0]); size++) {
		struct telling t[] = {telling("src_refused_10s", 0.5), telling("src_ports_2s", 2)};
		char(*words)[size] = (char(*)[size]) & place;

		memset(place, 'x', sizeof(place));
		assert_int_equal(explain_words(t, 2, &row, 1, size, words), 1);
		assert_true(strnlen(words[0], size) < size);
		assert_int_equal(((char *)place)[size], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_names_ports_target_time_and_refusals),
		cmocka_unit_test(a_sweep_names_its_port),
		cmocka_unit_test(only_what_told_is_said),
		cmocka_unit_test(the_most_telling_comes_first),
		cmocka_unit_test(a_short_place_is_not_overrun),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
