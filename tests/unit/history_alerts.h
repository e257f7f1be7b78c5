/* A history of alerts for tests: how one is filled, opened and searched. */
#ifndef KARMA_TESTS_HISTORY_ALERTS_H
#define KARMA_TESTS_HISTORY_ALERTS_H

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/history_read.h"
#include "output/history_schema.h"

static const int64_t start = 1700000000LL * 1000000000LL, second = 1000000000;

static char folder[] = "/tmp/karma-history-XXXXXX"; /* a template of mkdtemp */
static char path[64];
static char found[4096]; /* ids, set apart by blanks */

static inline struct alert an_alert(uint64_t id, const char *attacker, const char *target)
{
	struct alert a = {.id = id,
		.first_ns = start + (int64_t)id * second,
		.last_ns = start + (int64_t)(id + 1) * second,
		.class = id % 2 ? CLASS_RECONNAISSANCE : CLASS_DOS,
		.confidence = 0.5F + (float)(id % 50) / 100,
		.flows = 1,
		.attackers = 1,
		.targets = 1,
		.many = !attacker,
		.reasons = 1,
		.reason = {"3 ports tried"},
		.record = {.net = NET_IPV4, .proto = IPPROTO_TCP}};

	if (attacker)
		addr_parse(attacker, a.attacker);
	addr_parse(target, a.target);
	memcpy(a.record.addr[DST], a.target, 16);
	return a;
}

static inline struct alert_flow a_flow(const struct alert *a, uint64_t id, const float *values)
{
	struct alert_flow f = {.flow_id = id,
		.at_ns = a->first_ns,
		.start_ns = a->first_ns,
		.first_ns = a->first_ns + 7,
		.last_ns = a->last_ns,
		.net = NET_IPV4,
		.proto = IPPROTO_TCP,
		.score = 1,
		.class = CLASS_DOS,
		.features = values};

	memcpy(f.addr[SRC], a->attacker, 16);
	memcpy(f.addr[DST], a->target, 16);
	return f;
}

static inline struct history *open_history(struct history_limits limits)
{
	const struct history_settings settings = {
		.path = path, .model = "0123abcd", .patient = true, .limits = limits};
	struct history *h = NULL;
	struct error e = {""};

	if (history_open(&h, &settings, &e))
		fail_msg("%s", e.text);
	return h;
}

static inline void arise(struct history *h, const struct alert *a, unsigned flows, bool ended)
{
	for (uint64_t i = 1; i <= flows; i++) {
		struct alert_flow f = a_flow(a, i, NULL);

		history_flow(h, a, &f);
	}
	history_alert(h, a, ended ? ALERT_END : ALERT_NEW, NULL);
}

/* Ten alerts, 1 to 10: odd ones scans of 10.0.1.ID, even ones floods by many of 10.0.2.9. */
static inline void make_ten(void)
{
	struct history *h = open_history(history_limits);

	for (uint64_t id = 1; id <= 10; id++) {
		char attacker[32];
		struct alert a;

		snprintf(attacker, sizeof(attacker), "10.0.1.%u", (unsigned)id);
		a = an_alert(id, id % 2 ? attacker : NULL, "10.0.2.9");
		if (id == 4)
			strcpy(a.reason[0], "The service is SSH");
		arise(h, &a, 2, true);
	}
	history_close(h, NULL);
}

static inline void take_alert(void *context, const struct history_entry *entry)
{
	const char *id = json_string_value(
		json_object_get(json_object_get(entry->event, "karma"), "alert_id"));

	(void)context;
	for (uint64_t i = 0; i < 1000; i++) {
		char text[ALERT_ID_TEXT];

		if (strcmp(alert_id_text(i, text), id) == 0)
			sprintf(found + strlen(found), "%s%u", *found ? " " : "", (unsigned)i);
	}
}

static inline struct history_reader *open_reader(void)
{
	struct history_reader *r = NULL;
	struct error e = {""};

	if (history_reader_open(&r, path, &e))
		fail_msg("%s", e.text);
	return r;
}

/* What a query finds; how many more there are. */
static inline uint64_t search(const struct history_query *q)
{
	struct history_reader *r = open_reader();
	struct error e = {""};
	uint64_t left_out;

	*found = '\0';
	assert_int_equal(history_search(r, q, take_alert, NULL, &left_out, &e), 0);
	history_reader_close(r);
	return left_out;
}

static const struct history_query any = {.class = -1, .mark = -1};

static inline void mark(uint64_t id, enum history_mark m)
{
	char text[ALERT_ID_TEXT];
	struct error e = {""};

	if (history_mark(path, alert_id_text(id, text), m, &e))
		fail_msg("%s", e.text);
}

static inline void execute(const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why))
		fail_msg("%s", why);
	sqlite3_close(db);
}

static inline int make_place(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/history.db", folder);
	return 0;
}

static inline int remove_place(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

#endif
