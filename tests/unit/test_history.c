/* The history: what is kept of an alert and its flows, the bounds, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/history_read.h"
#include "output/history_schema.h"
#include "util/clock.h"

static const int64_t start = 1700000000LL * 1000000000LL;

static char folder[] = "/tmp/karma-history-XXXXXX"; /* a template of mkdtemp */
static char path[128];

static struct alert an_alert(uint64_t id)
{
	struct alert a = {.id = id,
		.first_ns = start,
		.last_ns = start + 1000000000,
		.class = CLASS_RECONNAISSANCE,
		.confidence = 0.9F,
		.flows = 3,
		.attackers = 1,
		.targets = 1,
		.reasons = 1,
		.reason = {"3 ports tried"},
		.record = {.net = NET_IPV4, .proto = IPPROTO_TCP}};

	addr_parse("10.0.0.9", a.attacker);
	addr_parse("10.0.0.2", a.target);
	return a;
}

static struct alert_flow a_flow(uint64_t id)
{
	struct alert_flow f = {.flow_id = id,
		.at_ns = start + (int64_t)id,
		.start_ns = start,
		.last_ns = start + 5,
		.port = {40000, (uint16_t)id},
		.net = NET_IPV4,
		.proto = IPPROTO_TCP,
		.state = STATE_RST,
		.packets = {id, 2},
		.bytes = {300, 4},
		.app = "ssh",
		.score = 1.5F,
		.class = CLASS_RECONNAISSANCE,
		.probability = 0.75F};

	addr_parse("10.0.0.9", f.addr[SRC]);
	addr_parse("10.0.0.2", f.addr[DST]);
	return f;
}

static struct history *open_history(const struct history_limits *limits)
{
	const struct history_settings settings = {
		.path = path, .model = "0123abcd", .patient = true, .limits = *limits};
	struct history *h = NULL;
	struct error e = {""};

	if (history_open(&h, &settings, &e))
		fail_msg("%s", e.text);
	return h;
}

/* As karma run has it: nothing waits for the file. */
static struct history *open_live(const struct history_limits *limits)
{
	const struct history_settings settings = {
		.path = path, .model = "0123abcd", .limits = *limits};
	struct history *h = NULL;
	struct error e = {""};

	if (history_open(&h, &settings, &e))
		fail_msg("%s", e.text);
	return h;
}

static struct {
	unsigned count;
	struct alert_flow flow[1000];
} got;

static void take_flow(void *context, const struct alert_flow *f, const char *form, unsigned count)
{
	(void)context;
	(void)form;
	(void)count;
	got.flow[got.count++] = *f;
}

static void take_alert(void *context, const struct history_entry *entry)
{
	(void)entry;
	++*(unsigned *)context;
}

/* The flows of an alert into `got`; what was left out of them. */
static uint64_t read_flows(uint64_t id)
{
	struct history_entry entry = {.event = NULL};
	struct history_reader *r = NULL;
	char text[ALERT_ID_TEXT];
	struct error e = {""};

	got.count = 0;
	alert_id_text(id, text);
	assert_int_equal(history_reader_open(&r, path, &e), 0);
	assert_int_equal(history_find(r, text, &entry, &e), 0);
	assert_int_equal(history_flows(r, text, take_flow, NULL, &e), 0);
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(entry.event, "karma"), "alert_id")),
		text);
	json_decref(entry.event);
	history_reader_close(r);
	return entry.flows_left_out;
}

static const struct history_query all = {.class = -1, .mark = -1};

static unsigned count_alerts(uint64_t *removed)
{
	struct history_reader *r = NULL;
	struct error e = {""};
	unsigned count = 0;

	assert_int_equal(history_reader_open(&r, path, &e), 0);
	assert_int_equal(history_search(r, &all, take_alert, &count, NULL, &e), 0);
	if (removed)
		*removed = history_removed(r);
	history_reader_close(r);
	return count;
}

static void an_alert_comes_back_with_its_flows(void **state)
{
	struct history *h = open_history(&history_limits);
	struct alert a = an_alert(7);
	struct alert_flow f;

	(void)state;
	for (uint64_t i = 1; i <= 3; i++) {
		f = a_flow(i);
		history_flow(h, &a, &f);
	}
	history_alert(h, &a, ALERT_NEW, NULL);
	history_write(h, true);
	assert_int_equal(read_flows(7), 0); /* while it is open */
	assert_int_equal(got.count, 3);
	f = a_flow(2); /* goes on */
	f.again = true;
	f.packets[SRC] = 99;
	history_flow(h, &a, &f);
	history_alert(h, &a, ALERT_END, NULL);
	history_close(h, NULL);
	assert_int_equal(read_flows(7), 0);
	assert_int_equal(got.count, 3);
	assert_int_equal(got.flow[2].flow_id, 2); /* its record is the latest now */
	assert_int_equal(got.flow[2].packets[SRC], 99);
	f = got.flow[1];
	assert_int_equal(f.flow_id, 3);
	assert_int_equal(f.at_ns, start + 3);
	assert_int_equal(f.port[DST], 3);
	assert_int_equal(f.proto, IPPROTO_TCP);
	assert_int_equal(f.net, NET_IPV4);
	assert_int_equal(f.state, STATE_RST);
	assert_int_equal(f.bytes[DST], 4);
	assert_int_equal(f.class, CLASS_RECONNAISSANCE);
	assert_float_equal(f.probability, 0.75, 1e-6);
	assert_float_equal(f.score, 1.5, 1e-6);
	unlink(path);
}

static const char *model_of(uint64_t id, char model[16])
{
	struct history_entry entry = {.event = NULL};
	struct history_reader *r = NULL;
	char text[ALERT_ID_TEXT];
	struct error e = {""};

	alert_id_text(id, text);
	assert_int_equal(history_reader_open(&r, path, &e), 0);
	assert_int_equal(history_find(r, text, &entry, &e), 0);
	snprintf(model, 16, "%s",
		json_string_value(json_object_get(json_object_get(entry.event, "karma"), "model")));
	json_decref(entry.event);
	history_reader_close(r);
	return model;
}

/* What one model began is not another one's, though it goes on. */
static void an_alert_is_its_models(void **state)
{
	struct history *h = open_history(&history_limits);
	struct alert a = an_alert(7), b = an_alert(8);
	char model[16];

	(void)state;
	history_alert(h, &a, ALERT_NEW, NULL);
	history_model(h, "feedbeef");
	history_alert(h, &a, ALERT_END, NULL);
	history_alert(h, &b, ALERT_NEW, NULL);
	history_close(h, NULL);
	assert_string_equal(model_of(7, model), "0123abcd");
	assert_string_equal(model_of(8, model), "feedbeef");
	unlink(path);
}

static void the_first_and_the_last_flows_are_kept(void **state)
{
	struct history *h = open_history(&history_limits);
	struct alert a = an_alert(8);

	(void)state;
	for (uint64_t i = 1; i <= 1234; i++) {
		struct alert_flow f = a_flow(i);

		a.flows = i;
		history_flow(h, &a, &f);
		if (i % 300 == 0) { /* also where it is written between */
			history_alert(h, &a, ALERT_UPDATE, NULL);
			history_write(h, true);
		}
	}
	history_alert(h, &a, ALERT_END, NULL);
	history_close(h, NULL);
	assert_int_equal(read_flows(8), 1234 - HISTORY_FIRST - HISTORY_LAST);
	assert_int_equal(got.count, HISTORY_FIRST + HISTORY_LAST);
	for (unsigned i = 0; i < got.count; i++)
		assert_int_equal(got.flow[i].flow_id,
			i < HISTORY_FIRST ? i + 1 : 1234 - HISTORY_FIRST - HISTORY_LAST + i + 1);
	unlink(path);
}

static void arise(struct history *h, uint64_t id, unsigned flows)
{
	struct alert a = an_alert(id);

	for (uint64_t i = 1; i <= flows; i++) {
		struct alert_flow f = a_flow(i);

		history_flow(h, &a, &f);
	}
	history_alert(h, &a, ALERT_NEW, NULL);
	history_alert(h, &a, ALERT_END, NULL);
}

static void the_oldest_alerts_give_way(void **state)
{
	const struct history_limits limits = {
		.alerts = 50, .hosts = 10, .bytes = 1 << 30, .seconds = 1000};
	struct history *h = open_history(&limits);
	struct history_stats s;
	uint64_t removed;

	(void)state;
	for (uint64_t id = 1; id <= 120; id++) {
		arise(h, id, 4);
		if (id % 7 == 0)
			history_write(h, true);
	}
	history_write(h, true);
	history_stats(h, &s);
	assert_int_equal(s.removed, 70);
	assert_int_equal(s.lost + s.failed, 0);
	history_close(h, NULL);
	assert_int_equal(count_alerts(&removed), 50);
	assert_int_equal(removed, 70);
	assert_int_equal(read_flows(71), 0);
	assert_int_equal(got.count, 4);
	unlink(path);
}

static void the_file_is_bounded(void **state)
{
	const struct history_limits limits = {
		.alerts = 100000, .hosts = 10, .bytes = 1 << 20, .seconds = 1000};
	struct history *h = open_history(&limits);
	struct history_stats s;
	struct stat st;

	(void)state;
	for (uint64_t id = 1; id <= 300; id++) {
		arise(h, id, 200);
		history_write(h, true);
	}
	history_stats(h, &s);
	assert_true(s.removed > 100);
	assert_int_equal(s.failed, 0);
	history_close(h, NULL);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 500 << 10, 1200 << 10);
	assert_int_equal(count_alerts(NULL), 300 - s.removed);
	read_flows(300);
	assert_int_equal(got.count, 200);
	unlink(path);
}

static void more_than_can_be_held_is_written_at_once(void **state)
{
	struct history *h = open_history(&history_limits);
	struct history_stats s;

	(void)state;
	for (uint64_t id = 1; id <= 3000; id++)
		arise(h, id, 1);
	history_stats(h, &s);
	assert_int_equal(s.lost, 0);
	history_close(h, NULL);
	assert_int_equal(count_alerts(NULL), 3000);
	unlink(path);
}

/* The same capture read again: no alert twice, and of its flows the latest reading's. */
static void the_same_alert_is_there_once(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct history *h = open_history(&history_limits);

		arise(h, 5, i ? 2 : 10);
		history_close(h, NULL);
	}
	assert_int_equal(count_alerts(NULL), 1);
	read_flows(5);
	assert_int_equal(got.count, 2);
	unlink(path);
}

/* The history's thread may be about to end its first write: that is waited for, since a check that
 * fails here leaves the history open, which the sanitizer then calls a leak. */
static sqlite3 *open_beside(void)
{
	sqlite3 *other;

	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_busy_timeout(other, 30000), SQLITE_OK);
	return other;
}

static sqlite3 *hold_file(void)
{
	sqlite3 *other = open_beside();

	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return other;
}

static void let_go(sqlite3 *other)
{
	assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
}

/* Another program holds the file: nobody waits, nothing is lost, it is written later. */
static void a_held_file_delays_nobody(void **state)
{
	struct history *h = open_live(&history_limits);
	struct history_stats s;
	uint64_t begun, longest = 0;
	sqlite3 *other;

	(void)state;
	history_write(h, true); /* its thread is done with beginning */
	usleep(100000);
	other = hold_file();
	for (uint64_t id = 1; id <= 200; id++) {
		begun = clock_now(CLOCK_MONOTONIC);
		arise(h, id, 4);
		history_write(h, false);
		begun = clock_now(CLOCK_MONOTONIC) - begun;
		longest = begun > longest ? begun : longest;
		usleep(10000);
	}
	/* A busy machine's pause, not the file's: that would be two seconds. */
	assert_in_range(longest, 0, 1500000000);
	history_stats(h, &s);
	assert_int_equal(s.failed + s.lost, 0);
	let_go(other);
	history_close(h, &s);
	assert_int_equal(s.failed + s.lost, 0);
	assert_int_equal(count_alerts(NULL), 200);
	unlink(path);
}

/* And where that takes too long, what finds no room is counted. */
static void what_finds_no_room_is_counted(void **state)
{
	struct history *h = open_live(&history_limits);
	struct history_stats s;
	uint64_t rest;
	sqlite3 *other;

	(void)state;
	history_write(h, true);
	usleep(100000);
	other = hold_file();
	for (uint64_t id = 1; id <= 5000; id++)
		arise(h, id, 1);
	history_stats(h, &s);
	assert_in_range(s.lost, 5000 - 3 * 1024, 5000 - 1024);
	rest = 5000 - s.lost;
	let_go(other);
	history_close(h, &s);
	assert_int_equal(count_alerts(NULL), rest);
	unlink(path);
}

static void a_file_that_cannot_be_written_is_counted(void **state)
{
	struct history *h = open_history(&history_limits);
	struct history_stats s;
	sqlite3 *other;

	(void)state;
	history_write(h, true);
	usleep(100000);
	other = open_beside();
	assert_int_equal(sqlite3_exec(other, "DROP TABLE flows", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	arise(h, 1, 4);
	history_write(h, true);
	history_stats(h, &s);
	assert_true(s.failed > 0 && s.failing);
	assert_int_equal(s.lost, 0); /* not yet */
	assert_non_null(strstr(s.why, path));
	assert_int_equal(count_alerts(NULL), 0); /* whole or not at all */
	history_close(h, &s);
	assert_int_equal(s.lost, 1);
	unlink(path);
}

/* ---- a file that cannot be opened when all begins ---- */

static void it_is_opened_later(void **state)
{
	struct history_settings settings = {.model = "0123abcd", .limits = history_limits};
	struct history *h = NULL;
	struct history_stats s;
	struct error e = {""};
	char deep[96], file[112];

	(void)state;
	snprintf(deep, sizeof(deep), "%s/later", folder);
	snprintf(file, sizeof(file), "%s/history.db", deep);
	settings.path = file;
	assert_true(history_open(&h, &settings, &e) < 0);
	settings.persist = true;
	assert_int_equal(history_open(&h, &settings, &e), 0);
	history_stats(h, &s);
	assert_true(s.failing);
	assert_non_null(strstr(s.why, file));
	arise(h, 1, 4);
	history_write(h, true);
	history_stats(h, &s);
	assert_true(s.failing);
	assert_int_equal(s.lost, 0);
	assert_int_equal(mkdir(deep, 0700), 0);
	for (int i = 0; i < 300 && s.failing; i++) {
		usleep(100000);
		history_stats(h, &s);
	}
	assert_false(s.failing);
	history_close(h, &s);
	assert_int_equal(s.lost, 0);
	snprintf(path, sizeof(path), "%s", file);
	assert_int_equal(count_alerts(NULL), 1);
	unlink(path);
	rmdir(deep);
	snprintf(path, sizeof(path), "%s/history.db", folder);
}

static void what_never_can_be_opened_is_lost(void **state)
{
	const struct history_settings settings = {
		.path = "/nonexistent/history.db", .persist = true, .limits = history_limits};
	struct history *h = NULL;
	struct history_stats s;
	struct error e = {""};

	(void)state;
	assert_int_equal(history_open(&h, &settings, &e), 0);
	arise(h, 1, 4);
	history_write(h, true);
	arise(h, 2, 4);
	history_close(h, &s);
	assert_int_equal(s.lost, 2);
	assert_true(s.failing);
}

/* ---- the block list ---- */

static void take_block(void *context, json_t *event)
{
	const json_t *b = json_object_get(event, "block");

	assert_string_equal(json_string_value(json_object_get(b, "action")), "block");
	++*(unsigned *)context;
}

static unsigned count_blocks(const struct history_query *q)
{
	struct history_reader *r = NULL;
	struct error e = {""};
	unsigned count = 0;

	assert_int_equal(history_reader_open(&r, path, &e), 0);
	assert_int_equal(history_blocks(r, q, take_block, &count, &e), 0);
	history_reader_close(r);
	return count;
}

static void changes_of_the_block_list_are_kept(void **state)
{
	struct block_change c = {.event = POLICY_ADD,
		.why = POLICY_WHY_PERSON,
		.entry = {.what = {.bits = 120}, .by = POLICY_BY_PERSON},
		.uid = 1000,
		.at_ns = (int64_t)clock_now(CLOCK_REALTIME)};
	struct history_query q = all;
	struct history *h = open_live(&history_limits);
	struct history_stats s;

	(void)state;
	addr_parse("10.0.0.0", c.entry.what.addr);
	for (int i = 0; i < 100; i++)
		history_block(h, &c);
	history_write(h, true);
	assert_int_equal(count_blocks(&all), 100);
	history_block(h, &c); /* once more, and closed with it */
	history_close(h, &s);
	assert_int_equal(s.lost_blocks, 0);
	assert_int_equal(count_blocks(&all), 101);
	q.limit = 10;
	assert_int_equal(count_blocks(&q), 10);
	q = all;
	q.has_range = true;
	addr_parse("10.0.0.77", q.low); /* in the net that is blocked */
	addr_parse("10.0.0.77", q.high);
	assert_int_equal(count_blocks(&q), 101);
	addr_parse("10.0.1.0", q.low);
	addr_parse("10.0.1.0", q.high);
	assert_int_equal(count_blocks(&q), 0);
	q = all;
	q.since_ns = c.at_ns + 1;
	assert_int_equal(count_blocks(&q), 0);
	unlink(path);
}

static void changes_without_room_are_counted(void **state)
{
	struct block_change c = {.event = POLICY_ADD, .at_ns = (int64_t)clock_now(CLOCK_REALTIME)};
	struct history *h = open_live(&history_limits);
	struct history_stats s;
	sqlite3 *other;

	(void)state;
	history_write(h, true);
	other = hold_file();
	for (int i = 0; i < 5000; i++)
		history_block(h, &c);
	history_stats(h, &s);
	assert_in_range(s.lost_blocks, 5000 - 3 * 1024, 5000 - 1024);
	let_go(other);
	history_close(h, &s);
	assert_int_equal(count_blocks(&all), 5000 - s.lost_blocks);
	unlink(path);
}

static void refused(const char *words)
{
	const struct history_settings settings = {.path = path, .limits = history_limits};
	struct history_reader *r = NULL;
	struct history *h = NULL;
	struct error e = {""};

	assert_true(history_reader_open(&r, path, &e) < 0);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, words));
	assert_null(r);
	if (access(path, F_OK) != 0)
		return;
	assert_true(history_open(&h, &settings, &e) < 0);
	assert_non_null(strstr(e.text, words));
	assert_null(h);
}

static void foreign_files_are_refused(void **state)
{
	sqlite3 *db;
	FILE *f;

	(void)state;
	refused("no history yet");
	f = fopen(path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("no history at all\n", f);
	fclose(f);
	refused("not a history of Karma");
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "CREATE TABLE alerts (x)", NULL, NULL, NULL);
	sqlite3_close(db);
	refused("not a history of Karma");
	unlink(path);
	history_close(open_history(&history_limits), NULL);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL);
	sqlite3_close(db);
	refused("later version");
	unlink(path);
}

static void folders_are_made_where_asked(void **state)
{
	struct history_settings settings = {.limits = history_limits};
	struct history *h = NULL;
	struct error e = {""};
	char deep[96], made[HISTORY_PATH];

	(void)state;
	snprintf(deep, sizeof(deep), "%s/state", folder);
	setenv("STATE_DIRECTORY", deep, 1);
	history_default_path(made);
	assert_non_null(strstr(made, "/state/history.db"));
	settings.path = made;
	assert_true(history_open(&h, &settings, &e) < 0);
	assert_non_null(strstr(e.text, made));
	settings.folder = true;
	assert_int_equal(history_open(&h, &settings, &e), 0);
	history_close(h, NULL);
	unlink(made);
	rmdir(deep);
	unsetenv("STATE_DIRECTORY");
	assert_string_equal(history_default_path(made), "/var/lib/karma/history.db");
}

static int make_place(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	return 0;
}

static int remove_place(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_comes_back_with_its_flows),
		cmocka_unit_test(an_alert_is_its_models),
		cmocka_unit_test(the_first_and_the_last_flows_are_kept),
		cmocka_unit_test(the_oldest_alerts_give_way),
		cmocka_unit_test(the_file_is_bounded),
		cmocka_unit_test(more_than_can_be_held_is_written_at_once),
		cmocka_unit_test(the_same_alert_is_there_once),
		cmocka_unit_test(a_held_file_delays_nobody),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(a_file_that_cannot_be_written_is_counted),
		cmocka_unit_test(it_is_opened_later),
		cmocka_unit_test(what_never_can_be_opened_is_lost),
		cmocka_unit_test(changes_of_the_block_list_are_kept),
		cmocka_unit_test(changes_without_room_are_counted),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(folders_are_made_where_asked),
	};

	return cmocka_run_group_tests_name("history", tests, make_place, remove_place);
}
