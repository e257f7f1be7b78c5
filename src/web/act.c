/* What a person does: marks and mutes go into the history, as `karma history` writes them; the
 * block list and the allow list are the daemon's. */
#include <errno.h>
#include <string.h>

#include "util/clock.h"
#include "web/inside.h"

static const json_int_t longest_s = 366 * 86400LL;

/* The object of the request's body; NULL: `reply` says what is wrong. */
static json_t *body_of(const struct request *r, struct reply *reply)
{
	json_error_t where;
	json_t *body = json_loadb(r->body, r->length, JSON_REJECT_DUPLICATES, &where);

	if (json_is_object(body))
		return body;
	json_decref(body);
	*reply = reply_error(MHD_HTTP_BAD_REQUEST, "a request is a JSON object: %s", where.text);
	return NULL;
}

static const char *text_in(const json_t *body, const char *key)
{
	const char *text = json_string_value(json_object_get(body, key));

	return text ? text : "";
}

/* Done, or why not. */
static struct reply done(int err, const struct error *e)
{
	if (!err)
		return reply_json(MHD_HTTP_OK, json_pack("{sb}", "ok", 1));
	return reply_error(err == -ENOENT   ? MHD_HTTP_NOT_FOUND
			   : err == -EINVAL ? MHD_HTTP_BAD_REQUEST
					    : MHD_HTTP_CONFLICT,
		"%s", e->text);
}

/* ---- the history ---- */

static int set_mark(const char *path, const json_t *body, struct error *e)
{
	const char *id = text_in(body, "id");
	int mark;

	if (!is_alert_id(id))
		return error_set(e, -EINVAL, "\"id\" takes an alert's id");
	if (!history_mark_parse(text_in(body, "mark"), &mark))
		return error_set(e, -EINVAL, "\"mark\" takes ack, false or none");
	return history_mark(path, id, (enum history_mark)mark, e);
}

static int mute(const char *path, const json_t *body, struct error *e)
{
	struct mute m = {.attacks = true, .class = -1};
	json_int_t seconds = json_integer_value(json_object_get(body, "for"));
	const char *id = text_in(body, "id"), *class = text_in(body, "class");
	int err = 0;

	if (seconds < 1 || seconds > longest_s)
		return error_set(e, -EINVAL, "\"for\" takes seconds, a year of them at most");
	if (is_alert_id(id))
		err = history_mute_of(path, id, &m, e);
	else if (!history_range(text_in(body, "address"), m.low, m.high))
		err = error_set(e, -EINVAL, "\"id\" takes an alert's id, \"address\" an address");
	if (!err && strcmp(class, "any") == 0)
		m.class = -1;
	else if (!err && *class && !history_class_parse(class, &m.class))
		err = error_set(e, -EINVAL, "\"class\" takes a class of attacks");
	if (err)
		return err;
	m.made_ns = (int64_t)clock_now(CLOCK_REALTIME);
	m.until_ns = m.made_ns + seconds * 1000000000;
	return history_mute(path, &m, e);
}

static int unmute(const char *path, const json_t *body, struct error *e)
{
	const char *low = text_in(body, "low"), *high = text_in(body, "high");
	struct mute m;
	unsigned ended = 0;
	int err;

	if (!addr_parse(low, m.low) || !addr_parse(high, m.high))
		return error_set(e, -EINVAL, "\"low\" and \"high\" take addresses");
	err = history_unmute(path, m.low, m.high, &ended, e);
	return !err && !ended ? error_set(e, -ENOENT, "%.60s is not muted", low) : err;
}

static struct reply write_history(
	struct request *r, int (*act)(const char *path, const json_t *body, struct error *e))
{
	const char *path = r->web->settings.history;
	struct error e = {""};
	struct reply reply;
	json_t *body;

	if (!path)
		return reply_error(MHD_HTTP_CONFLICT, "no history is kept");
	body = body_of(r, &reply);
	if (!body)
		return reply;
	reply = done(act(path, body, &e), &e);
	json_decref(body);
	return reply;
}

static struct reply post_mark(struct request *r)
{
	return write_history(r, set_mark);
}

static struct reply post_mute(struct request *r)
{
	return write_history(r, mute);
}

static struct reply post_unmute(struct request *r)
{
	return write_history(r, unmute);
}

/* ---- the daemon ---- */

/* A command about an address, which it checks. */
static struct reply command(struct request *r, const char *name, bool has_time)
{
	struct error e = {""};
	struct reply reply;
	json_t *body = body_of(r, &reply), *request, *answer;

	if (!body)
		return reply;
	request = json_pack("{ss ss}", "command", name, "address", text_in(body, "address"));
	if (has_time && json_object_get(body, "for"))
		json_object_set(request, "for", json_object_get(body, "for"));
	json_decref(body);
	answer = wire_ask(&r->web->wire, request, &e);
	return answer ? reply_json(MHD_HTTP_OK, answer)
		      : reply_error(MHD_HTTP_CONFLICT, "%s", e.text);
}

static struct reply post_block(struct request *r)
{
	return command(r, "block.add", true);
}

static struct reply post_unblock(struct request *r)
{
	return command(r, "block.del", false);
}

static struct reply post_allow(struct request *r)
{
	return command(r, "allow.add", false);
}

static struct reply post_disallow(struct request *r)
{
	return command(r, "allow.del", false);
}

const struct route act_routes[] = {
	{"POST", "/api/mark", post_mark, true},
	{"POST", "/api/mute", post_mute, true},
	{"POST", "/api/unmute", post_unmute, true},
	{"POST", "/api/block", post_block, true},
	{"POST", "/api/unblock", post_unblock, true},
	{"POST", "/api/allow", post_allow, true},
	{"POST", "/api/disallow", post_disallow, true},
};

const size_t act_routes_count = sizeof(act_routes) / sizeof(act_routes[0]);
