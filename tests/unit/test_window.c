/* Counters over time, held against a list that is searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "feature/value.h"
#include "feature/window.h"
#include "sample.h"

static double count(const struct row *row, const char *name)
{
	return row->value[feature_find(name)];
}

/* Feed a record as a new flow. */
static struct row feed(struct window *w, struct record *r)
{
	static uint64_t flows = 1000;
	struct row row;

	r->flow_id = ++flows;
	feature_row(w, r, &row);
	return row;
}

static struct row feed_again(struct window *w, struct record *r, double at)
{
	struct row row;

	r->again = true;
	r->at_ns = SAMPLE_EPOCH + (int64_t)(at * 1e9);
	feature_row(w, r, &row);
	return row;
}

static void a_scan_in_its_windows(void **unused)
{
	struct window *w = window_new(0);
	struct row row;

	(void)unused;
	for (int i = 0; i < 100; i++) { /* a port every 0.1 s */
		struct record r =
			sample("10.0.0.1", 40000, "10.0.0.2", 1 + i, IPPROTO_TCP, 0.1 * i);

		if (i % 2) {
			r.state = STATE_RST;
			r.side[DST].packets = 1;
			r.side[DST].flags[FLAG_RST] = 1;
		}
		row = feed(w, &r);
	}
	/* 7.9 to 9.9 s: 21 records, the bounds belong to the window */
	assert_close(count(&row, "src_flows_2s"), 21, 0);
	assert_close(count(&row, "src_ports_2s"), 21, 0);
	assert_close(count(&row, "src_ports_10s"), 100, 0);
	assert_close(count(&row, "src_hosts_10s"), 1, 0);
	assert_close(count(&row, "src_refused_10s"), 50, 0);
	assert_close(count(&row, "src_unanswered_10s"), 50, 0);
	assert_close(count(&row, "refused_share_10s"), 0.5, 0);
	assert_close(count(&row, "ports_per_host_10s"), 100, 0);
	assert_close(count(&row, "dst_half_open_60s"), 50, 0);
	assert_close(count(&row, "pair_flows_60s"), 1, 0);
	assert_close(count(&row, "gap"), 0.1, 1e-9);
	window_free(w);
}

static void a_flow_counts_once_and_its_outcome_is_corrected(void **unused)
{
	struct window *w = window_new(0);
	struct record r = sample("10.0.0.1", 40000, "10.0.0.2", 80, IPPROTO_TCP, 0);
	struct row row = feed(w, &r);

	(void)unused;
	assert_close(count(&row, "src_unanswered_60s"), 1, 0);
	assert_close(count(&row, "dst_half_open_60s"), 1, 0);
	assert_close(count(&row, "gap"), 60, 0);

	r.side[DST].packets = 1; /* answered after all, but outside of the shortest window */
	r.side[DST].flags[FLAG_SYN] = r.side[DST].flags[FLAG_ACK] = 1;
	r.state = STATE_CON;
	row = feed_again(w, &r, 5);
	assert_close(count(&row, "src_flows_2s"), 0, 0);
	assert_close(count(&row, "src_flows_10s"), 1, 0);
	assert_close(count(&row, "src_unanswered_2s"), 0, 0);
	assert_close(count(&row, "src_unanswered_60s"), 0, 0);
	assert_close(count(&row, "dst_half_open_10s"), 0, 0);

	/* A later part without an answer does not take the answer back. */
	r.part = 1;
	r.side[DST].packets = 0;
	r.state = STATE_REQ;
	row = feed_again(w, &r, 20);
	assert_close(count(&row, "src_unanswered_60s"), 0, 0);
	assert_close(count(&row, "dst_half_open_60s"), 0, 0);

	/* A flow that began too long ago is not counted anew. */
	row = feed_again(w, &r, 70);
	assert_close(count(&row, "src_flows_60s"), 0, 0);
	assert_close(count(&row, "gap"), 50, 1e-9);
	window_free(w);
}

static void icmp_errors_are_refusals_of_whom_they_tell(void **unused)
{
	struct window *w = window_new(0);
	struct record probe = sample("10.0.0.1", 40000, "10.0.0.2", 161, IPPROTO_UDP, 0);
	struct record error = sample("10.0.0.2", 0, "10.0.0.1", 0, IPPROTO_ICMP, 0.1);
	struct row row;

	(void)unused;
	feed(w, &probe);
	error.icmp_type = 3;
	error.icmp_code = 3;
	error.state = STATE_URP;
	assert_memory_equal(record_actor(&error), error.addr[DST], 16);
	row = feed(w, &error);
	assert_memory_equal(row.actor, probe.addr[SRC], 16);
	assert_close(count(&row, "src_refused_2s"), 1, 0);
	assert_close(count(&row, "src_flows_2s"), 1, 0);
	assert_close(count(&row, "src_hosts_2s"), 1, 0);
	assert_close(count(&row, "dst_flows_2s"), 1, 0);

	/* All errors between two hosts are one flow: its new packets are new refusals. */
	error.side[SRC].packets = 5;
	row = feed_again(w, &error, 4);
	assert_close(count(&row, "src_refused_2s"), 4, 0);
	assert_close(count(&row, "src_refused_10s"), 5, 0);
	row = feed_again(w, &error, 4.5); /* nothing new */
	assert_close(count(&row, "src_refused_10s"), 5, 0);

	/* A path's packet size is no refusal; a ping is its sender's doing. */
	error.icmp_code = 4;
	error.side[SRC].packets = 1;
	error.again = false;
	error.at_ns += SECOND;
	row = feed(w, &error);
	assert_close(count(&row, "src_refused_10s"), 5, 0);
	error.icmp_type = 8;
	error.state = STATE_ECO;
	assert_memory_equal(record_actor(&error), error.addr[SRC], 16);
	window_free(w);
}

static void groups_owe_no_answer(void **unused)
{
	static const char *const group[] = {"224.0.0.251", "239.255.255.250", "255.255.255.255"};
	struct window *w = window_new(0);
	struct row row;

	(void)unused;
	for (int i = 0; i < 3; i++) {
		struct record r = sample("10.0.0.1", 5353, group[i], 5353, IPPROTO_UDP, i * 0.1);

		row = feed(w, &r);
	}
	assert_close(count(&row, "src_flows_2s"), 3, 0);
	assert_close(count(&row, "src_unanswered_2s"), 0, 0);
	for (int i = 0; i < 2; i++) {
		struct record r = sample("fe80::1", 5353, i ? "ff02::fb" : "fe80::2", 5353,
			IPPROTO_UDP, 1 + i * 0.1);

		row = feed(w, &r);
	}
	assert_close(count(&row, "src_unanswered_2s"), 1, 0);
	window_free(w);
}

static void what_does_not_fit_is_forgotten_and_counted(void **unused)
{
	struct window *w = window_new(64);
	struct row row;

	(void)unused;
	for (int i = 0; i < 1000; i++) { /* a new source each: the hosts run out as well */
		char source[32];
		struct record r;

		snprintf(source, sizeof(source), "10.1.%d.%d", i / 250, 1 + i % 250);
		r = sample(source, 40000, "10.0.0.2", 80, IPPROTO_TCP, i * 1e-3);
		row = feed(w, &r);
		assert_true(count(&row, "dst_sources_60s") <= 64);
		assert_close(count(&row, "dst_sources_60s"), count(&row, "dst_half_open_60s"), 0);
	}
	assert_close(count(&row, "dst_flows_60s"), 63, 0); /* 64 hosts, one is the target */
	assert_int_equal(window_forgotten(w), 1000 - 63);
	window_free(w);
}

/* ---- against the list ---- */

enum { RECORDS = 6000, HOSTS = 12, PORTS = 8 };

struct past {
	int64_t at;
	int from, to, port;
	uint64_t flow_id;
	bool refused, silent, half;
};

static unsigned random_state = 1;

static int below(int n)
{
	random_state = random_state * 1103515245 + 12345;
	return (int)(random_state >> 16) % n;
}

/* Give the record one of the four outcomes. */
static void play(struct record *r, struct past *p, int outcome)
{
	memset(r->side, 0, sizeof(r->side));
	r->side[SRC].packets = r->side[SRC].flags[FLAG_SYN] = 1;
	p->refused = p->silent = p->half = false;
	switch (outcome) {
	case 0:
		r->state = STATE_REQ;
		p->silent = p->half = true;
		break;
	case 1:
		r->state = STATE_RST;
		r->side[DST].packets = r->side[DST].flags[FLAG_RST] = 1;
		p->refused = true;
		break;
	case 2:
		r->state = STATE_ACC;
		r->side[DST].packets = r->side[DST].flags[FLAG_SYN] = 1;
		p->half = true;
		break;
	default:
		r->state = STATE_CON;
		r->side[DST].packets = r->side[DST].flags[FLAG_SYN] = 1;
	}
}

static void expect(const struct past *list, int n, const struct past *now, int64_t length,
	unsigned expected[WINDOW_COUNTS])
{
	bool port[PORTS] = {false}, host[HOSTS] = {false}, source[HOSTS] = {false};

	memset(expected, 0, WINDOW_COUNTS * sizeof(*expected));
	for (int i = 0; i < n; i++) {
		const struct past *p = &list[i];

		if (now->at - p->at > length)
			continue;
		if (p->from == now->from) {
			expected[COUNT_FLOWS_OF]++;
			expected[COUNT_PORTS_OF] += !port[p->port];
			expected[COUNT_HOSTS_OF] += !host[p->to];
			expected[COUNT_REFUSED_OF] += p->refused;
			expected[COUNT_SILENT_OF] += p->silent;
			port[p->port] = host[p->to] = true;
			expected[COUNT_FLOWS_PAIR] += p->to == now->to && p->port == now->port;
		}
		if (p->to == now->to) {
			expected[COUNT_FLOWS_TO]++;
			expected[COUNT_SOURCES_TO] += !source[p->from];
			expected[COUNT_HALF_TO] += p->half;
			source[p->from] = true;
		}
	}
}

static void check(const struct row *row, const struct past *list, int n, const struct past *now)
{
	static const char *const stem[WINDOW_COUNTS] = {
		[COUNT_FLOWS_OF] = "src_flows",
		[COUNT_PORTS_OF] = "src_ports",
		[COUNT_HOSTS_OF] = "src_hosts",
		[COUNT_REFUSED_OF] = "src_refused",
		[COUNT_SILENT_OF] = "src_unanswered",
		[COUNT_FLOWS_TO] = "dst_flows",
		[COUNT_SOURCES_TO] = "dst_sources",
		[COUNT_HALF_TO] = "dst_half_open",
		[COUNT_FLOWS_PAIR] = "pair_flows",
	};
	unsigned expected[WINDOW_COUNTS];

	for (int i = 0; i < WINDOWS; i++) {
		expect(list, n, now, window_seconds[i] * SECOND, expected);
		for (int what = 0; what < WINDOW_COUNTS; what++) {
			char name[32];

			snprintf(name, sizeof(name), "%s_%ds", stem[what], window_seconds[i]);
			if (count(row, name) != expected[what])
				fail_msg("record %d: %s is %g instead of %u", n, name,
					count(row, name), expected[what]);
		}
	}
}

static struct record between(const struct past *p)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "10.0.0.%d", 1 + p->from);
	snprintf(to, sizeof(to), "10.0.0.%d", 1 + p->to);
	return sample(from, 40000, to, (uint16_t)(1 + p->port), IPPROTO_TCP, 0);
}

static void counters_equal_a_searched_list(void **unused)
{
	static struct past list[RECORDS];
	struct window *w = window_new(4096);
	int64_t at = SAMPLE_EPOCH;
	int n = 0;

	(void)unused;
	for (int i = 0; i < RECORDS; i++) {
		struct past *p = &list[n];
		struct record r;
		struct row row;

		at += below(100) == 0 ? (int64_t)below(30000) * 1000000 : below(40) * 1000000;
		if (n && below(3) == 0) { /* an earlier flow, one of the last 300 */
			p = &list[n - 1 - below(n < 300 ? n : 300)];
			r = between(p);
			r.again = true;
			r.flow_id = p->flow_id;
		} else {
			*p = (struct past){.from = below(HOSTS),
				.to = below(HOSTS),
				.port = below(PORTS),
				.at = at,
				.flow_id = (uint64_t)i + 1};
			r = between(p);
			r.flow_id = p->flow_id;
			n++;
		}
		play(&r, p, below(4));
		r.at_ns = at;
		feature_row(w, &r, &row);
		check(&row, list, n,
			&(struct past){.at = at, .from = p->from, .to = p->to, .port = p->port});
	}
	assert_int_equal(window_forgotten(w), 0);
	assert_true(n > RECORDS / 2);
	window_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scan_in_its_windows),
		cmocka_unit_test(a_flow_counts_once_and_its_outcome_is_corrected),
		cmocka_unit_test(icmp_errors_are_refusals_of_whom_they_tell),
		cmocka_unit_test(groups_owe_no_answer),
		cmocka_unit_test(what_does_not_fit_is_forgotten_and_counted),
		cmocka_unit_test(counters_equal_a_searched_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
