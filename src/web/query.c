/* What a URL asks of the history. */
#include <string.h>

#include "util/clock.h"
#include "util/number.h"
#include "util/when.h"
#include "web/inside.h"

struct history_reader *open_history(const struct request *r, struct reply *reply)
{
	struct history_reader *reader = NULL;
	struct error e = {""};
	const char *path = r->web->settings.history;

	if (!path)
		*reply = reply_error(MHD_HTTP_NOT_FOUND, "no history is kept");
	else if (history_reader_open(&reader, path, &e) < 0)
		*reply = reply_error(MHD_HTTP_SERVICE_UNAVAILABLE, "%s", e.text);
	return reader;
}

bool is_alert_id(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	return n > 0 && n < ALERT_ID_TEXT &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789") == n;
}

/* ---- arguments ---- */

/* Seconds since 1970, or as the command line has it: "2h", "2026-11-23T09:10". */
static bool take_moment(const char *text, int64_t now_ns, int64_t *ns)
{
	uint64_t seconds;

	if (number_parse(text, 100000000, 10000000000, &seconds)) {
		*ns = (int64_t)seconds * 1000000000;
		return true;
	}
	return moment_parse(text, now_ns, -1, ns);
}

static bool take_order(const char *text, enum history_order *order)
{
	static const char *const names[HISTORY_ORDERS] = {
		[ORDER_FIRST] = "first",
		[ORDER_LAST] = "last",
		[ORDER_CLASS] = "class",
		[ORDER_CONFIDENCE] = "confidence",
		[ORDER_ATTACKER] = "attacker",
		[ORDER_TARGET] = "target",
		[ORDER_FLOWS] = "flows",
	};

	for (int i = 0; i < HISTORY_ORDERS; i++)
		if (strcmp(text, names[i]) == 0) {
			*order = (enum history_order)i;
			return true;
		}
	return false;
}

static bool take(const char *name, const char *text, int64_t now_ns, struct history_query *q,
	char words[HISTORY_WORDS_ROOM])
{
	if (strcmp(name, "since") == 0)
		return take_moment(text, now_ns, &q->since_ns);
	if (strcmp(name, "until") == 0)
		return take_moment(text, now_ns, &q->until_ns);
	if (strcmp(name, "host") == 0)
		return q->has_range = history_range(text, q->low, q->high);
	if (strcmp(name, "class") == 0)
		return history_class_parse(text, &q->class);
	if (strcmp(name, "mark") == 0)
		return history_mark_parse(text, &q->mark);
	if (strcmp(name, "confidence") == 0)
		return history_share_parse(text, &q->confidence);
	if (strcmp(name, "text") == 0)
		return history_words_parse(text, q, words);
	if (strcmp(name, "sort") == 0)
		return take_order(text, &q->order);
	if (strcmp(name, "way") == 0) {
		q->ascending = strcmp(text, "up") == 0;
		return q->ascending || strcmp(text, "down") == 0;
	}
	if (strcmp(name, "skip") == 0)
		return number_parse(text, 0, 1000000000, &q->skip);
	return number_parse(text, 1, WEB_PAGE, &q->limit);
}

bool query_parse(argument_of get, const void *context, int64_t now_ns, struct history_query *q,
	char words[HISTORY_WORDS_ROOM], const char **wrong)
{
	static const char *const names[] = {"since", "until", "host", "class", "mark", "confidence",
		"text", "sort", "way", "skip", "limit"};

	*q = (struct history_query){.class = -1, .mark = -1, .limit = 100};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = get(context, names[i]);

		/* An empty field of a form is none. */
		if (text && *text && !take(names[i], text, now_ns, q, words)) {
			*wrong = names[i];
			return false;
		}
	}
	return true;
}

int64_t query_step(const struct history_query *q, int64_t now_ns)
{
	static const int64_t steps[] = {
		60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
	enum { STEPS = 360 };
	int64_t span_s = ((q->until_ns ? q->until_ns : now_ns) - q->since_ns) / 1000000000;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (span_s / steps[i] <= STEPS)
			return steps[i];
	return 7 * 86400;
}

static const char *argument_by(const void *request, const char *name)
{
	return argument(request, name);
}

bool query_of(const struct request *r, struct history_query *q, char words[HISTORY_WORDS_ROOM],
	const char **wrong)
{
	return query_parse(argument_by, r, (int64_t)clock_now(CLOCK_REALTIME), q, words, wrong);
}
