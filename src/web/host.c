/* What is known of a host: by the history, and what is held against it over time. */
#include "web/host.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "web/story.h"

enum { PEERS = 20 };

static const double second = 1e9;

static void add_host(void *list, const struct history_host *h)
{
	char ip[ADDR_TEXT];

	json_array_append_new(list,
		json_pack("{ss sf sf sI sI sI sI sf sf sI sI}", "ip", addr_text(h->addr, ip),
			"first", (double)h->first_ns / second, "last", (double)h->last_ns / second,
			"flows_from", (json_int_t)h->flows[0], "flows_to", (json_int_t)h->flows[1],
			"bytes_from", (json_int_t)h->bytes[0], "bytes_to", (json_int_t)h->bytes[1],
			"suspicion", h->suspicion, "suspect", (double)h->suspect_ns / second,
			"attacks", (json_int_t)h->attacks, "attacked", (json_int_t)h->attacked));
}

static void add_mutes(struct history_reader *reader, json_t *list)
{
	struct mute *mute = calloc(HISTORY_MUTES, sizeof(*mute));
	char low[ADDR_TEXT], high[ADDR_TEXT];
	unsigned count = 0;
	struct error e;

	if (mute && history_mutes(reader, mute, &count, &e) < 0)
		count = 0;
	for (unsigned i = 0; i < count; i++)
		json_array_append_new(list,
			json_pack("{ss ss ss* sb sf sf}", "low", addr_text(mute[i].low, low),
				"high", addr_text(mute[i].high, high), "class",
				mute[i].class < 0 ? NULL
						  : class_name((enum karma_class)mute[i].class),
				"attacks", mute[i].attacks, "made",
				(double)mute[i].made_ns / second, "until",
				(double)mute[i].until_ns / second));
	free(mute);
}

static int tell_host(
	struct history_reader *reader, struct history_query *q, json_t *answer, struct error *e)
{
	json_t *found = json_array(), *alerts = json_array();
	json_t *services = json_array(), *peers = json_array(), *mutes = json_array();
	int err = history_hosts(reader, q, add_host, found, e);

	q->limit = PEERS;
	if (!err)
		err = history_peers(reader, q, false, tally_add, peers, e);
	if (!err)
		err = history_peers(reader, q, true, tally_add, services, e);
	q->limit = 100;
	if (!err)
		err = history_search(reader, q, story_add_first, alerts, NULL, e);
	if (!err)
		add_mutes(reader, mutes);
	json_object_set(answer, "host", json_array_get(found, 0));
	json_decref(found);
	json_object_set_new(answer, "peers", peers);
	json_object_set_new(answer, "services", services);
	json_object_set_new(answer, "alerts", alerts);
	json_object_set_new(answer, "mutes", mutes);
	return err;
}

struct reply get_host(struct request *r)
{
	const char *text = argument(r, "addr");
	struct history_query q = {.class = -1, .mark = -1, .limit = 1, .has_range = true};
	struct history_reader *reader = NULL;
	struct error e = {""};
	struct reply reply;
	char ip[ADDR_TEXT];
	json_t *answer;

	if (!text || !addr_parse(text, q.low))
		return reply_error(MHD_HTTP_BAD_REQUEST, "'addr' takes an address");
	memcpy(q.high, q.low, 16);
	addr_text(q.low, ip);
	if (r->web->settings.history) {
		reader = open_history(r, &reply);
		if (!reader)
			return reply;
	}
	answer = json_pack(
		"{sb ss so}", "ok", 1, "ip", ip, "suspicion", events_trail(r->web->events, ip));
	if (reader && tell_host(reader, &q, answer, &e) < 0) {
		json_decref(answer);
		reply = reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	} else {
		reply = reply_json(MHD_HTTP_OK, answer);
	}
	history_reader_close(reader);
	return reply;
}

struct reply get_mutes(struct request *r)
{
	struct reply reply;
	struct history_reader *reader = open_history(r, &reply);
	json_t *mutes = json_array();

	if (!reader) {
		json_decref(mutes);
		return reply;
	}
	add_mutes(reader, mutes);
	history_reader_close(reader);
	return reply_json(MHD_HTTP_OK, json_pack("{sb so}", "ok", 1, "mutes", mutes));
}

/* ---- suspicion over time ---- */

/* A step: how sure the surest alert was that went on in it, as attacker and as target, and how many
 * there were. */
struct step {
	double sure[2];
	unsigned alerts;
};

struct steps {
	struct step *step;
	int64_t first_s, each_s;
	int64_t count;
};

static void add_spell(void *context, const struct history_spell *spell)
{
	struct steps *all = context;
	int64_t from = (spell->first_ns / 1000000000 - all->first_s) / all->each_s;
	int64_t to = (spell->last_ns / 1000000000 - all->first_s) / all->each_s;

	for (int64_t i = from < 0 ? 0 : from; i <= to && i < all->count; i++) {
		double *sure = &all->step[i].sure[spell->attacks];

		if (spell->confidence > *sure)
			*sure = spell->confidence;
		all->step[i].alerts++;
	}
}

static json_t *steps_json(const struct steps *all)
{
	json_t *list = json_array();

	for (int64_t i = 0; i < all->count; i++) {
		const struct step *s = &all->step[i];
		json_int_t at = all->first_s + i * all->each_s;

		if (s->alerts)
			json_array_append_new(list,
				json_pack("{sI sf sf si}", "at", at, "attacker", s->sure[true],
					"target", s->sure[false], "alerts", (int)s->alerts));
	}
	return list;
}

/* The steps of q's time, all empty. */
static bool steps_of(struct steps *all, const struct history_query *q, int64_t now_ns)
{
	int64_t until_s = (q->until_ns ? q->until_ns : now_ns) / 1000000000;

	all->each_s = query_step(q, now_ns);
	all->first_s = q->since_ns / 1000000000 / all->each_s * all->each_s;
	all->count = (until_s - all->first_s) / all->each_s + 1;
	all->step = all->count > 0 ? calloc((size_t)all->count, sizeof(*all->step)) : NULL;
	return all->step != NULL;
}

struct reply get_suspicion(struct request *r)
{
	int64_t now_ns = (int64_t)clock_now(CLOCK_REALTIME);
	struct history_reader *reader;
	char words[HISTORY_WORDS_ROOM];
	struct history_query q;
	struct error e = {""};
	const char *wrong = "";
	struct steps all;
	struct reply reply;

	if (!query_of(r, &q, words, &wrong))
		return reply_error(MHD_HTTP_BAD_REQUEST, "'%s' takes something else", wrong);
	if (!q.has_range || memcmp(q.low, q.high, sizeof(q.low)) != 0)
		return reply_error(MHD_HTTP_BAD_REQUEST, "'host' takes an address");
	if (!q.since_ns)
		q.since_ns = now_ns - 3600 * 1000000000LL;
	if (!steps_of(&all, &q, now_ns))
		return reply_error(MHD_HTTP_BAD_REQUEST, "'since' is not before 'until'");
	reader = open_history(r, &reply);
	if (reader && history_spells(reader, &q, add_spell, &all, &e) < 0)
		reply = reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	else if (reader)
		reply = reply_json(MHD_HTTP_OK,
			json_pack("{sb sI sf sf so}", "ok", 1, "step", (json_int_t)all.each_s,
				"since", (double)q.since_ns / second, "until",
				(double)(q.until_ns ? q.until_ns : now_ns) / second, "steps",
				steps_json(&all)));
	history_reader_close(reader);
	free(all.step);
	return reply;
}
