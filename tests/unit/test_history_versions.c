/* What a file of the history has from another version: features, and files of version 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "feature/pack.h"
#include "history_alerts.h"
#include "output/history_schema.h"

/* ---- features ---- */

static unsigned unpacked;

static void take_flow(void *context, const struct alert_flow *f, const char *form, unsigned count)
{
	const struct row *row = context;
	struct unpacking u;
	struct row back;

	assert_int_equal(f->first_ns, start + second + 7);
	assert_string_equal(form, pack_form());
	assert_true(unpacking_of(&u, form));
	assert_int_equal(u.count, count);
	unpack_row(&u, f->features, &back);
	for (unsigned i = 0; i < feature_count; i++)
		if (!(features[i].sets & SET_LIVE) || isnan(row->value[i]))
			assert_true(isnan(back.value[i]));
		else
			assert_float_equal(back.value[i], row->value[i], 1e-6 * row->value[i]);
	unpacked++;
}

static void features_come_back(void **state)
{
	struct history *h = open_history(history_limits);
	struct alert a = an_alert(1, "10.0.1.1", "10.0.2.9");
	float packed[FEATURE_MAX];
	struct history_reader *r;
	char id[ALERT_ID_TEXT];
	struct alert_flow f;
	struct error e = {""};
	struct row row;

	(void)state;
	for (int i = 0; i < FEATURE_MAX; i++)
		row.value[i] = i % 7 == 6 ? NAN : i % 5 == 0 ? 0 : 1.25 * i;
	for (unsigned i = 0; i < feature_count; i++)
		if (features[i].kind == KIND_CATEGORY)
			row.value[i] = 2;
	pack_row(&row, packed);
	f = a_flow(&a, 5, packed);
	history_flow(h, &a, &f);
	history_alert(h, &a, ALERT_END, NULL);
	history_close(h, NULL);
	r = open_reader();
	assert_int_equal(history_flows(r, alert_id_text(1, id), take_flow, &row, &e), 0);
	history_reader_close(r);
	assert_int_equal(unpacked, 1);
	unlink(path);
}

/* A version that had other features, in another order, and other protocols. */
static void features_of_other_versions_are_understood(void **state)
{
	const float packed[] = {7, 1, 0.5F, 3};
	struct unpacking u;
	struct row row;

	(void)state;
	assert_true(unpacking_of(&u, "gone proto=other|udp dur state=REQ"));
	assert_int_equal(u.count, 4);
	unpack_row(&u, packed, &row);
	assert_float_equal(row.value[COL_DUR], 0.5, 1e-9);
	assert_int_equal((int)row.value[COL_PROTO], feature_category(&features[COL_PROTO], "udp"));
	assert_true(isnan(row.value[COL_STATE])); /* there is no fourth */
	assert_true(isnan(row.value[COL_SBYTES]));
	assert_false(unpacking_of(&u, ""));
}

/* ---- version 1 ---- */

/* As its karma wrote it. */
static const char version_1[] =
	"CREATE TABLE alerts (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
	" first_ns INTEGER, last_ns INTEGER, class TEXT, attacker TEXT, target TEXT,"
	" flows INTEGER, left_out INTEGER, event TEXT NOT NULL);"
	"CREATE INDEX alerts_first ON alerts (first_ns);"
	"CREATE TABLE flows (alert INTEGER NOT NULL, slot INTEGER NOT NULL, flow_id INTEGER,"
	" at_ns INTEGER, start_ns INTEGER, last_ns INTEGER, src TEXT, sport INTEGER, dst TEXT,"
	" dport INTEGER, proto TEXT, state TEXT, app TEXT, spkts INTEGER, dpkts INTEGER,"
	" sbytes INTEGER, dbytes INTEGER, score REAL, class TEXT, probability REAL,"
	" actor INTEGER, latest INTEGER, PRIMARY KEY (alert, slot)) WITHOUT ROWID;"
	"CREATE TABLE totals (name TEXT PRIMARY KEY, value INTEGER NOT NULL);"
	"INSERT INTO totals VALUES ('removed', 5);"
	"PRAGMA application_id = 1263684929; PRAGMA user_version = 1;"
	"INSERT INTO alerts VALUES (3, '00000001', 10, 20, 'DoS', '10.0.0.9', '10.0.0.2', 1, 0,"
	" '{\"karma\":{\"alert_id\":\"00000001\",\"confidence\":0.75}}');"
	"INSERT INTO alerts VALUES (4, 'spoilt', 10, 20, 'DoS', NULL, 'nowhere', 1, 0, 'x');"
	"INSERT INTO flows VALUES (3, 0, 77, 10, 10, 20, '10.0.0.8', 1, '10.0.0.2', 80, 'tcp', "
	"'RST',"
	" NULL, 1, 1, 40, 40, 1.5, 'DoS', 0.5, 0, 1)";

static void check_upgraded(void)
{
	struct history_query q = {.class = CLASS_DOS, .mark = -1, .confidence = 0.7};
	struct history_reader *r = open_reader();
	struct history_entry entry;
	struct error e = {""};

	q.has_range = true;
	addr_parse("10.0.0.8", q.low); /* of its flow alone */
	memcpy(q.high, q.low, 16);
	assert_int_equal(history_find(r, "00000001", &entry, &e), 0);
	assert_true(entry.ended);
	json_decref(entry.event);
	assert_int_equal(history_removed(r), 5);
	assert_int_equal(history_number(r->db, "PRAGMA user_version", 0), HISTORY_VERSION);
	assert_int_equal(history_number(r->db, "PRAGMA auto_vacuum", 0), 2);
	history_reader_close(r);
	search(&q);
	assert_string_equal(found, "1");
}

static void files_of_version_1_are_upgraded(void **state)
{
	(void)state;
	execute(version_1);
	check_upgraded(); /* by who reads it */
	unlink(path);
	execute(version_1);
	history_close(open_history(history_limits), NULL);
	check_upgraded();
	mark(1, MARK_FALSE);
	unlink(path);
}

/* What cannot be brought up to date stays as it was. */
static void an_upgrade_is_whole_or_none(void **state)
{
	struct history_reader *r = NULL;
	struct error e = {""};
	sqlite3 *db;

	(void)state;
	execute(version_1);
	execute("CREATE TABLE cards (x)");
	assert_true(history_reader_open(&r, path, &e) < 0);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(history_number(db, "PRAGMA user_version", 0), 1);
	assert_int_equal(
		history_number(db, "SELECT count(*) FROM pragma_table_info('alerts')", 0), 10);
	sqlite3_close(db);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_come_back),
		cmocka_unit_test(features_of_other_versions_are_understood),
		cmocka_unit_test(files_of_version_1_are_upgraded),
		cmocka_unit_test(an_upgrade_is_whole_or_none),
	};

	return cmocka_run_group_tests_name("history_versions", tests, make_place, remove_place);
}
