/* What those who look on cost: the desk's part of a record, of an alert, and of an answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "desk/desk.h"
#include "util/clock.h"

enum { RECORDS = 500000, HOSTS = 4096, TOGETHER = 32, ANSWERS = 20 };

static const int64_t second = 1000000000;

static const struct evidence_settings settings = {.threshold = 10, .half_life_s = 60};

/* Sums are nothing; those of hosts that come again; or those of hosts that come once. */
enum kind { QUIET, SUSPECTS_AGAIN, FORGED };

static void put_host(struct record *r, uint64_t n, enum kind kind)
{
	uint64_t host = (kind == FORGED ? n : n % HOSTS) * 0x9e3779b97f4a7c15ULL;

	memcpy(r->addr[SRC] + 8, &host, sizeof(host));
}

/* The calls that session.c makes, for records of different hosts that are judged together. */
static double ns_per_record(struct desk *d, enum kind kind)
{
	struct record r = {.at_ns = (int64_t)clock_now(CLOCK_REALTIME)};
	double took = bench_clock();

	for (uint64_t n = 0; n < RECORDS; n += TOGETHER) {
		desk_turn_begins(d);
		for (int i = 0; i < TOGETHER; i++) {
			desk_record(d, &r);
			if (i + 1 < TOGETHER)
				desk_judged(d);
		}
		for (uint64_t i = n; i < n + TOGETHER; i++) {
			struct weight w = {.actor = kind == QUIET ? 0 : (float)(1 + i % 7)};

			put_host(&r, i, kind);
			r.at_ns += 1000;
			desk_weighed(d, &r, r.addr[SRC], &w);
		}
		desk_judged(d);
		desk_turn_ends(d);
	}
	return (bench_clock() - took) * 1e9 / RECORDS;
}

static double us_per_alert(struct desk *d)
{
	const struct origin from = {.interface = "eth0"};
	struct alert a = {.class = CLASS_DOS, .record = {.net = NET_IPV4, .proto = 6}};
	double took = 0;

	/* The second time they take the places of others. */
	for (uint64_t n = 0; n < 2 * DESK_ALERTS; n++) {
		if (n == DESK_ALERTS)
			took = bench_clock();
		a.id = n + 1;
		desk_alert(d, &a, ALERT_NEW, &from);
	}
	return (bench_clock() - took) * 1e6 / DESK_ALERTS;
}

/* An answer as it is sent; `bytes` of it. Negative: memory is short. */
static double us_per_answer(const struct desk *d, uint64_t since, size_t *bytes)
{
	double took = bench_clock();

	for (int i = 0; i < ANSWERS; i++) {
		json_t *live = desk_live_json(d, since, DESK_POINTS);
		char *text = live ? json_dumps(live, JSON_COMPACT) : NULL;

		json_decref(live);
		if (!text)
			return -1;
		*bytes = strlen(text);
		free(text);
	}
	return (bench_clock() - took) * 1e6 / ANSWERS;
}

static double us_per_metrics(const struct desk *d)
{
	double took = bench_clock();

	for (int i = 0; i < ANSWERS; i++)
		free(desk_metrics(d));
	return (bench_clock() - took) * 1e6 / ANSWERS;
}

static void pass_seconds(struct desk *d, struct desk_facts *f, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		f->steady_ns += second;
		f->figures.now_ns += second;
		desk_tick(d, f, NULL);
	}
}

json_t *bench_desk(const struct bench_options *o, struct error *e)
{
	struct desk_facts f = {.version = "",
		.figures.now_ns = (int64_t)clock_now(CLOCK_REALTIME) - DESK_POINTS * second,
		.model = "",
		.model_id = "",
		.kernel = "",
		.sensitivity = "",
		.block = "off",
		.block_attached = ""};
	struct desk *d = desk_new(&settings);
	double quiet, again, forged, alert, first, next;
	size_t first_bytes = 0, next_bytes = 0;
	json_t *out;

	(void)o;
	if (!d) {
		error_set(e, -ENOMEM, "not enough memory for those who look on");
		return NULL;
	}
	pass_seconds(d, &f, DESK_POINTS);
	quiet = ns_per_record(d, QUIET);
	again = ns_per_record(d, SUSPECTS_AGAIN);
	forged = ns_per_record(d, FORGED);
	alert = us_per_alert(d);
	pass_seconds(d, &f, 1);
	first = us_per_answer(d, 0, &first_bytes);
	next = us_per_answer(d, DESK_POINTS - 1 + 2 * DESK_ALERTS, &next_bytes);
	out = json_pack("{sf sf sf sf sf sI sf sI sf}", "ns_per_record", quiet,
		"ns_per_record_of_a_suspect", again, "ns_per_record_of_a_forged_sender", forged,
		"us_per_alert", alert, "us_per_first_answer", first, "first_answer_bytes",
		(json_int_t)first_bytes, "us_per_next_answer", next, "next_answer_bytes",
		(json_int_t)next_bytes, "us_per_metrics", us_per_metrics(d));
	desk_free(d);
	if (!out)
		error_set(e, -ENOMEM, "out of memory");
	return out;
}
