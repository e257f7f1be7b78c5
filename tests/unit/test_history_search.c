/* The history as it is searched, marked, summed up and kept within its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <sys/stat.h>

#include "history_alerts.h"
#include "output/history_schema.h"
#include "util/clock.h"

static void alerts_are_found_by_what_they_are(void **state)
{
	struct history_query q = any;

	(void)state;
	make_ten();
	assert_int_equal(search(&q), 0);
	assert_string_equal(found, "1 2 3 4 5 6 7 8 9 10");
	q.limit = 3;
	assert_int_equal(search(&q), 7);
	assert_string_equal(found, "8 9 10");
	q = any;
	q.since_ns = start + 9 * second; /* 8 went on until then */
	q.until_ns = start + 9 * second;
	search(&q);
	assert_string_equal(found, "8 9");
	q = any;
	q.class = CLASS_DOS;
	q.confidence = 0.555;
	search(&q);
	assert_string_equal(found, "6 8 10");
	q = any;
	q.has_range = true;
	addr_parse("10.0.1.4", q.low);
	addr_parse("10.0.1.7", q.high);
	search(&q);
	assert_string_equal(found, "5 7");
	addr_parse("10.0.2.9", q.low);
	addr_parse("10.0.2.9", q.high);
	search(&q);
	assert_string_equal(found, "1 2 3 4 5 6 7 8 9 10");
	unlink(path);
}

struct spells {
	unsigned attacks, targets;
	double surest;
};

static void take_spell(void *context, const struct history_spell *s)
{
	struct spells *all = context;

	assert_true(s->first_ns <= s->last_ns);
	all->attacks += s->attacks;
	all->targets += !s->attacks;
	if (s->confidence > all->surest)
		all->surest = s->confidence;
}

static struct spells spells_of(const char *ip, int64_t since_ns)
{
	struct history_query q = any;
	struct history_reader *r = open_reader();
	struct spells all = {0};
	struct error e = {""};

	q.since_ns = since_ns;
	assert_true(history_range(ip, q.low, q.high));
	assert_int_equal(history_spells(r, &q, take_spell, &all, &e), 0);
	history_reader_close(r);
	return all;
}

static void a_hosts_alerts_are_its_spells(void **state)
{
	struct spells all;

	(void)state;
	make_ten();
	all = spells_of("10.0.2.9", 0);
	assert_int_equal(all.targets, 10);
	assert_int_equal(all.attacks, 0);
	assert_true(all.surest > 0 && all.surest <= 1);
	all = spells_of("10.0.1.7", 0);
	assert_int_equal(all.attacks, 1);
	assert_int_equal(all.targets, 0);
	assert_int_equal(spells_of("10.0.2.9", start + 9 * second).targets, 3);
	assert_int_equal(spells_of("10.9.9.9", 0).targets, 0);
	unlink(path);
}

static void words_are_found_in_what_people_read(void **state)
{
	struct history_query q = any;
	char id[ALERT_ID_TEXT];

	(void)state;
	make_ten();
	q.words = 1;
	q.word[0] = "ssh";
	search(&q);
	assert_string_equal(found, "4");
	q.word[0] = alert_id_text(7, id);
	search(&q);
	assert_string_equal(found, "7");
	q.word[0] = "src_ip"; /* a key of EVE's */
	search(&q);
	assert_string_equal(found, "");
	q.words = 2;
	q.word[0] = "RECON";
	q.word[1] = "ports";
	search(&q);
	assert_string_equal(found, "1 3 5 7 9");
	q.word[1] = "%";
	search(&q);
	assert_string_equal(found, "");
	unlink(path);
}

static void all_may_be_asked_at_once(void **state)
{
	struct history_query q = {.since_ns = 1,
		.until_ns = INT64_MAX,
		.has_range = true,
		.class = CLASS_RECONNAISSANCE,
		.mark = MARK_NONE,
		.confidence = 0.01,
		.words = HISTORY_WORDS,
		.limit = 5,
		.order = ORDER_CONFIDENCE};

	(void)state;
	make_ten();
	memset(q.high, 0xff, sizeof(q.high));
	for (unsigned i = 0; i < HISTORY_WORDS; i++)
		q.word[i] = "ports";
	assert_int_equal(search(&q), 0);
	assert_string_equal(found, "1 3 5 7 9");
	unlink(path);
}

/* ---- marks ---- */

static struct {
	uint64_t alerts, attacks, mistakes;
	double seconds;
} card;

static void take_card(void *context, const struct history_card *c)
{
	(void)context;
	card.alerts += c->alerts;
	card.attacks += c->attacks;
	card.mistakes += c->mistakes;
	card.seconds = c->seconds;
	assert_string_equal(c->model, "0123abcd");
}

static void read_card(void)
{
	struct history_reader *r = open_reader();
	struct error e = {""};

	memset(&card, 0, sizeof(card));
	assert_int_equal(history_cards(r, take_card, NULL, &e), 0);
	history_reader_close(r);
}

static void marks_are_kept_and_counted(void **state)
{
	struct history_query q = any;
	struct error e = {""};
	struct history *h;
	struct alert a;

	(void)state;
	make_ten();
	mark(2, MARK_ACK);
	mark(3, MARK_FALSE);
	mark(5, MARK_FALSE);
	mark(7, MARK_FALSE);
	mark(7, MARK_NONE);
	assert_int_equal(history_mark(path, "00000000", MARK_ACK, &e), -ENOENT);
	h = open_history(history_limits); /* the same capture again */
	a = an_alert(3, "10.0.1.3", "10.0.2.9");
	arise(h, &a, 1, true);
	history_close(h, NULL);
	q.mark = MARK_FALSE;
	search(&q);
	assert_string_equal(found, "3 5");
	q.mark = MARK_ACK;
	search(&q);
	assert_string_equal(found, "2");
	read_card();
	assert_int_equal(card.alerts, 10);
	assert_int_equal(card.attacks, 1);
	assert_int_equal(card.mistakes, 2);
	unlink(path);
}

static struct history_limits limits(uint32_t alerts, uint64_t bytes, uint64_t seconds)
{
	return (struct history_limits){
		.alerts = alerts, .hosts = 20, .bytes = bytes, .seconds = seconds};
}

/* Unmarked alerts go before marked ones, those that have not ended never; the card remembers. */
static void what_may_go_goes_in_order(void **state)
{
	struct history *h;
	struct alert a;

	(void)state;
	make_ten();
	mark(1, MARK_FALSE);
	h = open_history(limits(4, 1 << 30, 1000));
	a = an_alert(20, "10.0.1.20", "10.0.2.9");
	arise(h, &a, 1, false);
	for (uint64_t id = 21; id <= 25; id++) {
		history_write(h, true);
		a = an_alert(id, "10.0.1.20", "10.0.2.9");
		arise(h, &a, 1, true);
	}
	history_write(h, true);
	search(&any);
	assert_string_equal(found, "1 20 24 25");
	read_card();
	assert_int_equal(card.alerts, 16);
	assert_int_equal(card.mistakes, 1);
	history_close(h, NULL);
	/* Whoever wrote it is gone: now it may go. */
	h = open_history(limits(2, 1 << 30, 1000));
	history_close(h, NULL);
	search(&any);
	assert_string_equal(found, "1 25");
	unlink(path);
}

static void old_alerts_go_but_for_marked_ones(void **state)
{
	struct history_stats s;
	struct history *h;

	(void)state;
	make_ten();
	mark(2, MARK_ACK);
	execute("UPDATE alerts SET put_ns = put_ns - 2000000000000 WHERE number <= 5");
	h = open_history(limits(100, 1 << 30, 1000));
	history_close(h, &s);
	assert_int_equal(s.lost, 0);
	search(&any);
	assert_string_equal(found, "2 6 7 8 9 10");
	unlink(path);
}

static void a_file_gives_back_its_room(void **state)
{
	struct history *h = open_history(history_limits);
	struct stat before, after;
	struct alert a;

	(void)state;
	for (uint64_t id = 1; id <= 200; id++) {
		a = an_alert(id, "10.0.1.1", "10.0.2.9");
		arise(h, &a, 200, true);
	}
	history_close(h, NULL);
	assert_int_equal(stat(path, &before), 0);
	h = open_history(limits(1000, 2 << 20, 1000));
	history_close(h, NULL);
	assert_int_equal(stat(path, &after), 0);
	assert_true(before.st_size > 4 << 20);
	assert_in_range(after.st_size, 1 << 20, 3 << 20);
	unlink(path);
}

/* What is not of alerts fills no more than a part of a small file: no alert gives way for it. */
static void other_tables_do_not_crowd_out_alerts(void **state)
{
	struct history_stats s;
	struct history *h;
	struct stat after;

	(void)state;
	make_ten();
	mark(2, MARK_ACK);
	execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120000)"
		" INSERT INTO minutes SELECT strftime('%s', 'now') / 60 - i, 60, i, i, i, i, i, i, "
		"i, i"
		" FROM n");
	execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
		" INSERT INTO blocks (at_ns, low, high, event) SELECT strftime('%s', 'now') * "
		"1000000000,"
		" zeroblob(16), zeroblob(16), printf('%0200d', i) FROM n");
	h = open_history(limits(100, 8 << 20, 90 * 86400));
	history_close(h, &s);
	assert_int_equal(s.removed, 0);
	search(&any);
	assert_string_equal(found, "1 2 3 4 5 6 7 8 9 10");
	assert_int_equal(stat(path, &after), 0);
	assert_in_range(after.st_size, 1 << 18, 8 << 20);
	unlink(path);
}

/* ---- mutes ---- */

static void mutes_are_heard_of(void **state)
{
	const struct history_settings settings = {.path = path, .limits = history_limits};
	int64_t now = (int64_t)clock_now(CLOCK_REALTIME);
	struct mute m = {.attacks = true,
		.class = CLASS_RECONNAISSANCE,
		.made_ns = now,
		.until_ns = now + 3600 * second};
	struct alert a = an_alert(1, "10.0.1.1", "10.0.2.9");
	struct history *h = NULL;
	struct error e = {""};
	unsigned ended;

	(void)state;
	assert_int_equal(history_open(&h, &settings, &e), 0);
	a.last_ns = now;
	assert_false(history_is_muted(h, &a));
	addr_parse("10.0.1.0", m.low);
	addr_parse("10.0.1.255", m.high);
	assert_int_equal(history_mute(path, &m, &e), 0);
	m.until_ns += second; /* in its place */
	assert_int_equal(history_mute(path, &m, &e), 0);
	for (int i = 0; i < 100 && !history_is_muted(h, &a); i++)
		usleep(100000);
	assert_true(history_is_muted(h, &a));
	a.class = CLASS_DOS;
	assert_false(history_is_muted(h, &a));
	a.class = CLASS_RECONNAISSANCE;
	a.many = true; /* then the attacker is not known */
	assert_false(history_is_muted(h, &a));
	a.many = false;
	a.last_ns = m.until_ns;
	assert_false(history_is_muted(h, &a));
	a.last_ns = now;
	assert_int_equal(history_unmute(path, m.low, m.high, &ended, &e), 0);
	assert_int_equal(ended, 1);
	for (int i = 0; i < 100 && history_is_muted(h, &a); i++)
		usleep(100000);
	assert_false(history_is_muted(h, &a));
	history_close(h, NULL);
	unlink(path);
}

/* ---- summaries ---- */

static struct record a_record(const char *src, const char *dst, uint8_t state)
{
	struct record r = {.event = RECORD_FINAL,
		.proto = IPPROTO_TCP,
		.net = NET_IPV4,
		.state = state,
		.first_ns = start,
		.last_ns = start + second,
		.side = {{.packets = 3, .bytes = 300}, {.packets = 2, .bytes = 2000}}};

	addr_parse(src, r.addr[SRC]);
	addr_parse(dst, r.addr[DST]);
	return r;
}

static struct {
	unsigned count;
	struct history_host host[64];
} hosts;

static void take_host(void *context, const struct history_host *h)
{
	(void)context;
	hosts.host[hosts.count++] = *h;
}

static void read_hosts(const struct history_query *q)
{
	struct history_reader *r = open_reader();
	struct error e = {""};

	hosts.count = 0;
	assert_int_equal(history_hosts(r, q, take_host, NULL, &e), 0);
	history_reader_close(r);
}

static void hosts_are_summed_up(void **state)
{
	struct history *h = open_history(history_limits);
	struct history_query q = any;
	struct record r = a_record("10.0.1.1", "10.0.2.9", STATE_FIN);
	struct alert a = an_alert(1, "10.0.1.1", "10.0.2.9");

	(void)state;
	history_record(h, &r);
	history_write(h, true);
	r.part = 1; /* the flow goes on */
	r.last_ns += second;
	history_record(h, &r);
	r.event = RECORD_LOOK; /* is told of again */
	history_record(h, &r);
	history_suspect(h, r.addr[SRC], start, 3, false);
	r = a_record("10.0.9.9", "10.0.2.9", STATE_REQ); /* a forged source's, perhaps */
	history_record(h, &r);
	history_suspect(h, r.addr[SRC], start, 3, false);
	addr_parse("10.0.7.7", r.addr[SRC]);
	history_suspect(h, r.addr[SRC], start, 20, true);
	arise(h, &a, 1, true);
	history_close(h, NULL);
	read_hosts(&q);
	assert_int_equal(hosts.count, 3);
	assert_float_equal(hosts.host[0].suspicion, 20, 1e-6);
	assert_float_equal(hosts.host[1].suspicion, 3, 1e-6);
	assert_int_equal(hosts.host[1].flows[0], 1);
	assert_int_equal(hosts.host[1].bytes[0], 600);
	assert_int_equal(hosts.host[1].bytes[1], 4000);
	assert_int_equal(hosts.host[1].last_ns, start + 2 * second);
	assert_int_equal(hosts.host[1].attacks, 1);
	assert_int_equal(hosts.host[2].flows[1], 1);
	assert_int_equal(hosts.host[2].attacked, 1);
	q.has_range = true;
	addr_parse("10.0.2.0", q.low);
	addr_parse("10.0.2.255", q.high);
	read_hosts(&q);
	assert_int_equal(hosts.count, 1);
	unlink(path);
}

static void hosts_are_bounded(void **state)
{
	struct history *h = open_history(limits(100, 1 << 30, 1000));
	struct history_stats s;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct record r = a_record("10.0.0.1", "10.0.2.9", STATE_FIN);

		r.addr[SRC][14] = (uint8_t)(i >> 8);
		r.addr[SRC][15] = (uint8_t)i;
		r.last_ns += i;
		history_record(h, &r);
	}
	history_close(h, &s);
	assert_int_equal(s.lost_hosts, 5000 - 4096); /* the target is one of them */
	read_hosts(&any);
	assert_int_equal(hosts.count, 20);
	unlink(path);
}

static struct {
	unsigned count;
	struct history_minute minute[8];
} minutes;

static void take_minute(void *context, const struct history_minute *m)
{
	(void)context;
	minutes.minute[minutes.count++] = *m;
}

static void minutes_are_counted(void **state)
{
	struct history *h = open_history(history_limits);
	int64_t now = (int64_t)clock_now(CLOCK_REALTIME) / 60000000000 * 60000000000;
	struct summary s = {.now_ns = now, .seconds = 5};
	struct history_reader *r;
	struct error e = {""};

	(void)state;
	s.meter.count[COUNT_PACKETS] = 100; /* of before */
	history_figures(h, &s);
	for (int i = 0; i < 3; i++) {
		s.now_ns += 30 * second;
		s.seconds += 30;
		s.meter.count[COUNT_PACKETS] += 10;
		s.meter.count[LOST_BUSY] += 1;
		s.meter.count[LOST_NOT_IP] += 5; /* no loss */
		s.judge.hosts_forgotten += 5;    /* nor this */
		s.detect.alerts.raised[CLASS_DOS] += i == 2;
		history_figures(h, &s);
		history_write(h, true);
	}
	history_close(h, NULL);
	r = open_reader();
	minutes.count = 0;
	assert_int_equal(history_minutes(r, &any, take_minute, NULL, &e), 0);
	history_reader_close(r);
	assert_int_equal(minutes.count, 2);
	assert_int_equal(minutes.minute[0].minute, now / 60000000000);
	assert_int_equal(minutes.minute[0].packets, 10);
	assert_int_equal(minutes.minute[1].packets, 20);
	assert_int_equal(minutes.minute[1].lost, 2);
	assert_int_equal(minutes.minute[1].alerts, 1);
	assert_float_equal(minutes.minute[1].seconds, 60, 1e-6);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_are_found_by_what_they_are),
		cmocka_unit_test(a_hosts_alerts_are_its_spells),
		cmocka_unit_test(words_are_found_in_what_people_read),
		cmocka_unit_test(all_may_be_asked_at_once),
		cmocka_unit_test(marks_are_kept_and_counted),
		cmocka_unit_test(what_may_go_goes_in_order),
		cmocka_unit_test(old_alerts_go_but_for_marked_ones),
		cmocka_unit_test(a_file_gives_back_its_room),
		cmocka_unit_test(other_tables_do_not_crowd_out_alerts),
		cmocka_unit_test(mutes_are_heard_of),
		cmocka_unit_test(hosts_are_summed_up),
		cmocka_unit_test(hosts_are_bounded),
		cmocka_unit_test(minutes_are_counted),
	};

	return cmocka_run_group_tests_name("history search", tests, make_place, remove_place);
}
