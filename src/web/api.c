/* What may be asked for. */
#include <errno.h>
#include <string.h>

#include "lstm/model.h"
#include "util/clock.h"
#include "util/number.h"
#include "web/host.h"
#include "web/inside.h"
#include "web/story.h"

enum { TOP = 10, LIVE_PAGES = 32, LIVE_POINTS = 120 };

static const double second = 1e9;

/* ---- the daemon's answers as they are ---- */

json_t *live_all(struct wire *wire, unsigned points, struct error *e)
{
	json_t *all = NULL, *page;
	json_int_t since = 0;
	bool more = true;

	for (int pages = 0; more && pages < LIVE_PAGES; pages++) {
		page = wire_ask(wire,
			json_pack("{ss sI si}", "command", "live", "since", since, "points",
				(int)points),
			e);
		if (!page)
			break;
		since = json_integer_value(json_object_get(page, "seq"));
		more = json_is_true(json_object_get(page, "more"));
		if (!all) {
			all = page;
			continue;
		}
		json_array_extend(json_object_get(all, "points"), json_object_get(page, "points"));
		json_array_extend(json_object_get(all, "alerts"), json_object_get(page, "alerts"));
		json_decref(page);
	}
	return all;
}

/* The first view waits for this: of the alerts what a list shows, and the points of the tiles. */
static struct reply get_live(struct request *r)
{
	struct error e = {""};
	json_t *live = live_all(&r->web->wire, LIVE_POINTS, &e), *alerts;

	if (!live)
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	alerts = json_object_get(live, "alerts");
	for (size_t i = 0; i < json_array_size(alerts); i++)
		json_array_set_new(alerts, i, story_brief(json_array_get(alerts, i)));
	return reply_json(MHD_HTTP_OK, live);
}

/* And whether who asks may act. */
static struct reply get_status(struct request *r)
{
	struct error e = {""};
	json_t *status = wire_ask(&r->web->wire, json_pack("{ss}", "command", "status"), &e);

	if (!status)
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	json_object_set_new(status, "may_act", json_boolean(r->has_token));
	json_object_set_new(status, "token_file", json_string(r->web->settings.token));
	json_object_set_new(status, "keeps_history", json_boolean(r->web->settings.history));
	return reply_json(MHD_HTTP_OK, status);
}

/* A page of the block list, from `after` on, and with the first the allow list; where there is
 * none, why. A long list is many questions: between them others have their turn. */
static struct reply get_blocks(struct request *r)
{
	const char *text = argument(r, "after");
	struct error e = {""};
	uint64_t after = 0;
	json_t *all, *page;

	if (text && !number_parse(text, 0, INT64_MAX, &after))
		return reply_error(MHD_HTTP_BAD_REQUEST, "'after' takes a number");
	all = wire_ask(&r->web->wire,
		json_pack("{ss sI}", "command", "block.list", "after", (json_int_t)after), &e);
	if (!all)
		all = json_pack("{sb s[] sn ss}", "ok", 1, "entries", "next", "why", e.text);
	if (after)
		return reply_json(MHD_HTTP_OK, all);
	page = wire_ask(&r->web->wire, json_pack("{ss}", "command", "allow.list"), &e);
	if (page)
		json_object_set(all, "allow", json_object_get(page, "allow"));
	else
		json_object_set_new(all, "allow_why", json_string(e.text));
	json_decref(page);
	return reply_json(MHD_HTTP_OK, all);
}

/* ---- alerts ---- */

/* The latest ones that the daemon has, where no history is kept. */
static struct reply live_alerts(const struct request *r)
{
	json_t *list = json_array(), *live;
	struct error e = {""};
	size_t n;

	live = live_all(&r->web->wire, 1, &e);
	if (!live) {
		json_decref(list);
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	}
	n = json_array_size(json_object_get(live, "alerts"));
	for (size_t i = n; i > 0; i--)
		json_array_append_new(
			list, story_line(json_array_get(json_object_get(live, "alerts"), i - 1)));
	json_decref(live);
	return reply_json(MHD_HTTP_OK, json_pack("{sb sb sI si so}", "ok", 1, "live", 1, "total",
					       (json_int_t)n, "skip", 0, "alerts", list));
}

static struct reply get_alerts(struct request *r)
{
	struct history_reader *reader;
	char words[HISTORY_WORDS_ROOM];
	struct history_query q;
	struct error e = {""};
	struct reply reply;
	const char *wrong = "";
	json_t *list;
	uint64_t total;
	int err;

	if (!r->web->settings.history)
		return live_alerts(r);
	if (!query_of(r, &q, words, &wrong))
		return reply_error(MHD_HTTP_BAD_REQUEST, "'%s' takes something else", wrong);
	reader = open_history(r, &reply);
	if (!reader)
		return reply;
	list = json_array();
	err = history_search(reader, &q, story_add_first, list, NULL, &e);
	total = history_count(reader, &q);
	history_reader_close(reader);
	if (err) {
		json_decref(list);
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	}
	return reply_json(
		MHD_HTTP_OK, json_pack("{sb sI sI so}", "ok", 1, "total", (json_int_t)total, "skip",
				     (json_int_t)q.skip, "alerts", list));
}

/* ---- sums ---- */

static void add_minute(void *list, const struct history_minute *m)
{
	json_array_append_new(
		list, json_pack("{sI sf sI sI sI sI sI sI sI sI}", "at", (json_int_t)m->minute * 60,
			      "seconds", m->seconds, "packets", (json_int_t)m->packets, "bytes",
			      (json_int_t)m->bytes, "flows", (json_int_t)m->flows, "records",
			      (json_int_t)m->records, "alerts", (json_int_t)m->alerts, "lost",
			      (json_int_t)m->lost, "hosts", (json_int_t)m->hosts, "open",
			      (json_int_t)m->open));
}

static int sum_up(struct history_reader *reader, const struct history_query *q, int64_t step_s,
	json_t *answer, struct error *e)
{
	struct history_query all = *q;
	json_t *minutes = json_array(), *classes = json_array();
	json_t *attackers = json_array(), *targets = json_array();
	int err;

	all.limit = 0;
	err = history_minutes_together(reader, &all, step_s, add_minute, minutes, e);
	if (!err)
		err = history_alerts_over_time(reader, &all, step_s, tally_add, classes, e);
	all.limit = TOP;
	if (!err)
		err = history_parties(reader, &all, true, tally_add, attackers, e);
	if (!err)
		err = history_parties(reader, &all, false, tally_add, targets, e);
	json_object_set_new(answer, "minutes", minutes);
	json_object_set_new(answer, "classes", classes);
	json_object_set_new(answer, "attackers", attackers);
	json_object_set_new(answer, "targets", targets);
	return err;
}

static void take_first(void *answer, const struct history_entry *entry)
{
	json_object_set(
		answer, "oldest", json_object_get(json_object_get(entry->event, "karma"), "first"));
}

/* Alerts that gave way to later ones count nowhere: how many, and of when the oldest is that
 * stayed. */
static int tell_removed(struct history_reader *reader, json_t *answer, struct error *e)
{
	struct history_query oldest = {.class = -1, .mark = -1, .limit = 1, .ascending = true};
	uint64_t removed = history_removed(reader);

	json_object_set_new(answer, "removed", json_integer((json_int_t)removed));
	return removed ? history_search(reader, &oldest, take_first, answer, NULL, e) : 0;
}

/* What was since then: rates, alerts by class, who attacks and who is attacked. */
static struct reply get_overview(struct request *r)
{
	int64_t now_ns = (int64_t)clock_now(CLOCK_REALTIME), step_s;
	struct history_reader *reader;
	char words[HISTORY_WORDS_ROOM];
	struct history_query q;
	struct error e = {""};
	const char *wrong = "";
	struct reply reply;
	json_t *answer;

	if (!query_of(r, &q, words, &wrong))
		return reply_error(MHD_HTTP_BAD_REQUEST, "'%s' takes something else", wrong);
	reader = open_history(r, &reply);
	if (!reader)
		return reply;
	if (!q.since_ns)
		q.since_ns = now_ns - 3600 * 1000000000LL;
	step_s = query_step(&q, now_ns);
	answer = json_pack("{sb sI sf sf}", "ok", 1, "step", (json_int_t)step_s, "since",
		(double)q.since_ns / second, "until",
		(double)(q.until_ns ? q.until_ns : now_ns) / second);
	if (sum_up(reader, &q, step_s, answer, &e) < 0 || tell_removed(reader, answer, &e) < 0) {
		json_decref(answer);
		reply = reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	} else {
		reply = reply_json(MHD_HTTP_OK, answer);
	}
	history_reader_close(reader);
	return reply;
}

/* ---- the model ---- */

static void add_card(void *list, const struct history_card *c)
{
	json_array_append_new(
		list, json_pack("{ss ss sI sI sI sf}", "model", c->model, "class", c->class,
			      "alerts", (json_int_t)c->alerts, "attacks", (json_int_t)c->attacks,
			      "mistakes", (json_int_t)c->mistakes, "seconds", c->seconds));
}

/* Of the file's header what a card has: not the encoder's tables. */
static json_t *card_of(const char *path, struct error *e)
{
	static const char *const kept[] = {"shape", "classes", "scores", "settings", "thresholds",
		"temperature", "attack", "detection", "data", "calibration", "rows"};
	json_t *card = json_object(), *names = json_array();
	const json_t *feature;
	struct model m;
	size_t i;

	if (model_load(&m, path, e) < 0) {
		json_decref(card);
		json_decref(names);
		return NULL;
	}
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (json_object_get(m.header, kept[i]))
			json_object_set(card, kept[i], json_object_get(m.header, kept[i]));
	json_array_foreach (
		json_object_get(json_object_get(m.header, "input"), "features"), i, feature) {
		json_array_append(names, json_object_get(feature, "name"));
	}
	json_object_set_new(card, "features", names);
	model_free(&m);
	return card;
}

static struct reply get_model(struct request *r)
{
	struct error e = {""};
	json_t *status = wire_ask(&r->web->wire, json_pack("{ss}", "command", "status"), &e), *card;
	json_t *model = json_object_get(status, "model"), *cards = json_array();
	const char *path = json_string_value(json_object_get(model, "path"));
	struct history_reader *reader;

	if (!path) {
		json_decref(status);
		json_decref(cards);
		return reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	}
	card = card_of(path, &e);
	if (r->web->settings.history &&
		history_reader_open(&reader, r->web->settings.history, &e) == 0) {
		history_cards(reader, add_card, cards, &e);
		history_reader_close(reader);
	}
	model = json_pack("{sb sO sO? so so*}", "ok", 1, "model", model, "profile",
		json_object_get(status, "profile"), "cards", cards, "card", card);
	if (!card)
		json_object_set_new(model, "why", json_string(e.text));
	json_decref(status);
	return reply_json(MHD_HTTP_OK, model);
}

const struct route api_routes[] = {
	{"GET", "/api/status", get_status, false},
	{"GET", "/api/live", get_live, false},
	{"GET", "/api/overview", get_overview, false},
	{"GET", "/api/alerts", get_alerts, false},
	{"GET", "/api/alert", get_alert, false},
	{"GET", "/api/flows", get_flows, false},
	{"GET", "/api/capture", get_capture, true},
	{"GET", "/api/host", get_host, false},
	{"GET", "/api/suspicion", get_suspicion, false},
	{"GET", "/api/blocks", get_blocks, false},
	{"GET", "/api/mutes", get_mutes, false},
	{"GET", "/api/model", get_model, false},
};

const size_t api_routes_count = sizeof(api_routes) / sizeof(api_routes[0]);
